//! The values of a TOML file, each with a fault where it is of another shape.

use std::ops::Range;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::Span;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::Faults;
use super::{Date, Text};

impl Faults<'_> {
    /// A file that is not TOML.
    pub fn no_toml(&mut self, text: &str, error: &toml::de::Error, help: &str) {
        let at = error.span().unwrap_or(0..text.len());
        self.add(
            "config/syntax",
            visible(text, at),
            format!("not TOML: {}", error.message().trim_end()),
            help,
        );
    }

    /// A table.
    pub fn table<'t, 'i>(
        &mut self,
        name: &str,
        value: &'t Spanned<DeValue<'i>>,
    ) -> Option<&'t DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.shape(name, "a table", value);
        }
        table
    }

    /// A text.
    pub fn text(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<Text> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.shape(name, "a text in quotes", value);
        }
        let span = value.span();
        text.map(|text| Text {
            text: text.to_owned(),
            span: Span::new(span.start, span.end),
        })
    }

    /// A number from 1.
    pub fn number(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<usize> {
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|number| usize::from_str_radix(number.as_str(), number.radix()).ok())
            .filter(|number| *number > 0);
        if number.is_none() {
            self.shape(name, "a number from 1", value);
        }
        number
    }

    /// A day, and where it stands.
    pub fn date(&mut self, value: &Spanned<DeValue<'_>>) -> Option<(Date, Span)> {
        // The reader of TOML has checked the calendar.
        let date = value
            .get_ref()
            .as_datetime()
            .filter(|moment| moment.time.is_none())
            .and_then(|moment| moment.date)
            .and_then(|date| Date::new(date.year, date.month, date.day));
        if date.is_none() {
            self.shape("expires", "a date without quotes, like 2027-01-31", value);
        }
        let span = value.span();
        Some((date?, Span::new(span.start, span.end)))
    }

    /// A value of another shape than wanted.
    fn shape(&mut self, name: &str, wanted: &str, value: &Spanned<DeValue<'_>>) {
        self.push(
            value.span(),
            Diagnostic::error("config/shape", format!("`{name}` has to be {wanted}")),
        );
    }
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
