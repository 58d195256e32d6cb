//! [`ApiKey`]: a secret that only the request's header ever sees.

use std::fmt;

use http::HeaderValue;

use crate::error::Error;

/// An API key, checked and never shown.
#[derive(Clone, PartialEq)]
pub(crate) struct ApiKey(HeaderValue);

impl ApiKey {
    /// Checks a key: not empty, visible ASCII; blanks around it are removed.
    pub(crate) fn new(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::config("the API key is missing: set VAMBE_API_KEY or pass api_key"));
        }
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        let value = HeaderValue::from_str(text).ok().filter(|_| is_visible);
        let Some(mut value) = value else {
            let problem = "the API key holds a blank, a line break or another character that no key has";
            return Err(Error::config(format!("{problem}: copy it again from the Vambe dashboard")));
        };
        value.set_sensitive(true);
        Ok(Self(value))
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// Returns whether the key belongs to the emulator.
    pub(crate) fn is_for_emulator(&self) -> bool {
        self.text().starts_with("emulator_")
    }

    /// Blots the key out of a text that the server sent.
    pub(crate) fn blot(&self, text: &str) -> String {
        match self.text() {
            // So short a text stands in many words by chance.
            key if key.len() < 4 => text.to_owned(),
            key => text.replace(key, "[key]"),
        }
    }

    fn text(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_key_that_no_header_can_hold_without_echoing_it() {
        for key in ["", "  ", "canary\nkey", "canary key", "canary\u{0}", "canaryñ"] {
            let message = ApiKey::new(key).unwrap_err().to_string();
            assert!(!message.contains("canary"), "{message}");
        }
        assert!(ApiKey::new(" canary\n").is_ok());
        assert!(!format!("{:?}", ApiKey::new("canary").unwrap()).contains("canary"));
    }
}
