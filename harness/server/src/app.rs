//! Everything the requests share.

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use fhirward_engine::policy::Options;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use url::Url;

use crate::auth::clients;
use crate::auth::session::Sessions;
use crate::auth::token::Tokens;
use crate::config::{Config, Limits};
use crate::running::StartError;
use crate::store::{Draft, Store, View as _, instant};

/// The path of the FHIR base, below the server's base URL.
pub(crate) const FHIR_PATH: &str = "fhir/R4/";

/// The state of a running server.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: Store,
    /// The id of the project.
    pub(crate) project: String,
    /// The id of the client that administers it.
    pub(crate) admin: String,
    pub(crate) sessions: Sessions,
    pub(crate) tokens: Tokens,
    pub(crate) limits: Limits,
    /// The room for searches and histories.
    pub(crate) scans: Arc<Semaphore>,
    /// Always ends with a slash.
    pub(crate) base_url: Url,
    /// `base_url` + `fhir/R4/`.
    pub(crate) fhir_base: String,
    pub(crate) options: Options,
    /// When the server was started, as the CapabilityStatement tells it.
    pub(crate) started: String,
    /// The CapabilityStatement, generated when first asked for.
    pub(crate) capability: OnceLock<Bytes>,
}

impl App {
    pub(crate) fn new(config: Config, base_url: Url) -> Result<Self, StartError> {
        for (what, id) in [
            ("admin client id", &config.admin.id),
            ("project id", &config.project),
        ] {
            if !is_id(id) {
                return Err(StartError::Config(format!(
                    "the {what} `{id}` is no FHIR id (1 to 64 letters, digits, `-` or `.`)"
                )));
            }
        }
        if config.limits.default_page == 0 || config.limits.max_page == 0 {
            return Err(StartError::Config(
                "a page of 0 entries cannot be turned".into(),
            ));
        }
        if config.limits.max_connections == 0 {
            return Err(StartError::Config("0 connections serve nobody".into()));
        }
        if config.limits.max_scans == 0 {
            return Err(StartError::Config("0 scans answer no search".into()));
        }
        let fhir_base = format!("{base_url}{FHIR_PATH}");
        let store = match &config.data {
            Some(folder) => Store::open(folder)?,
            None => Store::default(),
        };
        let (project, admin) = found(&store, &config)?;
        Ok(Self {
            store,
            sessions: Sessions::new(admin.clone()),
            project,
            admin,
            tokens: Tokens::new(config.token_lifetime)?,
            scans: Arc::new(Semaphore::new(
                config.limits.max_scans.min(Semaphore::MAX_PERMITS),
            )),
            limits: config.limits,
            options: Options {
                base_url: Some(fhir_base.clone()),
            },
            base_url,
            fhir_base,
            started: instant(jiff::Timestamp::now()),
            capability: OnceLock::new(),
        })
    }

    /// The current time, as tokens count it: seconds since 1970.
    pub(crate) fn now() -> i64 {
        jiff::Timestamp::now().as_second()
    }
}

/// The records about the server itself.
const SERVER: &str = "server";

/// Founds the project and its administrator, as far as they are not there: their ids.
fn found(store: &Store, config: &Config) -> Result<(String, String), StartError> {
    let transaction = store.begin();
    let kept = |key: &str| {
        let record = transaction.record(SERVER, key)?;
        String::from_utf8(record.to_vec()).ok()
    };
    let project = kept("project").unwrap_or_else(|| config.project.clone());
    let admin = kept("admin").filter(|_| config.keep_admin);
    let insert = |resource_type: &str, id: String, content| {
        transaction.insert(Draft::new(resource_type, id, content));
    };
    if transaction.newest("Project", &project).is_none() {
        let content = json!({ "resourceType": "Project", "name": "fhirward" });
        insert("Project", project.clone(), content);
        transaction.put_record(SERVER, "project", Some(project.clone().into_bytes()));
    }
    let admin = if let Some(admin) = admin {
        admin
    } else {
        let id = config.admin.id.clone();
        clients::set(&transaction, &id, &config.admin.secret)?;
        if transaction.current("ClientApplication", &id).is_none() {
            let content =
                json!({ "resourceType": "ClientApplication", "name": "Project administrator" });
            insert("ClientApplication", id.clone(), content);
        }
        let reference = format!("ClientApplication/{id}");
        let mut memberships = transaction.scan("ProjectMembership").into_iter();
        let user = |membership: &Value| {
            let user = membership.pointer("/user/reference");
            user.and_then(Value::as_str) == Some(&*reference)
        };
        if !memberships.any(|membership| user(&membership.resource)) {
            let content = json!({
                "resourceType": "ProjectMembership",
                "project": { "reference": format!("Project/{project}") },
                "user": { "reference": reference },
                "profile": { "reference": reference },
                "admin": true,
            });
            insert(
                "ProjectMembership",
                uuid::Uuid::new_v4().to_string(),
                content,
            );
        }
        transaction.put_record(SERVER, "admin", Some(id.clone().into_bytes()));
        id
    };
    transaction
        .commit()
        .map_err(|error| StartError::Store(error.to_string()))?;
    Ok((project, admin))
}

/// Whether `text` can be the id of a FHIR resource.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}
