//! `chancery claims check` and `chancery claims fmt` as an administrator runs them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use chancery::claims::lint::LintCode;

/// A directory of rule files in which the program runs.
struct Workplace(tempfile::TempDir);

impl Workplace {
    fn with(files: &[(&str, &str)]) -> Self {
        let workplace = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            std::fs::write(workplace.path(name), text).unwrap();
        }
        workplace
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chancery"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("COLUMNS", "100");
        command.current_dir(self.0.path()).arg("claims").args(arguments).stdin(Stdio::null());
        command
    }

    /// Runs a command with a text on standard input.
    fn feed(&self, arguments: &[&str], text: &[u8]) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text).unwrap();
        child.wait_with_output().unwrap()
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_str(&out(output)).unwrap_or_else(|error| panic!("{error}: {}", out(output)))
}

const GOOD: &str = "c:[Type == \"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\"]\n => issue(claim = c);\n";
const BAD: &str = "c:[Type == \"urn:a\" Value == \"1\"] => issue(claim = c);\n\n@RuleName = \"second\"\nc:[Value =~ \"(?[^@]+)@x\"] => issue(claim = c);\n";
const ODD: &str = "c:[Type == \"http://schemas.microsoft.com/ws/2008/06/identity/claims/groupsid\", Value =~ \"S-1-5-21-1-2-3-1117\"]\n => issue(claim = c);\n";

#[test]
fn exit_status_says_what_was_found() {
    let workplace = Workplace::with(&[("good.rules", GOOD), ("bad.rules", BAD), ("odd.rules", ODD)]);
    for (line, status) in [
        (&["check", "good.rules"][..], 0),
        (&["check", "odd.rules"], 0),
        (&["check", "--deny-warnings", "odd.rules", "good.rules"], 2),
        (&["check", "--deny-warnings", "good.rules"], 0),
        (&["check", "bad.rules"], 1),
        (&["check", "--deny-warnings", "odd.rules", "bad.rules"], 1),
        (&["check", "missing.rules"], 1),
        (&["check"], 2),
        (&["check", "--stage", "issuance", "good.rules"], 2),
        (&["fmt", "--check", "good.rules"], 0),
        (&["fmt", "--check", "bad.rules"], 1),
    ] {
        let output = workplace.run(line);
        assert_eq!(output.status.code(), Some(status), "{line:?}: {}{}", out(&output), err(&output));
    }
}

#[test]
fn findings_for_people() {
    let workplace = Workplace::with(&[("bad.rules", BAD), ("odd.rules", ODD)]);
    insta::assert_snapshot!(
        "claims-check-human",
        out(&workplace.run(&["check", "bad.rules", "odd.rules", "missing.rules"]))
    );
}

#[test]
fn findings_for_programs() {
    let workplace = Workplace::with(&[("bad.rules", BAD), ("odd.rules", ODD)]);
    insta::assert_snapshot!(
        "claims-check-json",
        out(&workplace.run(&["check", "--format", "json", "bad.rules", "odd.rules"]))
    );
}

#[test]
fn rule_sets_of_a_trust_file_are_checked_at_their_lines() {
    let trust = "[relying_party]\nname = 'Entra'\nidentifiers = ['urn:federation:MicrosoftOnline']\n\
                 additional_authentication_rules = '''\n\
                 => issue(Type = \"http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationmethod\", Value = \"http://schemas.microsoft.com/claims/multipleauthn\");\n'''\n\
                 authorization_rules = 'c:[] => issue(Type = \"http://schemas.microsoft.com/authorization/claims/permit\");'\n\
                 transform_rules_file = 'beside.rules'\n\
                 [claims_provider]\nacceptance_rules = \"c:[Type == \\\"urn:p\\\"] => issue(claim = d);\"\n\
                 [active_directory]\nacceptance_rules = 'c:[Typ == \"x\"] => issue(claim = c);'\n";
    let workplace =
        Workplace::with(&[("trust.toml", trust), ("beside.rules", "\nc:[Typ == \"x\"] => issue(claim = c);\n")]);
    for text in [trust.to_owned(), trust.replace('\n', "\r\n")] {
        std::fs::write(workplace.path("trust.toml"), text).unwrap();
        let output = workplace.run(&["check", "--format", "json", "trust.toml"]);
        assert_eq!(output.status.code(), Some(1));
        let answer = json(&output);
        let found: Vec<(String, String, u64, u64)> = answer["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| {
                let text = |key: &str| finding[key].as_str().unwrap().to_owned();
                (text("file"), text("code"), finding["line"].as_u64().unwrap(), finding["column"].as_u64().unwrap())
            })
            .collect();
        let expected = [
            ("trust.toml", "syntax", 12, 24),
            ("trust.toml (claims_provider.acceptance_rules)", "unknown-tag", 1, 38),
            ("trust.toml", "second-factor-for-computers", 5, 4),
            ("trust.toml", "permit-needs-a-claim", 7, 24),
            ("beside.rules", "syntax", 2, 4),
        ];
        let found: Vec<(&str, &str, u64, u64)> =
            found.iter().map(|(file, code, line, column)| (&**file, &**code, *line, *column)).collect();
        assert_eq!(found, expected);
    }
    std::fs::write(workplace.path("broken.toml"), "[relying_party\nname = 1\n").unwrap();
    let output = workplace.run(&["check", "broken.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("no TOML") && out(&output).contains("broken.toml:1:"), "{}", out(&output));
}

#[test]
fn what_there_is_can_be_named() {
    let rules =
        "c:[Type == \"urn:own\"] => issue(store = \"HR\", types = (\"urn:x\"), query = \"q\", param = c.Value);\n";
    let workplace = Workplace::with(&[("hr.rules", rules)]);
    let codes = |line: &[&str]| -> Vec<String> {
        let answer = json(&workplace.run(line));
        answer["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["code"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(codes(&["check", "--format", "json", "hr.rules"]), ["unknown-claim-type", "unknown-store"]);
    let named = ["check", "--format", "json", "--store", "hr", "--claim-type", "urn:own", "hr.rules"];
    assert_eq!(codes(&named), [""; 0]);
}

#[test]
fn other_encodings_and_sizes_are_refused_with_their_place() {
    let workplace = Workplace::with(&[]);
    std::fs::write(workplace.path("latin.rules"), b"@RuleName = \"a\"\n=> issue(Type = \"\xE4\");\n").unwrap();
    std::fs::write(workplace.path("wide.rules"), b"\xFF\xFE=\0>\0").unwrap();
    std::fs::write(workplace.path("long.rules"), " ".repeat((1 << 20) + 10)).unwrap();
    std::fs::write(workplace.path("most.rules"), "=>add(Type=\"t\");\n".repeat(10_000)).unwrap();
    std::fs::write(workplace.path("many.rules"), "=>add(Type=\"t\");\n".repeat(10_001)).unwrap();
    for (file, says) in [
        ("latin.rules", "latin.rules:2:18"),
        ("wide.rules", "UTF-16"),
        ("long.rules", "longer than"),
        ("many.rules", "more than 10000 rules"),
    ] {
        let output = workplace.run(&["check", file]);
        assert_eq!(output.status.code(), Some(1), "{file}");
        assert!(out(&output).contains(says), "{file}: {}", out(&output));
    }
    assert_eq!(workplace.run(&["check", "most.rules"]).status.code(), Some(0));
    // A line as long as the text is shown in part, and nothing of a file steers the terminal.
    let line = format!("=> issue(Type = \"{}\" \u{1b}[31m Value);", "ä".repeat(200_000));
    std::fs::write(workplace.path("line.rules"), line).unwrap();
    let shown = out(&workplace.run(&["check", "line.rules"]));
    assert!(shown.len() < 2000 && !shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn formatting_changes_the_layout_alone() {
    let untidy = "c : [ type==\"urn:a\",value=~\"^x$\" ]&&not exists([])=>ISSUE( claim=c );=>add(type=\"t\");";
    let tidy =
        "c:[Type == \"urn:a\", Value =~ \"^x$\"]\n && NOT EXISTS([])\n => issue(claim = c);\n\n=> add(Type = \"t\");\n";
    let workplace = Workplace::with(&[("a.rules", untidy), ("good.rules", GOOD), ("t.toml", "")]);
    let output = workplace.run(&["fmt", "--check", "a.rules", "good.rules"]);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(1), "a.rules\n"));
    assert_eq!(workplace.read("a.rules"), untidy, "--check changes nothing");
    assert_eq!(workplace.run(&["fmt", "a.rules", "good.rules"]).status.code(), Some(0));
    assert_eq!((workplace.read("a.rules").as_str(), workplace.read("good.rules").as_str()), (tidy, GOOD));
    assert_eq!(workplace.run(&["fmt", "--check", "a.rules", "good.rules"]).status.code(), Some(0));
    assert_eq!(out(&workplace.feed(&["fmt", "-"], untidy.as_bytes())), tidy);
    assert_eq!(workplace.feed(&["fmt", "--check", "-"], untidy.as_bytes()).status.code(), Some(1));

    for (input, says) in [
        (&b"c:["[..], "POLICY0030"),
        (b"=> issue(Type = \"\xFF\");", "0xFF"),
        (b"// c\n=> add(Type = \"t\");", "comment"),
    ] {
        let output = workplace.feed(&["fmt", "-"], input);
        assert_eq!(output.status.code(), Some(1));
        assert!(err(&output).contains(says) && out(&output).is_empty(), "{}", err(&output));
    }
    let windows = workplace.feed(&["fmt", "-"], b"=>add(Type=\"t\");\r\n=>add(Type=\"u\");");
    assert_eq!(out(&windows), "=> add(Type = \"t\");\r\n\r\n=> add(Type = \"u\");\r\n");
    let commented = workplace.feed(&["fmt", "--allow-comments", "-"], b"// c\n=>add(Type=\"t\");");
    assert_eq!(out(&commented), "// c\n=> add(Type = \"t\");\n");
    let lenient = workplace.feed(&["fmt", "--lenient", "-"], b"=>add(Type=\"t\")");
    assert_eq!(out(&lenient), "=> add(Type = \"t\");\n");
    assert!(err(&workplace.run(&["fmt", "t.toml"])).contains("transform_rules_file"));
    assert_eq!(workplace.run(&["fmt", "missing.rules"]).status.code(), Some(1));
}

/// A file that was read is the file that is written: through links, and with its mode.
#[cfg(unix)]
#[test]
fn formatting_keeps_links_and_modes() {
    use std::os::unix::fs::PermissionsExt as _;
    let workplace = Workplace::with(&[("a.rules", "=>add(Type=\"t\");")]);
    std::fs::set_permissions(workplace.path("a.rules"), std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("a.rules", workplace.path("link.rules")).unwrap();
    assert_eq!(workplace.run(&["fmt", "link.rules"]).status.code(), Some(0));
    assert!(workplace.path("link.rules").is_symlink());
    assert_eq!(workplace.read("a.rules"), "=> add(Type = \"t\");\n");
    assert_eq!(std::fs::metadata(workplace.path("a.rules")).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn rules_are_said_in_sentences() {
    let rules = "@RuleName = \"Pass\"\nc:[Type == \"urn:a\", Value =~ \"^x\"] => issue(claim = c);\n=> add(Type = \"urn:b\", Value = \"1\");\n";
    let workplace = Workplace::with(&[("a.rules", rules), ("bad.rules", BAD)]);
    let output = workplace.run(&["describe", "a.rules"]);
    assert_eq!(output.status.code(), Some(0));
    let expected = "1. Pass\n   Passes on each urn:a claim whose value begins with \"x\" as it is.\n\n\
                    2.\n   Always: add urn:b = \"1\", for later rules only.\n\n";
    assert_eq!(out(&output), expected);
    let output = workplace.run(&["describe", "bad.rules"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("POLICY0030") && out(&output).is_empty(), "{}", err(&output));
    assert_eq!(workplace.run(&["describe", "missing.rules"]).status.code(), Some(1));
}

/// The page about rules explains every kind of advice, and no other.
#[test]
fn the_documentation_names_every_lint() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/claim-rules.md")).unwrap();
    let section = page.split("## Advice").nth(1).expect("a section about advice");
    let documented: Vec<&str> =
        section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(code, _)| code).collect();
    let known: Vec<&str> = LintCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(documented, known);
}

#[test]
fn access_control_policies_are_checked_at_their_lines() {
    let policies = "[[access_control_policies]]\nname = 'Ours'\n[[access_control_policies.permit]]\n\
                    when = { groups = ['Domain Admins'] }\n\
                    [[access_control_policies]]\nname = 'Never'\n[[access_control_policies.permit]]\n\
                    when = { location = 'extranet' }\nexcept = [{ location = 'extranet' }]\n\
                    [[access_control_policies]]\nname = 'People'\n[[access_control_policies.permit]]\n\
                    when = { groups = ['S-1-5-21-1-2-3-1110'] }\n\
                    [entra]\nenabled = true\naccess_control_policy = 'people'\n[server]\nnobody_knows = 'this'\n";
    let trust = "[relying_party]\nname = 'x'\nidentifiers = ['urn:federation:MicrosoftOnline']\n\
                 access_control_policy = 'permit-everyone-and-require-mfa'\n";
    let group = "[relying_party]\nname = 'y'\nidentifiers = ['urn:y']\naccess_control_policy = 'permit-specific-group'\n\
                 access_control_policy_parameters = { groups = ['everybody'] }\n";
    let elsewhere = "[relying_party]\nname = 'z'\nidentifiers = ['urn:z']\naccess_control_policy = 'of another file'\n";
    let workplace = Workplace::with(&[
        ("chancery.toml", policies),
        ("trust.toml", trust),
        ("group.toml", group),
        ("elsewhere.toml", elsewhere),
    ]);
    for (file, status, expected) in [
        (
            "chancery.toml",
            1,
            &[
                ("error", 4, 20, "`Domain Admins` is neither a SID nor a group name"),
                ("advice", 7, 0, "the policy permits nobody"),
                ("advice", 16, 25, "computers cannot join Entra: the policy does not permit them"),
            ][..],
        ),
        (
            "trust.toml",
            0,
            &[
                ("warning", 4, 25, "asks for a second factor"),
                ("advice", 4, 25, "computers cannot join Entra: the policy asks them for a second factor"),
            ],
        ),
        ("group.toml", 1, &[("error", 5, 0, "`everybody` is neither a SID nor a group name")]),
        ("elsewhere.toml", 0, &[]),
    ] {
        let output = workplace.run(&["check", "--format", "json", file]);
        assert_eq!(output.status.code(), Some(status), "{file}: {}", out(&output));
        let answer = json(&output);
        let found = answer["findings"].as_array().unwrap();
        assert_eq!(found.len(), expected.len(), "{file}: {answer:#}");
        for (finding, (severity, line, column, said)) in found.iter().zip(expected) {
            assert_eq!(
                (&finding["code"], &finding["severity"]),
                (&"policy".into(), &(*severity).into()),
                "{finding:#}"
            );
            assert_eq!(finding["line"], *line, "{finding:#}");
            assert!(*column == 0 || finding["column"] == *column, "{finding:#}");
            assert!(finding["message"].as_str().unwrap().contains(said), "{finding:#}");
        }
    }
}
