# Texts of the pages. Each language has exactly these keys.
sign-in-title = Sign in
sign-in-message = Sign in with your account of the organization.
sign-in-to = Sign in to go on to { $application }.
user-name = User name
user-name-example = someone@example.com
password = Password
keep-signed-in = Keep me signed in
sign-in-button = Sign in
choose-another = Sign in with another organization
home-realm-title = Where do you sign in?
home-realm-message = Choose the organization of your account.
home-realm-to = To go on to { $application }, choose the organization of your account.
home-realm-list = Organizations
home-realm-search = Find your organization
home-realm-search-button = Search
home-realm-shown = Organizations shown: { $shown } of { $total }
home-realm-none = No organization has this in its name. Try a shorter part of it.
home-realm-address = Your e-mail address at your organization
home-realm-or-address = Or write your e-mail address
home-realm-next = Next
notice-credentials = The user name or the password is not right. Check both and try again. After several attempts, wait half an hour before the next one.
notice-user-name = Write your user name with its domain, like someone@example.com or DOMAIN\someone.
notice-password-expired = Your password has expired. Change it on a computer of your organization or ask its help desk, then sign in here with the new one.
notice-unavailable = Your password could not be checked, because a server does not answer. Try again in a few minutes.
notice-stale = This page was open for too long, or it was opened in another browser. Please sign in again.
notice-cookies = Your browser did not send back the cookie of this page. Allow cookies for this site, then sign in again.
notice-home-realm = You cannot sign in here with that organization. Choose another one.
notice-address = No organization here has addresses like this one. Check the address, or choose your organization.
hand-over-title = Signing you in
hand-over-text = If nothing happens, press the button.
hand-over-button = Continue
sign-out-title = You are signed out
sign-out-text = On a computer that others use too, close all windows of the browser now.
sign-out-applications = These applications are told that you signed out.
sign-out-application-done = told
sign-out-go-on = Continue
error-title = Sign-in cannot go on
this-application = The application
error-request = This address is not a sign-in request that this service understands.
error-request-help = Go back to the application and start there. If you followed a bookmark or a link, it may be out of date.
error-no-request = This is where applications send people to sign in. Opened by itself, the address does nothing.
error-no-request-help = Open the application that you want to use: it sends you here when you need to sign in. A bookmark belongs on the application, not on the sign-in page.
error-application = The application that sent you here is not registered with this service, or it is switched off.
error-application-help = Check the address of the application. If it is right, give the details below to the people who look after it.
error-denied = You are signed in, but you may not use this application: { $application }.
error-denied-help = If you need it, ask the people who look after the application for access, and give them the details below.
error-more-proof = { $application } asks for more proof than your sign-in gives.
error-more-proof-help = This service cannot ask for a second proof. Give the details below to your help desk.
error-method = { $application } asks for a way to sign in that is not available here.
error-method-help = Try again from a computer in the network of your organization. If that does not help, give the details below to your help desk.
error-home-realm = { $application } asks for a sign-in that no organization can give here.
error-home-realm-help = Open the application again in a window of your browser. If that does not help, give the details below to your help desk.
error-loop = { $application } has sent you here again and again in the last seconds.
error-loop-help = Close the browser, open it again and try once more. If it goes on, give the details below to your help desk.
error-unavailable = Something that sign-in needs does not answer at the moment.
error-unavailable-help = Nothing is wrong with your account. Try again in a few minutes.
error-internal = Sign-in failed because of a fault of this service.
error-internal-help = Try again. If it fails once more, give the details below to your help desk.
details-title = Details for the help desk
details-code = Code
details-activity = Activity ID
details-time = Time
details-copy = Copy details
details-copied = Copied
update-password-title = Change your password
update-password-message = Write your current password, then the new one twice.
update-password-expired = Your password has expired. Choose a new one to go on.
current-password = Current password
new-password = New password
confirm-password = New password, once more
update-password-button = Change password
update-password-done-title = Your password is changed
update-password-done-text = From now on, sign in with the new password, on your other devices too.
notice-new-password-missing = Write the new password in both fields.
notice-new-password-mismatch = The two new passwords are not the same. Write both again.
notice-new-password-same = The new password is the old one. Choose another.
notice-new-password-rules = The new password does not follow the rules of your organization, or the last change was only a short time ago.
notice-change-not-allowed = Your account is not permitted to change its password here. Ask your help desk.
notice-change-unavailable = Your password could not be changed, because a server does not answer. Try again in a few minutes.
notice-sent-twice = This form was sent twice. Try to sign in with the new password; if that does not work, change it again.
rule-length = { $count ->
    [one] At least { $count } character.
   *[other] At least { $count } characters.
}
rule-complex = Three of these four: capital letters, small letters, digits, other characters. Not your name.
rule-history = { $count ->
    [one] Not your last password.
   *[other] None of your last { $count } passwords.
}
rule-age = { $count ->
    [one] At least { $count } day after the last change.
   *[other] At least { $count } days after the last change.
}
error-partner = What your organization says of you could not be accepted.
error-partner-help = Go back to the application and start again there. If that does not help, give the details below to your help desk.
link-home = Home
link-help-desk = Help desk
link-privacy = Privacy
sign-in-certificate = Sign in using a certificate
certificate-title = Sign in using a certificate
certificate-help = Insert your smart card or connect your security key, then try again and choose your certificate. If your browser no longer asks which one, close all its windows and open it again.
certificate-again = Try again
certificate-other = Sign in another way
notice-certificate-missing = Your browser sent no certificate.
notice-certificate-expired = Your certificate is not valid at this time: it has expired, or its time has not yet come. Choose another one, or ask your help desk for a new one.
notice-certificate-refused = You cannot sign in here with that certificate. Choose another one, or ask your help desk.
notice-certificate-unavailable = Your certificate could not be checked, because a server does not answer. Try again in a few minutes.
