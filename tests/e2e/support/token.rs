//! A received assertion, judged by `xmlsec1` and signxml and read the way a relying party reads it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::clients::python;
use super::lab::{Lab, run};

/// The text of an assertion.
#[derive(Debug, Clone)]
pub struct Assertion {
    pub xml: String,
}

impl Assertion {
    /// Cuts the assertion out of an answer as text, as MSAL does.
    pub fn cut(answer: &str) -> Self {
        let pattern =
            Regex::new(r"(?s)<[A-Za-z0-9]*:?RequestedSecurityToken[^>]*>(.*)</[A-Za-z0-9]*:?RequestedSecurityToken>")
                .expect("a pattern");
        let captures = pattern.captures(answer).unwrap_or_else(|| panic!("no RequestedSecurityToken in {answer}"));
        Self { xml: captures[1].to_owned() }
    }

    /// Whether `xmlsec1` verifies the signature with a certificate (PEM), and refuses it once a value is changed.
    pub fn verifies(&self, certificate: &Path) -> bool {
        let tampered = self.xml.replacen("Audience>", "Audience>x", 1);
        assert_ne!(tampered, self.xml);
        assert!(!xmlsec1(&tampered, certificate), "xmlsec1 accepts a changed token: {tampered}");
        xmlsec1(&self.xml, certificate)
    }

    /// Values of a claim, by its type URI.
    pub fn claim(&self, claim_type: &str) -> Vec<String> {
        let saml2 =
            format!(r#"(?s)<(?:\w+:)?Attribute Name="{}"[^>]*>(.*?)</(?:\w+:)?Attribute>"#, regex::escape(claim_type));
        let (namespace, name) = claim_type.rsplit_once('/').unwrap_or(("", claim_type));
        let saml11 = format!(
            r#"(?s)<saml:Attribute(?: [^>]*)? AttributeName="{}" AttributeNamespace="{}"[^>]*>(.*?)</saml:Attribute>"#,
            regex::escape(name),
            regex::escape(namespace)
        );
        let values =
            Regex::new(r"(?s)<(?:\w+:)?AttributeValue[^>]*>(.*?)</(?:\w+:)?AttributeValue>").expect("a pattern");
        [saml11, saml2]
            .iter()
            .flat_map(|pattern| {
                Regex::new(pattern)
                    .expect("a pattern")
                    .captures_iter(&self.xml)
                    .map(|captures| captures[1].to_owned())
                    .collect::<Vec<_>>()
            })
            .flat_map(|attribute| {
                values.captures_iter(&attribute).map(|captures| unescape(&captures[1])).collect::<Vec<_>>()
            })
            .collect()
    }

    /// The only value of a claim.
    pub fn single(&self, claim_type: &str) -> String {
        let values = self.claim(claim_type);
        assert_eq!(values.len(), 1, "{claim_type} in {}", self.xml);
        values[0].clone()
    }

    /// Text of the first element with this local name.
    pub fn text(&self, local_name: &str) -> String {
        let pattern = Regex::new(&format!(r"(?s)<(?:\w+:)?{local_name}(?: [^>]*)?>([^<]*)<")).expect("a pattern");
        unescape(&pattern.captures(&self.xml).unwrap_or_else(|| panic!("no {local_name} in {}", self.xml))[1])
    }

    /// An attribute of the first element with this local name.
    pub fn attribute(&self, element: &str, name: &str) -> String {
        let pattern = Regex::new(&format!(r#"<(?:\w+:)?{element} (?:[^>]* )?{name}="([^"]*)""#)).expect("a pattern");
        unescape(&pattern.captures(&self.xml).unwrap_or_else(|| panic!("no {element}/@{name} in {}", self.xml))[1])
    }

    /// A SAML time attribute in seconds since 1970.
    pub fn instant(&self, element: &str, name: &str) -> f64 {
        let text = self.attribute(element, name);
        let parsed = time::OffsetDateTime::parse(&text, &time::format_description::well_known::Rfc3339);
        let nanoseconds = parsed.unwrap_or_else(|error| panic!("{text}: {error}")).unix_timestamp_nanos();
        #[expect(clippy::cast_precision_loss, reason = "milliseconds are enough")]
        let seconds = nanoseconds as f64 / 1e9;
        seconds
    }
}

/// Asks signxml to verify signed documents with the published certificate; returns, for each, what it says of the signature:
/// `signed` (the element that is covered), `signature`, `digest`, `canonicalization`.
pub fn verify_all(documents: &[&str]) -> Vec<Value> {
    let certificate = std::fs::read_to_string(signing_certificate()).expect("readable");
    let answer = python("verify", &json!({ "certificate": certificate, "documents": documents }), None);
    answer.as_array().expect("a list").clone()
}

/// The certificate that the federation metadata publishes for signing, as a PEM file.
pub fn signing_certificate() -> &'static Path {
    static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
        let metadata = run(Command::new("curl")
            .args(["--silent", "--fail"])
            .arg(format!("{}/FederationMetadata/2007-06/FederationMetadata.xml", Lab::get().url)));
        let certificates = published_certificates(&metadata, "fed:SecurityTokenServiceType", "signing");
        let first = certificates.first().expect("a signing certificate in the metadata");
        let lines: Vec<&str> =
            first.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("base64 is ASCII")).collect();
        let file = Lab::get().new_file("signing.pem");
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
        std::fs::write(&file, pem).expect("scratch is writable");
        file
    });
    &FILE
}

/// Certificates (base64) that a metadata document publishes in one role for one use, in order.
pub fn published_certificates(metadata: &str, role: &str, usage: &str) -> Vec<String> {
    let role = Regex::new(&format!(r#"(?s)<RoleDescriptor [^>]*xsi:type="{role}"[^>]*>(.*?)</RoleDescriptor>"#))
        .expect("a pattern")
        .captures(metadata)
        .unwrap_or_else(|| panic!("no role {role} in the metadata"))[1]
        .to_owned();
    Regex::new(&format!(r#"(?s)<KeyDescriptor use="{usage}">.*?<X509Certificate>([^<]+)</X509Certificate>"#))
        .expect("a pattern")
        .captures_iter(&role)
        .map(|captures| captures[1].to_owned())
        .collect()
}

fn xmlsec1(xml: &str, certificate: &Path) -> bool {
    let file = Lab::get().new_file("token.xml");
    std::fs::write(&file, xml).expect("scratch is writable");
    Command::new("xmlsec1")
        .args(["--verify", "--id-attr:AssertionID", "urn:oasis:names:tc:SAML:1.0:assertion:Assertion"])
        .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"])
        .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor"])
        .arg("--pubkey-cert-pem")
        .arg(certificate)
        .arg(&file)
        .output()
        .expect("xmlsec1 runs")
        .status
        .success()
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#xD;", "\r").replace("&amp;", "&")
}
