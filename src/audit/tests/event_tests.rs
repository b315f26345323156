use proptest::prelude::*;

use super::*;

fn token() -> TokenId {
    serde_json::from_str("\"_0f8fad5b-d9cb-469f-a165-70867728950e\"").unwrap()
}

fn attempt() -> DeviceAttempt {
    DeviceAttempt {
        join_type: Some(JoinType::DomainJoin),
        device: Some(DeviceId(Uuid::from_u128(7))),
        display_name: Some(Name::public("WS01")),
        serial: Some(Name::public("00ff")),
        thumbprint: Some([0xab; 20]),
    }
}

/// One of each event of registered devices.
fn of_devices() -> Vec<EventKind> {
    vec![
        EventKind::DeviceRegistration { parties: parties(), attempt: attempt(), refused: None },
        EventKind::DeviceUnregistration { parties: parties(), attempt: attempt(), refused: None },
        EventKind::AccountKeyRegistration {
            parties: Parties::default(),
            attempt: DeviceAttempt::default(),
            refused: Some(DeviceRefusal { code: ErrorCode("AuthenticationError"), detail: Detail::public("no token") }),
        },
        EventKind::DeviceAdministered {
            parties: parties(),
            device: DeviceId(Uuid::from_u128(7)),
            change: Name::public("disable"),
            failure: Some(Detail::public("the registry refused: no right")),
        },
    ]
}

fn of_metadata(taken: bool) -> EventKind {
    let detail = Detail::public("https://idp.partner.example/metadata: a new signing certificate");
    EventKind::PartnerMetadata { parties: Parties::default(), taken, detail }
}

/// One of each event.
fn all() -> Vec<EventKind> {
    let authn = AuthnFacts {
        primary: Some(AuthenticationMethod::Windows),
        device: Some(DeviceId(Uuid::from_u128(7))),
        mfa: Some(AuthenticationMethod::X509),
    };
    let tried = AuthnFacts::tried(AuthenticationMethod::Password);
    let name = Name::public;
    let detail = Detail::public;
    let mut claims = ClaimSet::new();
    claims.push(Claim::new("http://schemas.xmlsoap.org/claims/UPN", "alice@corp.example", "AD AUTHORITY"));
    let claimed = Parties::claimed("alice@corp.example", None);
    let mut kinds = vec![
        EventKind::AppTokenIssued { parties: parties(), authn, token: token() },
        EventKind::AppTokenFailed {
            parties: parties(),
            authn: tried.clone(),
            failure: FailureType::Authorization,
            code: ErrorCode("MSIS7068"),
        },
        EventKind::CredentialAccepted { parties: parties(), authn: tried.clone() },
        EventKind::CredentialRejected {
            parties: claimed.clone(),
            authn: tried.clone(),
            failure: FailureType::CredentialValidation,
            reason: CredentialFailure::WrongPassword,
        },
        EventKind::SignOut { parties: parties(), success: true },
        EventKind::SignOut { parties: parties(), success: false },
        EventKind::ExtranetLockout { parties: claimed.clone(), authn: tried },
        EventKind::TokenIssued {
            parties: parties(),
            token: token(),
            token_type: name("urn:oasis:names:tc:SAML:1.0:assertion"),
            key: KeyId::new("00ff"),
            not_on_or_after: NOW.plus(Duration::from_hours(1)),
        },
        EventKind::DelegationDenied {
            parties: parties(),
            by: detail("delegation authorization: no rule permits for app"),
        },
        EventKind::IssuanceDenied { parties: parties(), by: detail("access control policy permit-intranet") },
        EventKind::TokenValidationFailed {
            parties: claimed.clone(),
            token_type: name("http://schemas.microsoft.com/ws/2006/05/identitymodel/tokens/UserName"),
            reason: CredentialFailure::AccountDisabled,
            detail: detail("KDC_ERR_CLIENT_REVOKED"),
        },
        EventKind::PassiveRequestFailed {
            parties: Parties::default(),
            code: ErrorCode("MSIS7000"),
            detail: detail("no wa"),
        },
        EventKind::PasswordChanged { parties: claimed.clone() },
        EventKind::PasswordChangeFailed {
            parties: claimed.clone(),
            failure: FailureType::Authorization,
            code: ErrorCode("PasswordAgainstRules"),
        },
        EventKind::RequestReceived { method: name("POST"), local_port: 443, content_length: Some(2113) },
        EventKind::ResponseSent { status: 500, description: "Internal Server Error" },
        EventKind::RequestContext { headers: vec![(name("X-MS-Proxy"), Identifier::public("wap1"))] },
        EventKind::TokenRejected {
            parties: claimed.clone(),
            token_type: name("Kerberos"),
            reason: CredentialFailure::Replayed,
        },
        EventKind::TokenAccepted { parties: parties(), token_type: name("Kerberos") },
        EventKind::RequestFailed {
            parties: Parties::default(),
            code: ErrorCode("MSIS3127"),
            detail: detail("RST without AppliesTo"),
        },
        EventKind::LockedButAllowed { parties: claimed.clone() },
        EventKind::LockedWithRightPassword { parties: claimed.clone() },
        EventKind::AccountLocked { parties: claimed.clone(), failures: 5 },
        EventKind::AttributeStoreFailed {
            parties: parties(),
            store: name("HR"),
            rule: detail("issuance transform, rule 2 \"roles\""),
            code: ErrorCode("POLICY0018"),
            detail: detail("POLICY0018: Query 'SELECT …' to attribute store 'HR' failed: 'no answer within 5 s'."),
            retryable: true,
        },
        EventKind::SidsFiltered {
            parties: parties(),
            realm: name("CORP.EXAMPLE"),
            dropped: 1,
            sids: vec!["S-1-5-21-9-9-9-512".parse().unwrap()],
        },
        EventKind::UpnDropped { parties: parties(), realm: name("CORP.EXAMPLE"), upn: name("alice@elsewhere.example") },
    ];
    kinds.extend(of_devices());
    kinds.extend([true, false].map(of_metadata));
    for of in [ClaimsOf::Issued, ClaimsOf::Caller, ClaimsOf::OnBehalfOf, ClaimsOf::ActAs] {
        kinds.extend(claims_events(of, &claims, ClaimDetail::Values));
    }
    kinds.sort_by_key(EventKind::number);
    kinds
}

#[test]
fn the_json_of_every_event() {
    let lines: String = all().into_iter().map(|kind| text(&event(kind))).collect();
    insta::assert_snapshot!("events", lines);
}

#[test]
fn every_number_is_used_once() {
    let numbers: Vec<u16> = all().iter().map(EventKind::number).collect();
    assert_eq!(
        numbers,
        [
            156, 168, 299, 323, 324, 342, 364, 403, 404, 410, 411, 412, 413, 500, 501, 502, 503, 512, 515, 516, 1200,
            1201, 1202, 1203, 1204, 1205, 1206, 1207, 1210, 9001, 9002, 9003, 9020, 9021, 9022, 9030
        ]
    );
    let mut texts: Vec<&str> = CredentialFailure::ALL.iter().map(|failure| failure.as_str()).collect();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), CredentialFailure::ALL.len());
}

#[test]
fn the_query_of_a_request_never_shows() {
    let line = text(&some_event());
    assert!(line.contains("/adfs/services/trust/13/windowstransport\""));
    assert!(!line.contains("secret"));
}

#[test]
fn nothing_starts_another_line_or_hides_text() {
    let evil = "a\r\n{\"EventID\":1200}\u{85}\u{2028}\u{202e}\u{200b}\u{1b}[2J\u{7f}\u{feff}\u{e0041}\0\"";
    let kind = EventKind::TokenAccepted { parties: Parties::claimed(evil, Some(evil)), token_type: Name::public(evil) };
    let line = text(&event(kind));
    assert_eq!(line.lines().count(), 1);
    assert!(line.trim_end_matches('\n').chars().all(|c| c.is_ascii_graphic() || c == ' '), "{line}");
    let read: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read["EventID"], 412);
    assert_eq!(read["UserId"], evil, "escaped, not lost");
}

#[test]
fn long_texts_are_cut_and_say_so() {
    let name = Name::public(&"é".repeat(300));
    assert_eq!(name.as_str(), format!("{}…(+44)", "é".repeat(256)));
    assert_eq!(Name::public(&"x".repeat(256)).as_str().len(), 256);
    let mut request = facts();
    request.forwarded = vec!["10.0.0.1".parse().unwrap(); 100];
    let headers = vec![(Name::public("X-MS-Proxy"), Identifier::public("x")); 100];
    let many = AuditEvent { request: Arc::new(request), ..event(EventKind::RequestContext { headers }) };
    let read: serde_json::Value = serde_json::from_str(&text(&many)).unwrap();
    assert_eq!(read["ForwardedIpAddress"].as_str().unwrap().split(',').count(), 8);
    assert_eq!(read["Headers"].as_array().unwrap().len(), 16);
}

#[test]
fn many_claims_come_in_parts_and_without_end_they_end() {
    let claims = |count: usize| -> ClaimSet {
        (0..count).map(|n| Claim::new("http://schemas.xmlsoap.org/claims/Group", format!("{n:01000}"), "x")).collect()
    };
    let parts = claims_events(ClaimsOf::Issued, &claims(20), ClaimDetail::Values);
    let sizes: Vec<(usize, usize, usize)> = parts
        .iter()
        .map(|kind| {
            let EventKind::Claims { part, parts, claims, .. } = kind else { panic!("{kind:?}") };
            (*part, *parts, claims.len())
        })
        .collect();
    assert_eq!(sizes, [(1, 3, 7), (2, 3, 7), (3, 3, 6)]);
    let parts = claims_events(ClaimsOf::Issued, &claims(1000), ClaimDetail::Values);
    assert_eq!(parts.len(), 64);
    assert!(matches!(parts[0], EventKind::Claims { omitted: 552, .. }), "{:?}", parts[0]);
    assert!(parts.iter().all(|kind| to_line(&event(kind.clone())).unwrap().len() < 16 * 1024));
}

#[test]
fn claim_values_are_written_only_when_asked() {
    let claims: ClaimSet = [Claim::new("urn:type", "value-of-it", "x")].into_iter().collect();
    let lines = |detail| -> Vec<String> {
        claims_events(ClaimsOf::Issued, &claims, detail).into_iter().map(|kind| text(&event(kind))).collect()
    };
    assert!(lines(ClaimDetail::None).is_empty());
    assert!(lines(ClaimDetail::Types)[0].contains("urn:type") && !lines(ClaimDetail::Types)[0].contains("value-of-it"));
    assert!(lines(ClaimDetail::Values)[0].contains("value-of-it"));
}

proptest! {
    #[test]
    fn any_text_makes_one_line_that_reads_back(user in any::<String>(), agent in "\\PC{0,600}") {
        let mut request = facts();
        request.user_agent = Some(Identifier::public(&agent));
        let kind = EventKind::LockedButAllowed { parties: Parties::claimed(&user, None) };
        let line = text(&AuditEvent { request: Arc::new(request), ..event(kind) });
        prop_assert_eq!(line.matches('\n').count(), 1);
        prop_assert!(!line.chars().any(|c| c.is_control() && c != '\n'));
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        let expected = Name::public(&user);
        prop_assert_eq!(read["UserId"].as_str().unwrap(), expected.as_str());
    }
}
