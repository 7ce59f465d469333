//! What the server answers, and why a request ends early.

use std::collections::BTreeMap;

use serde_json::Value;

use super::parse::BadCriteria;
use super::sql::Fault;
use super::validate::Invalid;

/// What the server answers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The code of the first issue, where the refusal is not the usual one for its status.
    pub code: Option<&'static str>,
    /// The text of a refusal that is not the usual one for its status.
    pub text: Option<String>,
    /// Where, for a structural refusal.
    pub expression: Option<String>,
    /// The resource in the answer.
    pub body: Option<Value>,
    /// What is stored afterwards.
    pub stored: Option<Value>,
    /// The compartments of what is stored, the project's included.
    pub compartments: Option<Vec<String>>,
    /// The resources that a search finds, masked.
    pub found: Option<BTreeMap<String, Value>>,
    /// The versions of a history, newest first; `None` is a deletion.
    pub versions: Option<Vec<Option<Value>>>,
}

impl Reply {
    pub(super) fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    pub(super) fn with_body(status: u16, body: Value) -> Self {
        Self {
            status,
            body: Some(body),
            ..Self::default()
        }
    }
}

/// A predicted answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The server answers this.
    Reply(Box<Reply>),
    /// The rules do not say what it answers; with the reason.
    Unknown(String),
}

/// Why a request ends early.
pub(super) enum Stop {
    Refused(Box<Reply>),
    Unknown(String),
}

impl Stop {
    pub(super) fn status(status: u16) -> Self {
        Self::Refused(Box::new(Reply::status(status)))
    }

    pub(super) fn bad_request(text: impl Into<String>) -> Self {
        Self::Refused(Box::new(Reply {
            code: Some("invalid"),
            text: Some(text.into()),
            ..Reply::status(400)
        }))
    }
}

impl From<BadCriteria> for Stop {
    fn from(bad: BadCriteria) -> Self {
        Self::bad_request(bad.0)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(text) | Fault::Database(text) => Self::bad_request(text),
            Fault::Unknown(reason) => Self::Unknown(reason),
        }
    }
}

impl From<Invalid> for Stop {
    fn from(invalid: Invalid) -> Self {
        Self::Refused(Box::new(Reply {
            code: Some("structure"),
            text: Some(invalid.text),
            expression: Some(invalid.expression),
            ..Reply::status(400)
        }))
    }
}

/// How a step goes on.
pub(super) type Flow<T> = Result<T, Stop>;
