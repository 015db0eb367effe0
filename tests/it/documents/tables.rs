use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use reqwest::StatusCode;

use super::{read, source};

/// The cells of each row of the document's tables, without heads.
fn rows(document: &str) -> Vec<Vec<String>> {
    let text = read(document);
    let lines: Vec<&str> = text.lines().collect();
    let is_head = |at: usize| lines.get(at + 1).is_some_and(|next| next.starts_with("|---"));
    let rows = lines.iter().enumerate().filter(|(at, line)| line.starts_with("| ") && !is_head(*at));
    rows.map(|(_, line)| line.trim_matches('|').split(" |").map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn first_cells(document: &str) -> Vec<String> {
    rows(document).into_iter().map(|row| row[0].trim_matches('`').to_owned()).collect()
}

#[test]
fn every_dependency_has_its_reason() {
    let cargo: toml::Table = read("Cargo.toml").parse().unwrap();
    let mut used =
        ["dependencies", "dev-dependencies"].iter().flat_map(|part| cargo[*part].as_table().unwrap().keys().cloned()).collect::<Vec<_>>();
    let mut told = first_cells("docs/DEPENDENCIES.md");
    used.sort();
    told.sort();
    assert_eq!(told, used);
    assert!(rows("docs/DEPENDENCIES.md").iter().all(|row| row.len() > 1 && !row[1].is_empty()));
}

#[test]
fn every_error_code_is_told_with_its_status() {
    let codes = codes();
    let statuses = statuses();
    assert_eq!(codes.keys().collect::<Vec<_>>(), statuses.keys().collect::<Vec<_>>());
    let answered = codes.iter().map(|(variant, code)| (code.clone(), statuses[variant])).collect::<BTreeSet<_>>();
    let told = rows("docs/ERRORS.md").into_iter().map(|row| (row[0].trim_matches('`').to_owned(), row[1].parse::<u16>().unwrap()));
    assert_eq!(told.collect::<BTreeSet<_>>(), answered);
}

/// Variant of the error to its code, as `src/error.rs` has them.
fn codes() -> BTreeMap<String, String> {
    let arm = Regex::new(r#"((?:Self::\w+[^=\n]*?)+) => "(\w+)""#).unwrap();
    let text = read("src/error.rs");
    let found = arm.captures_iter(&text).flat_map(|arm| variants("Self", &arm[1]).into_iter().map(move |name| (name, arm[2].to_owned())));
    found.collect()
}

/// Variant of the error to its status, as `src/http/problem.rs` has them.
fn statuses() -> BTreeMap<String, u16> {
    let arm = Regex::new(r"((?:Error::\w+[^=]*?)+) => StatusCode::(\w+)").unwrap();
    let text = read("src/http/problem.rs");
    let found = arm.captures_iter(&text).flat_map(|arm| variants("Error", &arm[1]).into_iter().map(move |name| (name, number(&arm[2]))));
    found.collect()
}

fn variants(of: &str, pattern: &str) -> Vec<String> {
    let name = Regex::new(&format!(r"{of}::(\w+)")).unwrap();
    name.captures_iter(pattern).map(|found| found[1].to_owned()).collect()
}

fn number(name: &str) -> u16 {
    let is_named = |status: &StatusCode| status.canonical_reason().is_some_and(|reason| reason.to_uppercase().replace(' ', "_") == name);
    let all = (400..600).filter_map(|number| StatusCode::from_u16(number).ok());
    all.into_iter().find(is_named).unwrap_or_else(|| panic!("{name} is no status")).as_u16()
}

#[test]
fn every_member_of_a_problem_is_told() {
    let text = read("docs/ERRORS.md");
    let problem = read("src/http/problem.rs");
    let facts = problem.split("fn facts(").nth(1).map_or("", |rest| rest.split("\n}").next().unwrap());
    let members = Regex::new(r#""(\w+)":"#).unwrap().captures_iter(facts).map(|found| found[1].to_owned()).collect::<Vec<_>>();
    assert!(members.len() > 5, "{members:?}");
    for member in members {
        assert!(text.contains(&format!("`{member}`")), "docs/ERRORS.md does not tell of {member}");
    }
}

#[test]
fn every_metric_is_told() {
    let name = Regex::new(r#"(?:counter|gauge|histogram)!\(\s*"(\w+)""#).unwrap();
    let kept = name.captures_iter(&source("src/domain")).map(|found| found[1].to_owned()).collect::<BTreeSet<_>>();
    let told = first_cells("docs/OPERATIONS.md").into_iter().filter(|cell| cell.starts_with("plugyard_")).collect::<BTreeSet<_>>();
    assert_eq!(told, kept);
}

#[test]
fn settings_without_effect_are_told() {
    let key = Regex::new(r"(?m)^#(\w+) = ").unwrap();
    let code = source("src/settings");
    let sample = read("plugyard.sample.toml");
    let is_read = |key: &str| Regex::new(&format!(r"\bsettings\s*\.{key}\b")).unwrap().is_match(&code);
    let idle = key.captures_iter(&sample).map(|found| found[1].to_owned()).filter(|key| !is_read(key)).collect::<BTreeSet<_>>();

    let text = read("docs/OPERATIONS.md");
    let sentence = text.split("change nothing yet:").nth(1).map_or("", |rest| rest.split("\n\n").next().unwrap());
    let told = Regex::new(r"`(\w+)`").unwrap().captures_iter(sentence).map(|found| found[1].to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(told, idle);
}

#[test]
fn names_of_earlier_designs_lead_to_the_code() {
    let code = source("src/settings");
    let text = read("ARCHITECTURE.md");
    let table = text.split("## Names in earlier designs").nth(1).unwrap();
    let name = Regex::new(r"`(\w+)`").unwrap();
    let mut found = 0;
    for row in table.lines().filter(|line| line.starts_with("| ") && !line.contains("does not have yet")) {
        for name in name.captures_iter(row.split(" | ").next().unwrap()).map(|found| found[1].to_owned()) {
            if name != "enable" && name != "disable" {
                let (alias, own) = (format!("doc(alias = \"{name}\")"), format!("fn {name}("));
                assert!(code.contains(&alias) || code.contains(&own), "{name} is neither an alias nor a function");
                found += 1;
            }
        }
    }
    assert!(found > 5, "only {found} names");
}
