//! Signs of a relaxed notation: what JSON does not have and its cousins do.

use fhirward_engine::source::Span;

/// Signs that are looked for; more of them prove nothing more.
const MAX_SIGNS: usize = 1_000;

/// Something that JSON does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sign {
    /// What.
    pub kind: Kind,
    /// Where.
    pub span: Span,
}

/// What JSON does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `// …` or `/* … */`.
    Comment,
    /// `key:` without quotes.
    BareKey,
    /// `'…'` or `` `…` ``.
    OtherQuotes,
    /// A comma before a closing bracket.
    TrailingComma,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::Comment,
        Self::BareKey,
        Self::OtherQuotes,
        Self::TrailingComma,
    ];

    /// One of them.
    pub fn one(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::BareKey => "key without quotes",
            Self::OtherQuotes => "text in other quotes",
            Self::TrailingComma => "comma before a bracket",
        }
    }

    /// Several of them.
    pub fn many(self) -> &'static str {
        match self {
            Self::Comment => "comments",
            Self::BareKey => "keys without quotes",
            Self::OtherQuotes => "texts in other quotes",
            Self::TrailingComma => "commas before a bracket",
        }
    }
}

/// The signs in a text, in order.
pub fn signs(text: &str) -> Vec<Sign> {
    let mut signs = Vec::new();
    let mut at = 0;
    // A comma that nothing but blanks and comments has followed yet.
    let mut comma: Option<usize> = None;
    while let Some(rest) = text.get(at..) {
        let Some(c) = rest.chars().next() else { break };
        if signs.len() >= MAX_SIGNS {
            break;
        }
        let width = c.len_utf8();
        let mut sign = |kind, length: usize| {
            signs.push(Sign {
                kind,
                span: Span::new(at, at + length),
            });
            length
        };
        let step = if c.is_whitespace() || c == '\u{feff}' {
            width
        } else if rest.starts_with("//") {
            sign(Kind::Comment, rest.find(['\r', '\n']).unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            sign(
                Kind::Comment,
                rest.find("*/").map_or(rest.len(), |end| end + 2),
            )
        } else {
            let before = comma.take();
            match c {
                '"' => quoted(rest, '"'),
                '\'' | '`' => sign(Kind::OtherQuotes, quoted(rest, c)),
                ',' => {
                    comma = Some(at);
                    width
                }
                '}' | ']' => {
                    if let Some(comma) = before {
                        signs.push(Sign {
                            kind: Kind::TrailingComma,
                            span: Span::new(comma, comma + 1),
                        });
                    }
                    width
                }
                c if c.is_alphabetic() || matches!(c, '_' | '$') => {
                    let length = word(rest);
                    let follows = rest.get(length..).unwrap_or_default().trim_start();
                    if follows.starts_with(':') {
                        sign(Kind::BareKey, length)
                    } else {
                        length
                    }
                }
                _ => width,
            }
        };
        at += step.max(1);
    }
    signs
}

/// The length of a quoted text, quotes included; to the end of the line where it is not closed.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        } else if c == '\n' && quote != '`' {
            return at;
        }
    }
    rest.len()
}

fn word(rest: &str) -> usize {
    rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$' | '-')))
        .unwrap_or(rest.len())
}
