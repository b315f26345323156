//! What this server sends to partners, and their answers to logout requests.

use std::process::Command;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chancery::clock::{SystemRandomSource, UtcTime};
use chancery::keys::{KeyMaterial, SoftwareSigner};
use chancery::protocols::samlp::StatusCode;
use chancery::protocols::samlp::authn_request::{AuthnRequest, Comparison, Header, Reply, RequestedContexts};
use chancery::protocols::samlp::logout::{
    LogoutError, LogoutOutcome, LogoutReason, LogoutRequest, LogoutResponse, receive_form, receive_query,
};
use chancery::protocols::samlp::redirect::{Parameter, RedirectError, RedirectMessage, append};
use chancery::secret::Secret;
use chancery::tokens::inbound::{Delivery, InboundError, Limit, Partner};
use chancery::tokens::{KeyId, NameIdentifier, SignatureAlgorithm, SigningKey, TokenId};
use chancery::xml::verify::{Policy, VerificationKeys, VerifyError};
use miniz_oxide::deflate::compress_to_vec;

use super::support::*;

const SSO: &str = "https://idp.partner.example/sso?a=1&b=2";
pub(super) const SHA256: SignatureAlgorithm = SignatureAlgorithm::RsaSha256;

pub(super) static ID: LazyLock<TokenId> = LazyLock::new(|| TokenId::random(&SystemRandomSource::new()).unwrap());

fn signing_key(pair: &Pair) -> SigningKey {
    let material = KeyMaterial::new(&pair.0, Vec::new(), Secret::new(pair.1.clone())).unwrap();
    let signer = SoftwareSigner::new(&material).unwrap();
    SigningKey::new(KeyId::new("00ff"), pair.0.clone().into(), Arc::new(signer))
}

/// Our own key.
pub(super) static OURS: LazyLock<SigningKey> = LazyLock::new(|| signing_key(&STRANGER_KEY));
/// The partner's, for its answers.
pub(super) static THEIRS: LazyLock<SigningKey> = LazyLock::new(|| signing_key(&PARTNER_KEY));

fn header(destination: &'static str) -> Header<'static> {
    Header { id: &ID, issue_instant: NOW, destination, issuer: US }
}

fn plain_request() -> AuthnRequest<'static> {
    AuthnRequest {
        header: header(SSO),
        reply: None,
        name_id_format: None,
        allow_create: true,
        force_authn: false,
        is_passive: false,
        contexts: None,
        providers: &[],
    }
}

fn full_request() -> AuthnRequest<'static> {
    AuthnRequest {
        reply: Some(Reply::Post(ACS)),
        name_id_format: Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"),
        force_authn: true,
        is_passive: true,
        contexts: Some(RequestedContexts {
            comparison: Comparison::Minimum,
            classes: &["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", "urn:<&\">"],
        }),
        providers: &["https://hub.example/<one>"],
        ..plain_request()
    }
}

/// For a snapshot: what differs from run to run cut out.
fn stable(document: &[u8]) -> String {
    let text = std::str::from_utf8(document).unwrap().replace(ID.as_str(), "_id");
    let keys = regex::Regex::new("(SignatureValue|X509Certificate|DigestValue)>[^<]+<").unwrap();
    keys.replace_all(&text, "$1>…<").replace("><", ">\n<")
}

/// Asks another implementation whether the root's signature holds.
fn xmlsec_verifies(document: &[u8], root: &str, certificate: &[u8]) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let (file, key) = (directory.path().join("message.xml"), directory.path().join("key.pem"));
    std::fs::write(&file, document).unwrap();
    std::fs::write(&key, pem("CERTIFICATE", certificate)).unwrap();
    let id = format!("urn:oasis:names:tc:SAML:2.0:protocol:{root}");
    let mut command = Command::new("xmlsec1");
    command.args(["--verify", "--enabled-key-data", "rsa", "--pubkey-cert-pem"]).arg(&key);
    command.args(["--id-attr:ID", &id]).arg(&file);
    command.output().expect("xmlsec1 is installed by tests/lab/setup").status.success()
}

#[tokio::test]
async fn requests_by_form_are_signed_and_others_verify_them() {
    let requests = [
        ("plain", plain_request()),
        ("index", AuthnRequest { reply: Some(Reply::Index(2)), ..plain_request() }),
        ("full", full_request()),
    ];
    for (name, request) in requests {
        let form = BASE64.decode(request.to_form(&OURS, SHA256).await.unwrap()).unwrap();
        insta::assert_snapshot!(format!("authn_request_{name}"), stable(&form));
        assert!(xmlsec_verifies(&form, "AuthnRequest", &STRANGER_KEY.0), "{name}");
        assert!(!xmlsec_verifies(&form, "AuthnRequest", &PARTNER_KEY.0), "{name}: another key");
        let altered = edit(std::str::from_utf8(&form).unwrap(), ID.as_str(), "_other");
        assert!(!xmlsec_verifies(altered.as_bytes(), "AuthnRequest", &STRANGER_KEY.0), "{name}: altered");
    }
}

#[tokio::test]
async fn a_redirect_carries_the_request_and_a_signature_over_the_query_itself() {
    let query = full_request().to_query(Some("state with & and ü"), Some((&OURS, SHA256))).await.unwrap();
    let names: Vec<_> = query.split('&').map(|pair| pair.split_once('=').unwrap().0).collect();
    assert_eq!(names, ["SAMLRequest", "RelayState", "SigAlg", "Signature"]);
    // As the binding says, with the standard's own tools: octets up to the signature.
    let (over, signature) = query.split_once("&Signature=").unwrap();
    let signature = signature.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    let certificate = openssl::x509::X509::from_der(&STRANGER_KEY.0).unwrap();
    let key = certificate.public_key().unwrap().rsa().unwrap().public_key_to_der_pkcs1().unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
        .verify(over.as_bytes(), &BASE64.decode(signature).unwrap())
        .unwrap();

    let message = RedirectMessage::parse(&query).unwrap();
    assert_eq!((message.parameter, message.relay_state.as_deref()), (Parameter::Request, Some("state with & and ü")));
    insta::assert_snapshot!("authn_request_redirect", stable(&message.octets));
    let keys = VerificationKeys::from_certificates([&STRANGER_KEY.0[..]]).unwrap();
    message.verify(&keys, &Policy::STRICT).unwrap();

    let unsigned = plain_request().to_query(None, None).await.unwrap();
    let message = RedirectMessage::parse(&unsigned).unwrap();
    assert_eq!(message.relay_state, None);
    assert!(matches!(message.verify(&keys, &Policy::LEGACY), Err(VerifyError::Missing { .. })));
}

#[test]
fn a_query_joins_an_address_with_or_without_its_own() {
    assert_eq!(append("https://a/b", "x=1"), "https://a/b?x=1");
    assert_eq!(append("https://a/b?", "x=1"), "https://a/b?x=1");
    assert_eq!(append("https://a/b?c=2", "x=1"), "https://a/b?c=2&x=1");
}

fn name() -> NameIdentifier {
    NameIdentifier {
        value: "alice@partner.example".into(),
        format: Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".into()),
        name_qualifier: Some(PARTNER.into()),
        sp_name_qualifier: Some(US.into()),
    }
}

#[tokio::test]
async fn logout_messages_are_signed_in_both_bindings() {
    let name = name();
    let request = LogoutRequest {
        header: header("https://idp.partner.example/slo"),
        name_identifier: &name,
        session_index: Some("_session"),
        not_on_or_after: Some(NOW.plus(std::time::Duration::from_mins(5))),
        reason: LogoutReason::User,
    };
    let form = BASE64.decode(request.to_form(&OURS, SHA256).await.unwrap()).unwrap();
    insta::assert_snapshot!("logout_request", stable(&form));
    assert!(xmlsec_verifies(&form, "LogoutRequest", &STRANGER_KEY.0));
    let query = request.to_query(None, &OURS, SignatureAlgorithm::RsaSha1).await.unwrap();
    let keys = VerificationKeys::from_certificates([&STRANGER_KEY.0[..]]).unwrap();
    let message = RedirectMessage::parse(&query).unwrap();
    message.verify(&keys, &Policy::LEGACY).unwrap();
    assert!(matches!(message.verify(&keys, &Policy::STRICT), Err(VerifyError::Algorithm { .. })));

    let bare = NameIdentifier { format: None, name_qualifier: None, sp_name_qualifier: None, ..name.clone() };
    let bare = LogoutRequest {
        name_identifier: &bare,
        session_index: None,
        not_on_or_after: None,
        reason: LogoutReason::Administrator,
        ..request
    };
    let form = BASE64.decode(bare.to_form(&OURS, SHA256).await.unwrap()).unwrap();
    insta::assert_snapshot!("logout_request_bare", stable(&form));

    for (name, outcome) in
        [("success", LogoutOutcome::Success), ("partial", LogoutOutcome::Partial), ("refused", LogoutOutcome::Refused)]
    {
        let response =
            LogoutResponse { header: header("https://idp.partner.example/slo"), in_response_to: "_theirs", outcome };
        let form = BASE64.decode(response.to_form(&OURS, SHA256).await.unwrap()).unwrap();
        insta::assert_snapshot!(format!("logout_response_{name}"), stable(&form));
        assert!(xmlsec_verifies(&form, "LogoutResponse", &STRANGER_KEY.0));
        let query = response.to_query(Some("s"), &OURS, SHA256).await.unwrap();
        RedirectMessage::parse(&query).unwrap().verify(&keys, &Policy::STRICT).unwrap();
    }
}

/// A partner's answer, as it writes them: our own writer with the partner's key and identifier.
fn answer(outcome: LogoutOutcome) -> LogoutResponse<'static> {
    let header = Header { id: &ID, issue_instant: NOW, destination: ACS, issuer: PARTNER };
    LogoutResponse { header, in_response_to: REQUEST, outcome }
}

async fn answer_query() -> String {
    answer(LogoutOutcome::Success).to_query(Some("state"), &THEIRS, SHA256).await.unwrap()
}

fn refused_query(query: &str) -> LogoutError {
    receive_query(query, &partner(), &web_sso()).expect_err(query)
}

#[tokio::test]
async fn a_partners_answer_says_how_the_logout_ended() {
    for (outcome, code, detail) in [
        (LogoutOutcome::Success, StatusCode::Success, None),
        (LogoutOutcome::Partial, StatusCode::Responder, Some(StatusCode::PartialLogout)),
        (LogoutOutcome::Refused, StatusCode::Requester, Some(StatusCode::RequestDenied)),
    ] {
        let query = answer(outcome).to_query(None, &THEIRS, SHA256).await.unwrap();
        let form = answer(outcome).to_form(&THEIRS, SHA256).await.unwrap();
        for status in [receive_query(&query, &partner(), &web_sso()), receive_form(&form, &partner(), &web_sso())] {
            let status = status.unwrap();
            assert_eq!((&status.code, &status.detail), (&code, &detail));
        }
    }
}

#[tokio::test]
async fn an_answer_must_be_the_partners_to_our_request_and_of_now() {
    type Change = fn(&mut LogoutResponse<'static>);
    type Expected = fn(&InboundError) -> bool;
    let cases: [(&str, Change, Expected); 5] = [
        ("issuer", |answer| answer.header.issuer = US, |error| matches!(error, InboundError::Issuer { .. })),
        (
            "destination",
            |answer| answer.header.destination = SSO,
            |error| matches!(error, InboundError::Recipient { .. }),
        ),
        (
            "request",
            |answer| answer.in_response_to = "_other",
            |error| matches!(error, InboundError::InResponseTo { .. }),
        ),
        (
            "future",
            |answer| answer.header.issue_instant = UtcTime::from_xml("2026-01-05T10:05:02Z").unwrap(),
            |error| matches!(error, InboundError::TooEarly { limit: Limit::IssueInstant, .. }),
        ),
        (
            "past",
            |answer| answer.header.issue_instant = UtcTime::from_xml("2026-01-05T09:50:01Z").unwrap(),
            |error| matches!(error, InboundError::TooLate { limit: Limit::IssueInstant, .. }),
        ),
    ];
    for (name, change, expected) in cases {
        let mut answer = answer(LogoutOutcome::Success);
        change(&mut answer);
        let query = answer.to_query(None, &THEIRS, SHA256).await.unwrap();
        let form = answer.to_form(&THEIRS, SHA256).await.unwrap();
        for refused in [refused_query(&query), receive_form(&form, &partner(), &web_sso()).unwrap_err()] {
            assert!(matches!(&refused, LogoutError::Inbound(error) if expected(error)), "{name}: {refused}");
        }
    }
    let unasked = Delivery { in_response_to: None, ..web_sso() };
    let refused = receive_query(&answer_query().await, &partner(), &unasked).unwrap_err();
    assert!(matches!(refused, LogoutError::Inbound(InboundError::InResponseTo { .. })));
}

/// A signed query with any message in it.
async fn signed_query(message: &str) -> String {
    let encode = |octets: &[u8]| BASE64.encode(octets).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let algorithm = RSA_SHA256.replace(':', "%3A").replace('/', "%2F").replace('#', "%23");
    let query = format!("SAMLResponse={}&SigAlg={algorithm}", encode(&compress_to_vec(message.as_bytes(), 6)));
    let signature = THEIRS.signer.sign(SHA256, query.as_bytes()).await.unwrap();
    format!("{query}&Signature={}", encode(&signature.0))
}

#[tokio::test]
async fn a_signature_of_the_partner_makes_no_other_message_an_answer() {
    let genuine = RedirectMessage::parse(&answer_query().await).unwrap().octets;
    let genuine = String::from_utf8(genuine).unwrap();
    receive_query(&signed_query(&genuine).await, &partner(), &web_sso()).unwrap();
    for (from, to) in [("LogoutResponse", "Response"), ("2.0:protocol", "2.0:other")] {
        let refused = refused_query(&signed_query(&edit(&genuine, from, to)).await);
        assert!(matches!(refused, LogoutError::NotAResponse { .. }), "{to}: {refused}");
    }
    for (from, to) in [("Version=\"2.0\"", "Version=\"1.1\""), ("Version=\"2.0\"", ""), (" IssueInstant=", " Other=")] {
        let refused = refused_query(&signed_query(&edit(&genuine, from, to)).await);
        assert!(matches!(refused, LogoutError::Inbound(InboundError::Value { .. })), "{to}: {refused}");
    }
    let unasked = edit(&genuine, &format!(" InResponseTo=\"{REQUEST}\""), "");
    for in_response_to in [None, Some(REQUEST)] {
        let delivery = Delivery { in_response_to, ..web_sso() };
        let refused = receive_query(&signed_query(&unasked).await, &partner(), &delivery).unwrap_err();
        assert!(matches!(refused, LogoutError::Inbound(InboundError::InResponseTo { found: None, .. })), "{refused}");
    }
    let commented = edit(&genuine, "<samlp:Status>", "<!-- --><samlp:Status>");
    let refused = refused_query(&signed_query(&commented).await);
    assert!(matches!(refused, LogoutError::Inbound(InboundError::Read(_))), "{refused}");
}

#[tokio::test]
async fn an_answer_that_is_not_signed_by_the_partner_is_refused() {
    let query = answer_query().await;
    let signature = |refused: LogoutError| match refused {
        LogoutError::Inbound(InboundError::Signature(error)) => error,
        other => panic!("{other}"),
    };
    let (unsigned, _) = query.split_once("&SigAlg=").unwrap();
    assert!(matches!(signature(refused_query(unsigned)), VerifyError::Missing { .. }));
    let strangers = answer(LogoutOutcome::Success).to_query(None, &OURS, SHA256).await.unwrap();
    assert!(matches!(signature(refused_query(&strangers)), VerifyError::Invalid { .. }));
    for (from, to) in [
        ("RelayState=state", "RelayState=other"),
        ("RelayState=state", "RelayState=%73tate"),
        ("&RelayState=state", ""),
        ("%3A", "%3a"),
    ] {
        assert!(matches!(signature(refused_query(&edit(&query, from, to))), VerifyError::Invalid { .. }), "{to}");
    }
    for algorithm in ["rsa-sha384", "hmac-sha256", "rsa-md5", ""] {
        let error = signature(refused_query(&edit(&query, "rsa-sha256", algorithm)));
        assert!(matches!(error, VerifyError::Invalid { .. } | VerifyError::Algorithm { .. }), "{algorithm}");
    }
    let sha1 = answer(LogoutOutcome::Success).to_query(None, &THEIRS, SignatureAlgorithm::RsaSha1).await.unwrap();
    assert!(matches!(signature(refused_query(&sha1)), VerifyError::Algorithm { .. }));
    receive_query(&sha1, &Partner { sha1: true, ..partner() }, &web_sso()).unwrap();

    let form = |text: &str| receive_form(&BASE64.encode(text), &partner(), &web_sso()).unwrap_err();
    let signed = answer(LogoutOutcome::Success).to_form(&THEIRS, SHA256).await.unwrap();
    let signed = String::from_utf8(BASE64.decode(signed).unwrap()).unwrap();
    let (_, without) = cut(&signed, "ds:Signature");
    assert!(matches!(signature(form(&without)), VerifyError::Missing { .. }));
    assert!(matches!(
        signature(form(&edit(&signed, "status:Success", "status:Responder"))),
        VerifyError::Invalid { .. }
    ));
    // In another message of the partner's the answer is no answer.
    let wrapped = edit(
        &edit(&without, ID.as_str(), "_evil"),
        "<samlp:Status>",
        &format!("<samlp:Extensions>{signed}</samlp:Extensions><samlp:Status>"),
    );
    assert!(matches!(signature(form(&wrapped)), VerifyError::Missing { .. }));
    assert!(matches!(signature(form(&signed_response())), VerifyError::Missing { .. }));
}

#[tokio::test]
async fn a_query_is_read_in_one_way_or_not_at_all() {
    let query = answer_query().await;
    for name in ["SAMLResponse", "RelayState", "SigAlg", "Signature"] {
        for second in
            [name.to_owned(), name.to_lowercase(), edit(name, &name[..1], &format!("%{:02X}", name.as_bytes()[0]))]
        {
            for repeated in [format!("{query}&{second}=x"), format!("{second}=x&{query}"), format!("{second}&{query}")]
            {
                let refused = refused_query(&repeated);
                assert!(matches!(refused, LogoutError::Carrier(RedirectError::Parameter(_))), "{second}: {refused}");
            }
        }
        // Alone in another spelling it is not the parameter that was signed.
        let spelled = edit(&query, &format!("{name}="), &format!("{}=", name.to_uppercase()));
        assert!(receive_query(&spelled, &partner(), &web_sso()).is_err(), "{name}");
    }
    let carrier = |query: &str| match refused_query(query) {
        LogoutError::Carrier(error) => error,
        other => panic!("{other}"),
    };
    assert_eq!(carrier(""), RedirectError::NoMessage);
    assert_eq!(carrier(&format!("{query}&SAMLRequest=x")), RedirectError::NoMessage);
    let (without_signature, _) = query.split_once("&Signature=").unwrap();
    assert_eq!(carrier(without_signature), RedirectError::HalfSigned);
    let (unsigned, _) = query.split_once("&SigAlg=").unwrap();
    assert_eq!(carrier(&format!("{unsigned}&Signature=AA%3D%3D")), RedirectError::HalfSigned);
    assert_eq!(carrier("SAMLResponse=!"), RedirectError::Base64);
    assert_eq!(carrier("SAMLResponse=AA%3D%3D"), RedirectError::Deflate);
    assert_eq!(carrier(&format!("{query}&SAMLEncoding=urn%3Aother")), RedirectError::Encoding);
    assert_eq!(carrier(&"x".repeat(65 << 10)), RedirectError::TooLong);
    assert!(matches!(carrier("SAMLResponse=%"), RedirectError::Parameter(_)));
    let deflate = "urn%3Aoasis%3Anames%3Atc%3ASAML%3A2.0%3Abindings%3AURL-Encoding%3ADEFLATE";
    receive_query(&format!("{query}&SAMLEncoding={deflate}&other=1"), &partner(), &web_sso()).unwrap();
    let request = edit(unsigned, "SAMLResponse", "SAMLRequest");
    assert!(matches!(refused_query(&request), LogoutError::NotAResponse { .. }));
}

#[test]
fn a_bomb_is_defused() {
    let query = |octets: usize| {
        let packed = BASE64.encode(compress_to_vec(&vec![b' '; octets], 9));
        format!("SAMLResponse={}", packed.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"))
    };
    // 40 MiB in a query of 54 KiB; and the largest that is taken.
    let bomb = query(40 << 20);
    assert!(bomb.len() < 64 << 10, "{}", bomb.len());
    assert_eq!(RedirectMessage::parse(&bomb).unwrap_err(), RedirectError::Bomb);
    assert_eq!(RedirectMessage::parse(&query((256 << 10) + 1)).unwrap_err(), RedirectError::Bomb);
    assert_eq!(RedirectMessage::parse(&query(256 << 10)).unwrap().octets.len(), 256 << 10);
}

#[test]
fn an_elliptic_key_makes_no_query_signatures() {
    let pair = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
    let keys = VerificationKeys::from_certificates([&certificate.der()[..]]).unwrap();
    let refused = keys.verify_octets(RSA_SHA256, b"x", b"y", &Policy::STRICT);
    assert!(matches!(refused, Err(VerifyError::Invalid { .. })));
}
