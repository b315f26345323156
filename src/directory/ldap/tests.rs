//! What needs no domain controller: set-up, names, accounts out of attributes. The rest is tested against real ones, through the server.

use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::clock::{SystemClock, UtcTime};
use crate::directory::{AccountKind, AttributeValue};

const DOMAIN_SID: &str = "S-1-5-21-1004336348-1177238915-682003330";

fn sid(text: &str) -> Sid {
    text.parse().unwrap()
}

thread_local! {
    /// A certificate authority file that lives as long as the test's thread.
    static CA: (tempfile::TempDir, PathBuf) = {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ca.pem");
        std::fs::write(&file, rcgen::generate_simple_self_signed(vec!["ca".into()]).unwrap().cert.pem()).unwrap();
        (directory, file)
    };
}

fn domain_options() -> DomainOptions {
    DomainOptions {
        dns_name: "corp.example".into(),
        netbios: "CORP".into(),
        sid: sid(DOMAIN_SID),
        base_dn: None,
        upn_suffixes: vec!["brand.example".into()],
        servers: vec!["127.0.0.1:1".parse().unwrap()],
        transport: Transport::Ldaps,
        ca_files: vec![CA.with(|(_, file)| file.clone())],
        bind: Bind::Simple { name: "svc@corp.example".into(), password: Secret::new("x".into()) },
    }
}

fn directory(domains: Vec<DomainOptions>) -> Result<LdapDirectory, LdapSetupError> {
    LdapDirectory::new(LdapOptions { domains, limits: LdapLimits::default() }, Arc::new(SystemClock::new()))
}

fn domain() -> Domain {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    Domain::new(domain_options(), &Arc::new(LdapLimits::default()), &clock, &Arc::default()).unwrap()
}

#[tokio::test]
async fn set_up_refuses_what_cannot_work() {
    assert!(directory(vec![domain_options()]).is_ok());
    assert!(matches!(directory(vec![]), Err(LdapSetupError::NoDomain)));
    assert!(matches!(directory(vec![domain_options(), domain_options()]), Err(LdapSetupError::Duplicate { .. })));
    let other = DomainOptions { sid: sid("S-1-5-21-1-2-3"), ..domain_options() };
    assert!(matches!(directory(vec![domain_options(), other]), Err(LdapSetupError::Duplicate { .. })));
    let options = DomainOptions { servers: vec![], ..domain_options() };
    assert!(matches!(directory(vec![options]), Err(LdapSetupError::NoServer { .. })));
    let options = DomainOptions { sid: sid("S-1-5-32-544"), ..domain_options() };
    assert!(matches!(directory(vec![options]), Err(LdapSetupError::NotADomainSid { .. })));
    let bind = Bind::Simple { name: "svc".into(), password: Secret::new(String::new()) };
    let options = DomainOptions { bind, ..domain_options() };
    assert!(matches!(directory(vec![options]), Err(LdapSetupError::EmptyPassword { .. })));
    let options = DomainOptions { dns_name: "corp,DC=evil".into(), ..domain_options() };
    assert!(matches!(directory(vec![options]), Err(LdapSetupError::DomainName { .. })));
}

#[test]
fn set_up_needs_a_runtime() {
    assert!(matches!(directory(vec![domain_options()]), Err(LdapSetupError::NoRuntime)));
}

#[tokio::test]
async fn questions_about_foreign_domains_are_refused_without_a_connection() {
    let directory = directory(vec![domain_options()]).unwrap();
    for key in [
        AccountKey::Sid(sid("S-1-5-21-9-9-9-500")),
        AccountKey::Sid(sid("S-1-5-32-544")),
        AccountKey::Upn("alice@elsewhere.example".into()),
        AccountKey::Sam { domain: "ELSE".into(), name: "alice".into() },
    ] {
        assert!(matches!(directory.account(&key).await, Err(DirectoryError::UnknownDomain { .. })), "{key}");
    }
    assert!(matches!(
        directory.account(&AccountKey::Upn("no-at-sign".into())).await,
        Err(DirectoryError::NotFound { .. })
    ));
}

#[tokio::test]
async fn a_domain_without_servers_that_answer_is_unavailable_and_then_left_alone() {
    let directory = directory(vec![domain_options()]).unwrap();
    for _ in 0..4 {
        let error = directory.object_guid(&sid(&format!("{DOMAIN_SID}-1107"))).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
    }
    assert!(directory.health().iter().all(|server| server.circuit != Circuit::Closed));
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_costs_its_share_of_the_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: ServerAddress = silent.local_addr().unwrap().to_string().parse().unwrap();
    let second = Duration::from_secs(1);
    let limits = LdapLimits { connect_timeout: second, question_timeout: second, ..LdapLimits::default() };
    for transport in [Transport::Ldaps, Transport::StartTls] {
        let options = DomainOptions { servers: vec![address.clone(), address.clone()], transport, ..domain_options() };
        let options = LdapOptions { domains: vec![options], limits: limits.clone() };
        let clock = SystemClock::new();
        let directory = LdapDirectory::new(options, Arc::new(SystemClock::new())).unwrap();
        assert!(directory.object_guid(&sid(&format!("{DOMAIN_SID}-1107"))).await.unwrap_err().is_retryable());
        let elapsed = clock.monotonic();
        assert!(elapsed >= second / 2 && elapsed < second * 3, "{elapsed:?}");
    }
}

#[tokio::test]
async fn weak_certificate_mappings_find_nobody_and_ask_nobody() {
    let directory = directory(vec![domain_options()]).unwrap();
    let weak = ["X509:<RFC822>alice@corp.example".to_owned(), "X509:<I>CN=CA<S>CN=alice".to_owned()];
    let outcome = directory.find_by_alt_security_identity(&weak).await;
    assert!(matches!(outcome, Err(DirectoryError::NotFound { .. })));
    let strong = ["X509:<SKI>0a".to_owned()];
    assert!(directory.find_by_alt_security_identity(&strong).await.unwrap_err().is_retryable());
}

#[tokio::test]
async fn an_empty_password_is_never_sent() {
    let directory = directory(vec![domain_options()]).unwrap();
    // No server answers at that address: only a local refusal gives a verdict.
    let key = AccountKey::Sam { domain: "CORP".into(), name: "alice".into() };
    let verdict = directory.check_password(&key, &Secret::new(String::new())).await;
    assert_eq!(verdict, Ok(PasswordVerdict::Refused(crate::directory::PasswordRefusal::Wrong)));
    assert!(directory.check_password(&key, &Secret::new("x".into())).await.unwrap_err().is_retryable());
}

fn attributes(values: &[(&str, &str)]) -> Attributes {
    let mut attributes = Attributes::default();
    for (name, value) in values {
        attributes.insert(AttributeName::new(name), vec![AttributeValue::Text((*value).into())]);
    }
    attributes
}

fn alice() -> Attributes {
    let mut attributes = attributes(&[
        ("userAccountControl", "512"),
        ("sAMAccountName", "alice"),
        ("primaryGroupID", "513"),
        ("displayName", "Alice Liddell"),
    ]);
    let text = |value: &str| AttributeValue::Text(value.into());
    attributes.insert(AttributeName::new("objectClass"), vec![text("top"), text("person"), text("user")]);
    let octets = |rid: u32| AttributeValue::Octets(sid(DOMAIN_SID).child(rid).unwrap().to_bytes());
    attributes.insert(AttributeName::new("objectSid"), vec![octets(1107)]);
    let users = AttributeValue::Octets(sid("S-1-5-32-545").to_bytes());
    attributes.insert(AttributeName::new("tokenGroups"), vec![octets(1102), users, octets(513), octets(1102)]);
    attributes
}

#[test]
fn an_account_has_the_groups_a_pac_would_have() {
    let account = account::account(&domain(), &alice(), "alice").unwrap();
    let domain_sid = sid(DOMAIN_SID);
    assert_eq!(account.kind, AccountKind::User);
    assert_eq!((account.realm.as_str(), account.netbios_domain.as_str()), ("CORP.EXAMPLE", "CORP"));
    assert_eq!(account.upn, None);
    assert_eq!(account.groups, [domain_sid.child(513).unwrap(), domain_sid.child(1102).unwrap()]);
}

#[test]
fn incomplete_objects_are_no_accounts() {
    for (name, error) in [
        ("objectClass", "NotFound"),
        ("objectSid", "Malformed"),
        ("userAccountControl", "Malformed"),
        ("sAMAccountName", "Malformed"),
        ("primaryGroupID", "Malformed"),
        ("tokenGroups", "Malformed"),
    ] {
        let mut attributes = alice();
        attributes.insert(AttributeName::new(name), vec![]);
        let outcome = account::account(&domain(), &attributes, "alice").unwrap_err();
        assert!(format!("{outcome:?}").starts_with(error), "{name}: {outcome:?}");
    }
    let mut trust = alice();
    trust.insert(AttributeName::new("userAccountControl"), vec![AttributeValue::Text("2080".into())]);
    assert!(matches!(account::account(&domain(), &trust, "x"), Err(DirectoryError::NotFound { .. })));
}

#[test]
fn sign_in_states() {
    let now = UtcTime::from_unix_seconds(1_000_000_000);
    let state = |values: &[(&str, &str)]| account::sign_in_state(&attributes(values), "x", now);
    let (flags, computed) = ("userAccountControl", "msDS-User-Account-Control-Computed");
    assert_eq!(state(&[(flags, "512"), (computed, "0")]), Ok(SignInState::Permitted));
    assert_eq!(state(&[(flags, "514"), (computed, "0")]), Ok(SignInState::Disabled));
    assert_eq!(state(&[(flags, "512"), (computed, "16")]), Ok(SignInState::Locked));
    assert_eq!(state(&[(flags, "512"), (computed, "8388608")]), Ok(SignInState::PasswordExpired));
    let expires = |at| state(&[(flags, "512"), (computed, "0"), ("accountExpires", at)]);
    assert_eq!(expires("116444736000000000"), Ok(SignInState::AccountExpired));
    assert_eq!(expires("9223372036854775807"), Ok(SignInState::Permitted));
    assert!(expires("soon").is_err());
    assert!(state(&[(computed, "0")]).is_err());
    assert!(state(&[(flags, "512")]).is_err());
    let mut closed = attributes(&[(flags, "512"), (computed, "0")]);
    closed.insert(AttributeName::new("logonHours"), vec![AttributeValue::Octets(vec![0; 21])]);
    assert_eq!(account::sign_in_state(&closed, "x", now), Ok(SignInState::OutsideHours));
}

#[test]
fn only_strong_mappings_count() {
    for value in [
        "X509:<SKI>123abc",
        "x509:<ski>123ABC",
        "X509:<SHA1-PUKEY>50bf88e67522ab8ce093ce51830ab0bcf8ba7824",
        "X509:<I>DC=example,CN=CORP-CA<SR>1200000000AC11000000002B",
    ] {
        assert!(is_strong_mapping(value), "{value}");
    }
    for value in [
        "",
        "X509:",
        "X509:<SKI>",
        "X509:<SKI>xyz",
        "X509:<S>CN=alice",
        "X509:<I>CN=CA<S>CN=alice",
        "X509:<RFC822>alice@corp.example",
        "X509:<I><SR>12",
        "X509:<I>CN=CA<SR>",
        "X509:<SHA1-TP-PUBKEY>3F20",
        "Kerberos:alice@CORP.EXAMPLE",
    ] {
        assert!(!is_strong_mapping(value), "{value}");
    }
}

#[test]
fn one_sid_is_one_and_two_are_none() {
    let key = "x";
    let (a, b) = (sid("S-1-5-21-1-2-3-4"), sid("S-1-5-21-1-2-3-5"));
    assert_eq!(single([Some(a), Some(a)].into_iter(), key), Ok(a));
    assert!(matches!(single([Some(a), Some(b)].into_iter(), key), Err(DirectoryError::NotFound { .. })));
    assert!(matches!(single(std::iter::empty(), key), Err(DirectoryError::NotFound { .. })));
    assert!(matches!(single([None].into_iter(), key), Err(DirectoryError::Malformed { .. })));
}

#[test]
fn names_match_by_case_only() {
    assert!(same_name(Some("Éva"), "éva"));
    assert!(!same_name(Some("jose"), "josé"));
    assert!(!same_name(None, ""));
}

#[test]
fn defaults_leave_time_for_a_second_server() {
    let limits = LdapLimits::default();
    assert!(limits.connect_timeout + limits.operation_timeout < limits.question_timeout);
    assert!(limits.question_timeout <= Duration::from_secs(10));
}
