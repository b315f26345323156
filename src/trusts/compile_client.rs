//! From a trust file to an OAuth client: every key checked, secrets and certificates read.

use std::collections::BTreeMap;
use std::path::Path;

use openssl::x509::X509;

use super::TrustContext;
use super::client::{Client, ClientCredentials, ClientSecret, ClientType, GrantType};
use super::file::{ClientFile, ClientKind, PkceFile, TrustFile};
use crate::config::diagnostic::Code;
use crate::secret::Secret;
use crate::tokens::jwt::ClientKeys;

/// The client a trust file describes. `known` holds the ids of all clients so far, with their names. `None` when the file
/// describes none or is wrong; findings say why.
pub(crate) fn compile(
    file: &TrustFile,
    path: &Path,
    context: &mut TrustContext<'_, '_, '_>,
    known: &mut BTreeMap<String, String>,
) -> Option<Client> {
    let table = file.client.as_ref()?;
    let name = table.name.clone().unwrap_or_else(|| table.id.clone());
    check_id(table, &name, context, known);
    let kind = match table.kind {
        ClientKind::Native => ClientType::Public,
        ClientKind::Server | ClientKind::WebApi => ClientType::Confidential,
    };
    for (i, uri) in table.redirect_uris.iter().enumerate() {
        check_redirect(uri, &format!("client.redirect_uris.{i}"), context);
    }
    if let Some(uri) = &table.logout_uri
        && !uri.starts_with("https://")
    {
        context.findings.error(
            Code::InvalidValue,
            "client.logout_uri",
            format!("`{uri}` is no https address"),
            "the browser loads it in a frame of the sign-out page",
        );
    }
    let grants = grants(table, kind, context);
    let credentials = credentials(table, kind, context);
    let pkce_required = match table.pkce {
        Some(PkceFile::Required) => true,
        Some(PkceFile::Optional) => {
            if kind == ClientType::Public {
                context.findings.warning(
                    Code::Exposure,
                    "client.pkce",
                    "a public client may use codes without a proof key",
                    "whoever gets hold of a code redeems it; remove the key as soon as the client sends `code_challenge`",
                );
            }
            false
        }
        None => kind == ClientType::Public,
    };
    Some(Client {
        id: table.id.clone(),
        name,
        kind,
        enabled: table.enabled,
        redirect_uris: table.redirect_uris.clone(),
        credentials,
        grants,
        resources: table.resources.clone(),
        scopes: table.scopes.clone().unwrap_or_else(|| DEFAULT_SCOPES.map(str::to_owned).to_vec()),
        pkce_required,
        device_proof_required: table.require_device_proof,
        logout_uri: table.logout_uri.clone(),
        file: Some(path.to_owned()),
    })
}

fn check_id(
    table: &ClientFile,
    name: &str,
    context: &mut TrustContext<'_, '_, '_>,
    known: &mut BTreeMap<String, String>,
) {
    if table.id.trim() != table.id
        || table.id.is_empty()
        || table.id.len() > 256
        || table.id.chars().any(char::is_control)
    {
        context.findings.error(
            Code::InvalidValue,
            "client.id",
            format!("`{}` is no client id", table.id),
            "write one line without blanks around it, usually a GUID",
        );
    }
    if let Some(other) = known.insert(table.id.clone(), name.to_owned()) {
        context.findings.error(
            Code::Duplicate,
            "client.id",
            format!("the client id `{}` also belongs to {other}", table.id),
            "each client has an id of its own; those of Windows are built in",
        );
    }
}

/// An absolute address without a fragment: https, or http on the machine of the person, or a scheme of the program's own.
fn check_redirect(uri: &str, key: &str, context: &mut TrustContext<'_, '_, '_>) {
    let scheme = uri.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    let plain = uri.bytes().all(|octet| octet.is_ascii_graphic()) && !uri.contains(['#', '"', '<', '>', '\\']);
    let loopback = ["http://127.0.0.1", "http://[::1]", "http://localhost"]
        .iter()
        .any(|host| uri.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '?'])));
    let good = match scheme.as_deref() {
        Some("https") => uri.starts_with("https://") && !uri.starts_with("https:///"),
        Some("http") => loopback,
        Some("javascript" | "data" | "vbscript" | "file" | "blob" | "about") | None => false,
        // RFC 8252 7.1: a name that its owner can prove, such as a reversed domain; AD FS' own are without a dot.
        Some(scheme) => scheme.starts_with(|c: char| c.is_ascii_alphabetic()),
    };
    if !good || !plain || uri.contains('@') {
        context.findings.error(
            Code::InvalidValue,
            key,
            format!("`{uri}` is no redirect address"),
            "write `https://…`, `http://127.0.0.1:…` for a program on a device, or a scheme of the program's own; without `#`",
        );
    }
}

fn grants(table: &ClientFile, kind: ClientType, context: &mut TrustContext<'_, '_, '_>) -> Vec<GrantType> {
    let grants = table.grants.clone().unwrap_or_else(|| match table.kind {
        ClientKind::Native | ClientKind::Server => vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        ClientKind::WebApi => Vec::new(),
    });
    for (i, grant) in grants.iter().enumerate() {
        let key = format!("client.grants.{i}");
        match grant {
            GrantType::ClientCredentials | GrantType::OnBehalfOf if kind == ClientType::Public => {
                context.findings.error(
                    Code::Contradiction,
                    &key,
                    "a native client cannot say who it is, and this grant is for clients that do",
                    "write `kind = \"server\"`, or remove the grant",
                );
            }
            GrantType::DeviceCode if registers_devices(table) => context.findings.error(
                Code::Contradiction,
                &key,
                "a code must not give access to device registration",
                "whoever is talked into entering a code would register a stranger's device; remove the grant, or the resource from `resources`",
            ),
            GrantType::Password => context.findings.warning(
                Code::Exposure,
                &key,
                "the client sees passwords of users",
                "use `authorization_code` or `device_code` as soon as the client can",
            ),
            GrantType::Implicit => context.findings.warning(
                Code::Exposure,
                &key,
                "the client may get id tokens through the browser",
                "use `authorization_code` as soon as the client can",
            ),
            _ => {}
        }
    }
    if grants.iter().any(|grant| matches!(grant, GrantType::AuthorizationCode | GrantType::Implicit))
        && table.redirect_uris.is_empty()
    {
        context.findings.error(
            Code::Contradiction,
            "client.redirect_uris",
            "the client signs people in by a browser, but there is no address to send them back to",
            "list the client's addresses, or write `grants` without `authorization_code`",
        );
    }
    grants
}

/// Whether the client may ask for tokens of the device registration service, by either of its names: as one of its resources, or
/// because it is called so itself.
fn registers_devices(table: &ClientFile) -> bool {
    table.id.starts_with("urn:ms-drs:") || table.resources.iter().any(|resource| resource.starts_with("urn:ms-drs:"))
}

fn credentials(table: &ClientFile, kind: ClientType, context: &mut TrustContext<'_, '_, '_>) -> ClientCredentials {
    let mut credentials = ClientCredentials {
        windows_account: table.windows_account.clone(),
        single_use_assertions: table.single_use_assertions,
        ..ClientCredentials::default()
    };
    if let Some(file) = &table.secret_file {
        credentials.secrets = secrets(file, context);
    }
    if let Some(file) = &table.jwks_file
        && let Some((path, octets)) = context.read(file, "client.jwks_file")
        && let Err(error) = credentials.keys.add_key_set(&octets)
    {
        let message = format!("{}: {error}", path.display());
        let help = "a key set is `{\"keys\":[…]}` with RSA keys of at least 2048 bits";
        context.findings.error(Code::Certificate, "client.jwks_file", message, help);
    }
    for (i, file) in table.certificate_files.iter().enumerate() {
        add_certificate(file, &format!("client.certificate_files.{i}"), &mut credentials.keys, context);
    }
    let has_any = table.secret_file.is_some()
        || table.jwks_file.is_some()
        || !table.certificate_files.is_empty()
        || table.windows_account.is_some();
    match kind {
        ClientType::Public if has_any => context.findings.error(
            Code::Contradiction,
            "client.kind",
            "a native client has no secret: every copy of the program would hold it",
            "write `kind = \"server\"`, or remove the secret",
        ),
        ClientType::Confidential if !has_any => context.findings.error(
            Code::MissingKey,
            "client.kind",
            "nothing says how the client proves who it is",
            "name a `secret_file`, a `jwks_file`, `certificate_files` or a `windows_account`",
        ),
        _ => {}
    }
    if table.single_use_assertions && table.jwks_file.is_none() && table.certificate_files.is_empty() {
        context.findings.error(
            Code::Contradiction,
            "client.single_use_assertions",
            "the client has no key to sign assertions with",
            "name a `jwks_file` or `certificate_files`, or remove the key",
        );
    }
    credentials
}

/// One secret a line, so that the next one can be there before the client uses it.
fn secrets(file: &Path, context: &mut TrustContext<'_, '_, '_>) -> Vec<ClientSecret> {
    const KEY: &str = "client.secret_file";
    let Some((path, octets)) = context.read_secret(file, KEY) else { return Vec::new() };
    let octets = Secret::new(octets);
    let Ok(text) = std::str::from_utf8(octets.expose()) else {
        let message = format!("{} is not UTF-8", path.display());
        context.findings.error(Code::InvalidValue, KEY, message, "write one secret on each line");
        return Vec::new();
    };
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() || lines.iter().any(|line| line.chars().count() < MIN_SECRET) {
        context.findings.error(
            Code::InvalidValue,
            KEY,
            format!("{} needs a secret of at least {MIN_SECRET} characters on each line", path.display()),
            "make one by `openssl rand -base64 32`",
        );
        return Vec::new();
    }
    lines.into_iter().map(ClientSecret::of).collect()
}

fn add_certificate(file: &Path, key: &str, keys: &mut ClientKeys, context: &mut TrustContext<'_, '_, '_>) {
    let Some((path, octets)) = context.read(file, key) else { return };
    let help = "the file begins with `-----BEGIN CERTIFICATE-----`; its key is RSA of at least 2048 bits";
    match X509::from_pem(&octets).and_then(|certificate| certificate.to_der().map(|der| (certificate, der))) {
        Err(_) => {
            let message = format!("{} holds no certificate in PEM form", path.display());
            context.findings.error(Code::Certificate, key, message, help);
        }
        Ok((certificate, der)) => match keys.add_certificate(&der) {
            Err(error) => {
                context.findings.error(Code::Certificate, key, format!("{}: {error}", path.display()), help);
            }
            Ok(()) => crate::config::judge_certificate_dates(
                &certificate,
                "the client's certificate",
                context.now,
                key,
                &mut context.findings,
            ),
        },
    }
}

/// Scopes of a client whose file names none.
const DEFAULT_SCOPES: [&str; 4] = ["openid", "profile", "email", "user_impersonation"];
/// Characters of a secret: nobody guesses one of 128 bits in base64.
const MIN_SECRET: usize = 22;
