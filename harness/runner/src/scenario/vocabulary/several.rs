//! The keys of an entry of a batch and of a part of a race.

use super::step::{AS, HEADERS, IF_MATCH, IF_NONE_EXIST};
use super::verbs::CRUD;
use super::{EXPECT_ENTRY, Object, STATUS_WORDS, Shape, key};

/// An entry of a batch or transaction.
pub(crate) static ENTRY: Object = Object {
    what: "an entry",
    id: "entry",
    keys: &[
        &CRUD,
        &[
            IF_MATCH,
            IF_NONE_EXIST,
            key(
                "capture",
                "The name of the resource in its response.",
                Shape::Name,
            ),
            key(
                "body",
                "The resource, or the list of JSON Patch operations.",
                Shape::Any,
            ),
            key(
                "expect",
                "What its response must be; left out, the success of the verb.",
                Shape::Either(&[Shape::Word(STATUS_WORDS), Shape::Object(&EXPECT_ENTRY)]),
            ),
        ],
    ],
    required: &[],
    verb: true,
};

/// A part of a race.
pub(crate) static RACER: Object = Object {
    what: "a part of a race",
    id: "racer",
    keys: &[
        &[AS],
        &CRUD,
        &[
            IF_MATCH,
            IF_NONE_EXIST,
            HEADERS,
            key(
                "body",
                "The resource, or the list of JSON Patch operations.",
                Shape::Any,
            ),
            key(
                "expect",
                "What this part must get, whoever wins; left out, it wins or loses.",
                Shape::Either(&[Shape::Word(STATUS_WORDS), Shape::Object(&EXPECT_ENTRY)]),
            ),
        ],
    ],
    required: &["as"],
    verb: true,
};
