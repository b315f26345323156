//! Signatures around an assertion: the profile, one check after the other.

use super::*;
use crate::tokens::{SignatureAlgorithm, saml2, saml11};
use crate::xml::namespace::SAML2;

const ELEMENT: &SignedElement<'_> = &SignedElement::SAML2_ASSERTION;

fn assertion(template: &Template) -> String {
    format!(
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_a\"><saml:Issuer>i</saml:Issuer>{}\
         <saml:Subject><saml:NameID>alice</saml:NameID></saml:Subject></saml:Assertion>",
        template.xml()
    )
}

fn signed() -> String {
    sign(&assertion(&Template::enveloped("_a")))
}

fn verify(document: &str) -> Result<VerifiedXml, VerifyError> {
    verify_enveloped(document.as_bytes(), ELEMENT, &partner_keys(), &Policy::STRICT)
}

fn refused(document: &str) -> VerifyError {
    verify(document).expect_err(document)
}

#[tokio::test]
async fn our_own_tokens_verify_and_read_as_written() {
    let keys = VerificationKeys::from_certificates([&samples::key().certificate[..]]).unwrap();
    for algorithm in [SignatureAlgorithm::RsaSha256, SignatureAlgorithm::RsaSha1] {
        let sha1 = algorithm == SignatureAlgorithm::RsaSha1;
        let policy = Policy { sha1, ..Policy::STRICT };
        let one = saml11::write_signed(&samples::user(), samples::key(), algorithm).await.unwrap();
        let two = saml2::write_signed(&samples::user(), samples::key(), algorithm).await.unwrap();
        for (token, element) in [(one, SignedElement::SAML11_ASSERTION), (two, SignedElement::SAML2_ASSERTION)] {
            let verified = verify_enveloped(&token, &element, &keys, &policy).unwrap();
            let document = verified.document().unwrap();
            let values: Vec<_> =
                document.elements().filter(|e| e.local() == "AttributeValue").map(|e| e.text().unwrap()).collect();
            assert!(values.contains(&samples::HARD));
            assert!(
                document.elements().all(|e| e.local() != "Signature"),
                "the signature is not part of what was signed"
            );
            if sha1 {
                let strict = verify_enveloped(&token, &element, &keys, &Policy::STRICT);
                assert!(matches!(strict, Err(VerifyError::Algorithm { .. })), "SHA-1 only where it is allowed");
            }
        }
    }
}

#[test]
fn a_genuine_signature_verifies_and_a_changed_document_does_not() {
    let document = signed();
    let verified = verify(&document).unwrap();
    assert_eq!(
        std::str::from_utf8(verified.octets()).unwrap(),
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_a\"><saml:Issuer>i</saml:Issuer>\
         <saml:Subject><saml:NameID>alice</saml:NameID></saml:Subject></saml:Assertion>"
    );
    assert!(matches!(refused(&document.replace("alice", "admin")), VerifyError::Invalid { .. }));
    assert!(matches!(refused(&document.replace("<saml:Subject>", "<saml:Subject> ")), VerifyError::Invalid { .. }));
    let other = sign_with(&assertion(&Template::enveloped("_a")), &STRANGER.1);
    assert!(matches!(refused(&other), VerifyError::Invalid { .. }));
}

#[test]
fn several_keys_may_be_known_during_a_roll_over() {
    let keys = VerificationKeys::from_certificates([&STRANGER.0[..], &PARTNER.0]).unwrap();
    verify_enveloped(signed().as_bytes(), ELEMENT, &keys, &Policy::STRICT).unwrap();
}

#[test]
fn a_key_in_the_message_is_not_trusted() {
    let certificate = BASE64.encode(&STRANGER.0);
    for key_info in [
        format!(
            "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        ),
        String::from("<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue></ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo>"),
    ] {
        let mut template = Template::enveloped("_a");
        template.key_info = key_info;
        let document = sign_with(&assertion(&template), &STRANGER.1);
        assert!(matches!(refused(&document), VerifyError::Invalid { .. }));
    }
}

#[test]
fn key_info_cannot_make_us_fetch_a_key() {
    for key_info in [
        r#"<ds:RetrievalMethod URI="http://attacker.example/key"/>"#,
        r##"<k:KeyInfoReference xmlns:k="http://www.w3.org/2009/xmldsig11#" URI="#x"/>"##,
        r#"<e:EncryptedKey xmlns:e="http://www.w3.org/2001/04/xmlenc#"/>"#,
    ] {
        let mut template = Template::enveloped("_a");
        template.key_info = format!("<ds:KeyInfo>{key_info}</ds:KeyInfo>");
        let document = sign(&assertion(&template));
        assert!(matches!(refused(&document), VerifyError::Structure { .. }), "{key_info}");
    }
}

#[test]
fn only_the_profiles_algorithms_are_allowed() {
    let check = |change: &dyn Fn(&mut Template), expected: &str| {
        let mut template = Template::enveloped("_a");
        change(&mut template);
        let error = refused(&sign(&assertion(&template)));
        assert!(matches!(&error, VerifyError::Algorithm { element, .. } if element == expected), "{expected}: {error}");
    };
    for c14n in [
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "http://www.w3.org/2006/12/xml-c14n11",
    ] {
        let canonicalization =
            |t: &mut Template| t.canonicalization = format!(r#"<ds:CanonicalizationMethod Algorithm="{c14n}"/>"#);
        check(&canonicalization, "CanonicalizationMethod");
        check(&|t| t.references = reference("#_a", &[ENVELOPED, c14n], SHA256), "Transform");
    }
    let sha1 = "http://www.w3.org/2000/09/xmldsig#sha1";
    check(&|t| t.references = reference("#_a", &[ENVELOPED, EXCLUSIVE], sha1), "DigestMethod");
    let mut swapped = Template::enveloped("_a");
    swapped.references = reference("#_a", &[EXCLUSIVE, ENVELOPED], SHA256);
    let error = refused(&assertion(&swapped));
    assert!(matches!(error, VerifyError::Algorithm { .. }), "the order of the transforms matters");
    assert!(matches!(refused(&with_sha1_signature(&signed())), VerifyError::Algorithm { .. }));
}

#[test]
fn symmetric_and_unknown_methods_are_refused() {
    for method in [
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "",
        "urn:none",
    ] {
        let document = signed().replace("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", method);
        assert!(matches!(refused(&document), VerifyError::Algorithm { .. }), "{method}");
    }
    let truncated = signed()
        .replace("#rsa-sha256\"/>", "#rsa-sha256\"><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>");
    assert!(matches!(refused(&truncated), VerifyError::Structure { .. }));
}

#[test]
fn transforms_are_exactly_two() {
    for transforms in
        [&[EXCLUSIVE][..], &[ENVELOPED], &[ENVELOPED, EXCLUSIVE, EXCLUSIVE], &[ENVELOPED, ENVELOPED, EXCLUSIVE], &[]]
    {
        let mut template = Template::enveloped("_a");
        template.references = reference("#_a", transforms, SHA256);
        // Not all of these can be signed; none is looked at further than the profile.
        let error = refused(&assertion(&template));
        assert!(matches!(&error, VerifyError::Structure { element, .. } if element == "Transforms"), "{error}");
    }
    for foreign in [
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2002/06/xmldsig-filter2",
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/2000/09/xmldsig#base64",
        "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform",
    ] {
        for transforms in [[foreign, EXCLUSIVE], [ENVELOPED, foreign]] {
            let mut template = Template::enveloped("_a");
            template.references = reference("#_a", &transforms, SHA256);
            assert!(matches!(refused(&assertion(&template)), VerifyError::Algorithm { .. }), "{foreign}");
        }
    }
    let inside =
        signed().replace(&format!("{ENVELOPED}\"/>"), &format!("{ENVELOPED}\"><ds:XPath>1</ds:XPath></ds:Transform>"));
    assert!(matches!(refused(&inside), VerifyError::Structure { .. }));
}

#[test]
fn prefix_lists_are_allowed_and_bounded() {
    let with_list = |list: &str| {
        let element = format!(r#"<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" {list}/>"#);
        let mut template = Template::enveloped("_a");
        template.references = template
            .references
            .replace(&format!("{EXCLUSIVE}\"/>"), &format!("{EXCLUSIVE}\">{element}</ds:Transform>"));
        sign(&assertion(&template).replace(" ID=", " xmlns:xs=\"urn:xs\" ID="))
    };
    let verified = verify(&with_list(r#"PrefixList="xs""#)).unwrap();
    assert!(
        std::str::from_utf8(verified.octets()).unwrap().contains("xmlns:xs"),
        "the listed prefix is part of what was signed"
    );
    verify(&with_list(&format!(r#"PrefixList="{}""#, "xs ".repeat(16)))).unwrap();
    let many = format!(r#"PrefixList="{}""#, "xs ".repeat(17));
    for bad in [&*many, r#"PrefixList="1a""#, r#"PrefixList="xs" Other="1""#] {
        assert!(matches!(refused(&with_list(bad)), VerifyError::Structure { .. }), "{bad}");
    }
}

#[test]
fn the_reference_is_to_the_element_itself() {
    let at = "URI=\"#_a\"";
    for uri in [
        "",
        "#",
        "#_b",
        "#xpointer(/)",
        "#xpointer(id('_a'))",
        "_a",
        "http://attacker.example/x",
        "file:///etc/passwd",
        "other.xml",
        "cid:attachment",
        "#_a ",
    ] {
        let error = refused(&signed().replace(at, &format!("URI=\"{uri}\"")));
        assert!(matches!(error, VerifyError::Reference { .. }), "{uri}: {error}");
    }
    assert!(matches!(refused(&signed().replace(at, "")), VerifyError::Reference { .. }), "no URI");
    let foreign = signed().replace(at, "URI=\"#_a\" x:URI=\"#_b\" xmlns:x=\"urn:x\"");
    assert!(matches!(refused(&foreign), VerifyError::Structure { .. }), "an attribute of the same local name");
    let typed = signed().replace(at, "URI=\"#_a\" Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\"");
    assert!(matches!(refused(&typed), VerifyError::Structure { .. }), "a manifest");
}

#[test]
fn there_is_one_reference() {
    let mut template = Template::enveloped("_a");
    template.references = template.references.repeat(2);
    assert!(matches!(refused(&sign(&assertion(&template))), VerifyError::Structure { .. }));
    template.references = String::new();
    assert!(matches!(refused(&assertion(&template)), VerifyError::Structure { .. }));
}

#[test]
fn nothing_else_stands_in_the_signature() {
    let document = signed();
    let (signed_info, _) = cut(&document.replace("<ds:SignedInfo>", "<ds:SignedInfo >"), "ds:SignedInfo");
    let second = document.replace("<ds:SignatureValue>", &format!("{signed_info}<ds:SignatureValue>"));
    assert!(matches!(refused(&second), VerifyError::Repeated { .. }), "a second SignedInfo");
    let value = document.replace("<ds:SignatureValue>", "<ds:SignatureValue></ds:SignatureValue><ds:SignatureValue>");
    assert!(matches!(refused(&value), VerifyError::Repeated { .. }), "a second SignatureValue");
    for inserted in ["<ds:Object></ds:Object>", "<ds:Manifest></ds:Manifest>", "<x></x>", "text"] {
        let bad = document.replace("</ds:Signature>", &format!("{inserted}</ds:Signature>"));
        assert!(matches!(refused(&bad), VerifyError::Structure { .. }), "{inserted}");
        let bad = document.replace("<ds:DigestValue>", &format!("{inserted}<ds:DigestValue>"));
        assert!(matches!(refused(&bad), VerifyError::Structure { .. }), "{inserted}");
        let bad = document.replace("<ds:DigestValue>", &format!("<ds:DigestValue>{inserted}"));
        let error = refused(&bad);
        assert!(
            matches!(error, VerifyError::Structure { .. } | VerifyError::Invalid { .. }),
            "{inserted} in DigestValue"
        );
    }
    let attribute = document.replace("<ds:SignatureValue>", "<ds:SignatureValue Encoding=\"x\">");
    assert!(matches!(refused(&attribute), VerifyError::Structure { .. }));
    let mut template = Template::enveloped("_a");
    template.after = String::from("<ds:Object Id=\"_o\"><x></x></ds:Object>");
    assert!(
        matches!(refused(&sign(&assertion(&template))), VerifyError::Structure { .. }),
        "an Object that was there when signing"
    );
}

#[test]
fn no_element_of_the_signature_has_more_than_it_should() {
    let document = signed();
    let key_info = "</ds:SignatureValue><ds:KeyInfo><ds:KeyName>k</ds:KeyName></ds:KeyInfo>";
    let document = document.replace("</ds:SignatureValue>", key_info);
    verify(&document).unwrap();
    let sha256 = format!("{SHA256}\"/>");
    let list = format!("<ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{}\"/>", "x ".repeat(17));
    for (from, to) in [
        ("<ds:SignedInfo>", "<ds:SignedInfo Id=\"_s\">"),
        ("<ds:SignedInfo>", "<ds:SignedInfo><x></x>"),
        ("</ds:SignedInfo>", "<ds:Object></ds:Object></ds:SignedInfo>"),
        ("<ds:Transforms>", "<ds:Transforms x=\"1\">"),
        ("<ds:Transforms>", "<ds:Transforms>text"),
        ("</ds:Transforms>", "<x></x></ds:Transforms>"),
        (&sha256, &format!("{SHA256}\"><x></x></ds:DigestMethod>")),
        ("<ds:DigestValue>", "<ds:DigestValue x=\"1\">"),
        ("<ds:KeyInfo>", "<ds:KeyInfo x=\"1\">"),
        ("<ds:KeyInfo>", "<ds:KeyInfo>text"),
        (
            "xml-exc-c14n#\"/><ds:SignatureMethod",
            &format!("xml-exc-c14n#\">{list}</ds:CanonicalizationMethod><ds:SignatureMethod"),
        ),
        (
            "xml-exc-c14n#\"/><ds:SignatureMethod",
            "xml-exc-c14n#\"><x></x></ds:CanonicalizationMethod><ds:SignatureMethod",
        ),
        (
            "xml-exc-c14n#\"/><ds:SignatureMethod",
            &format!(
                "xml-exc-c14n#\">{}</ds:CanonicalizationMethod><ds:SignatureMethod",
                list.replace("/>", "><x></x></ec:InclusiveNamespaces>").replace(&"x ".repeat(17), "")
            ),
        ),
    ] {
        let bad = document.replace(from, to);
        assert_ne!(bad, document, "{from}");
        assert!(matches!(refused(&bad), VerifyError::Structure { .. }), "{to}: {}", refused(&bad));
    }
    // A foreign element in place of a transform, with the right algorithm, is no transform.
    let foreign = document.replace("<ds:Transform Algorithm", "<x Algorithm");
    assert!(matches!(refused(&foreign), VerifyError::Structure { .. }));
}

#[test]
fn the_engines_verdict_is_bound_to_the_element_and_to_the_octets() {
    let document = signed();
    let parsed = uppsala::parse(&document).unwrap();
    let tree = Tree(&parsed);
    let root = tree.root().unwrap();
    let node = tree.required_child(root, "http://www.w3.org/2000/09/xmldsig#", "Signature").unwrap();
    let other = tree.required_child(root, SAML2, "Subject").unwrap();
    let signature = profile::read(tree, node, profile::Transforms::Enveloped, &Policy::STRICT).unwrap();
    let ask = |targets: &[_]| profile::ask_engine(tree, &partner_keys(), &[(&signature, targets)]);
    assert_eq!(ask(&[root]), Ok(()));
    assert!(matches!(ask(&[other]), Err(VerifyError::Invalid { .. })), "another element");
    assert!(matches!(ask(&[]), Err(VerifyError::Invalid { .. })), "fewer references");
    let stray = profile::ask_engine(tree, &partner_keys(), &[]);
    assert_eq!(stray, Err(VerifyError::StraySignature { found: 1, expected: 0 }));
    let octets = |element| profile::canonical_octets(tree, element, node, &signature.references[0]);
    assert!(octets(root).is_ok());
    assert!(matches!(octets(other), Err(VerifyError::Invalid { .. })), "other octets");
}

#[test]
fn malformed_values_are_refused() {
    for (from, to) in [("<ds:SignatureValue>", "<ds:SignatureValue>!"), ("<ds:DigestValue>", "<ds:DigestValue>=")] {
        assert!(matches!(refused(&signed().replace(from, to)), VerifyError::Structure { .. }), "{to}");
    }
    let (value, _) = cut(&signed().replace("<ds:SignatureValue>", "<ds:SignatureValue >"), "ds:SignatureValue");
    let value = value.replace("<ds:SignatureValue >", "<ds:SignatureValue>");
    for shorter in [&value[..value.len() - 30], "<ds:SignatureValue>"] {
        let shorter = format!("{shorter}</ds:SignatureValue>").replace("</ds:SignatureValue></ds", "</ds");
        let error = refused(&signed().replace(&value, &shorter));
        assert!(matches!(error, VerifyError::Structure { .. } | VerifyError::Invalid { .. }), "{error}");
    }
}

#[test]
fn comments_sections_and_declarations_are_refused_before_anything_else() {
    let document = signed();
    for (from, to) in [
        ("alice", "al<!-- -->ice"),
        ("alice", "<![CDATA[alice]]>"),
        ("<ds:DigestValue>", "<ds:DigestValue><!-- x -->"),
        ("alice", "<?pi?>alice"),
        ("<saml:Assertion ", "<!DOCTYPE x><saml:Assertion "),
        ("</saml:Assertion>", "</saml:Assertion><x/>"),
        ("</saml:Assertion>", "</saml:Assertion>x"),
    ] {
        assert!(matches!(refused(&document.replace(from, to)), VerifyError::Scan(_)), "{to}");
    }
    let bomb = format!("<!DOCTYPE x [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]>{}", document.replace("alice", "&b;"));
    assert!(matches!(refused(&bomb), VerifyError::Scan(_)));
    let deep = document.replace("alice", &format!("{}{}", "<x>".repeat(40), "</x>".repeat(40)));
    assert!(matches!(refused(&deep), VerifyError::Scan(_)));
}

#[test]
fn identifiers_are_unique_whatever_they_are_called() {
    for attribute in ["ID", "Id", "id", "AssertionID", "RequestID", "ResponseID", "xml:id"] {
        let template = assertion(&Template::enveloped("_a"))
            .replace("<saml:Subject>", &format!("<saml:Subject {attribute}=\"_a\">"));
        let error = refused(&template);
        assert!(matches!(error, VerifyError::DuplicateId { .. }), "{attribute}: {error}");
    }
    let wsu = "<saml:Subject xmlns:u=\"urn:u\" u:Id=\"_a\">";
    let template = assertion(&Template::enveloped("_a")).replace("<saml:Subject>", wsu);
    assert!(matches!(refused(&template), VerifyError::DuplicateId { .. }));
}

#[test]
fn the_element_has_its_own_identifier_in_no_namespace() {
    let foreign = signed().replace(" ID=\"_a\"", " xmlns:x=\"urn:x\" x:ID=\"_a\"");
    assert!(matches!(refused(&foreign), VerifyError::NoId { .. }));
    let digit = signed().replace("_a\"", "1a\"");
    assert!(matches!(refused(&digit), VerifyError::NoId { .. }));
}

#[test]
fn the_signature_stands_directly_in_the_element() {
    let document = signed();
    let (signature, rest) = cut(&document, "ds:Signature");
    assert!(matches!(refused(&rest), VerifyError::Missing { .. }), "no signature at all");
    let inside = rest.replace("<saml:Subject>", &format!("<saml:Subject>{signature}"));
    assert!(matches!(refused(&inside), VerifyError::Missing { .. }));
    let twice = document.replace("<saml:Subject>", &format!("{signature}<saml:Subject>"));
    assert!(matches!(refused(&twice), VerifyError::Repeated { .. }));
    let stray = document.replace("<saml:Subject>", &format!("<saml:Subject>{signature}"));
    assert!(matches!(refused(&stray), VerifyError::StraySignature { found: 2, expected: 1 }));
    let other = document.replace(SAML2, "urn:other");
    assert!(matches!(refused(&other), VerifyError::Missing { .. }), "another root");
}

#[test]
fn white_space_between_the_elements_of_the_signature_means_nothing() {
    let mut template = Template::enveloped("_a");
    template.references =
        template.references.replace("><", ">\n  <").replace("<ds:DigestValue>\n  </ds", "<ds:DigestValue></ds");
    template.method = format!("\n  {}\n  ", template.method);
    verify(&sign(&assertion(&template))).unwrap();
}

#[test]
fn a_key_on_a_strong_curve_is_taken() {
    let pair = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
    VerificationKeys::from_certificates([&certificate.der()[..]]).unwrap();
}

#[test]
fn weak_and_unreadable_keys_are_refused() {
    assert_eq!(VerificationKeys::from_certificates([]).unwrap_err(), KeyError::None);
    assert!(matches!(VerificationKeys::from_certificates([&b"x"[..]]), Err(KeyError::Certificate(_))));
    let longer = [&PARTNER.0[..], b"x"].concat();
    assert!(matches!(VerificationKeys::from_certificates([&longer[..]]), Err(KeyError::Certificate(_))));
    let short = openssl::rsa::Rsa::generate(1024).and_then(openssl::pkey::PKey::from_rsa).unwrap();
    let curve = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::SECP224R1).unwrap();
    let curve = openssl::ec::EcKey::generate(&curve).and_then(openssl::pkey::PKey::from_ec_key).unwrap();
    for weak in [short, curve] {
        let mut builder = openssl::x509::X509::builder().unwrap();
        builder.set_pubkey(&weak).unwrap();
        builder.set_not_before(&openssl::asn1::Asn1Time::days_from_now(0).unwrap()).unwrap();
        builder.set_not_after(&openssl::asn1::Asn1Time::days_from_now(1).unwrap()).unwrap();
        builder.sign(&weak, openssl::hash::MessageDigest::sha256()).unwrap();
        let der = builder.build().to_der().unwrap();
        assert_eq!(VerificationKeys::from_certificates([&der[..]]).unwrap_err(), KeyError::Weak);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn no_single_octet_can_be_changed_unseen(at in 0_usize..2000, octet in proptest::num::u8::ANY) {
        static DOCUMENT: LazyLock<String> = LazyLock::new(signed);
        let mut changed = DOCUMENT.clone().into_bytes();
        let at = at % changed.len();
        changed[at] = octet;
        if let Ok(verified) = verify_enveloped(&changed, ELEMENT, &partner_keys(), &Policy::STRICT) {
            let original = verify(&DOCUMENT).unwrap();
            proptest::prop_assert_eq!(verified.octets(), original.octets());
        }
    }
}
