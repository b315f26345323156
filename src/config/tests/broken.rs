//! The corpus under `testdata`: each directory is a configuration, each snapshot is what `chancery check` says of it.

use std::fs;
use std::path::Path;

use super::fixture::Fixture;
use crate::config::diagnostic::{Code, Report};
use crate::config::load::readable_trust_files;
use crate::config::{Environment, render};

/// Loads a directory of the corpus and renders the findings.
fn findings(case: &str, environment: Environment) -> String {
    let fixture = Fixture::new();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/testdata").join(case), fixture.path());
    let outcome = fixture.loader_with(environment).load();
    assert_eq!(outcome.loaded.is_some(), !outcome.report.has_errors());
    fixture.without_directory(&render::report(&outcome.report, false))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

macro_rules! corpus {
    ($($case:ident),+ $(,)?) => {$(
        #[test]
        fn $case() {
            insta::assert_snapshot!(findings(stringify!($case), Environment::default()));
        }
    )+};
}

corpus! {
    complete, typos, missing, syntax, syntax_bracket, domains, network, tls_names, tls_key, tls_in_front, kerberos, files, entra, trusts,
    rules, secrets, services, sign_in, stores, claims_providers, branding, primary_refresh_token,
}

#[test]
fn environment() {
    let environment = Environment::new(
        [
            ("CHANCERY__SERVER__LOG__LEVEL", "debug"),
            ("CHANCERY__DOMAINS__0__NETBIOS", "NEW"),
            ("CHANCERY__SERVER__INTRANET", "[\"10.0.0.0/8\", \"x\"]"),
            ("CHANCERY__SERVER__LIMITS__BODY_BYTES", "much"),
            ("CHANCERY__DOMAINS__7__SID", "S-1-5-21-1-2-3"),
            ("CHANCERY__KERBEROS__KEYTAB__X", "1"),
            ("CHANCERY__SERVER__", "1"),
            ("CHANCERY__SEVICE__DISPLAY_NAME", "x"),
            ("CHANCERY_CONFIG", "is no override"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    insta::assert_snapshot!(findings("complete", environment));
}

#[test]
fn overrides_replace_values() {
    let fixture = Fixture::complete();
    let environment = Environment::new([
        (String::from("CHANCERY__SERVER__LOG__FORMAT"), String::from("text")),
        (String::from("CHANCERY__SERVICE__DISPLAY_NAME"), String::from("Corp")),
        (String::from("CHANCERY__DOMAINS__0__DOMAIN_CONTROLLERS"), String::from("['dc7.corp.example']")),
        (String::from("CHANCERY__LOCKOUT__THRESHOLD"), String::from("9")),
    ]);
    let config = fixture.loader_with(environment).load().loaded.unwrap().config;
    assert_eq!(config.server.log.format, crate::config::LogFormat::Text);
    assert_eq!(config.service.display_name, "Corp");
    assert_eq!(config.domains[0].domain_controllers, ["dc7.corp.example".parse().unwrap()]);
    assert_eq!(config.lockout.threshold, 9);
}

/// The web framework reads no longer header, whatever is written here.
#[test]
fn header_fields_beyond_what_can_be_read_are_no_limit() {
    let fixture = Fixture::complete();
    for (octets, good) in [("131072", true), ("131073", false)] {
        let environment =
            Environment::new([(String::from("CHANCERY__SERVER__LIMITS__HEADER_BYTES"), String::from(octets))]);
        let outcome = fixture.loader_with(environment).load();
        assert_eq!(outcome.loaded.is_some(), good, "{}", render::report(&outcome.report, false));
    }
}

#[test]
fn a_file_that_is_not_there_is_one_finding() {
    let fixture = Fixture::new();
    let report = fixture.loader().load().report;
    assert_eq!(report.iter().map(|finding| finding.code).collect::<Vec<_>>(), [Code::File]);
}

#[test]
fn only_a_client_that_says_who_it_is_asks_on_behalf_of_users() {
    let fixture = Fixture::complete();
    for (more, good) in [("kind = 'server'\nsecret_file = 'secret'", true), ("kind = 'native'", false)] {
        fixture.write("trusts/behalf.toml", &format!("[client]\nid = 'behalf'\n{more}\ngrants = ['on_behalf_of']\n"));
        fixture.secret("trusts/secret", b"0123456789abcdef0123456789abcdef\n");
        let outcome = fixture.loader().load();
        let said = render::report(&outcome.report, false);
        assert_eq!(outcome.loaded.is_some(), good, "{said}");
        assert_eq!(said.contains("a native client cannot say who it is"), !good, "{said}");
    }
}

#[test]
fn the_bounds_of_rules_have_bounds() {
    let fixture = Fixture::complete();
    let complete = super::fixture::COMPLETE;
    for (key, least, most) in
        [("claims", 100, 100_000), ("combinations", 1000, 1_000_000), ("steps", 100_000, 50_000_000)]
    {
        for (value, good) in [(least, true), (most, true), (least - 1, false), (most + 1, false)] {
            fixture.write("chancery.toml", &format!("{complete}\n[claim_rules]\n{key} = {value}\n"));
            let outcome = fixture.loader().load();
            let said = render::report(&outcome.report, false);
            assert_eq!(outcome.loaded.is_some(), good, "{key} = {value}: {said}");
            assert_eq!(said.contains(&format!("{value} is outside {least} to {most}")), !good, "{key}: {said}");
        }
    }
}

#[test]
fn acceptance_rules_that_state_what_is_the_servers_are_warned_of() {
    let fixture = Fixture::complete();
    let groups = crate::claims::types::GROUP_SID;
    let complete = super::fixture::COMPLETE;
    for (rules, said) in [
        (String::from("c:[] => issue(claim = c);"), None),
        (
            format!("=> issue(Type = \"{groups}\", Value = \"S-1-5-32-544\");"),
            Some(format!("claims of the type {groups}, which")),
        ),
        (
            format!(
                "c:[] => issue(store = \"Active Directory\", types = (\"{groups}\"), query = \";mail;{{0}}\", param = c.Value);"
            ),
            Some(format!("claims of the type {groups}, which")),
        ),
        (String::new(), Some(String::from("there is no acceptance rule"))),
    ] {
        let section = format!("[active_directory]\nacceptance_rules = '''{rules}'''");
        fixture.write("chancery.toml", &format!("{complete}\n{section}\n"));
        let outcome = fixture.loader().load();
        let found = render::report(&outcome.report, false);
        assert!(outcome.loaded.is_some(), "{found}");
        match said {
            Some(said) => assert!(found.contains(&said), "{rules}: {found}"),
            None => assert!(!found.contains("acceptance rule") && !found.contains("may state"), "{found}"),
        }
    }
}

#[test]
fn assertions_that_are_good_once_need_a_key() {
    let fixture = Fixture::complete();
    fixture.write("trusts/client.pem", include_str!("../../devices/sample-device.pem"));
    fixture.secret("trusts/secret", b"0123456789abcdef0123456789abcdef\n");
    for (proof, good) in [("secret_file = 'secret'", false), ("certificate_files = ['client.pem']", true)] {
        let text = format!(
            "[client]\nid = 'once'\nkind = 'server'\n{proof}\nsingle_use_assertions = true\ngrants = ['client_credentials']\n"
        );
        fixture.write("trusts/once.toml", &text);
        let outcome = fixture.loader().load();
        let said = render::report(&outcome.report, false);
        assert_eq!(outcome.loaded.is_some(), good, "{said}");
        assert_eq!(said.contains("the client has no key to sign assertions with"), !good, "{said}");
    }
}

#[test]
fn no_client_reaches_device_registration_by_a_code() {
    let fixture = Fixture::complete();
    let (everywhere, here) = ("urn:ms-drs:434DF4A9-3CF2-4C1D-917E-2CD2B72F515A", "urn:ms-drs:sts.corp.example");
    for (id, resource, grant, good) in [
        ("tv", "urn:example:rp", "device_code", true),
        ("tv", everywhere, "device_code", false),
        ("tv", here, "device_code", false),
        // A client may ask for what bears its own id.
        (everywhere, "urn:example:rp", "device_code", false),
        (here, "urn:example:rp", "device_code", false),
        ("tv", everywhere, "password", true),
    ] {
        let text =
            format!("[client]\nid = '{id}'\nkind = 'native'\ngrants = ['{grant}']\nresources = ['{resource}']\n");
        fixture.write("trusts/tv.toml", &text);
        let outcome = fixture.loader().load();
        let said = render::report(&outcome.report, false);
        assert_eq!(outcome.loaded.is_some(), good, "{text}{said}");
        assert_eq!(said.contains("a code must not give access to device registration"), !good, "{text}{said}");
    }
}

#[test]
fn trusts_beyond_the_most_are_an_error_and_not_forgotten() {
    let fixture = Fixture::new();
    for number in 0..3 {
        fixture.write(&format!("trusts/{number}.toml"), "");
    }
    let directory = fixture.path().join("trusts");
    let mut report = Report::default();
    let most = readable_trust_files(&directory, 1000, &mut report).len();
    assert!(!report.has_errors());
    assert_eq!(readable_trust_files(&directory, most - 1, &mut report).len(), most - 1);
    let said = render::report(&report, false);
    assert!(report.has_errors() && said.contains(&format!("there are {most} files of trusts")), "{said}");
}

#[test]
fn secrets_stand_in_no_form_of_the_output() {
    let fixture = Fixture::new();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/testdata/secrets"), fixture.path());
    let outcome = fixture.loader().load();
    let json = serde_json::to_string(&outcome.report).unwrap();
    for text in [json, render::report(&outcome.report, true), format!("{:?}", outcome.report)] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
