//! The keys of an expectation.

use super::{Key, Object, Shape, key};

/// What can be expected in one word.
pub(crate) const STATUS_WORDS: &[&str] = &["hidden", "denied", "2xx", "4xx"];

const STATUS: Key = key(
    "status",
    "The status, several of them, a class like `4xx`, `hidden` or `denied`.",
    Shape::Either(&[
        Shape::Number(200, 599),
        Shape::Word(STATUS_WORDS),
        Shape::List(&Shape::Number(200, 599)),
    ]),
);
const OUTCOME: Key = key(
    "outcome",
    "The code of an issue of the OperationOutcome in the answer.",
    Shape::Text,
);
const BODY: Key = key(
    "body",
    "Each JSONPath gives what stands behind it.",
    Shape::Map(&Shape::Any),
);

/// `expect`.
pub(crate) static EXPECT: Object = Object {
    what: "`expect`",
    id: "expect",
    keys: &[&[
        STATUS,
        OUTCOME,
        key(
            "winners",
            "Of a race: how many succeed, or who wins and how many.",
            Shape::Either(&[Shape::Number(0, 100), Shape::Object(&WINNERS)]),
        ),
        key(
            "losers",
            "Of a race: the status of the others. Left out, any refusal.",
            Shape::Either(&[
                Shape::Number(200, 599),
                Shape::Word(STATUS_WORDS),
                Shape::List(&Shape::Number(200, 599)),
            ]),
        ),
        key(
            "media-type",
            "The media type of the answer, without parameters.",
            Shape::Text,
        ),
        key(
            "headers",
            "Headers of the answer: their value, `present` or `absent`.",
            Shape::Map(&Shape::Text),
        ),
        BODY,
        key(
            "fhirpath",
            "FHIRPath expressions that are true of the body.",
            Shape::List(&Shape::Text),
        ),
        key("text", "The body as a text.", Shape::Text),
        key(
            "matches",
            "Of the scenario's resources a search finds exactly these.",
            Shape::List(&Shape::Name),
        ),
        key(
            "includes",
            "Of the scenario's resources a search includes exactly these.",
            Shape::List(&Shape::Name),
        ),
        key("order", "`matches` in this order.", Shape::Bool),
    ]],
    required: &[],
    verb: false,
};

/// `winners` of a race.
pub(crate) static WINNERS: Object = Object {
    what: "`winners`",
    id: "winners",
    keys: &[&[
        key("exactly", "So many.", Shape::Number(0, 100)),
        key("at-least", "So many or more.", Shape::Number(0, 100)),
        key("at-most", "So many or fewer.", Shape::Number(0, 100)),
        key(
            "status",
            "What a winner gets; whoever gets something else has lost. Left out, the success of the verb.",
            Shape::Either(&[
                Shape::Number(200, 599),
                Shape::Word(STATUS_WORDS),
                Shape::List(&Shape::Number(200, 599)),
            ]),
        ),
    ]],
    required: &[],
    verb: false,
};

/// `expect` of an entry.
pub(crate) static EXPECT_ENTRY: Object = Object {
    what: "`expect` of an entry",
    id: "expect-entry",
    keys: &[&[STATUS, OUTCOME, BODY]],
    required: &[],
    verb: false,
};
