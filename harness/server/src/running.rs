//! Starting and stopping the server.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use url::Url;

use crate::app::App;
use crate::config::{Config, RandomError};
use crate::http::listener::{LimitedListener, Peer};
use crate::http::router;
use crate::store::DataError;

/// Why the server did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on: it is in use, or not this machine's, or needs rights.
    #[error("cannot listen on {addr}: {source}")]
    Bind {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system answered.
        source: io::Error,
    },
    /// The configuration cannot be served.
    #[error("the configuration is not usable: {0}")]
    Config(String),
    /// The data folder cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The first resources could not be stored.
    #[error("the project could not be stored: {0}")]
    Store(String),
    /// There is no randomness for the key that signs tokens.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Why the server ended badly.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Accepting connections failed.
    #[error("the server stopped: {0}")]
    Io(#[from] io::Error),
    /// The serving task was lost.
    #[error("the serving task was lost: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// A server that answers requests. Dropping it stops it, without waiting.
#[derive(Debug)]
pub struct Running {
    /// What paths are appended to: `http://127.0.0.1:PORT/`, or the configured public URL.
    pub base_url: Url,
    /// The address listened on, with the port that was chosen.
    pub addr: SocketAddr,
    /// The id of the project: that of the configuration, or of the data folder.
    pub project: String,
    /// The id of the client that administers it. It is another than that of the configuration
    /// where a data folder keeps its first one ([`Config::keep_admin`]).
    pub admin_client: String,
    shutdown: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
    grace: Duration,
}

/// Starts a server in the background of the current tokio runtime.
///
/// # Errors
/// [`StartError`] when the address cannot be bound or the configuration makes no sense.
pub async fn start(config: Config) -> Result<Running, StartError> {
    let listener = TcpListener::bind(config.addr)
        .await
        .map_err(|source| StartError::Bind {
            addr: config.addr,
            source,
        })?;
    let addr = listener.local_addr().map_err(|source| StartError::Bind {
        addr: config.addr,
        source,
    })?;
    let base_url = base_url(&config, addr)?;
    let grace = config.limits.stop_grace;
    let listener = LimitedListener::new(
        listener,
        config.limits.max_connections,
        config.limits.idle_timeout,
    );
    let url = base_url.clone();
    // Reading the data folder takes as long as it is large.
    let app = tokio::task::spawn_blocking(move || App::new(config, url))
        .await
        .map_err(|lost| StartError::Store(lost.to_string()))??;
    let app = Arc::new(app);
    let (project, admin_client) = (app.project.clone(), app.admin.clone());
    let (shutdown, stopped) = oneshot::channel::<()>();
    let service = router::router(app).into_make_service_with_connect_info::<Peer>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        // A dropped sender stops the server just as a sent message does.
        let _: Result<(), oneshot::error::RecvError> = stopped.await;
    });
    let task = tokio::spawn(server.into_future());
    Ok(Running {
        base_url,
        addr,
        project,
        admin_client,
        shutdown,
        task,
        grace,
    })
}

fn base_url(config: &Config, addr: SocketAddr) -> Result<Url, StartError> {
    let mut url = match &config.public_url {
        Some(url) => url.clone(),
        None => Url::parse(&format!("http://{addr}/"))
            .map_err(|error| StartError::Config(format!("no URL for {addr}: {error}")))?,
    };
    if url.cannot_be_a_base() {
        return Err(StartError::Config(format!("`{url}` is no base URL")));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

impl Running {
    /// Stops: no new connections, requests in flight are answered (for at most
    /// [`Limits::stop_grace`](crate::Limits::stop_grace)).
    ///
    /// # Errors
    /// [`ServeError`] when the server had already ended badly.
    pub async fn stop(self) -> Result<(), ServeError> {
        self.serve_until(std::future::ready(())).await
    }

    /// Serves until `shutdown` resolves, then stops as [`Running::stop`] does. Returns early when
    /// the server fails.
    ///
    /// # Errors
    /// [`ServeError`] when the server ended badly.
    pub async fn serve_until(self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        let Self {
            shutdown: stop,
            mut task,
            grace,
            ..
        } = self;
        tokio::select! {
            ended = &mut task => return Ok(ended??),
            () = shutdown => {}
        }
        drop(stop);
        let Ok(ended) = tokio::time::timeout(grace, &mut task).await else {
            task.abort();
            return Ok(());
        };
        Ok(ended??)
    }
}
