//! The verbs.

use super::{ENTRY, GRANT, Key, Object, RACER, Shape, key, verb};

/// The verbs that a batch and a race know too.
pub(super) static CRUD: [Key; 7] = [
    verb(
        "create",
        &[
            "createResource",
            "createResourceIfNoneExist",
            "createBinary",
        ],
        "`POST Type`.",
        Shape::Text,
    ),
    verb(
        "read",
        &["readResource", "readReference"],
        "`GET Type/id`.",
        Shape::Text,
    ),
    verb(
        "update",
        &["updateResource"],
        "`PUT Type/id`, or by a search `PUT Type?query`.",
        Shape::Text,
    ),
    verb(
        "upsert",
        &["upsertResource"],
        "`PUT Type?query`, which creates where nothing is found.",
        Shape::Text,
    ),
    verb(
        "patch",
        &["patchResource"],
        "`PATCH Type/id`, or by a search `PATCH Type?query`.",
        Shape::Text,
    ),
    verb(
        "delete",
        &["deleteResource"],
        "`DELETE Type/id`, or by a search `DELETE Type?query`.",
        Shape::Text,
    ),
    verb(
        "search",
        &["searchResources"],
        "`GET Type?query`; all its pages are followed.",
        Shape::Text,
    ),
];

/// The verbs that only a step knows.
pub(super) static MORE_VERBS: [Key; 10] = [
    verb(
        "vread",
        &["readVersion"],
        "`GET Type/id/_history/version`.",
        Shape::Text,
    ),
    verb(
        "history",
        &["readHistory"],
        "`GET Type/id/_history`, or `GET Type/_history`; all its pages are followed.",
        Shape::Text,
    ),
    verb(
        "batch",
        &["executeBatch"],
        "Several requests in one; each succeeds or fails by itself.",
        Shape::List(&Shape::Object(&ENTRY)),
    ),
    verb(
        "transaction",
        &[],
        "Several requests in one; all of them happen or none. A `capture` of one entry can be used in the others.",
        Shape::List(&Shape::Object(&ENTRY)),
    ),
    verb(
        "operation",
        &[],
        "`POST $name`, `Type/$name` or `Type/id/$name` with `parameters` or `body`; `GET` without.",
        Shape::Text,
    ),
    verb(
        "request",
        &[],
        "Any request: `GET metadata`. A path with a slash at its front begins at the root of the server.",
        Shape::Text,
    ),
    verb(
        "grant",
        &[],
        "The administrator gives somebody another policy.",
        Shape::Object(&GRANT),
    ),
    verb(
        "race",
        &[],
        "Requests of several actors at the same time.",
        Shape::List(&Shape::Object(&RACER)),
    ),
    verb(
        "subscribe",
        &[],
        "Binds the WebSocket `into` to a Subscription.",
        Shape::Text,
    ),
    verb(
        "await",
        &[],
        "Waits for what the server sends to a sink.",
        Shape::Object(&DELIVERY),
    ),
];

/// `await`.
pub(crate) static DELIVERY: Object = Object {
    what: "`await`",
    id: "await",
    keys: &[&[
        key("sink", "Where it arrives.", Shape::Name),
        key(
            "match",
            "What counts: each JSONPath gives what stands behind it. Left out, everything.",
            Shape::Map(&Shape::Any),
        ),
        key(
            "count",
            "How many; with 0 nothing may arrive in all the time. Left out: 1.",
            Shape::Number(0, 1000),
        ),
        key(
            "within",
            "At the latest after this time. Left out: 5s.",
            Shape::Time,
        ),
    ]],
    required: &["sink"],
    verb: false,
};
