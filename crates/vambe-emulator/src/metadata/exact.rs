//! The engine that guesses nothing: equal names, and conversions that have one reading.

use serde_json::{Map, Value};

use super::leaves::{Leaf, TOO_MUCH, leaves};
use super::{Engine, Finding};
use crate::field_types::FieldType;
use crate::seed::CustomField;

/// Matches names that are equal, after case, accents and separators are put aside.
#[derive(Debug, Default)]
pub(crate) struct ExactEngine;

/// How sure a match of names is; the smaller the surer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    ExactKey,
    Key,
    Name,
    Alias,
}

impl Engine for ExactEngine {
    fn find(&self, meta_data: &Map<String, Value>, fields: &[CustomField]) -> Vec<Finding> {
        let Some(leaves) = leaves(meta_data) else {
            return vec![Finding::raw("", &Value::Null, TOO_MUCH)];
        };
        let matches: Vec<_> = leaves.iter().map(|leaf| best(leaf, fields)).collect();
        let numbered = leaves.iter().zip(&matches).enumerate();
        numbered.map(|(at, (leaf, found))| finding(leaf, found, at, &leaves, &matches)).collect()
    }
}

/// The field of a leaf, or why there is none.
type Matched<'a> = Result<(Match, &'a CustomField), &'static str>;

fn best<'a>(leaf: &Leaf<'_>, fields: &'a [CustomField]) -> Matched<'a> {
    let names = [leaf.path.last().copied().unwrap_or_default(), &leaf.path.join("_")];
    let mut found: Vec<(Match, &CustomField)> =
        fields.iter().filter_map(|field| Some((matched(names, field)?, field))).collect();
    found.sort_by_key(|(rank, _)| *rank);
    match found.as_slice() {
        [] => Err("no custom field has this name"),
        [(first, _), (second, _), ..] if first == second => Err("several custom fields have this name"),
        [best, ..] => Ok(*best),
    }
}

/// Compares the last key of the leaf, and all its keys together.
fn matched(names: [&str; 2], field: &CustomField) -> Option<Match> {
    let same = |known: &String| names.iter().any(|name| is_alike(known, name));
    if names.contains(&field.key.as_str()) {
        Some(Match::ExactKey)
    } else if same(&field.key) {
        Some(Match::Key)
    } else if field.name.as_ref().is_some_and(same) {
        Some(Match::Name)
    } else {
        field.aliases.iter().any(same).then_some(Match::Alias)
    }
}

fn finding(leaf: &Leaf<'_>, matched: &Matched<'_>, at: usize, leaves: &[Leaf<'_>], all: &[Matched<'_>]) -> Finding {
    let raw = |reason: &str| Finding::raw(&leaf.pointer, leaf.value, reason);
    let (rank, field) = match matched {
        Ok(matched) => *matched,
        Err(reason) => return raw(reason),
    };
    let depth = |at: usize| leaves[at].path.len();
    let mut finding = Finding {
        field: Some(field.key.clone()),
        rule: Some(rank.name().to_owned()),
        identifier: field.identifier,
        ..raw("")
    };
    // Another value of the same field: the surer one wins, then the one less deep.
    let rivals = all
        .iter()
        .enumerate()
        .filter(|(other, found)| *other != at && found.as_ref().is_ok_and(|(_, theirs)| theirs.key == field.key));
    for (other, rival) in rivals {
        let Ok((theirs, _)) = rival else { continue };
        if (*theirs, depth(other)) <= (rank, depth(at)) {
            finding.leave("another value of the metadata has this name too");
            return finding;
        }
    }
    if !field.editable_by_ai {
        finding.leave("the field is not editable by AI");
        return finding;
    }
    match convert(leaf.value, &field.field_type) {
        Ok(value) => Finding { value: Some(value), written: true, reason: None, ..finding },
        Err(reason) => {
            finding.leave(reason);
            finding
        }
    }
}

/// Converts what has one reading only.
fn convert(value: &Value, field_type: &FieldType) -> Result<String, &'static str> {
    let unfit = "the value is not of the field's type, or has several readings";
    let text = match (value, field_type) {
        (Value::Null, _) => return Err("the value is null"),
        (Value::Array(_) | Value::Object(_), _) => return Err("the value is a list"),
        (Value::String(text), _) if text.trim().is_empty() => return Err("the value is empty"),
        (Value::String(text), _) => text.trim().to_owned(),
        (Value::Bool(_), FieldType::Text | FieldType::Boolean)
        | (Value::Number(_), FieldType::Text | FieldType::Number | FieldType::Options(_)) => value.to_string(),
        (Value::Bool(_) | Value::Number(_), _) => return Err(unfit),
    };
    match field_type {
        FieldType::Options(words) => option(&text, words).ok_or("the value is none of the options"),
        FieldType::Number if !is_plain_decimal(&text) && value.is_string() => Err(unfit),
        _ => field_type.convert(&text).ok_or(unfit),
    }
}

fn option(text: &str, words: &[String]) -> Option<String> {
    let exact = words.iter().find(|word| *word == text);
    let mut alike = words.iter().filter(|word| is_alike(word, text));
    exact.or_else(|| alike.next().filter(|_| alike.next().is_none())).cloned()
}

/// Digits with at most one point; `1.234` may be a thousand and more, so three decimals are not plain.
fn is_plain_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match unsigned.split_once('.') {
        None => digits(unsigned),
        Some((whole, decimals)) => digits(whole) && digits(decimals) && decimals.len() != 3,
    }
}

/// Whether two names are one but for case, accents, blanks and punctuation: `Razón social`, `razonSocial`.
fn is_alike(one: &str, other: &str) -> bool {
    let mut letters = folded(one).peekable();
    letters.peek().is_some() && letters.eq(folded(other))
}

fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase).map(plain).filter(|c| c.is_alphanumeric())
}

/// The letter without the accent that Spanish, Portuguese and their neighbours put on it.
fn plain(letter: char) -> char {
    match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        // What is left of a letter that was written in two parts.
        '\u{0300}'..='\u{036f}' => ' ',
        other => other,
    }
}

impl Match {
    const fn name(self) -> &'static str {
        match self {
            Self::ExactKey => "exact_key",
            Self::Key => "normalised_key",
            Self::Name => "name",
            Self::Alias => "alias",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn options() -> FieldType {
        FieldType::options(["Básico", "Pro", "5"])
    }

    #[test]
    fn each_kind_of_value_converts_to_each_type_or_stays() {
        let (text, number, date, boolean) = (FieldType::Text, FieldType::Number, FieldType::Date, FieldType::Boolean);
        let cases = [
            (json!(" Acme "), &text, Some("Acme")),
            (json!(""), &text, None),
            (json!(5), &text, Some("5")),
            (json!(true), &text, Some("true")),
            (json!(null), &text, None),
            (json!(["a"]), &text, None),
            (json!("85"), &number, Some("85")),
            (json!("-12.5"), &number, Some("-12.5")),
            (json!("1.234"), &number, None),
            (json!("1,5"), &number, None),
            (json!("1e3"), &number, None),
            (json!("$5"), &number, None),
            (json!(1.234), &number, Some("1.234")),
            (json!(true), &number, None),
            (json!("2024-02-29"), &date, Some("2024-02-29")),
            (json!("2024-09-30T10:00:00Z"), &date, Some("2024-09-30T10:00:00Z")),
            (json!("03/04/2024"), &date, None),
            (json!(1_700_000_000), &date, None),
            (json!(false), &date, None),
            (json!(true), &boolean, Some("true")),
            (json!("FALSE"), &boolean, Some("false")),
            (json!("sí"), &boolean, None),
            (json!(1), &boolean, None),
            (json!("BASICO"), &options(), Some("Básico")),
            (json!("Pro"), &options(), Some("Pro")),
            (json!("Premium"), &options(), None),
            (json!(5), &options(), Some("5")),
            (json!(true), &options(), None),
        ];
        for (value, field_type, expected) in cases {
            assert_eq!(convert(&value, field_type).ok().as_deref(), expected, "{value} as {}", field_type.name());
        }
    }

    #[test]
    fn two_options_that_look_alike_are_told_apart_or_left() {
        let words = FieldType::options(["si", "Sí"]);
        assert_eq!(convert(&json!("si"), &words).as_deref(), Ok("si"));
        assert!(convert(&json!("SI"), &words).is_err());
    }

    fn fields() -> Vec<CustomField> {
        let named =
            CustomField { name: Some("Razón social".to_owned()), ..CustomField::new("company", FieldType::Text) };
        let alias =
            CustomField { aliases: vec!["puntaje".to_owned()], ..CustomField::new("lead_score", FieldType::Number) };
        let locked = CustomField { editable_by_ai: false, ..CustomField::new("owner", FieldType::Text) };
        vec![named, alias, locked, CustomField::new("address_city", FieldType::Text)]
    }

    fn found(meta_data: &Value) -> Vec<(String, Option<String>, Option<String>)> {
        let findings = ExactEngine.find(meta_data.as_object().unwrap(), &fields());
        findings.into_iter().map(|f| (f.pointer, f.rule, f.value)).collect()
    }

    #[test]
    fn names_match_by_key_then_name_then_alias() {
        let cases = [
            (json!({ "company": "A" }), "exact_key"),
            (json!({ "Company": "A" }), "normalised_key"),
            (json!({ "razon_social": "A" }), "name"),
            (json!({ "Puntaje": 3 }), "alias"),
            (json!({ "leadScore": 3 }), "normalised_key"),
            (json!({ "address": { "city": "A" } }), "exact_key"),
            (json!({ "raw": { "company": "A" } }), "exact_key"),
        ];
        for (meta_data, rule) in cases {
            let [(_, found_rule, value)] = &found(&meta_data)[..] else { panic!("one finding") };
            assert_eq!(found_rule.as_deref(), Some(rule), "{meta_data}");
            assert!(value.is_some());
        }
    }

    #[test]
    fn of_two_values_of_one_field_the_surer_wins_and_equals_are_left() {
        let values = |meta_data: Value| -> Vec<Option<String>> {
            found(&meta_data).into_iter().map(|(_, _, value)| value).collect()
        };
        assert_eq!(values(json!({ "COMPANY": "b", "company": "a" })), [None, Some("a".to_owned())]);
        assert_eq!(values(json!({ "x": { "company": "b" }, "company": "a" })), [None, Some("a".to_owned())]);
        assert_eq!(values(json!({ "x": { "company": "a" }, "y": { "company": "b" } })), [None, None]);
    }

    #[test]
    fn what_stays_raw_says_why() {
        let meta_data = json!({ "colour": "red", "owner": "Ana", "leadScore": "many", "company": [1] });
        let reasons: Vec<_> = ExactEngine.find(meta_data.as_object().unwrap(), &fields());
        let reasons: Vec<_> = reasons.iter().map(|finding| finding.reason.as_deref().unwrap()).collect();
        assert_eq!(
            reasons,
            [
                "no custom field has this name",
                "the field is not editable by AI",
                "the value is not of the field's type, or has several readings",
                "the value is a list",
            ]
        );
    }
}
