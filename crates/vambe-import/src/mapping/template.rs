//! [`Template`]: a text computed of columns, such as `{First name} {Last name?}`.

/// A text with places for columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template<C> {
    parts: Vec<Part<C>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part<C> {
    Literal(String),
    Column { column: C, is_optional: bool },
}

impl Template<String> {
    /// Reads a template: `{X}` must be there, `{X?}` may be missing, `{{` and `}}` are braces.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            let after = &rest[at + 1..];
            if let Some(after) = after.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
            } else if brace == "}" {
                return Err("has a } without its {; write }} for a brace");
            } else {
                let (name, after) = after.split_once('}').ok_or("has a { without its }; write {{ for a brace")?;
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(column(name)?);
                rest = after;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        let has_columns = parts.iter().any(|part| matches!(part, Part::Column { .. }));
        if has_columns { Ok(Self { parts }) } else { Err("names no column as {Column}; give a constant as value") }
    }
}

impl<C> Template<C> {
    pub(crate) fn columns(&self) -> impl Iterator<Item = &C> {
        self.parts.iter().filter_map(|part| match part {
            Part::Column { column, .. } => Some(column),
            Part::Literal(_) => None,
        })
    }

    /// Returns the same template with other columns.
    pub(crate) fn map<D>(&self, mut to: impl FnMut(&C) -> D) -> Template<D> {
        let parts = self.parts.iter().map(|part| match part {
            Part::Literal(text) => Part::Literal(text.clone()),
            Part::Column { column, is_optional } => Part::Column { column: to(column), is_optional: *is_optional },
        });
        Template { parts: parts.collect() }
    }

    /// Puts the texts of columns in; nothing where one that must be there is missing, or all are.
    ///
    /// # Errors
    ///
    /// The first of the texts.
    pub(crate) fn fill<'t, E>(
        &self,
        mut text_of: impl FnMut(&C) -> Result<Option<std::borrow::Cow<'t, str>>, E>,
    ) -> Result<Option<String>, E> {
        let mut filled = String::new();
        let mut has_text = false;
        for part in &self.parts {
            match part {
                Part::Literal(text) => push(&mut filled, text),
                Part::Column { column, is_optional } => match text_of(column)? {
                    Some(text) => {
                        has_text = true;
                        push(&mut filled, &text);
                    }
                    None if *is_optional => {}
                    None => return Ok(None),
                },
            }
        }
        filled.truncate(filled.trim_end().len());
        Ok(has_text.then_some(filled))
    }
}

fn column(name: &str) -> Result<Part<String>, &'static str> {
    let name = name.trim();
    let (name, is_optional) = name.strip_suffix('?').map_or((name, false), |name| (name.trim(), true));
    if name.is_empty() || name.contains('{') {
        return Err("has a { without the name of a column; write {{ for a brace");
    }
    Ok(Part::Column { column: name.to_owned(), is_optional })
}

/// Appends text, without a blank where one stands already: a part left out leaves two.
fn push(filled: &mut String, text: &str) {
    let is_after_blank = filled.is_empty() || filled.ends_with(char::is_whitespace);
    filled.push_str(if is_after_blank { text.trim_start() } else { text });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str, cells: &[(&str, &str)]) -> Option<String> {
        let text_of = |column: &String| {
            let cell = cells.iter().find(|(name, _)| name == column);
            Ok::<_, ()>(cell.map(|(_, text)| (*text).into()))
        };
        Template::parse(template).unwrap().fill(text_of).unwrap()
    }

    #[test]
    fn what_is_missing_leaves_no_trace() {
        let name = "{First?} {Middle?} {Last?}";
        let filled = |cells: &[_]| fill(name, cells);
        assert_eq!(filled(&[("First", "Ana"), ("Last", "Paz")]).as_deref(), Some("Ana Paz"));
        assert_eq!(filled(&[("Last", "Paz")]).as_deref(), Some("Paz"));
        assert_eq!(filled(&[("First", "Ana  María")]).as_deref(), Some("Ana  María"));
        assert_eq!(filled(&[]), None);
    }

    #[test]
    fn what_must_be_there_decides() {
        assert_eq!(fill("{A}-{B?}", &[("A", "1")]).as_deref(), Some("1-"));
        assert_eq!(fill("{A}-{B?}", &[("B", "2")]), None);
        assert_eq!(fill("{A?} of {B?}", &[]), None);
    }

    #[test]
    fn doubled_braces_are_braces() {
        assert_eq!(fill("{{{A}}} }}{{", &[("A", "1")]).as_deref(), Some("{1} }{"));
    }

    #[test]
    fn a_template_that_makes_no_sense_is_refused() {
        for bad in ["{A", "A}", "{}", "{?}", "{ }", "{a{b}", "none", "", "{{A}}"] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }
}
