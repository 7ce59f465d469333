//! The keys of actors and of what they are granted.

use super::{Object, Shape, key};

/// An actor.
pub(crate) static ACTOR: Object = Object {
    what: "an actor",
    id: "actor",
    keys: &[&[
        key(
            "profile",
            "What the login stands for.",
            Shape::Word(&[
                "Practitioner",
                "Patient",
                "RelatedPerson",
                "ClientApplication",
            ]),
        ),
        key("name", "The name on that resource.", Shape::Text),
        key(
            "policy",
            "A file in `policies/`, one with parameters, or a list of them, which add up.",
            Shape::Either(&[
                Shape::Text,
                Shape::Object(&ACCESS),
                Shape::List(&Shape::Either(&[Shape::Text, Shape::Object(&ACCESS)])),
            ]),
        ),
        key(
            "credentials",
            "The name of a login that exists already, in the file of the actors.",
            Shape::Name,
        ),
        key(
            "patient",
            "Of a RelatedPerson: whose relative this is.",
            Shape::Name,
        ),
    ]],
    required: &["profile", "name"],
    verb: false,
};

/// A policy with parameters.
pub(crate) static ACCESS: Object = Object {
    what: "a policy",
    id: "access",
    keys: &[&[
        key("policy", "A file in `policies/`.", Shape::Text),
        key(
            "parameters",
            "The values of its parameters.",
            Shape::Map(&Shape::Text),
        ),
    ]],
    required: &["policy"],
    verb: false,
};

/// `grant`.
pub(crate) static GRANT: Object = Object {
    what: "`grant`",
    id: "grant",
    keys: &[&[
        key("actor", "Whose membership changes.", Shape::Name),
        key(
            "policy",
            "What it grants afterwards, and nothing else.",
            Shape::Either(&[
                Shape::Text,
                Shape::Object(&ACCESS),
                Shape::List(&Shape::Either(&[Shape::Text, Shape::Object(&ACCESS)])),
            ]),
        ),
        key(
            "parameters",
            "The values of its parameters.",
            Shape::Map(&Shape::Text),
        ),
    ]],
    required: &["actor", "policy"],
    verb: false,
};
