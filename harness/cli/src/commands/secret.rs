//! Secrets come from the environment: an argument would stand in every process list.

use fhirward_engine::diagnostic::Diagnostic;
use secrecy::SecretString;

use crate::output::Failure;

/// The secret in an environment variable.
pub fn from_env(variable: &str) -> Result<SecretString, Failure> {
    match std::env::var(variable) {
        Ok(secret) if !secret.is_empty() => Ok(SecretString::from(secret)),
        Ok(_) => Err(missing(variable, "is empty")),
        Err(std::env::VarError::NotPresent) => Err(missing(variable, "is not set")),
        Err(std::env::VarError::NotUnicode(_)) => Err(missing(variable, "is not UTF-8 text")),
    }
}

fn missing(variable: &str, why: &str) -> Failure {
    Failure::usage(
        Diagnostic::error(
            "secret/missing",
            format!("the environment variable `{variable}` {why}"),
        )
        .with_help(format!(
            "the option takes the name of a variable, not the secret: \
             {variable}=… fhirward …"
        )),
    )
}
