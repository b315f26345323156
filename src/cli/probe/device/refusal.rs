//! What an error answer means, and what to do (device-registration.md 4.5, 9; oauth-oidc-prt.md 2.15).

use serde_json::Value;

use super::super::failure::Failure;
use super::super::http::Reply;
use super::super::request::title;

/// An answer of a registration endpoint that is no success.
pub(super) fn registration(reply: &Reply) -> Failure {
    let Some(error) = reply.json() else { return no_answer_of_the_service(reply) };
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let (kind, message) = (text("ErrorType"), text("Message"));
    let failure = Failure::new(format!("HTTP {} {kind}: {message}", reply.status));
    let disabled = message.contains("disabled");
    let failure = match (reply.status, kind) {
        (503, _) if message.contains("switched off") => failure.advise(
            "msDS-IsEnabled of the object DeviceRegistrationService is not TRUE: an administrator of the directory turned \
             registration off. Windows shows 0x801c0025 and tries again.",
        ),
        (503, _) => failure.advise(
            "The service cannot reach a domain controller, or is overloaded. Windows shows 0x801c0025 and tries again within the \
             hour.",
        ),
        (401, _) => failure.advise_all([
            "The token is not taken: of another server, for another resource, or expired; compare the clocks. Windows shows \
             0x801c0002.",
            "Every node of a farm must publish the key that signs tokens.",
        ]),
        (_, "AuthorizationError") if message.contains("DeviceCapReached") => failure.advise_all([
            "The user has as many devices as msDS-RegistrationQuota of the object DeviceRegistrationService allows. Windows shows \
             0x801c000e.",
            "`chancery devices list --user SID` shows them; `chancery devices delete` removes one.",
        ]),
        (_, "AuthorizationError") if disabled => failure.advise_all([
            "An administrator disabled the device or the account. A disabled device stays disabled until somebody enables it: \
             `chancery devices enable ID`. Windows shows 0x801c0003.",
        ]),
        (_, "AuthorizationError") => failure.advise(
            "The account may not register: the rules of device registration do not permit it, or it is disabled, locked or \
             expired. Windows shows 0x801c0003.",
        ),
        (_, "AuthenticationError") => failure.advise(
            "The token lacks a claim, or the join type is not allowed ([device_registration] join_types). Windows shows \
             0x801c0002.",
        ),
        (_, "InvalidParameter") => {
            failure.advise("The service does not understand what this program sent; a proxy may have changed the body.")
        }
        (_, "CertificateAuthorityError") => {
            failure.advise("The device authority gives no certificate: the server's log says why. Windows shows 0x801c0006.")
        }
        (_, "DirectoryError" | "DirectoryAccountError") => failure.advise_all([
            "The directory refused the change, or the account is gone. `chancery drs check` looks at the rights of the service \
             account. Windows shows 0x801c03f2.",
        ]),
        _ => failure,
    };
    match text("TraceId") {
        "" => failure,
        trace => failure
            .advise(format!("Windows shows the request as {trace} (Request Id); the server's logs know it by that.")),
    }
}

/// An answer that is no answer of this service.
pub(super) fn no_answer_of_the_service(reply: &Reply) -> Failure {
    let page = title(&reply.text()).map(|title| format!(" with the page {title:?}")).unwrap_or_default();
    let failure = Failure::new(format!("HTTP {}{page} instead of an answer of the service", reply.status));
    match reply.status {
        300..=399 => failure.advise(format!(
            "It leads to {}. Nothing in front of the service may redirect; Windows takes it for another server (0x801c000b).",
            reply.header("location").next().unwrap_or("nowhere")
        )),
        403 => failure.advise("A firewall or proxy refuses the path /EnrollmentServer/. Windows shows 0x801c03ea."),
        404 => failure.advise_all([
            "Device registration is off, or a proxy does not pass /EnrollmentServer/ on. This server: enabled = true in \
             [device_registration]; AD FS: Enable-AdfsDeviceRegistration. Windows shows event 103 or 0x801c03eb.",
        ]),
        421 => failure.advise("The server does not serve this host name: is it in its certificate and its UPN suffixes?"),
        502..=504 => failure.advise("The service is stopped, or the balancer has no healthy node. Windows shows 0x801c0025."),
        200 => failure.advise("Is this a page of a proxy? --verbose shows it. Windows shows 0x8007000d."),
        _ => failure,
    }
}

/// An answer of the token endpoint that is no success.
pub(super) fn token(reply: &Reply) -> Failure {
    let Some(error) = reply.json() else { return no_answer_of_the_service(reply) };
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    oauth(reply.status, text("error"), text("error_description"))
}

/// An OAuth error.
pub(super) fn oauth(status: u16, error: &str, description: &str) -> Failure {
    let failure = Failure::new(format!("{error}: {description} (HTTP {status})"));
    let number = description.split(':').next().unwrap_or_default();
    match (error, number) {
        (_, "MSIS9682") => failure.advise_all([
            "The server finds no registered, enabled device with this certificate and a transport key. Was it disabled or removed in \
             the meantime? A node of a farm notices a new device within a minute.",
            "A directory with the schema of 2012 R2 keeps no keys, and no device gets a primary refresh token there: `chancery drs \
             check`.",
        ]),
        (_, "MSIS9683") => failure.advise("The transport key in msDS-KeyCredentialLink is neither a public RSA key blob nor a blob of a TPM 2.0."),
        (_, "MSIS9659") => failure.advise_all([
            "Wrong name or password, or the account is locked, disabled or expired, or may not use this device. The answer is the same \
             for all, on purpose: the server's audit log tells which (events 411, 1203, 1210).",
            "A wrong password counts for the account's lockout.",
        ]),
        (_, "MSIS9614") => failure.advise(
            "The primary refresh token is not taken: the device is disabled or gone, the password was changed, or another node does not \
             have the same sealing key.",
        ),
        (_, "MSIS9604") => failure.advise(
            "The request is not taken: its nonce is too old or used, or the clocks differ. Nodes of a farm must share one sealing key.",
        ),
        ("access_denied", _) => failure.advise(
            "The account is known, and the resource does not permit it: its access control policy or issuance authorization rules. \
             Device registration of AD FS wants a second factor of users.",
        ),
        ("interaction_required", _) => failure.advise(
            "The account must do something first: a second factor, or a new password. A person does that on the sign-in page.",
        ),
        ("invalid_client" | "unauthorized_client", _) => {
            failure.advise("The server does not know the client, or the client may not do this: --client names another.")
        }
        ("invalid_resource", _) => {
            failure.advise("No enabled relying party trust has the identifier of the resource: --resource names another.")
        }
        ("temporarily_unavailable" | "server_error", _) => failure.advise("The server's own failure; its log tells what it was."),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn every_refusal_of_a_registration_says_what_to_do() {
        for (status, kind, message, expected) in [
            (400, "AuthorizationError", "DeviceCapReached", "msDS-RegistrationQuota"),
            (400, "AuthorizationError", "The device x is disabled.", "chancery devices enable"),
            (400, "AuthorizationError", "not permitted", "0x801c0003"),
            (400, "AuthenticationError", "x", "join_types"),
            (401, "AuthenticationError", "x", "compare the clocks"),
            (400, "DirectoryError", "x", "chancery drs check"),
            (500, "CertificateAuthorityError", "x", "0x801c0006"),
            (503, "UnknownError", "Device registration is switched off by the administrator.", "msDS-IsEnabled"),
            (503, "DirectoryError", "x", "0x801c0025"),
        ] {
            let body =
                format!("{{\"ErrorType\":\"{kind}\",\"Message\":\"{message}\",\"TraceId\":\"t-1\",\"Time\":\"\"}}");
            let failure = registration(&reply(status, &body));
            let advice = failure.advice.join("\n");
            assert!(failure.what.contains(kind) && advice.contains(expected) && advice.contains("t-1"), "{failure:?}");
        }
    }

    #[test]
    fn what_stands_in_front_of_the_service_is_told_from_it() {
        for (status, body, expected) in [
            (404, "", "[device_registration]"),
            (302, "", "0x801c000b"),
            (403, "", "firewall"),
            (503, "<html><title>Busy</title>", "balancer"),
            (200, "<html><title>Proxy</title>", "0x8007000d"),
        ] {
            assert!(registration(&reply(status, body)).advice.join("\n").contains(expected), "{status}");
        }
        assert!(registration(&reply(200, "<html><title>Proxy</title>")).what.contains("\"Proxy\""));
    }

    #[test]
    fn every_oauth_error_says_what_to_do() {
        for (error, description, expected) in [
            ("invalid_grant", "MSIS9682: x", "transport key"),
            ("invalid_grant", "MSIS9659: x", "lockout"),
            ("invalid_grant", "MSIS9614: x", "sealing key"),
            ("invalid_grant", "MSIS9604: x", "nonce"),
            ("access_denied", "MSIS9605: x", "second factor"),
            ("interaction_required", "x", "second factor"),
            ("invalid_resource", "MSIS9606: x", "--resource"),
            ("invalid_client", "MSIS9607: x", "--client"),
        ] {
            let body = format!("{{\"error\":\"{error}\",\"error_description\":\"{description}\"}}");
            let failure = token(&reply(400, &body));
            assert!(failure.advice.join("\n").contains(expected) && failure.what.starts_with(error), "{failure:?}");
        }
    }
}
