//! Texts from outside, made harmless in the languages of reports: HTML, Markdown, and the workflow
//! commands of GitHub Actions.

use super::printable::is_turning;

/// HTML in the making. Only [`Html::raw`] writes what is not escaped, and only texts of the program.
#[derive(Debug, Default)]
pub struct Html {
    text: String,
}

impl Html {
    /// Markup.
    pub fn raw(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// A text, escaped. It may stand between tags and in a quoted attribute.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            match c {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                '\'' => self.text.push_str("&#39;"),
                '\n' | '\t' => self.text.push(c),
                // Neither bytes that HTML has no place for, nor marks that turn the direction of a
                // text and so what it seems to say.
                c if c.is_control() || is_turning(c) => self.text.push('\u{fffd}'),
                c => self.text.push(c),
            }
        }
        self
    }

    /// An element with a text in it, on a line of its own.
    pub fn element(&mut self, name: &'static str, class: &'static str, text: &str) -> &mut Self {
        self.raw("<").raw(name);
        if !class.is_empty() {
            self.raw(" class=\"").raw(class).raw("\"");
        }
        self.raw(">").text(text).raw("</").raw(name).raw(">\n")
    }

    /// The markup.
    pub fn into_string(self) -> String {
        self.text
    }
}

/// The message of a workflow command: without what would end the line or begin an escape.
pub fn command_message(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property of a workflow command: also without what would end the property.
pub fn command_property(text: &str) -> String {
    command_message(text)
        .replace(':', "%3A")
        .replace(',', "%2C")
}

/// A cell of a Markdown table.
pub fn markdown_cell(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace(['\r', '\n'], " ")
}
