//! What kind of file it is: found out from what it begins with, its name only where that leaves a doubt.

use std::path::Path;

use vambe::{Field, Value};

use crate::source::{FileKind, SourceProblem};

use super::SourceOptions;
use super::decode::TextEncoding;
use super::format::FileFormat;
use super::input::Input;

/// Returns the kind of a file and, unless it is a workbook, its encoding.
pub(super) fn find_format(
    input: &Input,
    path: &Path,
    options: &SourceOptions,
) -> Result<(FileFormat, TextEncoding), SourceProblem> {
    if is_workbook(&input.sample) {
        return match options.format {
            None | Some(FileFormat::Xlsx) => Ok((FileFormat::Xlsx, TextEncoding::UTF_8)),
            Some(_) => Err(SourceProblem::WrongKind(FileKind::Workbook)),
        };
    }
    if options.format == Some(FileFormat::Xlsx) {
        return Err(SourceProblem::WrongKind(FileKind::NoWorkbook));
    }
    let known = options.encoding.or_else(|| TextEncoding::marked(&input.sample));
    if known.is_none() && input.sample.contains(&0) {
        return Err(SourceProblem::WrongKind(FileKind::Binary));
    }
    let start = known.unwrap_or(TextEncoding::UTF_8).decode(&input.sample);
    if is_markup(&start) {
        return Err(SourceProblem::WrongKind(FileKind::Markup));
    }
    let format = options.format.unwrap_or_else(|| format_of(&start, input.is_whole, format_named(path)));
    let encoding = known.unwrap_or_else(|| match format {
        // JSON is UTF-8 unless somebody says otherwise (RFC 8259, 8.1): a guess would damage names in silence.
        FileFormat::Json | FileFormat::Ndjson => TextEncoding::UTF_8,
        _ => TextEncoding::guessed(input),
    });
    Ok((format, encoding))
}

/// Returns whether a file begins as ZIP archives or the files of old Office versions do.
fn is_workbook(sample: &[u8]) -> bool {
    sample.starts_with(b"PK\x03\x04") || sample.starts_with(b"PK\x05\x06") || sample.starts_with(OLE)
}

pub(super) const OLE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// Some CRMs export a page of HTML under the name `.xls`.
fn is_markup(text: &str) -> bool {
    let start: String = text.trim_start().chars().take(16).collect::<String>().to_ascii_lowercase();
    ["<!doctype", "<html", "<table", "<?xml", "<meta", "<head", "<body"].iter().any(|tag| start.starts_with(tag))
}

fn format_named(path: &Path) -> Option<FileFormat> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    match name.rsplit_once('.')?.1 {
        "ndjson" | "jsonl" => Some(FileFormat::Ndjson),
        "json" => Some(FileFormat::Json),
        _ => None,
    }
}

fn format_of(start: &str, is_whole: bool, named: Option<FileFormat>) -> FileFormat {
    let text = start.trim_start();
    let mut after_bracket = text.chars().skip(1).skip_while(|character| character.is_whitespace());
    match (text.chars().next(), named) {
        (Some('{'), Some(FileFormat::Ndjson)) => FileFormat::Ndjson,
        (Some('{'), _) => format_of_objects(text, is_whole),
        (Some(_), Some(named)) => named,
        // A header such as `[id];[name]` is no JSON.
        (Some('['), None) if matches!(after_bracket.next(), None | Some('{' | ']')) => FileFormat::Json,
        _ => FileFormat::Csv,
    }
}

/// Tells objects of a line each from one object that holds an array of them.
fn format_of_objects(text: &str, is_whole: bool) -> FileFormat {
    let (line, rest) = text.split_once(['\n', '\r']).unwrap_or((text, ""));
    let is_only_line = is_whole && rest.trim().is_empty();
    if line.len() == text.len() && !is_whole {
        return FileFormat::Json;
    }
    match Value::from_json(line) {
        Ok(Value::Object(entries)) if is_only_line && is_wrapper(&entries) => FileFormat::Json,
        Ok(_) => FileFormat::Ndjson,
        // A broken line is told of as one.
        Err(_) if line.trim_end().ends_with('}') => FileFormat::Ndjson,
        Err(_) => FileFormat::Json,
    }
}

fn is_wrapper(entries: &[(String, Value)]) -> bool {
    let is_list = |value: &Value| match value {
        Value::Array(values) => values.first().is_none_or(|first| matches!(first, Value::Object(_))),
        _ => false,
    };
    entries.iter().all(|(key, _)| Field::from_key(key).is_none()) && entries.iter().any(|(_, value)| is_list(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_tells_the_format_and_the_name_where_that_leaves_a_doubt() {
        for (text, name, expected) in [
            ("a,b\n1,2\n", "a.csv", FileFormat::Csv),
            ("a,b\n1,2\n", "a", FileFormat::Csv),
            ("{\"a\":1}\n{\"a\":2}\n", "a.csv", FileFormat::Ndjson),
            ("\n  {\"a\":1}", "a.json", FileFormat::Ndjson),
            ("{\"a\":}\n{\"a\":2}\n", "a", FileFormat::Ndjson),
            ("{\"a\":1\n,\"b\":2}\n", "a.jsonl.gz", FileFormat::Ndjson),
            ("[{\"a\":1}]", "a.csv", FileFormat::Json),
            ("[\n\n{", "a", FileFormat::Json),
            ("[]", "a", FileFormat::Json),
            ("[id];[contact_name]\n1;2\n", "a", FileFormat::Csv),
            ("[1]\n[2]\n", "a.jsonl", FileFormat::Ndjson),
            ("{\n  \"data\": [", "a", FileFormat::Json),
            ("{\"data\":[{\"a\":1}],\"next\":null}\n", "a", FileFormat::Json),
            ("{\"channel\":\"whatsapp\",\"custom_field_values\":[{\"key\":\"a\"}]}\n", "a", FileFormat::Ndjson),
            ("{\"data\":[{\"a\":1}]}\n{\"data\":[{\"a\":1}]}\n", "a", FileFormat::Ndjson),
            ("\"a\"\n", "a.ndjson", FileFormat::Ndjson),
            ("12\n", "a.json", FileFormat::Json),
            ("", "a.json", FileFormat::Csv),
        ] {
            assert_eq!(format_of(text, true, format_named(Path::new(name))), expected, "{text:?} {name}");
        }
        assert_eq!(format_of("{\"a\":\"...", false, None), FileFormat::Json);
    }

    #[test]
    fn pages_and_other_markup_are_told_from_text() {
        assert!(is_markup("\n<HTML><body>") && is_markup("<?xml version=\"1.0\"?>") && !is_markup("<id>;<name>\n"));
    }
}
