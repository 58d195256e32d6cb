//! What is particular to workbooks: types of cells, sheets, and what only looks like one.

use std::fs;
use std::io::{Cursor, Write as _};

use vambe_import::{Source, SourceOptions};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::{Folder, fixture};

const ROWS: &str = "<sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>contact_phone_number</t></is></c></row>\
    <row r=\"2\"><c r=\"A2\"><v>56911111111</v></c></row></sheetData>";

fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A workbook with this in its sheet, and these texts to share.
fn workbook(sheet: &str, shared: &str) -> Vec<u8> {
    const RELATION: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relations = |kind: &str, target: &str| {
        format!(
            "<Relationships><Relationship Id=\"r1\" Type=\"{RELATION}/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    archive(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", relations("officeDocument", "xl/workbook.xml").as_bytes()),
        ("xl/workbook.xml", b"<workbook><sheets><sheet name=\"A\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"),
        ("xl/_rels/workbook.xml.rels", relations("worksheet", "worksheets/sheet1.xml").as_bytes()),
        ("xl/sharedStrings.xml", shared.as_bytes()),
        ("xl/worksheets/sheet1.xml", format!("<worksheet>{sheet}</worksheet>").as_bytes()),
    ])
}

fn problem(bytes: Vec<u8>) -> String {
    let options = SourceOptions::default();
    let name = std::path::Path::new("book.xlsx");
    let mut source = match Source::from_reader(name, Cursor::new(bytes), &options) {
        Ok(source) => source,
        Err(error) => return error.to_string(),
    };
    loop {
        match source.next_row() {
            Ok(Some(_)) => {}
            Ok(None) => return "no problem".to_owned(),
            Err(error) => return error.to_string(),
        }
    }
}

#[test]
fn cells_become_the_text_that_a_person_means() {
    let mut source = Source::open(&fixture("types.xlsx"), &SourceOptions::default()).unwrap();
    assert_eq!(source.header().unwrap().line(), 3);
    let mut rows = Vec::new();
    while let Some(row) = source.next_row().unwrap() {
        rows.push((row.line(), row.cells().collect::<Vec<_>>().join("|")));
    }
    assert_eq!(
        rows,
        [
            (
                4,
                "whatsapp|56912345678|Ana|2024-09-30|2024-09-30T18:05:01|07:30:00|25:30:00|true|1234.5||56912345678"
                    .to_owned()
            ),
            (7, "whatsapp|5.69E+10|||||||||".to_owned()),
            (9, "whatsapp|+56911111111|  Ñandú |||||||||de más".to_owned()),
            (10, "whatsapp|+56911111112|||||||0.1||".to_owned()),
        ]
    );
}

#[test]
fn a_phone_in_scientific_notation_is_refused_and_an_error_value_is_counted() {
    let folder = Folder::with(&[("types.xlsx", &fs::read(fixture("types.xlsx")).unwrap())]);
    let ran = folder.run(&["check", "types.xlsx", "--json", "--channel-phone-number", "+56987654321"]);
    let summary: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(summary["codes"], serde_json::json!({"phone_scientific": 1, "row_shape": 1}));
    assert_eq!(summary["warnings"], serde_json::json!({"cell_error": 1, "phone_missing_plus": 1}));
    let rejects = folder.read("types.xlsx.rejects.csv");
    assert!(rejects.starts_with("\u{feff}_line,_code,_reason,_http_status,_attempts,channel,"), "{rejects}");
    assert!(rejects.contains("\r\n7,phone_scientific,") && rejects.contains("format the column as text"), "{rejects}");
    assert!(rejects.contains("9,row_shape,") && rejects.ends_with(",de más\r\n"), "{rejects}");
}

#[test]
fn the_sheet_is_chosen_and_a_wrong_name_lists_the_others() {
    let folder = Folder::with(&[("book.xlsx", &fs::read(fixture("workbook.xlsx")).unwrap()), ("a.csv", b"a\n1\n")]);
    for (arguments, code, message) in [
        (&["book.xlsx", "--sheet", "Ventas"][..], 2, "has no sheet \"Ventas\"; its sheets are \"Clientes\", \"Notas\""),
        (&["book.xlsx", "--sheet", "Notas"], 1, "has a header but no rows; check the export"),
        (&["book.xlsx", "--sheet", "interno"], 1, "has a header but no rows; check the export"),
        (
            &["book.xlsx", "--format", "csv"],
            1,
            "is a workbook, not text; leave out --format, or save it as \"CSV UTF-8\"",
        ),
        (&["a.csv", "--sheet", "A"], 2, "is no workbook, so it has no sheets; leave out --sheet"),
        (&["a.csv", "--format", "xlsx"], 1, "is no workbook; leave out --format"),
    ] {
        let ran = folder.run(&[&["check"], arguments].concat());
        assert_eq!((ran.code, ran.stderr), (Some(code), format!("vambe: {}: {message}\n", arguments[0])));
    }
    let ran = folder.run_with_input(&["check", "-"], &fixture("empty-first.xlsx"));
    assert_eq!(ran.stderr, "vambe: standard input: the sheet \"Portada\" is empty; name another with --sheet\n");
}

#[test]
fn a_packed_workbook_is_read_out_of_memory() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&fs::read(fixture("workbook.xlsx")).unwrap()).unwrap();
    assert_eq!(problem(encoder.finish().unwrap()), "no problem");
}

#[test]
fn what_only_looks_like_a_workbook_is_named() {
    let ole = |name: &str| [b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec(), vec![0; 70_000], utf16(name)].concat();
    for (bytes, expected) in [
        (archive(&[("notes.txt", b"hello")]), "is a ZIP archive, but no workbook"),
        (archive(&[]), "is a ZIP archive, but no workbook"),
        (
            archive(&[("[Content_Types].xml", b"<T/>"), ("word/document.xml", b"<d/>")]),
            "is a ZIP archive, but no workbook",
        ),
        (archive(&[("mimetype", b"a"), ("content.xml", b"<a/>")]), "is an OpenDocument file"),
        (archive(&[("[Content_Types].xml", b"<T/>"), ("xl/workbook.bin", b"")]), "is a binary workbook (.xlsb)"),
        (ole("Workbook"), "is of an old Office version (such as .xls)"),
        (ole("EncryptedPackage"), "is a workbook with a password; save a copy without one"),
        (b"<html><table><tr><td>contact_name".to_vec(), "is HTML or XML, whatever its name"),
        (b"PK\x03\x04rest".to_vec(), "a workbook that is damaged"),
    ] {
        let found = problem(bytes);
        assert!(found.starts_with(&format!("book.xlsx: {expected}")), "{found}");
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_workbook_of_any_damage_or_of_too_much_is_refused() {
    let row = |content: &str| ROWS.replace("</sheetData>", &format!("{content}</sheetData>"));
    let long =
        format!("<row r=\"3\"><c r=\"A3\" t=\"inlineStr\"><is><t>{}</t></is></c></row>", "x".repeat(1024 * 1025));
    for (sheet, shared, expected) in [
        (ROWS.to_owned(), "<sst/>", "no problem"),
        (row("<row r=\"3\"><c r=\"A3\" t=\"e\"><v>#SPILL!</v></c></row>"), "<sst/>", "no problem"),
        (row(&long), "<sst/>", "book.xlsx, line 3: a row of more than 1 MiB"),
        (
            row("<row r=\"3\"><c r=\"XFD3\"><v>1</v></c></row>"),
            "<sst/>",
            "book.xlsx, line 3: a cell beyond column 4096",
        ),
        (
            // Found while the end of row 2 is looked for.
            row("<row r=\"3\"><c r=\"A3\" t=\"s\"><v>9</v></c></row>"),
            "<sst/>",
            "book.xlsx, line 2: a workbook that is damaged",
        ),
        (row("<row r=\"1\"><c r=\"A1\"><v>1</v></c></row>"), "<sst/>", "book.xlsx, line 3: a workbook that is damaged"),
        (
            row("<row r=\"3\"><c r=\"B3\"><v>1</v></c><c r=\"A3\"><v>1</v></c></row>"),
            "<sst/>",
            "book.xlsx, line 3: a workbook",
        ),
        (ROWS.to_owned(), "<sst uniqueCount=\"999999999999999999\"/>", "book.xlsx: a workbook that is damaged"),
        ("<sheetData></sheetData>".to_owned(), "<sst/>", "book.xlsx: the sheet \"A\" is empty"),
    ] {
        let found = problem(workbook(&sheet, shared));
        assert!(found.starts_with(expected), "{found}, not {expected}");
    }
}

#[test]
fn a_workbook_that_is_cut_short_or_changed_hands_out_no_rows() {
    let bytes = fs::read(fixture("workbook.xlsx")).unwrap();
    assert!(problem(bytes[..bytes.len() - 30].to_vec()).starts_with("book.xlsx: a workbook that is damaged"));
    let sheet = bytes.windows(24).position(|name| name == b"xl/worksheets/sheet2.xml").unwrap();
    let mut changed = bytes.clone();
    changed[sheet + 60] ^= 0x55;
    assert!(problem(changed).starts_with("book.xlsx: a workbook that is damaged"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_byte_of_the_sheet_never_makes_it_panic(at: proptest::sample::Index, byte: u8) {
        let mut sheet = ROWS.to_owned().into_bytes();
        let at = at.index(sheet.len());
        sheet[at] = byte;
        problem(workbook(&String::from_utf8_lossy(&sheet), "<sst/>"));
    }
}
