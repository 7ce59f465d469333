//! Runs the binary as a shell would, and writes down everything it showed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run of the binary showed.
#[derive(Debug)]
pub struct Shown {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit code: {}", self.code)?;
        writeln!(f, "---- stdout")?;
        writeln!(f, "{}", self.stdout.trim_end())?;
        writeln!(f, "---- stderr")?;
        write!(f, "{}", self.stderr.trim_end())
    }
}

/// The folder of the fixtures.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// The command in a folder, in an environment that is the same everywhere.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fhirward"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("CI")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub fn run(mut command: Command) -> Shown {
    let output = command.output().unwrap();
    Shown {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs it in the fixtures' folder.
pub fn fhirward(arguments: &[&str]) -> Shown {
    run(command(&fixtures(), arguments))
}
