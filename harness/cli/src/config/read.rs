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
use super::{Catalogue, Exception, Level, Section, Selector, outline};

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
        Err(error) => faults.no_toml(&source.text, &error, "docs/config.md has an example"),
    }
    let mut faults = faults.into_all();
    if faults.is_empty() {
        faults.extend(outline::check_servers(source));
    }
    (section, faults)
}

struct Reader<'r, 's> {
    shape: &'r Shape<'r>,
    catalogue: &'r Catalogue<'r>,
    faults: &'r mut Faults<'s>,
    section: &'r mut Section,
}

impl Reader<'_, '_> {
    fn file(&mut self, table: &DeTable<'_>) {
        outline::check(table, self.faults);
        let section = table.get(self.shape.section);
        if let Some(table) = section.and_then(|section| section.get_ref().as_table()) {
            self.section(table);
        }
    }

    fn section(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "rules" => {
                    if let Some(rules) = self.faults.table("rules", value) {
                        self.rules(rules);
                    }
                }
                "except" => self.exceptions(value),
                "server-version" if self.shape.server_version => {
                    let text = self.faults.text("server-version", value);
                    self.section.server_version = text;
                }
                // The outline has found it.
                _ => {}
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
            let Some(level) = self.faults.text(word, value) else {
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
            if let Some(table) = self.faults.table("except", item)
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
                "rule" => rule = self.faults.text("rule", value),
                "file" => exception.file = self.pattern(value),
                "reason" => {
                    exception.reason = self.faults.text("reason", value).unwrap_or_default().text;
                }
                "expires" => exception.expires = self.faults.date(value),
                name if name == shape.subject => {
                    exception.subject = self.faults.text(name, value).map(|text| text.text);
                }
                name if name == shape.part => exception.part = self.faults.number(name, value),
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

    fn pattern(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Pattern> {
        let text = self.faults.text("file", value)?.text;
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
}
