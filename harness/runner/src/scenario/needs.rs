//! What a scenario or a step needs of a server.

use std::fmt;

/// Something that not every server offers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Need {
    /// Batch Bundles.
    Batch,
    /// Transaction Bundles.
    Transaction,
    /// `If-None-Exist`.
    ConditionalCreate,
    /// `PUT Type?query`.
    ConditionalUpdate,
    /// `PATCH Type?query`.
    ConditionalPatch,
    /// `DELETE Type?query`.
    ConditionalDelete,
    /// JSON Patch.
    Patch,
    /// `If-Match`.
    VersionedUpdate,
    /// The history of a resource.
    History,
    /// One version of a resource.
    Vread,
    /// `_include`.
    Include,
    /// `_revinclude`.
    Revinclude,
    /// Binary.
    Binary,
    /// Subscriptions that post to a URL.
    Subscription,
    /// Subscriptions over a WebSocket.
    SubscriptionWebsocket,
    /// AccessPolicies that the harness may set.
    AccessPolicy,
    /// An operation by its name.
    Operation(String),
}

impl Need {
    /// The words, and what each means, but for `operation:<name>`.
    pub const WORDS: [(&'static str, &'static str); 16] = [
        ("batch", "batch Bundles"),
        ("transaction", "transaction Bundles"),
        ("conditional-create", "create with If-None-Exist"),
        ("conditional-update", "update by a search"),
        ("conditional-patch", "patch by a search"),
        ("conditional-delete", "delete by a search"),
        ("patch", "JSON Patch"),
        ("versioned-update", "If-Match on update"),
        ("history", "the history of a resource"),
        ("vread", "one version of a resource"),
        ("include", "searches with _include"),
        ("revinclude", "searches with _revinclude"),
        ("binary", "Binary resources"),
        ("subscription", "subscriptions that post to a URL"),
        ("subscription-websocket", "subscriptions over a WebSocket"),
        ("access-policy", "policies that the harness may set"),
    ];

    /// Reads a word.
    pub fn parse(word: &str) -> Option<Self> {
        if let Some(name) = word.strip_prefix("operation:") {
            return (!name.is_empty()).then(|| Self::Operation(name.to_owned()));
        }
        Some(match word {
            "batch" => Self::Batch,
            "transaction" => Self::Transaction,
            "conditional-create" => Self::ConditionalCreate,
            "conditional-update" => Self::ConditionalUpdate,
            "conditional-patch" => Self::ConditionalPatch,
            "conditional-delete" => Self::ConditionalDelete,
            "patch" => Self::Patch,
            "versioned-update" => Self::VersionedUpdate,
            "history" => Self::History,
            "vread" => Self::Vread,
            "include" => Self::Include,
            "revinclude" => Self::Revinclude,
            "binary" => Self::Binary,
            "subscription" => Self::Subscription,
            "subscription-websocket" => Self::SubscriptionWebsocket,
            "access-policy" => Self::AccessPolicy,
            _ => return None,
        })
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Batch => "batch",
            Self::Transaction => "transaction",
            Self::ConditionalCreate => "conditional-create",
            Self::ConditionalUpdate => "conditional-update",
            Self::ConditionalPatch => "conditional-patch",
            Self::ConditionalDelete => "conditional-delete",
            Self::Patch => "patch",
            Self::VersionedUpdate => "versioned-update",
            Self::History => "history",
            Self::Vread => "vread",
            Self::Include => "include",
            Self::Revinclude => "revinclude",
            Self::Binary => "binary",
            Self::Subscription => "subscription",
            Self::SubscriptionWebsocket => "subscription-websocket",
            Self::AccessPolicy => "access-policy",
            Self::Operation(name) => return write!(f, "operation:{name}"),
        };
        f.write_str(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the documentation and the parser know the same words.
    #[test]
    fn every_word_is_read_and_written_back() {
        for (word, _) in Need::WORDS {
            assert_eq!(
                Need::parse(word).map(|need| need.to_string()).as_deref(),
                Some(word)
            );
        }
        assert_eq!(Need::parse("operation:"), None);
        let operation = Need::parse("operation:everything");
        assert_eq!(
            operation.map(|need| need.to_string()).as_deref(),
            Some("operation:everything")
        );
    }
}
