//! Object GUIDs.
//!
//! Active Directory stores a GUID as 16 octets whose first three fields are little-endian (MS-DTYP 2.3.4.2). Entra matches
//! devices and users by the base64 of exactly those octets; the big-endian form of the same GUID matches nothing.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

/// The `objectGUID` of a directory object.
///
/// Text form: lower case with hyphens. Octets and base64: as the directory holds them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ObjectGuid(Uuid);

impl ObjectGuid {
    /// The GUID in the 16 octets of `objectGUID`, first three fields little-endian.
    pub const fn from_directory_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes_le(bytes))
    }

    /// The 16 octets as `objectGUID` holds them.
    pub const fn to_directory_bytes(self) -> [u8; 16] {
        self.0.to_bytes_le()
    }

    /// Base64 (standard alphabet, padded) of the directory's octets: the value of `onpremobjectguid` and `ImmutableID`.
    pub fn to_base64(self) -> String {
        STANDARD.encode(self.to_directory_bytes())
    }
}

impl fmt::Display for ObjectGuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

impl fmt::Debug for ObjectGuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ObjectGuid {
    type Err = GuidError;

    fn from_str(text: &str) -> Result<Self, GuidError> {
        Uuid::try_parse(text).map(Self).map_err(|_| GuidError)
    }
}

/// The text is no GUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a GUID: expected text like 67ad5895-8624-4cdc-8d19-95d6579caaf2")]
pub struct GuidError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_of_the_little_endian_octets() {
        for (text, base64) in [
            ("12345678-9abc-def0-1122-334455667788", "eFY0Erya8N4RIjNEVWZ3iA=="),
            ("67ad5895-8624-4cdc-8d19-95d6579caaf2", "lVitZySG3EyNGZXWV5yq8g=="),
            ("92aedc88-4c57-4040-b303-2b189fc5d5e4", "iNyukldMQECzAysYn8XV5A=="),
        ] {
            let guid: ObjectGuid = text.parse().unwrap();
            assert_eq!(guid.to_base64(), base64);
            assert_eq!(guid.to_string(), text);
            assert_eq!(ObjectGuid::from_directory_bytes(guid.to_directory_bytes()), guid);
        }
    }
}
