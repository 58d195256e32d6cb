//! [`Plan`]: what each column is taken for, by its name and by what its values look like.

use std::collections::BTreeSet;

use super::profile::{Dates, Profile};
use super::sample::Sample;
use super::text::{bare_or_quoted, list, quote};
use super::words::{Meaning, key, meaning};
use super::{SuggestOptions, SuggestedColumn, Sureness};
use crate::target::Target;

/// What a mapping is to say, and what each column is taken for.
pub(super) struct Plan<'p> {
    profiles: &'p [Profile],
    columns: Vec<Option<SuggestedColumn>>,
    /// The names of all that is filled.
    targets: BTreeSet<String>,
    pub(super) lines: Vec<Line>,
}

/// A line of a mapping, with what to say before and behind it.
#[derive(Default)]
pub(super) struct Line {
    pub(super) before: Option<String>,
    pub(super) code: String,
    pub(super) behind: Option<String>,
    /// Whether it is a comment, for somebody to decide about.
    pub(super) is_comment: bool,
}

impl<'p> Plan<'p> {
    pub(super) fn new(sample: &'p Sample, options: &SuggestOptions) -> Self {
        let profiles = sample.profiles();
        let columns = vec![None; profiles.len()];
        let mut plan = Self { profiles, columns, targets: BTreeSet::new(), lines: Vec::new() };
        plan.leave_out_what_cannot_be_named();
        plan.take_what_is_named_as_a_field();
        plan.take_phones();
        if options.channel.as_deref() == Some("webchat") {
            plan.take_user_id();
        }
        plan.take_names();
        plan.take_emails();
        plan.take_stage();
        plan.take_identifiers();
        plan.take_the_rest_as_metadata();
        plan
    }

    /// Returns whether something fills a target.
    pub(super) fn fills(&self, target: &str) -> bool {
        self.targets.contains(target)
    }

    pub(super) fn into_columns(self) -> Vec<SuggestedColumn> {
        self.columns.into_iter().flatten().collect()
    }

    fn leave_out_what_cannot_be_named(&mut self) {
        for (index, Profile { name, .. }) in self.profiles.iter().enumerate() {
            if name.is_empty() {
                self.note(index, None, "has no name", Sureness::Sure);
            } else if name.starts_with('_') {
                self.note(index, None, "starts with _", Sureness::Sure);
            } else if self.profiles.iter().filter(|other| other.name == *name).count() > 1 {
                self.note(index, None, "shares its name with another column; rename it to use it", Sureness::Unsure);
            }
        }
    }

    fn take_what_is_named_as_a_field(&mut self) {
        for index in self.free(|_| true) {
            if let Ok(target) = Target::parse(&self.profiles[index].name) {
                self.fill(&[index], &target, "named so", Sureness::Sure);
            }
        }
    }

    fn take_phones(&mut self) {
        let named = self.ranked(Meaning::Phone, |profile| profile.phones);
        let unnamed = || self.free(|profile| profile.is_most(profile.phones_with_plus)).into_iter().take(1).collect();
        let (phones, sureness) = if named.is_empty() { (unnamed(), Sureness::Likely) } else { (named, Sureness::Sure) };
        if phones.is_empty() || self.fills("contact_phone_number") {
            return;
        }
        let [filled, alike, with_plus] = self
            .counts(&phones, [|profile| profile.filled, |profile| profile.phones, |profile| profile.phones_with_plus]);
        self.fill(
            &phones,
            &Target::Field("contact_phone_number"),
            &format!("{alike} of {filled} values look like phones"),
            sureness,
        );
        if let (Some(line), true) = (self.lines.last_mut(), with_plus < alike) {
            let local = alike - with_plus;
            line.before =
                Some(format!("{local} of {alike} phones have no +: give your country as --default-region, such as CL"));
        }
    }

    fn take_user_id(&mut self) {
        if let (Some(&index), false) =
            (self.ranked(Meaning::UserId, |profile| profile.filled).first(), self.fills("external_user_id"))
        {
            self.fill(&[index], &Target::Field("external_user_id"), "called an id", Sureness::Likely);
        }
    }

    fn take_names(&mut self) {
        if self.fills("contact_name") {
            return;
        }
        let best = |meaning| self.ranked(meaning, |profile| profile.filled).first().copied();
        let (full, last) = (best(Meaning::FullName), best(Meaning::LastName));
        // Beside a family name, what is just called a name is the other part.
        let first = best(Meaning::FirstName).or(full.filter(|_| last.is_some()));
        let parts = [first, best(Meaning::MiddleName), last, best(Meaning::SecondLastName)];
        let parts: Vec<usize> = parts.into_iter().flatten().collect();
        let can_stand_in_text = |&index: &usize| !self.profiles[index].name.contains(['{', '}', '?']);
        match (full, parts.as_slice()) {
            (_, [_, _, ..]) if parts.iter().all(can_stand_in_text) => {
                let places = parts.iter().map(|&index| format!("{{{}?}}", self.profiles[index].name));
                let text = quote(&places.collect::<Vec<_>>().join(" "));
                self.fill_with(
                    &parts,
                    &Target::Field("contact_name"),
                    &format!("{{ text = {text} }}"),
                    "parts of a name",
                    Sureness::Sure,
                );
            }
            (Some(index), _) | (None, &[index, ..]) => {
                self.fill(&[index], &Target::Field("contact_name"), "called a name", Sureness::Sure);
            }
            (None, []) => {}
        }
    }

    fn take_emails(&mut self) {
        let named = self.ranked(Meaning::Email, |profile| profile.emails);
        let unnamed = || self.free(|profile| profile.is_most(profile.emails)).into_iter().take(1).collect();
        let (emails, sureness) = if named.is_empty() { (unnamed(), Sureness::Likely) } else { (named, Sureness::Sure) };
        if emails.is_empty() || self.fills("contact_email") {
            return;
        }
        let [filled, alike] = self.counts(&emails, [|profile| profile.filled, |profile| profile.emails]);
        let why = format!("{alike} of {filled} values look like e-mail addresses");
        self.fill(&emails, &Target::Field("contact_email"), &why, sureness);
    }

    /// Prepares the stage, whose ids somebody has to look up; its name goes as metadata meanwhile.
    fn take_stage(&mut self) {
        let stages = self.ranked(Meaning::Stage, |profile| profile.filled);
        let Some(&index) = stages.first().filter(|_| !self.fills("stageId")) else { return };
        let profile = &self.profiles[index];
        if profile.is_most(profile.uuids) {
            return self.fill(&[index], &Target::Field("stageId"), "called a stage, and holds UUIDs", Sureness::Sure);
        }
        let Some(names) = profile.distinct() else { return };
        let before = "To set the stage, put in the ids that your stages have in Vambe, and take the \"#\" away:";
        self.prepare(format!("stageId.column = {}", quote(&profile.name)), Some(before));
        for name in names {
            self.prepare(format!("stageId.values.{} = \"\"", quote(name)), None);
        }
    }

    /// Prepares custom fields, which have to be there first; the values go as metadata meanwhile.
    fn take_identifiers(&mut self) {
        let is_identifier = |profile: &Profile| matches!(meaning(&profile.name), Some((Meaning::Identifier, _)));
        for index in self.free(|profile| is_identifier(profile) && profile.filled > 0) {
            let name = &self.profiles[index].name;
            let key = key(name);
            let before = format!(
                "{} tells customers apart. With a custom field {key} in Vambe, use the first line instead of the second:",
                quote(name)
            );
            self.prepare(format!("{} = {}", Target::Custom(key).in_toml(), quote(name)), Some(&before));
            self.fill_metadata(index, None, "tells customers apart; a custom field if there is one", Sureness::Unsure);
        }
    }

    fn take_the_rest_as_metadata(&mut self) {
        for index in self.free(|_| true) {
            let profile = &self.profiles[index];
            match profile.dates() {
                _ if profile.filled == 0 => self.leave_out(index, "empty"),
                _ if self.is_name(index) => self.leave_out(index, "the name comes from elsewhere"),
                Dates::In(format) => {
                    let how = format!("type = \"date\", format = {}", quote(&format));
                    self.fill_metadata(
                        index,
                        Some(&how),
                        &format!("every value is a date, written {format}"),
                        Sureness::Sure,
                    );
                }
                Dates::Ambiguous => {
                    let why = "dates; with type = \"date\" and format = \"dd/mm/yyyy\" or \"mm/dd/yyyy\", nobody has to guess";
                    self.fill_metadata(index, None, why, Sureness::Unsure);
                }
                Dates::None if profile.has_decimal_comma() => {
                    let why = "every value is a number, with a decimal comma";
                    self.fill_metadata(index, Some("type = \"number\", decimal = \",\""), why, Sureness::Sure);
                }
                Dates::None => {
                    let (why, sureness) = metadata_of(profile);
                    self.fill_metadata(index, None, why, sureness);
                }
            }
        }
    }

    fn fill(&mut self, columns: &[usize], target: &Target, why: &str, sureness: Sureness) {
        let names: Vec<&str> = columns.iter().map(|&index| self.profiles[index].name.as_str()).collect();
        let code = match names.as_slice() {
            [name] => quote(name),
            names => format!("{{ columns = {} }}", list(names)),
        };
        self.fill_with(columns, target, &code, why, sureness);
    }

    fn fill_metadata(&mut self, column: usize, how: Option<&str>, why: &str, sureness: Sureness) {
        let name = quote(&self.profiles[column].name);
        let code = how.map_or_else(|| name.clone(), |how| format!("{{ column = {name}, {how} }}"));
        self.fill_with(&[column], &self.metadata_target(column), &code, why, sureness);
        // Of most there is nothing to say.
        if let (Some(line), true, Sureness::Sure) = (self.lines.last_mut(), how.is_none(), sureness) {
            line.behind = None;
        }
    }

    fn fill_with(&mut self, columns: &[usize], target: &Target, code: &str, why: &str, sureness: Sureness) {
        for &index in columns {
            self.note(index, Some(target), why, sureness);
        }
        self.targets.insert(target.to_string());
        let code = format!("{} = {code}", target.in_toml());
        self.lines.push(Line { code, behind: Some(why.to_owned()), ..Line::default() });
    }

    fn prepare(&mut self, code: String, before: Option<&str>) {
        self.lines.push(Line { before: before.map(str::to_owned), code, is_comment: true, ..Line::default() });
    }

    fn leave_out(&mut self, index: usize, why: &str) {
        let code = format!("{} = {}", self.metadata_target(index).in_toml(), quote(&self.profiles[index].name));
        self.lines.push(Line { code, behind: Some(why.to_owned()), is_comment: true, ..Line::default() });
        self.note(index, None, why, Sureness::Sure);
    }

    fn note(&mut self, index: usize, target: Option<&Target>, why: &str, sureness: Sureness) {
        self.columns[index] = Some(SuggestedColumn {
            name: self.profiles[index].name.clone(),
            target: target.map(ToString::to_string),
            why: why.to_owned(),
            sureness,
        });
    }

    /// Returns the columns that nothing is said of yet, and that are such.
    fn free(&self, is_such: impl Fn(&Profile) -> bool) -> Vec<usize> {
        (0..self.profiles.len())
            .filter(|&index| self.columns[index].is_none() && is_such(&self.profiles[index]))
            .collect()
    }

    /// Returns the free columns whose names say so and most of whose values do, best first.
    fn ranked(&self, wanted: Meaning, alike: impl Fn(&Profile) -> usize) -> Vec<usize> {
        let rank = |index: usize| {
            meaning(&self.profiles[index].name).filter(|(found, _)| *found == wanted).map(|(_, rank)| rank)
        };
        let mut found = self.free(|profile| profile.is_most(alike(profile)));
        found.retain(|&index| rank(index).is_some());
        found.sort_by_key(|&index| rank(index));
        found
    }

    fn counts<const N: usize>(&self, columns: &[usize], of: [fn(&Profile) -> usize; N]) -> [usize; N] {
        of.map(|count| columns.iter().map(|&index| count(&self.profiles[index])).sum())
    }

    fn is_name(&self, index: usize) -> bool {
        use Meaning::{FirstName, FullName, LastName, MiddleName, SecondLastName};
        let name = meaning(&self.profiles[index].name).map(|(meaning, _)| meaning);
        matches!(name, Some(FullName | FirstName | MiddleName | LastName | SecondLastName))
    }

    /// Returns a key of `meta_data` that nothing else fills.
    fn metadata_target(&self, index: usize) -> Target {
        let key = match key(&self.profiles[index].name) {
            key if key.is_empty() => format!("column_{}", index + 1),
            key => key,
        };
        let is_new = |key: &String| !self.fills(&Target::Meta(key.clone()).to_string());
        let keys = std::iter::once(key.clone()).chain((2..).map(|number| format!("{key}_{number}")));
        Target::Meta(keys.into_iter().find(is_new).unwrap_or(key))
    }
}

impl Target {
    /// Returns the name as TOML has it.
    fn in_toml(&self) -> String {
        match self {
            Self::Field(name) => (*name).to_owned(),
            Self::Meta(key) => format!("meta_data.{}", bare_or_quoted(key)),
            Self::Custom(key) => format!("custom.{}", bare_or_quoted(key)),
        }
    }
}

/// Says why a column is metadata, and how sure that is.
fn metadata_of(profile: &Profile) -> (&'static str, Sureness) {
    match meaning(&profile.name) {
        Some((Meaning::Phone, _)) => ("called a phone, but few values look like one", Sureness::Unsure),
        Some((Meaning::Email, _)) => ("called an e-mail address, but few values look like one", Sureness::Unsure),
        Some((Meaning::Stage, _)) => ("the name of a stage, not its id", Sureness::Sure),
        Some((Meaning::Agent, _)) => ("the name of somebody of yours, not the id that agentId needs", Sureness::Sure),
        _ => ("no field of Vambe", Sureness::Sure),
    }
}
