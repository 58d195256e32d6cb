//! The blocks of README.md and docs: those of Rust and of the shell run here, what is no program is read. The suites of
//! Python and Node run theirs; a block that nobody runs fails. CONTRIBUTING.md tells what can stand before a block.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use vambe_emulator::Emulator;
use vambe_tests::document_blocks::{Block, Document, documents};
use vambe_tests::{built_command, cargo, repository};

/// What a shell block begins with: no command but the last may fail for anything but rejected rows. A server takes the
/// place of its shell, so that `$!` is the server.
const PRELUDE: &str = r#"vambe() {
    [ "$1" != emulator ] || exec vambe "$@"
    command vambe "$@"; code=$?
    [ $code -eq 0 ] || [ $code -eq 3 ] || exit $code
    return $code
}
"#;
const LANGUAGES: [&str; 10] = ["rust", "sh", "python", "js", "ts", "csv", "json", "toml", "yaml", "text"];
const NOTES: [&str; 6] = ["file", "exit", "serves", "prints", "install", "with"];
const INSTALLERS: [&str; 7] =
    ["pip install ", "npm install ", "cargo add ", "cargo install ", "make demo", "make test", "git clone "];

#[test]
fn every_block_is_of_a_kind_that_is_run_or_read() {
    for block in documents().iter().flat_map(|document| &document.blocks) {
        let place = &block.place;
        assert!(LANGUAGES.contains(&block.language.as_str()), "{place}: no runner for ```{}", block.language);
        for (key, value) in &block.notes {
            assert!(NOTES.contains(&key.as_str()), "{place}: nobody knows the note {key} {value}");
        }
        assert!(block.note("with").is_none_or(|with| with == "Python"), "{place}: nobody runs it with that");
        if block.note("install").is_some() {
            let installs = |line: &str| INSTALLERS.iter().any(|installer| line.starts_with(installer));
            assert!(block.code.lines().all(installs), "{place}: more than an installation");
        }
        read(block);
    }
}

/// Reads what is data and no program.
fn read(block: &Block) {
    let refusal = match block.language.as_str() {
        "json" => read_json(&block.code).err().map(|error| error.to_string()),
        "toml" => block.code.parse::<toml::Table>().err().map(|error| error.to_string()),
        "yaml" => vambe_emulator::Seed::read(&block.code).err().map(|error| error.to_string()),
        "csv" => (block.code.lines().count() < 2).then(|| "a header without a row".to_owned()),
        _ => None,
    };
    assert_eq!(refusal, None, "{}", block.place);
}

/// One value, or one on each line.
fn read_json(code: &str) -> serde_json::Result<()> {
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).map(drop);
    read(code).or_else(|_| code.lines().try_for_each(read))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shell_block_runs() {
    let path = prepended(built_command().parent().unwrap());
    let mut runs = Vec::new();
    for document in documents() {
        runs.push((document, Emulator::start().await.unwrap()));
    }
    std::thread::scope(|scope| {
        for (document, emulator) in &runs {
            scope.spawn(|| run_shell_blocks(document, emulator, &path));
        }
    });
}

/// Runs the blocks of a document in order, in one folder.
fn run_shell_blocks(document: &Document, emulator: &Emulator, path: &OsStr) {
    let folder = tempfile::tempdir().unwrap();
    copy_examples(folder.path());
    for (name, block) in document.blocks.iter().filter_map(|block| Some((block.note("file")?, block))) {
        std::fs::write(folder.path().join(name), &block.code).unwrap();
    }
    let shell = |script: String| {
        let mut command = Command::new("timeout");
        command.args(["120", "sh", "-c", &script]).current_dir(folder.path()).stdin(Stdio::null());
        command.env("PATH", path).env("VAMBE_CHANNEL_PHONE", "+56987654321");
        command.env("VAMBE_API_KEY", emulator.api_key()).env("VAMBE_BASE_URL", emulator.url());
        command
    };
    for block in document.blocks.iter().filter(|block| block.is_shell_of_the_command()) {
        match block.note("serves") {
            Some(_) => block.code.lines().for_each(|line| serve(shell(format!("exec {line}")), block)),
            None => run(shell(PRELUDE.to_owned() + &block.code), block),
        }
    }
}

fn run(mut command: Command, block: &Block) {
    let expected: i32 = block.note("exit").map_or(0, |code| code.parse().unwrap());
    let output = command.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let shown = format!("{}\n{}{stdout}{}", block.place, block.code, String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(expected), "{shown}");
    let printed = block.note("prints").is_none_or(|text| stdout.contains(text));
    assert!(printed, "{shown}");
}

/// Starts a server, waits until it says where it is, and ends it as Ctrl-C does.
fn serve(mut command: Command, block: &Block) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut announced = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut announced).unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let shown = format!("{}: {announced}{}", block.place, String::from_utf8_lossy(&output.stderr));
    assert!(announced.contains("\"url\""), "{shown}");
    assert_eq!(output.status.code(), Some(0), "{shown}");
}

/// A file of examples begins with a line of documentation, which the documents do not need.
#[tokio::test(flavor = "multi_thread")]
async fn every_rust_block_is_an_example_that_runs() {
    let emulator = Emulator::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    copy_examples(folder.path());
    let documents = documents();
    let blocks: Vec<&Block> = documents.iter().flat_map(|d| &d.blocks).filter(|b| b.language == "rust").collect();
    let examples = examples();
    for block in &blocks {
        let holds =
            |path: &&PathBuf| std::fs::read_to_string(path).unwrap().split_once("\n\n").unwrap().1 == block.code;
        let example = examples.iter().find(holds);
        let example = example.unwrap_or_else(|| panic!("{}: no example holds\n{}", block.place, block.code));
        // Of the whole workspace, as the tests are: of one package, all it needs would be built once more.
        let output = cargo()
            .args(["run", "--quiet", "--manifest-path"])
            .arg(repository().join("Cargo.toml"))
            .arg("--example")
            .arg(example.file_stem().unwrap())
            .current_dir(folder.path())
            .env("VAMBE_API_KEY", emulator.api_key())
            .env("VAMBE_BASE_URL", emulator.url())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}: {}", block.place, String::from_utf8_lossy(&output.stderr));
        assert!(!output.stdout.is_empty());
    }
    let mut shown: Vec<&str> = blocks.iter().map(|block| block.code.as_str()).collect();
    shown.sort_unstable();
    shown.dedup();
    assert_eq!(shown.len(), examples.len(), "an example that no document shows");
}

fn examples() -> Vec<PathBuf> {
    let folders = ["vambe", "vambe-import", "vambe-emulator"].map(|name| repository().join("crates").join(name));
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder.join("examples")).ok()).flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
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
