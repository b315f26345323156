sign-in-title = Logowanie
sign-in-message = Zaloguj się kontem swojej organizacji.
sign-in-to = Zaloguj się, aby przejść do: { $application }.
user-name = Nazwa użytkownika
user-name-example = nazwa@przyklad.pl
password = Hasło
keep-signed-in = Nie wylogowuj mnie
sign-in-button = Zaloguj się
choose-another = Zaloguj się w innej organizacji
home-realm-title = Gdzie się logujesz?
home-realm-message = Wybierz organizację, do której należy Twoje konto.
home-realm-to = Wybierz organizację, do której należy Twoje konto, aby przejść do: { $application }.
home-realm-list = Organizacje
home-realm-search = Znajdź swoją organizację
home-realm-search-button = Szukaj
home-realm-shown = Wyświetlone organizacje: { $shown } z { $total }
home-realm-none = Żadna organizacja nie ma tego w nazwie. Spróbuj wpisać krótszy fragment.
home-realm-address = Twój adres e-mail w organizacji
home-realm-or-address = Albo podaj swój adres e-mail w organizacji
home-realm-next = Dalej
notice-credentials = Nazwa użytkownika lub hasło jest nieprawidłowe. Sprawdź jedno i drugie i spróbuj ponownie. Po kilku próbach odczekaj pół godziny przed następną.
notice-user-name = Podaj nazwę użytkownika wraz z domeną, na przykład nazwa@przyklad.pl lub DOMENA\nazwa.
notice-password-expired = Twoje hasło wygasło. Zmień je na komputerze swojej organizacji lub zwróć się do pomocy technicznej, a potem zaloguj się tutaj nowym hasłem.
notice-unavailable = Nie można było sprawdzić hasła, ponieważ serwer nie odpowiada. Spróbuj ponownie za kilka minut.
notice-stale = Ta strona była otwarta zbyt długo lub została otwarta w innej przeglądarce. Zaloguj się ponownie.
notice-cookies = Przeglądarka nie odesłała pliku cookie tej strony. Zezwól tej witrynie na pliki cookie i zaloguj się ponownie.
notice-home-realm = Nie można tu zalogować się w tej organizacji. Wybierz inną.
notice-address = Żadna organizacja nie ma tu takich adresów. Sprawdź adres lub wybierz swoją organizację.
hand-over-title = Trwa logowanie
hand-over-text = Jeśli nic się nie dzieje, naciśnij przycisk.
hand-over-button = Dalej
sign-out-title = Wylogowano
sign-out-text = Jeśli z tego komputera korzystają też inni, zamknij teraz wszystkie okna przeglądarki.
sign-out-applications = Te aplikacje otrzymują informację o wylogowaniu.
sign-out-application-done = powiadomiono
sign-out-go-on = Dalej
error-title = Nie można kontynuować logowania
this-application = Aplikacja
error-request = Ten adres nie jest żądaniem logowania zrozumiałym dla tej usługi.
error-request-help = Wróć do aplikacji i zacznij od niej. Zakładka lub łącze mogą być nieaktualne.
error-no-request = Tutaj aplikacje kierują użytkowników, aby się zalogowali. Sam ten adres niczego nie otwiera.
error-no-request-help = Otwórz aplikację, z której chcesz skorzystać: skieruje Cię tutaj, gdy potrzebne będzie logowanie. Zakładkę ustaw na aplikację, a nie na stronę logowania.
error-application = Aplikacja, z której nastąpiło przekierowanie, nie jest zarejestrowana w tej usłudze lub jest wyłączona.
error-application-help = Sprawdź adres aplikacji. Jeśli jest prawidłowy, przekaż poniższe szczegóły jej opiekunom.
error-denied = Zalogowano, ale nie masz dostępu do tej aplikacji: { $application }.
error-denied-help = Jeśli jej potrzebujesz, poproś jej opiekunów o dostęp i przekaż im poniższe szczegóły.
error-more-proof = { $application } wymaga silniejszego potwierdzenia tożsamości niż to logowanie.
error-more-proof-help = Ta usługa nie może poprosić o drugie potwierdzenie. Przekaż poniższe szczegóły pomocy technicznej.
error-method = { $application } wymaga sposobu logowania, który nie jest tutaj dostępny.
error-method-help = Spróbuj na komputerze w sieci swojej organizacji. Jeśli to nie pomoże, przekaż poniższe szczegóły pomocy technicznej.
error-home-realm = { $application } wymaga logowania, którego żadna organizacja nie może tu zapewnić.
error-home-realm-help = Otwórz aplikację ponownie w oknie przeglądarki. Jeśli to nie pomoże, przekaż poniższe szczegóły pomocy technicznej.
error-loop = { $application } w ostatnich sekundach wielokrotnie przekierowuje tu przeglądarkę.
error-loop-help = Zamknij przeglądarkę, otwórz ją ponownie i spróbuj jeszcze raz. Jeśli to się powtarza, przekaż poniższe szczegóły pomocy technicznej.
error-unavailable = Element potrzebny do logowania w tej chwili nie odpowiada.
error-unavailable-help = Z Twoim kontem wszystko jest w porządku. Spróbuj ponownie za kilka minut.
error-internal = Logowanie nie powiodło się z powodu błędu tej usługi.
error-internal-help = Spróbuj ponownie. Jeśli błąd się powtórzy, przekaż poniższe szczegóły pomocy technicznej.
details-title = Szczegóły dla pomocy technicznej
details-code = Kod
details-activity = Identyfikator działania
details-time = Czas
details-copy = Kopiuj szczegóły
details-copied = Skopiowano
update-password-title = Zmiana hasła
update-password-message = Wpisz obecne hasło, a potem dwa razy nowe.
update-password-expired = Twoje hasło wygasło. Wybierz nowe, aby przejść dalej.
current-password = Obecne hasło
new-password = Nowe hasło
confirm-password = Nowe hasło jeszcze raz
update-password-button = Zmień hasło
update-password-done-title = Hasło zostało zmienione
update-password-done-text = Od teraz loguj się nowym hasłem, także na innych swoich urządzeniach.
notice-new-password-missing = Wpisz nowe hasło w oba pola.
notice-new-password-mismatch = Wpisane nowe hasła różnią się od siebie. Wpisz oba jeszcze raz.
notice-new-password-same = Nowe hasło jest takie samo jak stare. Wybierz inne.
notice-new-password-rules = Nowe hasło nie spełnia zasad Twojej organizacji albo ostatnia zmiana była niedawno.
notice-change-not-allowed = To konto nie może tutaj zmienić hasła. Zwróć się do pomocy technicznej.
notice-change-unavailable = Nie można było zmienić hasła, ponieważ serwer nie odpowiada. Spróbuj ponownie za kilka minut.
notice-sent-twice = Ten formularz wysłano dwa razy. Spróbuj zalogować się nowym hasłem; jeśli to się nie uda, zmień je jeszcze raz.
rule-length = { $count ->
    [one] Co najmniej { $count } znak.
    [few] Co najmniej { $count } znaki.
    [many] Co najmniej { $count } znaków.
   *[other] Co najmniej { $count } znaku.
}
rule-complex = Trzy z czterech rodzajów: wielkie litery, małe litery, cyfry, inne znaki. Bez Twojego imienia i nazwiska.
rule-history = { $count ->
    [one] Inne niż ostatnie hasło.
    [few] Inne niż { $count } ostatnie hasła.
    [many] Inne niż { $count } ostatnich haseł.
   *[other] Inne niż { $count } ostatniego hasła.
}
rule-age = { $count ->
    [one] Co najmniej { $count } dzień po ostatniej zmianie.
    [few] Co najmniej { $count } dni po ostatniej zmianie.
    [many] Co najmniej { $count } dni po ostatniej zmianie.
   *[other] Co najmniej { $count } dnia po ostatniej zmianie.
}
error-partner = Nie można było przyjąć tego, co o Tobie podaje Twoja organizacja.
error-partner-help = Wróć do aplikacji i zacznij od nowa. Jeśli to nie pomoże, przekaż poniższe szczegóły pomocy technicznej.
link-home = Strona główna
link-help-desk = Pomoc techniczna
link-privacy = Prywatność
sign-in-certificate = Zaloguj się za pomocą certyfikatu
certificate-title = Zaloguj się za pomocą certyfikatu
certificate-help = Włóż kartę inteligentną lub podłącz klucz zabezpieczeń, spróbuj ponownie i wybierz swój certyfikat. Jeśli przeglądarka już o niego nie pyta, zamknij wszystkie jej okna i otwórz ją na nowo.
certificate-again = Spróbuj ponownie
certificate-other = Zaloguj się w inny sposób
notice-certificate-missing = Przeglądarka nie wysłała żadnego certyfikatu.
notice-certificate-expired = Twój certyfikat nie jest teraz ważny: wygasł albo jeszcze nie zaczął obowiązywać. Wybierz inny lub poproś pomoc techniczną o nowy.
notice-certificate-refused = Nie można zalogować się tutaj za pomocą tego certyfikatu. Wybierz inny lub zwróć się do pomocy technicznej.
notice-certificate-unavailable = Nie udało się sprawdzić certyfikatu, ponieważ serwer nie odpowiada. Spróbuj ponownie za kilka minut.
my-devices-title = Moje urządzenia
my-devices-message = Urządzenia zarejestrowane dla { $user }.
my-devices-none = Nie masz zarejestrowanych urządzeń.
my-devices-shown = Pokazane urządzenia: { $shown } z { $total }
device-kind = Rodzaj
device-kind-own = Twoje własne urządzenie
device-kind-domain = Komputer organizacji
device-kind-other = Zarejestrowane urządzenie
device-system = System operacyjny
device-used = Ostatnie użycie
device-registered = Zarejestrowano
device-unknown = Nieznane
device-state-disabled = Wyłączone. Jeśli go potrzebujesz, zapytaj dział pomocy.
device-state-managed = Tym urządzeniem zarządza Twoja organizacja.
device-disable = Wyłącz
device-disable-title = Wyłączyć to urządzenie?
device-disable-text = Nikt nie będzie mógł się już nim zalogować. Ponownie włączyć może je tylko dział pomocy. Zrób to, jeśli je zgubisz.
device-remove = Usuń
device-remove-title = Usunąć to urządzenie?
device-remove-text = Nikt nie będzie mógł się nim zalogować, dopóki nie zostanie ponownie zarejestrowane. Zrób to, jeśli już go nie używasz.
device-keep = Zostaw bez zmian
device-disabled = Urządzenie { $device } jest wyłączone.
device-removed = Urządzenie { $device } zostało usunięte.
notice-device-gone = Nie masz takiego urządzenia albo nie można go już tutaj zmienić.
notice-devices-unavailable = Nie można pokazać ani zmienić Twoich urządzeń, bo serwer nie odpowiada. Spróbuj ponownie za kilka minut.
device-code-title = Logowanie na innym urządzeniu
device-code-message = Wpisz kod, który pokazuje urządzenie.
device-code = Kod urządzenia
device-code-next = Dalej
device-code-question-title = Pozwolić urządzeniu się zalogować?
device-code-question-text = { $application } na innym urządzeniu chce się zalogować jako { $user }.
device-code-application = Aplikacja
device-code-resource = Dostęp do
device-code-address = Żądanie z adresu
device-code-time = Czas żądania
device-code-warning = Kontynuuj tylko wtedy, gdy to logowanie zostało przed chwilą rozpoczęte przez Ciebie, a urządzenie przed Tobą pokazuje ten kod. Nikt nie ma prawa prosić Cię o ten kod przez telefon, e-mail ani czat.
device-code-allow = Pozwól się zalogować
device-code-deny = Anuluj
device-code-approved-title = Możesz wrócić do urządzenia
device-code-approved-text = Zaloguje się w ciągu kilku sekund. Możesz zamknąć tę stronę.
device-code-denied-title = Urządzenie nie jest zalogowane
device-code-denied-text = Niczego nie przekazano. Jeśli to logowanie nie zostało rozpoczęte przez Ciebie, powiadom dział pomocy.
notice-device-code = Żadne urządzenie nie czeka na ten kod. Sprawdź go albo wyświetl na urządzeniu nowy.
notice-device-code-locked = Wpisano zbyt wiele kodów. Odczekaj dziesięć minut, a potem wyświetl na urządzeniu nowy kod.
