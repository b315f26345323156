//! A received assertion, judged by `xmlsec1` and read the way a relying party reads it.

use std::path::Path;
use std::process::Command;

use regex::Regex;

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
        let xml =
            pattern.captures(answer).unwrap_or_else(|| panic!("no RequestedSecurityToken in {answer}"))[1].to_owned();
        Self { xml }
    }

    /// Whether `xmlsec1` verifies the signature with the certificate that the federation metadata publishes.
    pub fn verifies(&self, signing_certificate_pem: &Path) -> bool {
        let name: String = std::iter::repeat_with(fastrand::alphanumeric).take(12).collect();
        let file = Lab::get().scratch(&format!("{name}.xml"));
        std::fs::write(&file, &self.xml).expect("scratch is writable");
        Command::new("xmlsec1")
            .args(["--verify", "--enabled-key-data", "key-name,x509"])
            .args(["--id-attr:AssertionID", "urn:oasis:names:tc:SAML:1.0:assertion:Assertion"])
            .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"])
            .arg("--pubkey-cert-pem")
            .arg(signing_certificate_pem)
            .arg(&file)
            .output()
            .expect("xmlsec1 runs")
            .status
            .success()
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

    /// An attribute of the assertion element.
    pub fn attribute(&self, name: &str) -> String {
        let tag = self.xml.split_once('>').expect("a tag").0;
        let pattern = Regex::new(&format!(r#" {name}="([^"]*)""#)).expect("a pattern");
        unescape(&pattern.captures(tag).unwrap_or_else(|| panic!("no {name} in {tag}"))[1])
    }
}

/// The certificate that the federation metadata publishes for signing, as a PEM file.
pub fn published_signing_certificate() -> std::path::PathBuf {
    let lab = Lab::get();
    let metadata = run(Command::new("curl").args([
        "--silent",
        "--fail",
        &format!("{}/FederationMetadata/2007-06/FederationMetadata.xml", lab.url),
    ]));
    let pattern =
        Regex::new(r#"(?s)SecurityTokenServiceType".*?<KeyDescriptor use="signing">.*?<X509Certificate>([^<]+)<"#)
            .expect("a pattern");
    let base64 = pattern.captures(&metadata).expect("a signing certificate in the metadata")[1].to_owned();
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("base64 is ASCII")).collect();
    let name: String = std::iter::repeat_with(fastrand::alphanumeric).take(12).collect();
    let file = lab.scratch(&format!("{name}.pem"));
    std::fs::write(&file, format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n")))
        .expect("scratch is writable");
    file
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#xD;", "\r").replace("&amp;", "&")
}
