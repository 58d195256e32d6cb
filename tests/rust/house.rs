//! What holds for the tree itself.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use vambe_tests::repository;

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    files_below(folder, "rs")
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    files_below(&repository().join(folder), ending)
}

fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path, ending));
        } else if path.to_str().is_some_and(|name| name.ends_with(&format!(".{ending}"))) {
            files.push(path);
        }
    }
    files
}

fn source(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.split("\n#[cfg(test)]\nmod tests").next().unwrap().to_owned()
}

/// Returns which modules of the core each module imports, files of a folder counting as their parent.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let folder = repository().join("crates/vambe/src");
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in rust_files(&folder).iter().filter(|path| !path.ends_with("lib.rs")) {
        let first = path.strip_prefix(&folder).unwrap().components().next().unwrap();
        let module = Path::new(first.as_os_str()).file_stem().unwrap().to_str().unwrap().to_owned();
        let text = source(path);
        let used = text.lines().filter_map(|line| line.strip_prefix("use crate::")?.split([':', ';']).next());
        graph.entry(module.clone()).or_default().extend(used.map(str::to_owned).filter(|used| *used != module));
    }
    graph
}

#[test]
fn the_module_graph_of_the_core_is_the_one_that_the_architecture_shows() {
    let document = std::fs::read_to_string(repository().join("ARCHITECTURE.md")).unwrap();
    let drawn: BTreeMap<String, BTreeSet<String>> = document
        .lines()
        .filter_map(|line| line.split_once(" -> "))
        .map(|(module, used)| {
            let used = used.split(", ").filter(|name| *name != "nothing");
            (module.trim().to_owned(), used.map(|name| name.trim().to_owned()).collect())
        })
        .collect();
    let shown = |graph: &BTreeMap<String, BTreeSet<String>>| {
        let lines = graph.iter().map(|(module, used)| {
            let used = if used.is_empty() {
                "nothing".to_owned()
            } else {
                used.iter().cloned().collect::<Vec<_>>().join(", ")
            };
            format!("{module} -> {used}")
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(shown(&drawn), shown(&imports()));
}

#[test]
fn the_pure_parts_of_the_core_do_no_io_and_have_no_clock() {
    let folder = repository().join("crates/vambe/src");
    let impure = [
        "lib.rs",
        "call.rs",
        "client.rs",
        "doctor.rs",
        "doctor/probe.rs",
        "batch.rs",
        "batch/row.rs",
        "batch/run.rs",
        "shared_pacer.rs",
        "pace_file.rs",
        "http.rs",
        "transport.rs",
        "config.rs",
        "tls.rs",
        "error.rs",
    ];
    for path in rust_files(&folder).iter().filter(|path| !impure.iter().any(|name| path.ends_with(name))) {
        let text = source(path);
        for forbidden in ["tokio", "reqwest", "Instant::now", "SystemTime::now", ".await", "std::env", "std::fs"] {
            assert!(!text.contains(forbidden), "{} uses {forbidden}", path.display());
        }
    }
}

#[test]
fn the_emulator_and_the_core_do_not_know_each_other() {
    let manifest =
        |name: &str| std::fs::read_to_string(repository().join("crates").join(name).join("Cargo.toml")).unwrap();
    assert!(!manifest("vambe-emulator").lines().any(|line| line.starts_with("vambe.") || line.starts_with("vambe =")));
    assert!(!manifest("vambe").contains("vambe-emulator"));
}

#[test]
fn every_direct_dependency_has_its_reason_in_the_architecture() {
    let document = std::fs::read_to_string(repository().join("ARCHITECTURE.md")).unwrap();
    let workspace = std::fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    let dependencies = workspace.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let names = dependencies.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.trim());
    for name in names.filter(|name| !name.starts_with("vambe")) {
        assert!(document.contains(&format!("| `{name}` |")), "ARCHITECTURE.md does not say why {name} is there");
    }
}

/// The names of all tests: functions of Rust and Python, titles of Node.
fn test_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in ["crates", "tests/rust"].iter().flat_map(|folder| files(folder, "rs")) {
        let text = std::fs::read_to_string(path).unwrap();
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                is_test = true;
            } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
                names.insert(rest.split('(').next().unwrap().to_owned());
                is_test = false;
            }
        }
    }
    let function = |line: &str| {
        Some(line.strip_prefix("async ").unwrap_or(line).strip_prefix("def ")?.split('(').next()?.to_owned())
    };
    let title = |line: &str| Some(line.strip_prefix("test('")?.split("',").next()?.to_owned());
    let found = |folder, ending, name: &dyn Fn(&str) -> Option<String>| {
        let texts = files(folder, ending).into_iter().map(|path| std::fs::read_to_string(path).unwrap());
        texts.flat_map(|text| text.lines().map(str::trim).filter_map(name).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    names.extend(found("tests/python", "py", &function).into_iter().filter(|name| name.starts_with("test_")));
    names.extend(found("tests/node", "test.js", &title));
    names
}

#[test]
fn every_clause_of_the_contract_has_a_test_or_a_reason() {
    let document = std::fs::read_to_string(repository().join("docs/contract.md")).unwrap();
    let (_, clauses) = document.split_once("\n## Clauses\n").unwrap();
    let tests = test_names();
    let mut number = 0;
    for row in clauses.lines().filter(|line| line.starts_with("| C-")) {
        number += 1;
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [id, _section, quote, held] = cells[..] else { panic!("four cells: {row}") };
        assert_eq!(id, format!("C-{number}"));
        assert!(!quote.is_empty(), "{id} quotes nothing");
        let named: Vec<&str> = held.split('`').skip(1).step_by(2).collect();
        for name in &named {
            assert!(tests.contains(*name), "{id} is held by {name}, which is no test");
        }
        let reason = held.strip_prefix("no test: ").is_some_and(|reason| reason.len() > 10);
        assert!(reason || !named.is_empty() && !held.starts_with("no test"), "{id} has neither test nor reason");
    }
    assert!(number > 90, "{number} clauses");
}

#[test]
fn every_complaint_about_imports_names_a_test_that_exists_or_a_reason() {
    let document = std::fs::read_to_string(repository().join("docs/import.md")).unwrap();
    let tests = test_names();
    let is_complaint = |line: &&str| {
        line.strip_prefix("| C").is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
    };
    let rows: Vec<&str> = document.lines().filter(is_complaint).collect();
    assert_eq!(rows.len(), 41);
    for row in rows {
        let answer = row.split(" | ").nth(2).unwrap();
        let named: Vec<&str> = answer.split('`').skip(1).step_by(2).filter(|name| name.contains('_')).collect();
        assert!(!named.is_empty() || answer.starts_with("no test: "), "{row}");
        for name in named {
            assert!(tests.contains(name), "{name} is no test");
        }
    }
}

#[test]
fn every_test_that_the_complaints_name_exists() {
    let document = std::fs::read_to_string(repository().join("docs/emulator.md")).unwrap();
    let (_, complaints) = document.split_once("\n## What users of other emulators complain of\n").unwrap();
    let names = test_names();
    let quoted = complaints.split('`').skip(1).step_by(2);
    let tests: Vec<&str> = quoted.filter(|name| name.contains('_')).collect();
    assert!(tests.len() > 15);
    for name in tests {
        assert!(names.contains(name), "{name} is no test");
    }
}

#[test]
fn every_answer_of_the_faq_names_tests_that_exist_or_says_that_there_is_none() {
    let document = std::fs::read_to_string(repository().join("docs/faq.md")).unwrap();
    let names = test_names();
    let answers: Vec<&str> = document.split("\n### ").skip(1).collect();
    assert!(answers.len() > 40, "{} answers", answers.len());
    for answer in answers {
        let question = answer.lines().next().unwrap();
        let proof = answer.lines().find(|line| line.starts_with("Tests: ") || line.starts_with("Not tested: "));
        let proof = proof.unwrap_or_else(|| panic!("{question}: neither tests nor a word that there is none"));
        let tests: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        assert_eq!(tests.is_empty(), proof.starts_with("Not tested"), "{question}");
        for test in tests {
            assert!(names.contains(test), "{question}: {test} is no test");
        }
    }
}

#[test]
fn the_table_of_benchmarks_has_every_target_and_says_why_one_is_missed() {
    let read = |file: &str| std::fs::read_to_string(repository().join(file)).unwrap();
    let targets: Vec<serde_json::Value> = serde_json::from_str(&read("benches/targets.json")).unwrap();
    assert_eq!(targets.len(), 43);
    let document = read("docs/benchmarks.md");
    let rows: Vec<&str> = document.lines().filter(|line| line.starts_with("| ")).collect();
    let (_, reasons) = document.split_once("\n## What is missed\n").unwrap();
    let tests = test_names();
    for target in &targets {
        let what = target["what"].as_str().unwrap();
        let row = rows.iter().find(|row| row.starts_with(&format!("| {what} | ")));
        let row = row.unwrap_or_else(|| panic!("docs/benchmarks.md has no row {what}"));
        assert!(!row.contains("not measured"), "{what} is not measured");
        assert!(
            !row.contains("MISSED") || reasons.contains(what),
            "docs/benchmarks.md does not say why it misses {what}"
        );
        if let Some(test) = target["held_by"].as_str() {
            assert!(tests.contains(test), "{test} is no test");
        }
    }
}
