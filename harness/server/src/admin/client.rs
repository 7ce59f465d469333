//! `POST …/client` and `POST …/bot`: who signs in without a person.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use fhirward_engine::policy::Interaction::Create;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::{Administration, Making, membership};
use crate::app::App;
use crate::auth::session::Actor;
use crate::auth::{random, secrets};
use crate::http::outcome::Failure;
use crate::http::reply::fhir_json;
use crate::http::router::apart;
use crate::project;
use crate::store::{Draft, Version};

/// Makes a ClientApplication with a secret, and its ProjectMembership.
pub(super) async fn client(
    State(app): State<Arc<App>>,
    Path(project): Path<String>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    const KNOWN: [&str; 5] = [
        "name",
        "description",
        "accessPolicy",
        "redirectUri",
        "redirectUris",
    ];
    let made = make(app, project, "ClientApplication", &KNOWN, request).await?;
    Ok(made)
}

/// Makes a Bot, and its ProjectMembership.
pub(super) async fn bot(
    State(app): State<Arc<App>>,
    Path(project): Path<String>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    const KNOWN: [&str; 4] = ["name", "description", "accessPolicy", "runtimeVersion"];
    make(app, project, "Bot", &KNOWN, request).await
}

async fn make(
    app: Arc<App>,
    project: String,
    kind: &'static str,
    known: &'static [&'static str],
    request: Request<Body>,
) -> Result<Response, Failure> {
    let needs = [(kind, Create), ("ProjectMembership", Create)];
    let asked = Administration::read(&app, Some(&project), &needs, request).await?;
    let mut fields = Fields::new(asked.object(&app)?, known);
    fields.check_names()?;
    let mut content = Map::new();
    content.insert("name".into(), fields.required("name")?.into());
    let policy = fields.value("accessPolicy");
    for name in known.iter().filter(|name| **name != "accessPolicy") {
        content.extend(fields.value(name).map(|value| ((*name).to_owned(), value)));
    }
    let base = app.fhir_base.clone();
    let made = apart(move || {
        let actor = &asked.actor;
        let made = Made::new(actor, kind, content, policy)?;
        let transaction = app.store.begin().by(&actor.author);
        let secret = match kind {
            "ClientApplication" => Some(random::token().map(SecretString::from)),
            _ => None,
        };
        let no_random = |error: crate::RandomError| Failure::internal(error.to_string());
        let secret = secret.transpose().map_err(no_random)?;
        if let Some(secret) = &secret {
            let record = secrets::record(secret).map_err(no_random)?;
            transaction.put_record(secrets::TABLE, made.id(), Some(record));
        }
        let version = transaction.insert(made.resource);
        transaction.insert(made.membership);
        transaction.commit()?;
        Ok((version, secret))
    });
    let (version, secret) = made.await?;
    Ok(answer(&base, &version, secret.as_ref()))
}

/// A ClientApplication or Bot with its membership, before they are stored.
pub(super) struct Made {
    pub(super) resource: Draft,
    pub(super) membership: Draft,
}

impl Made {
    fn new(
        actor: &Actor,
        kind: &str,
        content: Map<String, Value>,
        policy: Option<Value>,
    ) -> Result<Self, Failure> {
        let making = Making {
            actor,
            partition: &actor.partition,
        };
        Self::of(&making, &actor.project, kind, content, policy)
    }

    pub(super) fn of(
        making: &Making<'_>,
        project: &str,
        kind: &str,
        content: Map<String, Value>,
        policy: Option<Value>,
    ) -> Result<Self, Failure> {
        let name = content.get("name").cloned();
        let resource = making.new_draft(kind, content)?;
        let reference = format!("{kind}/{}", resource.id());
        let own = json!({ "reference": reference, "display": name });
        let mut membership = membership(project, own.clone(), own);
        membership.extend(policy.map(|policy| ("accessPolicy".to_owned(), policy)));
        let membership = making.new_draft("ProjectMembership", membership)?;
        Ok(Self {
            resource,
            membership,
        })
    }

    fn id(&self) -> &str {
        self.resource.id()
    }
}

fn answer(base: &str, made: &Version, secret: Option<&SecretString>) -> Response {
    let mut resource = (*made.resource).clone();
    project::hide(&mut resource);
    if let (Some(secret), Some(members)) = (secret, resource.as_object_mut()) {
        members.insert("secret".into(), secret.expose_secret().into());
    }
    let mut response = fhir_json(StatusCode::CREATED, &resource);
    if let Ok(location) = format!("{base}{}", made.reference()).parse() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
