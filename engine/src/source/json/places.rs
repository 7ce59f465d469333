//! The places of a value and of what it holds.

use crate::source::Span;

/// The place of a value, and the places of what is in it.
#[derive(Debug)]
pub(super) struct Places {
    span: Span,
    children: Children,
}

#[derive(Debug)]
enum Children {
    None,
    Items(Box<[Places]>),
    /// Sorted by name; of a repeated name the last one written stands last.
    Members(Box<[Member]>),
}

/// The place of a key and of its value.
#[derive(Debug)]
pub(super) struct Member {
    pub name: Box<str>,
    pub key: Span,
    pub value: Places,
}

impl Places {
    /// Of a value with nothing in it.
    pub(super) fn leaf(span: Span) -> Self {
        Self {
            span,
            children: Children::None,
        }
    }

    /// Of an array.
    pub(super) fn array(span: Span, items: Vec<Self>) -> Self {
        Self {
            span,
            children: Children::Items(items.into()),
        }
    }

    /// Of an object, from its members as they were written.
    pub(super) fn object(span: Span, mut members: Vec<Member>) -> Self {
        members.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            span,
            children: Children::Members(members.into()),
        }
    }

    pub(super) fn span(&self) -> Span {
        self.span
    }

    /// What a step of a JSON pointer leads to, and the key that it was written under.
    pub(super) fn child(&self, step: &str) -> Option<(Option<Span>, &Self)> {
        match &self.children {
            Children::None => None,
            Children::Items(items) => Some((None, items.get(step.parse::<usize>().ok()?)?)),
            Children::Members(members) => {
                let past = members.partition_point(|member| *member.name <= *step);
                let last = members.get(past.checked_sub(1)?)?;
                (*last.name == *step).then_some((Some(last.key), &last.value))
            }
        }
    }
}
