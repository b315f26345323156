//! What a decision rests on: claims of the device, the certificate and the request, policies, and rules for everybody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::audit::{
    AuditError, AuditEvent, AuditSink, Auditor, AuditorOptions, AuthProtocol, ClaimDetail, Identifier, InstanceId,
    RequestFacts,
};
use crate::authn::certificate::CertificateContext;
use crate::authn::{
    AuthenticatedSubject, AuthenticationMethod, ClientSubject, DeviceContext, FederatedSubject, NetworkLocation,
    RequestOrigin, SessionRef, SubjectOrigin,
};
use crate::claims::rules::ACTIVE_DIRECTORY_ACCEPTANCE;
use crate::claims::store::ExpiryNotice;
use crate::claims::{Claim, ClaimSet, Limits, RuleSet, StoreSet, types};
use crate::clock::{ManualClock, SystemRandomSource, UtcTime};
use crate::devices::DeviceId;
use crate::directory::{
    Account, AccountKey, AccountKind, AttributeName, AttributeValue, Attributes, Directory, DirectoryError, ObjectGuid,
    Sid,
};
use crate::keys::{KeyRing, KeyRingOptions};
use crate::store::{MemoryOneTime, MemoryRevocations};
use crate::trusts::{ClaimsProvider, ClaimsProviderId, RelyingParty, Trusts};

const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);
const PASS_ALL: &str = "c:[] => issue(claim = c);";

/// A directory that knows the class of every account.
struct Classes;

#[async_trait::async_trait]
impl Directory for Classes {
    async fn account(&self, key: &AccountKey) -> Result<Account, DirectoryError> {
        Err(DirectoryError::NotFound { key: key.to_string() })
    }

    async fn object_guid(&self, _: &Sid) -> Result<ObjectGuid, DirectoryError> {
        Ok(ObjectGuid::from_directory_bytes([7; 16]))
    }

    async fn attributes(&self, _: &Sid, names: &[AttributeName]) -> Result<Attributes, DirectoryError> {
        let mut found = Attributes::default();
        let text = |text: &str| AttributeValue::Text(text.to_owned());
        for name in names.iter().filter(|name| name.as_str() == "objectclass") {
            found.insert(name.clone(), ["top", "person", "user", "computer"].map(text).to_vec());
        }
        Ok(found)
    }

    async fn search(&self, _: &str, _: &str, _: &[AttributeName]) -> Result<Vec<Attributes>, DirectoryError> {
        Ok(Vec::new())
    }
}

struct Nowhere;

impl AuditSink for Nowhere {
    fn record(&self, _: &AuditEvent) -> Result<(), AuditError> {
        Ok(())
    }
}

struct World {
    issuer: Issuer,
    cx: Context,
    /// Whether sessions are persistent.
    persistent: bool,
    _keys: tempfile::TempDir,
}

impl World {
    /// A farm with one trust, `urn:rp`, and additional authentication rules for everybody.
    fn new(keys_of_trust: &str, everybody: Option<&str>) -> Self {
        Self::with_transform(PASS_ALL, keys_of_trust, everybody)
    }

    fn with_transform(transform: &str, keys_of_trust: &str, everybody: Option<&str>) -> Self {
        let text = format!(
            "[relying_party]\nname = 'rp'\nidentifiers = ['urn:rp']\ntransform_rules = '{transform}'\n{keys_of_trust}"
        );
        let trust = RelyingParty::from_toml(&text, Path::new("trusts"), NOW).unwrap();
        let everybody = everybody.map(|text| RuleSet::parse(text).unwrap());
        let clock = Arc::new(ManualClock::at(NOW));
        let random = Arc::new(SystemRandomSource::new());
        let keys = tempfile::tempdir().unwrap();
        let options =
            KeyRingOptions::new(keys.path().join("keys"), keys.path().join("kek"), String::from("sts.corp.example"));
        let ring = KeyRing::load_or_create(&options, &*clock, &*random).unwrap();
        let services = Services {
            directory: Arc::new(Classes),
            stores: Arc::new(StoreSet::new()),
            keys: Arc::new(ring),
            one_time: Arc::new(MemoryOneTime::new(clock.clone(), 100)),
            revocations: Arc::new(MemoryRevocations::new(clock.clone(), 100)),
            auditor: Arc::new(Auditor::start(Arc::new(Nowhere), AuditorOptions::default()).unwrap()),
            trusts: Arc::new(Trusts::new(vec![Arc::new(trust)]).with_additional_authentication(everybody)),
            clock,
            random,
        };
        let facts = RequestFacts {
            activity: uuid::Uuid::nil(),
            server: Identifier::public("sts.corp.example"),
            protocol: AuthProtocol::WsTrust,
            location: NetworkLocation::Extranet,
            client: None,
            forwarded: Vec::new(),
            proxy: None,
            peer: None,
            proxy_server: None,
            user_agent: None,
            endpoint: Identifier::path("/adfs/services/trust/13/windowstransport"),
        };
        Self {
            issuer: accepting(ACTIVE_DIRECTORY_ACCEPTANCE),
            cx: Context {
                services: Arc::new(services),
                request: Arc::new(facts),
                instance: InstanceId(uuid::Uuid::nil()),
            },
            persistent: false,
            _keys: keys,
        }
    }

    async fn decide(&self, who: &AuthenticatedSubject, origin: RequestOrigin) -> Decision {
        self.try_to_decide(who, origin).await.unwrap()
    }

    async fn try_to_decide(&self, who: &AuthenticatedSubject, origin: RequestOrigin) -> Result<Decision, IssueError> {
        self.asked_by(None, who, origin).await
    }

    async fn asked_by(
        &self,
        actor: Option<AuthenticatedSubject>,
        who: &AuthenticatedSubject,
        origin: RequestOrigin,
    ) -> Result<Decision, IssueError> {
        let request = SignInRequest {
            relying_party: String::from("urn:rp"),
            endpoint: String::from("/adfs/services/trust/13/windowstransport"),
            origin,
            hints: ClientHints::default(),
            token_type: None,
            persistent_session: self.persistent,
            actor: actor.map(Box::new),
        };
        self.issuer.decide(&self.cx, &request, who).await
    }

    async fn claims(&self, who: &AuthenticatedSubject) -> ClaimSet {
        match self.decide(who, from("203.0.113.9", &[])).await {
            Decision::Permit(grant) => grant.claims,
            other => panic!("{other:?}"),
        }
    }
}

/// An issuer with these acceptance rules of Active Directory.
fn accepting(rules: &str) -> Issuer {
    Issuer::new(IssuerOptions {
        federation_service_identifier: String::from("http://sts.corp.example/adfs/services/trust"),
        acceptance_rules: RuleSet::parse(rules).unwrap(),
        limits: Limits::default(),
        password_expiry: ExpiryNotice::default(),
        claim_descriptions: Arc::default(),
        audited_claims: ClaimDetail::None,
        audited_input: ClaimDetail::None,
    })
}

fn from(client: &str, forwarded: &[&str]) -> RequestOrigin {
    RequestOrigin {
        peer: client.parse().unwrap(),
        client_ip: client.parse().unwrap(),
        forwarded_for: forwarded.iter().map(|address| address.parse().unwrap()).collect(),
        proxy: None,
        location: NetworkLocation::Extranet,
        ignored_headers: false,
    }
}

fn subject(kind: AccountKind, groups: &[u32]) -> AuthenticatedSubject {
    let sid = |rid: u32| format!("S-1-5-21-1-2-3-{rid}").parse::<Sid>().unwrap();
    let account = Account {
        sid: sid(1107),
        kind,
        realm: "CORP.EXAMPLE".into(),
        netbios_domain: "CORP".into(),
        sam_account_name: "alice".into(),
        upn: Some("alice@corp.example".into()),
        display_name: "Alice".into(),
        primary_group: sid(groups[0]),
        groups: groups.iter().map(|rid| sid(*rid)).collect(),
    };
    AuthenticatedSubject {
        origin: SubjectOrigin::Directory(account),
        methods: vec![AuthenticationMethod::Windows],
        instant: NOW,
        device: None,
        certificate: None,
        session: SessionRef::random(&SystemRandomSource::new()).unwrap(),
        password_expires: None,
        alternate_login_id: None,
    }
}

fn alice() -> AuthenticatedSubject {
    subject(AccountKind::User, &[513])
}

fn device() -> DeviceContext {
    DeviceContext {
        id: DeviceId(uuid::Uuid::from_u128(0x67ad_5895_8624_4cdc_8d19_95d6_579c_aaf2)),
        registration_mark: String::new(),
        registration_id: Some("r".into()),
        display_name: Some("WS01".into()),
        os_type: Some("Windows".into()),
        os_version: Some("10.0.19045.0".into()),
        is_known: true,
        is_registered_user: false,
        is_managed: Some(true),
        is_compliant: Some(false),
        trust_type: Some("ServerAd".into()),
        last_used: Some(NOW),
        by_primary_refresh_token: true,
    }
}

#[tokio::test]
async fn a_device_makes_claims_and_its_absence_none() {
    let world = World::new("access_control_policy = 'permit-everyone'", None);
    let with = AuthenticatedSubject { device: Some(device()), ..alice() };
    let claims = world.claims(&with).await;
    for (claim_type, value) in [
        (types::DEVICE_IDENTIFIER, "67ad5895-8624-4cdc-8d19-95d6579caaf2"),
        (types::DEVICE_REGISTRATION_ID, "r"),
        (types::DEVICE_DISPLAY_NAME, "WS01"),
        (types::DEVICE_OS_TYPE, "Windows"),
        (types::DEVICE_OS_VERSION, "10.0.19045.0"),
        (types::DEVICE_IS_KNOWN, "true"),
        (types::DEVICE_IS_REGISTERED_USER, "false"),
        (types::DEVICE_IS_MANAGED, "true"),
        (types::DEVICE_IS_COMPLIANT, "false"),
        (types::DEVICE_TRUST_TYPE, "ServerAd"),
        (types::DEVICE_USAGE_TIME, "2026-01-05T10:00:01.000Z"),
        (types::PRIMARY_REFRESH_TOKEN, "true"),
    ] {
        let found: Vec<_> = claims.of_type(claim_type).map(|claim| (&*claim.value, &*claim.issuer)).collect();
        assert_eq!(found, [(value, types::issuer::SELF_AUTHORITY)], "{claim_type}");
    }
    let unknown = DeviceContext { is_managed: None, display_name: None, by_primary_refresh_token: false, ..device() };
    let claims = world.claims(&AuthenticatedSubject { device: Some(unknown), ..alice() }).await;
    assert!(
        claims.first_value(types::DEVICE_IS_MANAGED).is_none()
            && claims.first_value(types::DEVICE_DISPLAY_NAME).is_none()
            && claims.first_value(types::PRIMARY_REFRESH_TOKEN).is_none()
    );
    let without = world.claims(&alice()).await;
    assert!(without.iter().all(|claim| !claim.claim_type.contains("device")), "{without:?}");
}

#[tokio::test]
async fn a_policy_asks_for_what_the_device_cannot_show() {
    let policy = "access_control_policy = 'permit-everyone-and-require-mfa-from-unauthenticated-devices'";
    let world = World::new(policy, None);
    let with = AuthenticatedSubject { device: Some(device()), ..alice() };
    assert!(matches!(world.decide(&with, from("203.0.113.9", &[])).await, Decision::Permit(_)));
    let stranger = DeviceContext { is_known: false, ..device() };
    for who in [alice(), AuthenticatedSubject { device: Some(stranger), ..alice() }] {
        let decision = world.decide(&who, from("203.0.113.9", &[])).await;
        assert!(matches!(decision, Decision::StepUp(AuthnDemand::SecondFactor)), "{decision:?}");
    }
}

#[tokio::test]
async fn computers_register_themselves_and_nobody_else_passes_for_one() {
    let policy = "access_control_policy = 'permit-everyone-and-require-mfa-allow-automatic-device-registration'";
    let world = World::new(policy, None);
    let origin = || from("203.0.113.9", &[]);
    let computer = subject(AccountKind::Computer, &[515]);
    assert!(matches!(world.decide(&computer, origin()).await, Decision::Permit(_)));
    // A user whom somebody put into Domain Computers.
    for who in [subject(AccountKind::User, &[513, 515]), subject(AccountKind::User, &[515])] {
        let decision = world.decide(&who, origin()).await;
        assert!(matches!(decision, Decision::StepUp(AuthnDemand::SecondFactor)), "{decision:?}");
    }
}

#[tokio::test]
async fn addresses_are_judged_as_addresses_and_the_judgement_stays_out_of_the_token() {
    let own = crate::claims::policy::Policies::new(vec![
        toml::from_str::<crate::claims::policy::Policy>(
            "name = 'own'\npermit = [{ when = { networks = ['203.0.113.0/29', '2001:db8::/32'] }, except = [{ networks = ['203.0.113.3', '10.0.0.0/8'] }] }]",
        )
        .unwrap(),
    ]);
    let policy = own.find("own").unwrap().policy().compile(&crate::claims::policy::Parameters::default()).unwrap();
    let mut trust = RelyingParty::from_toml(
        &format!("[relying_party]\nname = 'rp'\nidentifiers = ['urn:rp']\ntransform_rules = '{PASS_ALL}'\nauthorization_rules = ''"),
        Path::new("trusts"),
        NOW,
    )
    .unwrap();
    trust.authorization = crate::trusts::Authorization::Rules(policy.authorization);
    trust.access_control_policy = Some(crate::trusts::AppliedPolicy { name: "own".into(), networks: policy.networks });
    let mut world = World::new("access_control_policy = 'permit-everyone'", None);
    Arc::get_mut(&mut world.cx.services).unwrap().trusts = Arc::new(Trusts::new(vec![Arc::new(trust)]));
    for (client, forwarded, expected) in [
        ("203.0.113.7", &[][..], true),
        ("203.0.113.8", &[], false),
        ("203.0.113.77", &[], false),
        ("2001:db8:ffff::1", &[], true),
        ("2001:db9::1", &[], false),
        ("203.0.113.3", &[], false),
        // What only the client says wins nothing and loses what it loses.
        ("198.51.100.1", &["203.0.113.7"], false),
        ("203.0.113.7", &["198.51.100.1"], true),
        ("203.0.113.7", &["10.1.2.3"], false),
    ] {
        let decision = world.decide(&alice(), from(client, forwarded)).await;
        match decision {
            Decision::Permit(grant) if expected => {
                assert!(grant.claims.iter().all(|claim| !claim.claim_type.starts_with("urn:chancery:")));
            }
            Decision::Deny(Denial::Authorization { .. }) if !expected => {}
            other => panic!("{client} {forwarded:?}: {other:?}"),
        }
    }
}

/// A store that fails and a bound that is exceeded, in every rule set: no token, and none with fewer claims.
#[tokio::test]
async fn rules_that_fail_yield_no_token() {
    let everyone = "access_control_policy = 'permit-everyone'";
    for failing in [
        r#"=> issue(store = "Nowhere", types = ("http://e/t"), query = "q"); c:[] => issue(claim = c);"#,
        "a:[] && b:[] && c:[] && d:[] && e:[] && f:[] => issue(claim = a); x:[] => issue(claim = x);",
    ] {
        let own = format!("{everyone}\nadditional_authentication_rules = '{failing}'");
        let authorization = format!("authorization_rules = '{failing}'");
        for (wanted, world) in [
            ("issuance transform", World::with_transform(failing, everyone, None)),
            ("additional authentication", World::new(everyone, Some(failing))),
            ("additional authentication", World::new(&own, None)),
            ("issuance authorization", World::new(&authorization, None)),
        ] {
            match world.try_to_decide(&alice(), from("203.0.113.9", &[])).await {
                Err(IssueError::Claims { stage, .. }) => assert_eq!(stage, wanted),
                other => panic!("{wanted}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn any_of_three_rule_sets_asks() {
    const ASK: &str = r#"=> issue(Type = "http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationmethod", Value = "http://schemas.microsoft.com/claims/multipleauthn");"#;
    let everyone = "access_control_policy = 'permit-everyone'";
    let own = format!("{everyone}\nadditional_authentication_rules = '{ASK}'");
    let policy = "access_control_policy = 'permit-everyone-and-require-mfa'";
    for (what, keys, everybody, asked) in [
        ("none", everyone, None, false),
        ("empty rules for everybody", everyone, Some(""), false),
        ("the rules for everybody", everyone, Some(ASK), true),
        ("the trust's own", &own, None, true),
        ("the policy's", policy, Some(""), true),
    ] {
        let decision = World::new(keys, everybody).decide(&alice(), from("203.0.113.9", &[])).await;
        assert_eq!(matches!(decision, Decision::StepUp(_)), asked, "{what}: {decision:?}");
    }
}

#[tokio::test]
async fn a_certificate_makes_claims() {
    let mut parameters = rcgen::CertificateParams::new(vec![String::from("alice.corp.example")]).unwrap();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::OrganizationName, "Corp, Inc");
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "Alice");
    parameters.serial_number = Some(rcgen::SerialNumber::from_slice(&[0x01, 0xab]));
    parameters.not_before = time::macros::datetime!(2026-01-02 03:04:05 UTC);
    parameters.not_after = time::macros::datetime!(2027-12-31 23:59:59 UTC);
    parameters.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature, rcgen::KeyUsagePurpose::KeyEncipherment];
    parameters.extended_key_usages = vec![
        rcgen::ExtendedKeyUsagePurpose::ClientAuth,
        rcgen::ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 4, 1, 311, 20, 2, 2]),
    ];
    let template = [0x30, 0x10, 0x06, 0x08, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 1, 0x02, 0x01, 100, 0x02, 0x01, 3];
    parameters.custom_extensions = vec![
        rcgen::CustomExtension::from_oid_content(
            &[1, 3, 6, 1, 4, 1, 311, 20, 2],
            vec![0x1e, 8, 0, b'U', 0, b's', 0, b'e', 0, b'r'],
        ),
        rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 311, 21, 7], template.to_vec()),
    ];
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    let world = World::new("access_control_policy = 'permit-everyone'", None);
    let context = CertificateContext::of_validated(certificate.der());
    let who = AuthenticatedSubject { certificate: Some(context), ..alice() };
    let claims = world.claims(&who).await;
    let values =
        |claim_type: &str| -> Vec<String> { claims.of_type(claim_type).map(|claim| claim.value.to_string()).collect() };
    let name = "CN=Alice, O=\"Corp, Inc\"";
    for (claim_type, expected) in [
        (types::CERTIFICATE_VERSION, &["3"][..]),
        (types::CERTIFICATE_SIGNATURE_ALGORITHM, &["sha256ECDSA"]),
        (types::CERTIFICATE_ISSUER, &[name]),
        (types::CERTIFICATE_ISSUER_NAME, &[name]),
        (types::CERTIFICATE_SUBJECT, &[name]),
        (types::CERTIFICATE_SUBJECT_NAME, &[name]),
        (types::CERTIFICATE_NOT_BEFORE, &["01/02/2026 03:04:05"]),
        (types::CERTIFICATE_NOT_AFTER, &["12/31/2027 23:59:59"]),
        (types::CERTIFICATE_SERIAL_NUMBER, &["01AB"]),
        (types::CERTIFICATE_KEY_USAGE, &["DigitalSignature", "KeyEncipherment"]),
        (types::CERTIFICATE_ENHANCED_KEY_USAGE, &["1.3.6.1.5.5.7.3.2", "1.3.6.1.4.1.311.20.2.2"]),
        (types::CERTIFICATE_ALTERNATIVE_NAME, &["DNS Name=alice.corp.example"]),
        (types::CERTIFICATE_TEMPLATE_NAME, &["User"]),
        (
            types::CERTIFICATE_TEMPLATE_INFORMATION,
            &["Template=1.3.6.1.4.1.311.1, Major Version Number=100, Minor Version Number=3"],
        ),
    ] {
        assert_eq!(values(claim_type), expected, "{claim_type}");
    }
    assert_eq!(values(types::CERTIFICATE_RAW_DATA).len(), 1);
    assert_eq!(values(types::CERTIFICATE_THUMBPRINT)[0].len(), 40);
    assert!(claims.of_type(types::CERTIFICATE_ISSUER).all(|claim| &*claim.issuer == types::issuer::AD_AUTHORITY));
    assert!(world.claims(&alice()).await.iter().all(|claim| !claim.claim_type.contains("certificatecontext")));
    // A grant that travels takes the certificate along.
    let text = serde_json::to_string(&who).unwrap();
    assert_eq!(serde_json::from_str::<AuthenticatedSubject>(&text).unwrap(), who);
}

/// The acceptance rules of the provider decide what of its word gets in, and nothing of it is the directory's.
#[tokio::test]
async fn a_user_of_a_claims_provider_is_judged_by_its_acceptance_rules() {
    let upn = types::UPN;
    let provider = |enabled: bool| ClaimsProvider {
        enabled,
        acceptance: RuleSet::parse(&format!("c:[Type == \"{upn}\"] => issue(claim = c);")).unwrap(),
        ..crate::trusts::tests::partner("partner")
    };
    let decide = async |enabled: bool, who: &str, keys: &str| {
        let mut world = World::new(&format!("access_control_policy = 'permit-everyone'\n{keys}"), None);
        let services = Arc::get_mut(&mut world.cx.services).unwrap();
        let relying_parties = services.trusts.relying_parties().to_vec();
        let trusts = Trusts::new(relying_parties).with_claims_providers(vec![Arc::new(provider(enabled))]);
        services.trusts = Arc::new(trusts);
        let claim = |claim_type: &str, value: &str| Claim::new(claim_type, value, who);
        let federated = FederatedSubject {
            claims_provider: ClaimsProviderId::new(who),
            name: String::from("bob"),
            claims: [claim(upn, "bob@partner.example"), claim(types::GROUP_SID, "S-1-5-21-1-2-3-512")]
                .into_iter()
                .collect(),
            session: None,
        };
        let who = AuthenticatedSubject {
            origin: SubjectOrigin::ClaimsProvider(federated),
            methods: vec![AuthenticationMethod::Federated],
            ..alice()
        };
        world.decide(&who, from("203.0.113.1", &[])).await
    };
    let Decision::Permit(grant) = decide(true, "urn:partner", "").await else { panic!("permitted") };
    let accepted: Vec<_> = grant.claims.iter().filter(|claim| &*claim.issuer == "urn:partner").collect();
    assert_eq!(accepted.len(), 1, "{accepted:?}");
    assert_eq!(&*accepted[0].value, "bob@partner.example");
    assert!(grant.claims.iter().all(|claim| &*claim.issuer != types::issuer::AD_AUTHORITY), "{:?}", grant.claims);
    let elsewhere = "claims_providers = ['Active Directory']";
    for (enabled, who, keys) in [(false, "urn:partner", ""), (true, "urn:nobody", ""), (true, "urn:partner", elsewhere)]
    {
        let decision = decide(enabled, who, keys).await;
        assert!(matches!(decision, Decision::Deny(Denial::ClaimsProvider)), "{enabled} {who} {keys}: {decision:?}");
    }
}

/// An OAuth client that said who it is.
fn client(id: &str) -> AuthenticatedSubject {
    AuthenticatedSubject { origin: SubjectOrigin::Client(ClientSubject { id: id.into(), name: id.into() }), ..alice() }
}

#[tokio::test]
async fn a_client_asks_on_behalf_of_a_user_where_the_rules_say_so() {
    const PERMIT_APP: &str = "access_control_policy = 'permit-everyone'\n\
        delegation_authorization_rules = 'c:[Type == \"urn:chancery:requestcontext/client-id\", Value == \"app\"] \
        => issue(Type = \"http://schemas.microsoft.com/authorization/claims/permit\", Value = \"true\");'";
    let origin = || from("203.0.113.9", &[]);
    let denied = async |world: &World, actor: AuthenticatedSubject| match world
        .asked_by(Some(actor), &alice(), origin())
        .await
        .unwrap()
    {
        Decision::Deny(denial) => denial.to_string(),
        other => panic!("{other:?}"),
    };
    let world = World::new(PERMIT_APP, None);
    let Decision::Permit(grant) = world.asked_by(Some(client("app")), &alice(), origin()).await.unwrap() else {
        panic!("denied")
    };
    // What is in the token is the user's.
    assert_eq!(grant.subject.origin, alice().origin);
    assert_eq!(grant.claims.first_value(types::UPN).map(ToString::to_string), Some("alice@corp.example".into()));
    assert_eq!(grant.claims.first_value(types::CLIENT_ID), None);
    assert_eq!(denied(&world, client("other")).await, "delegation authorization: no rule permits for other");
    assert_eq!(denied(&world, alice()).await, "delegation authorization: no client asks for nobody");
    // Without rules nobody may; who asks for itself needs none.
    let world = World::new("access_control_policy = 'permit-everyone'", None);
    let reason = "delegation authorization: the trust has no delegation authorization rules for app";
    assert_eq!(denied(&world, client("app")).await, reason);
    assert!(matches!(world.decide(&alice(), origin()).await, Decision::Permit(_)));
    // The user must be permitted as well, and rules about users find none in the client.
    let nobody = PERMIT_APP.replace("access_control_policy = 'permit-everyone'\n", "");
    assert!(denied(&World::new(&nobody, None), client("app")).await.starts_with("issuance authorization: "));
    let of_users = PERMIT_APP.replace("urn:chancery:requestcontext/client-id", types::UPN);
    let of_users = of_users.replace(r#"Value == "app""#, r#"Value == "alice@corp.example""#);
    assert!(denied(&World::new(&of_users, None), client("app")).await.ends_with("no rule permits for app"));
}

#[tokio::test]
async fn a_persistent_session_makes_a_claim_and_another_none() {
    let mut world = World::new("access_control_policy = 'permit-everyone'", None);
    assert_eq!(world.claims(&alice()).await.first_value(types::PERSISTENT_SSO), None);
    world.persistent = true;
    let claims = world.claims(&alice()).await;
    let found: Vec<_> = claims.of_type(types::PERSISTENT_SSO).map(|claim| (&*claim.value, &*claim.issuer)).collect();
    assert_eq!(found, [("true", types::issuer::SELF_AUTHORITY)]);
}

/// They choose what gets in and add to it. Who signed in, for the audit log and the session, is not theirs to say.
#[tokio::test]
async fn acceptance_rules_of_active_directory_choose_and_add() {
    let mut world = World::new("access_control_policy = 'permit-everyone'", None);
    let upn = types::UPN;
    world.issuer = accepting(&format!(
        "c:[Type == \"{upn}\"] => issue(Type = c.Type, Value = RegExReplace(c.Value, \"@.*$\", \"@brand.example\"));\n\
         => issue(Type = \"urn:region\", Value = \"north\");\n\
         c:[Type == \"{}\"] => issue(Type = c.Type, Value = c.Value, Issuer = \"LOCAL AUTHORITY\");",
        types::PRIMARY_SID
    ));
    let Decision::Permit(grant) = world.decide(&alice(), from("203.0.113.9", &[])).await else { panic!("denied") };
    let value = |claim_type| grant.claims.first_value(claim_type).map(ToString::to_string);
    assert_eq!(value(upn).as_deref(), Some("alice@brand.example"));
    assert_eq!(value("urn:region").as_deref(), Some("north"));
    assert_eq!(value(types::PRIMARY_SID).as_deref(), Some("S-1-5-21-1-2-3-1107"));
    assert_eq!(value(types::GROUP_SID), None);
    assert_eq!(value(types::INSIDE_CORPORATE_NETWORK).as_deref(), Some("false"));
    assert_eq!(grant.subject.origin, alice().origin);
    // Without a rule nothing of the account gets in; what the request says of itself does.
    world.issuer = accepting("");
    let claims = world.claims(&alice()).await;
    assert!(claims.iter().all(|claim| &*claim.issuer == types::issuer::CLIENT_CONTEXT), "{claims:?}");
}

/// A group, a second factor, a place or a device that a rule makes up would be a permit of the next rule set.
#[tokio::test]
async fn acceptance_rules_of_active_directory_make_no_fact_of_the_servers() {
    let mut world = World::new("access_control_policy = 'permit-everyone'", None);
    for claim_type in types::STATED_BY_SERVER {
        for made in [
            format!("=> issue(Type = \"{claim_type}\", Value = \"made up\");"),
            format!(
                "c:[] => issue(claim = c);\nc:[Type == \"{}\"] => issue(Type = RegExReplace(c.Type, \"^.*$\", \"{claim_type}\"), \
                 Value = c.Value, Issuer = c.Issuer);",
                types::UPN
            ),
        ] {
            world.issuer = accepting(&made);
            let decision = world.try_to_decide(&alice(), from("203.0.113.9", &[])).await;
            assert!(
                matches!(&decision, Err(IssueError::StatedByRule { claim_type: said }) if said == claim_type),
                "{claim_type}: {decision:?}"
            );
        }
    }
}
