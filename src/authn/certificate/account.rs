//! The account of the directory that a certificate belongs to, and whether it may sign in now.
//!
//! No KDC takes part in a sign-in by certificate, so what a KDC would refuse is refused here: disabled, expired and locked
//! accounts, and logon hours.

use time::OffsetDateTime;

use super::{
    AccountMappings, CertificateIdentity, CertificateMapping, MappingError, MappingPolicy, strong_mapping_filter,
};
use crate::clock::UtcTime;
use crate::directory::{
    Account, AccountKey, AttributeName, AttributeValue, Attributes, Directory, DirectoryError, Sid, SignInState,
};

/// A domain in which accounts of certificates are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateDomain {
    /// NetBIOS or DNS name, as the directory takes it.
    pub name: String,
    /// SID of the domain.
    pub sid: Sid,
    /// UPN suffixes of its accounts, the DNS name among them.
    pub upn_suffixes: Vec<String>,
}

impl CertificateDomain {
    /// Whether the certificate names an account of this domain; one that names none may be any domain's.
    fn is_named_by(&self, identity: &CertificateIdentity) -> bool {
        match (&identity.sid, &identity.upn) {
            (Some(sid), _) => sid.parent() == Some(self.sid),
            (None, Some(upn)) => upn
                .rsplit_once('@')
                .is_some_and(|(_, suffix)| self.upn_suffixes.iter().any(|known| known.eq_ignore_ascii_case(suffix))),
            (None, None) => true,
        }
    }
}

/// Finds the account for a valid certificate and decides whether it may use it.
///
/// Looked for by strong `altSecurityIdentities` value, then by SID, then by UPN, in the domain that the certificate names. The
/// others are asked for a mapping only when that gives no account: a domain that does not answer keeps nobody of another
/// one out. Mappings may be as old as the directory's cache, as attributes everywhere; whether the account may sign in is
/// never from a cache.
///
/// # Errors
/// [`CertificateAccountError`].
pub async fn account_for_certificate(
    directory: &dyn Directory,
    domains: &[CertificateDomain],
    identity: &CertificateIdentity,
    policy: MappingPolicy,
    now: UtcTime,
) -> Result<(Account, CertificateMapping), CertificateAccountError> {
    let (named, others): (Vec<_>, Vec<_>) = domains.iter().partition(|domain| domain.is_named_by(identity));
    let key = match (mapped_account(directory, &named, identity).await?, identity.sid, &identity.upn) {
        (Some(sid), ..) | (None, Some(sid), _) => Ok(AccountKey::Sid(sid)),
        (None, None, Some(upn)) => Ok(AccountKey::Upn(upn.clone())),
        (None, None, None) => Err(MappingError::NoName.into()),
    };
    let refusal = match key {
        Ok(key) => match account_by(directory, &key, identity, policy, now).await {
            Err(error) if error.may_be_elsewhere() => error,
            decided => return decided,
        },
        Err(error) => error,
    };
    match mapped_account(directory, &others, identity).await {
        Ok(Some(sid)) => account_by(directory, &AccountKey::Sid(sid), identity, policy, now).await,
        Ok(None) => Err(refusal),
        // The domain that the certificate names has answered.
        Err(CertificateAccountError::Directory(error)) if error.is_retryable() && !named.is_empty() => Err(refusal),
        Err(error) => Err(error),
    }
}

/// The account of this key, if it may use the certificate now.
async fn account_by(
    directory: &dyn Directory,
    key: &AccountKey,
    identity: &CertificateIdentity,
    policy: MappingPolicy,
    now: UtcTime,
) -> Result<(Account, CertificateMapping), CertificateAccountError> {
    let account = directory.account(key).await?;
    let attributes = directory.attributes(&account.sid, &wanted()).await?;
    let mappings = AccountMappings {
        sid: account.sid,
        upns: account.upn.iter().cloned().chain([account.implicit_upn()]).collect(),
        alt_security_identities: texts(&attributes, ALT_SECURITY_IDENTITIES).map(str::to_owned).collect(),
        created: texts(&attributes, WHEN_CREATED).next().and_then(generalized_time),
    };
    let mapping = policy.decide(identity, &mappings)?;
    check_state(&attributes, now)?;
    // What was read may be minutes old.
    match directory.sign_in_state(&account.sid).await? {
        SignInState::Disabled => Err(CertificateAccountError::Disabled),
        SignInState::Locked => Err(CertificateAccountError::Locked),
        SignInState::AccountExpired => Err(CertificateAccountError::ExpiredSince),
        SignInState::OutsideHours => Err(CertificateAccountError::OutsideHours),
        // A certificate is no password.
        SignInState::PasswordExpired | SignInState::Permitted => Ok((account, mapping)),
    }
}

/// Why no account may sign in with a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateAccountError {
    /// The directory gave no answer, or knows no such account.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The account may not use this certificate.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// Several accounts carry a mapping to this certificate; an administrator has to take away all but one.
    #[error("{0} accounts have this certificate in altSecurityIdentities")]
    SeveralAccounts(usize),
    /// The account is disabled.
    #[error("the account is disabled")]
    Disabled,
    /// The account's own expiry date has passed.
    #[error("the account expired at {0}")]
    Expired(UtcTime),
    /// The same, since its attributes were read.
    #[error("the account has expired")]
    ExpiredSince,
    /// The domain has locked the account.
    #[error("the account is locked in Active Directory")]
    Locked,
    /// Outside the account's logon hours.
    #[error("outside the account's logon hours")]
    OutsideHours,
    /// An attribute that decides about signing in is missing (the service account may not read it) or makes no sense.
    #[error("the account's {0} cannot be read")]
    Unreadable(&'static str),
}

impl CertificateAccountError {
    /// Whether the certificate may be mapped to an account of another domain than the one that it names.
    const fn may_be_elsewhere(&self) -> bool {
        matches!(
            self,
            Self::Mapping(_) | Self::Directory(DirectoryError::NotFound { .. } | DirectoryError::UnknownDomain { .. })
        )
    }
}

/// The SID of the one account of these domains with a strong mapping to this certificate.
async fn mapped_account(
    directory: &dyn Directory,
    domains: &[&CertificateDomain],
    identity: &CertificateIdentity,
) -> Result<Option<Sid>, CertificateAccountError> {
    let Some(filter) = strong_mapping_filter(&identity.strong_mappings) else { return Ok(None) };
    let object_sid = AttributeName::new(OBJECT_SID);
    let mut found = Vec::new();
    for domain in domains {
        for object in directory.search(&domain.name, &filter, std::slice::from_ref(&object_sid)).await? {
            let sid = object.values(&object_sid).first().and_then(sid_value);
            found.push(sid.ok_or(CertificateAccountError::Unreadable(OBJECT_SID))?);
        }
    }
    match found.as_slice() {
        [] => Ok(None),
        [sid] => Ok(Some(*sid)),
        several => Err(CertificateAccountError::SeveralAccounts(several.len())),
    }
}

fn check_state(attributes: &Attributes, now: UtcTime) -> Result<(), CertificateAccountError> {
    let flags =
        number(attributes, USER_ACCOUNT_CONTROL)?.ok_or(CertificateAccountError::Unreadable(USER_ACCOUNT_CONTROL))?;
    if flags & ACCOUNT_DISABLED != 0 {
        return Err(CertificateAccountError::Disabled);
    }
    let computed =
        number(attributes, COMPUTED_CONTROL)?.ok_or(CertificateAccountError::Unreadable(COMPUTED_CONTROL))?;
    if computed & LOCKED_OUT != 0 {
        return Err(CertificateAccountError::Locked);
    }
    // Absent means never, as do 0 and the largest number.
    let expires =
        number(attributes, ACCOUNT_EXPIRES)?.and_then(|n| u64::try_from(n).ok()).and_then(UtcTime::from_filetime);
    if let Some(expires) = expires.filter(|expires| *expires <= now) {
        return Err(CertificateAccountError::Expired(expires));
    }
    let hours = match attributes.values(&AttributeName::new(LOGON_HOURS)).first() {
        None => return Ok(()),
        Some(AttributeValue::Octets(hours)) => hours.as_slice(),
        // Octets that happen to be UTF-8, such as all zeros.
        Some(AttributeValue::Text(hours)) => hours.as_bytes(),
    };
    if hours.is_empty() || is_logon_hour(hours, now.civil())? {
        Ok(())
    } else {
        Err(CertificateAccountError::OutsideHours)
    }
}

/// `logonHours`: a bit for each hour of the week in UTC, from Sunday 00:00, the lowest bit of each octet first.
fn is_logon_hour(hours: &[u8], now: OffsetDateTime) -> Result<bool, CertificateAccountError> {
    const OCTETS: usize = 21;
    if hours.len() != OCTETS {
        return Err(CertificateAccountError::Unreadable(LOGON_HOURS));
    }
    let hour = usize::from(now.weekday().number_days_from_sunday()) * 24 + usize::from(now.hour());
    Ok(hours.get(hour / 8).is_some_and(|octet| octet >> (hour % 8) & 1 == 1))
}

fn wanted() -> Vec<AttributeName> {
    [ALT_SECURITY_IDENTITIES, WHEN_CREATED, USER_ACCOUNT_CONTROL, COMPUTED_CONTROL, ACCOUNT_EXPIRES, LOGON_HOURS]
        .map(AttributeName::new)
        .to_vec()
}

fn texts<'a>(attributes: &'a Attributes, name: &str) -> impl Iterator<Item = &'a str> {
    attributes.values(&AttributeName::new(name)).iter().filter_map(|value| match value {
        AttributeValue::Text(text) => Some(text.as_str()),
        AttributeValue::Octets(_) => None,
    })
}

/// An integer attribute; `None` when the account does not have it.
fn number(attributes: &Attributes, name: &'static str) -> Result<Option<i64>, CertificateAccountError> {
    let text = texts(attributes, name).next();
    text.map(|text| text.parse().map_err(|_| CertificateAccountError::Unreadable(name))).transpose()
}

fn sid_value(value: &AttributeValue) -> Option<Sid> {
    match value {
        AttributeValue::Octets(octets) => Sid::from_bytes(octets).ok(),
        AttributeValue::Text(text) => text.parse().ok(),
    }
}

/// `20260105100000.0Z`
fn generalized_time(text: &str) -> Option<UtcTime> {
    const FORMAT: &[time::format_description::FormatItem<'static>] =
        time::macros::format_description!("[year][month][day][hour][minute][second]");
    let (seconds, fraction) = text.split_once('.')?;
    let time = time::PrimitiveDateTime::parse(seconds, FORMAT).ok()?;
    fraction.ends_with('Z').then(|| UtcTime::from(time.assume_utc()))
}

const ALT_SECURITY_IDENTITIES: &str = "altSecurityIdentities";
const WHEN_CREATED: &str = "whenCreated";
const OBJECT_SID: &str = "objectSid";
const USER_ACCOUNT_CONTROL: &str = "userAccountControl";
/// Computed by the domain controller: the lockout bit of `userAccountControl` itself is never set.
const COMPUTED_CONTROL: &str = "msDS-User-Account-Control-Computed";
const ACCOUNT_EXPIRES: &str = "accountExpires";
const LOGON_HOURS: &str = "logonHours";
const ACCOUNT_DISABLED: i64 = 0x2;
const LOCKED_OUT: i64 = 0x10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::certificate::RevocationState;
    use crate::directory::{AccountKind, ObjectGuid};

    const ALICE: &str = "S-1-5-21-1-2-3-1107";

    /// One account, alice, with these attributes; `mapped` are the SIDs that a search in CORP finds. `down` does not answer.
    struct FakeDirectory {
        attributes: Vec<(&'static str, AttributeValue)>,
        mapped: Vec<&'static str>,
        mapped_in_other: Vec<&'static str>,
        down: Option<&'static str>,
        /// What no cache answers.
        state: SignInState,
    }

    impl FakeDirectory {
        fn reach(&self, domain: &str) -> Result<(), DirectoryError> {
            match self.down {
                Some(down) if down == domain => Err(unavailable(domain)),
                _ => Ok(()),
            }
        }
    }

    fn unavailable(domain: &str) -> DirectoryError {
        DirectoryError::Unavailable { domain: domain.to_owned(), reason: String::new() }
    }

    #[async_trait::async_trait]
    impl Directory for FakeDirectory {
        async fn account(&self, key: &AccountKey) -> Result<Account, DirectoryError> {
            let known = match key {
                AccountKey::Sid(sid) => sid.to_string() == ALICE,
                AccountKey::Upn(upn) => upn.eq_ignore_ascii_case("alice@corp.example"),
                AccountKey::Sam { .. } => false,
            };
            self.reach("CORP")?;
            if !known {
                return Err(DirectoryError::NotFound { key: key.to_string() });
            }
            Ok(Account {
                sid: ALICE.parse().unwrap(),
                kind: AccountKind::User,
                realm: "CORP.EXAMPLE".into(),
                netbios_domain: "CORP".into(),
                sam_account_name: "alice".into(),
                upn: None,
                display_name: String::new(),
                primary_group: "S-1-5-21-1-2-3-513".parse().unwrap(),
                groups: vec![],
            })
        }

        async fn object_guid(&self, sid: &Sid) -> Result<ObjectGuid, DirectoryError> {
            Err(DirectoryError::NotFound { key: sid.to_string() })
        }

        async fn attributes(&self, _: &Sid, names: &[AttributeName]) -> Result<Attributes, DirectoryError> {
            let mut attributes = Attributes::default();
            for (name, value) in &self.attributes {
                let name = AttributeName::new(name);
                if names.contains(&name) {
                    attributes.insert(name, vec![value.clone()]);
                }
            }
            Ok(attributes)
        }

        async fn sign_in_state(&self, _: &Sid) -> Result<SignInState, DirectoryError> {
            Ok(self.state)
        }

        async fn search(
            &self,
            domain: &str,
            _: &str,
            names: &[AttributeName],
        ) -> Result<Vec<Attributes>, DirectoryError> {
            self.reach(domain)?;
            let mapped = if domain == "CORP" { &self.mapped } else { &self.mapped_in_other };
            let found = mapped.iter().map(|sid| {
                let mut object = Attributes::default();
                object.insert(names[0].clone(), vec![AttributeValue::Octets(sid.parse::<Sid>().unwrap().to_bytes())]);
                object
            });
            Ok(found.collect())
        }
    }

    #[test]
    fn each_hour_of_the_week_has_its_bit() {
        // Sunday, 4 January 2026, 00:30.
        let sunday = UtcTime::from_unix_seconds(1_767_486_600);
        for hour in 0..168_u32 {
            let now = sunday.plus(std::time::Duration::from_hours(u64::from(hour)));
            for other in 0..168_usize {
                let mut hours = [0; 21];
                hours[other / 8] = 1 << (other % 8);
                assert_eq!(is_logon_hour(&hours, now.civil()), Ok(other == hour as usize), "{hour} {other}");
            }
        }
        assert!(is_logon_hour(&[0xff; 20], sunday.civil()).is_err());
    }

    fn text(value: &str) -> AttributeValue {
        AttributeValue::Text(value.into())
    }

    fn directory() -> FakeDirectory {
        FakeDirectory {
            attributes: vec![
                ("altSecurityIdentities", text("X509:<SKI>ABCD")),
                ("whenCreated", text("20260101000000.0Z")),
                ("userAccountControl", text("512")),
                ("msDS-User-Account-Control-Computed", text("0")),
                ("accountExpires", text("9223372036854775807")),
            ],
            mapped: vec![],
            mapped_in_other: vec![],
            down: None,
            state: SignInState::Permitted,
        }
    }

    fn identity(sid: Option<&str>, upn: Option<&str>) -> CertificateIdentity {
        CertificateIdentity {
            upn: upn.map(str::to_owned),
            sid: sid.map(|sid| sid.parse().unwrap()),
            strong_mappings: vec!["X509:<SKI>abcd".into()],
            thumbprint: String::new(),
            subject: String::new(),
            issuer: String::new(),
            serial: String::new(),
            not_before: now(),
            not_after: now(),
            revocation: RevocationState::Good,
        }
    }

    /// Monday 2026-01-05, 10 o'clock.
    fn now() -> UtcTime {
        UtcTime::from_unix_seconds(1_767_607_200)
    }

    async fn find(
        directory: &FakeDirectory,
        identity: &CertificateIdentity,
    ) -> Result<CertificateMapping, CertificateAccountError> {
        let domain = |name: &str, sid: &str, suffix: &str| CertificateDomain {
            name: name.into(),
            sid: sid.parse().unwrap(),
            upn_suffixes: vec![suffix.into(), format!("brand.{suffix}")],
        };
        let domains =
            [domain("OTHER", "S-1-5-21-4-5-6", "other.example"), domain("CORP", "S-1-5-21-1-2-3", "corp.example")];
        let policy = MappingPolicy::StrongRequired;
        account_for_certificate(directory, &domains, identity, policy, now()).await.map(|(_, mapping)| mapping)
    }

    #[tokio::test]
    async fn finds_by_mapping_then_sid_then_upn() {
        let mapped = FakeDirectory { mapped: vec![ALICE], ..directory() };
        assert_eq!(find(&mapped, &identity(None, None)).await, Ok(CertificateMapping::Explicit));
        assert_eq!(find(&directory(), &identity(Some(ALICE), None)).await, Ok(CertificateMapping::Explicit));
        let by_upn = identity(None, Some("alice@corp.example"));
        assert_eq!(find(&directory(), &by_upn).await, Ok(CertificateMapping::Explicit));
        let nameless = find(&directory(), &identity(None, None)).await;
        assert_eq!(nameless, Err(MappingError::NoName.into()));
        let stranger = find(&directory(), &identity(Some("S-1-5-21-1-2-3-9"), None)).await;
        assert!(matches!(stranger, Err(CertificateAccountError::Directory(DirectoryError::NotFound { .. }))));
    }

    #[tokio::test]
    async fn a_mapping_to_another_account_does_not_overrule_the_sid() {
        let mapped = FakeDirectory { mapped: vec![ALICE], ..directory() };
        let result = find(&mapped, &identity(Some("S-1-5-21-1-2-3-9"), None)).await;
        assert!(matches!(result, Err(CertificateAccountError::Mapping(MappingError::SidMismatch { .. }))));
    }

    #[tokio::test]
    async fn a_domain_that_is_down_keeps_nobody_of_another_one_out() {
        let other_down = FakeDirectory { down: Some("OTHER"), ..directory() };
        for named in [identity(None, Some("alice@CORP.example")), identity(Some(ALICE), None)] {
            assert_eq!(find(&other_down, &named).await, Ok(CertificateMapping::Explicit));
        }
        let down = |domain: &str| Err(CertificateAccountError::Directory(unavailable(domain)));
        // Its own domain, or one that may be its own, must answer.
        let corp_down = FakeDirectory { down: Some("CORP"), ..directory() };
        for named in [identity(None, Some("alice@corp.example")), identity(Some(ALICE), None)] {
            assert_eq!(find(&corp_down, &named).await, down("CORP"));
        }
        assert_eq!(find(&other_down, &identity(None, None)).await, down("OTHER"));
        assert_eq!(find(&other_down, &identity(None, Some("bob@brand.other.example"))).await, down("OTHER"));
        assert_eq!(find(&other_down, &identity(None, Some("alice@elsewhere.example"))).await, down("OTHER"));
        let nobody = find(&other_down, &identity(None, Some("nobody@corp.example"))).await;
        assert!(
            matches!(nobody, Err(CertificateAccountError::Directory(DirectoryError::NotFound { .. }))),
            "{nobody:?}"
        );
    }

    #[tokio::test]
    async fn a_mapping_counts_in_another_domain_than_the_name_says() {
        let elsewhere = FakeDirectory { mapped_in_other: vec![ALICE], ..directory() };
        for upn in ["nobody@corp.example", "alice@elsewhere.example"] {
            let found = find(&elsewhere, &identity(None, Some(upn))).await;
            assert_eq!(found, Ok(CertificateMapping::Explicit), "{upn}");
        }
        let of_another = find(&elsewhere, &identity(Some("S-1-5-21-1-2-3-9"), None)).await;
        assert!(matches!(of_another, Err(CertificateAccountError::Mapping(MappingError::SidMismatch { .. }))));
    }

    #[tokio::test]
    async fn two_mapped_accounts_are_none() {
        let mapped = FakeDirectory { mapped: vec![ALICE, "S-1-5-21-1-2-3-9"], ..directory() };
        let result = find(&mapped, &identity(Some(ALICE), None)).await;
        assert_eq!(result, Err(CertificateAccountError::SeveralAccounts(2)));
    }

    #[tokio::test]
    async fn what_a_kdc_would_refuse_is_refused() {
        use CertificateAccountError::{Disabled, Expired, Locked, OutsideHours, Unreadable};
        let mut monday_ten = vec![0_u8; 21];
        monday_ten[34 / 8] = 1 << (34 % 8);
        let mut all_but_monday_ten = vec![0xff; 21];
        all_but_monday_ten[34 / 8] = !(1 << (34 % 8));
        let expired = UtcTime::from_unix_seconds(1_700_000_000);
        let filetime = ((1_700_000_000_i64 + 11_644_473_600) * 10_000_000).to_string();
        let octets = |octets: &[u8]| AttributeValue::Octets(octets.to_vec());
        let table: Vec<(&str, AttributeValue, Result<(), CertificateAccountError>)> = vec![
            ("userAccountControl", text("514"), Err(Disabled)),
            ("userAccountControl", text("x"), Err(Unreadable("userAccountControl"))),
            ("msDS-User-Account-Control-Computed", text("16"), Err(Locked)),
            ("msDS-User-Account-Control-Computed", text("8388608"), Ok(())),
            ("accountExpires", text(&filetime), Err(Expired(expired))),
            ("accountExpires", text("0"), Ok(())),
            ("logonHours", octets(&monday_ten), Ok(())),
            ("logonHours", octets(&all_but_monday_ten), Err(OutsideHours)),
            ("logonHours", octets(&[0xff; 20]), Err(Unreadable("logonHours"))),
        ];
        for (name, value, expected) in table {
            let mut directory = directory();
            directory.attributes.retain(|(known, _)| *known != name);
            directory.attributes.push((name, value));
            let result = find(&directory, &identity(Some(ALICE), None)).await.map(|_| ());
            assert_eq!(result, expected, "{name}");
        }
        for missing in ["userAccountControl", "msDS-User-Account-Control-Computed"] {
            let mut directory = directory();
            directory.attributes.retain(|(known, _)| *known != missing);
            assert_eq!(find(&directory, &identity(Some(ALICE), None)).await, Err(Unreadable(missing)));
        }
    }

    #[tokio::test]
    async fn attributes_that_were_read_before_do_not_let_an_account_in() {
        for (state, expected) in [
            (SignInState::Permitted, Ok(())),
            (SignInState::PasswordExpired, Ok(())),
            (SignInState::Disabled, Err(CertificateAccountError::Disabled)),
            (SignInState::Locked, Err(CertificateAccountError::Locked)),
            (SignInState::AccountExpired, Err(CertificateAccountError::ExpiredSince)),
            (SignInState::OutsideHours, Err(CertificateAccountError::OutsideHours)),
        ] {
            let directory = FakeDirectory { state, ..directory() };
            let found = find(&directory, &identity(Some(ALICE), None)).await.map(|_| ());
            assert_eq!(found, expected, "{state:?}");
        }
    }

    #[test]
    fn reads_the_directorys_time() {
        assert_eq!(generalized_time("20260105100000.0Z"), Some(now()));
        for text in ["", "20260105100000Z", "20261305100000.0Z", "20260105100000.0+0100"] {
            assert_eq!(generalized_time(text), None, "{text}");
        }
    }
}
