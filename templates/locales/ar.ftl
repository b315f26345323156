sign-in-title = تسجيل الدخول
sign-in-message = سجّل الدخول بحساب مؤسستك.
sign-in-to = سجّل الدخول للمتابعة إلى { $application }.
user-name = اسم المستخدم
user-name-example = name@example.com
password = كلمة المرور
keep-signed-in = إبقائي مسجّل الدخول
sign-in-button = تسجيل الدخول
choose-another = تسجيل الدخول عبر مؤسسة أخرى
home-realm-title = أين تسجّل الدخول؟
home-realm-message = اختر المؤسسة التي ينتمي إليها حسابك.
home-realm-to = اختر المؤسسة التي ينتمي إليها حسابك للمتابعة إلى { $application }.
home-realm-list = المؤسسات
home-realm-search = ابحث عن مؤسستك
home-realm-search-button = بحث
home-realm-shown = المؤسسات المعروضة: { $shown } من { $total }
home-realm-none = لا توجد مؤسسة يتضمن اسمها هذا النص. جرّب جزءًا أقصر منه.
home-realm-address = عنوان بريدك الإلكتروني في مؤسستك
home-realm-or-address = أو اكتب عنوان بريدك الإلكتروني في مؤسستك
home-realm-next = التالي
notice-credentials = اسم المستخدم أو كلمة المرور غير صحيحين. تحقّق منهما ثم حاول مرة أخرى. بعد عدة محاولات، انتظر نصف ساعة قبل المحاولة التالية.
notice-user-name = اكتب اسم المستخدم مع النطاق، مثل name@example.com أو DOMAIN\name.
notice-password-expired = انتهت صلاحية كلمة المرور. غيّرها على حاسوب تابع لمؤسستك أو اطلب المساعدة من فريق الدعم، ثم سجّل الدخول هنا بكلمة المرور الجديدة.
notice-unavailable = تعذّر التحقق من كلمة المرور لأن أحد الخوادم لا يستجيب. حاول مرة أخرى بعد بضع دقائق.
notice-stale = بقيت هذه الصفحة مفتوحة مدة طويلة، أو فُتحت في متصفح آخر. يُرجى تسجيل الدخول من جديد.
notice-cookies = لم يُرسل متصفحك ملف تعريف الارتباط الخاص بهذه الصفحة. اسمح بملفات تعريف الارتباط لهذا الموقع ثم سجّل الدخول من جديد.
notice-home-realm = لا يمكنك تسجيل الدخول هنا عبر هذه المؤسسة. اختر مؤسسة أخرى.
notice-address = لا توجد هنا مؤسسة تستخدم عناوين كهذا. تحقّق من العنوان أو اختر مؤسستك.
hand-over-title = جارٍ تسجيل الدخول
hand-over-text = إذا لم يحدث شيء، فاضغط الزر.
hand-over-button = متابعة
sign-out-title = تم تسجيل خروجك
sign-out-text = إذا كان غيرك يستخدم هذا الحاسوب، فأغلق الآن جميع نوافذ المتصفح.
sign-out-applications = تُبلَّغ هذه التطبيقات بتسجيل خروجك.
sign-out-application-done = تم الإبلاغ
sign-out-go-on = متابعة
error-title = لا يمكن متابعة تسجيل الدخول
this-application = التطبيق
error-request = هذا العنوان ليس طلب تسجيل دخول تفهمه هذه الخدمة.
error-request-help = ارجع إلى التطبيق وابدأ من هناك. قد تكون الإشارة المرجعية أو الرابط قديمًا.
error-no-request = إلى هنا ترسل التطبيقات مستخدميها لتسجيل الدخول. أما فتح هذا العنوان وحده فلا يفعل شيئًا.
error-no-request-help = افتح التطبيق الذي تريد استخدامه، وسيرسلك إلى هنا عندما يلزم تسجيل الدخول. احفظ الإشارة المرجعية للتطبيق، لا لصفحة تسجيل الدخول.
error-application = التطبيق الذي أرسلك إلى هنا غير مسجّل في هذه الخدمة أو موقوف.
error-application-help = تحقّق من عنوان التطبيق. إذا كان صحيحًا، فأعطِ التفاصيل أدناه للمسؤولين عنه.
error-denied = سجّلت الدخول، لكن لا يحق لك استخدام هذا التطبيق: { $application }.
error-denied-help = إذا كنت تحتاج إليه، فاطلب الإذن من المسؤولين عنه وأعطهم التفاصيل أدناه.
error-more-proof = يطلب { $application } إثباتًا للهوية أقوى مما يقدّمه تسجيل دخولك.
error-more-proof-help = لا تستطيع هذه الخدمة طلب إثبات ثانٍ. أعطِ التفاصيل أدناه لفريق الدعم.
error-method = يطلب { $application } طريقة تسجيل دخول غير متاحة هنا.
error-method-help = حاول من حاسوب داخل شبكة مؤسستك. إذا لم ينفع ذلك، فأعطِ التفاصيل أدناه لفريق الدعم.
error-home-realm = يطلب { $application } تسجيل دخول لا تستطيع أي مؤسسة توفيره هنا.
error-home-realm-help = افتح التطبيق مرة أخرى في نافذة المتصفح. إذا لم ينفع ذلك، فأعطِ التفاصيل أدناه لفريق الدعم.
error-loop = أعادك { $application } إلى هنا مرارًا خلال الثواني الأخيرة.
error-loop-help = أغلق المتصفح وافتحه من جديد ثم حاول مرة أخرى. إذا استمر الأمر، فأعطِ التفاصيل أدناه لفريق الدعم.
error-unavailable = شيء يحتاج إليه تسجيل الدخول لا يستجيب حاليًا.
error-unavailable-help = لا مشكلة في حسابك. حاول مرة أخرى بعد بضع دقائق.
error-internal = فشل تسجيل الدخول بسبب خلل في هذه الخدمة.
error-internal-help = حاول مرة أخرى. إذا تكرر الفشل، فأعطِ التفاصيل أدناه لفريق الدعم.
details-title = تفاصيل لفريق الدعم
details-code = الرمز
details-activity = معرّف النشاط
details-time = الوقت
details-copy = نسخ التفاصيل
details-copied = تم النسخ
update-password-title = تغيير كلمة المرور
update-password-message = اكتب كلمة المرور الحالية، ثم كلمة المرور الجديدة مرتين.
update-password-expired = انتهت صلاحية كلمة المرور. اختر كلمة مرور جديدة للمتابعة.
current-password = كلمة المرور الحالية
new-password = كلمة المرور الجديدة
confirm-password = كلمة المرور الجديدة مرة أخرى
update-password-button = تغيير كلمة المرور
update-password-done-title = تم تغيير كلمة المرور
update-password-done-text = من الآن فصاعدًا، سجّل الدخول بكلمة المرور الجديدة، على أجهزتك الأخرى أيضًا.
notice-new-password-missing = اكتب كلمة المرور الجديدة في الحقلين.
notice-new-password-mismatch = كلمتا المرور الجديدتان غير متطابقتين. اكتبهما من جديد.
notice-new-password-same = كلمة المرور الجديدة هي القديمة نفسها. اختر غيرها.
notice-new-password-rules = كلمة المرور الجديدة لا تتبع قواعد مؤسستك، أو أن آخر تغيير كان قبل وقت قصير.
notice-change-not-allowed = لا يُسمح لحسابك بتغيير كلمة المرور هنا. اطلب المساعدة من فريق الدعم.
notice-change-unavailable = تعذّر تغيير كلمة المرور لأن أحد الخوادم لا يستجيب. حاول مرة أخرى بعد بضع دقائق.
notice-sent-twice = أُرسل هذا النموذج مرتين. حاول تسجيل الدخول بكلمة المرور الجديدة؛ وإن لم ينجح ذلك فغيّرها مرة أخرى.
rule-length = { $count ->
    [zero] { $count } حرف على الأقل.
    [one] حرف واحد ({ $count }) على الأقل.
    [two] حرفان ({ $count }) على الأقل.
    [few] { $count } أحرف على الأقل.
    [many] { $count } حرفًا على الأقل.
   *[other] { $count } حرف على الأقل.
}
rule-complex = ثلاثة من هذه الأنواع الأربعة: أحرف كبيرة، أحرف صغيرة، أرقام، رموز أخرى. وليس اسمك.
rule-history = { $count ->
    [one] ليست كلمة المرور الأخيرة.
    [two] ليست إحدى كلمتي المرور الأخيرتين ({ $count }).
    [few] ليست من آخر { $count } كلمات مرور.
    [many] ليست من آخر { $count } كلمة مرور.
   *[other] ليست من آخر { $count } كلمة مرور.
}
rule-age = { $count ->
    [one] بعد يوم واحد ({ $count }) على الأقل من آخر تغيير.
    [two] بعد يومين ({ $count }) على الأقل من آخر تغيير.
    [few] بعد { $count } أيام على الأقل من آخر تغيير.
    [many] بعد { $count } يومًا على الأقل من آخر تغيير.
   *[other] بعد { $count } يوم على الأقل من آخر تغيير.
}
error-partner = تعذّر قبول ما تذكره مؤسستك عنك.
error-partner-help = عُد إلى التطبيق وابدأ من جديد. إن لم ينفع ذلك، فأعطِ التفاصيل أدناه لفريق الدعم.
link-home = الصفحة الرئيسية
link-help-desk = فريق الدعم
link-privacy = الخصوصية
sign-in-certificate = تسجيل الدخول باستخدام شهادة
certificate-title = تسجيل الدخول باستخدام شهادة
certificate-help = أدخِل بطاقتك الذكية أو وصّل مفتاح الأمان، ثم أعد المحاولة واختر شهادتك. إذا لم يعد المتصفح يسألك عن الشهادة، فأغلق جميع نوافذه ثم افتحه من جديد.
certificate-again = إعادة المحاولة
certificate-other = تسجيل الدخول بطريقة أخرى
notice-certificate-missing = لم يرسل متصفحك أي شهادة.
notice-certificate-expired = شهادتك غير صالحة في هذا الوقت: إما أنها انتهت أو لم تبدأ مدتها بعد. اختر شهادة أخرى، أو اطلب شهادة جديدة من فريق الدعم.
notice-certificate-refused = لا يمكنك تسجيل الدخول هنا بهذه الشهادة. اختر شهادة أخرى، أو اطلب المساعدة من فريق الدعم.
notice-certificate-unavailable = تعذّر التحقق من شهادتك لأن أحد الخوادم لا يستجيب. حاول مرة أخرى بعد بضع دقائق.
my-devices-title = أجهزتي
my-devices-message = الأجهزة المسجَّلة باسم { $user }.
my-devices-none = لا يوجد جهاز مسجَّل باسمك.
my-devices-shown = الأجهزة من { $first } إلى { $last } من أصل { $total }
my-devices-pages = صفحات القائمة
my-devices-earlier = الأجهزة السابقة
my-devices-later = الأجهزة التالية
device-kind = النوع
device-kind-own = جهازك الشخصي
device-kind-domain = حاسوب المؤسسة
device-kind-other = جهاز مسجَّل
device-system = النظام
device-used = آخر استخدام
device-registered = تاريخ التسجيل
device-unknown = غير معروف
device-state-disabled = معطَّل. إذا احتجت إليه فاسأل مكتب المساعدة.
device-state-managed = تدير مؤسستك هذا الجهاز.
device-disable = تعطيل
device-disable-title = هل تريد تعطيل هذا الجهاز؟
device-disable-text = لن يتمكن أحد من تسجيل الدخول به بعد ذلك. مكتب المساعدة وحده يستطيع تمكينه من جديد. افعل ذلك إذا فقدته.
device-remove = إزالة
device-remove-title = هل تريد إزالة هذا الجهاز؟
device-remove-text = لن يتمكن أحد من تسجيل الدخول به حتى يُسجَّل من جديد. افعل ذلك إذا لم تعد تستخدمه.
device-keep = اتركه كما هو
device-disabled = تم تعطيل { $device }.
device-removed = تمت إزالة { $device }.
notice-device-gone = ليس لديك جهاز كهذا، أو لم يعد من الممكن تغييره هنا.
notice-devices-unavailable = لا يمكن عرض أجهزتك أو تغييرها لأن أحد الخوادم لا يستجيب. حاول مرة أخرى بعد بضع دقائق.
device-code-title = تسجيل الدخول على جهاز آخر
device-code-message = أدخل الرمز الذي يعرضه الجهاز.
device-code = رمز الجهاز
device-code-next = التالي
device-code-question-title = هل تسمح للجهاز بتسجيل الدخول؟
device-code-question-text = يريد { $application } على جهاز آخر تسجيل الدخول باسم { $user }.
device-code-application = التطبيق
device-code-resource = الوصول إلى
device-code-address = مصدر الطلب
device-code-time = وقت الطلب
device-code-warning = تابع فقط إذا كنت قد بدأت هذا بنفسك للتو وكان الجهاز الذي أمامك يعرض هذا الرمز. لا يحق لأحد أن يطلب منك الرمز بالهاتف أو البريد الإلكتروني أو المحادثة.
device-code-allow = اسمح بتسجيل الدخول
device-code-deny = إلغاء
device-code-approved-title = يمكنك العودة إلى الجهاز
device-code-approved-text = سيتم تسجيل دخوله خلال ثوانٍ. يمكنك إغلاق هذه الصفحة.
device-code-denied-title = لم يسجَّل دخول الجهاز
device-code-denied-text = لم يُنقل أي شيء. إذا لم تبدأ هذا بنفسك فأخبر مكتب المساعدة.
notice-device-code = لا يوجد جهاز ينتظر هذا الرمز. تحقق منه، أو اجعل الجهاز يعرض رمزًا جديدًا.
notice-device-code-locked = أدخلت رموزًا كثيرة جدًا. انتظر عشر دقائق، ثم اجعل الجهاز يعرض رمزًا جديدًا.
