//! What the documentation says is true: links lead somewhere, commands exist, keys and their defaults are those of the program.
//!
//! Facts come from the program itself (`--help`), from its sources (the configuration's structures, the audit events) and from
//! the template of `chancery init`, whose defaults have a test of their own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every page: those beside the README, and everything below `docs/`.
fn pages() -> Vec<PathBuf> {
    fn collect(directory: &Path, deep: bool, pages: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && deep {
                collect(&path, deep, pages);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    let mut pages = Vec::new();
    collect(root(), false, &mut pages);
    collect(&root().join("docs"), true, &mut pages);
    pages.sort();
    assert!(pages.len() > 20, "{pages:?}");
    pages
}

/// Fenced blocks: language, first line (from 1), text.
fn blocks(text: &str) -> Vec<(String, usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(language), None) => open = Some((language.trim().to_owned(), number + 2, String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, _, content))) => {
                content.push_str(line);
                content.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// The text without its fenced blocks.
fn prose(text: &str) -> String {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            lines.push(line);
        }
    }
    lines.join("\n")
}

/// Texts between backticks.
fn code_spans(text: &str) -> Vec<&str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut dead = Vec::new();
    for page in pages() {
        let text = prose(&fs::read_to_string(&page).unwrap());
        for piece in text.split("](").skip(1) {
            let target = piece.split([')', ' ']).next().unwrap();
            if target.starts_with("https://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let found = file.exists() && (anchor.is_empty() || anchors(&file).contains(anchor));
            if !found {
                dead.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

fn anchors(page: &Path) -> BTreeSet<String> {
    prose(&fs::read_to_string(page).unwrap())
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(kept)
                .collect::<String>()
                .replace(' ', "-")
        })
        .collect()
}

#[test]
fn paths_of_the_project_exist() {
    let mut missing = Vec::new();
    for page in pages() {
        let text = prose(&fs::read_to_string(&page).unwrap());
        for span in code_spans(&text) {
            let is_path =
                ["src/", "tests/", "docs/", "helm/", "certs/", "fuzz/", "benches/"].iter().any(|d| span.starts_with(d));
            if is_path && !span.contains(['*', ' ', '…', '<']) && !root().join(span).exists() {
                missing.push(format!("{}: {span}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The words after the program in each command line of the shell blocks and code spans of a page.
fn commands(text: &str) -> Vec<Vec<String>> {
    let shell = |language: &str| matches!(language, "sh" | "console" | "powershell" | "yaml" | "text");
    let joined: Vec<String> =
        blocks(text).into_iter().filter(|(l, ..)| shell(l)).map(|(_, _, c)| c.replace("\\\n", " ")).collect();
    let prose = prose(text);
    let lines = joined.iter().flat_map(|block| block.lines()).chain(code_spans(&prose));
    let mut commands = Vec::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let program = |word: &str| matches!(word.trim_matches(['\'', '"']), "chancery" | "$CHANCERY_BIN");
        for (at, _) in words.iter().enumerate().filter(|(_, word)| program(word)) {
            // A command stands at the beginning, after a prompt, or behind a program that runs it.
            let before = |word: &&str| {
                matches!(
                    *word,
                    "$" | "#"
                        | "sudo"
                        | "-u"
                        | "chancery"
                        | "--"
                        | "-c"
                        | "exec"
                        | "bash"
                        | "tests/lab/run"
                        | "timeout"
                        | "&&"
                )
            };
            if at > 0 && !before(&words[at - 1]) {
                continue;
            }
            // `sudo -u chancery chancery check`: the first one is the account.
            if words.get(at + 1).is_some_and(|next| program(next)) {
                continue;
            }
            let rest = words[at + 1..].iter().map(|w| w.trim_matches(['\'', '"', '`', ',', '.', ';']).to_owned());
            commands.push(rest.take_while(|w| !matches!(w.as_str(), "|" | ">" | "&&" | "||" | ";" | "2>&1")).collect());
        }
    }
    commands
}

#[test]
fn commands_exist_with_their_options() {
    let mut help: BTreeMap<Vec<String>, Option<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for words in commands(&fs::read_to_string(&page).unwrap()) {
            let is_name = |word: &&String| {
                !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-')
            };
            let path: Vec<String> = words.iter().take_while(is_name).cloned().collect();
            if path.is_empty() {
                continue;
            }
            seen += 1;
            let text = help.entry(path.clone()).or_insert_with(|| {
                let output = Command::new(env!("CARGO_BIN_EXE_chancery")).args(&path).arg("--help").output().unwrap();
                output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
            });
            let Some(text) = text else {
                wrong.push(format!("{}: there is no `chancery {}`", page.display(), path.join(" ")));
                continue;
            };
            for option in words.iter().filter(|word| word.starts_with("--") && word.len() > 2) {
                let option = option.split('=').next().unwrap();
                if !text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).any(|word| word == option) {
                    wrong.push(format!("{}: `chancery {}` has no {option}", page.display(), path.join(" ")));
                }
            }
        }
    }
    assert!(seen > 20, "only {seen} commands were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The fields of every structure in the sources of a folder: name of the structure, then key and type of each field.
/// Enumerations of tables count as structures with a field for each variant.
fn structures(folder: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut structures = BTreeMap::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let mut current: Option<(String, Vec<(String, String)>)> = None;
        let mut reads = false;
        let mut renamed = None;
        for line in text.lines() {
            let code = line.trim();
            if let Some((name, fields)) = &mut current {
                if line == "}" {
                    structures.insert(std::mem::take(name), std::mem::take(fields));
                    current = None;
                } else if let Some(rest) = code.strip_prefix("#[serde(") {
                    renamed =
                        rest.split_once("rename = \"").and_then(|(_, r)| r.split_once('"')).map(|(n, _)| n.to_owned());
                } else if let Some((field, kind)) = code.strip_prefix("pub ").and_then(|field| field.split_once(": ")) {
                    let key = renamed.take().unwrap_or_else(|| field.to_owned());
                    fields.push((key, kind.trim_end_matches(',').to_owned()));
                } else if let Some((variant, kind)) = code.split_once('(').filter(|_| !code.starts_with('/')) {
                    let plain = |text: &str| text.chars().all(char::is_alphanumeric);
                    let kind = kind.trim_end_matches([')', ',']);
                    if plain(variant) && plain(kind) {
                        fields.push((variant.to_lowercase(), kind.to_owned()));
                    }
                }
                continue;
            }
            if code.starts_with("#[derive(") {
                reads = code.contains("Deserialize");
            }
            let head = code.strip_prefix("pub struct ").or_else(|| code.strip_prefix("pub enum "));
            if let Some(name) = head.and_then(|head| head.strip_suffix(" {"))
                && reads
            {
                current = Some((name.to_owned(), Vec::new()));
                renamed = None;
            }
        }
    }
    structures
}

/// Every key below a structure as `section.key`; `section` has no numbers for lists and no names for tables of them.
fn keys(structures: &BTreeMap<String, Vec<(String, String)>>, name: &str, section: &str, found: &mut BTreeSet<String>) {
    for (key, kind) in &structures[name] {
        let path = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
        let inner = kind.rsplit(['<', ' ']).next().unwrap().trim_end_matches('>');
        match structures.get(inner) {
            Some(fields) if !fields.is_empty() => keys(structures, inner, &path, found),
            _ => {
                found.insert(path);
            }
        }
    }
}

fn configuration_keys() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut all = structures("src/config");
    all.extend(structures("src/claims/policy"));
    all.extend(structures("src/pages/theme"));
    keys(&all, "Config", "", &mut found);
    assert!(found.len() > 60 && found.contains("server.limits.xml_depth"), "{found:#?}");
    found
}

fn trust_keys() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    keys(&structures("src/trusts"), "TrustFile", "", &mut found);
    assert!(found.contains("relying_party.saml.assertion_consumer_services.url"), "{found:#?}");
    found
}

/// Rows of tables below headings that name sections between backticks: `section.key`, and the second cell.
fn documented(page: &str) -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    let mut sections: Vec<String> = Vec::new();
    for line in prose(&read(page)).lines() {
        if line.starts_with('#') {
            let names = code_spans(line).into_iter().filter_map(|name| name.strip_prefix('[')?.strip_suffix(']'));
            // What stands for a name, as in `[texts.<language>]`, is no part of the path.
            let path = |name: &str| name.trim_matches(['[', ']']).split(".<").next().unwrap().to_owned();
            sections = names.map(path).collect();
        } else if let Some(cells) = line.strip_prefix("| `") {
            let mut cells = cells.split(" | ");
            let key = cells.next().unwrap().trim_end_matches('`');
            for section in &sections {
                rows.insert(format!("{section}.{key}"), cells.clone().next().unwrap_or_default().to_owned());
            }
        }
    }
    rows
}

fn assert_same(page: &str, actual: &BTreeSet<String>) {
    let documented: BTreeSet<String> = documented(page).into_keys().collect();
    let missing: Vec<_> = actual.difference(&documented).collect();
    let unknown: Vec<_> = documented.difference(actual).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "{page} lacks {missing:#?} and has unknown {unknown:#?}");
}

#[test]
fn every_configuration_key_is_documented_and_no_other() {
    assert_same("docs/configuration.md", &configuration_keys());
}

#[test]
fn every_trust_key_is_documented_and_no_other() {
    assert_same("docs/trusts.md", &trust_keys());
}

#[test]
fn documented_defaults_are_those_of_the_template() {
    let rows = documented("docs/configuration.md");
    let mut section = String::new();
    let mut compared = 0;
    let mut wrong = Vec::new();
    for line in read("src/cli/init/chancery.toml.template").lines() {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_owned();
        } else if let Some((key, value)) = line.strip_prefix('#').and_then(|line| line.split_once(" = ")) {
            let is_key = key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            // Tables in a line are switches, documented one by one; `{{…}}` is filled in by `init`.
            if !is_key || value.starts_with('{') || value.contains("{{") {
                continue;
            }
            let path = format!("{section}.{key}");
            let cell = rows.get(&path).unwrap_or_else(|| panic!("{path} is not documented"));
            compared += 1;
            if !cell.contains(&format!("`{value}`")) {
                wrong.push(format!("{path}: documented {cell}, template {value}"));
            }
        }
    }
    assert!(compared > 30, "only {compared} defaults were compared");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn keys_in_examples_exist() {
    fn flatten(table: &toml::Table, section: &str, found: &mut Vec<String>) {
        for (key, value) in table {
            let path = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
            match value {
                toml::Value::Table(inner) => flatten(inner, &path, found),
                toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
                    items.iter().filter_map(toml::Value::as_table).for_each(|inner| flatten(inner, &path, found));
                }
                _ => found.push(path),
            }
        }
    }
    /// A relying party's table is the service's; the names below `texts` and `fragments` are languages.
    fn of_branding(key: &str) -> String {
        let own = key.strip_prefix("relying_party.").filter(|rest| rest.starts_with("branding."));
        let key = own.unwrap_or(key);
        for table in ["branding.texts", "branding.fragments"] {
            let below = key.strip_prefix(table).and_then(|rest| rest.strip_prefix('.'));
            if let Some((_, name)) = below.and_then(|rest| rest.split_once('.')) {
                return format!("{table}.{name}");
            }
        }
        key.to_owned()
    }
    let known: BTreeSet<String> = configuration_keys().into_iter().chain(trust_keys()).collect();
    let mut wrong = Vec::new();
    for page in pages() {
        for (language, line, text) in blocks(&fs::read_to_string(&page).unwrap()) {
            if language != "toml" {
                continue;
            }
            let place = format!("{}:{line}", page.display());
            let mut found = Vec::new();
            match text.parse::<toml::Table>() {
                Ok(table) => flatten(&table, "", &mut found),
                Err(error) => wrong.push(format!("{place}: {error}")),
            }
            // The names below a table of parameters are those of a policy.
            let is_known = |key: &String| match key.split_once(".access_control_policy_parameters.") {
                Some((section, _)) => known.contains(&format!("{section}.access_control_policy_parameters")),
                None => known.contains(&of_branding(key)),
            };
            wrong.extend(found.into_iter().filter(|key| !is_known(key)).map(|key| format!("{place}: {key}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_audit_event_and_reason_is_documented() {
    let page = read("docs/operations/audit.md");
    let source = read("src/audit/event.rs");
    let numbers: BTreeSet<&str> = source
        .lines()
        .filter_map(|line| line.trim().rsplit_once("=> ")?.1.strip_suffix(','))
        .filter(|number| number.chars().all(|c| c.is_ascii_digit()))
        .collect();
    assert!(numbers.len() > 20, "{numbers:?}");
    let reasons = read("src/audit/failure.rs");
    let reasons: Vec<&str> = reasons
        .lines()
        .filter_map(|line| line.trim().strip_suffix("\";")?.split_once(" = \""))
        .map(|(_, text)| text)
        .collect();
    assert!(reasons.len() > 15, "{reasons:?}");
    let missing: Vec<_> = numbers
        .iter()
        .copied()
        .filter(|number| !page.contains(&format!("| {number} |")))
        .chain(reasons.iter().copied().filter(|reason| !page.contains(&format!("`{reason}`"))))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn tests_that_show_a_protection_exist() {
    fn sources(directory: &Path, text: &mut String) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut text = String::new();
    sources(&root().join("src"), &mut text);
    sources(&root().join("tests"), &mut text);
    let page = read("docs/security.md");
    let (_, threats) = page.split_once("## Threats").unwrap();
    let (threats, _) = threats.split_once("\n## ").unwrap();
    let named: Vec<&str> = threats
        .lines()
        .filter_map(|line| line.strip_suffix(" |")?.rsplit_once(" | "))
        .flat_map(|(_, cell)| code_spans(cell))
        .collect();
    assert!(named.len() > 40, "{named:?}");
    let missing: Vec<_> = named.into_iter().filter(|name| !text.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_url_is_documented() {
    let page = read("docs/architecture.md");
    let source = read("src/server/routes.rs");
    let (routes, _) = source.split_once("#[cfg(test)]").unwrap();
    let paths: Vec<&str> = routes.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/')).collect();
    assert!(paths.len() > 10, "{paths:?}");
    let page = page.to_lowercase();
    let missing: Vec<_> = paths.into_iter().filter(|path| !page.contains(path)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
