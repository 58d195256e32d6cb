//! Every kind of file that is read: the same customers come out of each, on the lines where they stand.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod faults;
mod rejects;
mod workbooks;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use vambe_emulator::Emulator;
use vambe_import::{Delimiter, Quote, Source, SourceError, SourceOptions, TextEncoding};
use vambe_tests::repository;

fn fixture(name: &str) -> PathBuf {
    repository().join("tests/fixtures/formats").join(name)
}

/// A folder with files to run the command in.
struct Folder(TempDir);

impl Folder {
    fn with(files: &[(&str, &[u8])]) -> Self {
        let folder = Self(TempDir::new().unwrap());
        for (name, bytes) in files {
            fs::write(folder.path(name), bytes).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vambe-under-test"));
        command.args(arguments).current_dir(&self.0).env_clear().stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    fn run_with_input(&self, arguments: &[&str], file: &Path) -> Ran {
        self.command(arguments).stdin(fs::File::open(file).unwrap()).output().unwrap().into()
    }
}

#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// What the three customers of every fixture are sent as.
const BODIES: [&str; 3] = [
    r#"{"channel":"web-whatsapp","channel_phone_number":"+56987654321","contact_phone_number":"+5511912345678","contact_name":"João Conceição","meta_data":{"notes":"Ação|não"}}"#,
    r#"{"channel":"whatsapp","channel_phone_number":"+56987654321","contact_phone_number":"+525512345678","contact_name":"Iñaki Güemes","meta_data":{},"custom_field_values":[{"key":"rut","value":"7"}]}"#,
    r#"{"channel":"whatsapp","channel_phone_number":"+56987654321","contact_phone_number":"+56912345678","contact_name":"María José Núñez","meta_data":{"notes":"Dice \"sí\"; llamar, mañana"},"custom_field_values":[{"key":"rut","value":"12.345.678-9"}]}"#,
];

/// A file, the flags it needs, what the command says of it, and the lines of its rows.
const FILES: &[(&str, &[&str], &str, [u64; 3])] = &[
    ("utf8.csv", &[], "UTF-8, separated by comma", [2, 3, 4]),
    ("utf8-bom.csv", &[], "UTF-8 with BOM, separated by semicolon, CRLF", [2, 3, 4]),
    ("windows-1252.csv", &[], "windows-1252, separated by semicolon, CRLF", [2, 3, 4]),
    ("latin1-old-mac.csv", &["--encoding", "iso-8859-1"], "windows-1252, separated by comma, CR", [2, 3, 4]),
    ("utf16le.csv", &[], "UTF-16LE, separated by tab, CRLF", [2, 3, 4]),
    ("utf16be.csv", &[], "UTF-16BE, separated by semicolon", [2, 3, 4]),
    ("tab.tsv", &[], "UTF-8, separated by tab", [2, 3, 4]),
    ("pipe.csv", &[], "UTF-8, separated by pipe", [2, 3, 4]),
    ("sep-hint.csv", &[], "windows-1252, separated by semicolon, CRLF", [3, 4, 5]),
    ("single-quotes.csv", &[], "UTF-8, separated by comma, quoted in '", [2, 3, 4]),
    ("quote-none.csv", &["--delimiter", "^", "--quote", "none"], "UTF-8, separated by \"^\", not quoted", [2, 3, 4]),
    ("mixed-line-ends.csv", &[], "UTF-8, separated by comma, mixed line ends", [2, 3, 4]),
    ("two-members.csv.gz", &[], "gzip, UTF-8, separated by comma", [2, 3, 4]),
    ("utf16.csv.zst", &[], "zstd, UTF-16LE, separated by tab, CRLF", [2, 3, 4]),
    ("lines.ndjson", &[], "NDJSON, UTF-8", [1, 2, 3]),
    ("lines-bom-crlf.jsonl", &[], "NDJSON, UTF-8 with BOM", [1, 2, 3]),
    ("lines-utf16.ndjson", &[], "NDJSON, UTF-16LE", [1, 2, 3]),
    ("escaped.ndjson", &[], "NDJSON, UTF-8", [1, 2, 3]),
    ("two-frames.ndjson.zst", &[], "zstd, NDJSON, UTF-8", [1, 2, 3]),
    ("array.json", &[], "JSON array, UTF-8", [2, 15, 28]),
    ("array.json.gz", &[], "gzip, JSON array, UTF-8", [2, 15, 28]),
    ("wrapped.json", &[], "JSON array in \"data\", UTF-8", [1, 1, 1]),
    ("workbook.xlsx", &[], "XLSX, sheet \"Clientes\" (1 more: \"Notas\")", [2, 3, 4]),
    ("empty-first.xlsx", &["--sheet", "clientes"], "XLSX, sheet \"Clientes\" (1 more: \"Portada\")", [2, 3, 4]),
];

#[test]
fn every_fixture_is_in_the_table() {
    let entries = fs::read_dir(fixture("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    for name in entries.filter(|name| name != ".gitattributes" && name != "types.xlsx") {
        assert!(FILES.iter().any(|(file, ..)| *file == name), "{name} is tested by nobody");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_customers_come_out_of_every_file() {
    for (name, flags, format, _) in FILES {
        let (ran, bodies) = import(name, flags, None).await;
        assert_eq!((ran.code, ran.stderr), (Some(0), format!("{name}: {format}\n")), "{name}");
        assert_eq!(bodies, BODIES, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_customers_come_out_of_standard_input() {
    for (name, flags, format, _) in FILES {
        // What a name tells is not there.
        let (ran, bodies) = import("-", flags, Some(name)).await;
        assert_eq!((ran.code, ran.stderr), (Some(0), format!("standard input: {format}\n")), "{name}");
        assert_eq!(bodies, BODIES, "{name}");
    }
}

async fn import(file: &str, flags: &[&str], input: Option<&str>) -> (Ran, Vec<String>) {
    let emulator = Emulator::start().await.unwrap();
    let folder = Folder::with(&[]);
    if input.is_none() {
        fs::copy(fixture(file), folder.path(file)).unwrap();
    }
    let mut command = folder.command(&[&["import", file, "--no-pacing", "--max-concurrency", "1"], flags].concat());
    command.env("VAMBE_BASE_URL", emulator.url()).env("VAMBE_API_KEY", emulator.api_key());
    if let Some(input) = input {
        command.stdin(fs::File::open(fixture(input)).unwrap());
    }
    let ran = tokio::task::spawn_blocking(move || Ran::from(command.output().unwrap())).await.unwrap();
    let requests = emulator.requests(emulator.api_key()).unwrap();
    let mut bodies: Vec<_> = requests.into_iter().map(|request| request.body.unwrap()).collect();
    bodies.sort_unstable();
    (ran, bodies)
}

fn options(flags: &[&str]) -> SourceOptions {
    let mut options = SourceOptions::default();
    for pair in flags.chunks(2) {
        match pair {
            ["--encoding", name] => options.encoding = TextEncoding::named(name),
            ["--delimiter", text] => options.delimiter = Delimiter::new(text.chars().next().unwrap()),
            ["--quote", _] => options.quote = Some(Quote::None),
            ["--sheet", name] => options.sheet = Some((*name).to_owned()),
            other => panic!("{other:?}"),
        }
    }
    options
}

fn lines(source: &mut Source) -> Result<Vec<u64>, SourceError> {
    let mut lines = Vec::new();
    while let Some(row) = source.next_row()? {
        lines.push(row.line());
    }
    Ok(lines)
}

#[test]
fn rows_know_their_line_and_come_again_from_the_start() {
    for (name, flags, format, expected) in FILES {
        let mut source = Source::open(&fixture(name), &options(flags)).unwrap();
        assert_eq!(lines(&mut source).unwrap(), expected, "{name}");
        let mut again = source.again().unwrap().unwrap();
        assert_eq!((again.format().to_string().as_str(), again.header()), (*format, source.header()), "{name}");
        assert_eq!(lines(&mut again).unwrap(), expected, "{name}");
        assert!(source.fingerprint().is_some() && source.fingerprint() == again.fingerprint(), "{name}");
    }
}

#[test]
fn progress_ends_at_the_size_of_the_file() {
    for (name, flags, ..) in FILES {
        let mut source = Source::open(&fixture(name), &options(flags)).unwrap();
        let size = source.size().unwrap();
        let mut last = 0;
        while let Some(row) = source.next_row().unwrap() {
            assert!(row.end() >= last && row.end() <= size, "{name}: {} of {size}", row.end());
            last = row.end();
        }
        assert!(last > size / 2, "{name}: {last} of {size}");
    }
}

#[test]
fn a_pipe_is_read_once_and_a_changed_file_has_another_fingerprint() {
    let bytes = fs::read(fixture("utf8.csv")).unwrap();
    let source =
        Source::from_reader(Path::new("pipe"), std::io::Cursor::new(bytes), &SourceOptions::default()).unwrap();
    assert!(source.again().unwrap().is_none() && source.size().is_none() && source.fingerprint().is_none());
    let folder = Folder::with(&[("a.csv", b"contact_phone_number\n+56911111111\n")]);
    let source = Source::open(&folder.path("a.csv"), &SourceOptions::default()).unwrap();
    assert_eq!(source.fingerprint(), vambe_import::Fingerprint::of(&folder.path("a.csv")));
    fs::write(folder.path("a.csv"), "contact_phone_number\n+56911111111\n+56911111112\n").unwrap();
    assert_ne!(source.fingerprint(), vambe_import::Fingerprint::of(&folder.path("a.csv")));
}
