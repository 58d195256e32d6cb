//! Files that end too early, hold what they should not, or never end: told with the line, in bounded memory.

use std::io::{self, Cursor, Read, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use vambe::Value;
use vambe_import::{FileFormat, Source, SourceError, SourceOptions};

use crate::{Folder, fixture};

fn open(name: &str, bytes: impl Read + Send + 'static) -> Result<Source, SourceError> {
    Source::from_reader(Path::new(name), bytes, &SourceOptions::default())
}

/// Returns how many rows come, and what is wrong after them.
fn read(name: &str, bytes: impl Read + Send + 'static) -> (u64, String) {
    let mut source = match open(name, bytes) {
        Ok(source) => source,
        Err(error) => return (0, error.to_string()),
    };
    let mut rows = 0;
    loop {
        match source.next_row() {
            Ok(Some(_)) => rows += 1,
            Ok(None) => return (rows, String::new()),
            Err(error) => return (rows, error.to_string()),
        }
    }
}

fn read_bytes(name: &str, bytes: &[u8]) -> (u64, String) {
    read(name, Cursor::new(bytes.to_vec()))
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn csv(rows: u64) -> String {
    let row = |number: u64| format!("whatsapp,+569{number:08},Cliente {number}\n");
    format!("channel,contact_phone_number,contact_name\n{}", (0..rows).map(row).collect::<String>())
}

/// So many bytes of the same, never in memory at once, and how many were asked for.
fn endless(start: &str, byte: u8, length: u64) -> (impl Read + Send + 'static, Arc<AtomicU64>) {
    let taken = Arc::new(AtomicU64::new(0));
    let counted = Counted { bytes: io::repeat(byte).take(length), taken: Arc::clone(&taken) };
    (Cursor::new(start.to_owned().into_bytes()).chain(counted), taken)
}

struct Counted<R> {
    bytes: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.taken.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[test]
fn a_quote_that_is_left_open_in_row_900_000_is_found_there() {
    let text = csv(900_000);
    let line = 900_002;
    let short = format!("{text}whatsapp,\"+56911111111,Ana\nwhatsapp,+56911111111,Eva\n");
    let expected = format!("a.csv, line {line}: a quoted field is never closed; close the quote, or pass --quote none");
    assert_eq!(read_bytes("a.csv", short.as_bytes()), (900_000, expected));
    let long = format!("{text}whatsapp,\"+56911111111,Ana\n{}", csv(100_000));
    let expected = format!(
        "a.csv, line {line}: a row of more than 1 MiB; look for a quote that is left open there, or pass --quote none"
    );
    assert_eq!(read_bytes("a.csv", long.as_bytes()), (900_000, expected));
}

#[test]
fn a_cell_of_200_megabytes_is_refused_after_the_first_of_them() {
    for (start, format) in [
        ("contact_phone_number,contact_name\n1,a\n2,", FileFormat::Csv),
        ("contact_phone_number,contact_name\n1,a\n2,\"", FileFormat::Csv),
        ("{\"a\":1}\n{\"a\":\"", FileFormat::Ndjson),
        ("[{\"a\":1},\n{\"a\":\"", FileFormat::Json),
        ("[{\"a\":1},\n", FileFormat::Json),
    ] {
        let (bytes, taken) = endless(start, b'x', 200 * 1024 * 1024);
        let options = SourceOptions { format: Some(format), ..SourceOptions::default() };
        let mut source = Source::from_reader(Path::new("a"), bytes, &options).unwrap();
        assert!(source.next_row().unwrap().is_some());
        let error = source.next_row().unwrap_err().to_string();
        let line = if format == FileFormat::Csv { 3 } else { 2 };
        assert!(error.starts_with(&format!("a, line {line}: a row of more than 1 MiB")), "{error}");
        // The sample, the row and a piece: so much was in memory at most.
        let taken = taken.load(Ordering::Relaxed);
        assert!(taken < 3 * 1024 * 1024, "{taken}");
    }
}

#[test]
fn white_space_without_end_is_passed_over() {
    for start in ["[{\"a\":1},", "{\"a\":1}\n"] {
        let (bytes, taken) = endless(start, b' ', 20 * 1024 * 1024);
        let (rows, _) = read("a.json", bytes);
        assert_eq!((rows, taken.load(Ordering::Relaxed)), (1, 20 * 1024 * 1024));
    }
}

#[test]
fn packed_text_that_ends_too_early_gives_its_rows_and_then_the_line() {
    let text = csv(50_000);
    let object = |number: u64| format!("{{\"contact_phone_number\":\"+569{number:08}\"}}\n");
    let objects = (0..50_000).map(object).collect::<Vec<_>>().concat();
    for (name, packed, kind) in [
        ("a.csv.gz", gzip(text.as_bytes()), "gzip"),
        ("a.csv.zst", compress_to_vec(text.as_bytes(), CompressionLevel::Fastest), "zstd"),
        ("a.ndjson.gz", gzip(objects.as_bytes()), "gzip"),
        ("a.ndjson.zst", compress_to_vec(objects.as_bytes(), CompressionLevel::Fastest), "zstd"),
    ] {
        let (rows, error) = read_bytes(name, &packed[..packed.len() / 2]);
        let line = rows + if name.contains("csv") { 2 } else { 1 };
        let expected =
            format!("{name}, line {line}: its {kind} data is damaged or cut short; copy or pack the file again");
        assert_eq!(error, expected);
        assert!(rows > 1_000, "{name}: {rows}");
    }
    let in_an_array = format!("[{}]", objects.trim_end().replace('\n', ","));
    let packed = gzip(in_an_array.as_bytes());
    let (rows, error) = read_bytes("a.json", &packed[..packed.len() / 2]);
    assert!(rows > 1_000 && error.starts_with("a.json, line 1: its gzip data is damaged"), "{rows} {error}");
}

#[test]
fn packed_nothing_is_empty() {
    let expected = (0, "a: is empty; the first row must hold the names of the columns".to_owned());
    assert_eq!(read_bytes("a", &gzip(b"")), expected);
    assert_eq!(read_bytes("a", &compress_to_vec(&b""[..], CompressionLevel::Fastest)), expected);
    assert_eq!(read_bytes("a", b""), expected);
    assert_eq!(
        read_bytes("a", &gzip(b"")[..5]).1,
        "a: its gzip data is damaged or cut short; copy or pack the file again"
    );
}

#[test]
fn a_gzip_bomb_is_read_in_pieces() {
    // A gigabyte, of which no more is unpacked than is asked for.
    let piece = gzip(&vec![b'x'; 1024 * 1024]);
    let bomb: Vec<u8> = gzip(b"contact_phone_number\n1\n").into_iter().chain(piece.repeat(1024)).collect();
    assert!(bomb.len() < 16 * 1024 * 1024);
    let (rows, error) = read_bytes("a.csv.gz", &bomb);
    assert_eq!(rows, 1);
    assert!(error.starts_with("a.csv.gz, line 3: a row of more than 1 MiB"), "{error}");
}

#[test]
fn zero_bytes_are_refused_wherever_they_are() {
    let expected = "holds zero bytes, so it is no CSV file; if it is UTF-16 text, pass --encoding utf-16le";
    assert_eq!(read_bytes("a.csv", b"a,b\n1,\0\n"), (0, format!("a.csv: {expected}")));
    let late = [csv(100_000).as_bytes(), b"whatsapp,1,\0\n"].concat();
    let (rows, error) = read_bytes("a.csv", &late);
    assert_eq!(
        (rows, error.as_str()),
        (100_000, "a.csv, line 100002: a zero byte, which no text has; repair or export the file again")
    );
}

#[test]
fn bytes_that_are_not_utf_8_end_json_on_their_line() {
    let text = b"{\"contact_name\":\"Ana\"}\n{\"contact_name\":\"Mu\xF1oz\"}\n";
    let (rows, error) = read_bytes("a.ndjson", text);
    assert_eq!(rows, 1);
    assert!(error.starts_with("a.ndjson, line 2: a character that is not UTF-8; save the file as UTF-8"), "{error}");
    let (rows, error) = read_bytes("a.json", b"[{\"contact_name\":\"Ana\"},\n\n{\"contact_name\":\"Mu\xF1oz\"}]");
    assert!(rows == 1 && error.starts_with("a.json, line 3: a character that is not UTF-8"), "{error}");
    let options = SourceOptions { encoding: vambe_import::TextEncoding::named("latin1"), ..SourceOptions::default() };
    let mut source = Source::from_reader(Path::new("a"), Cursor::new(text.to_vec()), &options).unwrap();
    assert!(source.next_row().unwrap().is_some() && source.next_row().unwrap().is_some());
}

#[test]
fn json_of_another_shape_is_refused_with_the_way_out() {
    let deep = "[".repeat(1000);
    for (text, expected) in [
        ("[]", "a.json: holds a list with nothing in it; check the export"),
        ("{\"data\": []}", "a.json: holds a list with nothing in it; check the export"),
        (
            "{\"a\": 1,\n\"b\": [1]}",
            "a.json: is JSON, but no list of objects; write one object a line (NDJSON), or all of them in one list",
        ),
        (
            "\"text\"",
            "a.json: is JSON, but no list of objects; write one object a line (NDJSON), or all of them in one list",
        ),
        (
            "[{\"a\":1}\n",
            "a.json, line 2: its JSON ends too early; look for a missing bracket or quote, or export it again",
        ),
        (
            "[{\"a\":1},\n{\"a\":\"",
            "a.json, line 2: its JSON ends too early; look for a missing bracket or quote, or export it again",
        ),
        (
            "[{\"a\":1}\n{\"a\":1}]",
            "a.json, line 2: is not JSON at column 1; correct it there, or export the file again",
        ),
        ("[{\"a\":1},]", "a.json, line 1: is not JSON at column 10; correct it there, or export the file again"),
        ("[{\"a\":1}]\n [", "a.json, line 2: is not JSON at column 2; correct it there, or export the file again"),
        (
            "{\n\"data\": [{\"a\":1}]\n",
            "a.json, line 3: its JSON ends too early; look for a missing bracket or quote, or export it again",
        ),
        (
            "{\n\"data\": [{\"a\":1}] 1}",
            "a.json, line 2: is not JSON at column 19; correct it there, or export the file again",
        ),
        (
            &format!("[{{\"a\":1}},\n{{\"a\":{deep}"),
            "a.json, line 2: its JSON is nested more than 127 deep; flatten it",
        ),
    ] {
        let (_, error) = read_bytes("a.json", text.as_bytes());
        assert_eq!(error, expected, "{text}");
    }
}

#[test]
fn standard_input_that_ends_at_once_is_empty() {
    let folder = Folder::with(&[]);
    let ran = folder.run(&["check", "-"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.stderr, "vambe: standard input: is empty; the first row must hold the names of the columns\n");
    let ran = folder.run_with_input(&["check", "-", "-"], &fixture("utf8.csv"));
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (Some(2), "vambe: standard input: can be read only once; name it once\n")
    );
    let mut child = folder.command(&["check", "-", "-q"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(csv(3).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("3 rows in"));
}

fn json() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
    use proptest::prelude::*;

    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_filter_map("JSON has no NaN", |number| serde_json::Number::from_f64(number).map(Into::into)),
        "[^\0]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::btree_map("[a-zñ\"\\\\]{1,4}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_read_of_json_is_what_was_written(
        rows in proptest::collection::vec(proptest::collection::btree_map("[a-zñ\"\\\\]{1,4}", json(), 1..4), 1..6),
        is_pretty: bool,
    ) {
        let rows: Vec<serde_json::Map<_, _>> = rows.into_iter().map(|row| row.into_iter().collect()).collect();
        let text = |row| serde_json::to_string(row).unwrap();
        let lines = rows.iter().map(text).collect::<Vec<_>>().join("\n");
        let array = if is_pretty { serde_json::to_string_pretty(&rows) } else { serde_json::to_string(&rows) }.unwrap();
        for (name, written) in [("a.ndjson", lines), ("a.json", array)] {
            let folder = Folder::with(&[(name, written.as_bytes())]);
            // Rejected rows tell every value that was read.
            folder.run(&["check", name, "-q", "--unknown", "error", "--rejects", "r"]);
            let rejects = folder.read("r");
            proptest::prop_assert_eq!(rejects.lines().count(), rows.len(), "{}", rejects);
            for (line, row) in rejects.lines().zip(&rows) {
                let mut read: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
                read.retain(|key, _| !key.starts_with('_'));
                proptest::prop_assert_eq!(serde_json::to_string(&read).unwrap(), text(row));
            }
        }
    }

    #[test]
    fn random_bytes_of_any_format_never_make_it_panic(bytes: Vec<u8>, start in 0..8_usize) {
        let starts: [&[u8]; 8] = [b"", b"[{", b"{\"a\":", b"PK\x03\x04", b"\x1F\x8B\x08\0", b"\x28\xB5\x2F\xFD", b"\xFF\xFE", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"];
        let bytes = [starts[start], &bytes].concat();
        for format in [None, Some(FileFormat::Csv), Some(FileFormat::Xlsx), Some(FileFormat::Ndjson), Some(FileFormat::Json)] {
            let options = SourceOptions { format, ..SourceOptions::default() };
            let Ok(mut source) = Source::from_reader(Path::new("a"), Cursor::new(bytes.clone()), &options) else { continue };
            while let Ok(Some(row)) = source.next_row() {
                proptest::prop_assert!(row.line() > 0);
            }
        }
    }
}

#[test]
fn rows_of_a_program_are_numbered() {
    let rows = (0..2).map(|number| Ok(Value::Object(vec![("contact_phone_number".to_owned(), Value::Int(number))])));
    let mut source = Source::from_rows("rows", rows);
    assert_eq!(crate::lines(&mut source).unwrap(), [1, 2]);
    assert_eq!(source.format().to_string(), "rows of a program");
}
