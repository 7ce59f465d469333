//! What the server offers, by its CapabilityStatement.

use serde_json::Value;

use crate::client::text_at;
use crate::scenario::Need;

/// Whoever knows what a server offers.
pub trait Capabilities: std::fmt::Debug + Send + Sync {
    /// Nothing where it is offered; else why it counts as missing, for the report.
    fn missing(&self, need: &Need) -> Option<String>;
}

/// What a CapabilityStatement claims. Source: R4 capabilitystatement.html.
#[derive(Debug, Clone)]
pub struct Claimed {
    rest: Value,
    patch: Vec<String>,
}

/// How a statement says that there are WebSocket subscriptions: R4's own extension of `rest`, and
/// the one by which Medplum does.
const WEBSOCKET: [&str; 2] = [
    "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket",
    "https://medplum.com/fhir/StructureDefinition/websocket-subscriptions",
];

impl Claimed {
    /// Reads a statement; without one nothing is claimed.
    pub fn new(statement: Option<&Value>) -> Self {
        let server = statement
            .and_then(|statement| statement.get("rest")?.as_array())
            .and_then(|rest| {
                rest.iter()
                    .find(|rest| text_at(rest, "/mode") == Some("server"))
            });
        let patch = statement.and_then(|statement| statement.get("patchFormat")?.as_array());
        Self {
            rest: server.cloned().unwrap_or_default(),
            patch: patch
                .into_iter()
                .flatten()
                .filter_map(|format| format.as_str().map(str::to_owned))
                .collect(),
        }
    }

    fn resources(&self) -> impl Iterator<Item = &Value> {
        let list = self.rest.get("resource").and_then(Value::as_array);
        list.into_iter().flatten()
    }

    fn any(&self, claims: impl Fn(&Value) -> bool) -> bool {
        self.resources().any(claims)
    }

    fn system(&self, code: &str) -> bool {
        has_code(&self.rest, code)
    }

    fn claims(&self, need: &Need) -> bool {
        let flag =
            |resource: &Value, key: &str| resource.get(key).and_then(Value::as_bool) == Some(true);
        let kind = |resource: &Value, name: &str| text_at(resource, "/type") == Some(name);
        let listed = |resource: &Value, key: &str| {
            resource
                .get(key)
                .and_then(Value::as_array)
                .is_some_and(|list| !list.is_empty())
        };
        match need {
            Need::Batch => self.system("batch") || self.system("transaction"),
            Need::Transaction => self.system("transaction"),
            Need::ConditionalCreate => self.any(|r| flag(r, "conditionalCreate")),
            Need::ConditionalUpdate => self.any(|r| flag(r, "conditionalUpdate")),
            Need::ConditionalPatch => self.any(|r| {
                // R4 has no element for it; R5's is used by those who offer it.
                flag(r, "conditionalPatch")
            }),
            Need::ConditionalDelete => self.any(|r| {
                matches!(
                    text_at(r, "/conditionalDelete"),
                    Some("single" | "multiple")
                )
            }),
            Need::Patch => {
                let json = |format: &String| format.contains("json");
                self.any(|r| has_code(r, "patch"))
                    && (self.patch.is_empty() || self.patch.iter().any(json))
            }
            Need::VersionedUpdate => self.any(|r| {
                matches!(
                    text_at(r, "/versioning"),
                    Some("versioned" | "versioned-update")
                )
            }),
            Need::History => self.any(|r| has_code(r, "history-instance")),
            Need::Vread => self.any(|r| has_code(r, "vread")),
            Need::Include => self.any(|r| listed(r, "searchInclude")),
            Need::Revinclude => self.any(|r| listed(r, "searchRevInclude")),
            Need::Binary => self.any(|r| kind(r, "Binary") && has_code(r, "create")),
            Need::Subscription => self.any(|r| kind(r, "Subscription") && has_code(r, "create")),
            Need::SubscriptionWebsocket => self
                .rest
                .get("extension")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .any(|extension| {
                    text_at(extension, "/url").is_some_and(|url| WEBSOCKET.contains(&url))
                }),
            // The harness makes the policies of every actor itself, or there is no run.
            Need::AccessPolicy => true,
            Need::Operation(name) => {
                let named = |holder: &Value| {
                    let list = holder.get("operation").and_then(Value::as_array);
                    list.into_iter()
                        .flatten()
                        .any(|operation| text_at(operation, "/name") == Some(name))
                };
                named(&self.rest) || self.any(named)
            }
        }
    }
}

impl Capabilities for Claimed {
    fn missing(&self, need: &Need) -> Option<String> {
        if self.claims(need) {
            return None;
        }
        Some(if self.rest.is_null() {
            format!("needs {need}, and the server has no CapabilityStatement that claims it")
        } else {
            format!("needs {need}, which the server's CapabilityStatement does not claim")
        })
    }
}

fn has_code(holder: &Value, code: &str) -> bool {
    let list = holder.get("interaction").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .any(|interaction| text_at(interaction, "/code") == Some(code))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn claimed() -> Claimed {
        let statement = json!({
            "patchFormat": ["application/json-patch+json"],
            "rest": [{ "mode": "client" }, {
                "mode": "server",
                "interaction": [{ "code": "transaction" }],
                "operation": [{ "name": "everything" }],
                "resource": [
                    { "type": "Task", "interaction": [{ "code": "patch" }, { "code": "vread" }],
                      "versioning": "versioned", "conditionalCreate": true, "conditionalUpdate": false,
                      "conditionalDelete": "not-supported", "searchInclude": ["Task:focus"] },
                    { "type": "Binary", "interaction": [{ "code": "read" }] },
                ],
            }],
        });
        Claimed::new(Some(&statement))
    }

    #[rstest]
    #[case("transaction", true)]
    #[case("batch", true)]
    #[case("conditional-create", true)]
    #[case("conditional-update", false)]
    #[case("conditional-delete", false)]
    #[case("patch", true)]
    #[case("versioned-update", true)]
    #[case("vread", true)]
    #[case("history", false)]
    #[case("include", true)]
    #[case("revinclude", false)]
    #[case("binary", false)]
    #[case("subscription-websocket", false)]
    #[case("operation:everything", true)]
    #[case("operation:nothing", false)]
    fn by_the_statement(#[case] word: &str, #[case] offered: bool) {
        let need = Need::parse(word).unwrap();
        assert_eq!(claimed().missing(&need).is_none(), offered);
    }

    #[test]
    fn without_a_statement_nothing_is_claimed() {
        let claimed = Claimed::new(None);
        assert_eq!(
            claimed.missing(&Need::Patch).as_deref(),
            Some("needs patch, and the server has no CapabilityStatement that claims it")
        );
    }
}
