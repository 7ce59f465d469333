//! The keys of the language, once: the parser takes what stands here, the published schema is
//! generated from it, and the formatter puts keys into this order.

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
            .filter(|key| super::Action::VERBS.contains(&key.name))
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

const NEEDS: &str =
    "What the server must offer; where it does not, nothing is sent, and the report says why.";
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

/// The verbs that a batch and a race know too.
static CRUD: [Key; 7] = [
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
static MORE_VERBS: [Key; 10] = [
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

const AS: Key = key("as", "The actor, `admin` or `anonymous`.", Shape::Name);
const IF_MATCH: Key = key(
    "if-match",
    "The version that the writer expects: \"${thread.version}\".",
    Shape::Text,
);
const IF_NONE_EXIST: Key = key(
    "if-none-exist",
    "On `create`: the search that must find nothing.",
    Shape::Text,
);
const HEADERS: Key = key(
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
