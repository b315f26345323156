//! `FederationMetadata.xml`, and what the server answers at which spelling of a path: health pages, methods, header fields.

use std::process::Command;

use crate::support::{
    Assertion, Curl, Lab, NodeSetup, Response, published_certificates, run, signing_certificate, verify_all,
};

const PATH: &str = "/FederationMetadata/2007-06/FederationMetadata.xml";

fn get(path: &str) -> Response {
    Curl::new(&format!("{}{path}", Lab::get().url)).send()
}

#[test]
fn federation_metadata_is_signed_and_names_every_certificate() {
    let lab = Lab::get();
    let answer = get(PATH);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/xml; charset=utf-8"));
    assert_eq!(answer.body.lines().count(), 1, "one line");
    assert!(answer.body.contains(&format!("entityID=\"http://{}/adfs/services/trust\"", lab.host)));

    let file = lab.new_file("metadata.xml");
    let verify = |text: &str| {
        std::fs::write(&file, text).expect("scratch is writable");
        std::process::Command::new("xmlsec1")
            .args(["--verify", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor"])
            .arg("--pubkey-cert-pem")
            .args([signing_certificate(), &file])
            .output()
            .expect("xmlsec1 runs")
    };
    let output = verify(&answer.body);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!verify(&answer.body.replace("certificatemixed", "usernamemixed")).status.success(), "changed");
    let verdict = verify_all(&[&answer.body]).remove(0);
    assert_eq!(verdict["signed"], "EntityDescriptor");
    assert_eq!(verdict["signature"], "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
    assert_eq!(verdict["children"][0], "Signature", "the signature is the first child");

    // django-auth-adfs compares this text literally, prefix included.
    let role = "fed:SecurityTokenServiceType";
    assert!(answer.body.contains(&format!("xsi:type=\"{role}\"")));
    let signing = published_certificates(&answer.body, role, "signing");
    assert!(!signing.is_empty());
    assert!(published_certificates(&answer.body, role, "encryption").is_empty(), ".NET trusts every key in this role");
    let encryption = published_certificates(&answer.body, "fed:ApplicationServiceType", "encryption");
    assert_eq!(encryption.len(), 1);
    assert!(!signing.contains(&encryption[0]), "keys are not shared between uses");
    for certificate in signing.iter().chain(&encryption) {
        assert!(!certificate.contains(char::is_whitespace), "base64 without line breaks");
        let pem = format!("-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n");
        openssl::x509::X509::from_pem(pem.as_bytes()).expect("a certificate");
    }
    for present in [
        "Uri=\"urn:oasis:names:tc:SAML:1.0:assertion\"",
        "Uri=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
        "Uri=\"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\"",
        &format!(">{}/adfs/services/trust/mex<", lab.url),
        &format!(
            "<wsa:Address>{}/adfs/ls/</wsa:Address></wsa:EndpointReference></fed:PassiveRequestorEndpoint>",
            lab.url
        ),
        &format!(">{}/adfs/services/trust/2005/certificatemixed<", lab.url),
        &format!("HTTP-Redirect\" Location=\"{}/adfs/ls/\"", lab.url),
        "<SingleLogoutService ",
        &format!(
            "HTTP-POST\" Location=\"{}/adfs/ls/\" index=\"0\" isDefault=\"true\"></AssertionConsumerService>",
            lab.url
        ),
    ] {
        assert!(answer.body.contains(present), "{present}");
    }
    for absent in ["IDPSSODescriptor", "<fed:ApplicationServiceEndpoint"] {
        assert!(!answer.body.contains(absent), "no endpoint that does not work is named: {absent}");
    }
}

/// Partners learn the next certificate before the first token is signed with it.
#[test]
fn the_next_signing_certificate_is_published_before_it_signs() {
    const ROLE: &str = "fed:SecurityTokenServiceType";
    let node = NodeSetup::new().start();
    let published = || published_certificates(&node.curl(PATH).send().body, ROLE, "signing");
    let [first] = <[String; 1]>::try_from(published()).expect("one key at first");
    let file = |name: &str| node.directory.join(name).display().to_string();
    let (key, certificate) = (file("next.key"), file("next.pem"));
    run(Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=ADFS Signing - next"])
        .args(["-keyout", &key, "-out", &certificate]));
    run(&mut node.command(&["keys", "import", "--key", &key, "--certificate", &certificate]));
    assert!(node.reload().0, "the server takes the new key");
    let both = published();
    assert_eq!(both.len(), 2, "the primary and the next one");
    assert_eq!(both[0], first, "the primary stands first");
    let pem = std::fs::read_to_string(&certificate).expect("readable");
    let next: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    assert_eq!(both[1], next);
    // The present key goes on signing tokens and the document itself.
    let signed_by = |text: &str, certificate: &str| {
        let embedded = regex::Regex::new("<(?:ds:)?X509Certificate>([^<]+)<").expect("a pattern");
        text.contains("SignatureValue>") && embedded.captures(text).is_some_and(|found| found[1] == *certificate)
    };
    let token = || Assertion::cut(&node.token_of_computer().body);
    assert!(signed_by(&token().xml, &first));
    assert!(signed_by(&node.curl(PATH).send().body, &first));
    // What the command prints is what is published.
    let listed = run(&mut node.command(&["keys", "list"])).to_lowercase().replace(':', "");
    for pem in ["-----BEGIN CERTIFICATE-----\n".to_owned() + &first + "\n-----END CERTIFICATE-----\n", pem] {
        let x509 = openssl::x509::X509::from_pem(pem.as_bytes()).expect("a certificate");
        let digest = x509.digest(openssl::hash::MessageDigest::sha1()).expect("a digest");
        assert!(listed.contains(&hex::encode(digest)), "{listed}");
    }
}

#[test]
fn paths_are_matched_whatever_their_case_and_with_a_trailing_slash() {
    for (path, variants) in [
        ("/adfs/services/trust/mex", ["/ADFS/Services/Trust/MEX", "/adfs/services/trust/mex/"]),
        (
            PATH,
            [
                "/federationmetadata/2007-06/federationmetadata.xml",
                "/FEDERATIONMETADATA/2007-06/FederationMetadata.XML/",
            ],
        ),
        ("/adfs/probe", ["/Adfs/Probe", "/adfs/probe/"]),
    ] {
        let expected = get(path);
        assert_eq!(expected.status, 200, "{path}");
        for variant in variants {
            let answer = get(variant);
            assert_eq!((answer.status, &answer.body), (200, &expected.body), "{variant}");
        }
        let query = get(&format!("{path}?x=1"));
        assert_eq!((query.status, &query.body), (200, &expected.body), "a query does not matter at {path}");
    }
    for path in ["/", "/adfs", "/adfs/services/trust", "/adfs/services/trust/2005/kerberosmixed", "/adfs/probe/more"] {
        assert_eq!(get(path).status, 404, "{path}");
    }
}

#[test]
fn head_has_the_header_fields_of_get_and_other_methods_are_told_what_is_allowed() {
    let lab = Lab::get();
    for path in ["/adfs/services/trust/mex", PATH, "/adfs/probe", "/healthz/live", "/healthz/ready"] {
        let url = format!("{}{path}", lab.url);
        let (get, head) = (get(path), Curl::new(&url).args(["--head"]).send());
        assert_eq!((head.status, &*head.body), (200, ""), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        let refused = Curl::new(&url).args(["--request", "DELETE"]).send();
        assert_eq!(refused.status, 405, "{path}");
        assert!(refused.header("allow").is_some_and(|allow| allow.contains("GET") && allow.contains("HEAD")), "{path}");
    }
    let trust = Curl::new(&format!("{}/adfs/services/trust/13/usernamemixed", lab.url)).send();
    assert_eq!((trust.status, trust.header("allow")), (405, Some("POST")));
}

/// A balancer asks for `/adfs/probe` on port 80; nothing that carries a secret is served there.
#[test]
fn health_pages_answer_on_plain_http_and_nothing_else_does() {
    let lab = Lab::get();
    for path in ["/adfs/probe", "/Adfs/Probe/", "/healthz/live", "/healthz/ready"] {
        let answer = Curl::new(&format!("http://{}{path}", lab.host)).send();
        assert_eq!((answer.status, &*answer.body), (200, ""), "{path}");
        assert_eq!(get(path).status, 200, "{path}");
        let management = Curl::new(&format!("http://{}:9080{path}", lab.host)).send();
        assert_eq!(management.status, 200, "{path} on the management port");
    }
    for path in ["/adfs/services/trust/mex", PATH, "/adfs/services/trust/13/usernamemixed", "/"] {
        let answer = Curl::new(&format!("http://{}{path}", lab.host)).send();
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[test]
fn every_answer_carries_the_correlation_id_and_the_security_header_fields() {
    let lab = Lab::get();
    for path in ["/adfs/services/trust/mex", "/nowhere"] {
        let answer = get(path);
        assert_eq!(answer.header("client-request-id"), Some(&*answer.correlation), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        assert!(answer.header("strict-transport-security").is_some(), "{path}");
        assert!(answer.header("server").is_none(), "{path}");
        assert!(!lab.log_lines(&answer.correlation).is_empty(), "{path}");
    }
}
