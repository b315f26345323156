sign-in-title = Aanmelden
sign-in-message = Meld u aan met het account van uw organisatie.
sign-in-to = Meld u aan om verder te gaan naar { $application }.
user-name = Gebruikersnaam
user-name-example = naam@voorbeeld.nl
password = Wachtwoord
keep-signed-in = Aangemeld blijven
sign-in-button = Aanmelden
choose-another = Aanmelden bij een andere organisatie
home-realm-title = Waar meldt u zich aan?
home-realm-message = Kies de organisatie waar uw account bij hoort.
home-realm-to = Kies de organisatie waar uw account bij hoort om verder te gaan naar { $application }.
home-realm-list = Organisaties
home-realm-search = Zoek uw organisatie
home-realm-search-button = Zoeken
home-realm-shown = Getoonde organisaties: { $shown } van { $total }
home-realm-none = Geen enkele organisatie heeft dit in haar naam. Probeer een korter deel ervan.
home-realm-address = Uw e-mailadres bij uw organisatie
home-realm-or-address = Of vul uw e-mailadres bij uw organisatie in
home-realm-next = Volgende
notice-credentials = De gebruikersnaam of het wachtwoord klopt niet. Controleer beide en probeer het opnieuw. Wacht na meerdere pogingen een half uur voor de volgende.
notice-user-name = Geef uw gebruikersnaam met het domein op, bijvoorbeeld naam@voorbeeld.nl of DOMEIN\naam.
notice-password-expired = Uw wachtwoord is verlopen. Wijzig het op een computer van uw organisatie of vraag de helpdesk om hulp, en meld u hier daarna aan met het nieuwe.
notice-unavailable = Uw wachtwoord kon niet worden gecontroleerd, omdat een server niet antwoordt. Probeer het over enkele minuten opnieuw.
notice-stale = Deze pagina stond te lang open of is in een andere browser geopend. Meld u opnieuw aan.
notice-cookies = Uw browser heeft de cookie van deze pagina niet teruggestuurd. Sta cookies voor deze site toe en meld u dan opnieuw aan.
notice-home-realm = Met die organisatie kunt u zich hier niet aanmelden. Kies een andere.
notice-address = Geen enkele organisatie heeft hier adressen zoals dit. Controleer het adres of kies uw organisatie.
hand-over-title = U wordt aangemeld
hand-over-text = Gebeurt er niets, druk dan op de knop.
hand-over-button = Doorgaan
sign-out-title = U bent afgemeld
sign-out-text = Sluit nu alle vensters van de browser als ook anderen deze computer gebruiken.
sign-out-go-on = Doorgaan
error-title = De aanmelding kan niet doorgaan
this-application = De toepassing
error-request = Dit adres is geen aanmeldingsverzoek dat deze dienst begrijpt.
error-request-help = Ga terug naar de toepassing en begin daar. Een bladwijzer of koppeling kan verouderd zijn.
error-application = De toepassing die u hierheen heeft gestuurd, is niet bij deze dienst geregistreerd of is uitgeschakeld.
error-application-help = Controleer het adres van de toepassing. Als het klopt, geef de gegevens hieronder dan door aan de beheerders ervan.
error-denied = U bent aangemeld, maar u mag deze toepassing niet gebruiken: { $application }.
error-denied-help = Als u deze nodig heeft, vraag de beheerders dan om toegang en geef hun de gegevens hieronder.
error-more-proof = { $application } vraagt een sterker bewijs van identiteit dan uw aanmelding geeft.
error-more-proof-help = Deze dienst kan geen tweede bewijs vragen. Geef de gegevens hieronder door aan uw helpdesk.
error-method = { $application } vraagt een manier van aanmelden die hier niet beschikbaar is.
error-method-help = Probeer het op een computer in het netwerk van uw organisatie. Helpt dat niet, geef de gegevens hieronder dan door aan uw helpdesk.
error-home-realm = { $application } vraagt een aanmelding die geen enkele organisatie hier kan geven.
error-home-realm-help = Open de toepassing opnieuw in een venster van uw browser. Helpt dat niet, geef de gegevens hieronder dan door aan uw helpdesk.
error-loop = { $application } heeft u de laatste seconden steeds opnieuw hierheen gestuurd.
error-loop-help = Sluit de browser, open deze opnieuw en probeer het nog eens. Houdt het aan, geef de gegevens hieronder dan door aan uw helpdesk.
error-unavailable = Iets wat voor de aanmelding nodig is, antwoordt op dit moment niet.
error-unavailable-help = Met uw account is niets mis. Probeer het over enkele minuten opnieuw.
error-internal = De aanmelding is mislukt door een fout van deze dienst.
error-internal-help = Probeer het opnieuw. Mislukt het weer, geef de gegevens hieronder dan door aan uw helpdesk.
details-title = Gegevens voor de helpdesk
details-code = Code
details-activity = Activiteits-id
details-time = Tijd
details-copy = Gegevens kopiëren
details-copied = Gekopieerd
update-password-title = Uw wachtwoord wijzigen
update-password-message = Typ uw huidige wachtwoord en daarna twee keer het nieuwe.
update-password-expired = Uw wachtwoord is verlopen. Kies een nieuw wachtwoord om verder te gaan.
current-password = Huidig wachtwoord
new-password = Nieuw wachtwoord
confirm-password = Nieuw wachtwoord, nog een keer
update-password-button = Wachtwoord wijzigen
update-password-done-title = Uw wachtwoord is gewijzigd
update-password-done-text = Meld u vanaf nu aan met het nieuwe wachtwoord, ook op uw andere apparaten.
notice-new-password-missing = Typ het nieuwe wachtwoord in beide velden.
notice-new-password-mismatch = De twee nieuwe wachtwoorden zijn niet gelijk. Typ beide opnieuw.
notice-new-password-same = Het nieuwe wachtwoord is het oude. Kies een ander.
notice-new-password-rules = Het nieuwe wachtwoord voldoet niet aan de regels van uw organisatie, of de laatste wijziging is te kort geleden.
notice-change-not-allowed = Uw account mag het wachtwoord hier niet wijzigen. Vraag de helpdesk om hulp.
notice-change-unavailable = Uw wachtwoord kon niet worden gewijzigd, omdat een server niet antwoordt. Probeer het over enkele minuten opnieuw.
notice-sent-twice = Dit formulier is twee keer verzonden. Probeer u aan te melden met het nieuwe wachtwoord; lukt dat niet, wijzig het dan opnieuw.
rule-length = { $count ->
    [one] Ten minste { $count } teken.
   *[other] Ten minste { $count } tekens.
}
rule-complex = Drie van deze vier: hoofdletters, kleine letters, cijfers, andere tekens. Niet uw naam.
rule-history = { $count ->
    [one] Niet uw laatste wachtwoord.
   *[other] Geen van uw laatste { $count } wachtwoorden.
}
rule-age = { $count ->
    [one] Ten minste { $count } dag na de laatste wijziging.
   *[other] Ten minste { $count } dagen na de laatste wijziging.
}
error-partner = Wat uw organisatie over u meldt, kon niet worden geaccepteerd.
error-partner-help = Ga terug naar de toepassing en begin daar opnieuw. Helpt dat niet, geef dan de gegevens hieronder aan de helpdesk.
link-home = Startpagina
link-help-desk = Helpdesk
link-privacy = Privacyverklaring
