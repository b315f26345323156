//! Changes of directory objects as LDIF (RFC 2849), for an administrator to read and to write.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::directory::ldap::{ObjectChange, ValueChange};

/// Objects that are added, and values that are added to objects. Of other changes nothing.
pub(super) fn of(change: &ObjectChange) -> String {
    let mut text = line("dn", change.name().as_bytes());
    match change {
        ObjectChange::Add { attributes, .. } => {
            text.push_str("changetype: add\n");
            for (attribute, values) in attributes {
                text.extend(values.iter().map(|value| line(attribute, value)));
            }
        }
        ObjectChange::Modify { parts, .. } => {
            text.push_str("changetype: modify\n");
            for (attribute, change) in parts {
                let ValueChange::Add(values) = change else { continue };
                let _ = writeln!(text, "add: {attribute}");
                text.extend(values.iter().map(|value| line(attribute, value)));
                text.push_str("-\n");
            }
        }
        ObjectChange::Protect { .. } | ObjectChange::Delete { .. } => return String::new(),
    }
    text.push('\n');
    text
}

/// A value as it is where that is allowed, otherwise in base64.
fn line(name: &str, value: &[u8]) -> String {
    let begins_well = value.first().is_none_or(|first| !b" :<".contains(first));
    let plain = value.iter().all(|octet| (0x20..0x7f).contains(octet));
    let text = std::str::from_utf8(value).ok().filter(|text| begins_well && plain && !text.ends_with(' '));
    match text {
        Some(text) => format!("{name}: {text}\n"),
        None => format!("{name}:: {}\n", STANDARD.encode(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_no_plain_text_are_encoded() {
        for (value, expected) in [
            ("CN=Devices,DC=corp", "v: CN=Devices,DC=corp\n"),
            ("CN=Geräte", "v:: Q049R2Vyw6R0ZQ==\n"),
            (" x", "v:: IHg=\n"),
            ("x ", "v:: eCA=\n"),
            (":x", "v:: Ong=\n"),
            ("a\nb", "v:: YQpi\n"),
        ] {
            assert_eq!(line("v", value.as_bytes()), expected);
        }
    }

    #[test]
    fn a_value_is_added_to_an_object() {
        let parts = vec![(String::from("keywords"), ValueChange::Add(vec![b"azureADId:x".to_vec()]))];
        let text = of(&ObjectChange::Modify { name: String::from("CN=x"), parts });
        assert_eq!(text, "dn: CN=x\nchangetype: modify\nadd: keywords\nkeywords: azureADId:x\n-\n\n");
        assert_eq!(of(&ObjectChange::Delete { name: String::from("CN=x") }), "");
    }
}
