//! `POST /admin/projects/{project}/client`: how actors are made.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use fhirward_engine::policy::Interaction;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::auth::session::Actor;
use crate::auth::{authenticate, clients, random};
use crate::http::outcome::{Failure, Issue};
use crate::http::reply::fhir_json;
use crate::http::router::apart;
use crate::http::{body, headers};
use crate::rest::input;
use crate::store::Draft;

/// Makes a ClientApplication with a secret, and its ProjectMembership.
pub(crate) async fn create_client(
    State(app): State<Arc<App>>,
    project: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Response {
    let Ok(Path(project)) = project else {
        return Failure::not_found().into_response();
    };
    answer(&app, &project, request)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

async fn answer(
    app: &Arc<App>,
    project: &str,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let actor = authenticate(app, &parts)?;
    headers::refuse_unsupported(&parts.headers)?;
    administers(&actor, project)?;
    body::check_media_type(
        &parts.headers,
        &["application/json", "application/fhir+json"],
    )?;
    let bytes = body::read(parts, body, app.limits.body_bytes).await?;
    let asked = Asked::parse(body::object(&bytes, &app.limits)?)?;
    let (work, project) = (Arc::clone(app), project.to_owned());
    let (client, secret) = apart(move || make(&work, &actor, &project, asked)).await?;
    let mut resource = (*client.resource).clone();
    if let Some(members) = resource.as_object_mut() {
        members.insert("secret".into(), secret.expose_secret().into());
    }
    let mut response = fhir_json(StatusCode::CREATED, &resource);
    if let Ok(location) = format!("{}{}", app.fhir_base, client.reference()).parse() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

fn administers(actor: &Actor, project: &str) -> Result<(), Failure> {
    // A token may have been limited to less than its client may do. What is made is a client as
    // well as its membership.
    let may_make = actor
        .policy
        .grants_type("ProjectMembership", Interaction::Create)
        && actor
            .policy
            .covers_type("ClientApplication", Interaction::Create);
    // Which projects there are is only for those who administer them.
    if actor.admin && may_make && actor.project.strip_prefix("Project/") == Some(project) {
        return Ok(());
    }
    Err(Failure::forbidden(
        "only an administrator of the project makes clients",
    ))
}

/// What the client is to be.
struct Asked {
    name: Value,
    description: Option<Value>,
    policy: Option<Value>,
}

impl Asked {
    fn parse(mut body: Map<String, Value>) -> Result<Self, Failure> {
        let asked = Self {
            name: body
                .shift_remove("name")
                .ok_or_else(|| Failure::invalid("`name` is missing"))?,
            description: body.shift_remove("description"),
            policy: body.shift_remove("accessPolicy"),
        };
        match body.keys().next() {
            None => Ok(asked),
            Some(name) => {
                let issue = Issue::error("structure", format!("`{name}` is not known here"))
                    .with_diagnostics("a client has `name`, `description` and `accessPolicy`");
                Err(Failure::new(StatusCode::BAD_REQUEST, vec![issue]))
            }
        }
    }
}

fn make(
    app: &App,
    actor: &Actor,
    project: &str,
    asked: Asked,
) -> Result<(Arc<crate::store::Version>, SecretString), Failure> {
    let id = uuid::Uuid::new_v4().to_string();
    let reference = format!("ClientApplication/{id}");
    let mut client = Map::new();
    client.insert("resourceType".into(), "ClientApplication".into());
    client.insert("name".into(), asked.name);
    client.extend(
        asked
            .description
            .map(|text| ("description".to_owned(), text)),
    );
    let mut membership = Map::new();
    membership.insert("resourceType".into(), "ProjectMembership".into());
    membership.insert(
        "project".into(),
        json!({ "reference": format!("Project/{project}") }),
    );
    membership.insert("user".into(), json!({ "reference": reference }));
    membership.insert("profile".into(), json!({ "reference": reference }));
    membership.extend(
        asked
            .policy
            .map(|policy| ("accessPolicy".to_owned(), policy)),
    );

    let client = checked("ClientApplication", id.clone(), client)?;
    let membership = checked(
        "ProjectMembership",
        uuid::Uuid::new_v4().to_string(),
        membership,
    )?;
    let made = [&client, &membership];
    if made
        .iter()
        .any(|draft| !actor.policy.covers(Interaction::Create, draft.resource()))
    {
        return Err(Failure::forbidden(
            "no scope of the token covers this client",
        ));
    }
    let no_random = |error: crate::RandomError| Failure::internal(error.to_string());
    let secret = SecretString::from(random::token().map_err(no_random)?);
    let transaction = app.store.begin().by(&actor.profile);
    clients::set(&transaction, &id, &secret).map_err(no_random)?;
    let client = transaction.insert(client);
    transaction.insert(membership);
    transaction.commit()?;
    Ok((client, secret))
}

/// A resource to be stored. That the actor administers the project is the right to it: its own
/// policy keeps fields of a membership from it that are set here.
fn checked(resource_type: &str, id: String, content: Map<String, Value>) -> Result<Draft, Failure> {
    let content = Value::Object(content);
    input::check(&content)?;
    Ok(Draft::new(resource_type, id, content))
}
