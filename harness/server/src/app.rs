//! Everything the requests share.

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use fhirward_engine::policy::Options;
use serde_json::Value;
use tokio::sync::Semaphore;
use url::Url;

use crate::auth::session::Sessions;
use crate::auth::token::{self, Tokens};
use crate::auth::{SigningIn, refresh};
use crate::config::{Config, Limits, Validation};
use crate::founding::{found, plant};
use crate::messaging::Messaging;
use crate::running::StartError;
use crate::store::{Store, instant};

/// The path of the FHIR base, below the server's base URL.
pub(crate) const FHIR_PATH: &str = "fhir/R4/";

/// The state of a running server.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: Store,
    /// The id of the project that the server was started with.
    pub(crate) project: String,
    /// The id of the client that administers it.
    pub(crate) admin: String,
    pub(crate) sessions: Sessions,
    pub(crate) tokens: Tokens,
    pub(crate) sign_in: SigningIn,
    pub(crate) limits: Limits,
    pub(crate) messaging: Messaging,
    pub(crate) validation: Validation,
    /// The room for searches and histories.
    pub(crate) scans: Arc<Semaphore>,
    /// Always ends with a slash.
    pub(crate) base_url: Url,
    /// `base_url` + `fhir/R4/`.
    pub(crate) fhir_base: String,
    pub(crate) options: Options,
    /// When the server was started, as the CapabilityStatement tells it.
    pub(crate) started: String,
    /// The CapabilityStatement and its text, generated when first asked for.
    pub(crate) capability: OnceLock<(Value, Bytes)>,
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
        store.index_for(&fhir_base);
        let (project, admin) = found(&store, &config)?;
        let key = token::key(&store)?;
        refresh::forget(&store, Self::now())
            .map_err(|error| StartError::Store(error.to_string()))?;
        plant(&store, config.seed)?;
        let messaging = Messaging::new(config.messaging, &store, &base_url)?;
        Ok(Self {
            store,
            messaging,
            sessions: Sessions::new(admin.clone()),
            project,
            admin,
            tokens: Tokens::new(&key, config.token_lifetime),
            sign_in: SigningIn::new(&config.sign_in)?,
            scans: Arc::new(Semaphore::new(
                config.limits.max_scans.min(Semaphore::MAX_PERMITS),
            )),
            limits: config.limits,
            validation: config.validation,
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

/// Whether `text` can be the id of a FHIR resource.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}
