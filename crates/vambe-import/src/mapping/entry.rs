//! One entry of a mapping: from what is written to a [`Rule`].

use vambe::Value;

use super::convert::Type;
use super::date_format::DateFormat;
use super::document::{Content, Node, Problems};
use super::number::Mark;
use super::rule::{Convert, Origin, Rule};
use super::template::Template;
use super::value_map::{Others, ValueMap};
use crate::fold::closest;
use crate::target::Target;

/// Reads what a target is given: the name of a column, or a table that says more.
pub(super) fn read(target: &Target, node: &Node, problems: &mut Problems) -> Option<Rule<String>> {
    match &node.content {
        Content::Value(Value::Text(_)) => node.text(problems).map(|column| Rule::column(column.to_owned())),
        Content::Table(parts) => Table { target, line: node.line, parts, problems }.rule(),
        _ => {
            let forms = "the name of a column in quotes, or a table such as { value = \"\u{2026}\" }";
            problems.add(node.line, format!("{target} must be {forms}"));
            None
        }
    }
}

/// The table of an entry.
struct Table<'n> {
    target: &'n Target,
    line: u64,
    parts: &'n [Node],
    problems: &'n mut Problems,
}

impl<'n> Table<'n> {
    fn rule(mut self) -> Option<Rule<String>> {
        self.check_keys();
        let origin = self.origin();
        let default = self.part("value").or_else(|| self.part("default"));
        let default = default.map(|node| self.constant(node));
        let convert = self.convert(default.is_some());
        Some(Rule { origin: origin?, convert: convert?, default: default.flatten() })
    }

    fn check_keys(&mut self) {
        for part in self.parts.iter().filter(|part| !KEYS.contains(&part.name.as_str())) {
            let near = match closest(&part.name, KEYS) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("there are {}; a key with a dot stands in quotes", KEYS.join(", ")),
            };
            self.refuse::<()>(part.line, &format!("cannot have \"{}\"; {near}", part.name));
        }
        for (name, needed) in NEEDS {
            if let (Some(part), None) = (self.part(name), self.part(needed)) {
                self.refuse::<()>(part.line, &format!("has {name}, which means something beside {needed} only"));
            }
        }
        for (one, other) in EXCLUDES {
            if let (Some(_), Some(part)) = (self.part(one), self.part(other)) {
                self.refuse::<()>(part.line, &format!("takes {one} or {other}, not both"));
            }
        }
    }

    fn origin(&mut self) -> Option<Origin<String>> {
        let given: Vec<&Node> = ORIGINS.into_iter().filter_map(|name| self.part(name)).collect();
        let [node] = given.as_slice() else {
            let takes = if given.is_empty() { "needs one of" } else { "takes only one of" };
            return self.refuse(self.line, &format!("{takes} {}", ORIGINS.join(", ")));
        };
        match node.name.as_str() {
            "value" => Some(Origin::Nothing),
            "column" => node.text(self.problems).map(|name| Origin::Column(name.to_owned())),
            "columns" => {
                let names = node.texts(self.problems);
                Some(Origin::First(names.into_iter().map(|(_, name)| name.to_owned()).collect()))
            }
            _ => match Template::parse(node.text(self.problems)?) {
                Ok(template) => Some(Origin::Text(template)),
                Err(problem) => self.refuse(node.line, &format!("has a text that {problem}")),
            },
        }
    }

    fn convert(&mut self, has_default: bool) -> Option<Convert> {
        if let Some(node) = self.part("values") {
            return self.values(node, has_default).map(Convert::Values);
        }
        match self.part("type") {
            Some(node) => self.kind(node).map(Convert::To),
            None => Some(Convert::Keep),
        }
    }

    fn values(&mut self, node: &'n Node, has_default: bool) -> Option<ValueMap> {
        let Content::Table(lines) = &node.content else {
            return self.refuse(node.line, "needs a table of values, such as { \"Lead\" = \"\u{2026}\" }");
        };
        let entries = lines.iter().filter_map(|line| Some((line.name.clone(), self.constant(line)?))).collect();
        let others = match self.part("others") {
            Some(node) => self.others(node)?,
            None if has_default => Others::Drop,
            None => Others::Refuse,
        };
        match ValueMap::new(entries, others) {
            Ok(values) => Some(values),
            Err(name) => {
                let line = lines.iter().find(|line| line.name == name).map_or(node.line, |line| line.line);
                self.refuse(line, &format!("has \"{name}\" in values twice, but for case, accents or blanks"))
            }
        }
    }

    fn others(&mut self, node: &'n Node) -> Option<Others> {
        match node.text(self.problems)? {
            "keep" => Some(Others::Keep),
            "drop" => Some(Others::Drop),
            _ => self.refuse(node.line, "takes others = \"keep\" or \"drop\"; without it they are rejected"),
        }
    }

    fn kind(&mut self, node: &'n Node) -> Option<Type> {
        let name = node.text(self.problems)?;
        let decimal = self.part("decimal").map(|node| self.decimal(node));
        let format = self.part("format").map(|node| self.format(node));
        let kind = match name {
            "text" => Type::Text,
            "integer" => Type::Integer(decimal.flatten()),
            "number" => Type::Number(decimal.flatten()),
            "boolean" => Type::Boolean,
            "date" => Type::Date(format.clone().flatten()),
            "datetime" => Type::DateTime,
            other => {
                let near = closest(other, TYPES).map_or(String::new(), |near| format!("; did you mean {near}?"));
                return self.refuse(node.line, &format!("takes a type of {}{near}", TYPES.join(", ")));
            }
        };
        if decimal.is_some() && !matches!(kind, Type::Integer(_) | Type::Number(_)) {
            return self.refuse(node.line, "takes decimal beside the types number and integer only");
        }
        if format.is_some() && !matches!(kind, Type::Date(_)) {
            return self.refuse(node.line, "takes format beside the type date only");
        }
        if matches!(self.target, Target::Field(_)) && kind != Type::Text {
            return self.refuse(node.line, "is sent as text; types are for meta_data and custom fields");
        }
        Some(kind)
    }

    fn decimal(&mut self, node: &'n Node) -> Option<Mark> {
        match node.text(self.problems)? {
            "," => Some(Mark::Comma),
            "." => Some(Mark::Point),
            _ => self.refuse(node.line, "takes decimal = \",\" or \".\""),
        }
    }

    fn format(&mut self, node: &'n Node) -> Option<DateFormat> {
        let format = DateFormat::parse(node.text(self.problems)?);
        let forms = "takes a format of dd, mm and yyyy between -, / or ., such as dd/mm/yyyy; a year has four digits";
        format.or_else(|| self.refuse(node.line, forms))
    }

    /// Reads a value that the target can have.
    fn constant(&mut self, node: &'n Node) -> Option<Value> {
        let value = node.value(self.problems)?;
        match (&value, self.target) {
            (Value::Text(_), _) | (_, Target::Meta(_) | Target::Custom(_)) => Some(value),
            _ => self.refuse(node.line, "is sent as text; put its value in quotes"),
        }
    }

    fn part(&self, name: &str) -> Option<&'n Node> {
        self.parts.iter().find(|part| part.name == name)
    }

    fn refuse<T>(&mut self, line: u64, problem: &str) -> Option<T> {
        self.problems.add(line, format!("{} {problem}", self.target));
        None
    }
}

const ORIGINS: [&str; 4] = ["column", "columns", "text", "value"];
const KEYS: [&str; 10] =
    ["column", "columns", "text", "value", "default", "values", "others", "type", "format", "decimal"];
const NEEDS: [(&str, &str); 3] = [("others", "values"), ("format", "type"), ("decimal", "type")];
const EXCLUDES: [(&str, &str); 4] = [("value", "default"), ("value", "values"), ("value", "type"), ("values", "type")];
const TYPES: [&str; 6] = ["text", "integer", "number", "boolean", "date", "datetime"];
