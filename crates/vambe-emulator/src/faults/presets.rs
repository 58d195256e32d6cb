//! Faults by name, for the things that go wrong everywhere.

use serde_json::Value;

use super::{Action, Fault};

/// The names that stand for faults in `PUT /_emulator/faults` and `vambe emulator --fault`, with what each does.
pub const PRESETS: [(&str, &str); 18] = [
    ("flaky-429", "every fifth call, by chance, is a 429 with Retry-After: 1"),
    ("flaky-503", "every fifth call, by chance, is a 503"),
    ("flaky-connection", "every tenth call, by chance, has its connection reset"),
    ("429-seconds", "one 429 with Retry-After in seconds"),
    ("429-date", "one 429 with Retry-After as a date"),
    ("429-garbage", "one 429 with a Retry-After that nobody can read"),
    ("429-bare", "one 429 without Retry-After"),
    ("outage", "the next 20 calls are 503"),
    ("unauthorized", "every call is a 401"),
    ("slow", "every answer takes 800 ms longer"),
    ("stall", "one call is never answered"),
    ("lost-answer", "one call takes effect, and its connection ends without an answer"),
    ("truncated", "one answer ends in the middle"),
    ("html-502", "one 502 with a page of HTML, as gateways give it"),
    ("text-400", "one 400 in plain text"),
    ("malformed-json", "one 200 whose JSON is broken"),
    ("empty-200", "one 200 without a body"),
    ("metadata-twice", "the metadata of one call is processed twice"),
];

/// Reads a JSON list of faults and names of presets.
pub(crate) fn read_list(json: &[u8]) -> Result<Vec<Fault>, String> {
    let entries: Vec<Value> = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let numbered = entries.into_iter().enumerate();
    numbered.map(|(at, entry)| read(entry).map_err(|reason| format!("fault {at}: {reason}"))).collect()
}

fn read(entry: Value) -> Result<Fault, String> {
    match entry {
        Value::String(name) => Fault::preset(&name).ok_or_else(|| {
            let known: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
            format!("no preset has this name; there are {}", known.join(", "))
        }),
        entry => serde_json::from_value(entry).map_err(|error| error.to_string()),
    }
}

impl Fault {
    /// Reads a JSON list of faults and names of [`PRESETS`], as `PUT /_emulator/faults` does.
    ///
    /// # Errors
    ///
    /// When the text is no such list; the message names the entry.
    pub fn read_list(json: &str) -> Result<Vec<Self>, String> {
        read_list(json.as_bytes())
    }

    /// Gives the fault of this name, one of [`PRESETS`].
    pub fn preset(name: &str) -> Option<Self> {
        Some(match name {
            "flaky-429" => Self::answer(429).header("retry-after", "1").probability(0.2, 0).always(),
            "flaky-503" => Self::answer(503).probability(0.2, 0).always(),
            "flaky-connection" => Self::action(Action::Reset).probability(0.1, 0).always(),
            "429-seconds" => Self::answer(429).header("retry-after", "1"),
            "429-date" => Self::answer(429).retry_after_date_in(2),
            "429-garbage" => Self::answer(429).header("retry-after", "in a while"),
            "429-bare" => Self::answer(429),
            "outage" => Self::answer(503).times(20),
            "unauthorized" => Self::answer(401).always(),
            "slow" => Self::delay(800).always(),
            "stall" => Self::action(Action::Stall),
            "lost-answer" => Self::action(Action::CloseAfterRead).apply(true),
            "truncated" => Self::action(Action::TruncateBody),
            "html-502" => Self::answer(502).header("content-type", "text/html").body(HTML),
            "text-400" => Self::answer(400).body("Bad Request"),
            "malformed-json" => Self::answer(200).header("content-type", "application/json").body("{\"id\": "),
            "empty-200" => Self::answer(200).body(""),
            "metadata-twice" => Self::metadata_twice(),
            _ => return None,
        })
    }
}

const HTML: &str =
    "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_possible_fault() {
        for (name, _) in PRESETS {
            let fault = Fault::preset(name).unwrap();
            assert_eq!(Fault::check_all(&[fault]), Ok(()), "{name}");
        }
        assert_eq!(Fault::preset("none"), None);
    }

    #[test]
    fn a_list_mixes_names_and_faults() {
        let faults = read_list(br#"["outage", {"status": 500}]"#).unwrap();
        assert_eq!(faults, [Fault::answer(503).times(20), Fault::answer(500)]);
        let unknown = read_list(br#"[{}, "nonsense"]"#).unwrap_err();
        assert!(unknown.starts_with("fault 1: no preset has this name; there are flaky-429, "), "{unknown}");
    }
}
