//! The acceptor through the real GSSAPI library, with tickets that the tests make themselves.

use std::sync::Arc;

use super::super::bindings::{BindingPolicy, ChannelBindings};
use super::super::domains::{DropReason, TrustedDomain, TrustedDomains, UntrustedDomain};
use super::super::ffi::GssError;
use super::super::forge::Forged;
use super::super::keytab::tests::{EntryContent, file};
use super::super::pac::PacError;
use super::super::pac::tests::encode::PacContent;
use super::super::replay::{ReplayGuard, ReplayOptions};
use super::super::screen::tests::raw_token;
use super::super::screen::{Malformation, NtlmForm, Screened, screen};
use super::super::status;
use super::*;
use crate::clock::SystemClock;
use crate::directory::AccountKind;

const KEY: [u8; 32] = [0x5a; 32];
const STS: &[&str] = &["HTTP", "sts.corp.example"];
const REALM: &str = "CORP.EXAMPLE";

struct Lab {
    acceptor: Acceptor,
    _keytab: tempfile::NamedTempFile,
}

fn lab(entries: &[EntryContent<'_>]) -> Lab {
    let keytab = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keytab.path(), file(entries)).unwrap();
    let corp = TrustedDomain {
        realm: REALM.into(),
        sid: PacContent::user().domain,
        netbios: "CORP".into(),
        upn_suffixes: Vec::new(),
        forest: None,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let options = AcceptorOptions {
        keytab: keytab.path().to_owned(),
        hosts: vec!["sts.corp.example".into(), "adfs.corp.example".into()],
        domains: Arc::new(TrustedDomains::new([corp]).unwrap()),
        replay: Some(Arc::new(ReplayGuard::new(ReplayOptions::default(), Arc::clone(&clock)))),
        clock,
    };
    Lab { acceptor: Acceptor::new(options).unwrap(), _keytab: keytab }
}

fn usual() -> Lab {
    lab(&[(STS, REALM, 3, 18, &KEY)])
}

fn alice() -> Forged {
    Forged::alice(KEY, SystemClock::new().now())
}

impl Lab {
    fn accept(&self, token: &[u8]) -> Result<Accepted, AcceptError> {
        self.acceptor.accept(token, &ChannelBindings::none())
    }

    /// The same refusal in both wrappings.
    fn refusal(&self, forged: &Forged) -> AcceptError {
        let raw = self.accept(&forged.token()).unwrap_err();
        let spnego = self.accept(&forged.spnego()).unwrap_err();
        assert_eq!(std::mem::discriminant(&raw), std::mem::discriminant(&spnego), "{raw:?}\n{spnego:?}");
        raw
    }
}

#[test]
fn a_user_in_both_wrappings() {
    let lab = usual();
    let raw = lab.accept(&alice().token()).unwrap();
    assert_eq!(raw.account.sid.rid(), Some(1107));
    assert_eq!(raw.account.upn.as_deref(), Some("alice@corp.example"));
    assert_eq!(
        (raw.principal.as_str(), raw.service.as_str()),
        ("alice@CORP.EXAMPLE", "HTTP/sts.corp.example@CORP.EXAMPLE")
    );
    assert_eq!((raw.wrapping, raw.reply, raw.channel_bound, raw.mutual), (Wrapping::Raw, None, false, false));
    let left = raw.ticket_end.since(SystemClock::new().now()).as_secs();
    assert!((3600 - 10..3600 + 310).contains(&left), "{left}");

    let spnego = lab.accept(&Forged { serial: 1, ..alice() }.spnego()).unwrap();
    assert_eq!((spnego.wrapping, spnego.account), (Wrapping::Spnego, raw.account));
    assert!(spnego.reply.unwrap().starts_with(&[0xa1]));
}

#[test]
fn a_computer_is_one_by_its_flags() {
    let pac = PacContent { uac: 0x80, client_name: "WS01$".into(), ..PacContent::user() };
    let computer = usual().accept(&Forged { client: "WS01$".into(), pac: Some(pac), ..alice() }.token()).unwrap();
    assert_eq!(computer.account.kind, AccountKind::Computer);
}

#[test]
fn a_token_works_once_however_it_is_wrapped() {
    let lab = usual();
    // One second for all of them: another makes another authenticator.
    let used = alice();
    lab.accept(&used.token()).unwrap();
    assert!(matches!(lab.refusal(&used), AcceptError::Replay { principal } if principal == "alice@CORP.EXAMPLE"));
    let mut altered = used.token();
    let options = altered.windows(7).position(|window| window == [3, 5, 0, 0, 0, 0, 0]).unwrap();
    altered[options + 4] ^= 1;
    assert!(matches!(lab.accept(&altered), Err(AcceptError::Replay { .. })), "an open field is no new authenticator");
    lab.accept(&Forged { serial: 1, ..used.clone() }.token()).unwrap();
    // Our own tokens of the password check pass by the guard.
    lab.acceptor.accept_own(&used.token()).unwrap();
}

#[test]
fn a_full_guard_refuses() {
    let lab = usual();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let guard = ReplayGuard::new(ReplayOptions { capacity: 0, ..ReplayOptions::default() }, clock);
    let options = AcceptorOptions { replay: Some(Arc::new(guard)), ..lab.acceptor.options().clone() };
    let refused = Acceptor::new(options).unwrap().accept(&alice().token(), &ChannelBindings::none());
    assert!(matches!(refused, Err(AcceptError::ReplayGuardFull { .. })));
}

#[test]
fn keys_that_do_not_fit() {
    let wrong_key = lab(&[(STS, REALM, 3, 18, &[1; 32])]);
    let AcceptError::WrongKey { kvno: Some(3), etype: 18, detail, .. } = wrong_key.refusal(&alice()) else {
        panic!("{:?}", wrong_key.refusal(&alice()));
    };
    // What the library says of it, once.
    assert!(detail.contains("HTTP/sts.corp.example@CORP.EXAMPLE"), "{detail:?}");
    let mut sentences: Vec<&str> = detail.split("; ").collect();
    assert!(sentences.iter().all(|sentence| !sentence.is_empty()), "{detail:?}");
    sentences.dedup();
    assert_eq!(sentences.join("; "), detail);
    let other_number = lab(&[(STS, REALM, 4, 18, &[1; 32])]);
    assert!(matches!(other_number.refusal(&alice()), AcceptError::KvnoNotFound { kvno: Some(3), .. }));
    let other_type = lab(&[(STS, REALM, 3, 17, &[1; 16])]);
    assert!(matches!(other_type.refusal(&alice()), AcceptError::KvnoNotFound { etype: 18, .. }));
    let other_name = lab(&[(&["HTTP", "other.corp.example"], REALM, 3, 18, &[1; 32])]);
    assert!(matches!(
        other_name.refusal(&alice()),
        AcceptError::UnknownServicePrincipal { service, .. } if service == "HTTP/sts.corp.example@CORP.EXAMPLE"
    ));
}

/// `GSS_S_FAILURE`
const FAILURE: u32 = 0xd_0000;

#[test]
fn what_the_library_says_has_its_own_refusal_each() {
    let raw = raw_token(b"sealed");
    let Screened::Kerberos(token) = screen(&raw) else { panic!("no Kerberos token") };
    let refusal = |major, minor| {
        let error = GssError { major, minor, major_text: String::new(), minor_text: String::new() };
        AcceptError::from_gss(error, &token.ap_req)
    };
    assert_eq!(refusal(GssError::BAD_BINDINGS, 0), AcceptError::BadBindings);
    assert!(matches!(refusal(FAILURE, status::AP_ERR_REPEAT), AcceptError::Replay { .. }));
    for code in [status::NOPERM_ETYPE, status::PROG_ETYPE_NOSUPP, status::WRONG_ETYPE] {
        assert!(matches!(refusal(FAILURE, code), AcceptError::EncryptionType { etype: 18, .. }));
    }
    assert!(matches!(refusal(FAILURE, status::AP_ERR_SKEW), AcceptError::ClockSkew(_)));
    assert!(matches!(refusal(GssError::CREDENTIALS_EXPIRED, 0), AcceptError::Expired(_)));
    let malformed = refusal(GssError::DEFECTIVE_TOKEN, 0);
    assert!(matches!(malformed, AcceptError::Malformed(Malformation::Structure)), "{malformed:?}");
    assert!(matches!(refusal(GssError::NO_CRED, 0), AcceptError::Credential(_)));
    assert!(matches!(refusal(FAILURE, 0), AcceptError::Gss(_)));
}

#[test]
fn a_ticket_for_another_name_of_the_same_account_is_foreign() {
    // The account's own name comes first, as an LDAP client keytab needs it; all share one key.
    let entries: [EntryContent<'_>; 3] = [
        (&["svc-sts"], REALM, 3, 18, &KEY),
        (STS, REALM, 3, 18, &KEY),
        (&["HTTP", "payroll.corp.example"], REALM, 3, 18, &KEY),
    ];
    let lab = lab(&entries);
    let named = |class: &str, host: &str| Forged { service: vec![class.into(), host.into()], ..alice() };
    assert!(matches!(
        lab.accept(&named("HTTP", "payroll.corp.example").token()),
        Err(AcceptError::ForeignService { service, .. }) if service == "HTTP/payroll.corp.example@CORP.EXAMPLE"
    ));
    for (serial, class, host) in [(1, "HTTP", "sts.corp.example"), (2, "host", "ADFS.corp.example")] {
        lab.accept(&Forged { serial, ..named(class, host) }.token()).unwrap();
    }
    assert!(matches!(
        lab.accept(&Forged { serial: 3, ..named("cifs", "sts.corp.example") }.token()),
        Err(AcceptError::ForeignService { .. })
    ));
    let renamed = Forged { serial: 4, service_realm: "OTHER.EXAMPLE".into(), ..alice() };
    assert!(matches!(lab.accept(&renamed.token()), Err(AcceptError::ForeignService { .. })), "the realm is the key's");
}

#[test]
fn times() {
    let lab = usual();
    assert!(matches!(lab.refusal(&Forged { starts_in: -7200, ends_in: -3600, ..alice() }), AcceptError::Expired(_)));
    assert!(matches!(lab.refusal(&Forged { starts_in: 3600, ends_in: 7200, ..alice() }), AcceptError::NotYetValid(_)));
    for clock_offset in [-400, 400] {
        assert!(matches!(lab.refusal(&Forged { clock_offset, ..alice() }), AcceptError::ClockSkew(_)));
    }
}

#[test]
fn a_pac_must_be_there_and_be_the_services_kdcs() {
    let lab = usual();
    let no_pac = |forged: Forged| matches!(lab.accept(&forged.token()), Err(AcceptError::NoPac { .. }));
    assert!(no_pac(Forged { pac: None, ..alice() }));
    assert!(no_pac(Forged { serial: 1, pac_key: [9; 32], ..alice() }), "a signature by another key");
    let of_somebody_else = PacContent { client_name: "bob".into(), ..PacContent::user() };
    assert!(
        no_pac(Forged { serial: 2, pac: Some(of_somebody_else), ..alice() }),
        "a PAC moved to another client's ticket"
    );
    let trust_account = PacContent { uac: 0x40, ..PacContent::user() };
    let refused = lab.accept(&Forged { serial: 3, pac: Some(trust_account), ..alice() }.token());
    assert!(matches!(refused, Err(AcceptError::PacInvalid { error: PacError::AccountKind(0x40), .. })));
}

#[test]
fn domains_and_what_they_may_say() {
    let lab = usual();
    let refused = lab.accept(&Forged { client_realm: "EVIL.EXAMPLE".into(), ..alice() }.token());
    assert!(
        matches!(refused, Err(AcceptError::UntrustedDomain { reason: UntrustedDomain::Realm { .. }, .. })),
        "{refused:?}"
    );
    let other = PacContent { domain: "S-1-5-21-7-8-9".parse().unwrap(), upn_flags: 0, ..PacContent::user() };
    let refused = lab.accept(&Forged { serial: 2, pac: Some(other), ..alice() }.token());
    assert!(matches!(refused, Err(AcceptError::UntrustedDomain { reason: UntrustedDomain::Sid { .. }, .. })));
    let history = PacContent { extra: vec![("S-1-5-21-7-8-9-512".parse().unwrap(), 7)], ..PacContent::user() };
    let accepted = lab.accept(&Forged { serial: 1, pac: Some(history), ..alice() }.token()).unwrap();
    assert_eq!(accepted.dropped.first().unwrap().reason, DropReason::ForeignDomain);
}

#[test]
fn channel_bindings() {
    use BindingPolicy::{Allow, Require};

    let (x, y) = (certificate("x"), certificate("y"));
    let lab = usual();
    let policy = |policy, certificates: &[&Vec<u8>]| {
        let certificates: Vec<_> = certificates.iter().map(|certificate| certificate.as_slice()).collect();
        ChannelBindings::new(policy, &certificates).unwrap()
    };
    let to_x = super::super::bindings::tls_server_end_point(&x).unwrap();
    let mut serial = 0;
    let mut outcome = |bindings: Option<&Vec<u8>>, policy: &ChannelBindings| {
        serial += 1;
        let forged = Forged { serial, bindings: bindings.cloned(), ..alice() };
        lab.acceptor.accept(&forged.spnego(), policy).map(|accepted| accepted.channel_bound)
    };
    assert_eq!(outcome(Some(&to_x), &ChannelBindings::none()), Ok(false));
    assert_eq!(outcome(Some(&to_x), &policy(Allow, &[&x])), Ok(true));
    assert_eq!(outcome(Some(&to_x), &policy(Allow, &[&y])), Err(AcceptError::BadBindings));
    assert_eq!(outcome(Some(&to_x), &policy(Allow, &[&y, &x])), Ok(true), "each candidate is tried");
    assert_eq!(outcome(Some(&to_x), &policy(Require, &[&x])), Ok(true));
    assert_eq!(outcome(Some(&to_x), &policy(Require, &[&y])), Err(AcceptError::BadBindings));
    assert_eq!(outcome(None, &policy(Allow, &[&x])), Ok(false));
    assert!(matches!(outcome(None, &policy(Require, &[&x])), Err(AcceptError::BindingsRequired { .. })));
}

#[test]
fn what_is_no_kerberos_never_reaches_gssapi() {
    let lab = usual();
    assert_eq!(lab.accept(b"NTLMSSP\0\x01\0\0\0"), Err(AcceptError::NtlmOffered(NtlmForm::Raw)));
    assert_eq!(lab.accept(&[0x6e, 0]), Err(AcceptError::Malformed(Malformation::BareApReq)));
    let whole = alice().spnego();
    assert_eq!(lab.accept(&whole[..whole.len() - 1]), Err(AcceptError::Malformed(Malformation::Truncated)));
}

#[test]
fn a_keytab_is_checked_at_the_start_and_read_anew_for_every_token() {
    let lab = usual();
    let options = lab.acceptor.options();
    for (path, content) in [("missing", None), ("empty", Some(&[5_u8, 2][..])), ("text", Some(b"-----BEGIN"))] {
        let directory = tempfile::tempdir().unwrap();
        let keytab = directory.path().join(path);
        if let Some(content) = content {
            std::fs::write(&keytab, content).unwrap();
        }
        let refused = Acceptor::new(AcceptorOptions { keytab, ..options.clone() });
        assert!(matches!(refused, Err(AcceptorSetupError::Keytab { .. })), "{path}");
    }
    // Rotation: the same acceptor, another content.
    std::fs::write(&options.keytab, file(&[(STS, REALM, 4, 18, &[1; 32])])).unwrap();
    assert!(matches!(lab.accept(&alice().token()), Err(AcceptError::KvnoNotFound { .. })));
    lab.accept(&Forged { kvno: 4, serial: 1, ..Forged::alice([1; 32], SystemClock::new().now()) }.token()).unwrap();
}

#[test]
fn of_one_token_on_many_threads_one_is_accepted() {
    let lab = usual();
    let token = alice().token();
    let accepted = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| lab.accept(&token).is_ok())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|accepted| *accepted).count()
    });
    assert_eq!(accepted, 1);
}

#[test]
fn realms_of_principals() {
    for (principal, realm) in [
        ("alice@CORP.EXAMPLE", "CORP.EXAMPLE"),
        ("carol.c\\@brand.example@CORP.EXAMPLE", "CORP.EXAMPLE"),
        ("a\\\\@CORP.EXAMPLE", "CORP.EXAMPLE"),
        ("a\\@CORP.EXAMPLE", ""),
        ("alice", ""),
    ] {
        assert_eq!(realm_of(principal), realm, "{principal}");
    }
}

fn certificate(name: &str) -> Vec<u8> {
    rcgen::generate_simple_self_signed([name.to_owned()]).unwrap().cert.der().to_vec()
}
