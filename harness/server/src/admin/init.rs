//! `POST Project/$init`: a fresh project, with nothing in it but who administers it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use fhirward_engine::policy::Interaction::Create;
use serde_json::{Map, Value, json};

use super::client::Made;
use super::{Administration, Making, membership};
use crate::app::App;
use crate::auth::user::{self, text};
use crate::http::outcome::{Failure, Issue};
use crate::http::reply::fhir_json;
use crate::http::router::apart;
use crate::project::{self, Partition};
use crate::store::{Transaction, Version, View};

/// What the project is to be.
struct Asked {
    name: String,
    owner: Option<String>,
    email: Option<String>,
}

/// Makes a Project, a client of it, and the membership of its owner: the User that is named, or
/// that has the e-mail address, or that asks.
pub(super) async fn init(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let request = Administration::read(&app, None, &[("Project", Create)], request).await?;
    let asked = Asked::parse(&request.object(&app)?)?;
    let base = app.fhir_base.clone();
    let project = apart(move || {
        let transaction = app.store.begin().by(&request.actor.author);
        let owner = owner(&transaction, &request.actor.user, &asked)?;
        let id = uuid::Uuid::new_v4().to_string();
        let making = Making {
            actor: &request.actor,
            partition: &Partition::Of(id.as_str().into()),
        };
        let project = make(&transaction, &making, &id, &asked, owner.as_deref())?;
        transaction.commit()?;
        Ok(project)
    })
    .await?;
    let mut shown = (*project.resource).clone();
    project::hide(&mut shown);
    let mut response = fhir_json(StatusCode::CREATED, &shown);
    if let Ok(location) = format!("{base}{}", project.reference()).parse() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

fn make(
    transaction: &Transaction<'_>,
    making: &Making<'_>,
    id: &str,
    asked: &Asked,
    owner: Option<&Version>,
) -> Result<Arc<Version>, Failure> {
    let reference = format!("Project/{id}");
    let mut content = Map::new();
    content.insert("name".into(), asked.name.as_str().into());
    content.insert("strictMode".into(), true.into());
    if let Some(owner) = owner {
        content.insert("owner".into(), json!({ "reference": owner.reference() }));
    }
    let project = making.draft(Create, "Project", id.to_owned(), content)?;
    let project = transaction.insert(project);

    let mut client = Map::new();
    client.insert(
        "name".into(),
        format!("{} Default Client", asked.name).into(),
    );
    let client = Made::of(making, &reference, "ClientApplication", client, None)?;
    transaction.insert(client.resource);
    transaction.insert(client.membership);

    if let Some(owner) = owner {
        let named = |name| text(&owner.resource, name).unwrap_or_default();
        let (given, family) = (named("/firstName"), named("/lastName"));
        let mut profile = Map::new();
        let name = json!([{ "given": [given], "family": family }]);
        profile.insert("name".into(), name);
        if let Some(email) = text(&owner.resource, "/email") {
            let telecom = json!([{ "system": "email", "use": "work", "value": email }]);
            profile.insert("telecom".into(), telecom);
        }
        let profile = transaction.insert(making.new_draft("Practitioner", profile)?);
        let display = format!("{given} {family}");
        let mut member = membership(
            &reference,
            json!({ "reference": owner.reference() }),
            json!({ "reference": profile.reference(), "display": display }),
        );
        member.insert("admin".into(), true.into());
        transaction.insert(making.new_draft("ProjectMembership", member)?);
    }
    Ok(project)
}

/// The owner of the new project. Without one nobody is a member of it but its client.
fn owner(
    transaction: &Transaction<'_>,
    caller: &str,
    asked: &Asked,
) -> Result<Option<Arc<Version>>, Failure> {
    let missing = || Failure::invalid("there is no such `owner`");
    let owner = match (&asked.owner, &asked.email) {
        (Some(owner), _) => {
            if !owner.starts_with("User/") {
                return Err(Failure::invalid("only a User owns a project"));
            }
            transaction.resolve(owner).ok_or_else(missing)?
        }
        (None, Some(email)) => match user::exactly(transaction, email, None) {
            Some(user) => user,
            None => transaction.insert(new_user(&asked.name, email)?),
        },
        (None, None) if caller.starts_with("User/") => {
            transaction.resolve(caller).ok_or_else(missing)?
        }
        (None, None) => return Ok(None),
    };
    if user::project_of(&owner).is_some() {
        return Err(Failure::invalid(
            "the owner of a project must not belong to another one",
        ));
    }
    Ok(Some(owner))
}

/// A user without a password, who belongs to no project.
fn new_user(name: &str, email: &str) -> Result<crate::store::Draft, Failure> {
    let content = json!({
        "resourceType": "User", "firstName": name, "lastName": "Admin", "email": email.to_lowercase(),
    });
    crate::rest::input::check(&content)?;
    let id = uuid::Uuid::new_v4().to_string();
    Ok(crate::store::Draft::new("User", id, content))
}

impl Asked {
    /// Reads Parameters, or their values as members of an object.
    fn parse(body: &Map<String, Value>) -> Result<Self, Failure> {
        let mut asked = (None, None, None);
        if body.get("resourceType").and_then(Value::as_str) == Some("Parameters") {
            let parameters = body.get("parameter").and_then(Value::as_array);
            for parameter in parameters.into_iter().flatten() {
                match text(parameter, "/name").unwrap_or_default() {
                    "name" => asked.0 = text(parameter, "/valueString"),
                    "owner" => asked.1 = text(parameter, "/valueReference/reference"),
                    "ownerEmail" => asked.2 = text(parameter, "/valueString"),
                    other => return Err(unknown(other)),
                }
            }
        } else {
            for (name, value) in body {
                match name.as_str() {
                    "name" => asked.0 = value.as_str(),
                    "owner" => asked.1 = text(value, "/reference"),
                    "ownerEmail" => asked.2 = value.as_str(),
                    other => return Err(unknown(other)),
                }
            }
        }
        let name = asked.0.filter(|name| !name.trim().is_empty());
        let name = name.ok_or_else(|| {
            let issue = Issue::error("invalid", "Expected required input parameter 'name'");
            Failure::new(
                StatusCode::BAD_REQUEST,
                vec![issue.at("Parameters.parameter")],
            )
        })?;
        Ok(Self {
            name: name.to_owned(),
            owner: asked.1.map(str::to_owned),
            email: asked.2.map(str::to_owned),
        })
    }
}

fn unknown(name: &str) -> Failure {
    Failure::invalid(format!(
        "there is no parameter `{name}`: `name`, `owner` and `ownerEmail` are known"
    ))
}
