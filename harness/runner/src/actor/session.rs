//! One actor, signed in.

use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::project::{Project, SetupError, Trash};
use crate::client::{Client, Credentials, Request, text_at};
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
    /// Creates the profile resource of an actor.
    pub(crate) async fn create_profile(
        &self,
        actor: &Actor,
        patient: Option<&str>,
        trash: &mut Trash,
    ) -> Result<String, SetupError> {
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
        reference: Option<&str>,
        granted: &[Granted],
        trash: &mut Trash,
    ) -> Result<Session, SetupError> {
        let doing = format!("creating the login of {actor}");
        let parts = self.grants(granted)?;
        // Never without a policy, not even for a moment: that would be full access.
        let first = granted
            .first()
            .map(|(policy, _)| self.policy(policy))
            .transpose()?
            .ok_or_else(|| SetupError::new(&doing, "no policy", "name a policy"))?;
        let answer = self
            .create_client(
                &doing,
                &json!({
                    "name": format!("fhirward {} {scenario} {actor}", self.run()),
                    "accessPolicy": { "reference": first },
                }),
            )
            .await?;
        let body = answer.body.unwrap_or_default();
        let (Some(id), Some(secret)) = (text_at(&body, "/id"), text_at(&body, "/secret")) else {
            return Err(SetupError::new(
                &doing,
                "the answer has no `id` and `secret`",
                "is this a server with Medplum's project endpoints?",
            ));
        };
        let application = format!("ClientApplication/{id}");
        trash.add(application.as_str());
        let membership = self.membership(actor, &application, trash).await?;
        let mut parts = parts;
        // A program stands for itself.
        let reference = reference.unwrap_or(&application);
        parts.insert("profile".into(), json!({ "reference": reference }));
        let membership = self.put_membership(actor, membership, parts).await?;
        let credentials = Credentials {
            id: id.to_owned(),
            secret: SecretString::from(secret),
        };
        let doing = format!("signing in as {actor}");
        let fault = |error| SetupError::client(&doing, &error);
        let client = Client::new(
            self.target(),
            Some(credentials),
            self.limits(),
            self.redactor(),
        )
        .map_err(fault)?;
        client.sign_in().await.map_err(fault)?;
        // A token of somebody else would make every test of isolation pass.
        let acting = client.who_am_i().await.map_err(fault)?;
        if let Some(acting) = acting
            && acting != reference
        {
            return Err(SetupError::new(
                &doing,
                format!("the server takes the token for {acting}, not for {reference}"),
                "membership changes must be effective before the next token is given",
            ));
        }
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
        let membership = session.membership.clone();
        let membership = self
            .put_membership(&session.name, membership, parts)
            .await?;
        session.predictor = self.predictor(&session.name, &membership)?;
        session.membership = membership;
        session.policies = names(granted);
        Ok(())
    }

    async fn membership(
        &self,
        actor: &str,
        application: &str,
        trash: &mut Trash,
    ) -> Result<Value, SetupError> {
        let doing = format!("finding the membership of {actor}");
        let path = format!("ProjectMembership?user={application}");
        let found = self
            .admin()
            .search(&path)
            .await
            .map_err(|error| SetupError::client(&doing, &error))?;
        let mut matches = found.matches.into_iter();
        match (matches.next(), matches.next()) {
            (Some(membership), None) => {
                if let Some(reference) = crate::client::reference_of(&membership) {
                    trash.add(reference);
                }
                Ok(membership)
            }
            (None, _) => Err(SetupError::new(
                &doing,
                format!("there is none for {application} ({})", found.status),
                "the admin must be allowed to read memberships",
            )),
            (Some(_), Some(_)) => Err(SetupError::new(
                &doing,
                format!("there are several for {application}"),
                "does the server know the search parameter `user`?",
            )),
        }
    }

    /// Stores a membership that grants exactly these.
    async fn put_membership(
        &self,
        actor: &str,
        mut membership: Value,
        parts: serde_json::Map<String, Value>,
    ) -> Result<Value, SetupError> {
        let doing = format!("changing the membership of {actor}");
        if let Value::Object(members) = &mut membership {
            members.shift_remove("accessPolicy");
            members.shift_remove("access");
            members.extend(parts);
        }
        let path = crate::client::reference_of(&membership)
            .ok_or_else(|| SetupError::new(&doing, "the membership has no id", ""))?;
        let request = Request::new(Method::PUT, &path).with_body(&membership);
        self.sent(&doing, self.admin().send(request).await)?;
        Ok(membership)
    }

    fn grants(&self, granted: &[Granted]) -> Result<serde_json::Map<String, Value>, SetupError> {
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
