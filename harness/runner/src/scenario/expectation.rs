//! What the answer to a step must be, and who must see what afterwards.

use std::fmt;

use serde_json::Value;
use serde_json_path::JsonPath;

use super::template::Template;

/// What the answer to a step must be.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    /// The status.
    pub status: ExpectedStatus,
    /// The code of the first issue of the OperationOutcome.
    pub outcome: Option<String>,
    /// What the body must hold.
    pub body: Vec<Assertion>,
    /// FHIRPath expressions that must be true of the body.
    pub fhirpath: Vec<Template>,
    /// The body as a text.
    pub text: Option<Template>,
    /// The media type, without parameters.
    pub media_type: Option<String>,
    /// What the headers must be.
    pub headers: Vec<HeaderClaim>,
    /// The names of exactly the resources that a search must find.
    pub matches: Option<Vec<String>>,
    /// The names of exactly the resources that a search must include.
    pub includes: Option<Vec<String>>,
    /// Whether in this order.
    pub order: bool,
    /// Of a race: who wins, and how many must.
    pub winners: Option<Winners>,
    /// Of a race: what the others must get.
    pub losers: Option<ExpectedStatus>,
}

impl Expect {
    /// The keys that are about what is in an answer, and not about its status.
    pub fn of_content(&self) -> Vec<&'static str> {
        [
            ("outcome", self.outcome.is_some()),
            ("media-type", self.media_type.is_some()),
            ("headers", !self.headers.is_empty()),
            ("body", !self.body.is_empty()),
            ("fhirpath", !self.fhirpath.is_empty()),
            ("text", self.text.is_some()),
            ("matches", self.matches.is_some()),
            ("includes", self.includes.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, is)| is.then_some(key))
        .collect()
    }
}

/// Who wins a race, and how many must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Winners {
    /// How many.
    pub count: Count,
    /// The status of a winner; left out, the success of the verb.
    pub status: Option<ExpectedStatus>,
}

impl Winners {
    /// What a winner did.
    pub fn how(&self) -> String {
        match &self.status {
            None => "succeeded".to_owned(),
            Some(status) => format!("got {status}"),
        }
    }
}

impl fmt::Display for Winners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, expected {}", self.how(), self.count)
    }
}

/// A number, or a range of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// The smallest.
    pub at_least: usize,
    /// The largest; nothing where there is no limit.
    pub at_most: Option<usize>,
}

impl Count {
    /// Exactly so many.
    pub fn exactly(count: usize) -> Self {
        Self {
            at_least: count,
            at_most: Some(count),
        }
    }

    /// Whether it is one of these.
    pub fn holds(self, count: usize) -> bool {
        count >= self.at_least && self.at_most.is_none_or(|most| count <= most)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.at_least, self.at_most) {
            (least, None) => write!(f, "at least {least}"),
            (least, Some(most)) if least == most => write!(f, "{least}"),
            (0, Some(most)) => write!(f, "at most {most}"),
            (least, Some(most)) => write!(f, "{least} to {most}"),
        }
    }
}

/// The statuses that satisfy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ExpectedStatus {
    /// The success of the verb.
    #[default]
    Success,
    /// This one.
    Exactly(u16),
    /// One of these.
    OneOf(Vec<u16>),
    /// All that begin with this digit.
    Class(u16),
    /// Any way of not showing it: 403, 404, 410, or a search without it.
    Hidden,
    /// Refused: 403, or what the server profile calls a refusal.
    Denied,
}

impl ExpectedStatus {
    /// Whether it says that the actor must not get through.
    pub fn is_denial(&self) -> bool {
        let refusal = |status: &u16| matches!(status, 401 | 403 | 404 | 410);
        match self {
            Self::Success | Self::Class(_) => false,
            Self::Exactly(status) => refusal(status),
            Self::OneOf(statuses) => statuses.iter().all(refusal),
            Self::Hidden | Self::Denied => true,
        }
    }

    /// Whether a success satisfies.
    pub fn wants_success(&self) -> bool {
        match self {
            Self::Success | Self::Class(2) => true,
            Self::Exactly(status) => (200..300).contains(status),
            Self::OneOf(statuses) => statuses.iter().any(|s| (200..300).contains(s)),
            Self::Class(_) | Self::Hidden | Self::Denied => false,
        }
    }

    /// Whether this status is named.
    pub fn names(&self, status: u16) -> bool {
        match self {
            Self::Exactly(expected) => *expected == status,
            Self::OneOf(statuses) => statuses.contains(&status),
            Self::Class(digit) => status / 100 == *digit,
            Self::Success | Self::Hidden | Self::Denied => false,
        }
    }
}

impl fmt::Display for ExpectedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success => f.write_str("success (2xx)"),
            Self::Exactly(status) => write!(f, "{status}"),
            Self::OneOf(statuses) => {
                let words: Vec<String> = statuses.iter().map(ToString::to_string).collect();
                f.write_str(&words.join(" or "))
            }
            Self::Class(digit) => write!(f, "{digit}xx"),
            Self::Hidden => f.write_str("hidden"),
            Self::Denied => f.write_str("denied"),
        }
    }
}

/// A JSONPath and what it must select.
#[derive(Debug, Clone)]
pub struct Assertion {
    /// As written.
    pub text: String,
    /// Compiled.
    pub path: JsonPath,
    /// A list is compared with the list of what is selected, anything else with the only thing
    /// selected. Templates in its strings.
    pub expected: Value,
}

/// A header and what it must be.
#[derive(Debug, Clone)]
pub struct HeaderClaim {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: HeaderValue,
}

/// What a header must be.
#[derive(Debug, Clone)]
pub enum HeaderValue {
    /// There, whatever it says.
    Present,
    /// Not there.
    Absent,
    /// Exactly this.
    Exactly(Template),
}

/// One cell of the matrix that the scenario itself fixes.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Who.
    pub actor: String,
    /// A capture.
    pub resource: String,
    /// Whether they must see it.
    pub visible: bool,
}
