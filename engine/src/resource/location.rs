//! Where in a resource: a path that is written out only when there is something to report.

use std::borrow::Cow;
use std::fmt::Write;

use super::suggest::shortened;

/// Deep enough for nearly all resources.
const USUAL_DEPTH: usize = 16;

#[derive(Debug, Clone, Copy)]
pub(super) enum Segment<'r> {
    Name(&'r str),
    Index(usize),
}

#[derive(Debug)]
pub(super) struct Location<'r> {
    root: &'r str,
    segments: Vec<Segment<'r>>,
}

impl<'r> Location<'r> {
    /// `root` is the name that the FHIRPath begins with.
    pub fn new(root: &'r str) -> Self {
        Location {
            root,
            segments: Vec::with_capacity(USUAL_DEPTH),
        }
    }

    pub fn push(&mut self, segment: Segment<'r>) {
        self.segments.push(segment);
    }

    pub fn pop(&mut self) {
        self.segments.pop();
    }

    /// How many names deep.
    pub fn depth(&self) -> usize {
        self.segments.len()
    }

    /// Whether the extension at hand is part of another: `extension[0].extension[1]`.
    pub fn is_inside_extension(&self) -> bool {
        let mut names = self.segments.iter().rev().filter_map(|s| match s {
            Segment::Name(name) => Some(*name),
            Segment::Index(_) => None,
        });
        names.next();
        matches!(names.next(), Some("extension" | "modifierExtension"))
    }

    pub fn pointer(&self) -> String {
        let mut text = String::new();
        for segment in &self.segments {
            text.push('/');
            match segment {
                Segment::Name(name) => text.push_str(&name.replace('~', "~0").replace('/', "~1")),
                Segment::Index(index) => write(&mut text, format_args!("{index}")),
            }
        }
        text
    }

    /// The siblings of primitives have the primitive's own path.
    pub fn expression(&self) -> String {
        let mut text = self.root_name().into_owned();
        for segment in &self.segments {
            match segment {
                Segment::Name(name) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(&identifier(name.strip_prefix('_').unwrap_or(name)));
                }
                Segment::Index(index) => write(&mut text, format_args!("[{index}]")),
            }
        }
        text
    }

    pub fn root_name(&self) -> Cow<'r, str> {
        identifier(self.root)
    }
}

/// A name as FHIRPath writes it: between backticks unless it is made of letters and digits.
fn identifier(name: &str) -> Cow<'_, str> {
    const MAX_PLAIN: usize = 64;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.len() <= MAX_PLAIN
        && name.chars().all(plain)
        && !name.starts_with(|c: char| c.is_ascii_digit())
    {
        return Cow::Borrowed(name);
    }
    let escaped = shortened(name).replace('\\', "\\\\").replace('`', "\\`");
    Cow::Owned(format!("`{escaped}`"))
}

fn write(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(arguments);
}
