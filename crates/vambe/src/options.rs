//! [`CheckOptions`]: what a check takes for granted; [`Door`]: what the core is used through.

/// Defaults and strictness of a check; a [`Client`](crate::Client) has its own set.
///
/// ```
/// use vambe::{CheckOptions, CustomerRecord, prepare};
///
/// let options = CheckOptions { default_region: Some("CL".into()), ..CheckOptions::default() };
/// let record = CustomerRecord::whatsapp("+56987654321", "9 8765 4321");
/// assert!(prepare(&record, &options)?.body.contains("+56987654321"));
/// # Ok::<(), vambe::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOptions {
    /// `channel` of records that give none.
    pub channel: Option<String>,
    /// `channel_phone_number` of WhatsApp records that give none.
    pub channel_phone_number: Option<String>,
    /// `channel_id` of webchat records that give none.
    pub channel_id: Option<String>,
    /// Country of numbers without country code, such as `CL`; all numbers become E.164.
    /// Default: none, and numbers are only cleaned.
    pub default_region: Option<String>,
    /// Whether a suspicious e-mail address is an error. Default: a warning.
    pub strict_email: bool,
    /// Whether `meta_data` is sent as `{}` when there is none. Default: yes, since the
    /// API's page calls it optional in one place and required in another.
    pub send_empty_meta_data: bool,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self {
            channel: None,
            channel_phone_number: None,
            channel_id: None,
            default_region: None,
            strict_email: false,
            send_empty_meta_data: true,
        }
    }
}

/// What the core is used through, which the `User-Agent` names.
///
/// The bindings and the command say which they are; a program in Rust has nothing to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Door {
    /// This crate.
    #[default]
    Rust,
    /// The Python package.
    Python,
    /// The npm package.
    Node,
    /// The command.
    Cli,
}

impl Door {
    pub(crate) const fn product(self) -> &'static str {
        match self {
            Self::Rust => concat!("vambe-rust/", env!("CARGO_PKG_VERSION")),
            Self::Python => concat!("vambe-python/", env!("CARGO_PKG_VERSION")),
            Self::Node => concat!("vambe-node/", env!("CARGO_PKG_VERSION")),
            Self::Cli => concat!("vambe-cli/", env!("CARGO_PKG_VERSION")),
        }
    }
}
