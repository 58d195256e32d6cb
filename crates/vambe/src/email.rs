//! Whether an e-mail address looks right. The server is not known to check it, so we only doubt.

/// Returns whether the text has the form of an address that mail could reach.
///
/// One `@`, a local part of 1 to 64 bytes, at most 254 in all, and a domain with a dot.
pub(crate) fn looks_right(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    (1..=64).contains(&local.len())
        && text.len() <= 254
        && (is_usual(text) || !text.chars().any(is_out_of_place))
        && !starts_with_mailto(text)
        && is_domain(domain)
}

fn is_domain(domain: &str) -> bool {
    let Some((_, last)) = domain.rsplit_once('.') else { return false };
    let is_label = |label: &[u8]| !matches!(label, [] | [b'-', ..] | [.., b'-']);
    !domain.bytes().any(|byte| byte == b'@')
        && domain.as_bytes().split(|byte| *byte == b'.').all(is_label)
        && is_top_level(last)
}

fn is_top_level(label: &str) -> bool {
    let is_punycode = label.len() > 4 && label.as_bytes()[..4].eq_ignore_ascii_case(b"xn--");
    (is_punycode || label.chars().all(char::is_alphanumeric)) && !label.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether nothing can be out of place. No early exit: so it is looked at in blocks.
fn is_usual(text: &str) -> bool {
    let is_usual = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'@' | b'-' | b'_');
    text.bytes().fold(true, |all, byte| all & is_usual(&byte))
}

fn is_out_of_place(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_invisible(c) || "<>,;()\"".contains(c)
}

/// Returns whether the character has no shape of its own (Unicode's format characters).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn starts_with_mailto(text: &str) -> bool {
    text.len() >= 7 && text.as_bytes()[..7].eq_ignore_ascii_case(b"mailto:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubts_what_mail_could_not_reach_and_nothing_else() {
        for good in
            ["a@b.co", "o'brien@x.ie", "a#b+c/d@x-y.com.br", "josé@ñandú.cl", "x@xn--nand-6ra8h.cl", "a..b@x.org"]
        {
            assert!(looks_right(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@",
            "@b.co",
            "a@b",
            "a@@b.co",
            "a@b.co.",
            "a@.co",
            "a@-b.co",
            "a@b-.co",
            "a@b.123",
            "a b@c.co",
            "a@b.co,",
            "<a@b.co>",
            "mailto:a@b.co",
            "a@b,co",
            "a\u{200b}@b.co",
            "Juan <a@b.co>",
            "a@b.co;c@d.co",
        ] {
            assert!(!looks_right(bad), "{bad}");
        }
    }
}
