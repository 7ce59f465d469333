//! What messaging needs beside REST: URLs that open, calls to subscribers and Bots, WebSockets.

use url::Url;

use crate::auth::random;
use crate::binary::storage::storage_url;
use crate::bot::Programs;
use crate::config;
use crate::running::StartError;
use crate::signing::Signing;
use crate::store::Store;
use crate::subscription::call::Caller;
use crate::subscription::host::Hosts;
use crate::subscription::sockets::Sockets;

/// The record that keeps the key of signatures: a URL that was handed out opens after a restart.
const KEYS: &str = "signing";
const KEY: &str = "key";

/// What is shared by all that notifies.
#[derive(Debug)]
pub(crate) struct Messaging {
    pub(crate) settings: config::Messaging,
    pub(crate) signing: Signing,
    /// The absolute URL under which contents open; ends with a slash.
    pub(crate) storage: String,
    pub(crate) caller: Caller,
    pub(crate) programs: Programs,
    pub(crate) sockets: Sockets,
}

impl Messaging {
    pub(crate) fn new(
        settings: config::Messaging,
        store: &Store,
        base_url: &Url,
    ) -> Result<Self, StartError> {
        let hosts = Hosts::parse(&settings.allowed_hosts).map_err(StartError::Config)?;
        let programs = Programs::new(&settings.bots, &hosts).map_err(StartError::Config)?;
        if settings.waiting == 0 || settings.socket_waiting == 0 {
            let text = "a queue for 0 notifications delivers none";
            return Err(StartError::Config(text.into()));
        }
        if settings.heartbeat.is_zero() {
            return Err(StartError::Config(
                "0 s between heartbeats is no pause".into(),
            ));
        }
        Ok(Self {
            signing: Signing::new(&key(store)?),
            storage: storage_url(base_url),
            caller: Caller::new(hosts).map_err(StartError::Config)?,
            programs,
            sockets: Sockets::default(),
            settings,
        })
    }
}

/// The key of the store, which gets one if it has none.
fn key(store: &Store) -> Result<[u8; 64], StartError> {
    if let Some(kept) = store.record(KEYS, KEY) {
        return <[u8; 64]>::try_from(&*kept)
            .map_err(|_| StartError::Store("the key of signatures is damaged".into()));
    }
    let key = random::bytes::<64>()?;
    let transaction = store.begin();
    transaction.put_record(KEYS, KEY, Some(key.to_vec()));
    transaction
        .commit()
        .map_err(|error| StartError::Store(error.to_string()))?;
    Ok(key)
}
