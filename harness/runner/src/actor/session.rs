//! One actor, signed in.

use reqwest::Method;
use serde_json::{Value, json};

use super::project::{Project, SetupError};
use super::trash::Trash;
use crate::client::{Client, ClientError, Provisioning, Request};
use crate::expect::{Predictor, membership_of};
use crate::scenario::{Actor, ProfileType};

/// A policy file, and the values of its parameters filled in.
pub(crate) type Granted = (String, Vec<(String, String)>);

/// An actor, signed in, and what the engine says of them.
#[derive(Debug, Clone)]
pub struct Session {
    /// The name in the scenario.
    pub name: String,
    /// The profile, `Type/id`.
    pub reference: String,
    /// Their requests.
    pub client: Client,
    /// What the engine says that they see.
    pub predictor: Predictor,
    /// Their policy files.
    pub policies: Vec<String>,
    membership: Value,
}

impl Project {
    /// Creates the profile resource of an actor, where it is not there yet.
    pub(crate) async fn create_profile(
        &self,
        actor: &Actor,
        patient: Option<&str>,
        trash: &mut Trash,
    ) -> Result<String, SetupError> {
        if let Some(there) = self.casting().plays(&actor.name) {
            return Ok(there.reference.clone());
        }
        let doing = format!("creating the {} of {}", actor.profile, actor.name);
        let mut resource = json!({
            "resourceType": actor.profile.name(),
            "name": [human_name(&actor.display)],
        });
        if let (ProfileType::RelatedPerson, Some(patient), Value::Object(members)) =
            (actor.profile, patient, &mut resource)
        {
            members.insert("patient".into(), json!({ "reference": patient }));
        }
        let (reference, _) = self.create(&doing, resource, trash).await?;
        Ok(reference)
    }

    /// Gives an actor a login and their policies, signs them in, and makes sure that the server
    /// takes them for who they are.
    pub(crate) async fn sign_in(
        &self,
        actor: &str,
        scenario: &str,
        reference: &str,
        granted: &[Granted],
        trash: &mut Trash,
    ) -> Result<Session, SetupError> {
        let login = super::login::Login {
            project: self,
            actor,
            scenario,
            reference,
        };
        let (client, membership) = login.make(granted, trash).await?;
        let predictor = self.predictor(actor, &membership)?;
        Ok(Session {
            name: actor.to_owned(),
            reference: reference.to_owned(),
            client,
            predictor,
            policies: names(granted),
            membership,
        })
    }

    /// Changes what an actor is granted.
    pub(crate) async fn grant(
        &self,
        session: &mut Session,
        granted: &[Granted],
    ) -> Result<(), SetupError> {
        let parts = self.grants(granted)?;
        let membership = granting(session.membership.clone(), parts);
        let membership = match self.provisioning() {
            Provisioning::Medplum => self.put_membership(&session.name, membership).await?,
            Provisioning::Static => {
                return Err(SetupError::new(
                    format!("changing the policies of {}", session.name),
                    "somebody else made this actor, and the harness does not change them",
                    "leave this scenario out with --filter, or let the harness make the actors",
                ));
            }
            Provisioning::None => membership,
        };
        session.predictor = self.predictor(&session.name, &membership)?;
        session.membership = membership;
        session.policies = names(granted);
        Ok(())
    }

    /// Stores a membership.
    pub(super) async fn put_membership(
        &self,
        actor: &str,
        membership: Value,
    ) -> Result<Value, SetupError> {
        let doing = format!("changing the membership of {actor}");
        let path = crate::client::reference_of(&membership)
            .ok_or_else(|| SetupError::new(&doing, "the membership has no id", ""))?;
        let request = Request::new(Method::PUT, &path).with_body(&membership);
        self.sent(&doing, self.admin().send(request).await)?;
        Ok(membership)
    }

    /// The parts of a membership that say what is granted.
    pub(super) fn grants(
        &self,
        granted: &[Granted],
    ) -> Result<serde_json::Map<String, Value>, SetupError> {
        let access: Vec<Granted> = granted
            .iter()
            .map(|(policy, parameters)| Ok((self.policy(policy)?, parameters.clone())))
            .collect::<Result<_, SetupError>>()?;
        Ok(membership_of(&access))
    }

    fn predictor(&self, actor: &str, membership: &Value) -> Result<Predictor, SetupError> {
        let base = self.target().base_url.as_str();
        Predictor::new(membership, self.documents(), base).map_err(|text| {
            SetupError::new(
                format!("predicting what {actor} sees"),
                text,
                "check the policy and its parameters with `fhirward policy check`",
            )
        })
    }
}

/// A membership that grants exactly these.
pub(super) fn granting(mut membership: Value, parts: serde_json::Map<String, Value>) -> Value {
    if let Value::Object(members) = &mut membership {
        members.shift_remove("accessPolicy");
        members.shift_remove("access");
        members.extend(parts);
    }
    membership
}

/// What went wrong with a request of the set-up.
pub(super) fn fault(doing: &str) -> impl Fn(ClientError) -> SetupError {
    move |error| SetupError::client(doing, &error)
}

fn names(granted: &[Granted]) -> Vec<String> {
    granted.iter().map(|(policy, _)| policy.clone()).collect()
}

/// The last word is the family name, a word with a full stop before the others a prefix.
fn human_name(display: &str) -> Value {
    let words: Vec<&str> = display.split_whitespace().collect();
    let mut name = serde_json::Map::new();
    name.insert("text".into(), display.into());
    if let Some((family, given)) = words.split_last() {
        name.insert("family".into(), (*family).into());
        let (prefix, given): (Vec<&str>, Vec<&str>) =
            given.iter().partition(|word| word.ends_with('.'));
        for (key, words) in [("given", given), ("prefix", prefix)] {
            if !words.is_empty() {
                name.insert(key.into(), words.into());
            }
        }
    }
    Value::Object(name)
}
