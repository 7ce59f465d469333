//! How a command ends.

use std::process::ExitCode;

/// What a caller learns without reading a word. Documented in `docs/exit-codes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for was done and nothing is wrong; `policy decide`: allowed.
    Ok,
    /// The command line, or a file it names, cannot be used.
    Usage,
    /// A scenario or a policy is not valid.
    Invalid,
    /// The run could not happen: network, sign-in, setup.
    CouldNotRun,
    /// An expectation or a snapshot is not met; `thread check`: a rule is broken;
    /// `policy decide`: denied.
    Failed,
    /// Somebody saw what they must not see.
    Leak,
    /// The selection left nothing to do.
    NothingSelected,
    /// Stopped by Ctrl-C, after cleaning up.
    Interrupted,
    /// Stopped by SIGTERM, after cleaning up.
    Terminated,
}

impl Exit {
    /// Every way to end.
    const ALL: [Self; 9] = [
        Self::Ok,
        Self::Usage,
        Self::Invalid,
        Self::CouldNotRun,
        Self::Failed,
        Self::Leak,
        Self::NothingSelected,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// What the harness says by number.
    pub fn of_run(code: u8) -> Self {
        Self::ALL
            .into_iter()
            .find(|exit| exit.code() == code)
            .unwrap_or(Self::CouldNotRun)
    }

    /// The number the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Usage => 1,
            Self::Invalid => 2,
            Self::CouldNotRun => 3,
            Self::Failed => 4,
            Self::Leak => 5,
            Self::NothingSelected => 6,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The table at the end of every `--help`.
pub const HELP: &str = "\
Exit codes:
    0  done, nothing wrong (policy decide: allowed)
    1  the command line or a file it names cannot be used
    2  a scenario or policy is not valid
    3  could not run: network, sign-in, setup
    4  an expectation, snapshot or thread rule is not met (policy decide: denied)
    5  leak: somebody saw what they must not see
    6  nothing selected
  130  interrupted (Ctrl-C)
  143  terminated (SIGTERM)
When several apply to a run, 5 wins over 4, and 4 over 3.";
