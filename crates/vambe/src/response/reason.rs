//! The server's reason, wherever its framework puts it, fit to be shown.

use serde_json::Value;

use crate::uuid::is_uuid;

/// Returns the reason in an error body, as one bounded line.
pub(super) fn read(parsed: &Value, text: &str) -> Option<String> {
    let mut parts = Vec::new();
    collect(parsed, 0, &mut parts);
    if parts.is_empty() && !parsed.is_object() && !parsed.is_array() && kind(text) == "text" {
        parts.push(text);
    }
    let mut reason = String::new();
    for part in parts {
        let line = part.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.is_empty() || reason.contains(&line) {
            continue;
        }
        if !reason.is_empty() {
            reason.push_str("; ");
        }
        reason.push_str(&line);
    }
    (!reason.is_empty()).then(|| cut(&reason, LONGEST).to_owned())
}

/// Cuts a text to at most so many bytes, between characters.
pub(super) fn cut(text: &str, longest: usize) -> &str {
    let fits = |end: &usize| text.is_char_boundary(*end);
    text.get(..(0..=longest.min(text.len())).rev().find(fits).unwrap_or(0)).unwrap_or_default()
}

/// Says what a body is, without showing it.
pub(super) fn kind(text: &str) -> &'static str {
    let start = text.trim_start();
    match start.as_bytes().first() {
        None => "nothing",
        Some(b'<') => "an HTML page",
        Some(b'{' | b'[') => "other JSON",
        Some(_) => "text",
    }
}

/// Masks what may be personal data: what was sent, e-mail addresses, and long runs of digits.
pub(super) fn mask(reason: &str, sent: &str) -> String {
    let mut reason = reason.to_owned();
    for text in personal_texts(sent) {
        reason = reason.replace(&text, MASK);
    }
    let words: Vec<String> = reason.split(' ').map(mask_word).collect();
    words.join(" ")
}

fn mask_word(word: &str) -> String {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    let digits = bare.bytes().filter(u8::is_ascii_digit).count();
    if bare.is_empty() || is_uuid(bare) || !(bare.contains('@') || digits >= FEWEST_PERSONAL_DIGITS) {
        return word.to_owned();
    }
    word.replace(bare, MASK)
}

fn personal_texts(sent: &str) -> Vec<String> {
    let Ok(Value::Object(body)) = serde_json::from_str(sent) else { return Vec::new() };
    let personal = ["contact_phone_number", "external_user_id", "contact_name", "contact_email"];
    let texts = personal.iter().filter_map(|field| body.get(*field)?.as_str());
    texts.filter(|text| text.len() >= SHORTEST_PERSONAL_TEXT).map(str::to_owned).collect()
}

fn collect<'v>(value: &'v Value, depth: usize, parts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) if depth > 0 => parts.push(text),
        Value::Array(values) if depth < DEEPEST => values.iter().for_each(|value| collect(value, depth + 1, parts)),
        Value::Object(fields) if depth < DEEPEST => {
            let reasons = REASON_KEYS.iter().filter_map(|key| fields.get(*key));
            reasons.for_each(|value| collect(value, depth + 1, parts));
        }
        _ => {}
    }
}

// NestJS says `message`, zod `issues` or `errors`, others `details` or `error`.
const REASON_KEYS: [&str; 7] = ["message", "errors", "issues", "details", "detail", "error_description", "error"];
const DEEPEST: usize = 4;
const LONGEST: usize = 300;
const FEWEST_PERSONAL_DIGITS: usize = 6;
const SHORTEST_PERSONAL_TEXT: usize = 3;
const MASK: &str = "[hidden]";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_reason_wherever_it_stands() {
        for (body, expected) in [
            (r#"{"statusCode":400,"message":"no","error":"Bad Request"}"#, Some("no; Bad Request")),
            (r#"{"message":["a","b"]}"#, Some("a; b")),
            (
                r#"{"message":"Validation failed","errors":[{"code":"x","path":["a"],"message":"wrong"}]}"#,
                Some("Validation failed; wrong"),
            ),
            (r#"{"error":{"message":"nested"}}"#, Some("nested")),
            ("plain\n text", Some("plain text")),
            ("<html>502</html>", None),
            ("", None),
            ("{}", None),
        ] {
            let parsed = serde_json::from_str(body).unwrap_or(Value::Null);
            assert_eq!(read(&parsed, body).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn masks_what_was_sent_and_what_looks_personal() {
        let sent = r#"{"contact_name":"Ana Pérez","contact_phone_number":"+56912345678"}"#;
        let masked =
            mask("Ana Pérez (+56912345678, ana@x.cl) has no stage 550e8400-e29b-41d4-a716-446655440000, row 12", sent);
        assert_eq!(masked, "[hidden] ([hidden], [hidden]) has no stage 550e8400-e29b-41d4-a716-446655440000, row 12");
    }
}
