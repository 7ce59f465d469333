//! One `param[:modifier]=value` as R4 reads it.

use fhirward_spec::{ParamType, SearchParam, spec};
use serde_json::Value;

use super::Truth;
use super::matcher::Matcher;
use crate::criteria::Bindings;
use crate::criteria::syntax::{Alternative, Pair, Piece};
use crate::policy::Options;
use crate::search::Query;
use crate::values::Prefix;

/// Parameters that shape a result; a search without others finds every resource.
const RESULT: [&str; 10] = [
    "_sort",
    "_count",
    "_include",
    "_revinclude",
    "_summary",
    "_total",
    "_elements",
    "_contained",
    "_containedType",
    "_format",
];

/// What a pair asks of a resource.
#[derive(Debug)]
pub(super) struct Condition {
    test: Test,
    negated: bool,
}

#[derive(Debug)]
enum Test {
    Always,
    Known(Truth),
    /// The filters that the documented semantics has, too.
    Query(Query),
    /// One of these.
    Any(Vec<Test>),
    /// What is true when the filter says so, and open when it does not: `ap`.
    AtLeast(Query, &'static str),
    /// What is false when the filter says so, and open when it does not.
    AtMost(Query, &'static str),
    /// The filter on both as written and, without regard to case, as a question to the code system.
    Token {
        exact: Query,
        folded: Query,
        /// Whether texts are compared, whose case does not count.
        texts: bool,
    },
    Matcher(&'static SearchParam, Matcher),
}

impl Condition {
    pub(super) fn refused(reason: String) -> Self {
        Self::of(Test::Known(Truth::Refused(reason)))
    }

    fn unknown(reason: String) -> Self {
        Self::of(Test::Known(Truth::Unknown(reason)))
    }

    fn of(test: Test) -> Self {
        Self {
            test,
            negated: false,
        }
    }

    pub(super) fn query(kind: &str, pair: (String, String), options: &Options) -> Self {
        Self::of(query(kind, pair, options))
    }

    pub(super) fn truth(&self, kind: &str, resource: &Value) -> Truth {
        if resource.get("resourceType").and_then(Value::as_str) != Some(kind) {
            return Truth::False;
        }
        let truth = self.test.truth(resource);
        if self.negated { truth.not() } else { truth }
    }

    pub(super) fn compile(pair: &Pair, kind: &str, bindings: &Bindings, options: &Options) -> Self {
        let code = pair.param.text.as_str();
        let modifier = pair.modifier.as_ref().map(|m| m.text.as_str());
        let chained = code.contains('.') || modifier.is_some_and(|m| m.contains('.'));
        if chained
            || matches!(
                code,
                "_has" | "_filter" | "_text" | "_content" | "_list" | "_query"
            )
        {
            return Self::unknown(format!("`{code}` asks for more than this resource"));
        }
        if RESULT.contains(&code) {
            return Self::of(Test::Always);
        }
        let Some(texts) = texts(pair, bindings) else {
            return Self::refused("a variable has no value".to_owned());
        };
        if texts.iter().any(String::is_empty) || texts.is_empty() {
            return Self::unknown(format!(
                "R4 does not say what `{code}` without a value asks"
            ));
        }
        if code == "_compartment" {
            // The server's own parameter means what the server documents.
            let key = key(code, modifier);
            return Self::of(query(kind, (key, texts.join(",")), options));
        }
        let Some(param) = spec().search_param(kind, code) else {
            return Self::unknown(format!(
                "R4 lets a server ignore or refuse `{code}`, which {kind} does not have"
            ));
        };
        let whole = texts.join(",");
        match (modifier, param.param_type) {
            (Some("missing"), _) => Self::of(query(kind, (key(code, modifier), whole), options)),
            (None, _) => Self::of(plain(param, kind, &texts, options)),
            (Some("not"), ParamType::Token) => Self {
                negated: true,
                ..Self::of(plain(param, kind, &texts, options))
            },
            (Some("in" | "not-in"), ParamType::Token | ParamType::Reference)
            | (Some("above" | "below"), ParamType::Token | ParamType::Reference) => {
                Self::unknown(format!(
                    "`{code}:{}` asks a terminology or a hierarchy",
                    modifier.unwrap_or_default()
                ))
            }
            (Some(target), ParamType::Reference) if spec().resource(target).is_some() => {
                let typed: Vec<String> = texts
                    .iter()
                    .map(|text| match text.contains('/') {
                        true => text.clone(),
                        false => format!("{target}/{text}"),
                    })
                    .collect();
                Self::of(plain(param, kind, &typed, options))
            }
            (Some(modifier), _) => match Matcher::new(modifier, param.param_type, pair, bindings) {
                Some(matcher) => Self::of(Test::Matcher(param, matcher)),
                None => Self::refused(format!(
                    "R4 has no modifier `:{modifier}` for `{code}`, a {} parameter",
                    param.param_type.code()
                )),
            },
        }
    }
}

fn key(code: &str, modifier: Option<&str>) -> String {
    match modifier {
        Some(modifier) => format!("{code}:{modifier}"),
        None => code.to_owned(),
    }
}

/// The filter of the documented semantics.
fn query(kind: &str, pair: (String, String), options: &Options) -> Test {
    match Query::compile(kind, &[pair], options) {
        Ok(query) => Test::Query(query),
        Err(findings) => Test::Known(Truth::Refused(
            findings
                .first()
                .map(|finding| finding.message.clone())
                .unwrap_or_default(),
        )),
    }
}

/// A value without modifier.
fn plain(param: &SearchParam, kind: &str, texts: &[String], options: &Options) -> Test {
    let code = param.code.to_string();
    let ask = |text: String| query(kind, (code.clone(), text), options);
    let tests = texts.iter().map(|text| match param.param_type {
        // An id alone is of any type that the parameter can point at.
        ParamType::Reference if !text.contains(['/', ':']) => ask(any_type(param, text)),
        ParamType::Date | ParamType::Number | ParamType::Quantity
            if Prefix::split(text).0 == Prefix::Approximately =>
        {
            match ask(text.clone()) {
                Test::Query(query) => {
                    Test::AtLeast(query, "R4 leaves to the server how near `ap` is")
                }
                other => other,
            }
        }
        ParamType::Token => match in_a_system(param, text) {
            Some(code) => match ask(code) {
                Test::Query(query) => Test::AtMost(
                    query,
                    "the system of a plain code is that of its value set, which is not known here",
                ),
                other => other,
            },
            None => token(param, ask(text.clone()), ask(text.to_lowercase())),
        },
        _ => ask(text.clone()),
    });
    Test::Any(tests.collect())
}

/// The code of `system|code` where the element is a plain code: R4 takes the system for that of the
/// element's value set.
fn in_a_system(param: &SearchParam, text: &str) -> Option<String> {
    if param
        .program
        .data_types()
        .iter()
        .any(|kind| *kind != "code")
    {
        return None;
    }
    let mut escaped = false;
    let pipe = text.char_indices().find_map(|(at, c)| {
        let bare = c == '|' && !escaped;
        escaped = c == '\\' && !escaped;
        bare.then_some(at)
    })?;
    let (system, code) = (text.get(..pipe)?, text.get(pipe + 1..)?);
    (!system.is_empty() && !code.is_empty()).then(|| code.to_owned())
}

fn any_type(param: &SearchParam, id: &str) -> String {
    let named = param.targets.iter().map(|target| &**target);
    let named: Vec<&str> = named.filter(|target| *target != "Resource").collect();
    let targets = match named.is_empty() {
        true => spec().resource_types().collect(),
        false => named,
    };
    let all: Vec<String> = targets
        .into_iter()
        .map(|kind| format!("{kind}/{id}"))
        .collect();
    all.join(",")
}

/// R4 compares a code's case unless its code system does not; a text's case never counts.
fn token(param: &SearchParam, exact: Test, folded: Test) -> Test {
    let types = param.program.data_types();
    let coded = ["Coding", "CodeableConcept", "Identifier", "ContactPoint"];
    let texts = types.contains(&"string");
    let open = texts || types.iter().any(|kind| coded.contains(kind));
    match (exact, folded) {
        (Test::Query(exact), Test::Query(folded)) if open => Test::Token {
            exact,
            folded,
            texts,
        },
        (exact, _) => exact,
    }
}

impl Test {
    fn truth(&self, resource: &Value) -> Truth {
        match self {
            Self::Always => Truth::True,
            Self::Known(truth) => truth.clone(),
            Self::Query(query) => Truth::of(query.matches(resource)),
            Self::Any(tests) => tests
                .iter()
                .fold(Truth::False, |sum, test| sum.or(test.truth(resource))),
            Self::AtLeast(query, reason) => match query.matches(resource) {
                true => Truth::True,
                false => Truth::Unknown((*reason).to_owned()),
            },
            Self::AtMost(query, reason) => match query.matches(resource) {
                true => Truth::Unknown((*reason).to_owned()),
                false => Truth::False,
            },
            Self::Token {
                exact,
                folded,
                texts,
            } => {
                if exact.matches(resource) {
                    return Truth::True;
                }
                match (folded.matches(&lower(resource)), texts) {
                    (false, _) => Truth::False,
                    (true, true) => Truth::True,
                    (true, false) => Truth::Unknown(
                        "only the case differs, and R4 leaves that to the code system".to_owned(),
                    ),
                }
            }
            Self::Matcher(param, matcher) => {
                let values = param.program.collect(resource);
                Truth::of(values.into_iter().any(|value| matcher.matches(value)))
            }
        }
    }
}

/// All texts of a resource in lower case, but for what names types and references.
fn lower(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.to_lowercase()),
        Value::Array(items) => Value::Array(items.iter().map(lower).collect()),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, member)| match name.as_str() {
                    "resourceType" | "reference" | "url" => (name.clone(), member.clone()),
                    _ => (name.clone(), lower(member)),
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

/// The alternatives with their variables' values, escaped again; `None` when one has no value.
fn texts(pair: &Pair, bindings: &Bindings) -> Option<Vec<String>> {
    pair.alternatives
        .iter()
        .map(|alternative| text(alternative, bindings, true))
        .collect()
}

/// One alternative as text.
pub(super) fn text(
    alternative: &Alternative,
    bindings: &Bindings,
    escaped: bool,
) -> Option<String> {
    let mut text = String::new();
    for piece in &alternative.pieces {
        let literal = match piece {
            Piece::Pipe => {
                text.push('|');
                continue;
            }
            Piece::Dollar => {
                text.push('$');
                continue;
            }
            Piece::Text(literal) => literal.as_str(),
            Piece::Variable(variable) => bindings.value(&variable.name, variable.id)?,
        };
        for c in literal.chars() {
            if escaped && matches!(c, '\\' | ',' | '$' | '|') {
                text.push('\\');
            }
            text.push(c);
        }
    }
    Some(text)
}
