//! What a domain controller's refusal means for a registry: the one place where LDAP result codes are read.

use crate::devices::RegistryError;
use crate::directory::DirectoryError;
use crate::directory::ldap::ObjectError;

/// The registry's word for a failure. An object that is missing is not told apart here: what that means, callers know.
pub(super) fn failed(error: &ObjectError) -> RegistryError {
    match error {
        ObjectError::NotFound { name } => RegistryError::NotFound { what: name.clone() },
        ObjectError::Unavailable { .. } => RegistryError::Unavailable { reason: error.to_string() },
        ObjectError::Directory(error) => error.clone().into(),
        ObjectError::Refused { code, .. } => {
            let advice = match *code {
                INSUFFICIENT_ACCESS_RIGHTS => {
                    "the service account lacks the right; `chancery drs check` names those it needs"
                }
                ADMIN_LIMIT_EXCEEDED | UNWILLING_TO_PERFORM => {
                    "the service account may have reached its quota of objects in the directory"
                }
                NO_SUCH_ATTRIBUTE
                | UNDEFINED_ATTRIBUTE_TYPE
                | INVALID_ATTRIBUTE_SYNTAX
                | NAMING_VIOLATION
                | OBJECT_CLASS_VIOLATION => "the directory's schema does not allow it; `chancery drs check` compares",
                TIME_LIMIT_EXCEEDED => return RegistryError::Unavailable { reason: error.to_string() },
                _ => return RegistryError::Refused { reason: error.to_string() },
            };
            RegistryError::Refused { reason: format!("{error}; {advice}") }
        }
        ObjectError::Damaged { name, reason } => RegistryError::Damaged { what: name.clone(), reason: reason.clone() },
        ObjectError::Exists { .. } | ObjectError::TooMany { .. } => {
            RegistryError::Refused { reason: error.to_string() }
        }
    }
}

/// Whether somebody else changed the object in between: a value that was to go is gone, or there is one already.
pub(super) const fn was_overtaken(error: &ObjectError) -> bool {
    matches!(
        error,
        ObjectError::Refused { code: NO_SUCH_ATTRIBUTE | CONSTRAINT_VIOLATION | ATTRIBUTE_OR_VALUE_EXISTS, .. }
    )
}

impl From<DirectoryError> for RegistryError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::NotFound { key } => Self::NotFound { what: key },
            DirectoryError::Unavailable { .. } => Self::Unavailable { reason: error.to_string() },
            DirectoryError::UnknownDomain { .. } | DirectoryError::Refused { .. } => {
                Self::Refused { reason: error.to_string() }
            }
            DirectoryError::Malformed { ref key, .. } => Self::Damaged { what: key.clone(), reason: error.to_string() },
        }
    }
}

const TIME_LIMIT_EXCEEDED: u32 = 3;
const ADMIN_LIMIT_EXCEEDED: u32 = 11;
const NO_SUCH_ATTRIBUTE: u32 = 16;
const UNDEFINED_ATTRIBUTE_TYPE: u32 = 17;
const CONSTRAINT_VIOLATION: u32 = 19;
const ATTRIBUTE_OR_VALUE_EXISTS: u32 = 20;
const INVALID_ATTRIBUTE_SYNTAX: u32 = 21;
const INSUFFICIENT_ACCESS_RIGHTS: u32 = 50;
const UNWILLING_TO_PERFORM: u32 = 53;
const NAMING_VIOLATION: u32 = 64;
const OBJECT_CLASS_VIOLATION: u32 = 65;

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: u32) -> RegistryError {
        let (server, name, text) = (String::from("dc1"), String::from("CN=x"), String::from("no"));
        failed(&ObjectError::Refused { server, name, code, text })
    }

    #[test]
    fn result_codes_say_what_to_do() {
        for (code, word) in [
            (50, "right"),
            (53, "quota"),
            (11, "quota"),
            (16, "schema"),
            (17, "schema"),
            (65, "schema"),
            (64, "schema"),
            (21, "schema"),
        ] {
            assert!(matches!(refused(code), RegistryError::Refused { reason } if reason.contains(word)), "{code}");
        }
        assert!(matches!(refused(3), RegistryError::Unavailable { .. }));
        // A value that is not allowed, one that is there already, and anything else say what they are by themselves.
        for code in [19, 20, 80] {
            assert!(matches!(refused(code), RegistryError::Refused { reason } if !reason.contains(';')), "{code}");
        }
        assert!(matches!(failed(&ObjectError::NotFound { name: "CN=x".into() }), RegistryError::NotFound { .. }));
        let silent = ObjectError::Unavailable { domain: "corp.example".into(), reason: "lost".into() };
        assert!(matches!(failed(&silent), RegistryError::Unavailable { .. }));
    }
}
