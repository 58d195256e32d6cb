//! What a check finds: [`Violation`]s, each with its place, its code and its way out.

use std::fmt;

use serde::{Serialize, Serializer};

/// One step of a [`Path`]: a key of an object, or an index of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Segment {
    /// A key, as the caller spelled it.
    Key(String),
    /// A position in a list, from 0.
    Index(usize),
}

/// Where in a record something was found, such as `custom_field_values[1].value`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Path(Vec<Segment>);

impl Path {
    /// Returns the path of a top-level key.
    pub fn key(key: impl Into<String>) -> Self {
        Self(vec![Segment::Key(key.into())])
    }

    /// Returns the steps, outermost first.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    pub(crate) fn push_key(&mut self, key: &str) {
        self.0.push(Segment::Key(key.to_owned()));
    }

    pub(crate) fn push_index(&mut self, index: usize) {
        self.0.push(Segment::Index(index));
    }

    pub(crate) fn join_key(&self, key: &str) -> Self {
        let mut path = self.clone();
        path.push_key(key);
        path
    }

    pub(crate) fn join_index(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.push_index(index);
        path
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the record");
        }
        for (depth, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if depth == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Whether a [`Violation`] stops the record from being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The record is not sent.
    Error,
    /// The record is sent; somebody should look at it.
    Warning,
}

macro_rules! violation_codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal,)+) => {
        /// The closed list of reasons a record can be refused for, or doubted.
        ///
        /// `docs/contract.md` says what each means and which vector pins it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ViolationCode { $($(#[doc = $doc])+ $variant,)+ }

        impl ViolationCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the stable `snake_case` spelling.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }
    };
}

violation_codes! {
    /// A field that the channel needs is missing or empty.
    Required = "required",
    /// The value is of the wrong kind.
    Type = "type",
    /// The key is no field of a record.
    UnknownField = "unknown_field",
    /// One field is given twice.
    DuplicateField = "duplicate_field",
    /// The record's text is not JSON.
    InvalidJson = "invalid_json",
    /// `channel` is none of the three channels.
    InvalidChannel = "invalid_channel",
    /// The text does not match the UUID pattern of the API.
    InvalidUuid = "invalid_uuid",
    /// A placeholder of the API's documentation was left in place.
    Placeholder = "placeholder",
    /// The key of a custom field is missing, empty or not text.
    InvalidKey = "invalid_key",
    /// The key of a custom field is given twice.
    DuplicateKey = "duplicate_key",
    /// An entry of `custom_field_values` has no `value`.
    MissingValue = "missing_value",
    /// A placeholder such as `N/A` in a custom field that tells customers apart.
    PlaceholderValue = "placeholder_value",
    /// The e-mail address looks wrong (a warning, unless `strict_email` is set).
    EmailSuspicious = "email_suspicious",
    /// A field that this channel does not use.
    UnusedField = "unused_field",
    /// NaN or infinity.
    NotFinite = "not_finite",
    /// A whole number that fits neither `i64` nor `u64`.
    IntegerRange = "integer_range",
    /// A date-time without an offset.
    NaiveDatetime = "naive_datetime",
    /// A date that does not exist.
    InvalidDate = "invalid_date",
    /// A value that JSON cannot hold, such as bytes or a function.
    UnsupportedType = "unsupported_type",
    /// An object or list that contains itself.
    Cycle = "cycle",
    /// An object with a key that is not text.
    NonTextKey = "non_text_key",
    /// Text with half a surrogate pair, which UTF-8 cannot hold.
    LoneSurrogate = "lone_surrogate",
    /// Objects and lists nested more than 64 deep.
    TooDeep = "too_deep",
    /// A body over 1 MiB.
    TooLarge = "too_large",
    /// No digits.
    PhoneEmpty = "phone_empty",
    /// A number that went through a float (`56987654321.0`).
    PhoneFloatText = "phone_float_text",
    /// Scientific notation (`5.69E+10`): digits are lost for good.
    PhoneScientific = "phone_scientific",
    /// Two numbers in one field.
    PhoneMultiple = "phone_multiple",
    /// An extension, which cleaning would glue on.
    PhoneExtension = "phone_extension",
    /// Letters between the digits.
    PhoneLetters = "phone_letters",
    /// Digits other than 0-9, which cleaning would drop.
    PhoneNonAsciiDigits = "phone_non_ascii_digits",
    /// A plus anywhere but once in front.
    PhonePlus = "phone_plus",
    /// A link with digits beside the number.
    PhoneUrl = "phone_url",
    /// A WhatsApp id with a device part.
    PhoneDevice = "phone_device",
    /// A business-scoped user id, which is no phone number.
    PhoneIsUserId = "phone_is_user_id",
    /// More than the 15 digits that E.164 allows.
    PhoneTooLong = "phone_too_long",
    /// No such number can exist (only with `default_region`).
    PhoneImpossible = "phone_impossible",
    /// No plus in front: the reader may take it for a national number.
    PhoneMissingPlus = "phone_missing_plus",
    /// An international prefix instead of a plus.
    PhoneLeading00 = "phone_leading_00",
    /// A zero between country code and number.
    PhoneTrunkZero = "phone_trunk_zero",
    /// Fewer digits than numbers have.
    PhoneTooShort = "phone_too_short",
    /// No country has this code.
    PhoneCountryCode = "phone_country_code",
    /// Possible, yet unknown to the numbering data (only with `default_region`).
    PhoneUnverified = "phone_unverified",
}

impl fmt::Display for ViolationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ViolationCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One broken rule: where, which, and what to do.
///
/// The message never holds the value: phones and e-mails are personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Violation {
    /// Where it is, as the caller spelled it.
    pub path: Path,
    /// Which rule was broken.
    pub code: ViolationCode,
    /// One English sentence without the value.
    pub message: String,
    /// Whether the record is still sent.
    pub severity: Severity,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl Violation {
    pub(crate) fn new(path: Path, code: ViolationCode, problem: &str) -> Self {
        let message = format!("{path} {problem}");
        let severity = Severity::Error;
        Self { path, code, message, severity, hint: None, suggestion: None }
    }

    pub(crate) fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn suggest(mut self, suggestion: Option<&str>) -> Self {
        self.suggestion = suggestion.map(str::to_owned);
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; did you mean \"{suggestion}\"?")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

/// Everything a check has to say about one record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Validation {
    /// The errors, in the order of the schema: at most 100.
    pub violations: Vec<Violation>,
    /// The warnings, in the same order: at most 100.
    pub warnings: Vec<Violation>,
    /// Whether there were more than the lists hold.
    pub truncated: bool,
}

impl Validation {
    /// Returns whether the record may be sent; warnings do not count.
    pub fn is_valid(&self) -> bool {
        self.violations.is_empty()
    }

    // An unbounded list of problems is a way to exhaust memory with one hostile record.
    pub(crate) fn add(&mut self, violation: Violation) {
        let list = match violation.severity {
            Severity::Error => &mut self.violations,
            Severity::Warning => &mut self.warnings,
        };
        if list.len() < MAX_VIOLATIONS {
            list.push(violation);
        } else {
            self.truncated = true;
        }
    }
}

const MAX_VIOLATIONS: usize = 100;
