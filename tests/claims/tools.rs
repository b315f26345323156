//! `chancery claims run`, `test` and `explain` as the compiled program: files in, text and exit status out.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{chancery, err, out};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/claims/vectors");

const ROLES: &str = r#"@RuleName = "groups of the account"
c:[Type == "account"] => add(store = "Active Directory", types = ("group"), query = ";memberOf;{0}", param = c.Value);
@RuleName = "sales"
EXISTS([Type == "group", Value == "sales"]) => issue(Type = "role", Value = "Seller");
@RuleName = "everybody"
c:[Type == "account", Issuer =~ "^(AD|SELF) AUTHORITY$"]
 && NOT EXISTS([Type == "guest"])
 => issue(Type = "role", Value = "Reader");
@RuleName = "mail"
c:[Type == "https://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"] => issue(claim = c);
"#;

fn roles_case() -> Value {
    json!({ "remark": "members that nobody knows are no mistake", "stage": "issuance-transform", "cases": [{
        "name": "a seller",
        "clauses": ["informative"],
        "input": [
            { "type": "account", "value": "CORP\\alice" },
            { "type": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "value": "alice@corp.example" }
        ],
        "stores": [{ "store": "active directory", "query": ";memberOf;{0}", "params": ["CORP\\alice"], "rows": [["Sales"], [null]] }],
        "output": [{ "type": "role", "value": "Seller" }, { "type": "role", "value": "Reader" }],
        "outputCount": 2,
        "storeCalls": 1
    }] })
}

/// A directory with these files.
fn files(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    directory
}

fn path(directory: &tempfile::TempDir, name: &str) -> String {
    directory.path().join(name).to_str().unwrap().to_owned()
}

/// What is printed, without the temporary directory's name.
fn shown(directory: &tempfile::TempDir, text: &str) -> String {
    text.replace(directory.path().to_str().unwrap(), "DIR")
}

/// What `claims run` prints for cases over rules.
fn run(rules: &str, cases: &Value) -> Value {
    let directory = files(&[("r.rules", rules), ("c.json", &cases.to_string())]);
    let output =
        chancery(&["claims", "run", &path(&directory, "r.rules"), &path(&directory, "c.json"), "--format", "json"]);
    assert!(output.status.success(), "{}", err(&output));
    serde_json::from_str(&out(&output)).unwrap()
}

/// Every expected claim is there and nothing else; a field that is absent is not compared.
fn same_claims(expected: &Value, found: &Value) -> bool {
    let list = |claims: &Value| claims.as_array().unwrap().clone();
    let describes = |expected: &Value, found: &Value| {
        expected.as_object().unwrap().iter().all(|(field, value)| found[field] == *value)
    };
    list(expected).iter().all(|claim| list(found).iter().any(|found| describes(claim, found)))
        && list(found).iter().all(|found| list(expected).iter().any(|claim| describes(claim, found)))
}

#[test]
fn the_published_rule_sets_run_and_give_what_was_worked_out() {
    let mut cases = 0;
    for entry in fs::read_dir(VECTORS).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let rules = file.with_extension("rules");
        let output = chancery(&["claims", "run", rules.to_str().unwrap(), file.to_str().unwrap(), "--format", "json"]);
        assert!(output.status.success(), "{}: {}", file.display(), err(&output));
        let answer: Value = serde_json::from_str(&out(&output)).unwrap();
        let expected: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let pairs = expected["cases"].as_array().unwrap().iter().zip(answer["cases"].as_array().unwrap());
        for (expected, found) in pairs {
            let what = format!("{} {}", file.display(), expected["name"]);
            assert_eq!(expected["name"], found["name"], "{what}");
            assert_eq!(expected["error"], found["error"], "{what}");
            if expected["error"].is_null() {
                assert!(same_claims(&expected["output"], &found["output"]), "{what}: {found:#}");
                if expected["added"].is_array() {
                    assert!(same_claims(&expected["added"], &found["added"]), "{what}: {found:#}");
                }
            }
            if expected["decision"].is_string() {
                assert_eq!(expected["decision"], found["decision"], "{what}");
            }
            cases += 1;
        }
    }
    assert_eq!(cases, 94);
}

#[test]
fn the_published_rule_sets_pass_as_tests() {
    let output = chancery(&["claims", "test", VECTORS]);
    assert!(output.status.success(), "{}", out(&output));
    assert_eq!(out(&output), "46 files, 94 cases: 94 passed, 0 failed.\n");
    let output = chancery(&["claims", "test", VECTORS, "--format", "json"]);
    let answer: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!((&answer["passed"], &answer["failed"]), (&json!(94), &json!(0)));
}

#[test]
fn claims_are_printed_whole_in_the_order_of_their_issue_and_once() {
    let rules = r#"c:[] => issue(claim = c); => issue(Type = "new", Properties["p"] = "q"); c:[] => issue(claim = c); => add(Type = "mark");"#;
    let answer = run(
        rules,
        &json!({ "cases": [{ "name": "n", "input": [
        { "type": "t", "value": "v", "issuer": "partner", "originalIssuer": "origin", "valueType": "vt", "properties": { "a": "b" } },
        { "type": "t", "value": "v" }
    ] }] }),
    );
    let claim = |kind: &str, value: &str, value_type: &str, issuer: &str, origin: &str, properties: Value| json!({ "type": kind, "value": value, "valueType": value_type, "issuer": issuer, "originalIssuer": origin, "properties": properties });
    let string = "http://www.w3.org/2001/XMLSchema#string";
    assert_eq!(
        answer,
        json!({ "cases": [{
            "name": "n",
            "output": [
                claim("t", "v", "vt", "partner", "origin", json!({ "a": "b" })),
                claim("t", "v", string, "AD AUTHORITY", "AD AUTHORITY", json!({})),
                claim("new", "", string, "LOCAL AUTHORITY", "LOCAL AUTHORITY", json!({ "p": "q" })),
            ],
            "added": [claim("mark", "", string, "LOCAL AUTHORITY", "LOCAL AUTHORITY", json!({}))]
        }] })
    );
}

#[test]
fn every_stage_decides_what_it_is_for() {
    let permit = r#"EXISTS([Type == "in"]) => issue(Type = "http://schemas.microsoft.com/authorization/claims/permit", Value = "x");"#;
    let mfa = r#"EXISTS([Type == "in"]) => issue(Type = "http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationmethod", Value = "http://schemas.microsoft.com/claims/multipleauthn");"#;
    for (rules, stage, decisions) in [
        (permit, "issuance-authorization", [json!("permit"), json!("deny")]),
        (permit, "delegation-authorization", [json!("permit"), json!("deny")]),
        (mfa, "additional-authentication", [json!("mfa"), json!("no-mfa")]),
        (permit, "issuance-transform", [Value::Null, Value::Null]),
        (permit, "acceptance-transform", [Value::Null, Value::Null]),
    ] {
        let cases = json!([{ "name": "with", "input": [{ "type": "in", "value": "" }] }, { "name": "without" }]);
        let answer = run(rules, &json!({ "stage": stage, "cases": cases }));
        let found = [answer["cases"][0]["decision"].clone(), answer["cases"][1]["decision"].clone()];
        assert_eq!(found, decisions, "{stage}");
    }
}

#[test]
fn rules_that_fail_while_they_run_say_how() {
    let ask = r#"c:[] => issue(store = "S", types = ("x"), query = "q", param = c.Value);"#;
    let double = r#"a:[] => issue(Type = "t", Value = a.Value + "1");"#.repeat(40);
    let dynamic = r"a:[] && b:[Value =~ a.Value] => issue(claim = b);";
    let answers = |answer: Value| json!([answer]);
    for (rules, stores, error) in [
        (ask, answers(json!({ "store": "S", "query": "q", "params": ["v("], "error": "no route" })), "store"),
        (ask, answers(json!({ "store": "S", "query": "q", "params": ["v("], "error": { "code": 52 } })), "store"),
        (ask, answers(json!({ "store": "S", "query": "q", "params": ["v("], "rows": [["1", "2"]] })), "store"),
        (ask, answers(json!({ "store": "S", "query": "q", "params": ["other"], "rows": [] })), "no-answer"),
        (ask, answers(json!({ "store": "S", "query": "Q", "params": ["v("], "rows": [] })), "no-answer"),
        (ask, json!([]), "no-answer"),
        (&double, json!([]), "limit"),
        (dynamic, json!([]), "pattern"),
    ] {
        let case = json!({ "name": "n", "input": [{ "type": "t", "value": "v(" }], "stores": stores, "output": [] });
        let answer = run(rules, &json!({ "cases": [case.clone()] }));
        let found = &answer["cases"][0];
        assert_eq!(found["error"], error, "{found:#}");
        assert!(found["message"].as_str().unwrap().starts_with("claim rule "), "{found:#}");
        assert_eq!((&found["output"], &found["added"]), (&json!([]), &json!([])));
        assert!(found["decision"].is_null());

        // The same as an expectation, which only that failure meets.
        let mut expecting = case;
        for (expected, passes) in [(error, true), ("other", false)] {
            expecting["error"] = json!(expected);
            let cases = json!({ "cases": [expecting] }).to_string();
            let directory = files(&[("a.rules", rules), ("a.json", &cases)]);
            let output = chancery(&["claims", "test", directory.path().to_str().unwrap()]);
            assert_eq!(output.status.success(), passes, "{error} {expected}: {}", out(&output));
        }
    }
}

#[test]
fn refused_rules_end_with_two_and_unreadable_cases_with_one() {
    let directory = files(&[
        ("good.rules", "=> issue(Type = \"x\");"),
        ("good.json", "{\"cases\": []}"),
        ("wrong.rules", "c:[Type = \"t\"] => issue(claim = c);"),
        ("syntax.json", "{\"cases\": ["),
        ("stage.json", "{\"stage\": \"issuance\", \"cases\": []}"),
        ("claim.json", "{\"cases\": [{\"input\": [{\"type\": \"t\"}]}]}"),
    ]);
    fs::write(directory.path().join("latin.rules"), b"@RuleName = \"\xe9\" => issue(Type = \"x\");").unwrap();
    fs::write(directory.path().join("long.rules"), " ".repeat((1 << 20) + 10)).unwrap();
    fs::write(directory.path().join("deep.json"), "[".repeat(100_000)).unwrap();
    for (rules, cases, status, said) in [
        ("good.rules", "good.json", 0, ""),
        ("wrong.rules", "good.json", 2, "POLICY0030"),
        ("latin.rules", "good.json", 2, "UTF-8"),
        ("long.rules", "good.json", 2, "longer than"),
        ("missing.rules", "good.json", 2, "missing.rules"),
        ("good.rules", "missing.json", 1, "missing.json"),
        ("good.rules", "syntax.json", 1, "line 1"),
        ("good.rules", "stage.json", 1, "issuance-transform"),
        ("good.rules", "claim.json", 1, "missing field `value`"),
        ("good.rules", "deep.json", 1, "deep.json"),
        ("good.rules", ".", 1, "directory"),
    ] {
        let output =
            chancery(&["claims", "run", &path(&directory, rules), &path(&directory, cases), "--format", "json"]);
        assert_eq!(output.status.code(), Some(status), "{rules} {cases}: {}", err(&output));
        assert!(err(&output).contains(said), "{rules} {cases}: {}", err(&output));
        assert_eq!(out(&output).is_empty(), status != 0, "{rules} {cases}");
    }
}

#[test]
fn a_failing_test_says_which_rule_and_why() {
    let mut cases = roles_case();
    cases["cases"].as_array_mut().unwrap().extend([
        json!({ "name": "a guest", "input": [{ "type": "account", "value": "g" }, { "type": "guest", "value": "" }],
                "stores": [{ "store": "Active Directory", "query": ";memberOf;{0}", "params": ["g"], "rows": [["sales"]] }],
                "output": [{ "type": "role", "value": "Guest" }, { "type": "nothing", "value": "" }], "added": [], "decision": "permit" }),
        json!({ "name": "no answer", "input": [{ "type": "account", "value": "x" }], "output": [] }),
        json!({ "name": "should fail", "input": [], "output": [], "error": "store" }),
        json!({ "name": "expects nothing", "input": [] }),
        json!({ "name": "passes", "input": [], "output": [] }),
    ]);
    let directory = files(&[
        ("below/roles.rules", ROLES),
        ("below/roles.json", &cases.to_string()),
        ("other/broken.rules", "c:[] => issue(claim = d);"),
        ("other/broken.json", "{\"cases\": [{\"name\": \"n\", \"output\": []}]}"),
        ("other/not-a-case.json", "{\"name\": \"package\"}"),
        (".hidden/x.json", "{"),
    ]);
    let output = chancery(&["claims", "test", directory.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    insta::assert_snapshot!("claims-test-failures", shown(&directory, &out(&output)));

    let output = chancery(&["claims", "test", directory.path().to_str().unwrap(), "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let answer: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!((&answer["passed"], &answer["failed"], &answer["unusable"]), (&json!(1), &json!(5), &json!(1)));
    assert_eq!(answer["files"][0]["cases"][0]["differences"][0]["kind"], "missing");
}

#[test]
fn a_directory_without_cases_is_no_success() {
    let directory = files(&[("a.rules", ROLES), ("package.json", "{}")]);
    for path in [directory.path(), &directory.path().join("missing")] {
        let output = chancery(&["claims", "test", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        assert!(!err(&output).is_empty());
    }
}

#[test]
fn a_case_may_name_its_rules() {
    let mut case = roles_case();
    case["cases"][0]["output"] = json!([{ "type": "role", "value": "Reader" }]);
    case["cases"][0]["outputCount"] = json!(1);
    case["rules"] = json!("../trusts/roles.rules");
    let directory = files(&[("trusts/roles.rules", ROLES), ("tests/seller.json", &case.to_string())]);
    let output = chancery(&["claims", "test", &path(&directory, "tests")]);
    assert!(output.status.success(), "{}{}", out(&output), err(&output));
    let output = chancery(&["claims", "explain", "--case", &path(&directory, "tests/seller.json")]);
    assert!(output.status.success(), "{}", err(&output));
    insta::assert_snapshot!("claims-explain-case", out(&output));
}

#[test]
fn an_explained_case_as_data() {
    let directory = files(&[("r.rules", ROLES), ("c.json", &roles_case().to_string())]);
    let line = |more: &[&str]| {
        let (rules, cases) = (path(&directory, "r.rules"), path(&directory, "c.json"));
        let mut line = vec!["claims", "explain", "--case", &cases, "--rules", &rules, "--format", "json"];
        line.extend(more);
        chancery(&line)
    };
    let output = line(&[]);
    assert!(output.status.success(), "{}", err(&output));
    let answer: Value = serde_json::from_str(&out(&output)).unwrap();
    assert!(answer["notice"].as_str().unwrap().contains("No token was issued"));
    let explained = &answer["explanations"][0];
    let rules = &explained["stages"][0]["rules"];
    assert_eq!(rules[0]["combinations"][0]["query"]["rows"], json!([["Sales"], [null]]));
    assert_eq!(rules[0]["combinations"][0]["bound"][0]["tag"], "c");
    assert_eq!(rules[1]["acted"], 0);
    assert_eq!(rules[1]["reason"]["kind"], "no-claim");
    assert_eq!(rules[1]["reason"]["nearest"]["claim"]["value"], "Sales");
    assert_eq!(rules[1]["reason"]["nearest"]["failed"][0]["difference"], "case");
    assert_eq!(rules[3]["reason"]["nearest"]["failed"][0]["difference"], "scheme");
    assert_eq!(explained["token"][0]["rule"], 3);
    assert_eq!(explained["token"][0]["ruleName"], "everybody");

    let output = line(&["--name", "nobody"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("a seller"), "{}", err(&output));
}

/// Texts of cases reach a terminal as text.
#[test]
fn control_characters_are_shown_not_obeyed() {
    let cases = json!({ "cases": [{ "name": "n\u{1b}[2J", "input": [{ "type": "t", "value": "\u{1b}]0;x\u{7}" }], "output": [] }] });
    let directory = files(&[("a.rules", "c:[] => issue(claim = c);"), ("a.json", &cases.to_string())]);
    let (rules, case) = (path(&directory, "a.rules"), path(&directory, "a.json"));
    for line in
        [&["claims", "run", &rules, &case][..], &["claims", "test", &case], &["claims", "explain", "--case", &case]]
    {
        let output = chancery(line);
        assert!(!out(&output).contains('\u{1b}'), "{}", out(&output));
        assert!(out(&output).contains("\\u{1b}"), "{}", out(&output));
    }
}

/// Somebody who stops reading is no reason to fail.
#[test]
fn a_closed_output_is_no_panic() {
    let (rules, case) = (format!("{VECTORS}/001.rules"), format!("{VECTORS}/001.json"));
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_chancery"))
        .args(["claims", "run", &rules, &case])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!err(&output).contains("panicked"), "{}", err(&output));
    assert!(Path::new(&rules).exists());
}
