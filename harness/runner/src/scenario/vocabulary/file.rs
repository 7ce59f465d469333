//! The keys of a file.

use super::{ACTOR, NEEDS, Object, STEP, Shape, key};

const GIVEN: &str = "A state from `states/` that is built first.";
const ABOUT: &str = "Two or three lines: why a person should care.";
const ACTORS: &str = "People and programs, added to those of the state.";
const USES_ADMIN: &str = "Whether steps of the flow are the admin's, for whom no policy counts; `grant` needs no saying.";
const SINKS: &str = "Places that take what the server sends; `${name}` is the address.";

/// A scenario file.
pub(crate) static SCENARIO: Object = Object {
    what: "a scenario",
    id: "scenario",
    keys: &[&[
        key(
            "scenario",
            "The id; the file's name without `.yaml`.",
            Shape::Name,
        ),
        key("title", "One line: what happens.", Shape::Text),
        key(
            "page",
            "The documentation page that describes the flow.",
            Shape::Text,
        ),
        key("about", ABOUT, Shape::Text),
        key(
            "given",
            GIVEN,
            Shape::Either(&[Shape::Name, Shape::Object(&SHARED)]),
        ),
        key("needs", NEEDS, Shape::List(&Shape::Need)),
        key("sinks", SINKS, Shape::Map(&Shape::Object(&SINK))),
        key("actors", ACTORS, Shape::Map(&Shape::Object(&ACTOR))),
        key("uses-admin", USES_ADMIN, Shape::Bool),
        key(
            "steps",
            "What happens, in order.",
            Shape::List(&Shape::Object(&STEP)),
        ),
    ]],
    required: &["scenario", "title", "page", "steps"],
    verb: false,
};

/// A state file.
pub(crate) static STATE: Object = Object {
    what: "a state",
    id: "state",
    keys: &[&[
        key(
            "state",
            "The id; the file's name without `.yaml`.",
            Shape::Name,
        ),
        key("about", ABOUT, Shape::Text),
        key("given", GIVEN, Shape::Name),
        key("needs", NEEDS, Shape::List(&Shape::Need)),
        key(
            "outputs",
            "The names that others may use, and what each stands for. Left out, all of them.",
            Shape::Map(&Shape::Text),
        ),
        key("actors", ACTORS, Shape::Map(&Shape::Object(&ACTOR))),
        key(
            "steps",
            "What is done to build it.",
            Shape::List(&Shape::Object(&STEP)),
        ),
    ]],
    required: &["state"],
    verb: false,
};

/// A state that may be shared.
pub(crate) static SHARED: Object = Object {
    what: "`given`",
    id: "given",
    keys: &[&[
        key("state", "A state from `states/`.", Shape::Name),
        key(
            "share",
            "Built once in a run, for all scenarios that share it. They only look.",
            Shape::Bool,
        ),
    ]],
    required: &["state"],
    verb: false,
};

/// A sink.
pub(crate) static SINK: Object = Object {
    what: "a sink",
    id: "sink",
    keys: &[&[
        key(
            "kind",
            "`http`, a URL that the server posts to, or `websocket`, what a `subscribe` step binds.",
            Shape::Word(&["http", "websocket"]),
        ),
        key(
            "replies",
            "The statuses of the answers, one after the other; the last one stays. Left out: 200.",
            Shape::List(&Shape::Number(200, 599)),
        ),
    ]],
    required: &[],
    verb: false,
};
