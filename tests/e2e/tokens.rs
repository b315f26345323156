//! Tokens as relying parties order them: identifiers, token types, encryption, algorithms, times; trusts added at run time.

use std::process::Command;

use serde_json::Value;

use crate::support::{
    Assertion, Curl, ENTRA, Lab, Response, Rst, Trusts, Version, claim, now, run, signing_certificate, verify_all,
};

/// amelie's token by password (a user whom no other test locks out).
fn order(version: Version, change: impl FnOnce(Rst) -> Rst) -> Response {
    let lab = Lab::get();
    let url = format!("{}{}", lab.url, version.path("usernamemixed"));
    let request = Rst::new(version, &url).password(&format!("amelie@{}", lab.domain), "Amelie-Pw-1");
    Curl::new(&url).soap(change(request).build()).send()
}

fn granted(answer: &Response) -> Assertion {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = Assertion::cut(&answer.body);
    assert!(token.verifies(signing_certificate()), "{}", token.xml);
    token
}

#[test]
fn every_identifier_of_the_entra_trust_is_the_audience_that_was_asked_for() {
    for identifier in [
        ENTRA,
        "https://login.microsoftonline.com/extSTS.srf",
        "https://login.partner.microsoftonline.cn",
        "https://login.windows.net/",
    ] {
        for version in Version::BOTH {
            let answer = order(version, |rst| rst.applies_to(identifier));
            assert_eq!(granted(&answer).text("Audience"), identifier, "{version:?}");
            assert_eq!(answer.body.matches(&format!(">{identifier}</wsa:Address>")).count(), 1, "{}", answer.body);
        }
    }
    for close in ["urn:federation:microsoftonline", "urn:federation:MicrosoftOnline/", "https://login.windows.net"] {
        let answer = order(Version::Trust13, |rst| rst.applies_to(close));
        assert_eq!(answer.status, 500, "identifiers are compared exactly: {close}");
        assert!(answer.body.contains(":InvalidScope<"), "{}", answer.body);
    }
}

#[test]
fn a_request_names_the_type_of_token_and_otherwise_the_trust_does() {
    Trusts::get();
    let saml11 = ("urn:oasis:names:tc:SAML:1.0:assertion", "#SAMLV1.1", "AssertionID", "#SAMLAssertionID");
    let saml2 = ("urn:oasis:names:tc:SAML:2.0:assertion", "#SAMLV2.0", "ID", "#SAMLID");
    let profile = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1";
    for (relying_party, asked, (token_type, reference, id, id_type)) in [
        ("urn:e2e:plain", None, saml11),
        ("urn:e2e:saml2", None, saml2),
        ("urn:e2e:saml2", Some("urn:oasis:names:tc:SAML:1.0:assertion".to_owned()), saml11),
        ("urn:e2e:saml2", Some(format!("{profile}#SAMLV1.1")), saml11),
        ("urn:e2e:plain", Some("urn:oasis:names:tc:SAML:2.0:assertion".to_owned()), saml2),
        ("urn:e2e:plain", Some(format!("{profile}#SAMLV2.0")), saml2),
        (ENTRA, Some(format!("{profile}#SAMLV2.0")), saml2),
    ] {
        for version in Version::BOTH {
            let answer = order(version, |rst| {
                let rst = rst.applies_to(relying_party);
                if let Some(uri) = &asked { rst.token_type(uri) } else { rst }
            });
            let token = granted(&answer);
            // MSAL makes its grant of exactly this text.
            assert!(answer.body.contains(&format!("TokenType>{token_type}</")), "{}", answer.body);
            assert!(answer.body.contains(&format!("TokenType=\"{profile}{reference}\"")), "{}", answer.body);
            assert!(
                answer.body.contains(&format!("{id_type}\">{}</", token.attribute("Assertion", id))),
                "{}",
                answer.body
            );
            assert_eq!(token.text("Audience"), relying_party);
        }
    }
}

#[test]
fn a_saml2_token_has_the_form_of_ad_fs() {
    Trusts::get();
    let lab = Lab::get();
    let token = granted(&order(Version::Trust13, |rst| rst.applies_to("urn:e2e:saml2")));
    assert!(token.xml.starts_with("<Assertion ") && token.xml.ends_with("</Assertion>"), "{}", token.xml);
    let verdict = verify_all(&[&token.xml]).remove(0);
    assert_eq!(
        verdict["children"],
        Value::from(vec!["Issuer", "Signature", "Subject", "Conditions", "AttributeStatement", "AuthnStatement"])
    );
    assert_eq!(token.attribute("Assertion", "Version"), "2.0");
    assert_eq!(token.text("Issuer"), format!("http://{}/adfs/services/trust", lab.host));
    assert_eq!(token.text("NameID"), format!("amelie@{}", lab.domain));
    assert_eq!(token.attribute("SubjectConfirmation", "Method"), "urn:oasis:names:tc:SAML:2.0:cm:bearer");
    assert_eq!(token.single(claim::UPN_2005), format!("amelie@{}", lab.domain));
    assert_eq!(token.attribute("AuthnStatement", "SessionIndex"), token.attribute("Assertion", "ID"));
    assert_eq!(token.text("AuthnContextClassRef"), "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport");
}

#[test]
fn encrypted_tokens_are_opened_by_xmlsec1_and_hold_a_good_signature() {
    let key = &Trusts::get().decryption_key;
    let inside = regex::Regex::new("(?s)<(saml:)?Assertion .*</(saml:)?Assertion>").expect("a pattern");
    let lab = Lab::get();
    for (relying_party, cipher) in [
        ("urn:e2e:cbc", "http://www.w3.org/2001/04/xmlenc#aes256-cbc"),
        ("urn:e2e:gcm", "http://www.w3.org/2009/xmlenc11#aes256-gcm"),
    ] {
        for (token_type, wrapper) in
            [("urn:oasis:names:tc:SAML:1.0:assertion", false), ("urn:oasis:names:tc:SAML:2.0:assertion", true)]
        {
            let answer = order(Version::Trust13, |rst| rst.applies_to(relying_party).token_type(token_type));
            assert_eq!(answer.status, 200, "{}", answer.body);
            let sealed = Assertion::cut(&answer.body).xml;
            assert!(!sealed.contains("amelie") && !sealed.contains("AttributeValue"), "{sealed}");
            assert_eq!(sealed.contains("EncryptedAssertion"), wrapper, "{sealed}");
            assert!(sealed.contains(&format!("Algorithm=\"{cipher}\"")), "{sealed}");
            assert!(sealed.contains("Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\""), "{sealed}");
            let file = lab.new_file("sealed.xml");
            std::fs::write(&file, &sealed).expect("scratch is writable");
            let opened = run(Command::new("xmlsec1").args(["--decrypt", "--privkey-pem"]).arg(key).arg(&file));
            let inner = inside.find(&opened).expect("an assertion").as_str().to_owned();
            let token = Assertion { xml: inner };
            assert!(token.verifies(signing_certificate()), "{relying_party} {token_type}: {}", token.xml);
            assert_eq!(token.single(claim::PRIMARY_SID), lab.object("amelie").sid);
            assert_eq!(token.text("Audience"), relying_party);
        }
    }
    // Another key does not open it.
    let stranger = lab.new_file("stranger.key");
    run(Command::new("openssl").args(["genrsa", "-out"]).arg(&stranger).arg("2048"));
    let answer = order(Version::Trust13, |rst| rst.applies_to("urn:e2e:gcm"));
    let file = lab.new_file("sealed.xml");
    std::fs::write(&file, Assertion::cut(&answer.body).xml).expect("scratch is writable");
    let output = Command::new("xmlsec1").args(["--decrypt", "--privkey-pem"]).arg(&stranger).arg(&file).output();
    assert!(!output.expect("xmlsec1 runs").status.success());
}

#[test]
fn sha1_is_used_for_the_trust_that_asks_and_for_no_other() {
    Trusts::get();
    for (relying_party, signature, digest) in [
        ("urn:e2e:sha1", "http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1"),
        (
            "urn:e2e:plain",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "http://www.w3.org/2001/04/xmlenc#sha256",
        ),
    ] {
        let token = granted(&order(Version::February2005, |rst| rst.applies_to(relying_party)));
        let verdict = verify_all(&[&token.xml]).remove(0);
        assert_eq!(verdict["signature"], signature, "{relying_party}");
        assert_eq!(verdict["digest"], digest, "{relying_party}");
    }
}

#[test]
fn lifetime_and_skew_are_the_trusts() {
    Trusts::get();
    for (relying_party, lifetime, skew) in
        [("urn:e2e:short", 7.0, 3.0), ("urn:e2e:plain", 60.0, 0.0), (ENTRA, 60.0, 0.0)]
    {
        let answer = order(Version::Trust13, |rst| rst.applies_to(relying_party));
        let token = granted(&answer);
        let issued = token.instant("Assertion", "IssueInstant");
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
        let now = now() as f64;
        assert!((issued - now).abs() < 60.0, "{relying_party}: issued now");
        let near = |a: f64, b: f64| (a - b).abs() < 0.002;
        assert!(near(token.instant("Conditions", "NotBefore"), issued - skew * 60.0), "{}", token.xml);
        assert!(near(token.instant("Conditions", "NotOnOrAfter"), issued + lifetime * 60.0), "{}", token.xml);
        // The answer says the same as the token.
        let lifetime = format!(
            "<u:Created>{}</u:Created><u:Expires>{}</u:Expires></trust:Lifetime>",
            token.attribute("Conditions", "NotBefore"),
            token.attribute("Conditions", "NotOnOrAfter")
        );
        let plain = answer.body.replace(
            " xmlns:u=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd\"",
            "",
        );
        assert!(plain.contains(&lifetime), "{lifetime} in {plain}");
    }
}

#[test]
fn a_disabled_trust_and_an_unknown_one_answer_invalid_scope() {
    Trusts::get();
    for identifier in ["urn:e2e:disabled", "urn:e2e:never-there"] {
        for version in Version::BOTH {
            let answer = order(version, |rst| rst.applies_to(identifier));
            assert_eq!(answer.status, 500);
            assert!(answer.body.contains(&format!("=\"{}\">t:InvalidScope<", version.namespace())), "{}", answer.body);
            assert!(answer.body.contains(">ID3082: The request scope is not valid or is unsupported.<"));
        }
    }
}

/// Rules that ask for more than a run may do: no token, and the audit log says which limit.
#[test]
fn rules_that_grow_beyond_their_limit_yield_no_token_and_an_audit_event() {
    Trusts::get();
    let answer = order(Version::Trust13, |rst| rst.applies_to("urn:e2e:growing"));
    assert_eq!(answer.status, 500, "{}", answer.body);
    assert!(!answer.body.contains("Assertion"), "{}", answer.body);
    let audit = Lab::get().audit(&answer.correlation);
    let failed = audit.event(413);
    let detail = failed["Detail"].as_str().expect("a text");
    assert!(
        detail.contains("issuance transform") && detail.contains("more than 50000 combinations of claims"),
        "{detail}"
    );
    assert_eq!(audit.event(1201)["AuditResult"], "Failure");
}

#[test]
fn a_trust_comes_changes_breaks_and_goes_while_the_server_runs() {
    Trusts::get();
    let name = "passing";
    let identifier = "urn:e2e:passing";
    let order = || order(Version::Trust13, |rst| rst.applies_to(identifier));
    let rule = |text: &str| format!("=> issue(Type = \"urn:e2e/colour\", Value = \"{text}\");");
    assert_eq!(order().status, 500, "not there yet");
    Trusts::write(name, "", &rule("red"));
    Trusts::reload().expect("a valid trust");
    assert_eq!(granted(&order()).single("urn:e2e/colour"), "red");
    Trusts::write(name, "", &rule("Blå <&> \u{1f7e6}"));
    Trusts::reload().expect("a valid trust");
    assert_eq!(granted(&order()).single("urn:e2e/colour"), "Blå <&> \u{1f7e6}");
    // What is wrong is told with its place, and the former trust goes on.
    Trusts::write(name, "", "=> issue(Type = \"urn:e2e/colour\" Value = \"green\");");
    let errors = Trusts::reload().expect_err("the rule lacks a comma");
    assert!(errors.contains("e2e-passing.toml"), "{errors}");
    assert_eq!(granted(&order()).single("urn:e2e/colour"), "Blå <&> \u{1f7e6}");
    std::fs::remove_file(Trusts::file(name)).expect("it is there");
    Trusts::reload().expect("a valid configuration");
    assert_eq!(order().status, 500, "gone");
}
