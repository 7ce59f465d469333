//! What a server can do: what its CapabilityStatement claims, corrected by its profile.

use fhirward_engine::words::{listed, nearest};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;

use super::profile::{Provisioning, ServerProfile};
use super::text_at;

/// Something that a scenario needs of a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// A capability with a name of its own.
    Plain(Plain),
    /// `operation:everything`.
    Operation(String),
    /// `search:Communication.part-of`.
    Search {
        /// The resource type.
        resource_type: String,
        /// The search parameter.
        parameter: String,
    },
    /// `type:Communication`.
    Type(String),
}

macro_rules! plain {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// The capabilities that have a name of their own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Plain { $($(#[$doc])* $name,)* }

        impl Plain {
            /// All of them, with the words that files use.
            pub const ALL: &'static [(Plain, &'static str)] = &[$((Plain::$name, $word),)*];
        }
    };
}

plain! {
    /// AccessPolicies that the harness can put there, and that are enforced.
    AccessPolicies = "access-policy",
    /// Several people who can sign in.
    SeveralActors = "several-actors",
    /// `Prefer: respond-async`.
    Async = "async",
    /// Bundles of the type batch.
    Batch = "batch",
    /// Binaries with any content type.
    BinaryRaw = "binary-raw",
    /// `Binary.securityContext` decides who reads it.
    BinarySecurityContext = "binary-security-context",
    /// Binary resources.
    Binary = "binary",
    /// Bots.
    Bots = "bots",
    /// `DELETE Type?query`.
    ConditionalDelete = "conditional-delete",
    /// `PATCH Type?query`.
    ConditionalPatch = "conditional-patch",
    /// `If-None-Exist`.
    ConditionalCreate = "conditional-create",
    /// References by search.
    ConditionalReference = "conditional-reference",
    /// `PUT Type?query`.
    ConditionalUpdate = "conditional-update",
    /// 410 for what was deleted.
    Gone = "gone",
    /// Histories of an instance.
    History = "history",
    /// `_include`.
    Include = "include",
    /// Links to further pages.
    Paging = "paging",
    /// JSON Patch.
    Patch = "patch",
    /// An empty list in a resource is an error.
    RefusesEmpty = "refuses-empty",
    /// Codes are checked against required value sets.
    RequiredBindings = "required-bindings",
    /// `_revinclude`.
    Revinclude = "revinclude",
    /// Addresses of attachments are signed.
    SignedAttachments = "signed-attachments",
    /// Equal sort keys keep their order from call to call.
    StableOrder = "stable-order",
    /// Subscriptions that post to an address.
    Subscriptions = "subscription",
    /// A JSON Patch can test `/meta/versionId`.
    TestVersion = "test-version",
    /// Bundles of the type transaction, all or nothing.
    Transaction = "transaction",
    /// Resources are checked before they are stored.
    Validation = "validation",
    /// `If-Match` on PATCH.
    VersionedPatch = "versioned-patch",
    /// `If-Match` on PUT.
    VersionedUpdate = "versioned-update",
    /// Older versions by id.
    Vread = "vread",
    /// Subscriptions over a WebSocket.
    Websocket = "subscription-websocket",
}

impl Plain {
    /// The word that files use.
    pub fn word(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(plain, _)| *plain == self)
            .map_or("", |(_, word)| word)
    }
}

/// A word that is no capability.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no capability; {help}")]
pub struct UnknownNeed {
    /// The word.
    pub word: String,
    /// What was probably meant, or what there is.
    pub help: String,
}

impl FromStr for Need {
    type Err = UnknownNeed;

    fn from_str(word: &str) -> Result<Self, UnknownNeed> {
        if let Some((plain, _)) = Plain::ALL.iter().find(|(_, known)| *known == word) {
            return Ok(Self::Plain(*plain));
        }
        match word.split_once(':') {
            Some(("operation", name)) if !name.trim_start_matches('$').is_empty() => {
                return Ok(Self::Operation(name.trim_start_matches('$').to_owned()));
            }
            Some(("type", name)) if !name.is_empty() => return Ok(Self::Type(name.to_owned())),
            Some(("search", rest)) => {
                if let Some((resource_type, parameter)) = rest.split_once('.') {
                    return Ok(Self::Search {
                        resource_type: resource_type.to_owned(),
                        parameter: parameter.to_owned(),
                    });
                }
            }
            _ => {}
        }
        let known = || Plain::ALL.iter().map(|(_, word)| *word);
        let help = match nearest(word, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "known are {}, `operation:NAME`, `search:TYPE.PARAMETER` and `type:TYPE`",
                listed(known())
            ),
        };
        Err(UnknownNeed {
            word: word.to_owned(),
            help,
        })
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(plain) => f.write_str(plain.word()),
            Self::Operation(name) => write!(f, "operation:{name}"),
            Self::Search {
                resource_type,
                parameter,
            } => write!(f, "search:{resource_type}.{parameter}"),
            Self::Type(name) => write!(f, "type:{name}"),
        }
    }
}

impl<'de> Deserialize<'de> for Need {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// Why a server does not have what a scenario needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{need}: {why}")]
pub struct Reason {
    /// What is needed.
    pub need: Need,
    /// Why it is not there.
    pub why: String,
}

/// What a server can do.
#[derive(Debug, Clone, Default)]
pub struct Capabilities {
    /// Whether there was a CapabilityStatement to read.
    stated: bool,
    /// The name and version of the software.
    pub software: Option<String>,
    types: BTreeMap<String, Typed>,
    system: BTreeSet<String>,
    operations: BTreeSet<String>,
    lacks: BTreeMap<Need, String>,
    offers: BTreeSet<Need>,
}

/// What is claimed of a resource type.
#[derive(Debug, Clone, Default)]
struct Typed {
    interactions: BTreeSet<String>,
    parameters: BTreeSet<String>,
    conditional_create: bool,
    conditional_update: bool,
    conditional_delete: bool,
    includes: bool,
    revincludes: bool,
}

impl Capabilities {
    /// What a server claims in its CapabilityStatement (`None`: it gave none), corrected by what is
    /// known of its kind.
    pub fn read(statement: Option<&Value>, profile: &ServerProfile) -> Self {
        let mut found = Self {
            lacks: profile.lacks.clone(),
            offers: profile.offers.needs.iter().cloned().collect(),
            ..Self::default()
        };
        let plain = |plain| Need::Plain(plain);
        if profile.actors.provisioning == Provisioning::None {
            let why = profile.actors.reason.clone();
            let why = why.unwrap_or_else(|| "the server enforces no policy".into());
            for need in [Plain::AccessPolicies, Plain::SeveralActors] {
                found.lacks.entry(plain(need)).or_insert(why.clone());
            }
        } else {
            found.offers.insert(plain(Plain::SeveralActors));
        }
        if profile.actors.provisioning == Provisioning::Medplum {
            found.offers.insert(plain(Plain::AccessPolicies));
        }
        if let Some(statement) =
            statement.filter(|body| text_at(body, "/resourceType") == Some("CapabilityStatement"))
        {
            found.state(statement);
        }
        found
    }

    fn state(&mut self, statement: &Value) {
        self.stated = true;
        if let Some(name) = text_at(statement, "/software/name") {
            let version = text_at(statement, "/software/version");
            self.software = Some(match version {
                Some(version) => format!("{name} {version}"),
                None => name.to_owned(),
            });
        }
        for rest in items(statement, "rest") {
            self.system.extend(codes(rest, "interaction"));
            self.operations.extend(names(rest, "operation"));
            for resource in items(rest, "resource") {
                let Some(kind) = text_at(resource, "/type") else {
                    continue;
                };
                let says = |key: &str| resource.get(key).and_then(Value::as_bool) == Some(true);
                self.operations.extend(names(resource, "operation"));
                self.types.insert(
                    kind.to_owned(),
                    Typed {
                        interactions: codes(resource, "interaction"),
                        parameters: names(resource, "searchParam"),
                        conditional_create: says("conditionalCreate"),
                        conditional_update: says("conditionalUpdate"),
                        conditional_delete: matches!(
                            text_at(resource, "/conditionalDelete"),
                            Some("single" | "multiple")
                        ),
                        includes: items(resource, "searchInclude").next().is_some(),
                        revincludes: items(resource, "searchRevInclude").next().is_some(),
                    },
                );
            }
        }
    }

    /// The resource types that it says it has.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }

    /// Whether the server has it.
    ///
    /// # Errors
    /// Why not.
    pub fn supports(&self, need: &Need) -> Result<(), Reason> {
        if let Some(why) = self.lacks.get(need) {
            return Err(no(need, why.clone()));
        }
        if self.offers.contains(need) {
            return Ok(());
        }
        let claimed = match need {
            Need::Plain(plain) => match self.claims(*plain) {
                Some(claimed) => claimed,
                None => {
                    let why = "neither the server's profile nor its CapabilityStatement says that it has this";
                    return Err(no(need, why));
                }
            },
            Need::Operation(name) => self.operations.contains(name),
            Need::Type(name) => self.types.contains_key(name),
            Need::Search {
                resource_type,
                parameter,
            } => self
                .types
                .get(resource_type)
                .is_some_and(|typed| typed.parameters.contains(parameter)),
        };
        if claimed {
            Ok(())
        } else if self.stated {
            Err(no(need, "the CapabilityStatement does not list it"))
        } else {
            Err(no(need, "the server gives no CapabilityStatement"))
        }
    }

    /// What the CapabilityStatement says; nothing where it has no word for it.
    fn claims(&self, plain: Plain) -> Option<bool> {
        let any = |has: &dyn Fn(&Typed) -> bool| Some(self.types.values().any(has));
        let interaction = |code: &str| any(&|typed: &Typed| typed.interactions.contains(code));
        match plain {
            Plain::Batch => Some(self.system.contains("batch")),
            Plain::Transaction => Some(self.system.contains("transaction")),
            Plain::ConditionalCreate => any(&|typed| typed.conditional_create),
            Plain::ConditionalUpdate => any(&|typed| typed.conditional_update),
            Plain::ConditionalDelete => any(&|typed| typed.conditional_delete),
            // R4 has no word for a conditional patch of its own.
            Plain::ConditionalPatch => {
                any(&|typed| typed.conditional_update && typed.interactions.contains("patch"))
            }
            Plain::Include => any(&|typed| typed.includes),
            Plain::Revinclude => any(&|typed| typed.revincludes),
            Plain::Binary => Some(self.types.contains_key("Binary")),
            Plain::Patch => interaction("patch"),
            Plain::History => interaction("history-instance"),
            Plain::Vread => interaction("vread"),
            // R4 asks every server that has versions for it (http.html, 3.1.0.5).
            Plain::VersionedUpdate => interaction("update"),
            Plain::Bots => Some(self.types.contains_key("Bot")),
            Plain::AccessPolicies => Some(self.types.contains_key("AccessPolicy")),
            _ => None,
        }
    }
}

fn no(need: &Need, why: impl Into<String>) -> Reason {
    Reason {
        need: need.clone(),
        why: why.into(),
    }
}

fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn codes(value: &Value, key: &str) -> BTreeSet<String> {
    texts(value, key, "/code")
}

fn names(value: &Value, key: &str) -> BTreeSet<String> {
    texts(value, key, "/name")
        .into_iter()
        .map(|name| name.trim_start_matches('$').to_owned())
        .collect()
}

fn texts(value: &Value, key: &str, pointer: &str) -> BTreeSet<String> {
    items(value, key)
        .filter_map(|item| text_at(item, pointer))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn statement() -> Value {
        json!({
            "resourceType": "CapabilityStatement",
            "software": { "name": "x", "version": "1" },
            "rest": [{
                "interaction": [{ "code": "batch" }],
                "resource": [{
                    "type": "Communication", "conditionalCreate": true,
                    "interaction": [{ "code": "patch" }, { "code": "vread" }],
                    "searchParam": [{ "name": "part-of" }],
                    "operation": [{ "name": "everything" }],
                }],
            }],
        })
    }

    #[rstest]
    #[case::claimed("patch", Ok(()))]
    #[case::system("batch", Ok(()))]
    #[case::flag("conditional-create", Ok(()))]
    #[case::parameter("search:Communication.part-of", Ok(()))]
    #[case::operation("operation:everything", Ok(()))]
    #[case::resource_type("type:Communication", Ok(()))]
    #[case::not_listed(
        "transaction",
        Err("transaction: the CapabilityStatement does not list it")
    )]
    #[case::other_parameter(
        "search:Communication.topic",
        Err("search:Communication.topic: the CapabilityStatement does not list it")
    )]
    #[case::no_word(
        "subscription-websocket",
        Err(
            "subscription-websocket: neither the server's profile nor its CapabilityStatement says that it has this"
        )
    )]
    fn what_the_statement_says(#[case] need: &str, #[case] says: Result<(), &str>) {
        let found = Capabilities::read(Some(&statement()), &ServerProfile::generic());
        let need: Need = need.parse().unwrap();
        assert_eq!(need.to_string().parse(), Ok(need.clone()));
        let answer = found.supports(&need).map_err(|reason| reason.to_string());
        assert_eq!(answer, says.map_err(str::to_owned));
    }

    #[rstest]
    #[case("medplum", "patch", true)]
    #[case("medplum", "versioned-patch", false)]
    #[case("medplum", "access-policy", true)]
    #[case("medplum-memory", "conditional-reference", false)]
    #[case("medplum-memory", "several-actors", false)]
    #[case("medplum-memory", "versioned-update", true)]
    #[case("helios", "access-policy", false)]
    #[case("hapi", "gone", true)]
    #[case("embedded", "conditional-reference", true)]
    #[case("medplum", "conditional-reference", true)]
    #[case("hapi", "conditional-reference", false)]
    fn the_profile_wins(#[case] profile: &str, #[case] need: &str, #[case] has: bool) {
        let profile = ServerProfile::named(profile).unwrap();
        let found = Capabilities::read(None, &profile);
        assert_eq!(found.supports(&need.parse().unwrap()).is_ok(), has);
    }

    #[test]
    fn a_word_that_is_none_is_explained() {
        let error = "transactoin".parse::<Need>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`transactoin` is no capability; did you mean `transaction`?"
        );
    }
}
