//! `GET …/{project}` and `…/members/{membership}`: who is in the project, and as what.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use fhirward_engine::policy::Interaction::{Delete, Read, Search, Update};
use serde_json::{Value, json};

use super::Administration;
use crate::app::App;
use crate::auth::session::Actor;
use crate::auth::user::text;
use crate::http::outcome::Failure;
use crate::http::reply::plain_json;
use crate::http::router::apart;
use crate::rest::{self, Context};
use crate::store::{Version, View};

const KIND: &str = "ProjectMembership";

/// The project and its members.
pub(super) async fn project(
    State(app): State<Arc<App>>,
    Path(project): Path<String>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let needs = [("Project", Read), (KIND, Search)];
    let asked = Administration::read(&app, Some(&project), &needs, request).await?;
    let actor = &asked.actor;
    let stored = app
        .store
        .resolve(&actor.project)
        .ok_or_else(Failure::not_found)?;
    let owner = text(&stored.resource, "/owner/reference");
    let all = app.store.scan(KIND);
    let members: Vec<Value> = all
        .iter()
        .filter(|member| actor.partition.holds(&member.resource))
        .map(|member| {
            let resource = &member.resource;
            let user = text(resource, "/user/reference");
            json!({
                "membershipId": member.id,
                "profile": text(resource, "/profile/reference"),
                "user": user,
                "name": text(resource, "/profile/display"),
                "accessPolicy": resource.get("accessPolicy"),
                "role": role(member, owner.is_some() && owner == user),
            })
        })
        .collect();
    let project = json!({ "id": project, "name": stored.resource.get("name") });
    let answer = json!({ "project": project, "members": members });
    Ok(plain_json(StatusCode::OK, &answer))
}

fn role(member: &Version, owner: bool) -> &'static str {
    match (owner, member.resource.get("admin")) {
        (true, _) => "owner",
        (_, Some(Value::Bool(true))) => "admin",
        _ => "member",
    }
}

/// One membership, as its `GET` below the FHIR base.
pub(super) async fn read(
    State(app): State<Arc<App>>,
    Path((project, id)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let asked = Administration::read(&app, Some(&project), &[(KIND, Read)], request).await?;
    let context = Context::reading(&app, &asked.actor, &asked.headers, None);
    rest::read::read(&context, KIND, &id)
}

/// Replaces a membership, as its `PUT` below the FHIR base.
pub(super) async fn update(
    State(app): State<Arc<App>>,
    Path((project, id)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let asked = Administration::read(&app, Some(&project), &[(KIND, Update)], request).await?;
    apart(move || {
        let transaction = app.store.begin().by(&asked.actor.author);
        let context = Context::writing(&app, &transaction, &asked.actor, &asked.headers, None);
        let response = rest::update::update(&context, KIND, &id, rest::Body::Text(&asked.body))?;
        transaction.commit()?;
        Ok(response)
    })
    .await
}

/// Deletes a membership, but not that of the project's owner: its access ends with this.
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Path((project, id)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let asked = Administration::read(&app, Some(&project), &[(KIND, Delete)], request).await?;
    apart(move || {
        let transaction = app.store.begin().by(&asked.actor.author);
        if is_owner(&transaction, &asked.actor, &id) {
            return Err(Failure::invalid(
                "the owner of the project stays its member",
            ));
        }
        let context = Context::writing(&app, &transaction, &asked.actor, &asked.headers, None);
        let response = rest::delete::delete(&context, KIND, &id)?;
        transaction.commit()?;
        Ok(response)
    })
    .await
}

fn is_owner(view: &dyn View, actor: &Actor, membership: &str) -> bool {
    let membership = view.current(KIND, membership);
    let membership = membership.filter(|one| actor.partition.holds(&one.resource));
    let project = view.resolve(&actor.project);
    let (Some(membership), Some(project)) = (membership, project) else {
        return false;
    };
    let owner = text(&project.resource, "/owner/reference");
    owner.is_some() && owner == text(&membership.resource, "/user/reference")
}
