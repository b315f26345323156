//! What every farm has of itself: the resources and clients that Windows knows by fixed names (oauth-oidc-prt.md 2.1).

use std::sync::Arc;
use std::time::Duration;

use super::client::{
    BROKER, Client, ClientCredentials, ClientType, DEVICE_REGISTRATION, DEVICE_REGISTRATION_CLIENT, GrantType,
    USER_INFORMATION, WINDOWS_SIGN_IN,
};
use super::{AppliedPolicy, Authorization, ClaimsProviders, RelyingParty, RelyingPartyId};
use crate::claims::policy::{Parameters, Policies};
use crate::claims::{RuleSet, rules};
use crate::tokens::{SignatureAlgorithm, TokenType};

/// The resource that a token is for when nothing else is asked: it opens the user information endpoint, and everybody may
/// have one about themselves.
pub(crate) fn user_information() -> Option<RelyingParty> {
    resource(
        "User information",
        vec![USER_INFORMATION.to_owned()],
        RuleSet::parse("").ok()?,
        Authorization::PermitEveryone,
    )
}

/// The device registration service: by its name in every farm, and by that of this one. Without a second factor only
/// computers register themselves, unless `policy` says otherwise.
pub(crate) fn device_registration(service_name: &str, policy: &str, policies: &Policies) -> Option<RelyingParty> {
    let found = policies.find(policy)?;
    let compiled = policies.compile(found, &Parameters::default()).ok()?;
    let authorization = if compiled.permits_everyone {
        Authorization::PermitEveryone
    } else {
        Authorization::Rules(compiled.authorization)
    };
    let identifiers = vec![DEVICE_REGISTRATION.to_owned(), format!("urn:ms-drs:{service_name}")];
    let rules = RuleSet::parse(rules::DEVICE_REGISTRATION).ok()?;
    let trust = resource("Device registration service", identifiers, rules, authorization)?;
    Some(RelyingParty {
        access_control_policy: Some(AppliedPolicy { name: found.policy().name.clone(), networks: compiled.networks }),
        additional_authentication: compiled.additional_authentication.into_iter().collect(),
        computer_guard: compiled.needs_computer_guard,
        ..trust
    })
}

fn resource(
    name: &str,
    identifiers: Vec<String>,
    transform: RuleSet,
    authorization: Authorization,
) -> Option<RelyingParty> {
    Some(RelyingParty {
        id: RelyingPartyId::new(identifiers.first()?.as_str()),
        name: name.to_owned(),
        identifiers,
        enabled: true,
        token_type: TokenType::Jwt,
        token_lifetime: Duration::from_hours(1),
        not_before_skew: Duration::ZERO,
        signature_algorithm: SignatureAlgorithm::RsaSha256,
        encryption: None,
        authorization,
        access_control_policy: None,
        additional_authentication: Vec::new(),
        delegation_authorization: None,
        impersonation_authorization: None,
        transform,
        required_claims: Vec::new(),
        claims_providers: ClaimsProviders::All,
        request_signing_certificates: Vec::new(),
        require_signed_requests: false,
        ws_federation: None,
        saml: None,
        theme: None,
        computer_guard: false,
        file: None,
    })
}

/// The clients of Windows. They are public: what they ask for is bound to a device and its keys.
pub(crate) fn clients(service_name: &str) -> Vec<Arc<Client>> {
    let registration = [DEVICE_REGISTRATION.to_owned(), format!("urn:ms-drs:{service_name}")];
    let client = |id: &str, name: &str, redirect_uris: &[&str], scopes: &[&str], resources: &[String]| {
        let own = format!("ms-appx-web://Microsoft.AAD.BrokerPlugin/{id}");
        Arc::new(Client {
            id: id.to_owned(),
            name: name.to_owned(),
            kind: ClientType::Public,
            enabled: true,
            redirect_uris: redirect_uris.iter().map(|uri| (*uri).to_owned()).chain([own]).collect(),
            credentials: ClientCredentials::default(),
            grants: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            resources: resources.to_vec(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            // Windows sends no proof key to AD FS.
            pkce_required: false,
            device_proof_required: false,
            logout_uri: None,
            file: None,
        })
    };
    vec![
        client(BROKER, "Windows authentication broker", &[], &["openid", "aza", "profile", "email"], &registration),
        client(
            DEVICE_REGISTRATION_CLIENT,
            "Windows device registration",
            &["ms-app://windows.immersivecontrolpanel/"],
            &["openid", "profile", "email"],
            &registration,
        ),
        client(WINDOWS_SIGN_IN, "Windows sign-in", &[], &["openid", "aza", "profile", "email"], &registration),
    ]
}
