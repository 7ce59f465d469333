//! `/auth/…`: how Medplum's client signs a person in, and asks who that is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header, request};
use axum::response::Response;
use axum::routing::{get, post};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::body;
use super::listener::Peer;
use super::outcome::{Failure, Issue};
use super::reply::{all_ok, plain_json};
use super::router::apart;
use crate::access::Access;
use crate::app::App;
use crate::auth::pkce::Challenge;
use crate::auth::session::Actor;
use crate::auth::sign_in::{self, Asked, Denied, Next};
use crate::auth::user::text;
use crate::auth::{authenticate, password, session, signed_in};
use crate::project;
use crate::store::{Version, View};

/// The paths of this module.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/auth/method", post(method))
        .route("/auth/login", post(login))
        .route("/auth/profile", post(profile))
        .route("/auth/me", get(me))
        .route("/auth/changepassword", post(change_password))
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        let text = denied.to_string();
        match denied {
            Denied::Wrong | Denied::NotAdmitted | Denied::Invalid(_) => Self::invalid(text),
            Denied::TooMany(wait) => throttled(text, wait),
            Denied::Random(_) | Denied::Lost => Self::internal(text),
        }
    }
}

fn throttled(text: String, wait: Duration) -> Failure {
    let failure = Failure::new(
        StatusCode::TOO_MANY_REQUESTS,
        vec![Issue::error("throttled", text)],
    );
    let seconds = wait.as_secs().max(1);
    failure.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
}

/// A JSON object in a request body, whose members are texts.
struct Members(Map<String, Value>);

impl Members {
    async fn read(app: &App, request: Request<Body>) -> Result<(request::Parts, Self), Failure> {
        let (parts, body) = request.into_parts();
        body::check_media_type(
            &parts.headers,
            &["application/json", "application/fhir+json"],
        )?;
        let bytes = body::read(parts.clone(), body, app.limits.form_bytes).await?;
        Ok((parts, Self(body::object(&bytes, &app.limits)?)))
    }

    /// A text; empty when it is not there.
    fn text(&self, name: &str) -> Result<&str, Failure> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(Failure::invalid(format!(
                "`{name}` must be a string, not {}",
                body::kind(other)
            ))),
        }
    }

    fn optional(&self, name: &str) -> Result<Option<&str>, Failure> {
        Ok(Some(self.text(name)?).filter(|text| !text.is_empty()))
    }

    fn required(&self, name: &str) -> Result<&str, Failure> {
        self.optional(name)?
            .ok_or_else(|| Failure::invalid(format!("`{name}` is missing")))
    }
}

/// `POST /auth/method`: how somebody signs in, who is always asked for a password here. Whether
/// there is such a user it does not tell.
async fn method(State(app): State<Arc<App>>, request: Request<Body>) -> Result<Response, Failure> {
    let (_, members) = Members::read(&app, request).await?;
    members.required("email")?;
    Ok(plain_json(StatusCode::OK, &json!({})))
}

/// `POST /auth/login`: a code for the right password, or memberships to choose from.
async fn login(State(app): State<Arc<App>>, request: Request<Body>) -> Result<Response, Failure> {
    let (parts, members) = Members::read(&app, request).await?;
    let scope = members.optional("scope")?.unwrap_or("openid").to_owned();
    let challenge = Challenge::beside_password(
        members.optional("codeChallenge")?,
        members.optional("codeChallengeMethod")?,
    );
    let asked = Asked {
        email: members.required("email")?.to_owned(),
        password: SecretString::from(members.required("password")?),
        project: members.text("projectId")?.to_owned(),
        client: members.text("clientId")?.to_owned(),
        scope,
        nonce: members.optional("nonce")?.map(str::to_owned),
        challenge: challenge.map_err(Failure::invalid)?,
        redirect: None,
        remember: members.0.get("remember") == Some(&Value::Bool(true)),
    };
    let address = Peer::address(&parts.extensions);
    let begun = sign_in::begin(&app, asked, address.as_deref()).await?;
    let answer = match begun.next {
        Next::Code(code) => json!({ "login": begun.id, "code": code }),
        Next::Choose(memberships) => {
            let memberships: Vec<_> = memberships.iter().map(|m| offered(&app, m)).collect();
            json!({ "login": begun.id, "memberships": memberships })
        }
    };
    Ok(plain_json(StatusCode::OK, &answer))
}

/// `POST /auth/profile`: chooses one of the memberships of a sign-in.
async fn profile(State(app): State<Arc<App>>, request: Request<Body>) -> Result<Response, Failure> {
    let (parts, members) = Members::read(&app, request).await?;
    let (login, membership) = (members.required("login")?, members.required("profile")?);
    let address = Peer::address(&parts.extensions);
    let code = sign_in::choose(&app, login, membership, address.as_deref())?;
    let answer = json!({ "login": login, "code": code });
    Ok(plain_json(StatusCode::OK, &answer))
}

/// A membership as one of several: what tells it from the others.
fn offered(app: &App, membership: &Version) -> Value {
    let resource = &membership.resource;
    let named = |name: &str| {
        let mut reference = resource.get(name).cloned().unwrap_or_default();
        let shown = text(&reference, "/reference").and_then(|it| app.store.resolve(it));
        let shown = shown.as_ref().and_then(|it| text(&it.resource, "/name"));
        if let (Some(shown), Some(members)) = (shown, reference.as_object_mut()) {
            members.entry("display").or_insert_with(|| shown.into());
        }
        reference
    };
    json!({
        "resourceType": "ProjectMembership",
        "id": membership.id,
        "project": named("project"),
        "profile": resource.get("profile"),
        "admin": resource.get("admin"),
    })
}

/// `POST /auth/changepassword`: a new password for who knows the old one, which ends their other
/// sign-ins. Who does not is counted as who signs in.
async fn change_password(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let session = session(&app, &parts)?;
    let (actor, login) = (session.actor, session.claims.map(|claims| claims.login_id));
    let (_, members) = Members::read(&app, Request::from_parts(parts, body)).await?;
    let old = SecretString::from(members.required("oldPassword")?);
    let new = SecretString::from(members.required("newPassword")?);
    if let Some(why) = password::unusable(&new) {
        return Err(Failure::invalid(why));
    }
    let Some(user) = actor.user.strip_prefix("User/").map(str::to_owned) else {
        return Err(Failure::invalid("only a User has a password"));
    };
    app.sign_in
        .throttle
        .attempt(&actor.user, Instant::now())
        .map_err(Denied::TooMany)?;
    let room = app.sign_in.passwords.room().await;
    apart(move || {
        let _room = room;
        let passwords = &app.sign_in.passwords;
        let record = app.store.record(password::TABLE, &user);
        let hash = record
            .as_deref()
            .and_then(|record| std::str::from_utf8(record).ok());
        if !passwords.verify(hash, &old) {
            return Err(Failure::invalid("the old password is wrong"));
        }
        app.sign_in.throttle.succeeded(&actor.user);
        let hash = passwords
            .hash(&new)
            .map_err(|error| Failure::internal(error.to_string()))?;
        let transaction = app.store.begin().by(&actor.author);
        signed_in::replace_password(&app, &transaction, &user, hash, login.as_deref());
        transaction.commit()?;
        Ok(all_ok())
    })
    .await
}

/// `GET /auth/me`: who the token stands for.
async fn me(State(app): State<Arc<App>>, request: Request<Body>) -> Result<Response, Failure> {
    let (parts, _) = request.into_parts();
    let actor = authenticate(&app, &parts)?;
    Ok(plain_json(StatusCode::OK, &describe(&app, &actor)))
}

fn describe(app: &App, actor: &Actor) -> Value {
    let access = Access::new(app, &app.store, actor);
    // An actor always knows who it is; what else its profile says is for its policy to decide.
    let named = |reference: &str| {
        let (resource_type, id) = reference.split_once('/').unwrap_or_default();
        json!({ "resourceType": resource_type, "id": id })
    };
    let profile = app
        .store
        .resolve(&actor.profile)
        .and_then(|profile| access.read(&profile.resource).ok());
    let mut own_project = named(&actor.project);
    if let (Some(stored), Some(own)) = (
        app.store.resolve(&actor.project),
        own_project.as_object_mut(),
    ) {
        for name in ["name", "description", "strictMode", "features"] {
            let value = stored.resource.get(name).cloned();
            own.extend(value.map(|value| (name.to_owned(), value)));
        }
    }
    let membership = &actor.membership.resource;
    let mut answer = json!({
        "project": own_project,
        "profile": profile.unwrap_or_else(|| named(&actor.profile)),
        "membership": {
            "resourceType": "ProjectMembership",
            "id": actor.membership.id,
            "project": { "reference": actor.project },
            "user": membership.get("user"),
            "profile": { "reference": actor.profile },
            "accessPolicy": membership.get("accessPolicy"),
            "access": membership.get("access"),
            "admin": actor.admin,
        },
        "config": { "resourceType": "UserConfiguration" },
        "accessPolicy": policy_of(app, actor),
    });
    let user = app.store.resolve(&actor.user);
    let user = user.filter(|user| &*user.resource_type == "User");
    if let (Some(user), Some(answer)) = (user, answer.as_object_mut()) {
        let mut shown = named(&actor.user);
        if let (Some(email), Some(members)) =
            (text(&user.resource, "/email"), shown.as_object_mut())
        {
            members.insert("email".into(), email.into());
        }
        answer.insert("user".into(), shown);
    }
    project::hide(&mut answer);
    answer
}

/// The policy as one AccessPolicy, for pages that show only what may be done. What decides is the
/// compiled policy, of which this is an extract.
fn policy_of(app: &App, actor: &Actor) -> Value {
    let resolved = actor.rights.resolved();
    if resolved.full_access {
        return json!({ "resourceType": "AccessPolicy", "resource": [{ "resourceType": "*" }] });
    }
    let membership = &actor.membership.resource;
    let several = membership.get("access").and_then(Value::as_array);
    let based_on: Vec<Value> = membership
        .get("accessPolicy")
        .into_iter()
        .chain(
            several
                .into_iter()
                .flatten()
                .filter_map(|one| one.get("policy")),
        )
        .filter(|policy| {
            text(policy, "/reference").is_some_and(|it| app.store.resolve(it).is_some())
        })
        .cloned()
        .collect();
    let entries: Vec<Value> = resolved
        .entries
        .iter()
        .filter(|entry| entry.grants_nothing.is_none() && !entry.left_by_scopes.is_empty())
        .map(|entry| {
            let mut shown = Map::new();
            shown.insert("resourceType".into(), entry.resource_type.as_str().into());
            shown.insert("interaction".into(), json!(entry.left_by_scopes));
            let criteria = entry.criteria.as_ref();
            shown.extend(criteria.map(|criteria| ("criteria".to_owned(), json!(criteria))));
            for (name, fields) in [
                ("hiddenFields", &entry.hidden_fields),
                ("readonlyFields", &entry.readonly_fields),
            ] {
                if !fields.is_empty() {
                    shown.insert(name.into(), json!(fields));
                }
            }
            Value::Object(shown)
        })
        .collect();
    let mut policy = json!({ "resourceType": "AccessPolicy", "resource": entries });
    if let (false, Some(members)) = (based_on.is_empty(), policy.as_object_mut()) {
        members.insert("basedOn".into(), based_on.into());
    }
    policy
}
