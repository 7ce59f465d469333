//! A criteria written anew from its parts.

use std::fmt::Write as _;

use super::ast::{Alternative, Criteria, Pair, Piece};

impl Criteria {
    /// The criteria with nothing escaped that need not be, and everything that must. Read again,
    /// it has the same parts.
    ///
    /// ```
    /// let (criteria, _) = fhirward_engine::criteria::parse(r"Task?code=%61\\,b&owner=%profile", &[]);
    /// assert_eq!(criteria.canonical(), r"Task?code=a\\,b&owner=%profile");
    /// ```
    pub fn canonical(&self) -> String {
        let mut out = self.resource_type.text.clone();
        for (at, pair) in self.pairs.iter().enumerate() {
            out.push(if at == 0 { '?' } else { '&' });
            write_pair(pair, &mut out);
        }
        out
    }
}

fn write_pair(pair: &Pair, out: &mut String) {
    key(&pair.param.text, out);
    if let Some(modifier) = &pair.modifier {
        out.push(':');
        key(&modifier.text, out);
    }
    if pair.value.is_none() {
        return;
    }
    out.push('=');
    for (at, alternative) in pair.alternatives.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_alternative(alternative, out);
    }
}

fn write_alternative(alternative: &Alternative, out: &mut String) {
    let mut after_variable = false;
    for piece in &alternative.pieces {
        match piece {
            Piece::Text(text) => {
                for c in text.chars() {
                    match c {
                        // More of a word would be more of the name.
                        c if after_variable && continues_a_name(c) => escape(c, out),
                        ',' | '|' | '$' | '\\' => {
                            out.push('\\');
                            out.push(c);
                        }
                        c => character(c, out),
                    }
                    after_variable = false;
                }
            }
            Piece::Pipe => out.push('|'),
            Piece::Dollar => out.push('$'),
            Piece::Variable(variable) => {
                out.push('%');
                out.push_str(&variable.name);
                if variable.id {
                    out.push_str(".id");
                }
            }
        }
        after_variable = matches!(piece, Piece::Variable(_));
    }
}

fn key(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '=' => out.push_str("%3D"),
            c => character(c, out),
        }
    }
}

/// What has a meaning in a URL, or is not to be seen, is escaped.
fn character(c: char, out: &mut String) {
    match c {
        ' ' => out.push('+'),
        '%' | '&' | '+' | '?' | '#' | '"' | '\u{0}'..='\u{1f}' | '\u{7f}' => {
            escape(c, out);
        }
        c => out.push(c),
    }
}

fn escape(c: char, out: &mut String) {
    let _ = write!(out, "%{:02X}", u32::from(c));
}

fn continues_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.')
}
