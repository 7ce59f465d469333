//! A criteria string becomes filters: a query string as browsers read it, then operators by the
//! type of the search parameter.

use fhirward_spec::ParamType;

use super::datetime;
use super::parameters::{has_search_params, param_type, search_param};
use super::version::Features;

/// What a filter does with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the names are those of R4's prefixes and modifiers"
)]
pub enum Operator {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Sa,
    Eb,
    Ap,
    Sw,
    Contains,
    Exact,
    Above,
    Below,
    Text,
    Not,
    In,
    NotIn,
    OfType,
    Missing,
    Present,
    Identifier,
    Iterate,
    /// A modifier that the server has no meaning for, kept as it stands.
    Other(String),
}

impl Operator {
    /// The word for it: a prefix or a modifier.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Sa => "sa",
            Self::Eb => "eb",
            Self::Ap => "ap",
            Self::Sw => "sw",
            Self::Contains => "contains",
            Self::Exact => "exact",
            Self::Above => "above",
            Self::Below => "below",
            Self::Text => "text",
            Self::Not => "not",
            Self::In => "in",
            Self::NotIn => "not-in",
            Self::OfType => "of-type",
            Self::Missing => "missing",
            Self::Present => "present",
            Self::Identifier => "identifier",
            Self::Iterate => "iterate",
            Self::Other(word) => word,
        }
    }

    /// Whether the filter asks for the opposite.
    pub fn is_negated(&self) -> bool {
        matches!(self, Self::Not | Self::Ne)
    }

    fn prefix(word: &str) -> Option<Self> {
        Some(match word {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "lt" => Self::Lt,
            "le" => Self::Le,
            "gt" => Self::Gt,
            "ge" => Self::Ge,
            "sa" => Self::Sa,
            "eb" => Self::Eb,
            "ap" => Self::Ap,
            "sw" => Self::Sw,
            _ => return None,
        })
    }

    fn modifier(word: &str) -> Option<Self> {
        Some(match word {
            "contains" => Self::Contains,
            "exact" => Self::Exact,
            "above" => Self::Above,
            "below" => Self::Below,
            "text" => Self::Text,
            "not" => Self::Not,
            "in" => Self::In,
            "not-in" => Self::NotIn,
            "of-type" => Self::OfType,
            "missing" => Self::Missing,
            "present" => Self::Present,
            "identifier" => Self::Identifier,
            "iterate" => Self::Iterate,
            _ => return None,
        })
    }

    /// A modifier or prefix taken at its word.
    pub fn verbatim(word: &str) -> Self {
        Self::modifier(word)
            .or_else(|| Self::prefix(word))
            .unwrap_or_else(|| Self::Other(word.to_owned()))
    }
}

/// One condition of a criteria string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The search parameter, or the whole key of a chain.
    pub code: String,
    /// What is done with the value.
    pub operator: Operator,
    /// The value, decoded, alternatives and escapes as they stand.
    pub value: String,
}

/// Parsed criteria.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchRequest {
    /// The type in front of the question mark.
    pub resource_type: String,
    /// The filters; all must hold.
    pub filters: Vec<Filter>,
}

/// Criteria that the server refuses to read; every request that meets them is a 400 with this text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadCriteria(
    /// The text of the OperationOutcome.
    pub String,
);

/// Reads a criteria string.
///
/// # Errors
/// Dates that are none, composite and special parameters, and bad `_include` values.
pub fn parse(criteria: &str, features: &Features) -> Result<SearchRequest, BadCriteria> {
    let mut pieces = criteria.split('?');
    let path = pieces.next().unwrap_or_default();
    // What follows a second question mark is lost.
    let query = pieces.next().unwrap_or_default();
    let resource_type = path
        .rsplit('/')
        .find(|segment| !segment.is_empty())
        .unwrap_or_default()
        .to_owned();
    let mut filters = Vec::new();
    for (key, value) in pairs(query) {
        if let Some(filter) = filter(&resource_type, &key, value, features)? {
            filters.push(filter);
        }
    }
    Ok(SearchRequest {
        resource_type,
        filters,
    })
}

/// Reads one pair; `None` for a parameter that makes no filter.
pub(crate) fn filter(
    resource_type: &str,
    key: &str,
    value: String,
    features: &Features,
) -> Result<Option<Filter>, BadCriteria> {
    let (code, modifier) = match key.split_once(':') {
        Some((code, modifier)) => (code, modifier),
        None => (key, ""),
    };
    let raw = |operator: Operator, value: String| {
        Ok(Some(Filter {
            code: code.to_owned(),
            operator,
            value,
        }))
    };
    if code == "_" {
        return Ok(None);
    }
    if code == "_has" || key.contains('.') {
        return Ok(Some(Filter {
            code: key.to_owned(),
            operator: Operator::Eq,
            value,
        }));
    }
    match code {
        "_sort" | "_cursor" | "_count" | "_offset" | "_total" | "_summary" | "_fields"
        | "_elements" | "_type" | "_format" | "_pretty" => return Ok(None),
        "_include" | "_revinclude" => {
            return inclusion(&value).map(|()| None);
        }
        _ => {}
    }
    if is_of_every_object(code) && has_search_params(resource_type, features) {
        // The table of parameters is a JavaScript object, which has these members.
        return match modifier {
            "missing" | "present" => raw(Operator::verbatim(modifier), value),
            _ => Err(BadCriteria(
                "Unrecognized search parameter type: undefined".to_owned(),
            )),
        };
    }
    let Some(param) = search_param(resource_type, code, features) else {
        return match Operator::verbatim(modifier) {
            Operator::Other(empty) if empty.is_empty() => {
                let (operator, value) = unknown_prefix(&value);
                raw(operator, value.to_owned())
            }
            operator => raw(operator, value),
        };
    };
    if matches!(modifier, "missing" | "present") {
        return raw(Operator::verbatim(modifier), value);
    }
    match param_type(param) {
        ParamType::Number | ParamType::Date | ParamType::Quantity => {
            let (operator, value) = match split_prefix(&value) {
                Some((prefix, rest)) => (prefix, rest.to_owned()),
                None if modifier.is_empty() || !features.ordered_modifiers => (Operator::Eq, value),
                None => (Operator::verbatim(modifier), value),
            };
            if param_type(param) == ParamType::Date && !is_date(&value, features) {
                return Err(BadCriteria(format!(
                    "Invalid format for date search parameter: {value}"
                )));
            }
            raw(operator, value)
        }
        ParamType::Reference | ParamType::String | ParamType::Token | ParamType::Uri => {
            let operator = match is_of_every_object(modifier) {
                // The table of modifiers is a JavaScript object as well.
                true => Operator::Other(modifier.to_owned()),
                false => Operator::modifier(modifier).unwrap_or(Operator::Eq),
            };
            raw(operator, value)
        }
        ParamType::Composite | ParamType::Special => Err(BadCriteria(format!(
            "Unrecognized search parameter type: {}",
            param_type(param).code()
        ))),
    }
}

fn is_of_every_object(code: &str) -> bool {
    matches!(
        code,
        "constructor"
            | "hasOwnProperty"
            | "isPrototypeOf"
            | "propertyIsEnumerable"
            | "toLocaleString"
            | "toString"
            | "valueOf"
            | "__proto__"
            | "__defineGetter__"
            | "__defineSetter__"
            | "__lookupGetter__"
            | "__lookupSetter__"
    )
}

/// Up to three parts, at least two, and no `*`.
fn inclusion(value: &str) -> Result<(), BadCriteria> {
    if value.split(':').any(|part| part == "*") {
        return Err(BadCriteria(
            "'*' is not supported as a value for search inclusion parameters".to_owned(),
        ));
    }
    match value.split(':').count() {
        2 | 3 => Ok(()),
        _ => Err(BadCriteria(format!(
            "Invalid search inclusion parameter value: {value}"
        ))),
    }
}

fn split_prefix(value: &str) -> Option<(Operator, &str)> {
    let prefix = Operator::prefix(value.get(..2)?)?;
    Some((prefix, value.get(2..)?))
}

/// For a parameter that is not known, a prefix counts only before a digit or the end.
fn unknown_prefix(value: &str) -> (Operator, &str) {
    match split_prefix(value) {
        Some((prefix, rest))
            if rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            (prefix, rest)
        }
        _ => (Operator::Eq, value),
    }
}

fn is_date(text: &str, features: &Features) -> bool {
    match features.search_date_regex {
        true => datetime::is_searched(text),
        false => datetime::is_date_time(text),
    }
}

/// The pairs of a query string, as the WHATWG URL standard reads them: `+` is a space, `%xx` is
/// decoded where it is valid and kept where it is not, empty pairs are skipped.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((key, value)) => (decode(key), decode(value)),
            None => (decode(pair), String::new()),
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = |at: usize| {
            let byte = *after.get(at)?;
            char::from(byte).to_digit(16)
        };
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                rest = after.get(2..).unwrap_or_default();
            }
            (b'+', ..) => {
                bytes.push(b' ');
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The alternatives of a value: split at commas, a backslash takes the next character as it is.
pub fn alternatives(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut current = String::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => current.extend(chars.next()),
            ',' => all.push(std::mem::take(&mut current)),
            other => current.push(other),
        }
    }
    all.push(current);
    all
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn one(criteria: &str) -> (String, String, String) {
        let request = parse(criteria, &Features::default()).unwrap();
        let [filter] = request.filters.as_slice() else {
            panic!("{criteria}: {:?}", request.filters);
        };
        (
            filter.code.clone(),
            filter.operator.as_str().to_owned(),
            filter.value.clone(),
        )
    }

    #[rstest]
    #[case::plain("Task?status=a", "status", "eq", "a")]
    #[case::second_question_mark("Task?status=a?b&owner=c", "status", "eq", "a")]
    #[case::path("R4/Task?status=a", "status", "eq", "a")]
    #[case::plus_is_a_space("Patient?name=a+b", "name", "eq", "a b")]
    #[case::percent("Patient?name=%C3%85b", "name", "eq", "Åb")]
    #[case::broken_percent("Task?owner=%profile", "owner", "eq", "%profile")]
    #[case::known_modifier("Task?status:not=a", "status", "not", "a")]
    #[case::unknown_modifier_is_equality("Task?status:foo=a", "status", "eq", "a")]
    #[case::type_modifier_is_equality("Task?owner:Patient=a", "owner", "eq", "a")]
    #[case::case_counts("Task?status:NOT=a", "status", "eq", "a")]
    #[case::date_prefix("Task?modified=ge2024-01-01", "modified", "ge", "2024-01-01")]
    #[case::date_modifier_verbatim("Task?modified:foo=2024-01-01", "modified", "foo", "2024-01-01")]
    #[case::prefix_wins_over_modifier("Task?modified:not=lt2024", "modified", "lt", "2024")]
    #[case::hour_alone("Task?modified=2024-01-01T10Z", "modified", "eq", "2024-01-01T10Z")]
    #[case::missing_keeps_its_value("Task?modified:missing=x", "modified", "missing", "x")]
    #[case::unknown_prefix("Task?foo=gt5", "foo", "gt", "5")]
    #[case::unknown_word("Task?foo=great", "foo", "eq", "great")]
    #[case::chain("Task?owner:Patient.name=a", "owner:Patient.name", "eq", "a")]
    fn s1_1_one_filter(
        #[case] criteria: &str,
        #[case] code: &str,
        #[case] operator: &str,
        #[case] value: &str,
    ) {
        assert_eq!(
            one(criteria),
            (code.to_owned(), operator.to_owned(), value.to_owned())
        );
    }

    #[rstest]
    #[case("Task?_count=1")]
    #[case("Task?_sort=status&_elements=id")]
    #[case("Task?_=1")]
    #[case("Task?")]
    #[case("Task")]
    #[case("Task?_include=Task:owner")]
    fn s1_1_no_filter(#[case] criteria: &str) {
        assert_eq!(parse(criteria, &Features::default()).unwrap().filters, []);
    }

    #[rstest]
    #[case::no_date("Task?modified=zzz", "Invalid format for date search parameter: zzz")]
    #[case::no_seconds(
        "Task?modified=2024-01-01T10:00Z",
        "Invalid format for date search parameter: 2024-01-01T10:00Z"
    )]
    #[case::list(
        "Task?modified=2024,2025",
        "Invalid format for date search parameter: 2024,2025"
    )]
    #[case::include_all(
        "Task?_include=*",
        "'*' is not supported as a value for search inclusion parameters"
    )]
    #[case::composite(
        "Observation?code-value-quantity=a$1",
        "Unrecognized search parameter type: composite"
    )]
    fn s1_2_refused(#[case] criteria: &str, #[case] text: &str) {
        assert_eq!(
            parse(criteria, &Features::default()),
            Err(BadCriteria(text.to_owned()))
        );
    }

    #[test]
    fn s1_3_alternatives() {
        assert_eq!(alternatives(r"a,b\,c,\|d,"), ["a", "b,c", "|d", ""]);
    }
}
