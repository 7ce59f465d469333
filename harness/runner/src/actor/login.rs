//! How an actor gets a login, on each kind of server.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::file::StaticAuth;
use super::identity::{NotThem, is_them};
use super::naming;
use super::project::{Project, SetupError};
use super::session::{Granted, fault, granting};
use super::trash::Trash;
use crate::client::{
    Auth, Caller, Client, Credentials, InvitedSignIn, Logins, Password, Provisioning, text_at,
};

/// The login of one actor, to be made.
pub(super) struct Login<'a> {
    pub(super) project: &'a Project,
    pub(super) actor: &'a str,
    pub(super) scenario: &'a str,
    /// Their profile; nothing for a program, which stands for itself.
    pub(super) reference: Option<&'a str>,
}

impl Login<'_> {
    /// Makes it, signs in, and makes sure that the server takes them for who they are. Returns the
    /// membership too, whose profile is who they are.
    pub(super) async fn make(
        &self,
        granted: &[Granted],
        trash: &mut Trash,
    ) -> Result<(Client, Value), SetupError> {
        match self.project.provisioning() {
            Provisioning::None => {
                let own = format!("ClientApplication/{}", self.actor);
                let membership = self.unstored(self.reference.unwrap_or(&own), granted)?;
                Ok((self.client(self.project.open_auth())?, membership))
            }
            Provisioning::Static => self.there(granted).await,
            Provisioning::Medplum => {
                let rules = &self.project.target().profile.actors;
                let (auth, membership) = match (rules.logins, self.reference) {
                    (Logins::Invite, Some(reference)) => {
                        self.invited(reference, granted, rules.sign_in, trash)
                            .await?
                    }
                    (Logins::Client, _) | (Logins::Invite, None) => {
                        self.application(granted, trash).await?
                    }
                };
                let client = self.signed_in(auth).await?;
                let who = text_at(&membership, "/profile/reference").unwrap_or_default();
                self.is_right(&client, who, false).await?;
                Ok((client, membership))
            }
        }
    }

    fn client(&self, auth: Auth) -> Result<Client, SetupError> {
        let project = self.project;
        let caller = Caller {
            scenario: Some(self.scenario.to_owned()),
            actor: Some(self.actor.to_owned()),
        };
        let run = Some(project.run());
        Client::of_run(
            project.target(),
            auth,
            project.limits(),
            project.redactor(),
            caller,
            run,
        )
        .map_err(fault(&format!("signing in as {}", self.actor)))
    }

    async fn signed_in(&self, auth: Auth) -> Result<Client, SetupError> {
        let client = self.client(auth)?;
        client
            .sign_in()
            .await
            .map_err(fault(&format!("signing in as {}", self.actor)))?;
        Ok(client)
    }

    /// As [`is_them`], and not the witness.
    async fn is_right(
        &self,
        client: &Client,
        who: &str,
        may_be_admin: bool,
    ) -> Result<(), SetupError> {
        let doing = format!("signing in as {}", self.actor);
        let Some(acting) = client.acting().await.map_err(fault(&doing))? else {
            return Ok(());
        };
        let them = is_them(&acting, who, may_be_admin);
        if them == Err(NotThem::Other) {
            return Err(SetupError::new(
                &doing,
                format!(
                    "the server takes the token for {}, not for {who}",
                    acting.reference
                ),
                "membership changes must be effective before the next token is given",
            ));
        }
        if self.project.admin_is() == Some(acting.reference.as_str()) && !may_be_admin {
            return Err(SetupError::new(
                &doing,
                format!("the server takes them and the admin for the same {who}"),
                "the admin is the witness of what the actors see: give one of the two another \
                 login, or declare `bypass: true`",
            ));
        }
        if them == Err(NotThem::Admin) {
            return Err(SetupError::new(
                &doing,
                "the server takes them for an admin, for whom no policy counts",
                "use a login without admin rights, or declare `bypass: true`",
            ));
        }
        Ok(())
    }

    /// A client application, whose membership gets the profile.
    async fn application(
        &self,
        granted: &[Granted],
        trash: &mut Trash,
    ) -> Result<(Auth, Value), SetupError> {
        let (project, actor) = (self.project, self.actor);
        let doing = format!("creating the login of {actor}");
        let mut parts = project.grants(granted)?;
        // Never without a policy, not even for a moment: that would be full access.
        let first = granted
            .first()
            .map(|(policy, _)| project.policy(policy))
            .transpose()?
            .ok_or_else(|| SetupError::new(&doing, "no policy", "name a policy"))?;
        let body = project
            .administer(
                &doing,
                "client",
                &json!({
                    "name": naming::of_application(project.run(), self.scenario, actor),
                    "accessPolicy": { "reference": first },
                }),
            )
            .await?;
        let (Some(id), Some(secret)) = (text_at(&body, "/id"), text_at(&body, "/secret")) else {
            return Err(SetupError::new(
                &doing,
                "the answer has no `id` and `secret`",
                "is this a server with Medplum's project endpoints?",
            ));
        };
        let application = format!("ClientApplication/{id}");
        trash.add(application.as_str());
        let membership = self.membership_of(&application, trash).await?;
        let who = self.reference.unwrap_or(&application);
        parts.insert("profile".into(), json!({ "reference": who }));
        let membership = project
            .put_membership(actor, granting(membership, parts))
            .await?;
        let credentials = Credentials {
            id: id.to_owned(),
            secret: SecretString::from(secret),
        };
        Ok((Auth::client(credentials), membership))
    }

    async fn membership_of(
        &self,
        application: &str,
        trash: &mut Trash,
    ) -> Result<Value, SetupError> {
        let doing = format!("finding the membership of {}", self.actor);
        let path = format!("ProjectMembership?user={application}");
        let found = self.project.admin().search(&path).await;
        let found = found.map_err(fault(&doing))?;
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

    /// A person of the project, invited without a mail.
    async fn invited(
        &self,
        who: &str,
        granted: &[Granted],
        sign_in: InvitedSignIn,
        trash: &mut Trash,
    ) -> Result<(Auth, Value), SetupError> {
        let (project, actor) = (self.project, self.actor);
        let doing = format!("inviting {actor}");
        if granted.is_empty() {
            return Err(SetupError::new(&doing, "no policy", "name a policy"));
        }
        let mut wanted = project.grants(granted)?;
        wanted.insert("profile".into(), json!({ "reference": who }));
        let email = naming::of_user(project.run(), self.scenario, actor);
        let password = SecretString::from(uuid::Uuid::new_v4().to_string());
        project.redactor().add(password.expose_secret());
        let kind = who.split('/').next().unwrap_or_default();
        let membership = project
            .administer(
                &doing,
                "invite",
                &json!({
                    "resourceType": kind,
                    "firstName": "fhirward",
                    "lastName": actor,
                    "email": email,
                    "password": password.expose_secret(),
                    "sendEmail": false,
                    "scope": "project",
                    "membership": Value::Object(wanted.clone()),
                }),
            )
            .await?;
        let Some(reference) = crate::client::reference_of(&membership) else {
            return Err(SetupError::new(
                &doing,
                "the answer is no ProjectMembership",
                "is this a server with Medplum's project endpoints?",
            ));
        };
        if let Some(user) = text_at(&membership, "/user/reference") {
            trash.add(user);
        }
        // A server that made a profile of its own, in spite of the one that was named.
        if let Some(other) = text_at(&membership, "/profile/reference")
            && other != who
        {
            trash.add(other);
        }
        trash.add(reference.as_str());
        let of_project = text_at(&membership, "/project/reference").map(str::to_owned);
        // Once more, for the tag of the run and the profile.
        let membership = project
            .put_membership(actor, granting(membership, wanted))
            .await?;
        let auth = match sign_in {
            InvitedSignIn::Password => Auth::Password(Password {
                email,
                password,
                project: of_project,
            }),
            InvitedSignIn::OnBehalfOf => Auth::OnBehalfOf {
                admin: Box::new(project.admin().clone()),
                member: reference,
            },
        };
        Ok((auth, membership))
    }

    /// Somebody else made them.
    async fn there(&self, granted: &[Granted]) -> Result<(Client, Value), SetupError> {
        let project = self.project;
        let doing = format!("signing in as {}", self.actor);
        let Some(there) = project.casting().plays(self.actor) else {
            return Err(SetupError::new(&doing, "nobody plays them", ""));
        };
        let auth = match &there.auth {
            StaticAuth::Own(auth) => auth.clone(),
            StaticAuth::Behind(member) => Auth::OnBehalfOf {
                admin: Box::new(project.admin().clone()),
                member: member.clone(),
            },
        };
        let client = self.signed_in(auth).await?;
        self.is_right(&client, &there.reference, there.bypass)
            .await?;
        Ok((client, self.unstored(&there.reference, granted)?))
    }

    /// What the membership says, on a server that has none or shows none.
    fn unstored(&self, who: &str, granted: &[Granted]) -> Result<Value, SetupError> {
        let mut membership = Map::new();
        membership.insert("resourceType".into(), "ProjectMembership".into());
        membership.insert("profile".into(), json!({ "reference": who }));
        membership.extend(self.project.grants(granted)?);
        Ok(Value::Object(membership))
    }
}
