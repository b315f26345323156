use uuid::Uuid;

use super::*;
use crate::devices::DeviceKey;
use crate::devices::samples::SENT;

const GUID: &str = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

fn sid(rid: u32) -> Sid {
    Sid::new(5, &[21, 1, 2, 3, rid]).unwrap()
}

fn computer() -> EnrolmentClaims {
    EnrolmentClaims {
        permitted: true,
        upn: Some("ws01$@corp.example".into()),
        sid: Some(sid(1104)),
        domain_joined: true,
        object_guid: Some(GUID.parse().unwrap()),
        quota: None,
    }
}

fn user() -> EnrolmentClaims {
    EnrolmentClaims {
        permitted: true,
        upn: Some("alice@corp.example".into()),
        sid: Some(sid(1105)),
        ..EnrolmentClaims::default()
    }
}

fn request(join_type: JoinType) -> EnrolmentRequest {
    EnrolmentRequest {
        join_type,
        display_name: "WS01".into(),
        os_type: "Windows".into(),
        os_version: "10.0.26100.0".into(),
        certificate_request: SENT.csr.clone(),
        transport_key: Some(SENT.blob.clone()),
        reuse: false,
    }
}

fn policy() -> EnrolmentPolicy {
    EnrolmentPolicy {
        join_types: vec![JoinType::DomainJoin, JoinType::WorkplaceJoin, JoinType::Enrolment],
        sha1: Sha1Requests::Refused,
    }
}

fn facts(kind: AccountKind) -> EnrolmentFacts {
    EnrolmentFacts {
        account: Some(OwnerAccount { guid: GUID.parse().unwrap(), kind, state: SignInState::Permitted }),
        devices_of_owner: Vec::new(),
        existing: None,
        quota: Some(10),
        new_id: DeviceId(Uuid::from_u128(42)),
    }
}

fn device(id: u128) -> Device {
    Device {
        id: DeviceId(Uuid::from_u128(id)),
        object_guid: None,
        display_name: "WS01".into(),
        os_type: None,
        os_version: None,
        enabled: true,
        unused_since: None,
        owner: Some(sid(1105)),
        users: vec![sid(1105)],
        certificates: Vec::new(),
        keys: vec![DeviceKey { usage: 2, material: SENT.blob.clone(), device: None, created: None }],
        trust_type: Some(TrustType::WORKPLACE),
        computer_sid: None,
        is_managed: None,
        is_compliant: None,
        written_back: false,
        last_used: None,
        registered: None,
    }
}

fn decide(
    claims: &EnrolmentClaims,
    request: EnrolmentRequest,
    facts: &EnrolmentFacts,
) -> Result<Approved, EnrolmentRefusal> {
    apply(claims, request, &policy())?.decide(facts)
}

#[test]
fn a_computer_is_registered_by_its_own_guid() {
    let approved = decide(&computer(), request(JoinType::DomainJoin), &facts(AccountKind::Computer)).unwrap();
    assert_eq!(approved.id.to_string(), GUID);
    let mark = CertificateMark { thumbprint: [1; 20], public_key: [2; 32] };
    let registration = approved.certified(mark, UtcTime::from_unix_seconds(7));
    assert_eq!(
        registration,
        Registration {
            id: DeviceId(GUID.parse().unwrap()),
            display_name: "WS01".into(),
            os_type: "Windows".into(),
            os_version: "10.0.26100.0".into(),
            owner: sid(1104),
            computer_sid: Some(sid(1104)),
            trust_type: Some(TrustType::DOMAIN),
            certificate: mark,
            transport_key: Some(SENT.blob.clone()),
            quota: None,
            at: UtcTime::from_unix_seconds(7),
        }
    );
}

#[test]
fn a_user_s_device_gets_a_new_identifier() {
    let approved = decide(&user(), request(JoinType::WorkplaceJoin), &facts(AccountKind::User)).unwrap();
    assert_eq!(approved.id, DeviceId(Uuid::from_u128(42)));
    let mark = CertificateMark { thumbprint: [1; 20], public_key: [2; 32] };
    let registration = approved.certified(mark, UtcTime::from_unix_seconds(7));
    assert_eq!((registration.trust_type, registration.computer_sid), (Some(TrustType::WORKPLACE), None));
    // Without transport key by SOAP, whatever comes along.
    let approved = decide(&user(), request(JoinType::Enrolment), &facts(AccountKind::User)).unwrap();
    let registration = approved.certified(mark, UtcTime::from_unix_seconds(7));
    assert_eq!((registration.trust_type, registration.transport_key), (None, None));
}

#[test]
fn each_claim_is_needed() {
    let domain = |change: fn(&mut EnrolmentClaims)| {
        let mut claims = computer();
        change(&mut claims);
        decide(&claims, request(JoinType::DomainJoin), &facts(AccountKind::Computer))
    };
    assert!(matches!(domain(|claims| claims.permitted = false), Err(EnrolmentRefusal::NotPermitted)));
    assert!(matches!(domain(|claims| claims.sid = None), Err(EnrolmentRefusal::Claim("primarysid"))));
    assert!(matches!(domain(|claims| claims.upn = None), Err(EnrolmentRefusal::Claim("upn"))));
    assert!(matches!(domain(|claims| claims.domain_joined = false), Err(EnrolmentRefusal::Claim("accounttype"))));
    assert!(matches!(domain(|claims| claims.object_guid = None), Err(EnrolmentRefusal::Claim("onpremobjectguid"))));
    // A user's token registers no computer.
    assert!(matches!(
        decide(&user(), request(JoinType::DomainJoin), &facts(AccountKind::Computer)),
        Err(EnrolmentRefusal::Claim("accounttype"))
    ));
}

#[test]
fn other_kinds_are_refused_whatever_the_configuration_says() {
    let everything = EnrolmentPolicy { join_types: (0..8).filter_map(JoinType::from_number).collect(), ..policy() };
    for number in [0, 1, 2, 3, 5, 7] {
        let kind = JoinType::from_number(number).unwrap();
        for policy in [&policy(), &everything] {
            assert!(
                matches!(apply(&user(), request(kind), policy), Err(EnrolmentRefusal::JoinType(refused)) if refused == kind)
            );
        }
    }
    let computers_only = EnrolmentPolicy { join_types: vec![JoinType::DomainJoin], ..policy() };
    for kind in [JoinType::WorkplaceJoin, JoinType::Enrolment] {
        assert!(matches!(apply(&user(), request(kind), &computers_only), Err(EnrolmentRefusal::JoinType(_))));
    }
}

#[test]
fn details_fit_the_directory() {
    let with = |change: fn(&mut EnrolmentRequest)| {
        let mut request = request(JoinType::WorkplaceJoin);
        change(&mut request);
        apply(&user(), request, &policy())
    };
    assert!(matches!(with(|r| r.display_name = "  ".into()), Err(EnrolmentRefusal::Detail("DeviceDisplayName"))));
    assert!(matches!(with(|r| r.display_name = "a".repeat(257)), Err(EnrolmentRefusal::Detail(_))));
    assert!(matches!(with(|r| r.display_name = "a\0b".into()), Err(EnrolmentRefusal::Detail(_))));
    assert!(matches!(with(|r| r.os_type = "a".repeat(1025)), Err(EnrolmentRefusal::Detail("DeviceType"))));
    assert!(matches!(with(|r| r.os_version = "a".repeat(513)), Err(EnrolmentRefusal::Detail("OSVersion"))));
    assert_eq!(with(|r| r.display_name = " Poste de Zoé\r\n".into()).unwrap().display_name, "Poste de Zoé");
    assert!(matches!(with(|r| r.transport_key = None), Err(EnrolmentRefusal::NoTransportKey)));
    assert!(matches!(with(|r| r.transport_key = Some(vec![0; 283])), Err(EnrolmentRefusal::TransportKey(_))));
    assert!(matches!(with(|r| r.certificate_request.clear()), Err(EnrolmentRefusal::CertificateRequest(_))));
}

#[test]
fn the_account_must_be_there_and_be_the_same() {
    let computers = facts(AccountKind::Computer);
    let with = |account: Option<OwnerAccount>| {
        decide(&computer(), request(JoinType::DomainJoin), &EnrolmentFacts { account, ..computers.clone() })
    };
    let good = computers.account.unwrap();
    assert!(with(Some(good)).is_ok());
    assert!(matches!(with(None), Err(EnrolmentRefusal::NoAccount)));
    let made_again = OwnerAccount { guid: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee".parse().unwrap(), ..good };
    assert!(matches!(with(Some(made_again)), Err(EnrolmentRefusal::NoAccount)));
    for kind in [AccountKind::User, AccountKind::DomainController] {
        assert!(matches!(with(Some(OwnerAccount { kind, ..good })), Err(EnrolmentRefusal::NoAccount)));
    }
    for state in [SignInState::Disabled, SignInState::Locked, SignInState::AccountExpired] {
        assert!(matches!(with(Some(OwnerAccount { state, ..good })), Err(EnrolmentRefusal::AccountState(_))));
    }
}

#[test]
fn what_an_administrator_disabled_stays_disabled() {
    let mut known = facts(AccountKind::Computer);
    let mut existing = Device { id: DeviceId(GUID.parse().unwrap()), ..device(1) };
    known.existing = Some(existing.clone());
    assert!(decide(&computer(), request(JoinType::DomainJoin), &known).is_ok());
    existing.enabled = false;
    known.existing = Some(existing.clone());
    assert!(matches!(
        decide(&computer(), request(JoinType::DomainJoin), &known),
        Err(EnrolmentRefusal::Disabled { .. })
    ));
    // A sweep is no administrator: whoever comes back is welcome.
    let swept = Device { unused_since: Some(UtcTime::from_unix_seconds(1_700_000_000)), ..existing.clone() };
    known.existing = Some(swept);
    assert_eq!(decide(&computer(), request(JoinType::DomainJoin), &known).unwrap().id, existing.id);
    existing.written_back = true;
    known.existing = Some(existing);
    assert!(matches!(
        decide(&computer(), request(JoinType::DomainJoin), &known),
        Err(EnrolmentRefusal::WrittenBack { .. })
    ));
}

#[test]
fn ten_means_ten() {
    let mut known = facts(AccountKind::User);
    known.devices_of_owner = (1..=9).map(device).collect();
    assert!(decide(&user(), request(JoinType::WorkplaceJoin), &known).is_ok());
    known.devices_of_owner.push(device(10));
    for kind in [JoinType::WorkplaceJoin, JoinType::Enrolment] {
        assert!(matches!(
            decide(&user(), request(kind), &known),
            Err(EnrolmentRefusal::Quota { count: 10, limit: 10 })
        ));
    }
    // No limit, an account that is exempt by the directory or by its token, and computers.
    for limit in [None, Some(0)] {
        let unlimited = EnrolmentFacts { quota: limit, ..known.clone() };
        assert!(decide(&user(), request(JoinType::WorkplaceJoin), &unlimited).is_ok());
    }
    for quota in [EXEMPT, 0, 11] {
        let claims = EnrolmentClaims { quota: Some(quota), ..user() };
        assert!(decide(&claims, request(JoinType::WorkplaceJoin), &known).is_ok(), "{quota}");
    }
    let smaller = EnrolmentClaims { quota: Some(3), ..user() };
    assert!(matches!(
        decide(&smaller, request(JoinType::WorkplaceJoin), &known),
        Err(EnrolmentRefusal::Quota { limit: 3, .. })
    ));
    let mut computers = facts(AccountKind::Computer);
    computers.devices_of_owner.clone_from(&known.devices_of_owner);
    assert!(decide(&computer(), request(JoinType::DomainJoin), &computers).is_ok());
}

#[test]
fn a_device_is_used_again_only_when_asked_and_only_by_its_owner() {
    let mut known = facts(AccountKind::User);
    known.devices_of_owner = (1..=10).map(device).collect();
    known.devices_of_owner[0].display_name = "Another".into();
    let again = EnrolmentRequest { reuse: true, ..request(JoinType::WorkplaceJoin) };
    // It is the tenth again, not the eleventh.
    assert_eq!(decide(&user(), again.clone(), &known).unwrap().id, DeviceId(Uuid::from_u128(2)));
    known.quota = None;
    assert_eq!(decide(&user(), request(JoinType::WorkplaceJoin), &known).unwrap().id, known.new_id);
    for change in [
        |device: &mut Device| device.owner = Some(sid(9)),
        |device: &mut Device| device.keys.clear(),
        |device: &mut Device| device.keys[0].usage = 1,
        |device: &mut Device| device.keys[0].material[30] ^= 1,
        |device: &mut Device| device.trust_type = Some(TrustType::DOMAIN),
        |device: &mut Device| device.computer_sid = Some(sid(9)),
    ] {
        let mut other = EnrolmentFacts { devices_of_owner: vec![device(1)], ..known.clone() };
        change(&mut other.devices_of_owner[0]);
        assert_eq!(decide(&user(), again.clone(), &other).unwrap().id, known.new_id);
    }
    let mut disabled = EnrolmentFacts { devices_of_owner: vec![device(1)], ..known };
    disabled.devices_of_owner[0].enabled = false;
    assert!(matches!(decide(&user(), again.clone(), &disabled), Err(EnrolmentRefusal::Disabled { .. })));
    disabled.devices_of_owner[0].unused_since = Some(UtcTime::from_unix_seconds(1_700_000_000));
    assert_eq!(decide(&user(), again, &disabled).unwrap().id, DeviceId(Uuid::from_u128(1)));
}
