//! The claims of a registration token, from the members of the JSON Web Token to typed values (device-registration.md 3.2).
//!
//! The token was verified before. A claim that repeats is an array; the first value counts, and one that cannot be read
//! counts as absent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::devices::DeviceId;
use crate::devices::enrolment::EnrolmentClaims;
use crate::directory::ObjectGuid;

/// Members of a verified token.
#[derive(Debug, Clone, Copy)]
pub struct TokenMembers<'a>(pub &'a Map<String, Value>);

impl<'a> TokenMembers<'a> {
    /// What a registration needs.
    pub fn enrolment(self) -> EnrolmentClaims {
        EnrolmentClaims {
            // The specifications write the name with a suffix, every token without it.
            permitted: PERMISSION
                .iter()
                .any(|name| self.first(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))),
            upn: self.upn().map(str::to_owned),
            sid: self.first("primarysid").or_else(|| self.first(PRIMARY_SID)).and_then(|sid| sid.parse().ok()),
            domain_joined: self.first(ACCOUNT_TYPE).is_some_and(|kind| kind.eq_ignore_ascii_case("DJ")),
            object_guid: self.first(OBJECT_GUID).and_then(object_guid),
            quota: self.first(QUOTA).and_then(|quota| quota.trim().parse().ok()),
        }
    }

    /// The UPN, or the implicit one.
    pub fn upn(self) -> Option<&'a str> {
        ["upn", UPN, "implicitupn", IMPLICIT_UPN]
            .into_iter()
            .find_map(|name| self.first(name).filter(|upn| !upn.is_empty()))
    }

    /// The SID of the account.
    pub fn sid(self) -> Option<crate::directory::Sid> {
        self.enrolment().sid
    }

    /// The registered device that the token was issued to.
    pub fn device(self) -> Option<DeviceId> {
        let device = self.first("deviceid").or_else(|| self.first(DEVICE_ID))?;
        uuid::Uuid::try_parse(device).ok().map(DeviceId)
    }

    /// Whether a second factor was used.
    pub fn has_second_factor(self) -> bool {
        self.all("amr").chain(self.all(METHODS)).any(|method| SECOND_FACTOR.contains(&method))
    }

    fn first(self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    fn all(self, name: &str) -> impl Iterator<Item = &'a str> {
        let (one, many) = match self.0.get(name) {
            Some(Value::Array(values)) => (None, values.as_slice()),
            Some(value) => (value.as_str(), &[][..]),
            None => (None, &[][..]),
        };
        one.into_iter().chain(many.iter().filter_map(Value::as_str))
    }
}

/// Base64 of the 16 octets as the directory holds them.
fn object_guid(text: &str) -> Option<ObjectGuid> {
    let octets = STANDARD.decode(text.trim()).ok()?;
    Some(ObjectGuid::from_directory_bytes(octets.try_into().ok()?))
}

const PERMISSION: [&str; 2] = [
    "http://schemas.microsoft.com/authorization/claims/PermitDeviceRegistration",
    "http://schemas.microsoft.com/authorization/claims/PermitDeviceRegistrationClaim",
];
const UPN: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";
const IMPLICIT_UPN: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/implicitupn";
const PRIMARY_SID: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarysid";
const ACCOUNT_TYPE: &str = "http://schemas.microsoft.com/ws/2012/01/accounttype";
const OBJECT_GUID: &str = "http://schemas.microsoft.com/identity/claims/onpremobjectguid";
const QUOTA: &str = "http://schemas.microsoft.com/authorization/claims/deviceregistrationquota";
const DEVICE_ID: &str = "http://schemas.microsoft.com/2012/01/devicecontext/claims/identifier";
const METHODS: &str = "http://schemas.microsoft.com/claims/authnmethodsreferences";
/// What counts as one for key provisioning (MS-KPP).
const SECOND_FACTOR: [&str; 3] = ["ngcmfa", "mfa", "http://schemas.microsoft.com/claims/multipleauthn"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn members(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    #[test]
    fn a_computer_s_token() {
        let members = members(json!({
            "http://schemas.microsoft.com/authorization/claims/PermitDeviceRegistration": "true",
            "upn": "ws01$@corp.example",
            "primarysid": "S-1-5-21-1-2-3-1104",
            "http://schemas.microsoft.com/ws/2012/01/accounttype": "DJ",
            "http://schemas.microsoft.com/identity/claims/onpremobjectguid": "PC0eD1pLeGmHlqW0w9Lh8A==",
            "http://schemas.microsoft.com/authorization/claims/deviceregistrationquota": "2147483647",
        }));
        let claims = TokenMembers(&members).enrolment();
        assert_eq!(
            claims,
            EnrolmentClaims {
                permitted: true,
                upn: Some("ws01$@corp.example".into()),
                sid: Some("S-1-5-21-1-2-3-1104".parse().unwrap()),
                domain_joined: true,
                object_guid: Some("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0".parse().unwrap()),
                quota: Some(2_147_483_647),
            }
        );
    }

    #[test]
    fn other_spellings_and_repeated_claims() {
        let members = members(json!({
            "http://schemas.microsoft.com/authorization/claims/PermitDeviceRegistrationClaim": ["TRUE", "false"],
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/implicitupn": "alice@corp.example",
            "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarysid": ["S-1-5-21-1-2-3-9", "S-1-5-18"],
            "http://schemas.microsoft.com/identity/claims/onpremobjectguid": "PC0eD1pLeGmHlqW0w9Lh",
            "deviceid": "0F1E2D3C-4b5a-6978-8796-a5b4c3d2e1f0",
            "amr": ["urn:oasis:names:tc:SAML:1.0:am:password", "http://schemas.microsoft.com/claims/multipleauthn"],
        }));
        let members = TokenMembers(&members);
        let claims = members.enrolment();
        assert!(claims.permitted && !claims.domain_joined);
        assert_eq!(claims.upn.as_deref(), Some("alice@corp.example"));
        assert_eq!(claims.sid, Some("S-1-5-21-1-2-3-9".parse().unwrap()));
        assert_eq!(claims.object_guid, None);
        assert_eq!(members.device().unwrap().to_string(), "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");
        assert!(members.has_second_factor());
    }

    #[test]
    fn what_is_not_there_or_not_true() {
        for value in [json!({}), json!({"upn": "", "primarysid": "x", "amr": "pwd", "deviceid": 7})] {
            let members = members(value);
            let members = TokenMembers(&members);
            assert_eq!(members.enrolment(), EnrolmentClaims::default());
            assert!(members.device().is_none() && !members.has_second_factor());
        }
        for value in [json!("false"), json!(true), json!("1"), json!([]), json!(null)] {
            let members = members(json!({ PERMISSION[0]: value }));
            assert!(!TokenMembers(&members).enrolment().permitted);
        }
    }
}
