//! The two ways a person or a supervisor asks a command to end: Ctrl-C and SIGTERM.

use crate::exit::Exit;

/// Who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C, SIGINT.
    Interrupt,
    /// SIGTERM: a supervisor, a container runtime, a CI job that is cancelled.
    Terminate,
}

impl Signal {
    /// How a command ends that was stopped by it.
    pub fn exit(self) -> Exit {
        match self {
            Self::Interrupt => Exit::Interrupted,
            Self::Terminate => Exit::Terminated,
        }
    }
}

/// Hears signals from the moment it is made, so that none is lost between two waits.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Begins to hear; must be called inside a runtime.
    pub fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> std::io::Result<Signal> {
        tokio::select! {
            _ = self.interrupt.recv() => Ok(Signal::Interrupt),
            _ = self.terminate.recv() => Ok(Signal::Terminate),
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    /// Begins to hear; must be called inside a runtime.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// The next one.
    pub async fn next(&mut self) -> std::io::Result<Signal> {
        tokio::signal::ctrl_c().await?;
        Ok(Signal::Interrupt)
    }
}
