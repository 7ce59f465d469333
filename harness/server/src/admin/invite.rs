//! `POST …/invite`: makes a person a member: the User, the profile and the ProjectMembership, as
//! far as they are not there.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use fhirward_engine::policy::Interaction::{Create, Update};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::{Administration, Making, membership};
use crate::access::Access;
use crate::app::App;
use crate::auth::session::Actor;
use crate::auth::user::{self, text};
use crate::auth::{password, signed_in};
use crate::http::outcome::{Failure, Issue};
use crate::http::reply::fhir_json;
use crate::http::router::apart;
use crate::project::Partition;
use crate::store::{Transaction, Version, View};

const KNOWN: [&str; 16] = [
    "resourceType",
    "firstName",
    "lastName",
    "email",
    "externalId",
    "patient",
    "scope",
    "password",
    "sendEmail",
    "membership",
    "upsert",
    "forceNewMembership",
    "mfaRequired",
    "accessPolicy",
    "access",
    "admin",
];

/// Who is invited.
struct Asked {
    kind: &'static str,
    first: String,
    last: String,
    email: Option<String>,
    external: Option<String>,
    patient: Option<Value>,
    /// Whether the user belongs to the project, or to none.
    of_project: bool,
    /// Whether a user that belongs to none is asked for by name.
    of_server: bool,
    password: Option<SecretString>,
    /// What the membership says beside user, profile and project.
    template: Map<String, Value>,
    /// The reference of a profile that is there.
    profile: Option<String>,
    upsert: bool,
    another: bool,
}

pub(super) async fn invite(
    State(app): State<Arc<App>>,
    Path(project): Path<String>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let needs = [
        ("User", Create),
        ("ProjectMembership", Create),
        ("ProjectMembership", Update),
    ];
    let request = Administration::read(&app, Some(&project), &needs, request).await?;
    let asked = Asked::parse(request.object(&app)?)?;
    let room = match asked.password {
        Some(_) => app.sign_in.passwords.room().await,
        None => None,
    };
    apart(move || {
        let passwords = &app.sign_in.passwords;
        // Before the turn to write: it takes long, so that guessing does.
        let hash = asked
            .password
            .as_ref()
            .map(|password| passwords.hash(password));
        let hash = hash
            .transpose()
            .map_err(|error| Failure::internal(error.to_string()))?;
        drop(room);
        let actor = &*request.actor;
        let transaction = app.store.begin().by(&actor.author);
        let work = Invitation {
            app: &app,
            making: Making {
                actor,
                partition: &actor.partition,
            },
            transaction: &transaction,
        };
        let member = work.answer(&asked, hash)?;
        transaction.commit()?;
        let access = Access::new(&app, &app.store, actor);
        Ok(fhir_json(StatusCode::OK, access.created(&member.resource)))
    })
    .await
}

impl Asked {
    fn parse(body: Map<String, Value>) -> Result<Self, Failure> {
        let mut fields = Fields::new(body, &KNOWN);
        fields.check_names()?;
        let kind = match fields.required("resourceType")?.as_str() {
            "Patient" => "Patient",
            "Practitioner" => "Practitioner",
            "RelatedPerson" => "RelatedPerson",
            other => {
                return Err(Failure::invalid(format!(
                    "`resourceType` is `{other}`: invited are Patient, Practitioner and RelatedPerson"
                )));
            }
        };
        let email = fields.text("email")?.map(|email| email.to_lowercase());
        if email.as_ref().is_some_and(|email| !is_address(email)) {
            return Err(Failure::invalid("`email` is no e-mail address"));
        }
        let external = fields.text("externalId")?;
        if email.is_none() && external.is_none() {
            return Err(Failure::invalid("either `email` or `externalId` is needed"));
        }
        let (scoped, of_server) = match fields.text("scope")?.as_deref() {
            Some("project") => (true, false),
            Some("server") => (false, true),
            None => (false, false),
            Some(other) => {
                return Err(Failure::invalid(format!(
                    "`scope` is `{other}`: a user is of the `project` or of the `server`"
                )));
            }
        };
        let password = fields.text("password")?.map(SecretString::from);
        if let Some(why) = password.as_ref().and_then(password::unusable) {
            return Err(Failure::invalid(why));
        }
        if fields.flag("sendEmail")? {
            return Err(Failure::not_supported(
                "this server sends no mail",
                "send `sendEmail: false`, and a `password`",
            ));
        }
        if fields.flag("mfaRequired")? {
            return Err(Failure::not_supported(
                "this server asks for nothing but the password",
                "leave `mfaRequired` out",
            ));
        }
        let mut template = fields.object("membership")?;
        for name in ["accessPolicy", "access", "admin"] {
            template.extend(fields.value(name).map(|value| (name.to_owned(), value)));
        }
        template.extend(
            external
                .clone()
                .map(|id| ("externalId".to_owned(), id.into())),
        );
        let profile = template.shift_remove("profile");
        let profile = profile.map(|profile| {
            let reference = text(&profile, "/reference").map(str::to_owned);
            reference.ok_or_else(|| Failure::invalid("`membership.profile` has no `reference`"))
        });
        for server in ["resourceType", "id", "meta", "project", "user"] {
            template.shift_remove(server);
        }
        Ok(Self {
            kind,
            first: fields.required("firstName")?,
            last: fields.required("lastName")?,
            of_project: scoped || kind == "Patient" || external.is_some(),
            of_server,
            email,
            external,
            patient: fields.value("patient"),
            password,
            template,
            profile: profile.transpose()?,
            upsert: fields.flag("upsert")?,
            another: fields.flag("forceNewMembership")?,
        })
    }

    fn name(&self) -> String {
        format!("{} {}", self.first, self.last)
    }
}

/// Something before and after one `@`, and no space.
fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    plain
        && parts
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
}

/// An invitation at work, inside a transaction.
struct Invitation<'a> {
    app: &'a App,
    making: Making<'a>,
    transaction: &'a Transaction<'a>,
}

impl Invitation<'_> {
    fn actor(&self) -> &Actor {
        self.making.actor
    }

    fn partition(&self) -> &Partition {
        self.making.partition
    }

    fn project_id(&self) -> &str {
        let project = &self.actor().project;
        project.strip_prefix("Project/").unwrap_or(project)
    }

    fn answer(&self, asked: &Asked, hash: Option<String>) -> Result<Arc<Version>, Failure> {
        let user = self.user(asked, hash)?;
        let existing = self.membership(&user.reference());
        let existing = existing.filter(|_| !asked.another);
        if existing.is_some() && !asked.upsert {
            return Err(conflict("the user is already a member of this project"));
        }
        let profile = match &existing {
            Some(existing) if asked.profile.is_none() => {
                let own = text(&existing.resource, "/profile/reference");
                let own = own.and_then(|own| self.transaction.resolve(own));
                own.filter(|own| &*own.resource_type == asked.kind)
            }
            _ => self.profile(asked)?,
        };
        let profile = match (profile, &existing) {
            (Some(profile), _) => profile,
            (None, None) => self.new_profile(asked)?,
            (None, Some(_)) => return Err(other_profile()),
        };
        let reference = profile.reference();
        let Some(existing) = existing else {
            let user = json!({ "reference": user.reference(), "display": asked.email });
            let profile = json!({ "reference": reference, "display": asked.name() });
            let mut content = membership(&self.actor().project, user, profile);
            content.extend(asked.template.clone());
            let draft = self.making.new_draft("ProjectMembership", content)?;
            return Ok(self.transaction.insert(draft));
        };
        if text(&existing.resource, "/profile/reference") != Some(&reference) {
            return Err(other_profile());
        }
        let mut content = existing.resource.as_object().cloned().unwrap_or_default();
        content.shift_remove("meta");
        // `accessPolicy` and `access` are one statement about what the member may do.
        if asked.template.contains_key("accessPolicy") || asked.template.contains_key("access") {
            content.shift_remove("accessPolicy");
            content.shift_remove("access");
        }
        content.extend(asked.template.clone());
        let id = existing.id.to_string();
        let draft = self
            .making
            .draft(Update, "ProjectMembership", id, content)?;
        Ok(self.transaction.replace(draft))
    }

    /// The user, and its password where one is given.
    fn user(&self, asked: &Asked, hash: Option<String>) -> Result<Arc<Version>, Failure> {
        let own = Some(self.project_id());
        let mut of = own.filter(|_| asked.of_project);
        let mut existing = match (&asked.email, &asked.external) {
            (Some(email), _) => user::exactly(self.transaction, email, of),
            (None, Some(external)) => self.by_external_id(external),
            (None, None) => None,
        };
        // A user of the server is who every project means by the address. Whoever gives it its
        // password is let into all that invite it, so only the first project makes one; the others
        // invite those that there are.
        if existing.is_none() && of.is_none() && *self.partition() != Partition::First {
            if asked.of_server {
                return Err(Failure::new(
                    StatusCode::FORBIDDEN,
                    vec![
                        Issue::error(
                            "forbidden",
                            "only the server's first project makes users of the `server`: there \
                             is none of this e-mail address",
                        )
                        .with_diagnostics("send `scope: \"project\"`"),
                    ],
                ));
            }
            of = own;
            let email = asked.email.as_deref();
            existing = email.and_then(|email| user::exactly(self.transaction, email, of));
        }
        if let Some(existing) = existing {
            if hash.is_some() && (user::project_of(&existing).is_none() || !asked.upsert) {
                // Nobody takes over an account by inviting it.
                return Err(conflict(
                    "there is a user of this e-mail address, who has a password of their own",
                ));
            }
            if let Some(hash) = hash {
                signed_in::replace_password(self.app, self.transaction, &existing.id, hash, None);
            }
            return Ok(existing);
        }
        let mut content = Map::new();
        content.insert("firstName".into(), asked.first.as_str().into());
        content.insert("lastName".into(), asked.last.as_str().into());
        for (name, value) in [("email", &asked.email), ("externalId", &asked.external)] {
            content.extend(value.clone().map(|value| (name.to_owned(), value.into())));
        }
        if of.is_some() {
            let project = json!({ "reference": self.actor().project });
            content.insert("project".into(), project);
        }
        let making = Making {
            actor: self.actor(),
            // Who belongs to no project is kept with the first.
            partition: if of.is_some() {
                self.partition()
            } else {
                &Partition::First
            },
        };
        let user = self.transaction.insert(making.new_draft("User", content)?);
        if let Some(hash) = hash {
            let hash = Some(hash.into_bytes());
            self.transaction.put_record(password::TABLE, &user.id, hash);
        }
        Ok(user)
    }

    fn by_external_id(&self, id: &str) -> Option<Arc<Version>> {
        let all = self.transaction.scan("ProjectMembership").into_iter();
        let mut own = all.filter(|one| self.partition().holds(&one.resource));
        let found = own.find(|one| text(&one.resource, "/externalId") == Some(id))?;
        self.transaction
            .resolve(text(&found.resource, "/user/reference")?)
    }

    fn membership(&self, user: &str) -> Option<Arc<Version>> {
        user::memberships(self.transaction, user).find(|one| self.partition().holds(&one.resource))
    }

    /// The profile that is named, or that has the e-mail address.
    fn profile(&self, asked: &Asked) -> Result<Option<Arc<Version>>, Failure> {
        if let Some(reference) = &asked.profile {
            let found = self.transaction.resolve(reference);
            let found = found.filter(|found| self.partition().holds(&found.resource));
            return match found {
                Some(found) if &*found.resource_type == asked.kind => Ok(Some(found)),
                Some(_) => Err(Failure::invalid(format!(
                    "`membership.profile` is `{reference}`, but `resourceType` is {}",
                    asked.kind
                ))),
                None => Err(Failure::invalid(format!(
                    "`membership.profile`: there is no `{reference}` in this project"
                ))),
            };
        }
        let Some(email) = &asked.email else {
            return Ok(None);
        };
        let all = self.transaction.scan(asked.kind).into_iter();
        let mut own = all.filter(|one| self.partition().holds(&one.resource));
        Ok(own.find(|one| has_email(&one.resource, email)))
    }

    fn new_profile(&self, asked: &Asked) -> Result<Arc<Version>, Failure> {
        let mut content = Map::new();
        if asked.kind == "RelatedPerson" {
            let patient = asked.patient.clone().ok_or_else(|| {
                Failure::invalid("a RelatedPerson is of a `patient`, or a `membership.profile`")
            })?;
            content.insert("patient".into(), patient);
        }
        let name = json!([{ "given": [asked.first], "family": asked.last }]);
        content.insert("name".into(), name);
        if let Some(email) = &asked.email {
            let telecom = json!([{ "system": "email", "use": "work", "value": email }]);
            content.insert("telecom".into(), telecom);
        }
        let draft = self.making.new_draft(asked.kind, content)?;
        Ok(self.transaction.insert(draft))
    }
}

fn has_email(profile: &Value, email: &str) -> bool {
    let telecom = profile.get("telecom").and_then(Value::as_array);
    telecom.into_iter().flatten().any(|contact| {
        text(contact, "/system") == Some("email")
            && text(contact, "/value").is_some_and(|value| value.to_lowercase() == email)
    })
}

fn other_profile() -> Failure {
    conflict("the user is already a member of this project, with a different profile")
}

fn conflict(text: &str) -> Failure {
    Failure::new(StatusCode::CONFLICT, vec![Issue::error("conflict", text)])
}
