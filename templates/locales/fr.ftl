sign-in-title = Se connecter
sign-in-message = Connectez-vous avec le compte de votre organisation.
sign-in-to = Connectez-vous pour accéder à { $application }.
user-name = Nom d’utilisateur
user-name-example = prenom@exemple.fr
password = Mot de passe
keep-signed-in = Rester connecté
sign-in-button = Se connecter
choose-another = Se connecter avec une autre organisation
home-realm-title = Où vous connectez-vous ?
home-realm-message = Choisissez l’organisation à laquelle appartient votre compte.
home-realm-to = Choisissez l’organisation à laquelle appartient votre compte pour accéder à { $application }.
home-realm-list = Organisations
home-realm-search = Trouver votre organisation
home-realm-search-button = Rechercher
home-realm-shown = Organisations affichées : { $shown } sur { $total }
home-realm-none = Aucune organisation ne porte ce nom. Essayez avec une partie plus courte.
home-realm-address = Votre adresse e-mail dans votre organisation
home-realm-or-address = Ou indiquez votre adresse e-mail dans votre organisation
home-realm-next = Suivant
notice-credentials = Le nom d’utilisateur ou le mot de passe n’est pas correct. Vérifiez les deux et réessayez. Après plusieurs essais, attendez une demi-heure avant le suivant.
notice-user-name = Indiquez votre nom d’utilisateur avec son domaine, par exemple prenom@exemple.fr ou DOMAINE\prenom.
notice-password-expired = Votre mot de passe a expiré. Changez-le sur un ordinateur de votre organisation ou adressez-vous à son assistance, puis connectez-vous ici avec le nouveau.
notice-unavailable = Votre mot de passe n’a pas pu être vérifié, car un serveur ne répond pas. Réessayez dans quelques minutes.
notice-stale = Cette page est restée ouverte trop longtemps, ou elle a été ouverte dans un autre navigateur. Veuillez vous connecter à nouveau.
notice-cookies = Votre navigateur n’a pas renvoyé le cookie de cette page. Autorisez les cookies pour ce site, puis connectez-vous à nouveau.
notice-home-realm = Vous ne pouvez pas vous connecter ici avec cette organisation. Choisissez-en une autre.
notice-address = Aucune organisation n’utilise ici d’adresse de ce type. Vérifiez l’adresse ou choisissez votre organisation.
hand-over-title = Connexion en cours
hand-over-text = Si rien ne se passe, appuyez sur le bouton.
hand-over-button = Continuer
sign-out-title = Vous êtes déconnecté
sign-out-text = Si d’autres personnes utilisent cet ordinateur, fermez maintenant toutes les fenêtres du navigateur.
sign-out-go-on = Continuer
error-title = La connexion ne peut pas continuer
this-application = L’application
error-request = Cette adresse n’est pas une demande de connexion que ce service comprend.
error-request-help = Revenez à l’application et recommencez. Si vous avez suivi un favori ou un lien, il est peut-être périmé.
error-application = L’application qui vous a envoyé ici n’est pas enregistrée auprès de ce service, ou elle est désactivée.
error-application-help = Vérifiez l’adresse de l’application. Si elle est correcte, transmettez les détails ci-dessous à ses responsables.
error-denied = Vous êtes connecté, mais vous n’avez pas accès à cette application : { $application }.
error-denied-help = Si vous en avez besoin, demandez l’accès à ses responsables et transmettez-leur les détails ci-dessous.
error-more-proof = { $application } exige une preuve d’identité plus forte que celle de votre connexion.
error-more-proof-help = Ce service ne peut pas demander de seconde preuve. Transmettez les détails ci-dessous à votre assistance.
error-method = { $application } exige un mode de connexion qui n’est pas disponible ici.
error-method-help = Réessayez depuis un ordinateur du réseau de votre organisation. Si cela ne suffit pas, transmettez les détails ci-dessous à votre assistance.
error-home-realm = { $application } demande une connexion qu’aucune organisation ne peut fournir ici.
error-home-realm-help = Rouvrez l’application dans une fenêtre de votre navigateur. Si cela ne suffit pas, transmettez les détails ci-dessous à votre assistance.
error-loop = { $application } vous a renvoyé ici plusieurs fois de suite ces dernières secondes.
error-loop-help = Fermez le navigateur, rouvrez-le et réessayez. Si cela continue, transmettez les détails ci-dessous à votre assistance.
error-unavailable = Un élément nécessaire à la connexion ne répond pas pour le moment.
error-unavailable-help = Votre compte n’est pas en cause. Réessayez dans quelques minutes.
error-internal = La connexion a échoué à cause d’une erreur de ce service.
error-internal-help = Réessayez. Si l’erreur se répète, transmettez les détails ci-dessous à votre assistance.
details-title = Détails pour l’assistance
details-code = Code
details-activity = ID d’activité
details-time = Heure
details-copy = Copier les détails
details-copied = Copié
update-password-title = Changer votre mot de passe
update-password-message = Saisissez votre mot de passe actuel, puis deux fois le nouveau.
update-password-expired = Votre mot de passe a expiré. Choisissez-en un nouveau pour continuer.
current-password = Mot de passe actuel
new-password = Nouveau mot de passe
confirm-password = Nouveau mot de passe, encore une fois
update-password-button = Changer le mot de passe
update-password-done-title = Votre mot de passe est changé
update-password-done-text = Connectez-vous désormais avec le nouveau mot de passe, y compris sur vos autres appareils.
notice-new-password-missing = Saisissez le nouveau mot de passe dans les deux champs.
notice-new-password-mismatch = Les deux nouveaux mots de passe ne sont pas identiques. Saisissez-les à nouveau.
notice-new-password-same = Le nouveau mot de passe est l’ancien. Choisissez-en un autre.
notice-new-password-rules = Le nouveau mot de passe ne respecte pas les règles de votre organisation, ou le dernier changement est trop récent.
notice-change-not-allowed = Votre compte n’est pas autorisé à changer son mot de passe ici. Adressez-vous à l’assistance.
notice-change-unavailable = Votre mot de passe n’a pas pu être changé, car un serveur ne répond pas. Réessayez dans quelques minutes.
notice-sent-twice = Ce formulaire a été envoyé deux fois. Essayez de vous connecter avec le nouveau mot de passe ; si cela ne fonctionne pas, changez-le à nouveau.
rule-length = { $count ->
    [one] Au moins { $count } caractère.
   *[other] Au moins { $count } caractères.
}
rule-complex = Trois de ces quatre sortes : majuscules, minuscules, chiffres, autres caractères. Pas votre nom.
rule-history = { $count ->
    [one] Pas votre dernier mot de passe.
   *[other] Aucun de vos { $count } derniers mots de passe.
}
rule-age = { $count ->
    [one] Au moins { $count } jour après le dernier changement.
   *[other] Au moins { $count } jours après le dernier changement.
}
error-partner = Ce que votre organisation indique à votre sujet n’a pas pu être accepté.
error-partner-help = Retournez à l’application et recommencez. Si cela n’aide pas, transmettez les détails ci-dessous à l’assistance.
link-home = Accueil
link-help-desk = Assistance
link-privacy = Confidentialité
