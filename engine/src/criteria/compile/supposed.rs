//! What is certain of a value before any membership is known: `%profile` is always a reference, and
//! `%organization.id` an id, so some values are wrong whoever asks.

use std::collections::BTreeMap;

use super::context::{Context, Grammar};
use crate::criteria::bindings::Bindings;
use crate::criteria::probe::Subject;
use crate::criteria::syntax::{Alternative, Piece};
use crate::values::BadValue;

/// Variables of one alternative that are tried in all their shapes together.
const MAX_VARIABLES: usize = 2;

/// An id that nobody has, one for each variable.
const IDS: [&str; MAX_VARIABLES] = [
    "00000000-0000-4000-8000-000000000001",
    "00000000-0000-4000-8000-000000000002",
];

/// Shorter ones: the longer may be too long together.
const SHORT_IDS: [&str; MAX_VARIABLES] = ["x1", "x2"];

/// What a parameter of which nothing is known may be, in the shapes that values have.
const TEXTS: [&str; 5] = ["2024-01-01", "5", "true", "http://example.com/x", "x"];

impl Context<'_> {
    /// What is wrong with an alternative that holds variables, whatever their values turn out to
    /// be; `None` where some value would do.
    pub(super) fn always_wrong(
        &self,
        subject: Subject,
        alternative: &Alternative,
    ) -> Option<BadValue> {
        if self.grammar != Grammar::Criteria {
            return None;
        }
        let mut variables: BTreeMap<&str, bool> = BTreeMap::new();
        for piece in &alternative.pieces {
            if let Piece::Variable(variable) = piece {
                // One that is asked for its id anywhere is a reference.
                *variables.entry(&variable.name).or_default() |= variable.id;
            }
        }
        if variables.len() > MAX_VARIABLES {
            return None;
        }
        let mut supposed = vec![Bindings::none()];
        for (((name, id), own), short) in variables.iter().zip(IDS).zip(SHORT_IDS) {
            let mut all = Vec::new();
            for bindings in &supposed {
                let mut with = |bind: &dyn Fn(&mut Bindings)| {
                    let mut bindings = bindings.clone();
                    bind(&mut bindings);
                    all.push(bindings);
                };
                for own in [own, short] {
                    let reference = format!("Practitioner/{own}");
                    with(&|bindings| bindings.bind_reference(name, &reference));
                }
                if *name != "profile" && !id {
                    with(&|bindings| bindings.bind_text(name, own));
                    for text in TEXTS {
                        with(&|bindings| bindings.bind_text(name, text));
                    }
                }
            }
            supposed = all;
        }
        let mut first = None;
        for bindings in &supposed {
            let context = Context { bindings, ..*self };
            let mut aside = Vec::new();
            let resolved = context.resolve(alternative, subject, &mut aside)?;
            let bad = context
                .made(subject, alternative, &resolved, &mut aside)
                .err()?;
            first.get_or_insert(bad);
        }
        let bad = first?;
        let mut named = BadValue::new(bad.message, bad.help);
        for (name, own) in variables.keys().zip(IDS) {
            for text in [&mut named.message, &mut named.help] {
                *text = text
                    .replace(&format!("Practitioner/{own}"), &format!("%{name}"))
                    .replace(own, &format!("%{name}.id"));
            }
        }
        Some(named)
    }
}
