//! The project of a run: the admin's session, and the policies that the admin has put there.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use fhirward_engine::policy::PolicyDocument;
use reqwest::Method;
use serde_json::Value;

use super::casting::{Casting, Uncast};
use super::trash::Trash;
use crate::client::{
    Answer, Auth, Caller, Capabilities, Client, ClientError, Limits, Place, Provisioning, Redactor,
    Request, Target, shorten, text_at,
};
use crate::scenario::{PolicyFile, Scenario};

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

/// Every FHIR server answers `metadata` with a CapabilityStatement
/// (<https://hl7.org/fhir/R4/http.html#capabilities>).
fn no_fhir(answer: &str) -> SetupError {
    SetupError::new(
        "reading the metadata",
        format!("this is no FHIR server, or not its FHIR base: {answer}"),
        "every FHIR server has `metadata` below its base; is this the FHIR base? it often ends with /fhir or /fhir/R4, and a proxy or login page may stand before it",
    )
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

/// The project in which a run takes place. Shared by all its scenarios.
#[derive(Clone)]
pub struct Project {
    admin: Client,
    /// Who the server takes the admin for, where it says so.
    admin_is: Option<String>,
    /// The id of the project, where the harness administers one.
    id: Option<String>,
    capabilities: Arc<Capabilities>,
    casting: Arc<Casting>,
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
    /// Signs in as the admin, and asks the server whom it takes them for.
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
        let auth = admin_of(target, doing)?;
        let admin = Client::of_run(target, auth, limits, redactor, Caller::default(), Some(run))
            .map_err(|error| SetupError::client(doing, &error))?;
        let project = admin
            .sign_in()
            .await
            .map_err(|error| SetupError::client(doing, &error))?;
        let admin_is = match provisioning_of(target) {
            Provisioning::Medplum | Provisioning::Static => admin
                .who_am_i()
                .await
                .map_err(|error| SetupError::client("asking who the admin is", &error))?,
            Provisioning::None => None,
        };
        let id = match provisioning_of(target) {
            Provisioning::Medplum => Some(project_id(project).ok_or_else(|| {
                SetupError::new(
                    doing,
                    "the token answer names no project",
                    "the admin must be a client or a person of a project",
                )
            })?),
            Provisioning::Static | Provisioning::None => None,
        };
        Ok(Self {
            admin,
            admin_is,
            id,
            capabilities: Arc::new(Capabilities::read(None, &target.profile)),
            casting: Arc::default(),
            run: run.to_owned(),
            limits,
            redactor: redactor.clone(),
            target: Arc::clone(target),
            references: BTreeMap::new(),
            documents: Arc::default(),
        })
    }

    /// Somebody without a login.
    ///
    /// # Errors
    /// When the TLS set-up of this machine is unusable.
    pub fn anonymous(&self) -> Result<Client, SetupError> {
        let run = Some(self.run.as_str());
        let caller = Caller::default();
        Client::of_run(
            &self.target,
            Auth::Nobody,
            self.limits,
            &self.redactor,
            caller,
            run,
        )
        .map_err(|error| SetupError::client("asking without a login", &error))
    }

    /// What the server can do, as far as [`software`](Self::software) has found out.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Whether the server enforces policies, so that there is something to see in who sees what.
    ///
    /// # Errors
    /// Why not.
    pub fn enforces_policies(&self) -> Result<(), &str> {
        match self.provisioning() {
            Provisioning::Medplum | Provisioning::Static => Ok(()),
            Provisioning::None => {
                let reason = self.target.profile.actors.reason.as_deref();
                Err(reason.unwrap_or("the server enforces no policy"))
            }
        }
    }

    /// The project with the actors of one scenario.
    ///
    /// # Errors
    /// Why there are none: somebody else made the actors, and none of them fits.
    pub fn cast(&self, scenario: &Scenario) -> Result<Self, Uncast> {
        let mut project = self.clone();
        if self.provisioning() == Provisioning::Static {
            let mut steps = scenario.given.iter().chain(&scenario.steps);
            if steps.any(|step| step.action.verb() == "grant") {
                let why = "it changes policies, and somebody else made the actors";
                return Err(Uncast::NotOffered(why.to_owned()));
            }
            project.casting = Arc::new(Casting::of(&self.target, &scenario.actors)?);
        }
        Ok(project)
    }

    /// Whether the actors of a state can be shared by a scenario. Those that somebody else made are
    /// cast for the scenario as a whole, so that nobody plays two.
    pub fn shares_actors(&self, scenario: &Scenario) -> bool {
        let state = scenario.shares.as_ref();
        let own = |state: &Arc<Scenario>| scenario.actors.len() > state.actors.len();
        state.is_some_and(|state| self.provisioning() != Provisioning::Static || !own(state))
    }

    /// Who plays whom, where somebody else made the actors.
    pub(super) fn casting(&self) -> &Casting {
        &self.casting
    }

    /// How everybody comes to an open server.
    pub(super) fn open_auth(&self) -> Auth {
        self.target.admin.clone()
    }

    pub(super) fn provisioning(&self) -> Provisioning {
        provisioning_of(&self.target)
    }

    /// The admin's session.
    pub fn admin(&self) -> &Client {
        &self.admin
    }

    /// Its id, where the harness administers one.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Who the server takes the admin for, where it says so.
    pub(super) fn admin_is(&self) -> Option<&str> {
        self.admin_is.as_deref()
    }

    /// What the server calls itself, where it says so, and what it can do.
    ///
    /// # Errors
    /// When the server does not say it: it is out of reach, fails, redirects, or is no FHIR server.
    /// One that refuses it, or does not have it, has said so.
    pub async fn software(&mut self) -> Result<Option<String>, SetupError> {
        let answer = match self.admin.send(Request::get("metadata")).await {
            Ok(answer) => answer,
            Err(
                error @ (ClientError::Html { .. }
                | ClientError::NotJson { .. }
                | ClientError::Unexpected { .. }),
            ) => {
                return Err(no_fhir(&error.to_string()));
            }
            // Without it every need would be one that the server does not claim.
            Err(error) => return Err(SetupError::client("reading the metadata", &error)),
        };
        let is_fhir = answer
            .body
            .as_ref()
            .is_some_and(|body| body.get("resourceType").is_some());
        let is_final = (200..300).contains(&answer.status) || answer.status == 404;
        if is_final && !is_fhir {
            let status = answer.status;
            return Err(no_fhir(&format!(
                "GET metadata: the server answers {status} without a FHIR resource"
            )));
        }
        let body = answer.body.filter(|_| (200..300).contains(&answer.status));
        self.capabilities = Arc::new(Capabilities::read(body.as_ref(), &self.target.profile));
        let software = self.capabilities.software.as_deref();
        Ok(software.map(|name| self.redactor.clean(&shorten(name))))
    }

    /// Puts policies on the server; where somebody else did, only remembers what they say.
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
            let reference = match self.provisioning() {
                Provisioning::Medplum => self.create(&doing, resource, trash).await?.0,
                // Nobody asks for it by this id; predictions need one.
                Provisioning::Static | Provisioning::None => {
                    format!("AccessPolicy/{}", policy.name)
                }
            };
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
        resource: Value,
        trash: &mut Trash,
    ) -> Result<(String, Value), SetupError> {
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

    /// Asks an endpoint of the project's administration, like `client` or `invite`.
    pub(super) async fn administer(
        &self,
        doing: &str,
        what: &str,
        body: &Value,
    ) -> Result<Value, SetupError> {
        let fail = |_| SetupError::new(doing, "the project's id is no part of an address", "");
        let id = self.id.as_deref().unwrap_or_default();
        let url = self
            .target
            .admin_url
            .join(&format!("{id}/{what}"))
            .map_err(fail)?;
        let place = Place::new(&Method::POST, url.path());
        let path = url.path().to_owned();
        let mut request = Request::new(Method::POST, &path).with_body(body);
        request.media_type = Some("application/json");
        let answer = self.sent(doing, self.admin.send_to(url, place, request).await)?;
        let body = answer.body.unwrap_or_default();
        if let Some(secret) = text_at(&body, "/secret") {
            self.redactor.add(secret);
        }
        Ok(body)
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
        Err(SetupError::new(doing, text, self.help_with(answer.status)))
    }

    /// What to try when something that everybody needs is refused. Of anything but a lack of rights
    /// the server's own words say more.
    fn help_with(&self, status: u16) -> &'static str {
        let nobody = matches!(self.target.admin, Auth::Nobody) && self.target.actors.is_none();
        match status {
            401 | 403 if nobody => {
                "the server is asked without a login, as its profile says; one that wants a login \
                 needs another profile, and --admin-client"
            }
            401 | 403 => "the admin must be allowed to administer the project",
            _ => "",
        }
    }
}

/// How actors come to be on the server: a file that names them wins over the profile.
fn provisioning_of(target: &Target) -> Provisioning {
    if target.actors.is_some() {
        Provisioning::Static
    } else {
        target.profile.actors.provisioning
    }
}

/// The admin's way in.
fn admin_of(target: &Target, doing: &str) -> Result<Auth, SetupError> {
    let named = target.actors.as_ref().and_then(|file| file.admin.clone());
    let auth = match (named, &target.admin) {
        (Some(named), Auth::Nobody) => named,
        (_, given) => given.clone(),
    };
    let nobody = matches!(auth, Auth::Nobody);
    match provisioning_of(target) {
        Provisioning::Medplum if nobody => Err(SetupError::new(
            doing,
            "there is none",
            "name a client of a project admin with --admin-client and --admin-secret-env; a server \
             without logins has a profile that says so",
        )),
        Provisioning::Static if nobody => Err(SetupError::new(
            doing,
            "the file of the actors names no `admin`",
            "somebody has to see everything: without a witness nobody can tell hidden from missing",
        )),
        _ => Ok(auth),
    }
}

fn project_id(reference: Option<String>) -> Option<String> {
    let reference = reference?;
    reference.strip_prefix("Project/").map(str::to_owned)
}
