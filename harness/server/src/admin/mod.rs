//! `/admin/projects/{project}/…` and `Project/$init`: how projects, members and clients are made.
//!
//! Who administers the project has the right to it; its own policy keeps fields of a membership
//! from it that are set here.

mod client;
mod fields;
mod init;
mod invite;
mod members;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use fhirward_engine::policy::Interaction;
use serde_json::{Map, Value, json};

use crate::app::{App, FHIR_PATH};
use crate::auth::authenticate;
use crate::auth::session::Actor;
use crate::http::outcome::Failure;
use crate::http::{body, headers};
use crate::project::Partition;
use crate::rest::input;
use crate::store::Draft;

/// The paths of this module.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/projects/{project}", get(members::project))
        .route("/admin/projects/{project}/client", post(client::client))
        .route("/admin/projects/{project}/bot", post(client::bot))
        .route("/admin/projects/{project}/invite", post(invite::invite))
        .route(
            "/admin/projects/{project}/members/{membership}",
            get(members::read)
                .post(members::update)
                .delete(members::delete),
        )
        .route(&format!("/{FHIR_PATH}Project/$init"), post(init::init))
}

/// A request of an administrator.
struct Administration {
    actor: Arc<Actor>,
    headers: HeaderMap,
    body: Bytes,
}

impl Administration {
    /// Reads a request, after asking who sends it. `types` are what it makes, changes or reads.
    ///
    /// # Errors
    /// 401, 403, 413, 415.
    async fn read(
        app: &App,
        project: Option<&str>,
        needs: &[(&str, Interaction)],
        request: Request<Body>,
    ) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let actor = authenticate(app, &parts)?;
        headers::refuse_unsupported(&parts.headers)?;
        administers(&actor, project, needs)?;
        let headers = parts.headers.clone();
        let has_body = needs
            .iter()
            .any(|(_, needed)| matches!(needed, Interaction::Create | Interaction::Update));
        if has_body {
            body::check_media_type(&headers, &["application/json", "application/fhir+json"])?;
        }
        let body = body::read(parts, body, app.limits.body_bytes).await?;
        Ok(Self {
            actor,
            headers,
            body,
        })
    }

    /// The body as a JSON object.
    fn object(&self, app: &App) -> Result<Map<String, Value>, Failure> {
        body::object(&self.body, &app.limits)
    }
}

/// Whether the actor administers the project, and its token covers what it does there.
fn administers(
    actor: &Actor,
    project: Option<&str>,
    needs: &[(&str, Interaction)],
) -> Result<(), Failure> {
    // A token may have been limited to less than its user may do.
    let covered = needs
        .iter()
        .all(|(kind, interaction)| actor.rights.covers_type(kind, *interaction));
    // Which projects there are is only for those who administer them.
    let own = actor.project.strip_prefix("Project/");
    if actor.admin && covered && project.is_none_or(|project| own == Some(project)) {
        return Ok(());
    }
    Err(Failure::forbidden(
        "only an administrator of the project does this, with a token that covers it",
    ))
}

/// What is to be made, before it is stored.
struct Making<'a> {
    actor: &'a Actor,
    partition: &'a Partition,
}

impl Making<'_> {
    /// A resource of the project.
    ///
    /// # Errors
    /// 400 when it is no valid resource, 403 when the token does not cover it.
    fn draft(
        &self,
        interaction: Interaction,
        resource_type: &str,
        id: String,
        mut content: Map<String, Value>,
    ) -> Result<Draft, Failure> {
        content.shift_insert(0, "resourceType".into(), resource_type.into());
        self.partition.stamp(&mut content);
        let content = Value::Object(content);
        input::check(&content)?;
        let draft = Draft::new(resource_type, id, content);
        if self.actor.rights.covers(interaction, draft.resource()) {
            Ok(draft)
        } else {
            Err(Failure::forbidden("no scope of the token covers this"))
        }
    }

    fn new_draft(
        &self,
        resource_type: &str,
        content: Map<String, Value>,
    ) -> Result<Draft, Failure> {
        let id = uuid::Uuid::new_v4().to_string();
        self.draft(Interaction::Create, resource_type, id, content)
    }
}

/// The members of a ProjectMembership that tie a user to a project.
fn membership(project: &str, user: Value, profile: Value) -> Map<String, Value> {
    let mut membership = Map::new();
    membership.insert("project".into(), json!({ "reference": project }));
    membership.insert("user".into(), user);
    membership.insert("profile".into(), profile);
    membership
}
