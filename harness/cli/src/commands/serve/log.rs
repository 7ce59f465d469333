//! The log of a server, on standard error.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Log {
    /// A line of text for each request.
    #[default]
    Human,
    /// A JSON object on a line for each request.
    Json,
    /// Nothing.
    Off,
}

impl Log {
    /// Writes from now on what the server tells.
    pub fn start(self, color: bool) {
        // What libraries tell could hold what the server leaves out on purpose.
        let ours = EnvFilter::new("off,fhirward=info,fhirward_server=info");
        let lines = tracing_subscriber::fmt()
            .with_env_filter(ours)
            .with_writer(std::io::stderr)
            .with_target(false);
        // Somebody has set one only if this process serves twice, which it does not.
        match self {
            Self::Human => drop(lines.with_ansi(color).compact().try_init()),
            Self::Json => drop(lines.json().flatten_event(true).try_init()),
            Self::Off => {}
        }
    }
}
