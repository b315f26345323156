sign-in-title = Entrar
sign-in-message = Entre com a conta da sua organização.
sign-in-to = Entre para continuar em { $application }.
user-name = Nome de usuário
user-name-example = nome@exemplo.com.br
password = Senha
keep-signed-in = Continuar conectado
sign-in-button = Entrar
choose-another = Entrar com outra organização
home-realm-title = Onde você entra?
home-realm-message = Escolha a organização à qual sua conta pertence.
home-realm-to = Escolha a organização à qual sua conta pertence para continuar em { $application }.
home-realm-list = Organizações
home-realm-search = Encontre sua organização
home-realm-search-button = Buscar
home-realm-shown = Organizações exibidas: { $shown } de { $total }
home-realm-none = Nenhuma organização tem isso no nome. Tente uma parte mais curta.
home-realm-address = Seu e-mail na sua organização
home-realm-or-address = Ou escreva seu e-mail na sua organização
home-realm-next = Avançar
notice-credentials = O nome de usuário ou a senha não está correto. Verifique os dois e tente novamente. Depois de várias tentativas, espere meia hora antes da próxima.
notice-user-name = Escreva seu nome de usuário com o domínio, por exemplo nome@exemplo.com.br ou DOMÍNIO\nome.
notice-password-expired = Sua senha expirou. Troque-a em um computador da sua organização ou fale com o suporte e depois entre aqui com a nova.
notice-unavailable = Não foi possível verificar sua senha porque um servidor não responde. Tente novamente em alguns minutos.
notice-stale = Esta página ficou aberta por tempo demais ou foi aberta em outro navegador. Entre novamente.
notice-cookies = Seu navegador não devolveu o cookie desta página. Permita cookies para este site e entre novamente.
notice-home-realm = Não é possível entrar aqui com essa organização. Escolha outra.
notice-address = Nenhuma organização tem aqui endereços como este. Confira o endereço ou escolha sua organização.
hand-over-title = Entrando
hand-over-text = Se nada acontecer, pressione o botão.
hand-over-button = Continuar
sign-out-title = Você saiu
sign-out-text = Se outras pessoas usam este computador, feche agora todas as janelas do navegador.
sign-out-go-on = Continuar
error-title = Não é possível continuar a entrar
this-application = O aplicativo
error-request = Este endereço não é um pedido de entrada que este serviço entenda.
error-request-help = Volte ao aplicativo e comece por lá. Se você seguiu um favorito ou um link, ele pode estar desatualizado.
error-application = O aplicativo que enviou você até aqui não está registrado neste serviço ou está desativado.
error-application-help = Verifique o endereço do aplicativo. Se estiver correto, informe os detalhes abaixo aos responsáveis por ele.
error-denied = Você entrou, mas não pode usar este aplicativo: { $application }.
error-denied-help = Se precisar dele, peça acesso aos responsáveis e informe os detalhes abaixo.
error-more-proof = { $application } exige uma prova de identidade mais forte do que a sua entrada oferece.
error-more-proof-help = Este serviço não pode pedir uma segunda prova. Informe os detalhes abaixo ao suporte.
error-method = { $application } exige uma forma de entrar que não está disponível aqui.
error-method-help = Tente em um computador da rede da sua organização. Se não resolver, informe os detalhes abaixo ao suporte.
error-home-realm = { $application } pede uma entrada que nenhuma organização pode oferecer aqui.
error-home-realm-help = Abra o aplicativo de novo em uma janela do navegador. Se não resolver, informe os detalhes abaixo ao suporte.
error-loop = { $application } enviou você até aqui repetidamente nos últimos segundos.
error-loop-help = Feche o navegador, abra-o novamente e tente mais uma vez. Se continuar, informe os detalhes abaixo ao suporte.
error-unavailable = Algo de que a entrada precisa não está respondendo no momento.
error-unavailable-help = Não há nada de errado com sua conta. Tente novamente em alguns minutos.
error-internal = A entrada falhou por um erro deste serviço.
error-internal-help = Tente novamente. Se falhar outra vez, informe os detalhes abaixo ao suporte.
details-title = Detalhes para o suporte
details-code = Código
details-activity = ID da atividade
details-time = Hora
details-copy = Copiar os detalhes
details-copied = Copiado
update-password-title = Trocar sua senha
update-password-message = Escreva sua senha atual e depois a nova, duas vezes.
update-password-expired = Sua senha expirou. Escolha uma nova para continuar.
current-password = Senha atual
new-password = Nova senha
confirm-password = Nova senha, mais uma vez
update-password-button = Trocar a senha
update-password-done-title = Sua senha foi trocada
update-password-done-text = De agora em diante, entre com a nova senha, também nos seus outros dispositivos.
notice-new-password-missing = Escreva a nova senha nos dois campos.
notice-new-password-mismatch = As duas novas senhas não são iguais. Escreva as duas de novo.
notice-new-password-same = A nova senha é a antiga. Escolha outra.
notice-new-password-rules = A nova senha não segue as regras da sua organização, ou a última troca foi há pouco tempo.
notice-change-not-allowed = Sua conta não tem permissão para trocar a senha aqui. Fale com o suporte.
notice-change-unavailable = Não foi possível trocar sua senha porque um servidor não responde. Tente novamente em alguns minutos.
notice-sent-twice = Este formulário foi enviado duas vezes. Tente entrar com a nova senha; se não funcionar, troque-a novamente.
rule-length = { $count ->
    [one] Pelo menos { $count } caractere.
   *[other] Pelo menos { $count } caracteres.
}
rule-complex = Três destes quatro tipos: maiúsculas, minúsculas, números, outros caracteres. Sem o seu nome.
rule-history = { $count ->
    [one] Diferente da sua última senha.
   *[other] Diferente das suas últimas { $count } senhas.
}
rule-age = { $count ->
    [one] Pelo menos { $count } dia depois da última troca.
   *[other] Pelo menos { $count } dias depois da última troca.
}
error-partner = Não foi possível aceitar o que a sua organização informa sobre você.
error-partner-help = Volte ao aplicativo e comece de novo. Se isso não ajudar, passe os detalhes abaixo ao suporte.
link-home = Página inicial
link-help-desk = Suporte
link-privacy = Privacidade
