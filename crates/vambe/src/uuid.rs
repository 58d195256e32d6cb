//! The API's UUID pattern (`docs/contract.md#uuids`): versions 1 to 8, the nil and the max UUID.

/// Returns whether the text matches the pattern of the API's page, and nothing looser.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.as_bytes().try_into().is_ok_and(is_versioned) || text == NIL || text == MAX
}

/// Returns whether the text is one of the documentation's `your_…` or `<…>` placeholders.
pub(crate) fn is_placeholder(text: &str) -> bool {
    let lower = text.trim_start().as_bytes();
    let starts = |prefix: &[u8]| lower.len() >= prefix.len() && lower[..prefix.len()].eq_ignore_ascii_case(prefix);
    starts(b"your_") || starts(b"your-") || starts(b"<")
}

/// Returns what to do about a text that is nearly a UUID.
pub(crate) fn hint(text: &str) -> &'static str {
    let trimmed = text.trim();
    let hex = trimmed.chars().filter(char::is_ascii_hexdigit).count();
    if trimmed.len() != text.len() && is_uuid(trimmed) {
        "remove the blanks around it"
    } else if is_uuid(&text.to_ascii_lowercase()) {
        "write it in lower case"
    } else if hex == 32 && trimmed.len() != 36 {
        "write it as 8-4-4-4-12 hexadecimal digits, without braces or prefix"
    } else {
        "copy the id from the Vambe dashboard"
    }
}

fn is_versioned(bytes: &[u8; 36]) -> bool {
    // Four dashes and 32 digits: counted without an early exit, so in blocks.
    bytes[8] == b'-'
        && bytes[13] == b'-'
        && bytes[18] == b'-'
        && bytes[23] == b'-'
        && matches!(bytes[14], b'1'..=b'8')
        && matches!(bytes[19], b'8' | b'9' | b'a' | b'b' | b'A' | b'B')
        && bytes.iter().filter(|byte| byte.is_ascii_hexdigit()).count() == 32
}

const NIL: &str = "00000000-0000-0000-0000-000000000000";
const MAX: &str = "ffffffff-ffff-ffff-ffff-ffffffffffff";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_every_version_and_variant_of_the_pattern_and_no_other() {
        for version in "0123456789abcdefABCDEF".chars() {
            for variant in "0123456789abcdefABCDEF".chars() {
                let text = format!("550e8400-e29b-{version}1d4-{variant}716-446655440000");
                let expected = "12345678".contains(version) && "89abAB".contains(variant);
                assert_eq!(is_uuid(&text), expected, "{text}");
            }
        }
    }

    #[test]
    fn accepts_the_nil_uuid_and_the_max_uuid_in_lower_case_only() {
        assert!(is_uuid(NIL) && is_uuid(MAX));
        assert!(!is_uuid(&MAX.to_uppercase()));
        assert!(!is_uuid("00000000-0000-0000-0000-000000000001"));
    }
}
