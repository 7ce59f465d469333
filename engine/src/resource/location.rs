//! Where in a resource: a path that is written out only when there is something to report.

use std::fmt::Write;

#[derive(Debug, Clone, Copy)]
pub(super) enum Segment<'r> {
    Name(&'r str),
    Index(usize),
}

#[derive(Debug)]
pub(super) struct Location<'r> {
    /// The name that the FHIRPath begins with.
    pub root: &'r str,
    segments: Vec<Segment<'r>>,
}

impl<'r> Location<'r> {
    pub fn new(root: &'r str) -> Self {
        Location {
            root,
            segments: Vec::new(),
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
        let mut text = String::from(self.root);
        for segment in &self.segments {
            match segment {
                Segment::Name(name) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(name.strip_prefix('_').unwrap_or(name));
                }
                Segment::Index(index) => write(&mut text, format_args!("[{index}]")),
            }
        }
        text
    }
}

fn write(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(arguments);
}
