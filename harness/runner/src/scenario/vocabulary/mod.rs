//! The keys of the language, once: the parser takes what stands here, the published schema is
//! generated from it, and the formatter puts keys into this order.

mod expect;
mod file;
mod people;
mod several;
mod step;
mod verbs;

pub(crate) use expect::{EXPECT, EXPECT_ENTRY, STATUS_WORDS, WINNERS};
pub(crate) use file::{SCENARIO, SHARED, SINK, STATE};
pub(crate) use people::{ACCESS, ACTOR, GRANT};
pub(crate) use several::{ENTRY, RACER};
pub(crate) use step::{EVENTUALLY, STEP, THROUGHOUT};
pub(crate) use verbs::DELIVERY;

/// A kind of value.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A text.
    Text,
    /// A name: letters, digits, `-` and `_`, a letter first.
    Name,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Number(u64, u64),
    /// A time like `500ms`, `5s` or `1m`.
    Time,
    /// Any value.
    Any,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A [`Need`](crate::client::Need).
    Need,
    /// A list.
    List(&'static Shape),
    /// A map with keys of one's own.
    Map(&'static Shape),
    /// A map with keys of the language.
    Object(&'static Object),
    /// Any of these.
    Either(&'static [Shape]),
}

/// A key of the language.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// Other names for it: those that MedplumClient has.
    pub(crate) aliases: &'static [&'static str],
    pub(crate) about: &'static str,
    pub(crate) shape: Shape,
}

/// A map with keys of the language.
#[derive(Debug)]
pub(crate) struct Object {
    /// What messages call it.
    pub(crate) what: &'static str,
    /// Its name in the schema.
    pub(crate) id: &'static str,
    /// Its keys, in the order in which they are written.
    pub(crate) keys: &'static [&'static [Key]],
    pub(crate) required: &'static [&'static str],
    /// Whether exactly one verb is among the keys.
    pub(crate) verb: bool,
}

impl Object {
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.keys.iter().copied().flatten()
    }

    /// The key that a name stands for.
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys()
            .find(|key| key.name == name || key.aliases.contains(&name))
    }

    /// The verbs among the keys.
    pub(crate) fn verbs(&self) -> impl Iterator<Item = &'static Key> {
        self.keys()
            .filter(|key| crate::scenario::Action::VERBS.contains(&key.name))
    }
}

const fn key(name: &'static str, about: &'static str, shape: Shape) -> Key {
    Key {
        name,
        aliases: &[],
        about,
        shape,
    }
}

const fn verb(
    name: &'static str,
    aliases: &'static [&'static str],
    about: &'static str,
    shape: Shape,
) -> Key {
    Key {
        name,
        aliases,
        about,
        shape,
    }
}

/// Of a file and of a step.
const NEEDS: &str =
    "What the server must offer; where it does not, nothing is sent, and the report says why.";
