//! The strong forms of `altSecurityIdentities`: values that only one certificate, or one key, can match.
//!
//! `X509:<I>issuer<SR>serial`, `X509:<SKI>identifier` and `X509:<SHA1-PUKEY>hash`, as KB5014754 and MS-PKCA name them. The
//! weak forms (`<I><S>`, `<S>`, `<RFC822>`) name what an authority writes at the subject's wish, and are not made here.

use aws_lc_rs::digest;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// Every strong value that this certificate matches.
///
/// For `<SHA1-PUKEY>` two hashes are in use: of the public key, as the documentation says, and of the whole
/// certificate (its thumbprint), as common tools write it. Both tie the account to this key, so both are given.
pub(super) fn strong_mappings(certificate: &X509Certificate<'_>, der: &[u8]) -> Vec<String> {
    let mut mappings = Vec::new();
    if let Some(issuer) = active_directory_name(certificate.issuer()) {
        let reversed: Vec<u8> = certificate.raw_serial().iter().rev().copied().collect();
        mappings.push(format!("X509:<I>{issuer}<SR>{}", hex::encode(&reversed)));
        // A leading zero only keeps the number positive; tools differ in writing it.
        if let Some(without_zero) = reversed.strip_suffix(&[0])
            && !without_zero.is_empty()
        {
            mappings.push(format!("X509:<I>{issuer}<SR>{}", hex::encode(without_zero)));
        }
    }
    let key_identifiers = certificate.extensions().iter().filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(identifier) => Some(identifier.0),
        _ => None,
    });
    mappings.extend(key_identifiers.map(|identifier| format!("X509:<SKI>{}", hex::encode(identifier))));
    for octets in [certificate.public_key().subject_public_key.data.as_ref(), der] {
        mappings.push(format!("X509:<SHA1-PUKEY>{}", hex::encode(sha1(octets))));
    }
    mappings
}

/// Whether one of an account's `altSecurityIdentities` is one of a certificate's strong mappings. Compared as the directory
/// compares: without regard to case; blanks beside a comma do not count.
pub fn matches_strong_mapping(alt_security_identities: &[String], strong_mappings: &[String]) -> bool {
    let strong: Vec<String> = strong_mappings.iter().map(|mapping| comparable(mapping)).collect();
    alt_security_identities.iter().any(|value| strong.contains(&comparable(value)))
}

/// An RFC 4515 filter that finds the accounts mapped to a certificate with these strong mappings; `None` without any.
/// More than one account found is an error of the directory's administrator, and nobody may sign in.
pub fn strong_mapping_filter(strong_mappings: &[String]) -> Option<String> {
    let mut terms = String::new();
    for mapping in strong_mappings {
        terms.push_str("(altSecurityIdentities=");
        push_escaped(&mut terms, mapping);
        terms.push(')');
    }
    if terms.is_empty() { None } else { Some(format!("(|{terms})")) }
}

/// A distinguished name as Active Directory writes it in `altSecurityIdentities`: in the order of its encoding (`DC=example`
/// before `CN=…`), components parted by a comma, values quoted where they need it.
fn active_directory_name(name: &X509Name<'_>) -> Option<String> {
    let components = name.iter().map(|rdn| {
        let parts = rdn.iter().map(component).collect::<Option<Vec<String>>>()?;
        Some(parts.join(" + "))
    });
    Some(components.collect::<Option<Vec<String>>>()?.join(","))
}

/// A distinguished name as Windows shows it: the most specific part first, `CN=alice, DC=corp, DC=example`. Values that are
/// no text are left out.
pub(super) fn display_name(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> = name
        .iter()
        .map(|rdn| rdn.iter().filter_map(component).collect::<Vec<String>>().join(" + "))
        .filter(|part| !part.is_empty())
        .collect();
    parts.reverse();
    parts.join(", ")
}

fn component(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    let oid = attribute.attr_type().to_id_string();
    let label = match oid.as_str() {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "SERIALNUMBER",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "S",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "T",
        "2.5.4.42" => "G",
        "2.5.4.43" => "I",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "E",
        other => return Some(format!("OID.{other}={}", quoted(&text(attribute)?))),
    };
    Some(format!("{label}={}", quoted(&text(attribute)?)))
}

/// The value of any string type; `None` for what is no text.
fn text(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    const UTF8: u32 = 12;
    const PRINTABLE: u32 = 19;
    const TELETEX: u32 = 20;
    const IA5: u32 = 22;
    const BMP: u32 = 30;
    let value = attribute.attr_value();
    match value.tag().0 {
        UTF8 | PRINTABLE | IA5 => String::from_utf8(value.data.to_vec()).ok(),
        TELETEX => Some(value.data.iter().copied().map(char::from).collect()),
        BMP => {
            let (pairs, odd) = value.data.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            if odd.is_empty() { String::from_utf16(&units).ok() } else { None }
        }
        _ => None,
    }
}

/// A value that could be read as more than one component is put in quotes, as Windows does.
fn quoted(value: &str) -> String {
    let special = value.is_empty()
        || value.starts_with([' ', '#'])
        || value.ends_with(' ')
        || value.contains([',', '+', '=', '"', '\n', '<', '>', ';']);
    if special { format!("\"{}\"", value.replace('"', "\"\"")) } else { value.to_owned() }
}

fn comparable(mapping: &str) -> String {
    let parts: Vec<String> = mapping.split(',').map(|part| part.trim().to_lowercase()).collect();
    parts.join(",")
}

/// RFC 4515 section 3.
fn push_escaped(filter: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '*' => filter.push_str("\\2a"),
            '(' => filter.push_str("\\28"),
            ')' => filter.push_str("\\29"),
            '\\' => filter.push_str("\\5c"),
            '\0' => filter.push_str("\\00"),
            other => filter.push(other),
        }
    }
}

pub(super) fn sha1(octets: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, octets).as_ref().to_vec()
}
