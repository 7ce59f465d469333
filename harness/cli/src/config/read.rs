//! From the text of a configuration to a section.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::{Source, Span};
use globset::GlobBuilder;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::except::Pattern;
use super::fault::{Faults, one_of};
use super::{Catalogue, Date, Exception, Level, Section, Selector, Text};

/// The sections that a file may have. `servers` is read by what talks to servers.
const SECTIONS: [&str; 3] = ["policy", "servers", "thread"];

/// What a section may hold.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// Its name.
    pub section: &'a str,
    /// What an exception calls the thing that is checked: `policy`.
    pub subject: &'a str,
    /// What an exception calls a numbered part of it: `entry`.
    pub part: &'a str,
    /// Whether it has a `server-version`.
    pub server_version: bool,
}

/// The section, and everything that is wrong with the file.
pub fn read(
    source: &Arc<Source>,
    shape: &Shape<'_>,
    catalogue: &Catalogue<'_>,
) -> (Section, Vec<Diagnostic>) {
    let mut faults = Faults::new(source);
    let mut section = Section {
        source: Some(Arc::clone(source)),
        ..Section::default()
    };
    match DeTable::parse(&source.text) {
        Ok(table) => {
            let mut reader = Reader {
                shape,
                catalogue,
                faults: &mut faults,
                section: &mut section,
            };
            reader.file(table.get_ref());
        }
        Err(error) => {
            let at = error.span().unwrap_or(0..source.text.len());
            faults.add(
                "config/syntax",
                visible(&source.text, at),
                format!("not TOML: {}", error.message().trim_end()),
                "docs/config.md has an example",
            );
        }
    }
    (section, faults.into_all())
}

/// A place that can be underlined: an empty one is widened to a character.
fn visible(text: &str, at: Range<usize>) -> Range<usize> {
    if at.start < at.end {
        return at;
    }
    let width = text
        .get(at.start..)
        .and_then(|rest| rest.chars().next())
        .map_or(0, char::len_utf8);
    at.start..at.start + width
}

struct Reader<'r, 's> {
    shape: &'r Shape<'r>,
    catalogue: &'r Catalogue<'r>,
    faults: &'r mut Faults<'s>,
    section: &'r mut Section,
}

impl Reader<'_, '_> {
    fn file(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if !SECTIONS.contains(&name) {
                self.faults.add(
                    "config/unknown-key",
                    key.span(),
                    format!("`{name}` is no section of a fhirward.toml"),
                    one_of(name, &SECTIONS),
                );
            } else if name == self.shape.section
                && let Some(table) = self.table(name, value)
            {
                self.section(table);
            }
        }
    }

    fn section(&mut self, table: &DeTable<'_>) {
        let mut known = vec!["rules", "except"];
        if self.shape.server_version {
            known.push("server-version");
        }
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "rules" => {
                    if let Some(rules) = self.table("rules", value) {
                        self.rules(rules);
                    }
                }
                "except" => self.exceptions(value),
                "server-version" if self.shape.server_version => {
                    let text = self.text("server-version", value);
                    self.section.server_version = text;
                }
                other => self.faults.add(
                    "config/unknown-key",
                    key.span(),
                    format!("`{other}` is no key of `[{}]`", self.shape.section),
                    one_of(other, &known),
                ),
            }
        }
    }

    fn rules(&mut self, table: &DeTable<'_>) {
        let mut named: HashMap<Selector, String> = HashMap::new();
        for (key, value) in table {
            let word = key.get_ref().as_ref();
            let selector = match self.catalogue.select(word) {
                Ok(selector) => selector,
                Err(unknown) => {
                    self.faults.push(key.span(), unknown);
                    continue;
                }
            };
            let Some(level) = self.text(word, value) else {
                continue;
            };
            let Some(of_word) = Level::from_word(&level.text) else {
                self.faults.add(
                    "config/level",
                    value.span(),
                    format!("`{}` is no level", level.text),
                    one_of(&level.text, &Level::WORDS),
                );
                continue;
            };
            if let Some(first) = named.insert(selector.clone(), word.to_owned()) {
                self.faults.add(
                    "config/rule-twice",
                    key.span(),
                    format!("`{word}` and `{first}` are the same rule"),
                    "keep one of the two",
                );
            }
            self.section.levels.push((selector, of_word));
        }
    }

    fn exceptions(&mut self, value: &Spanned<DeValue<'_>>) {
        let Some(items) = value.get_ref().as_array() else {
            self.faults.add(
                "config/shape",
                value.span(),
                "`except` is no list of tables",
                format!(
                    "each exception begins with `[[{}.except]]`",
                    self.shape.section
                ),
            );
            return;
        };
        for item in items {
            if let Some(table) = self.table("except", item)
                && let Some(exception) = self.exception(table, item.span())
            {
                self.section.exceptions.push(exception);
            }
        }
    }

    fn exception(&mut self, table: &DeTable<'_>, whole: Range<usize>) -> Option<Exception> {
        let shape = *self.shape;
        let known = [
            "rule",
            "file",
            shape.subject,
            shape.part,
            "reason",
            "expires",
        ];
        let before = self.faults_so_far();
        let mut rule = None;
        let mut exception = Exception {
            span: Span::new(whole.start, whole.end),
            rule: String::new(),
            file: None,
            subject: None,
            part: None,
            reason: String::new(),
            expires: None,
        };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "rule" => rule = self.text("rule", value),
                "file" => exception.file = self.pattern(value),
                "reason" => {
                    exception.reason = self.text("reason", value).unwrap_or_default().text;
                }
                "expires" => exception.expires = self.date(value),
                name if name == shape.subject => {
                    exception.subject = self.text(name, value).map(|text| text.text);
                }
                name if name == shape.part => exception.part = self.number(name, value),
                other => self.faults.add(
                    "config/unknown-key",
                    key.span(),
                    format!("`{other}` is no key of an exception"),
                    one_of(other, &known),
                ),
            }
        }
        match &rule {
            None => self.faults.add(
                "config/shape",
                whole.clone(),
                "an exception without `rule`",
                "name the rule: `rule = \"L11\"`",
            ),
            Some(word) => match self.catalogue.rule(&word.text) {
                Some(rule) => exception.rule.clone_from(&rule.id),
                None => {
                    let unknown = self.catalogue.unknown(&word.text);
                    self.faults.push(word.span.start..word.span.end, unknown);
                }
            },
        }
        if exception.reason.trim().is_empty() {
            self.faults.add(
                "config/no-reason",
                whole,
                "an exception without `reason`",
                "say why the finding may stay, for whoever reads it in a year",
            );
        }
        (self.faults_so_far() == before).then_some(exception)
    }

    fn faults_so_far(&self) -> usize {
        self.faults.len()
    }

    fn table<'t, 'i>(
        &mut self,
        name: &str,
        value: &'t Spanned<DeValue<'i>>,
    ) -> Option<&'t DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.shape_fault(name, "a table", value);
        }
        table
    }

    fn text(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<Text> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.shape_fault(name, "a text in quotes", value);
        }
        let span = value.span();
        text.map(|text| Text {
            text: text.to_owned(),
            span: Span::new(span.start, span.end),
        })
    }

    fn number(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<usize> {
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|number| usize::from_str_radix(number.as_str(), number.radix()).ok())
            .filter(|number| *number > 0);
        if number.is_none() {
            self.shape_fault(name, "a number from 1", value);
        }
        number
    }

    fn date(&mut self, value: &Spanned<DeValue<'_>>) -> Option<(Date, Span)> {
        // The reader of TOML has checked the calendar.
        let date = value
            .get_ref()
            .as_datetime()
            .filter(|moment| moment.time.is_none())
            .and_then(|moment| moment.date)
            .and_then(|date| Date::new(date.year, date.month, date.day));
        if date.is_none() {
            self.shape_fault("expires", "a date without quotes, like 2027-01-31", value);
        }
        let span = value.span();
        Some((date?, Span::new(span.start, span.end)))
    }

    fn pattern(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Pattern> {
        let text = self.text("file", value)?.text;
        match GlobBuilder::new(&text).literal_separator(true).build() {
            Ok(glob) => Some(Pattern {
                matcher: glob.compile_matcher(),
                text,
            }),
            Err(error) => {
                self.faults.add(
                    "config/pattern",
                    value.span(),
                    format!("not a pattern for files: {}", error.kind()),
                    "`*` stands for anything in a name, `**/` for folders, `{a,b}` for either",
                );
                None
            }
        }
    }

    fn shape_fault(&mut self, name: &str, wanted: &str, value: &Spanned<DeValue<'_>>) {
        self.faults.push(
            value.span(),
            Diagnostic::error("config/shape", format!("`{name}` has to be {wanted}")),
        );
    }
}
