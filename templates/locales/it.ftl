sign-in-title = Accedi
sign-in-message = Acceda con l’account della sua organizzazione.
sign-in-to = Acceda per continuare su { $application }.
user-name = Nome utente
user-name-example = nome@esempio.it
password = Password
keep-signed-in = Mantieni l’accesso
sign-in-button = Accedi
choose-another = Accedi con un’altra organizzazione
home-realm-title = Dove accede?
home-realm-message = Scelga l’organizzazione a cui appartiene il suo account.
home-realm-to = Scelga l’organizzazione a cui appartiene il suo account per continuare su { $application }.
home-realm-list = Organizzazioni
home-realm-search = Trovi la sua organizzazione
home-realm-search-button = Cerca
home-realm-shown = Organizzazioni mostrate: { $shown } di { $total }
home-realm-none = Nessuna organizzazione contiene questo nel nome. Provi con una parte più breve.
home-realm-address = Il suo indirizzo e-mail nella sua organizzazione
home-realm-or-address = Oppure scriva il suo indirizzo e-mail nella sua organizzazione
home-realm-next = Avanti
notice-credentials = Il nome utente o la password non sono corretti. Li controlli entrambi e riprovi. Dopo più tentativi, attenda mezz’ora prima del successivo.
notice-user-name = Scriva il nome utente con il suo dominio, per esempio nome@esempio.it o DOMINIO\nome.
notice-password-expired = La sua password è scaduta. La cambi su un computer della sua organizzazione o si rivolga all’assistenza, poi acceda qui con quella nuova.
notice-unavailable = Non è stato possibile verificare la password perché un server non risponde. Riprovi tra qualche minuto.
notice-stale = Questa pagina è rimasta aperta troppo a lungo o è stata aperta in un altro browser. Acceda di nuovo.
notice-cookies = Il browser non ha restituito il cookie di questa pagina. Consenta i cookie per questo sito, poi acceda di nuovo.
notice-home-realm = Qui non può accedere con questa organizzazione. Ne scelga un’altra.
notice-address = Nessuna organizzazione usa qui indirizzi come questo. Controlli l’indirizzo oppure scelga la sua organizzazione.
hand-over-title = Accesso in corso
hand-over-text = Se non succede nulla, prema il pulsante.
hand-over-button = Continua
sign-out-title = Ha effettuato la disconnessione
sign-out-text = Se altre persone usano questo computer, chiuda ora tutte le finestre del browser.
sign-out-go-on = Continua
error-title = L’accesso non può proseguire
this-application = L’applicazione
error-request = Questo indirizzo non è una richiesta di accesso che il servizio comprende.
error-request-help = Torni all’applicazione e ricominci da lì. Se ha seguito un preferito o un collegamento, potrebbe non essere aggiornato.
error-application = L’applicazione da cui proviene non è registrata presso questo servizio o è disattivata.
error-application-help = Controlli l’indirizzo dell’applicazione. Se è corretto, comunichi i dettagli qui sotto ai suoi responsabili.
error-denied = Ha effettuato l’accesso, ma non può usare questa applicazione: { $application }.
error-denied-help = Se le serve, chieda l’accesso ai responsabili e comunichi loro i dettagli qui sotto.
error-more-proof = { $application } richiede una prova di identità più forte di quella del suo accesso.
error-more-proof-help = Questo servizio non può chiedere una seconda prova. Comunichi i dettagli qui sotto all’assistenza.
error-method = { $application } richiede un modo di accedere che qui non è disponibile.
error-method-help = Riprovi da un computer nella rete della sua organizzazione. Se non basta, comunichi i dettagli qui sotto all’assistenza.
error-home-realm = { $application } richiede un accesso che qui nessuna organizzazione può fornire.
error-home-realm-help = Apra di nuovo l’applicazione in una finestra del browser. Se non basta, comunichi i dettagli qui sotto all’assistenza.
error-loop = { $application } l’ha rimandata qui più volte negli ultimi secondi.
error-loop-help = Chiuda il browser, lo riapra e riprovi. Se continua, comunichi i dettagli qui sotto all’assistenza.
error-unavailable = Qualcosa di necessario per l’accesso al momento non risponde.
error-unavailable-help = Il suo account non ha problemi. Riprovi tra qualche minuto.
error-internal = L’accesso non è riuscito per un errore di questo servizio.
error-internal-help = Riprovi. Se l’errore si ripete, comunichi i dettagli qui sotto all’assistenza.
details-title = Dettagli per l’assistenza
details-code = Codice
details-activity = ID attività
details-time = Ora
details-copy = Copia i dettagli
details-copied = Copiato
update-password-title = Cambi la password
update-password-message = Scriva la password attuale, poi due volte quella nuova.
update-password-expired = La sua password è scaduta. Ne scelga una nuova per continuare.
current-password = Password attuale
new-password = Nuova password
confirm-password = Nuova password, ancora una volta
update-password-button = Cambia password
update-password-done-title = La sua password è cambiata
update-password-done-text = Da ora in poi acceda con la nuova password, anche sugli altri suoi dispositivi.
notice-new-password-missing = Scriva la nuova password in entrambi i campi.
notice-new-password-mismatch = Le due nuove password non sono uguali. Le scriva di nuovo entrambe.
notice-new-password-same = La nuova password è quella vecchia. Ne scelga un’altra.
notice-new-password-rules = La nuova password non rispetta le regole della sua organizzazione, oppure l’ultimo cambio è troppo recente.
notice-change-not-allowed = Il suo account non può cambiare la password qui. Si rivolga all’assistenza.
notice-change-unavailable = Non è stato possibile cambiare la password perché un server non risponde. Riprovi tra qualche minuto.
notice-sent-twice = Questo modulo è stato inviato due volte. Provi ad accedere con la nuova password; se non funziona, la cambi di nuovo.
rule-length = { $count ->
    [one] Almeno { $count } carattere.
   *[other] Almeno { $count } caratteri.
}
rule-complex = Tre di questi quattro tipi: maiuscole, minuscole, cifre, altri caratteri. Non il suo nome.
rule-history = { $count ->
    [one] Diversa dalla sua ultima password.
   *[other] Diversa dalle sue ultime { $count } password.
}
rule-age = { $count ->
    [one] Almeno { $count } giorno dopo l’ultimo cambio.
   *[other] Almeno { $count } giorni dopo l’ultimo cambio.
}
error-partner = Non è stato possibile accettare quanto la sua organizzazione indica su di lei.
error-partner-help = Torni all’applicazione e ricominci da lì. Se non basta, comunichi i dettagli qui sotto all’assistenza.
link-home = Pagina iniziale
link-help-desk = Assistenza
link-privacy = Informativa sulla privacy
