//! Metadata taken apart into single values.

use serde_json::{Map, Value};

const DEEPEST: usize = 6;
const MOST: usize = 500;

/// A value that is neither an object nor a list.
#[derive(Debug, PartialEq)]
pub(super) struct Leaf<'a> {
    pub(super) pointer: String,
    /// The keys on the way to it.
    pub(super) path: Vec<&'a str>,
    pub(super) value: &'a Value,
}

/// Why metadata is not processed at all.
pub(super) const TOO_MUCH: &str = "the metadata has more than 500 values, or is nested more than 6 levels deep";

/// Lists the values, or nothing when there are too many or too deep ones.
///
/// A list counts as one value: which of its elements a field would take, nothing says.
pub(super) fn leaves(meta_data: &Map<String, Value>) -> Option<Vec<Leaf<'_>>> {
    let mut found = Vec::new();
    collect(meta_data, "", &[], &mut found).then_some(found)
}

fn collect<'a>(object: &'a Map<String, Value>, pointer: &str, path: &[&'a str], found: &mut Vec<Leaf<'a>>) -> bool {
    object.iter().all(|(key, value)| {
        let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
        let path: Vec<&str> = path.iter().copied().chain([key.as_str()]).collect();
        if let Value::Object(inner) = value {
            return path.len() < DEEPEST && collect(inner, &pointer, &path, found);
        }
        found.push(Leaf { pointer, path, value });
        found.len() <= MOST
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pointers(meta_data: &Value) -> Option<Vec<String>> {
        let found = leaves(meta_data.as_object().unwrap())?;
        Some(found.into_iter().map(|leaf| leaf.pointer).collect())
    }

    #[test]
    fn objects_are_taken_apart_and_lists_are_not() {
        let meta_data = json!({ "a": 1, "b": { "c/d": null, "~": {} }, "e": [1, { "f": 2 }] });
        assert_eq!(pointers(&meta_data).unwrap(), ["/a", "/b/c~1d", "/e"]);
    }

    #[test]
    fn there_is_a_limit_to_number_and_depth() {
        let many: Map<String, Value> = (0..500).map(|n| (n.to_string(), json!(n))).collect();
        assert!(leaves(&many).is_some());
        let more: Map<String, Value> = (0..501).map(|n| (n.to_string(), json!(n))).collect();
        assert!(leaves(&more).is_none());
        assert!(pointers(&json!({"1": {"2": {"3": {"4": {"5": {"6": 1}}}}}})).is_some());
        assert!(pointers(&json!({"1": {"2": {"3": {"4": {"5": {"6": {"7": 1}}}}}}})).is_none());
    }
}
