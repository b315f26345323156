//! Figures that need no network: signatures, assertions, the issue path, rules, audit, PAC.

use std::hint::black_box;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use chancery::audit::to_line;
use chancery::authn::AuthenticatedSubject;
use chancery::claims::{Claim, ClaimSet, Limits, NoTrace, QueryContext, QuerySubject, RequestStores, types};
use chancery::issuance::{ClientHints, Decision, Grant, SignInRequest, TokenSpec};
use chancery::kerberos::pac;
use chancery::protocols::trust_endpoint::{Credential, TrustEndpoint, Version};
use chancery::protocols::wstrust::{self, TrustRequest};
use chancery::tokens::{AssertionContent, AssertionFrame, AssertionVersion, BearerConfirmation, IssuedToken, TokenId};
use chancery::xml;

use crate::measure::{Candidate, interleave};
use crate::report::Report;
use crate::world::{SERVICE, World, now};

/// Measures and reports; with the name of a candidate it only repeats that one, for a profiler to look at.
pub(crate) fn figures(report: &mut Report, profiled: Option<&str>) {
    let world = World::new();
    let bare = bare_signature();
    let computer = granted(&world, &world.computer);
    let content = assertion(&world, &computer);
    let key = &world.cx.services.keys.primary_signing().key;
    let sign = |token_type| {
        let token = now(content.sign(token_type, key, chancery::tokens::SignatureAlgorithm::RsaSha256)).unwrap();
        black_box(token);
    };
    let rst = rst();
    let token = minted(&world, &computer);
    let pac =
        base64::engine::general_purpose::STANDARD.decode(PAC.split_ascii_whitespace().collect::<String>()).unwrap();
    let events = world.lines.kept();
    let mut candidates = vec![
        Candidate::new("bare", &bare),
        Candidate::new("saml11", || sign(AssertionVersion::Saml11)),
        Candidate::new("saml2", || sign(AssertionVersion::Saml2)),
        Candidate::new("computer", || drop(black_box(answer(&world, &world.computer, rst.as_bytes())))),
        Candidate::new("user", || drop(black_box(answer(&world, &world.user, rst.as_bytes())))),
        Candidate::new("decode", || drop(black_box(decoded(rst.as_bytes())))),
        Candidate::new("decide", || drop(black_box(granted(&world, &world.computer)))),
        Candidate::new("mint", || drop(black_box(minted(&world, &computer)))),
        Candidate::new("respond", || drop(black_box(respond(&world, &computer, &token)))),
        Candidate::new("rules_computer", rules(&world, true)),
        Candidate::new("rules_user", rules(&world, false)),
        Candidate::new("audit", || {
            for event in &events {
                drop(black_box(to_line(&event.clone()).unwrap()));
            }
        }),
        Candidate::new("pac", || drop(black_box(pac::decode(&pac).unwrap()))),
        // The same as one request has them: after a signature, which leaves other code in the caches.
        Candidate::new("all_after_bare", || {
            bare();
            let grant = decide(&world, &world.computer, &decoded(rst.as_bytes()).applies_to);
            drop(black_box(respond(&world, &grant, &token)));
        }),
    ];
    if let Some(name) = profiled {
        let candidate = candidates.iter_mut().find(|candidate| candidate.name == name).expect("a candidate's name");
        return candidate.repeat(PROFILED);
    }
    let rounds = interleave(candidates, ROUNDS);
    Report::note("bare_rsa_2048", rounds.microseconds("bare"), "us");
    report.ratio("saml11_assertion", rounds.ratio("bare", "saml11"), 0.97);
    report.ratio("saml20_assertion", rounds.ratio("bare", "saml2"), 0.97);
    report.ratio("rst_to_rstr_hybrid_join", rounds.ratio("bare", "computer"), 0.95);
    report.ratio("rst_to_rstr_user", rounds.ratio("bare", "user"), 0.95);
    // A rule set may cost a twentieth of a signature, the audit and the PAC a fiftieth each.
    for (name, candidate, share) in [
        ("rules_hybrid_join", "rules_computer", 0.05),
        ("rules_entra_user", "rules_user", 0.05),
        ("audit_of_issuance", "audit", 0.05),
        ("pac_decode", "pac", 0.02),
    ] {
        Report::note(candidate, rounds.microseconds(candidate), "us");
        report.within(name, 1.0 / rounds.ratio("bare", candidate), share);
    }
    for stage in ["decode", "decide", "mint", "respond"] {
        Report::note(stage, rounds.microseconds(stage), "us");
    }
    let cold = rounds.microseconds("all_after_bare") - rounds.microseconds("bare");
    Report::note("decode_decide_respond_after_a_signature", cold, "us");
}

/// One PKCS#1 v1.5 signature over the length of a `SignedInfo`, by a key that was parsed once.
pub(crate) fn bare_signature() -> impl Fn() {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let pkcs8: aws_lc_rs::encoding::Pkcs8V1Der<'_> = key.as_der().unwrap();
    let key = KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
    let random = SystemRandom::new();
    let message = [0x61; 700];
    move || {
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &random, black_box(&message), &mut signature).unwrap();
        black_box(signature);
    }
}

/// From the octets of a request to the octets of its answer.
pub(crate) fn answer(world: &World, subject: &AuthenticatedSubject, body: &[u8]) -> Vec<u8> {
    let request = decoded(body);
    let grant = decide(world, subject, &request.applies_to);
    let token = minted(world, &grant);
    respond(world, &grant, &token)
}

fn decoded(body: &[u8]) -> TrustRequest {
    let mut message_id = None;
    wstrust::decode(body, ENDPOINT, &xml::Limits::SOAP, &mut message_id).unwrap()
}

fn minted(world: &World, grant: &Grant) -> IssuedToken {
    now(world.issuer.mint(&world.cx, grant, &TokenSpec::default())).unwrap()
}

fn respond(world: &World, grant: &Grant, token: &IssuedToken) -> Vec<u8> {
    let written = world.cx.services.clock.now();
    wstrust::token_response(
        ENDPOINT,
        &wstrust::Asked { message_id: Some(MESSAGE_ID), context: None },
        &grant.audience,
        token,
        written,
    )
    .unwrap()
}

fn granted(world: &World, subject: &AuthenticatedSubject) -> Box<Grant> {
    decide(world, subject, RELYING_PARTY)
}

fn decide(world: &World, subject: &AuthenticatedSubject, relying_party: &str) -> Box<Grant> {
    let request = SignInRequest {
        relying_party: relying_party.to_owned(),
        endpoint: ENDPOINT.path(),
        origin: world.origin.clone(),
        hints: ClientHints { user_agent: Some(String::from("MS-WebServices/1.0")), ..ClientHints::default() },
        token_type: None,
        persistent_session: false,
        actor: None,
    };
    match now(world.issuer.decide(&world.cx, &request, subject)).unwrap() {
        Decision::Permit(grant) => grant,
        refused => panic!("the rules refuse: {refused:?}"),
    }
}

fn assertion(world: &World, grant: &Grant) -> AssertionContent {
    let services = &world.cx.services;
    let frame = AssertionFrame {
        id: TokenId::random(&*services.random).unwrap(),
        issuer: format!("http://{SERVICE}/adfs/services/trust").into(),
        audience: RELYING_PARTY.into(),
        issue_instant: services.clock.now(),
        not_before: services.clock.now(),
        not_on_or_after: services.clock.now().plus(std::time::Duration::from_hours(1)),
        confirmation: BearerConfirmation::default(),
        authentication: None,
    };
    AssertionContent::from_claims(frame, &grant.claims).unwrap()
}

/// One run of the Entra trust's rules over what the acceptance rules pass for such an account.
fn rules(world: &World, computer: bool) -> impl FnMut() {
    let subject = if computer { &world.computer } else { &world.user };
    let chancery::authn::SubjectOrigin::Directory(account) = &subject.origin else { panic!("an account") };
    let (sid, name) = (account.sid, account.windows_account_name());
    let input = input(&name, &sid.to_string(), &account.groups);
    let stores = Arc::clone(&world.cx.services.stores);
    let rules = world.rules.clone();
    move || {
        let subject = QuerySubject { sid: &sid, windows_account_name: &name };
        let context = QueryContext { subject: Some(subject), ..QueryContext::default() };
        let stores = RequestStores::new(&stores, context);
        let output = now(rules.run(&input, &stores, &Limits::default(), &mut NoTrace)).unwrap();
        assert!(output.len() >= 4, "{output:?}");
    }
}

fn input(name: &str, sid: &str, groups: &[chancery::directory::Sid]) -> ClaimSet {
    let claim = |claim_type: &str, value: &str| Claim::new(claim_type, value, types::issuer::AD_AUTHORITY);
    let mut claims: ClaimSet = [
        claim(types::WINDOWS_ACCOUNT_NAME, name),
        claim(types::NAME, name),
        claim(types::PRIMARY_SID, sid),
        claim(types::AUTHENTICATION_METHOD, "urn:federation:authentication:windows"),
        claim(types::AUTHN_METHODS_REFERENCES, "urn:federation:authentication:windows"),
        claim(types::INSIDE_CORPORATE_NETWORK, "true"),
        claim(types::X_MS_CLIENT_IP, "10.0.0.1"),
        claim(types::CLIENT_REQUEST_ID, "67ad5895-8624-4cdc-8d19-95d6579caaf2"),
    ]
    .into_iter()
    .collect();
    claims.extend(groups.iter().map(|group| claim(types::GROUP_SID, &group.to_string())));
    claims
}

/// What Windows sends for hybrid join.
pub(crate) fn rst() -> String {
    format!(
        r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd" xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion" xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:wst="http://docs.oasis-open.org/ws-sx/ws-trust/200512"><s:Header><wsa:Action s:mustUnderstand="1">http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/Issue</wsa:Action><wsa:To s:mustUnderstand="1">https://{SERVICE}/adfs/services/trust/13/windowstransport</wsa:To><wsa:MessageID>{MESSAGE_ID}</wsa:MessageID></s:Header><s:Body><wst:RequestSecurityToken Id="RST0"><wst:RequestType>http://docs.oasis-open.org/ws-sx/ws-trust/200512/Issue</wst:RequestType><wsp:AppliesTo><wsa:EndpointReference><wsa:Address>{RELYING_PARTY}</wsa:Address></wsa:EndpointReference></wsp:AppliesTo><wst:KeyType>http://docs.oasis-open.org/ws-sx/ws-trust/200512/Bearer</wst:KeyType><wst:TokenType>urn:oasis:names:tc:SAML:1.0:assertion</wst:TokenType></wst:RequestSecurityToken></s:Body></s:Envelope>"#
    )
}

const ENDPOINT: TrustEndpoint = TrustEndpoint { version: Version::Trust13, credential: Credential::WindowsTransport };
const RELYING_PARTY: &str = "urn:federation:MicrosoftOnline";
const MESSAGE_ID: &str = "urn:uuid:6e8ce948-eb66-4720-916b-0695697e6e45";
const ROUNDS: usize = 21;
const PROFILED: usize = 3000;
/// The PAC of a workstation's ticket, from a test domain with throw-away keys.
const PAC: &str = include_str!("ws01.pac.base64");
