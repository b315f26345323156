//! Replacing a configuration: what is served, what is refused, and what is remembered of it.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::fixture::{COMPLETE, Fixture};
use crate::config::diagnostic::{Code, Place, Report};
use crate::config::live::{Commit, LiveConfig, Subscriber};
use crate::config::running::{LastReload, ReloadResult};
use crate::config::{Environment, Loaded};

fn start(fixture: &Fixture) -> LiveConfig {
    let loader = fixture.loader();
    let outcome = loader.load();
    LiveConfig::new(loader, outcome.loaded.unwrap(), outcome.report)
}

fn renamed(name: &str) -> String {
    COMPLETE.replace("display_name = \"Corp\"", &format!("display_name = \"{name}\""))
}

fn last(fixture: &Fixture) -> LastReload {
    LastReload::read(&fixture.path().join("state/last-reload.json")).unwrap()
}

#[test]
fn a_good_change_is_served() {
    let fixture = Fixture::complete();
    let live = start(&fixture);
    assert_eq!((last(&fixture).attempt, last(&fixture).result), (1, ReloadResult::Served));
    fixture.write("chancery.toml", &renamed("New"));
    let reload = live.reload();
    assert_eq!((reload.result, reload.generation, reload.attempt), (ReloadResult::Served, 2, 2));
    assert_eq!(live.current().config.service.display_name, "New");
    assert_eq!(last(&fixture), reload);
    assert_eq!(reload.read_digest, fixture.loader().load().fingerprint.digest());
}

#[test]
fn a_bad_change_is_refused_and_remembered() {
    let fixture = Fixture::complete();
    let live = start(&fixture);
    let served = live.current().fingerprint.digest();
    fixture.write("chancery.toml", &renamed("New").replace("[keys]", "[kess]"));
    let reload = live.reload();
    assert_eq!((reload.result, reload.generation), (ReloadResult::Refused, 1));
    assert_eq!(live.current().config.service.display_name, "Corp");
    assert_eq!(reload.served_digest, served);
    assert_ne!(reload.read_digest, served);
    assert!(last(&fixture).findings.iter().any(|finding| finding.code == Code::UnknownKey));
}

/// The rules of a running trust are replaced by damaged ones: the old ones go on being served, and the finding names the line.
#[test]
fn a_broken_rule_is_refused_at_its_line() {
    let fixture = Fixture::complete();
    let trust = "[relying_party]\nname = 'x'\nidentifiers = ['urn:x']\naccess_control_policy = 'permit-everyone'\n";
    let good = "=> issue(Type = \"urn:a\", Value = \"1\");";
    fixture.write("trusts/x.toml", &format!("{trust}transform_rules = '''\n{good}\n'''\n"));
    fixture.write("trusts/y.toml", &format!("{}transform_rules_file = 'y.rules'\n", trust.replace("urn:x", "urn:y")));
    fixture.write("trusts/y.rules", good);
    let live = start(&fixture);
    let bad = "c:[Type == \"urn:b\" Value == \"1\"] => issue(claim = c);";
    for (file, text, line, column) in [
        ("x.toml", format!("{trust}transform_rules = '''\n{good}\n\n{bad}\n'''\n"), 8, 20),
        ("y.rules", format!("{good}\n{bad}\n"), 2, 20),
    ] {
        let before = std::fs::read_to_string(fixture.path().join("trusts").join(file)).unwrap();
        fixture.write(&format!("trusts/{file}"), &text);
        let reload = live.reload();
        assert_eq!((reload.result, reload.generation), (ReloadResult::Refused, 1), "{file}");
        let trust = live.current();
        let party = trust.trusts.relying_parties().iter().find(|party| party.name == "x").unwrap();
        assert_eq!(&**party.transform.text(), format!("{good}\n"));
        let finding = reload.findings.iter().find(|finding| finding.code == Code::ClaimRule).unwrap();
        assert!(
            matches!(&finding.place, Place::Text { line: l, column: c, .. } if (*l, *c) == (line, column)),
            "{finding:?}"
        );
        assert!(finding.help.contains("comma"), "{finding:?}");
        fixture.write(&format!("trusts/{file}"), &before);
    }
    // Octets that are no UTF-8 are named by line as well.
    fs::write(fixture.path().join("trusts/y.rules"), b"=> issue(Type = \"urn:a\");\n@RuleName = \"Gr\xF6\xDFe\"\n")
        .unwrap();
    let reload = live.reload();
    assert_eq!(reload.result, ReloadResult::Refused);
    let finding = reload.findings.iter().find(|finding| finding.code == Code::ClaimRule).unwrap();
    assert!(finding.message.contains("line 2, column 16"), "{finding:?}");
}

#[test]
fn a_bad_trust_refuses_the_whole_change() {
    let fixture = Fixture::complete();
    let live = start(&fixture);
    fixture.write("trusts/new.toml", "[relying_party]\nname = 'x'\nidentifiers = ['urn:x']\ntransform_rules = 'c:['");
    assert_eq!(live.reload().result, ReloadResult::Refused);
    assert!(matches!(live.current().trusts.relying_party("urn:x"), crate::trusts::TrustLookup::Unknown));
}

#[test]
fn a_change_of_any_file_is_noticed_once_it_stays() {
    let fixture = Fixture::complete();
    fixture.write("trusts/example.toml", include_str!("../testdata/complete/trusts/example.toml"));
    let live = start(&fixture);
    assert_eq!(live.poll(), None);
    for name in ["chancery.toml", "trusts/example.toml", "tls.crt", "trusts/new.toml"] {
        let path = fixture.path().join(name);
        let mut content = fs::read(&path).unwrap_or_default();
        content.extend(if name == "trusts/new.toml" {
            &b"[relying_party]\nname = 'n'\nidentifiers = ['urn:new']\naccess_control_policy = 'permit-everyone'"[..]
        } else {
            b"\n"
        });
        fs::write(&path, content).unwrap();
        assert_eq!(live.poll(), None, "{name}: it may still be being written");
        assert_eq!(live.poll().unwrap().result, ReloadResult::Served, "{name}");
        assert_eq!(live.poll(), None, "{name}");
    }
    fs::remove_file(fixture.path().join("trusts/new.toml")).unwrap();
    assert_eq!(live.poll(), None);
    assert_eq!(live.poll().unwrap().result, ReloadResult::Served);
    assert_eq!(live.current().generation, 6);
}

#[test]
fn a_file_that_keeps_changing_is_left_alone() {
    let fixture = Fixture::complete();
    let live = start(&fixture);
    for round in 0..4 {
        fixture.write("chancery.toml", &renamed(&format!("Name {round}")));
        assert_eq!(live.poll(), None);
    }
}

#[test]
fn a_refused_change_is_read_once() {
    let fixture = Fixture::complete();
    let live = start(&fixture);
    fixture.write("chancery.toml", "this is no configuration");
    live.poll();
    assert_eq!(live.poll().unwrap().result, ReloadResult::Refused);
    assert_eq!(live.poll(), None);
    // A certificate that is renewed meanwhile does not make it read again and again either.
    let renewed = format!("{}\n", fs::read_to_string(fixture.path().join("tls.crt")).unwrap());
    fixture.write("tls.crt", &renewed);
    live.poll();
    live.poll();
    assert_eq!(live.poll(), None);
    fixture.write("chancery.toml", COMPLETE);
    live.poll();
    assert_eq!(live.poll().unwrap().result, ReloadResult::Served);
}

#[test]
fn a_swapped_link_is_a_change() {
    let fixture = Fixture::new();
    for (version, name) in [("..v1", "One"), ("..v2", "Two")] {
        fixture.write(&format!("{version}/chancery.toml"), &renamed(name));
    }
    symlink("..v1", fixture.path().join("..data")).unwrap();
    symlink("..data/chancery.toml", fixture.path().join("chancery.toml")).unwrap();
    let live = start(&fixture);
    assert_eq!(live.current().config.service.display_name, "One");
    symlink("..v2", fixture.path().join("..new")).unwrap();
    fs::rename(fixture.path().join("..new"), fixture.path().join("..data")).unwrap();
    live.poll();
    assert_eq!(live.poll().unwrap().result, ReloadResult::Served);
    assert_eq!(live.current().config.service.display_name, "Two");
}

#[test]
fn the_digest_does_not_depend_on_how_the_directory_is_named() {
    let fixture = Fixture::complete();
    symlink(fixture.path(), fixture.path().join("alias")).unwrap();
    let mut other = fixture.loader();
    other.file = fixture.path().join("alias/chancery.toml");
    assert_eq!(other.load().fingerprint.digest(), fixture.loader().load().fingerprint.digest());
}

struct Part {
    refuses: bool,
    generation: Arc<AtomicU64>,
}

impl Subscriber for Part {
    fn prepare(&self, next: &Arc<Loaded>) -> Result<Commit, Report> {
        let mut report = Report::default();
        if self.refuses {
            let place = Place::File { file: "tls.crt".into() };
            report.error(Code::Certificate, place, "the listener cannot use it", "");
            return Err(report);
        }
        let (generation, target) = (next.generation, Arc::clone(&self.generation));
        Ok(Box::new(move || target.store(generation, Ordering::SeqCst)))
    }
}

#[test]
fn one_part_that_cannot_prepare_keeps_all_on_the_old_one() {
    let fixture = Fixture::complete();
    let live = start(&fixture);
    let seen = Arc::new(AtomicU64::new(1));
    live.subscribe(Arc::new(Part { refuses: false, generation: Arc::clone(&seen) }));
    assert_eq!(live.reload().result, ReloadResult::Served);
    assert_eq!(seen.load(Ordering::SeqCst), 2);
    live.subscribe(Arc::new(Part { refuses: true, generation: Arc::clone(&seen) }));
    let reload = live.reload();
    assert_eq!((reload.result, reload.generation), (ReloadResult::Refused, 2));
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

#[test]
fn what_needs_a_restart_is_said() {
    let fixture = Fixture::complete();
    let live = start(&fixture);
    fixture.write("chancery.toml", &COMPLETE.replace("[server]", "[server]\nhttps = ['0.0.0.0:8443']"));
    let reload = live.reload();
    assert_eq!(reload.result, ReloadResult::Served);
    assert!(reload.findings.iter().any(|f| f.code == Code::RestartNeeded && f.message.contains("server.https")));
}

#[test]
fn each_key_that_only_a_start_reads_is_said_and_no_other() {
    for (under, text, said) in [
        ("[server]", "shutdown_grace_seconds = 7", Some("server.shutdown_grace_seconds")),
        ("[server]", "log = { level = 'debug' }", Some("server.log")),
        ("[server]", "limits = { workers = 3 }", Some("server.limits.workers")),
        ("[server]", "limits = { keep_alive_seconds = 9 }", Some("server.limits.keep_alive_seconds")),
        ("[server]", "limits = { body_bytes = 70000 }", None),
        ("[keys]", "directory = 'other'", Some("keys.directory")),
        ("[keys]", "certificate_lifetime_days = 30", None),
    ] {
        let fixture = Fixture::complete();
        let live = start(&fixture);
        fixture.write("chancery.toml", &COMPLETE.replace(under, &format!("{under}\n{text}")));
        let reload = live.reload();
        assert_eq!(reload.result, ReloadResult::Served, "{text}: {:?}", reload.findings);
        assert_eq!(needing_restart(&reload), said.into_iter().collect::<Vec<_>>(), "{text}");
    }
    for (text, said) in [
        ("sink = 'file'\nfile = 'audit.jsonl'", vec!["audit.sink", "audit.file"]),
        ("on_failure = 'stop_issuance'", vec!["audit.on_failure"]),
        ("claims = 'none'", vec![]),
    ] {
        let fixture = Fixture::complete();
        let live = start(&fixture);
        fixture.write("chancery.toml", &format!("{COMPLETE}\n[audit]\n{text}\n"));
        let reload = live.reload();
        assert_eq!(reload.result, ReloadResult::Served, "{text}: {:?}", reload.findings);
        assert_eq!(needing_restart(&reload), said, "{text}");
    }
}

/// The keys that a reload says need a restart.
fn needing_restart(reload: &LastReload) -> Vec<&str> {
    let said = reload.findings.iter().filter(|finding| finding.code == Code::RestartNeeded);
    said.filter_map(|finding| finding.message.split('`').nth(1)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_signal_reloads() {
    // Taken first, so that the signal can never end the test program.
    let _mine = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).unwrap();
    let fixture = Fixture::complete();
    let live = Arc::new(start(&fixture));
    let watching = tokio::spawn(Arc::clone(&live).watch(Duration::from_hours(1)));
    fixture.write("chancery.toml", &renamed("New"));
    tokio::time::timeout(Duration::from_secs(20), async {
        while live.current().config.service.display_name != "New" {
            crate::config::running::signal_reload(std::process::id()).unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    watching.abort();
}

#[test]
fn loaders_differ_by_environment_only_where_it_matters() {
    let fixture = Fixture::complete();
    let environment = Environment::new([(String::from("PATH"), String::from("/bin"))]);
    assert_eq!(environment, Environment::default());
    assert!(fixture.loader_with(environment).load().loaded.is_some());
}

#[test]
fn acceptance_rules_of_active_directory_are_part_of_the_configuration() {
    let fixture = Fixture::complete();
    let section = "\n[active_directory]\nacceptance_rules_file = \"active-directory.rules\"\n";
    fixture.write("chancery.toml", &format!("{COMPLETE}{section}"));
    let good = "c:[Type == \"urn:a\"] => issue(claim = c);\n";
    fixture.write("active-directory.rules", good);
    let live = start(&fixture);
    let served = || live.current().trusts.local_acceptance().map(|rules| rules.text().to_string());
    assert_eq!(served().as_deref(), Some(good));

    // A change of the file alone is a change.
    let other = "c:[Type == \"urn:b\"] => issue(claim = c);\n";
    fixture.write("active-directory.rules", other);
    assert!(live.poll().is_none());
    assert_eq!(live.poll().map(|reload| reload.result), Some(ReloadResult::Served));
    assert_eq!(served().as_deref(), Some(other));

    fixture.write("active-directory.rules", &format!("{other}c:[Type = \"urn:c\"] => issue(claim = c);\n"));
    let reload = live.reload();
    assert_eq!(reload.result, ReloadResult::Refused);
    assert_eq!(served().as_deref(), Some(other));
    let finding = reload.findings.iter().find(|finding| finding.code == Code::ClaimRule).unwrap();
    assert!(
        matches!(&finding.place, Place::Text { file, line: 2, .. } if file.ends_with("active-directory.rules")),
        "{finding:?}"
    );

    // Without the section the rules of the product hold.
    fixture.write("chancery.toml", COMPLETE);
    assert_eq!(live.reload().result, ReloadResult::Served);
    assert_eq!(served(), None);
}
