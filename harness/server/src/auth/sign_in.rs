//! Signing in with a password: from an e-mail address to a code for the token endpoint.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fhirward_engine::policy::Scopes;
use secrecy::SecretString;
use thiserror::Error;

use super::login::Login;
use super::pkce::Challenge;
use super::session::Actor;
use super::{NOT_ADMITTED, password, user};
use crate::app::App;
use crate::config::RandomError;
use crate::lost;
use crate::project::Partition;
use crate::store::{Version, View};

/// What somebody signs in with.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) email: String,
    pub(crate) password: SecretString,
    /// The id of the project; empty for any.
    pub(crate) project: String,
    /// The id of the client; empty for none.
    pub(crate) client: String,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<Challenge>,
    /// Where the code is sent.
    pub(crate) redirect: Option<String>,
    /// Whether there is to be a refresh token, whatever the scopes say.
    pub(crate) remember: bool,
}

/// Why somebody is not signed in.
#[derive(Debug, Error)]
pub(crate) enum Denied {
    /// There is no such user, or the password is another.
    #[error("the e-mail address or the password is wrong")]
    Wrong,
    /// There were too many attempts.
    #[error("too many attempts; try again in {} s", .0.as_secs().max(1))]
    TooMany(Duration),
    /// The policy does not admit anybody from there.
    #[error("{NOT_ADMITTED}")]
    NotAdmitted,
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The comparison was lost.
    #[error("the password could not be compared")]
    Lost,
}

/// A sign-in, after the password.
#[derive(Debug)]
pub(crate) struct Begun {
    /// The id of the sign-in.
    pub(crate) id: String,
    pub(crate) next: Next,
}

/// What comes after the password.
#[derive(Debug)]
pub(crate) enum Next {
    /// The code for the token endpoint.
    Code(String),
    /// One of the memberships is to be chosen.
    Choose(Vec<Arc<Version>>),
}

/// Compares the password, and chooses the membership where there is one only.
///
/// # Errors
/// [`Denied`]. Users that do not exist and wrong passwords are one and the same, in what is
/// answered and in how long it takes.
pub(crate) async fn begin(
    app: &Arc<App>,
    asked: Asked,
    address: Option<&str>,
) -> Result<Begun, Denied> {
    let project = project_asked_for(app, &asked)?;
    check_scopes(&asked.scope)?;
    let account = asked.email.to_lowercase();
    app.sign_in
        .throttle
        .attempt(&account, Instant::now())
        .map_err(Denied::TooMany)?;
    let user = compare(app, account.clone(), project.clone(), asked.password).await?;
    let user = user.ok_or(Denied::Wrong)?;
    app.sign_in.throttle.succeeded(&account);

    let memberships: Vec<_> = user::memberships(&app.store, &user.reference())
        .filter(|membership| {
            let actor = app.sessions.member(app, &membership.id);
            actor.is_some_and(|actor| match &project {
                Some(id) => actor.project.strip_prefix("Project/") == Some(id),
                None => true,
            })
        })
        .collect();
    if memberships.is_empty() {
        return Err(Denied::Invalid(
            "you are no member of this project, or no longer".into(),
        ));
    }
    let remember = asked.remember || wants_refresh(&asked.scope);
    let login = Login {
        client: asked.client,
        scope: asked.scope,
        nonce: asked.nonce,
        challenge: asked.challenge,
        redirect: asked.redirect,
        remember,
        memberships: memberships.iter().map(|m| m.id.to_string()).collect(),
    };
    let id = app.sign_in.logins.begin(login, Instant::now());
    let next = match memberships.as_slice() {
        [only] => Next::Code(choose(app, &id, &only.id, address)?),
        _ => Next::Choose(memberships),
    };
    Ok(Begun { id, next })
}

/// Chooses the membership of a sign-in; the code for it.
///
/// # Errors
/// [`Denied`], when the sign-in is not open, or the membership does not admit it.
pub(crate) fn choose(
    app: &App,
    id: &str,
    membership: &str,
    address: Option<&str>,
) -> Result<String, Denied> {
    let gone = || Denied::Invalid("this sign-in has ended, or has no such membership".into());
    let login = app
        .sign_in
        .logins
        .open(id, Instant::now())
        .ok_or_else(gone)?;
    if !login.memberships.iter().any(|one| one == membership) {
        return Err(gone());
    }
    let actor = app.sessions.member(app, membership).ok_or_else(gone)?;
    admit(&actor, &login.scope, address)?;
    app.sign_in
        .logins
        .choose(id, membership, Instant::now())?
        .ok_or_else(gone)
}

/// Whether a member may sign in from there with these scopes.
fn admit(actor: &Actor, scope: &str, address: Option<&str>) -> Result<(), Denied> {
    if !actor.rights.admits(address) {
        return Err(Denied::NotAdmitted);
    }
    if Scopes::parse(scope).0.need_patient() && !actor.profile.starts_with("Patient/") {
        return Err(Denied::Invalid(
            "a patient/ scope needs a patient: only who signs in as one has it".into(),
        ));
    }
    Ok(())
}

/// Refuses scopes that would grant nothing: who asks for them means something else.
///
/// # Errors
/// [`Denied::Invalid`]
pub(crate) fn check_scopes(scope: &str) -> Result<(), Denied> {
    let (_, findings) = Scopes::parse(scope);
    match findings.iter().find(|finding| finding.is_error()) {
        Some(finding) => Err(Denied::Invalid(finding.message.clone())),
        None => Ok(()),
    }
}

/// Whether the scopes ask for a refresh token.
pub(crate) fn wants_refresh(scope: &str) -> bool {
    scope
        .split_whitespace()
        .any(|scope| scope == "offline_access")
}

/// The project that is signed in to: that of the client, else the one that is named.
fn project_asked_for(app: &App, asked: &Asked) -> Result<Option<String>, Denied> {
    let named = Some(asked.project.clone()).filter(|project| !project.is_empty());
    if asked.client.is_empty() {
        return Ok(named);
    }
    let unknown = || Denied::Invalid("there is no such client".into());
    let client = app
        .store
        .current("ClientApplication", &asked.client)
        .ok_or_else(unknown)?;
    let project = Partition::id_of(&client.resource, &app.project).ok_or_else(unknown)?;
    match named {
        Some(named) if named != project => Err(Denied::Invalid(
            "the client is another project's than the one that is named".into(),
        )),
        _ => Ok(Some(project.to_owned())),
    }
}

/// The user, if this is the password.
async fn compare(
    app: &Arc<App>,
    email: String,
    project: Option<String>,
    password: SecretString,
) -> Result<Option<Arc<Version>>, Denied> {
    let room = app.sign_in.passwords.room().await;
    let app = Arc::clone(app);
    tokio::task::spawn_blocking(move || {
        let _room = room;
        let user = user::by_email(&app.store, &email, project.as_deref());
        let record = user
            .as_ref()
            .and_then(|user| app.store.record(password::TABLE, &user.id));
        let hash = record
            .as_deref()
            .and_then(|record| std::str::from_utf8(record).ok());
        let right = app.sign_in.passwords.verify(hash, &password);
        user.filter(|_| right)
    })
    .await
    .map_err(|ended| {
        lost::tell("a sign-in", &ended);
        Denied::Lost
    })
}
