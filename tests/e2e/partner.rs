//! A real partner, SimpleSAMLphp: its metadata is read, our requests are accepted by it, and what it sends back is verified.
//!
//! The package is installed on Debian 12 (tests/lab/setup), where these tests always run. Elsewhere they run when it is there,
//! and say so when it is not.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chancery::claims::types;
use chancery::clock::{Clock, SystemClock, SystemRandomSource, UtcTime};
use chancery::keys::{DecryptionKey, KeyMaterial, SoftwareSigner};
use chancery::protocols::samlp::authn_request::{AuthnRequest, Header, Reply};
use chancery::protocols::samlp::logout::{LogoutReason, LogoutRequest, receive_query};
use chancery::protocols::samlp::redirect::append;
use chancery::protocols::samlp::response::{self, ResponseError};
use chancery::protocols::samlp::{PartnerStatus, StatusCode};
use chancery::protocols::wresult;
use chancery::secret::Secret;
use chancery::store::MemoryOneTime;
use chancery::tokens::inbound::{Delivery, InboundAssertion, InboundError, Partner, Profile};
use chancery::tokens::{KeyId, SignatureAlgorithm, SigningKey, TokenId};
use chancery::trusts::partner_metadata::{Binding, PartnerMetadata, Side, Wanted, read};
use chancery::xml::verify::VerificationKeys;

use crate::support::{Curl, Lab, Response, fields, run, script, variable};

pub(crate) const HOME: &str = "https://idp.partner.example";

/// The partner as a browser and we see it. `None` where the system has no SimpleSAMLphp.
pub(crate) struct Idp {
    jar: PathBuf,
    service: String,
    reply: String,
    id: TokenId,
    material: KeyMaterial,
}

pub(crate) fn idp() -> Option<Idp> {
    static STARTED: LazyLock<bool> = LazyLock::new(|| {
        let release = std::fs::read_to_string("/etc/os-release").unwrap();
        let expected = release.contains("ID=debian") && release.contains("VERSION_ID=\"12\"");
        if !expected && !Path::new("/usr/share/simplesamlphp").is_dir() {
            return false;
        }
        run(Command::new(script("partner")).arg("up"));
        true
    });
    if !*STARTED {
        eprintln!("this system has no SimpleSAMLphp: no partner is asked");
        return None;
    }
    let lab = Lab::get();
    let folder = PathBuf::from(variable("LAB")).join("partner");
    let der = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        BASE64.decode(text.lines().filter(|line| !line.starts_with("-----")).collect::<String>()).unwrap()
    };
    let material = KeyMaterial::new(&der("sp.pem"), Vec::new(), Secret::new(der("sp.key"))).unwrap();
    Some(Idp {
        jar: lab.new_file("partner.jar"),
        service: format!("http://{}/adfs/services/trust", lab.host),
        reply: format!("https://{}/adfs/ls/", lab.host),
        id: TokenId::random(&SystemRandomSource::new()).unwrap(),
        material,
    })
}

fn now() -> UtcTime {
    SystemClock::new().now()
}

/// The value of a hidden field of a form.
fn field(page: &str, name: &str) -> String {
    fields(page, name).pop().unwrap_or_else(|| panic!("no {name} in {page}"))
}

impl Idp {
    pub(crate) fn metadata(&self, path: &str) -> PartnerMetadata {
        let answer = Curl::new(&format!("{HOME}{path}")).send();
        read(
            answer.body.as_bytes(),
            &Wanted { side: Side::ClaimsProvider, entity_id: None, signed_by: None, now: now() },
        )
        .unwrap()
    }

    fn key(&self) -> SigningKey {
        let certificate = self.material.certificate().der.clone();
        SigningKey::new(KeyId::new("00ff"), certificate, Arc::new(SoftwareSigner::new(&self.material).unwrap()))
    }

    fn header<'a>(&'a self, destination: &'a str, issuer: &'a str) -> Header<'a> {
        Header { id: &self.id, issue_instant: now(), destination, issuer }
    }

    fn get(&self, url: &str) -> Response {
        let jar = self.jar.to_str().unwrap();
        Curl::new(url).args(["--cookie", jar, "--cookie-jar", jar]).send()
    }

    /// Follows redirects until there is a page, or one leads away from the partner: that address.
    pub(crate) fn visit(&self, url: &str) -> Result<Response, String> {
        let mut url = url.to_owned();
        for _ in 0..10 {
            let answer = self.get(&url);
            match answer.header("location") {
                Some(next) if next.starts_with(HOME) => next.clone_into(&mut url),
                Some(away) => return Err(away.to_owned()),
                None => return Ok(answer),
            }
        }
        panic!("the partner redirects for ever");
    }

    /// Signs in at the partner's form, and gives the page that it sends the browser back with.
    pub(crate) fn sign_in(&self, url: &str) -> String {
        let form = self.visit(url).unwrap();
        assert_eq!(form.status, 200, "{}", form.body);
        if fields(&form.body, "AuthState").is_empty() {
            // Signed in there already.
            return form.body;
        }
        let state = field(&form.body, "AuthState");
        let jar = self.jar.to_str().unwrap();
        let state = format!("AuthState={state}");
        let arguments = ["--cookie", jar, "--cookie-jar", jar, "--data-urlencode", &state];
        let arguments = arguments.into_iter().chain(["--data", "username=alice&password=Partner-Pw-1"]);
        let mut answer = Curl::new(&format!("{HOME}/module.php/core/loginuserpass.php?")).args(arguments).send();
        if let Some(next) = answer.header("location") {
            answer = self.visit(next).unwrap();
        }
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    /// The address that asks the partner to sign somebody in, by SAML 2.0.
    async fn request(&self, metadata: &PartnerMetadata, issuer: &str) -> String {
        let services = &metadata.saml.as_ref().unwrap().sign_in;
        let service = services.iter().find(|service| service.binding == Binding::Redirect).unwrap();
        let request = AuthnRequest {
            header: self.header(&service.url, issuer),
            reply: Some(Reply::Post(&self.reply)),
            name_id_format: Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"),
            allow_create: true,
            force_authn: false,
            is_passive: false,
            contexts: None,
            providers: &[],
        };
        let key = self.key();
        let query = request.to_query(Some("state & more"), Some((&key, SignatureAlgorithm::RsaSha256))).await.unwrap();
        append(&service.url, &query)
    }

    fn delivery(&self, profile: Profile) -> Delivery<'_> {
        Delivery {
            recipient: &self.reply,
            in_response_to: (profile == Profile::WebSso).then_some(self.id.as_str()),
            profile,
            now: now(),
            skew: Duration::from_mins(5),
        }
    }
}

fn partner<'a>(metadata: &'a PartnerMetadata, keys: &'a VerificationKeys, audiences: &'a [&'a str]) -> Partner<'a> {
    Partner {
        identifier: &metadata.entity_id,
        keys,
        audiences,
        decryption_keys: &[],
        sha1: false,
        unvouched_cbc: false,
    }
}

fn saml_keys(metadata: &PartnerMetadata) -> VerificationKeys {
    let certificates = &metadata.saml.as_ref().unwrap().signing_certificates;
    VerificationKeys::from_certificates(certificates.iter().map(Vec::as_slice)).unwrap()
}

fn check_alice(assertion: &InboundAssertion) {
    let claims = assertion.to_claims();
    let values = |name: &str| claims.of_type(name).map(|claim| claim.value.to_string()).collect::<Vec<_>>();
    assert_eq!(values("mail"), ["alice@partner.example"]);
    assert_eq!(values("displayName"), ["Alice Ölsson & Söhne <a>"]);
    assert_eq!(values("groups"), ["staff", "chess"]);
    assert_eq!(values(types::UPN), ["alice@partner.example"]);
    assert!(claims.iter().all(|claim| claim.issuer == assertion.issuer));
}

#[tokio::test]
async fn a_partner_signs_somebody_in_by_saml() {
    let Some(idp) = idp() else { return };
    let metadata = idp.metadata("/saml2/idp/metadata.php");
    let page = idp.sign_in(&idp.request(&metadata, &idp.service).await);
    assert_eq!(field(&page, "RelayState"), "state & more");
    assert!(page.contains(&format!("action=\"{}\"", idp.reply)), "{page}");
    let message = response::decode_form(&field(&page, "SAMLResponse")).unwrap();

    let (keys, audiences) = (saml_keys(&metadata), [&*idp.service]);
    let partner = partner(&metadata, &keys, &audiences);
    let receive = |message: &[u8]| response::receive(message, &partner, &idp.delivery(Profile::WebSso));
    let store = MemoryOneTime::new(Arc::new(SystemClock::new()), 4);
    let assertion = receive(&message).unwrap().redeem(&store).await.unwrap();
    check_alice(&assertion);
    let name = assertion.name_identifier.clone().unwrap();
    assert_eq!(name.format.as_deref(), Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"));
    let authentication = assertion.authentication.clone().unwrap();
    assert!(authentication.session_index.is_some() && authentication.session_not_on_or_after.is_some());

    let again = receive(&message).unwrap().redeem(&store).await;
    assert!(matches!(again, Err(InboundError::Replayed { .. })));
    let text = String::from_utf8(message).unwrap();
    let altered = text.replace("alice@partner.example", "admin@partner.example");
    assert!(matches!(receive(altered.as_bytes()), Err(ResponseError::Inbound(InboundError::Signature(_)))));
    let other = Delivery { in_response_to: Some("_other"), ..idp.delivery(Profile::WebSso) };
    let refused = response::receive(text.as_bytes(), &partner, &other).unwrap_err();
    assert!(matches!(refused, ResponseError::Inbound(InboundError::InResponseTo { .. })));
    let late = Delivery { now: now().plus(Duration::from_hours(24)), ..idp.delivery(Profile::WebSso) };
    assert!(response::receive(text.as_bytes(), &partner, &late).is_err());

    // And out again: our request is accepted, and the answer verifies.
    let sign_out = &metadata.saml.as_ref().unwrap().sign_out;
    let service = sign_out.iter().find(|service| service.binding == Binding::Redirect).unwrap();
    let request = LogoutRequest {
        header: idp.header(&service.url, &idp.service),
        name_identifier: &name,
        session_index: authentication.session_index.as_deref(),
        not_on_or_after: None,
        reason: LogoutReason::User,
    };
    let query = request.to_query(Some("bye"), &idp.key(), SignatureAlgorithm::RsaSha256).await.unwrap();
    let answer = idp.visit(&append(&service.url, &query)).expect_err("the partner sends the browser back");
    let (address, query) = answer.split_once('?').unwrap();
    assert_eq!(address, idp.reply);
    let status = receive_query(query, &partner, &idp.delivery(Profile::WebSso)).unwrap();
    assert_eq!(status, PartnerStatus { code: StatusCode::Success, detail: None, message: None });
}

#[tokio::test]
async fn a_partner_verifies_what_we_signed() {
    let Some(idp) = idp() else { return };
    let metadata = idp.metadata("/saml2/idp/metadata.php");
    let url = idp.request(&metadata, &idp.service).await;
    let answer = idp.visit(&url.replace("&RelayState=state", "&RelayState=other")).unwrap();
    assert!(answer.body.contains("nable to validate signature on query string"), "{}", answer.body);
    assert!(!answer.body.contains("AuthState"), "{}", answer.body);
}

#[tokio::test]
async fn a_partner_encrypts_what_it_says() {
    let Some(idp) = idp() else { return };
    let metadata = idp.metadata("/saml2/idp/metadata.php");
    let service = "urn:chancery:lab:encrypted";
    let page = idp.sign_in(&idp.request(&metadata, service).await);
    let message = response::decode_form(&field(&page, "SAMLResponse")).unwrap();
    let text = String::from_utf8_lossy(&message);
    assert!(text.contains("EncryptedAssertion") && !text.contains("alice"), "{text}");
    let keys = saml_keys(&metadata);
    let audiences = [service];
    let decryption_key = DecryptionKey::new(&idp.material).unwrap();
    let decryption_keys = [&decryption_key];
    let partner = Partner { decryption_keys: &decryption_keys, ..partner(&metadata, &keys, &audiences) };
    let store = MemoryOneTime::new(Arc::new(SystemClock::new()), 1);
    let assertion = response::receive(&message, &partner, &idp.delivery(Profile::WebSso)).unwrap();
    check_alice(&assertion.redeem(&store).await.unwrap());
    // It encrypts with CBC: without the response's signature that is refused.
    assert!(text.contains("-cbc\""), "{text}");
    let open = text.find("<ds:Signature ").unwrap();
    let close = text.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let stripped = format!("{}{}", &text[..open], &text[close..]);
    let refused = response::receive(stripped.as_bytes(), &partner, &idp.delivery(Profile::WebSso)).unwrap_err();
    assert_eq!(refused, ResponseError::Inbound(InboundError::UnvouchedEncryption));
}

#[tokio::test]
async fn a_partner_encrypts_whom_it_speaks_of() {
    let Some(idp) = idp() else { return };
    let metadata = idp.metadata("/saml2/idp/metadata.php");
    let service = "urn:chancery:lab:encrypted-name";
    let page = idp.sign_in(&idp.request(&metadata, service).await);
    let message = response::decode_form(&field(&page, "SAMLResponse")).unwrap();
    let text = String::from_utf8_lossy(&message);
    assert!(text.contains("EncryptedID") && !text.contains("NameID "), "{text}");
    let keys = saml_keys(&metadata);
    let audiences = [service];
    let decryption_key = DecryptionKey::new(&idp.material).unwrap();
    let decryption_keys = [&decryption_key];
    let partner = Partner { decryption_keys: &decryption_keys, ..partner(&metadata, &keys, &audiences) };
    let store = MemoryOneTime::new(Arc::new(SystemClock::new()), 1);
    let assertion = response::receive(&message, &partner, &idp.delivery(Profile::WebSso)).unwrap();
    let assertion = assertion.redeem(&store).await.unwrap();
    check_alice(&assertion);
    let name = assertion.name_identifier.unwrap();
    assert_eq!(name.format.as_deref(), Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"));
    assert!(!name.value.is_empty());
}

#[tokio::test]
async fn a_partner_signs_somebody_in_by_ws_federation() {
    let Some(idp) = idp() else { return };
    let metadata = idp.metadata("/module.php/adfs/idp/metadata.php");
    let role = metadata.ws_federation.as_ref().unwrap();
    let query = format!("wa=wsignin1.0&wtrealm={}&wctx=context", idp.service);
    let page = idp.sign_in(&append(&role.passive[0], &query));
    assert_eq!((field(&page, "wa"), field(&page, "wctx")), (String::from("wsignin1.0"), String::from("context")));
    let wresult = field(&page, "wresult");

    let keys = VerificationKeys::from_certificates(role.signing_certificates.iter().map(Vec::as_slice)).unwrap();
    let audiences = [&*idp.service];
    let partner = partner(&metadata, &keys, &audiences);
    let receive = |wresult: &str| wresult::receive(wresult, &partner, &idp.delivery(Profile::Passive));
    let store = MemoryOneTime::new(Arc::new(SystemClock::new()), 1);
    let assertion = receive(&wresult).unwrap().redeem(&store).await.unwrap();
    assert_eq!(&*assertion.name_identifier.clone().unwrap().value, "alice");
    let claims = assertion.to_claims();
    assert!(claims.contains("http://schemas.xmlsoap.org/claims/mail", "alice@partner.example"), "{claims:?}");
    assert!(claims.contains(types::UPN, "alice@partner.example"), "{claims:?}");
    let again = receive(&wresult).unwrap().redeem(&store).await;
    assert!(matches!(again, Err(InboundError::Replayed { .. })));
    let altered = wresult.replace(">alice@partner.example<", ">admin@partner.example<");
    assert_ne!(altered, wresult);
    assert!(matches!(receive(&altered), Err(InboundError::Signature(_))));
}
