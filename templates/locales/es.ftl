sign-in-title = Iniciar sesión
sign-in-message = Inicie sesión con la cuenta de su organización.
sign-in-to = Inicie sesión para continuar a { $application }.
user-name = Nombre de usuario
user-name-example = nombre@ejemplo.com
password = Contraseña
keep-signed-in = Mantener la sesión iniciada
sign-in-button = Iniciar sesión
choose-another = Iniciar sesión con otra organización
home-realm-title = ¿Dónde inicia sesión?
home-realm-message = Elija la organización a la que pertenece su cuenta.
home-realm-to = Elija la organización a la que pertenece su cuenta para continuar a { $application }.
home-realm-list = Organizaciones
home-realm-search = Buscar su organización
home-realm-search-button = Buscar
home-realm-shown = Organizaciones mostradas: { $shown } de { $total }
home-realm-none = Ninguna organización tiene eso en su nombre. Pruebe con una parte más corta.
home-realm-address = Su correo electrónico en su organización
home-realm-or-address = O escriba su correo electrónico en su organización
home-realm-next = Siguiente
notice-credentials = El nombre de usuario o la contraseña no son correctos. Compruebe ambos e inténtelo de nuevo. Después de varios intentos, espere media hora antes del siguiente.
notice-user-name = Escriba su nombre de usuario con su dominio, por ejemplo nombre@ejemplo.com o DOMINIO\nombre.
notice-password-expired = Su contraseña ha caducado. Cámbiela en un equipo de su organización o consulte al servicio de asistencia; después inicie sesión aquí con la nueva.
notice-unavailable = No se ha podido comprobar su contraseña porque un servidor no responde. Inténtelo de nuevo en unos minutos.
notice-stale = Esta página ha estado abierta demasiado tiempo o se abrió en otro navegador. Inicie sesión de nuevo.
notice-cookies = Su navegador no ha devuelto la cookie de esta página. Permita las cookies de este sitio y después inicie sesión de nuevo.
notice-home-realm = Aquí no puede iniciar sesión con esa organización. Elija otra.
notice-address = Ninguna organización tiene aquí direcciones como esta. Compruebe la dirección o elija su organización.
hand-over-title = Iniciando sesión
hand-over-text = Si no ocurre nada, pulse el botón.
hand-over-button = Continuar
sign-out-title = Ha cerrado la sesión
sign-out-text = Si otras personas usan este equipo, cierre ahora todas las ventanas del navegador.
sign-out-go-on = Continuar
error-title = No se puede continuar con el inicio de sesión
this-application = La aplicación
error-request = Esta dirección no es una solicitud de inicio de sesión que este servicio entienda.
error-request-help = Vuelva a la aplicación y empiece desde allí. Si ha seguido un favorito o un enlace, puede que esté anticuado.
error-application = La aplicación que le ha enviado aquí no está registrada en este servicio o está desactivada.
error-application-help = Compruebe la dirección de la aplicación. Si es correcta, facilite los datos de abajo a sus responsables.
error-denied = Ha iniciado sesión, pero no tiene acceso a esta aplicación: { $application }.
error-denied-help = Si la necesita, pida acceso a sus responsables y facilíteles los datos de abajo.
error-more-proof = { $application } exige una prueba de identidad más fuerte que la de su inicio de sesión.
error-more-proof-help = Este servicio no puede pedir una segunda prueba. Facilite los datos de abajo al servicio de asistencia.
error-method = { $application } exige una forma de iniciar sesión que aquí no está disponible.
error-method-help = Inténtelo desde un equipo de la red de su organización. Si no sirve, facilite los datos de abajo al servicio de asistencia.
error-home-realm = { $application } pide un inicio de sesión que aquí ninguna organización puede dar.
error-home-realm-help = Abra otra vez la aplicación en una ventana del navegador. Si no sirve, facilite los datos de abajo al servicio de asistencia.
error-loop = { $application } le ha enviado aquí una y otra vez en los últimos segundos.
error-loop-help = Cierre el navegador, ábralo de nuevo e inténtelo otra vez. Si continúa, facilite los datos de abajo al servicio de asistencia.
error-unavailable = Algo que el inicio de sesión necesita no responde en este momento.
error-unavailable-help = Su cuenta no tiene ningún problema. Inténtelo de nuevo en unos minutos.
error-internal = El inicio de sesión ha fallado por un error de este servicio.
error-internal-help = Inténtelo de nuevo. Si vuelve a fallar, facilite los datos de abajo al servicio de asistencia.
details-title = Datos para el servicio de asistencia
details-code = Código
details-activity = Id. de actividad
details-time = Hora
details-copy = Copiar los datos
details-copied = Copiado
update-password-title = Cambiar la contraseña
update-password-message = Escriba su contraseña actual y, después, la nueva dos veces.
update-password-expired = Su contraseña ha caducado. Elija una nueva para continuar.
current-password = Contraseña actual
new-password = Contraseña nueva
confirm-password = Contraseña nueva, otra vez
update-password-button = Cambiar la contraseña
update-password-done-title = Su contraseña ha cambiado
update-password-done-text = A partir de ahora, inicie sesión con la contraseña nueva, también en sus otros dispositivos.
notice-new-password-missing = Escriba la contraseña nueva en los dos campos.
notice-new-password-mismatch = Las dos contraseñas nuevas no coinciden. Escriba ambas de nuevo.
notice-new-password-same = La contraseña nueva es la anterior. Elija otra.
notice-new-password-rules = La contraseña nueva no cumple las normas de su organización, o el último cambio es demasiado reciente.
notice-change-not-allowed = Su cuenta no tiene permiso para cambiar la contraseña aquí. Consulte al servicio de asistencia.
notice-change-unavailable = No se ha podido cambiar su contraseña porque un servidor no responde. Inténtelo de nuevo en unos minutos.
notice-sent-twice = Este formulario se ha enviado dos veces. Intente iniciar sesión con la contraseña nueva; si no funciona, cámbiela otra vez.
rule-length = { $count ->
    [one] Al menos { $count } carácter.
   *[other] Al menos { $count } caracteres.
}
rule-complex = Tres de estos cuatro tipos: mayúsculas, minúsculas, cifras, otros caracteres. Sin su nombre.
rule-history = { $count ->
    [one] Distinta de su última contraseña.
   *[other] Distinta de sus últimas { $count } contraseñas.
}
rule-age = { $count ->
    [one] Al menos { $count } día después del último cambio.
   *[other] Al menos { $count } días después del último cambio.
}
error-partner = No se ha podido aceptar lo que su organización indica sobre usted.
error-partner-help = Vuelva a la aplicación y empiece de nuevo. Si eso no ayuda, facilite los datos siguientes al servicio de asistencia.
link-home = Inicio
link-help-desk = Servicio de asistencia
link-privacy = Privacidad
