//! The Rust and shell blocks of the README and of docs/observability.md run, against the emulator; the suites of the other languages run theirs.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use vambe_emulator::Emulator;
use vambe_tests::{built_command, repository};

/// A code block, with the comment that stands before it.
struct Block {
    language: String,
    note: String,
    code: String,
}

fn blocks() -> Vec<Block> {
    let texts =
        ["README.md", "docs/observability.md"].map(|path| std::fs::read_to_string(repository().join(path)).unwrap());
    let text = texts.concat();
    let mut blocks = Vec::new();
    let mut note = "";
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(Block { language: language.to_owned(), note: note.to_owned(), code: code.join("\n") + "\n" });
        }
        note = line;
    }
    blocks
}

#[test]
fn every_block_is_of_a_kind_that_is_run() {
    for block in blocks() {
        assert!(
            ["rust", "sh", "python", "js"].contains(&block.language.as_str()),
            "no runner for ```{}",
            block.language
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shell_block_runs() {
    let emulator = Emulator::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    copy_examples(folder.path());
    let commands = built_command().parent().unwrap().to_owned();
    for block in blocks().iter().filter(|block| block.language == "sh" && block.note != "<!-- run by CI -->") {
        let expected = block.note.strip_prefix("<!-- exit ").map_or(0, |rest| rest[..1].parse().unwrap());
        let output = Command::new("sh")
            .arg("-c")
            .arg(&block.code)
            .current_dir(folder.path())
            .env("PATH", prepended(&commands))
            .env("VAMBE_API_KEY", emulator.api_key())
            .env("VAMBE_BASE_URL", emulator.url())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(expected), "{}\n{}", block.code, String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rust_block_is_an_example_that_runs() {
    let emulator = Emulator::start().await.unwrap();
    let blocks: Vec<Block> = blocks().into_iter().filter(|block| block.language == "rust").collect();
    let mut examples: Vec<PathBuf> = std::fs::read_dir(repository().join("crates/vambe/examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    examples.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    for block in &blocks {
        // A file begins with a line of documentation, which a page does not need.
        let holds =
            |path: &&PathBuf| std::fs::read_to_string(path).unwrap().split_once("\n\n").unwrap().1 == block.code;
        let example = examples.iter().find(holds);
        let example = example.unwrap_or_else(|| panic!("no file of crates/vambe/examples holds\n{}", block.code));
        let output = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--example"])
            .arg(example.file_stem().unwrap())
            .current_dir(repository())
            .env("VAMBE_API_KEY", emulator.api_key())
            .env("VAMBE_BASE_URL", emulator.url())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.stdout.is_empty());
    }
    assert_eq!(blocks.len(), examples.len(), "an example that no page shows");
}

fn copy_examples(folder: &Path) {
    let target = folder.join("examples");
    std::fs::create_dir(&target).unwrap();
    for name in ["customers.csv", "customers-semicolon.csv"] {
        std::fs::copy(repository().join("examples").join(name), target.join(name)).unwrap();
    }
}

fn prepended(folder: &Path) -> std::ffi::OsString {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(folder.to_owned()).chain(std::env::split_paths(&rest))).unwrap()
}
