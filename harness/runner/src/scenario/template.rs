//! Texts with `${name}` in them.

use std::fmt;

use serde_json::Value;

/// A text whose `${…}` are filled in when the step runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Stands as it is.
    Literal(String),
    /// Is replaced.
    Reference(Reference),
}

/// What `${…}` asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// An actor or a capture.
    pub name: String,
    /// Which of its texts.
    pub field: Field,
}

/// Which text of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// `${thread}`: `Communication/<id>`.
    Reference,
    /// `${thread.id}`: the id alone.
    Id,
    /// `${thread.version}`: the version when it was captured.
    Version,
}

impl Field {
    /// What may follow the dot.
    pub const NAMES: [&'static str; 2] = ["id", "version"];
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            Field::Reference => write!(f, "${{{}}}", self.name),
            Field::Id => write!(f, "${{{}.id}}", self.name),
            Field::Version => write!(f, "${{{}.version}}", self.name),
        }
    }
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateError {
    /// The wrong piece of the text, as written.
    pub(crate) piece: String,
    pub(crate) message: String,
    pub(crate) help: String,
}

impl Template {
    /// Reads a text.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if !before.is_empty() {
                parts.push(Part::Literal(before.to_owned()));
            }
            let Some((inside, tail)) = after.split_once('}') else {
                return Err(TemplateError {
                    piece: format!("${{{after}"),
                    message: "`${` without `}`".into(),
                    help: "write `${name}`, `${name.id}` or `${name.version}`".into(),
                });
            };
            parts.push(Part::Reference(parse_reference(inside)?));
            rest = tail;
        }
        if !rest.is_empty() || parts.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }

    /// The text as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The pieces.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The names it asks for.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.parts.iter().filter_map(|part| match part {
            Part::Reference(reference) => Some(reference),
            Part::Literal(_) => None,
        })
    }

    /// Fills in; the first name without a value is the error.
    pub(crate) fn fill(
        &self,
        find: &dyn Fn(&Reference) -> Option<String>,
    ) -> Result<String, Reference> {
        let mut filled = String::with_capacity(self.text.len());
        for part in &self.parts {
            match part {
                Part::Literal(text) => filled.push_str(text),
                Part::Reference(reference) => {
                    filled.push_str(&find(reference).ok_or_else(|| reference.clone())?);
                }
            }
        }
        Ok(filled)
    }
}

fn parse_reference(inside: &str) -> Result<Reference, TemplateError> {
    let (name, field) = match inside.split_once('.') {
        None => (inside, Field::Reference),
        Some((name, "id")) => (name, Field::Id),
        Some((name, "version")) => (name, Field::Version),
        Some((_, other)) => {
            return Err(TemplateError {
                piece: format!("${{{inside}}}"),
                message: format!("`{other}` is nothing that a name has"),
                help: "allowed: `${name}`, `${name.id}`, `${name.version}`".into(),
            });
        }
    };
    if is_name(name) {
        Ok(Reference {
            name: name.to_owned(),
            field,
        })
    } else {
        Err(TemplateError {
            piece: format!("${{{inside}}}"),
            message: format!("`{name}` is not a name"),
            help: "a name is letters, digits, `-` and `_`, and starts with a letter".into(),
        })
    }
}

/// Whether a text can name a step, an actor or a capture.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Fills in the templates of every string of a value. `whole` may have another value for a string.
pub(crate) fn fill_value(
    value: &Value,
    find: &dyn Fn(&Reference) -> Option<String>,
    whole: &dyn Fn(&Template) -> Option<Value>,
) -> Result<Value, Reference> {
    Ok(match value {
        Value::String(text) => match Template::parse(text) {
            Ok(template) => match whole(&template) {
                Some(value) => value,
                None => Value::String(template.fill(find)?),
            },
            // Checked when the file was read; a text that is no template stands for itself.
            Err(_) => value.clone(),
        },
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| fill_value(item, find, whole))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, value)| Ok((key.clone(), fill_value(value, find, whole)?)))
                .collect::<Result<_, Reference>>()?,
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}
