sign-in-title = כניסה
sign-in-message = יש להיכנס עם החשבון של הארגון.
sign-in-to = יש להיכנס כדי להמשיך אל { $application }.
user-name = שם משתמש
user-name-example = name@example.com
password = סיסמה
keep-signed-in = לזכור אותי במכשיר הזה
sign-in-button = כניסה
choose-another = כניסה עם ארגון אחר
home-realm-title = היכן נכנסים?
home-realm-message = יש לבחור את הארגון שאליו שייך החשבון.
home-realm-to = יש לבחור את הארגון שאליו שייך החשבון כדי להמשיך אל { $application }.
home-realm-list = ארגונים
home-realm-search = חיפוש הארגון שלך
home-realm-search-button = חיפוש
home-realm-shown = ארגונים מוצגים: { $shown } מתוך { $total }
home-realm-none = אין ארגון ששמו כולל את הטקסט הזה. אפשר לנסות חלק קצר יותר.
home-realm-address = כתובת הדואר האלקטרוני שלך בארגון
home-realm-or-address = או לכתוב את כתובת הדואר האלקטרוני שלך בארגון
home-realm-next = הבא
notice-credentials = שם המשתמש או הסיסמה אינם נכונים. יש לבדוק את שניהם ולנסות שוב. אחרי כמה ניסיונות יש להמתין חצי שעה לפני הניסיון הבא.
notice-user-name = יש לכתוב את שם המשתמש עם התחום, למשל name@example.com או DOMAIN\name.
notice-password-expired = תוקף הסיסמה פג. יש להחליף אותה במחשב של הארגון או לפנות למוקד התמיכה, ואז להיכנס כאן עם הסיסמה החדשה.
notice-unavailable = לא ניתן היה לבדוק את הסיסמה כי שרת אינו משיב. יש לנסות שוב בעוד כמה דקות.
notice-stale = הדף היה פתוח זמן רב מדי, או נפתח בדפדפן אחר. יש להיכנס שוב.
notice-cookies = הדפדפן לא החזיר את קובץ ה-Cookie של דף זה. יש לאפשר קובצי Cookie לאתר זה ואז להיכנס שוב.
notice-home-realm = אי אפשר להיכנס כאן עם הארגון הזה. יש לבחור ארגון אחר.
notice-address = לאף ארגון כאן אין כתובות כאלה. יש לבדוק את הכתובת או לבחור את הארגון.
hand-over-title = הכניסה מתבצעת
hand-over-text = אם דבר אינו קורה, יש ללחוץ על הכפתור.
hand-over-button = המשך
sign-out-title = יצאת מהמערכת
sign-out-text = אם אחרים משתמשים במחשב זה, יש לסגור עכשיו את כל חלונות הדפדפן.
sign-out-applications = היישומים האלה מקבלים הודעה על היציאה.
sign-out-application-done = נמסרה הודעה
sign-out-go-on = המשך
error-title = לא ניתן להמשיך בכניסה
this-application = היישום
error-request = כתובת זו אינה בקשת כניסה ששירות זה מבין.
error-request-help = יש לחזור ליישום ולהתחיל משם. ייתכן שהסימנייה או הקישור אינם מעודכנים.
error-no-request = לכאן יישומים שולחים את המשתמשים שלהם כדי להיכנס. פתיחת הכתובת הזו לבדה אינה עושה דבר.
error-no-request-help = יש לפתוח את היישום הרצוי: הוא יפנה לכאן כשיידרש להיכנס. את הסימנייה כדאי לשמור ליישום, לא לדף הכניסה.
error-application = היישום שהפנה לכאן אינו רשום בשירות זה, או שהוא מושבת.
error-application-help = יש לבדוק את כתובת היישום. אם היא נכונה, יש למסור את הפרטים שלמטה לאחראים עליו.
error-denied = הכניסה הצליחה, אך אין הרשאה להשתמש ביישום זה: { $application }.
error-denied-help = אם יש בו צורך, יש לבקש גישה מהאחראים עליו ולמסור להם את הפרטים שלמטה.
error-more-proof = { $application } דורש הוכחת זהות חזקה יותר מזו שניתנה בכניסה.
error-more-proof-help = שירות זה אינו יכול לבקש הוכחה שנייה. יש למסור את הפרטים שלמטה למוקד התמיכה.
error-method = { $application } דורש דרך כניסה שאינה זמינה כאן.
error-method-help = יש לנסות ממחשב ברשת הארגון. אם זה לא עוזר, יש למסור את הפרטים שלמטה למוקד התמיכה.
error-home-realm = { $application } דורש כניסה שאף ארגון אינו יכול לתת כאן.
error-home-realm-help = יש לפתוח שוב את היישום בחלון של הדפדפן. אם זה לא עוזר, יש למסור את הפרטים שלמטה למוקד התמיכה.
error-loop = { $application } הפנה לכאן שוב ושוב בשניות האחרונות.
error-loop-help = יש לסגור את הדפדפן, לפתוח אותו מחדש ולנסות שוב. אם זה נמשך, יש למסור את הפרטים שלמטה למוקד התמיכה.
error-unavailable = משהו שהכניסה זקוקה לו אינו משיב כרגע.
error-unavailable-help = החשבון תקין. יש לנסות שוב בעוד כמה דקות.
error-internal = הכניסה נכשלה בגלל תקלה בשירות זה.
error-internal-help = יש לנסות שוב. אם זה נכשל שוב, יש למסור את הפרטים שלמטה למוקד התמיכה.
details-title = פרטים למוקד התמיכה
details-code = קוד
details-activity = מזהה פעילות
details-time = זמן
details-copy = העתקת הפרטים
details-copied = הועתק
update-password-title = החלפת סיסמה
update-password-message = יש להקליד את הסיסמה הנוכחית, ואחריה את החדשה פעמיים.
update-password-expired = תוקף הסיסמה פג. כדי להמשיך יש לבחור סיסמה חדשה.
current-password = סיסמה נוכחית
new-password = סיסמה חדשה
confirm-password = סיסמה חדשה, פעם נוספת
update-password-button = החלפת הסיסמה
update-password-done-title = הסיסמה הוחלפה
update-password-done-text = מעתה יש להיכנס עם הסיסמה החדשה, גם במכשירים האחרים.
notice-new-password-missing = יש להקליד את הסיסמה החדשה בשני השדות.
notice-new-password-mismatch = שתי הסיסמאות החדשות אינן זהות. יש להקליד את שתיהן שוב.
notice-new-password-same = הסיסמה החדשה היא הסיסמה הישנה. יש לבחור אחרת.
notice-new-password-rules = הסיסמה החדשה אינה עומדת בכללי הארגון, או שההחלפה האחרונה הייתה לפני זמן קצר.
notice-change-not-allowed = החשבון אינו רשאי להחליף כאן סיסמה. יש לפנות למוקד התמיכה.
notice-change-unavailable = לא ניתן היה להחליף את הסיסמה כי שרת אינו משיב. יש לנסות שוב בעוד כמה דקות.
notice-sent-twice = הטופס נשלח פעמיים. יש לנסות להיכנס עם הסיסמה החדשה; אם זה לא מצליח, יש להחליף אותה שוב.
rule-length = { $count ->
    [one] לפחות תו אחד ({ $count }).
    [two] לפחות שני תווים ({ $count }).
   *[other] לפחות { $count } תווים.
}
rule-complex = שלושה מארבעת אלה: אותיות גדולות, אותיות קטנות, ספרות, תווים אחרים. לא השם שלך.
rule-history = { $count ->
    [one] לא הסיסמה האחרונה.
    [two] לא אחת משתי הסיסמאות האחרונות ({ $count }).
   *[other] לא אחת מ־{ $count } הסיסמאות האחרונות.
}
rule-age = { $count ->
    [one] לפחות יום אחד ({ $count }) אחרי ההחלפה האחרונה.
    [two] לפחות יומיים ({ $count }) אחרי ההחלפה האחרונה.
   *[other] לפחות { $count } ימים אחרי ההחלפה האחרונה.
}
error-partner = לא ניתן היה לקבל את מה שהארגון שלך מוסר עליך.
error-partner-help = יש לחזור ליישום ולהתחיל שם מחדש. אם זה לא עוזר, יש למסור את הפרטים שלמטה למוקד התמיכה.
link-home = דף הבית
link-help-desk = מוקד התמיכה
link-privacy = פרטיות
sign-in-certificate = כניסה באמצעות אישור
certificate-title = כניסה באמצעות אישור
certificate-help = יש להכניס את הכרטיס החכם או לחבר את מפתח האבטחה, לנסות שוב ולבחור את האישור. אם הדפדפן כבר אינו שואל באיזה אישור להשתמש, יש לסגור את כל החלונות שלו ולפתוח אותו מחדש.
certificate-again = ניסיון נוסף
certificate-other = כניסה בדרך אחרת
notice-certificate-missing = הדפדפן לא שלח אישור.
notice-certificate-expired = האישור אינו בתוקף כעת: תוקפו פג או שטרם התחיל. יש לבחור אישור אחר או לבקש אישור חדש ממוקד התמיכה.
notice-certificate-refused = אי אפשר להיכנס כאן עם האישור הזה. יש לבחור אישור אחר או לפנות למוקד התמיכה.
notice-certificate-unavailable = לא ניתן היה לבדוק את האישור כי שרת אינו משיב. יש לנסות שוב בעוד כמה דקות.
