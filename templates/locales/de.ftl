sign-in-title = Anmelden
sign-in-message = Melden Sie sich mit dem Konto Ihrer Organisation an.
sign-in-to = Melden Sie sich an, um zu { $application } zu gelangen.
user-name = Benutzername
user-name-example = name@beispiel.de
password = Kennwort
keep-signed-in = Angemeldet bleiben
sign-in-button = Anmelden
choose-another = Bei einer anderen Organisation anmelden
home-realm-title = Wo melden Sie sich an?
home-realm-message = Wählen Sie die Organisation, zu der Ihr Konto gehört.
home-realm-to = Wählen Sie die Organisation, zu der Ihr Konto gehört, um zu { $application } zu gelangen.
home-realm-list = Organisationen
home-realm-search = Ihre Organisation suchen
home-realm-search-button = Suchen
home-realm-shown = Angezeigte Organisationen: { $shown } von { $total }
home-realm-none = Keine Organisation hat das in ihrem Namen. Versuchen Sie es mit einem kürzeren Teil davon.
home-realm-address = Ihre E-Mail-Adresse in Ihrer Organisation
home-realm-or-address = Oder geben Sie die E-Mail-Adresse in Ihrer Organisation ein
home-realm-next = Weiter
notice-credentials = Der Benutzername oder das Kennwort stimmt nicht. Prüfen Sie beides und versuchen Sie es noch einmal. Warten Sie nach mehreren Versuchen eine halbe Stunde.
notice-user-name = Geben Sie den Benutzernamen mit seiner Domäne ein, zum Beispiel name@beispiel.de oder DOMÄNE\name.
notice-password-expired = Ihr Kennwort ist abgelaufen. Ändern Sie es an einem Computer Ihrer Organisation oder fragen Sie den Helpdesk; melden Sie sich dann hier mit dem neuen an.
notice-unavailable = Ihr Kennwort konnte nicht geprüft werden, weil ein Server nicht antwortet. Versuchen Sie es in einigen Minuten noch einmal.
notice-stale = Diese Seite war zu lange geöffnet oder stammt aus einem anderen Browser. Bitte melden Sie sich noch einmal an.
notice-cookies = Ihr Browser hat das Cookie dieser Seite nicht zurückgeschickt. Erlauben Sie Cookies für diese Website und melden Sie sich dann noch einmal an.
notice-home-realm = Mit dieser Organisation können Sie sich hier nicht anmelden. Wählen Sie eine andere.
notice-address = Keine Organisation hat hier Adressen wie diese. Prüfen Sie die Adresse, oder wählen Sie Ihre Organisation.
hand-over-title = Sie werden angemeldet
hand-over-text = Wenn nichts geschieht, drücken Sie die Schaltfläche.
hand-over-button = Weiter
sign-out-title = Sie sind abgemeldet
sign-out-text = Schließen Sie jetzt alle Fenster des Browsers, wenn auch andere diesen Computer benutzen.
sign-out-go-on = Weiter
error-title = Die Anmeldung kann nicht fortgesetzt werden
this-application = Die Anwendung
error-request = Diese Adresse ist keine Anmeldung, die dieser Dienst versteht.
error-request-help = Kehren Sie zur Anwendung zurück und beginnen Sie dort. Ein Lesezeichen oder Link kann veraltet sein.
error-application = Die Anwendung, von der Sie kommen, ist bei diesem Dienst nicht registriert oder ausgeschaltet.
error-application-help = Prüfen Sie die Adresse der Anwendung. Wenn sie stimmt, geben Sie die Angaben unten an deren Betreuer weiter.
error-denied = Sie sind angemeldet, dürfen diese Anwendung aber nicht benutzen: { $application }.
error-denied-help = Wenn Sie sie brauchen, bitten Sie die Betreuer der Anwendung um Zugang und nennen Sie ihnen die Angaben unten.
error-more-proof = { $application } verlangt einen stärkeren Nachweis, als Ihre Anmeldung ihn gibt.
error-more-proof-help = Dieser Dienst kann keinen zweiten Nachweis verlangen. Geben Sie die Angaben unten an Ihren Helpdesk weiter.
error-method = { $application } verlangt eine Art der Anmeldung, die hier nicht möglich ist.
error-method-help = Versuchen Sie es an einem Computer im Netzwerk Ihrer Organisation. Wenn das nicht hilft, geben Sie die Angaben unten an Ihren Helpdesk weiter.
error-home-realm = { $application } verlangt eine Anmeldung, die hier keine Organisation leisten kann.
error-home-realm-help = Öffnen Sie die Anwendung noch einmal in einem Fenster Ihres Browsers. Wenn das nicht hilft, geben Sie die Angaben unten an Ihren Helpdesk weiter.
error-loop = { $application } hat Sie in den letzten Sekunden immer wieder hierher geschickt.
error-loop-help = Schließen Sie den Browser, öffnen Sie ihn wieder und versuchen Sie es noch einmal. Wenn es nicht aufhört, geben Sie die Angaben unten an Ihren Helpdesk weiter.
error-unavailable = Etwas, das für die Anmeldung gebraucht wird, antwortet zurzeit nicht.
error-unavailable-help = Mit Ihrem Konto ist alles in Ordnung. Versuchen Sie es in einigen Minuten noch einmal.
error-internal = Die Anmeldung ist wegen eines Fehlers dieses Dienstes fehlgeschlagen.
error-internal-help = Versuchen Sie es noch einmal. Wenn es wieder fehlschlägt, geben Sie die Angaben unten an Ihren Helpdesk weiter.
details-title = Angaben für den Helpdesk
details-code = Code
details-activity = Aktivitäts-ID
details-time = Zeit
details-copy = Angaben kopieren
details-copied = Kopiert
update-password-title = Kennwort ändern
update-password-message = Geben Sie Ihr aktuelles Kennwort ein und dann zweimal das neue.
update-password-expired = Ihr Kennwort ist abgelaufen. Wählen Sie ein neues, um fortzufahren.
current-password = Aktuelles Kennwort
new-password = Neues Kennwort
confirm-password = Neues Kennwort wiederholen
update-password-button = Kennwort ändern
update-password-done-title = Ihr Kennwort ist geändert
update-password-done-text = Melden Sie sich ab jetzt mit dem neuen Kennwort an, auch auf Ihren anderen Geräten.
notice-new-password-missing = Geben Sie das neue Kennwort in beide Felder ein.
notice-new-password-mismatch = Die beiden neuen Kennwörter stimmen nicht überein. Geben Sie beide noch einmal ein.
notice-new-password-same = Das neue Kennwort ist das alte. Wählen Sie ein anderes.
notice-new-password-rules = Das neue Kennwort entspricht nicht den Regeln Ihrer Organisation, oder die letzte Änderung liegt erst kurze Zeit zurück.
notice-change-not-allowed = Ihr Konto darf sein Kennwort hier nicht ändern. Fragen Sie den Helpdesk.
notice-change-unavailable = Ihr Kennwort konnte nicht geändert werden, weil ein Server nicht antwortet. Versuchen Sie es in einigen Minuten noch einmal.
notice-sent-twice = Dieses Formular wurde zweimal abgeschickt. Melden Sie sich mit dem neuen Kennwort an; wenn das nicht geht, ändern Sie es noch einmal.
rule-length = { $count ->
    [one] Mindestens { $count } Zeichen.
   *[other] Mindestens { $count } Zeichen.
}
rule-complex = Drei von diesen vier: Großbuchstaben, Kleinbuchstaben, Ziffern, andere Zeichen. Nicht Ihr Name.
rule-history = { $count ->
    [one] Nicht Ihr letztes Kennwort.
   *[other] Keines Ihrer letzten { $count } Kennwörter.
}
rule-age = { $count ->
    [one] Mindestens { $count } Tag nach der letzten Änderung.
   *[other] Mindestens { $count } Tage nach der letzten Änderung.
}
error-partner = Was Ihre Organisation über Sie mitteilt, konnte nicht angenommen werden.
error-partner-help = Gehen Sie zurück zur Anwendung und beginnen Sie dort noch einmal. Wenn das nicht hilft, geben Sie die Angaben unten dem Helpdesk.
link-home = Startseite
link-help-desk = Helpdesk
link-privacy = Datenschutz
