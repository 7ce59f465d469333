//! The keys of a step.

use super::verbs::{CRUD, MORE_VERBS};
use super::{EXPECT, Key, NEEDS, Object, STATUS_WORDS, Shape, key};

pub(super) const AS: Key = key("as", "The actor, `admin` or `anonymous`.", Shape::Name);
pub(super) const IF_MATCH: Key = key(
    "if-match",
    "The version that the writer expects: \"${thread.version}\".",
    Shape::Text,
);
pub(super) const IF_NONE_EXIST: Key = key(
    "if-none-exist",
    "On `create`: the search that must find nothing.",
    Shape::Text,
);
pub(super) const HEADERS: Key = key(
    "headers",
    "Other headers of the request.",
    Shape::Map(&Shape::Text),
);

/// A step.
pub(crate) static STEP: Object = Object {
    what: "a step",
    id: "step",
    keys: &[
        &[
            key("step", "The id, unique in the scenario.", Shape::Name),
            key(
                "title",
                "One line for the reader and the report.",
                Shape::Text,
            ),
            key("needs", NEEDS, Shape::List(&Shape::Need)),
            key(
                "probe",
                "It only finds out: recorded, and never a failure.",
                Shape::Bool,
            ),
            AS,
        ],
        &CRUD,
        &MORE_VERBS,
        &[
            key(
                "into",
                "Of `subscribe`: the sink of kind `websocket`.",
                Shape::Name,
            ),
            IF_MATCH,
            IF_NONE_EXIST,
            HEADERS,
            key(
                "content-type",
                "The media type of a body that is no resource.",
                Shape::Text,
            ),
            key(
                "capture",
                "The name of the resource in the answer, or names with a JSONPath or FHIRPath each.",
                Shape::Either(&[Shape::Name, Shape::Map(&Shape::Text)]),
            ),
            key(
                "parameters",
                "Of an operation: names and values, or `{ valueCode: x }`.",
                Shape::Map(&Shape::Any),
            ),
            key(
                "body",
                "The resource, the list of JSON Patch operations, or with `content-type` a text.",
                Shape::Any,
            ),
            key(
                "base64",
                "A body of bytes; with `content-type`.",
                Shape::Text,
            ),
            key(
                "eventually",
                "The expectation is met sooner or later: the look is repeated.",
                Shape::Object(&EVENTUALLY),
            ),
            key(
                "throughout",
                "The expectation is met all the time: the look is repeated.",
                Shape::Object(&THROUGHOUT),
            ),
            key(
                "expect",
                "What has to come back; left out, the success of the verb.",
                Shape::Either(&[Shape::Word(STATUS_WORDS), Shape::Object(&EXPECT)]),
            ),
            key(
                "see",
                "Who sees what afterwards.",
                Shape::Map(&Shape::Map(&Shape::Word(&["visible", "hidden"]))),
            ),
        ],
    ],
    required: &["step"],
    verb: true,
};

/// `eventually`.
pub(crate) static EVENTUALLY: Object = Object {
    what: "`eventually`",
    id: "eventually",
    keys: &[&[
        key("within", "At the latest after this time.", Shape::Time),
        key(
            "every",
            "How long to wait between two looks. Left out: 200ms.",
            Shape::Time,
        ),
    ]],
    required: &["within"],
    verb: false,
};

/// `throughout`.
pub(crate) static THROUGHOUT: Object = Object {
    what: "`throughout`",
    id: "throughout",
    keys: &[&[
        key("for", "How long.", Shape::Time),
        key(
            "every",
            "How long to wait between two looks. Left out: 200ms.",
            Shape::Time,
        ),
    ]],
    required: &["for"],
    verb: false,
};
