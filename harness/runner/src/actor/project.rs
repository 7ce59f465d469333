//! The project of a run: the admin's session, and the policies that the admin has put there.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use fhirward_engine::policy::PolicyDocument;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{
    Answer, Client, ClientError, Limits, Place, Redactor, Request, Target, shorten, text_at,
};
use crate::scenario::PolicyFile;

/// A tag on everything the harness itself creates, so that leftovers can be found.
const RUN_TAG_SYSTEM: &str = "urn:fhirward:run";
/// After so many failures in a row, cleaning up gives up: the server is gone.
pub const CLEANUP_PATIENCE: usize = 3;

/// Why something could not be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {text}")]
pub struct SetupError {
    /// What was being done.
    pub doing: String,
    /// What went wrong.
    pub text: String,
    /// What to try.
    pub help: String,
    /// Whether the server was out of reach.
    pub transport: bool,
}

impl SetupError {
    /// A failure that is not one of the connection.
    pub fn new(doing: impl Into<String>, text: impl Into<String>, help: &str) -> Self {
        Self {
            doing: doing.into(),
            text: text.into(),
            help: help.to_owned(),
            transport: false,
        }
    }

    pub(super) fn client(doing: &str, error: &ClientError) -> Self {
        Self {
            doing: doing.to_owned(),
            text: error.to_string(),
            help: error.help().to_owned(),
            transport: error.is_transport(),
        }
    }
}

/// What was created and must go, in order of creation.
#[derive(Debug, Clone, Default)]
pub struct Trash {
    references: Vec<String>,
}

impl Trash {
    /// Remembers a resource.
    pub fn add(&mut self, reference: impl Into<String>) {
        let reference = reference.into();
        if !self.references.contains(&reference) {
            self.references.push(reference);
        }
    }

    /// Removes everything, the last first, and gives up after `patience` requests in a row without
    /// an answer. Returns how many, and what could not be removed.
    pub async fn empty(&mut self, admin: &Client, patience: usize) -> (usize, Vec<String>) {
        let (mut deleted, mut problems, mut unreachable) = (0, Vec::new(), 0);
        while let Some(reference) = self.references.pop() {
            if unreachable >= patience {
                problems.push(format!("{reference} is left behind"));
                continue;
            }
            match admin.send(Request::new(Method::DELETE, &reference)).await {
                Ok(answer) if answer.is_success() => {
                    deleted += 1;
                    unreachable = 0;
                }
                // Somebody was faster, or another deletion took it along.
                Ok(Answer {
                    status: 404 | 410, ..
                }) => unreachable = 0,
                Ok(answer) => problems.push(format!(
                    "{reference} is left behind: the server answers {}",
                    answer.status
                )),
                Err(error) => {
                    unreachable += usize::from(error.is_transport());
                    problems.push(format!("{reference} is left behind: {error}"));
                }
            }
        }
        (deleted, problems)
    }
}

/// The project in which a run takes place. Shared by all its scenarios.
#[derive(Clone)]
pub struct Project {
    admin: Client,
    id: String,
    run: String,
    limits: Limits,
    redactor: Redactor,
    target: Arc<Target>,
    /// Policy file to `AccessPolicy/id`.
    references: BTreeMap<String, String>,
    /// `AccessPolicy/id` to policy file.
    documents: Arc<BTreeMap<String, Arc<PolicyDocument>>>,
}

impl fmt::Debug for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Project")
            .field("id", &self.id)
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

impl Project {
    /// Signs in as the admin.
    ///
    /// # Errors
    /// When the server is out of reach, refuses the admin, or does not say which project it is.
    pub async fn open(
        target: &Arc<Target>,
        run: &str,
        limits: Limits,
        redactor: &Redactor,
    ) -> Result<Self, SetupError> {
        let doing = "signing in as the admin";
        let credentials = target.admin.clone();
        let admin = Client::new(target, Some(credentials), limits, redactor)
            .map_err(|error| SetupError::client(doing, &error))?;
        let project = admin
            .sign_in()
            .await
            .map_err(|error| SetupError::client(doing, &error))?;
        let id = project
            .as_deref()
            .and_then(|reference| reference.strip_prefix("Project/"))
            .ok_or_else(|| {
                SetupError::new(
                    doing,
                    "the token answer names no project",
                    "the admin must be a client of a project",
                )
            })?
            .to_owned();
        Ok(Self {
            admin,
            id,
            run: run.to_owned(),
            limits,
            redactor: redactor.clone(),
            target: Arc::clone(target),
            references: BTreeMap::new(),
            documents: Arc::default(),
        })
    }

    /// The admin's session.
    pub fn admin(&self) -> &Client {
        &self.admin
    }

    /// Somebody without a login.
    ///
    /// # Errors
    /// When the TLS set-up of this machine is unusable.
    pub(crate) fn anonymous(&self) -> Result<Client, SetupError> {
        Client::new(&self.target, None, self.limits, &self.redactor)
            .map_err(|error| SetupError::client("asking without a login", &error))
    }

    /// What the server calls itself, where it says so.
    ///
    /// # Errors
    /// When the server is out of reach.
    pub async fn software(&self) -> Result<Option<String>, SetupError> {
        let answer = match self.admin.send(Request::get("metadata")).await {
            Ok(answer) => answer,
            Err(error) if error.is_transport() => {
                return Err(SetupError::client("reading the metadata", &error));
            }
            // Nothing depends on it.
            Err(_) => return Ok(None),
        };
        let body = answer.body.unwrap_or_default();
        let name = text_at(&body, "/software/name");
        Ok(name.map(|name| {
            let version = text_at(&body, "/software/version");
            self.redactor.clean(&shorten(
                &version.map_or_else(|| name.to_owned(), |v| format!("{name} {v}")),
            ))
        }))
    }

    /// Puts policies on the server.
    ///
    /// # Errors
    /// When the server does not take one.
    pub async fn publish(
        &mut self,
        policies: &[&PolicyFile],
        trash: &mut Trash,
    ) -> Result<(), SetupError> {
        let mut documents = BTreeMap::clone(&self.documents);
        for policy in policies {
            let doing = format!("creating the policy {}", policy.name);
            let mut resource = policy.resource.clone();
            if let Value::Object(members) = &mut resource {
                members.remove("id");
            }
            let (reference, _) = self.create(&doing, resource, trash).await?;
            documents.insert(reference.clone(), Arc::clone(&policy.document));
            self.references.insert(policy.name.clone(), reference);
        }
        self.documents = Arc::new(documents);
        Ok(())
    }

    /// `AccessPolicy/id` of a policy file.
    pub(super) fn policy(&self, name: &str) -> Result<String, SetupError> {
        self.references.get(name).cloned().ok_or_else(|| {
            SetupError::new(
                format!("granting {name}"),
                "the policy was not published",
                "",
            )
        })
    }

    pub(super) fn documents(&self) -> &BTreeMap<String, Arc<PolicyDocument>> {
        &self.documents
    }

    pub(super) fn target(&self) -> &Arc<Target> {
        &self.target
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// Creates a resource as the admin, tagged with the run.
    pub(super) async fn create(
        &self,
        doing: &str,
        mut resource: Value,
        trash: &mut Trash,
    ) -> Result<(String, Value), SetupError> {
        let tag = json!({ "tag": [{ "system": RUN_TAG_SYSTEM, "code": self.run }] });
        if let Value::Object(members) = &mut resource {
            members.insert("meta".into(), tag);
        }
        let kind = text_at(&resource, "/resourceType")
            .unwrap_or_default()
            .to_owned();
        let request = Request::new(Method::POST, &kind).with_body(&resource);
        let answer = self.sent(doing, self.admin.send(request).await)?;
        let reference = answer.reference().ok_or_else(|| {
            SetupError::new(doing, "the answer does not say what was created", "")
        })?;
        trash.add(reference.as_str());
        Ok((reference, answer.body.unwrap_or_default()))
    }

    /// Registers a client application.
    pub(super) async fn create_client(
        &self,
        doing: &str,
        body: &Value,
    ) -> Result<Answer, SetupError> {
        let fail = |_| SetupError::new(doing, "the project's id is no part of an address", "");
        let url = self
            .target
            .admin_url
            .join(&format!("{}/client", self.id))
            .map_err(fail)?;
        let place = Place::new(&Method::POST, url.path());
        let path = url.path().to_owned();
        let mut request = Request::new(Method::POST, &path).with_body(body);
        request.media_type = Some("application/json");
        self.sent(doing, self.admin.send_to(url, place, request).await)
    }

    /// A success, or why not.
    pub(super) fn sent(
        &self,
        doing: &str,
        answer: Result<Answer, ClientError>,
    ) -> Result<Answer, SetupError> {
        let answer = answer.map_err(|error| SetupError::client(doing, &error))?;
        if answer.is_success() {
            return Ok(answer);
        }
        let words = answer
            .explanation()
            .map(|words| format!(": {}", self.redactor.clean(&shorten(words))))
            .unwrap_or_default();
        let text = format!("the server answers {}{words}", answer.status);
        Err(SetupError::new(
            doing,
            text,
            "the admin must be allowed to administer the project",
        ))
    }
}
