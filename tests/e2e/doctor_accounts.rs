//! `chancery doctor` and accounts with one thing broken: names, keys, encryption types, rights. Each account is the test's own.

use std::path::PathBuf;
use std::process::Command;

use crate::doctor::{Findings, setup};
use crate::support::{Lab, NodeSetup, run, script, variable};
use crate::throwaway::{Account, unicode_password};

/// A service account with a service principal name of its own.
struct Service {
    account: Account,
    name: String,
}

impl Service {
    fn create(what: &str) -> Self {
        let account = Account::new(what);
        let name = format!("HTTP/{}.{}", account.name, variable("LAB_DOMAIN"));
        let account = account
            .with(&format!(
                "userAccountControl: 66048\nmsDS-SupportedEncryptionTypes: 24\nservicePrincipalName: {name}"
            ))
            .create();
        Self { account, name }
    }

    /// Its present keys.
    fn keytab(&self) -> PathBuf {
        let name = format!("doctor-{}", self.account.name);
        run(Command::new(script("objects")).args(["--keytab", &name, &self.name]));
        PathBuf::from(variable("LAB_KEYTABS")).join(format!("{name}.keytab"))
    }

    fn new_password(&self) {
        let password = unicode_password("Throw-Away-2");
        self.account.modify(&format!("replace: unicodePwd\nunicodePwd:: {password}"));
    }

    /// A configuration that serves its name in the first domain, with this keytab.
    fn setup(&self, keytab: &std::path::Path) -> NodeSetup {
        setup().replace(
            &format!("keytab = \"{}/sts-all.keytab\"", variable("LAB_KEYTABS")),
            &format!(
                "keytab = \"{}\"\nservice_principals = [\"{}@{}\"]",
                keytab.display(),
                self.name,
                Lab::get().realm
            ),
        )
    }

    fn found(&self, keytab: &std::path::Path) -> Findings {
        Findings::of(&self.setup(keytab).file(), &[])
    }
}

#[test]
fn a_password_that_was_changed_after_the_keytab_was_made() {
    let service = Service::create("kvno");
    let keytab = service.keytab();
    let before = service.found(&keytab);
    before.expect("ok", "keytab-kvno", &service.name);
    before.expect("ok", "keytab-key", &service.name);
    service.new_password();
    let after = service.found(&keytab);
    assert!(!after.success);
    after.expect("error", "keytab-kvno", &format!("the newest of {} in the keytab", service.name));
    after.expect("error", "keytab-key", "has no key number");
    after.expect("ok", "spn", &service.name);
    service.found(&service.keytab()).expect("ok", "keytab-kvno", "the present one");
    service.account.delete();
}

#[test]
fn a_key_of_the_right_number_that_is_anothers() {
    let service = Service::create("otherkey");
    let other = Service::create("othername");
    // The name moves to another account after the keytab was made: same number, another key.
    let keytab = service.keytab();
    service.account.modify("delete: servicePrincipalName");
    other.account.modify(&format!("add: servicePrincipalName\nservicePrincipalName: {}", service.name));
    let found = service.found(&keytab);
    assert!(!found.success);
    found.expect("ok", "spn", &format!("{} of", other.account.name));
    found.expect("error", "keytab-key", "does not open the ticket");
    service.account.delete();
    other.account.delete();
}

#[test]
fn a_name_that_nobody_has_or_two() {
    let service = Service::create("spn");
    let second = Account::new("spn2").with("userAccountControl: 66048").create();
    let keytab = service.keytab();
    run(Command::new(script("duplicate-name")).args([&second.name, &service.name]));
    let found = service.found(&keytab);
    assert!(!found.success);
    found.expect("error", "spn-duplicate", &service.account.name);
    found.expect("error", "spn-duplicate", &second.name);
    second.delete();
    service.account.modify("delete: servicePrincipalName");
    let found = service.found(&keytab);
    found.expect("error", "spn", &format!("no account of {} has {}", Lab::get().realm, service.name));
    found.expect("error", "keytab-key", "there is no ticket");
    service.account.delete();
}

#[test]
fn an_account_that_takes_no_aes() {
    let service = Service::create("rc4");
    let keytab = service.keytab();
    service.account.modify("replace: msDS-SupportedEncryptionTypes\nmsDS-SupportedEncryptionTypes: 4");
    let found = service.found(&keytab);
    assert!(!found.success);
    found.expect("error", "encryption-types", &format!("{} of", service.account.name));
    service.account.delete();
}

#[test]
fn a_name_without_a_key() {
    let setup = setup().replace("/sts-all.keytab", "/sts.keytab");
    let found = Findings::of(&setup.file(), &[]);
    found.expect("warning", "spn-without-key", &format!("svc-sts of {}", Lab::get().other_realm));
    found.expect("ok", "spn", &format!("svc-sts of {}", Lab::get().realm));
}

#[test]
fn the_account_of_the_server_may_say_who_sweeps() {
    let sweeps = "[device_registration.sweep]\nmode = \"dry_run\"\n";
    Findings::of(&setup().append(sweeps).file(), &[]).expect("ok", "device-lease", "adminDescription");
}

#[test]
fn an_account_of_the_server_without_rights_or_without_a_key() {
    let lab = Lab::get();
    let gssapi = format!(
        "[domains.ldap.bind.gssapi]\nclient_keytab = \"{}/svc-sts.keytab\"\nprincipal = \"svc-sts@{}\"",
        variable("LAB_KEYTABS"),
        lab.realm
    );
    // Wrong passwords are counted: an account of this test.
    let account = Account::new("bind").create();
    let file = lab.new_file("bind-password");
    std::fs::write(&file, format!("{}\n", account.password)).unwrap();
    let simple = |password: &std::path::Path| {
        let upn = account.upn();
        format!("[domains.ldap.bind.simple]\nuser = \"{upn}\"\npassword_file = \"{}\"", password.display())
    };
    let sweeps = "[device_registration.sweep]\nmode = \"dry_run\"\n";
    let found = Findings::of(&setup().replace(&gssapi, &simple(&file)).append(sweeps).file(), &[]);
    assert!(!found.success);
    found.expect("error", "device-rights", "may not create devices");
    found.expect("warning", "device-lease", "may not write adminDescription");
    found.expect("warning", "device-issuer", "may not write msDS-IssuerPublicCertificates");
    found.expect("ok", "keytab-key", &lab.realm);

    let wrong = lab.new_file("bind-wrong");
    std::fs::write(&wrong, "Not-The-Password\n").unwrap();
    let found = Findings::of(&setup().replace(&gssapi, &simple(&wrong)).file(), &[]);
    found.expect("error", "controller-ldap", "49");
    found.expect("error", "service-account", &lab.realm);
    found.expect("not-checked", "device-registration", &lab.domain);
    account.delete();
}
