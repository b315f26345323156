//! The commands against a configuration directory and a running `LiveConfig`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use clap::CommandFactory as _;

use super::*;
use crate::config::live::LiveConfig;
use crate::config::running::{PidFile, ReloadResult};
use crate::config::tests::fixture::{COMPLETE, Fixture};

#[test]
fn the_command_line_is_consistent() {
    CommandLine::command().debug_assert();
}

fn command(line: &[&str]) -> Command {
    CommandLine::try_parse_from(["chancery"].iter().chain(line)).unwrap().command
}

#[test]
fn what_init_writes_passes_the_check() {
    let fixture = Fixture::new();
    let file = fixture.path().join("chancery.toml");
    std::fs::remove_file(fixture.path().join("kek")).unwrap();
    let line = [
        "init",
        "--config",
        file.to_str().unwrap(),
        "--domain",
        "corp.example",
        "--sid",
        "S-1-5-21-1004336348-1177238915-682003330",
        "--dc",
        "dc1.corp.example",
        "--intranet",
        "10.0.0.0/8",
        "--federation-service-name",
        "sts.corp.example",
        "--state-directory",
        "state",
    ];
    let Command::Init(init) = command(&line) else { panic!("init") };
    let written = init.write(&file).unwrap();
    assert_eq!(written, [file.clone(), fixture.path().join("kek")]);
    let outcome = fixture.loader().load();
    assert_eq!(outcome.report, crate::config::diagnostic::Report::default());
    // Entra, and the two resources that Windows knows by fixed names.
    assert_eq!(outcome.loaded.unwrap().trusts.relying_parties().len(), 3);

    let before = std::fs::read(&file).unwrap();
    let Command::Init(again) = command(&line) else { panic!("init") };
    assert!(again.write(&file).is_err());
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn a_configuration_path_without_extension_is_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let inside = |name: &str| directory.path().join(name);
    std::fs::write(inside("file"), "").unwrap();
    for (path, file) in
        [("new", "new/chancery.toml"), (".", "chancery.toml"), ("new.toml", "new.toml"), ("file", "file")]
    {
        assert_eq!(file_in(&inside(path)).components().collect::<PathBuf>(), inside(file), "{path}");
    }
}

fn reload_command(fixture: &Fixture) -> reload::Reload {
    let file = fixture.path().join("chancery.toml");
    let Command::Reload(reload) = command(&["reload", "--config", file.to_str().unwrap(), "--wait", "--timeout", "20"])
    else {
        panic!("reload")
    };
    reload
}

#[test]
fn without_a_server_there_is_nothing_to_reload() {
    let fixture = Fixture::complete();
    let error = reload_command(&fixture).reload().unwrap_err();
    assert!(error.to_string().contains("no server runs"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reload_waits_until_the_change_is_served_or_refused() {
    // Taken first, so that the signal can never end the test program.
    let _mine = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).unwrap();
    let fixture = Arc::new(Fixture::complete());
    let outcome = fixture.loader().load();
    let mut pid = PidFile::acquire(&fixture.path().join("state/chancery.pid")).unwrap();
    pid.announce().unwrap();
    let live = Arc::new(LiveConfig::new(fixture.loader(), outcome.loaded.unwrap(), outcome.report));
    let mut watching = Box::pin(Arc::clone(&live).watch(Duration::from_hours(1)));
    // Its first step puts the signal handler in place.
    assert!(futures_util::poll!(&mut watching).is_pending());
    let watching = tokio::spawn(watching);
    let reload = |fixture: &Arc<Fixture>| {
        let fixture = Arc::clone(fixture);
        tokio::task::spawn_blocking(move || reload_command(&fixture).reload().unwrap().unwrap())
    };

    fixture.write("chancery.toml", &COMPLETE.replace("\"Corp\"", "\"New\""));
    let last = reload(&fixture).await.unwrap();
    assert_eq!((last.result, last.findings.errors()), (ReloadResult::Served, 0));
    assert_eq!(live.current().config.service.display_name, "New");

    fixture.write("chancery.toml", &COMPLETE.replace("display_name", "displayname"));
    let last = reload(&fixture).await.unwrap();
    assert_eq!((last.result, last.findings.errors()), (ReloadResult::Refused, 1));
    assert_eq!(live.current().config.service.display_name, "New");

    // `check` tells of it while the server runs, whatever the files say meanwhile.
    fixture.write("chancery.toml", COMPLETE);
    let outcome = fixture.loader().load();
    let text = check::describe(&fixture.path().join("chancery.toml"), &outcome);
    assert!(text.contains("refused an earlier change") && text.contains("did you mean `display_name`?"), "{text}");
    watching.abort();
}
