//! Values of Active Directory attributes: flags, times, binary syntaxes, distinguished names.
//!
//! Pure functions over one value or one object's attributes; knows nothing of where they came from.

use super::{AccountKind, AttributeName, AttributeValue, Attributes, ObjectGuid, Sid};
use crate::clock::UtcTime;

/// Whether the values of this attribute are octets even when they happen to be UTF-8.
///
/// The attributes of Active Directory with octet, SID, security descriptor or certificate syntax that claim rules and
/// the device registry name. Any other attribute counts as octets only when a value is no UTF-8.
pub fn is_binary(name: &AttributeName) -> bool {
    BINARY.binary_search(&base_name(name.as_str())).is_ok()
}

/// What the flags of `userAccountControl` (MS-ADTS 2.2.16, not the SAM flags of a PAC) say an account is.
///
/// `None` for accounts that never sign in (interdomain trusts, temporary duplicates).
pub const fn account_kind(user_account_control: u32) -> Option<AccountKind> {
    if user_account_control & (uac::SERVER_TRUST | uac::PARTIAL_SECRETS) != 0 {
        // A read-only domain controller is a workstation trust with partial secrets.
        Some(AccountKind::DomainController)
    } else if user_account_control & uac::WORKSTATION_TRUST != 0 {
        Some(AccountKind::Computer)
    } else if user_account_control & uac::NORMAL_ACCOUNT != 0 {
        Some(AccountKind::User)
    } else {
        None
    }
}

/// Flags of `userAccountControl` and `msDS-User-Account-Control-Computed`.
pub mod uac {
    /// The account is disabled.
    pub const ACCOUNT_DISABLED: u32 = 0x2;
    /// The account is locked out (computed attribute only).
    pub const LOCKOUT: u32 = 0x10;
    /// A user.
    pub const NORMAL_ACCOUNT: u32 = 0x200;
    /// A workstation, member server or managed service account.
    pub const WORKSTATION_TRUST: u32 = 0x1000;
    /// A writable domain controller.
    pub const SERVER_TRUST: u32 = 0x2000;
    /// The password has expired (computed attribute only).
    pub const PASSWORD_EXPIRED: u32 = 0x80_0000;
    /// With `WORKSTATION_TRUST`: a read-only domain controller.
    pub const PARTIAL_SECRETS: u32 = 0x0400_0000;
}

/// A FILETIME attribute such as `accountExpires`: decimal text, 100 ns units since 1601. Outer `None`: no number;
/// inner `None`: never.
pub fn filetime(text: &str) -> Option<Option<UtcTime>> {
    let value: i64 = text.parse().ok()?;
    Some(u64::try_from(value).ok().and_then(UtcTime::from_filetime))
}

/// A generalised time such as `whenCreated`: `20260102030405.0Z`, always UTC. `None` for anything else.
pub fn generalized_time(text: &str) -> Option<UtcTime> {
    let form = time::macros::format_description!("[year][month][day][hour][minute][second]");
    let seconds = text.strip_suffix('Z')?.split('.').next()?;
    time::PrimitiveDateTime::parse(seconds, form).ok().map(|civil| UtcTime::from(civil.assume_utc()))
}

/// Whether `logonHours` permits the hour of `at`: 21 octets, one bit per hour of the week in UTC, Sunday 0:00 first, lowest bit
/// first (MS-SAMR 2.2.6.5). A value of another length permits nothing.
pub fn logon_hours_permit(hours: &[u8], at: UtcTime) -> bool {
    if hours.len() != 21 {
        return false;
    }
    let civil = at.civil();
    let bit = usize::from(civil.weekday().number_days_from_sunday()) * 24 + usize::from(civil.hour());
    hours.get(bit / 8).is_some_and(|octet| octet >> (bit % 8) & 1 == 1)
}

/// The distinguished name of a domain by its DNS name: `corp.example` → `DC=corp,DC=example`.
///
/// `None` when a label is empty or holds anything but letters, digits, hyphen and underscore.
pub fn base_dn(dns_name: &str) -> Option<String> {
    let labels: Vec<_> = dns_name.strip_suffix('.').unwrap_or(dns_name).split('.').collect();
    let legal =
        |label: &&str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    labels.iter().all(legal).then(|| labels.iter().map(|label| format!("DC={label}")).collect::<Vec<_>>().join(","))
}

impl Attributes {
    /// The first value as text. `None` when there is none or it is no text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.values(&AttributeName::new(name)).first()? {
            AttributeValue::Text(text) => Some(text),
            AttributeValue::Octets(_) => None,
        }
    }

    /// The first value as a decimal number. `None` when there is none or it is no number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// The first value as flags: Active Directory writes 32 bits as a signed number. `None` as for [`number`](Self::number).
    pub fn flags(&self, name: &str) -> Option<u32> {
        i32::try_from(self.number(name)?).ok().map(i32::cast_unsigned)
    }

    /// The octets of each value, text as UTF-8.
    pub fn octets(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.values(&AttributeName::new(name)).iter().map(AttributeValue::as_octets)
    }

    /// `objectSid`. `None` when absent or malformed.
    pub fn object_sid(&self) -> Option<Sid> {
        Sid::from_bytes(self.octets("objectSid").next()?).ok()
    }

    /// `objectGUID`. `None` when absent or malformed.
    pub fn object_guid(&self) -> Option<ObjectGuid> {
        let octets = self.octets("objectGUID").next()?.try_into().ok()?;
        Some(ObjectGuid::from_directory_bytes(octets))
    }

    /// Whether the object is of this class, directly or by inheritance (`objectClass` names all).
    pub fn is_of_class(&self, class: &str) -> bool {
        self.octets("objectClass").any(|value| value.eq_ignore_ascii_case(class.as_bytes()))
    }
}

impl AttributeValue {
    /// The octets of the value, text as UTF-8.
    pub const fn as_octets(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Octets(octets) => octets.as_slice(),
        }
    }

    /// The value that these octets of the attribute `name` are.
    pub fn from_octets(name: &AttributeName, octets: Vec<u8>) -> Self {
        if is_binary(name) {
            return Self::Octets(octets);
        }
        String::from_utf8(octets).map_or_else(|error| Self::Octets(error.into_bytes()), Self::Text)
    }
}

/// An attribute description without its options: `member;range=0-1499` → `member`.
pub fn base_name(description: &str) -> &str {
    description.split(';').next().unwrap_or(description)
}

/// Sorted, lower case.
const BINARY: &[&str] = &[
    "attributesecurityguid",
    "authorityrevocationlist",
    "cacertificate",
    "certificaterevocationlist",
    "crosscertificatepair",
    "invocationid",
    "jpegphoto",
    "logonhours",
    "ms-ds-consistencyguid",
    "msds-allowedtoactonbehalfofotheridentity",
    "msds-cloudanchor",
    "msds-cloudissuerpubliccertificates",
    "msds-computersid",
    "msds-deviceid",
    "msds-generationid",
    "msds-groupmsamembership",
    "msds-issuercertificates",
    "msds-issuerpubliccertificates",
    "msds-managedpassword",
    "msds-managedpasswordid",
    "msds-managedpasswordpreviousid",
    "msds-registeredowner",
    "msds-registeredusers",
    "msds-trustforesttrustinfo",
    "ntsecuritydescriptor",
    "objectguid",
    "objectsid",
    "photo",
    "replpropertymetadata",
    "repluptodatevector",
    "schemaidguid",
    "securityidentifier",
    "sidhistory",
    "thumbnaillogo",
    "thumbnailphoto",
    "tokengroups",
    "tokengroupsglobalanduniversal",
    "tokengroupsnogcacceptable",
    "unicodepwd",
    "usercert",
    "usercertificate",
    "userpassword",
    "userpkcs12",
    "usersmimecertificate",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_attributes_are_known_by_name_whatever_their_value() {
        assert!(BINARY.is_sorted());
        for name in ["objectGUID", "objectSid", "mS-DS-ConsistencyGuid", "msDS-DeviceID", "userCertificate;binary"] {
            let name = AttributeName::new(name);
            assert_eq!(
                AttributeValue::from_octets(&name, b"ascii".to_vec()),
                AttributeValue::Octets(b"ascii".to_vec())
            );
        }
        for name in ["mail", "altSecurityIdentities", "objectClass"] {
            let name = AttributeName::new(name);
            assert_eq!(AttributeValue::from_octets(&name, b"x".to_vec()), AttributeValue::Text("x".into()));
            assert_eq!(AttributeValue::from_octets(&name, vec![0xff]), AttributeValue::Octets(vec![0xff]));
        }
    }

    #[test]
    fn account_control_flags_decide_the_kind() {
        for (flags, kind) in [
            (0x200, Some(AccountKind::User)),
            (0x1_0222, Some(AccountKind::User)),
            (0x1000, Some(AccountKind::Computer)),
            (0x8_2000, Some(AccountKind::DomainController)),
            (0x0500_1000, Some(AccountKind::DomainController)),
            (0x820, None),
            (0, None),
        ] {
            assert_eq!(account_kind(flags), kind, "{flags:#x}");
        }
    }

    #[test]
    fn numbers_and_flags() {
        let mut attributes = Attributes::default();
        attributes.insert(AttributeName::new("groupType"), vec![AttributeValue::Text("-2147483646".into())]);
        assert_eq!(attributes.flags("GROUPTYPE"), Some(0x8000_0002));
        assert_eq!(attributes.flags("absent"), None);
        assert_eq!(filetime("9223372036854775807"), Some(None));
        assert_eq!(filetime("0"), Some(None));
        assert_eq!(filetime("-1"), Some(None));
        assert_eq!(filetime("116444736000000000"), Some(Some(UtcTime::from_unix_seconds(0))));
        assert_eq!(filetime("soon"), None);
    }

    #[test]
    fn generalized_times_are_in_utc() {
        let expected = UtcTime::from_xml("2026-01-02T03:04:05Z").unwrap();
        assert_eq!(generalized_time("20260102030405.0Z"), Some(expected));
        for text in ["", "Z", "20260102030405.0+0100", "20261302030405.0Z", "2026-01-02T03:04:05Z"] {
            assert_eq!(generalized_time(text), None, "{text}");
        }
    }

    #[test]
    fn logon_hours_are_bits_of_the_utc_week() {
        // Thursday 1970-01-01 00:00: bit 96 = octet 12, lowest bit.
        let mut hours = [0_u8; 21];
        hours[12] = 1;
        assert!(logon_hours_permit(&hours, UtcTime::from_unix_seconds(3599)));
        assert!(!logon_hours_permit(&hours, UtcTime::from_unix_seconds(3600)));
        assert!(!logon_hours_permit(&[0xff; 20], UtcTime::from_unix_seconds(0)));
        assert!(logon_hours_permit(&[0xff; 21], UtcTime::from_unix_seconds(0)));
    }

    #[test]
    fn base_dn_takes_dns_names_only() {
        assert_eq!(base_dn("corp.example").as_deref(), Some("DC=corp,DC=example"));
        assert_eq!(base_dn("corp.example.").as_deref(), Some("DC=corp,DC=example"));
        for name in ["", ".", "corp..example", "corp,DC=evil", "c o", "ü.example"] {
            assert_eq!(base_dn(name), None, "{name}");
        }
    }

    #[test]
    fn identifiers_of_the_wrong_length_are_none() {
        let mut attributes = Attributes::default();
        attributes.insert(AttributeName::new("objectGUID"), vec![AttributeValue::Octets(vec![1; 15])]);
        attributes.insert(AttributeName::new("objectSid"), vec![AttributeValue::Octets(vec![1; 15])]);
        assert_eq!((attributes.object_guid(), attributes.object_sid()), (None, None));
    }
}
