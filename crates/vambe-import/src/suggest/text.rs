//! The text of a suggested mapping.

use std::collections::BTreeSet;
use std::fmt;

use super::SuggestOptions;
use super::plan::{Line, Plan};
use super::sample::Sample;

/// Writes a mapping, with its reasons as comments.
pub(super) fn write(plan: &Plan<'_>, sample: &Sample, options: &SuggestOptions) -> String {
    let mut lines = vec![
        format!(
            "# Which column fills what, suggested from the names of the columns and the first {} rows.",
            sample.rows()
        ),
        "# Check it, edit it, and try it with `vambe check FILE --mapping THIS`. Lines after a \"#\" do not count;"
            .to_owned(),
        "# docs/import.md tells what else can stand here.".to_owned(),
        String::new(),
        "unknown = \"skip\"  # what becomes of columns that nothing here names: \"skip\", \"meta\" or \"error\""
            .to_owned(),
    ];
    let nulls: BTreeSet<&str> = sample.profiles().iter().flat_map(|profile| profile.nulls.iter().copied()).collect();
    if !nulls.is_empty() {
        let nulls: Vec<&str> = nulls.into_iter().collect();
        lines.push(format!("nulls = {}  # texts that count as nothing", list(&nulls)));
    }
    lines.push(String::new());
    lines.extend(channel(plan, options).iter().chain(&plan.lines).map(ToString::to_string));
    lines.push(String::new());
    lines.join("\n")
}

/// Returns a text in quotes.
pub(super) fn quote(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

/// Returns a key, in quotes if it needs them.
pub(super) fn bare_or_quoted(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    if is_bare { key.to_owned() } else { quote(key) }
}

/// Returns a list of texts in quotes.
pub(super) fn list(texts: &[&str]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| quote(text)).collect();
    format!("[{}]", quoted.join(", "))
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(before) = &self.before {
            writeln!(f, "# {before}")?;
        }
        write!(f, "{}{}", if self.is_comment { "#" } else { "" }, self.code)?;
        self.behind.as_ref().map_or(Ok(()), |behind| write!(f, "  # {behind}"))
    }
}

/// Says on which channel customers are reached, unless the file does.
fn channel(plan: &Plan<'_>, options: &SuggestOptions) -> Vec<Line> {
    let mut lines = Vec::new();
    let channel = options.channel.as_deref().unwrap_or("whatsapp");
    let mut say = |code: String, behind: &str, is_comment| {
        lines.push(Line { code, behind: Some(behind.to_owned()), is_comment, ..Line::default() });
    };
    if !plan.fills("channel") {
        say(format!("channel = {{ value = {} }}", quote(channel)), "whatsapp, web-whatsapp or webchat", false);
    }
    if channel == "webchat" {
        if !plan.fills("channel_id") {
            say("channel_id = { value = \"\" }".to_owned(), "the UUID of your webchat; or pass --channel-id", true);
        }
        if !plan.fills("external_user_id") {
            say("external_user_id = \"\"".to_owned(), "no column looks like your id of a user: name one", true);
        }
        return lines;
    }
    match (&options.channel_phone_number, options.has_number_in_environment) {
        _ if plan.fills("channel_phone_number") => {}
        (Some(number), _) => {
            say(format!("channel_phone_number = {{ value = {} }}", quote(number)), "your own number", false);
        }
        (None, true) => {
            let why = "your own number; VAMBE_CHANNEL_PHONE gives it";
            say("channel_phone_number = { value = \"\" }".to_owned(), why, true);
        }
        (None, false) => {
            let why = "your own number; or pass --channel-phone-number, or set VAMBE_CHANNEL_PHONE";
            say("channel_phone_number = { value = \"\" }".to_owned(), why, true);
        }
    }
    if !plan.fills("contact_phone_number") {
        say("contact_phone_number = \"\"".to_owned(), "no column looks like the customer's phone: name one", true);
    }
    lines
}
