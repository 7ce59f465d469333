//! What the logins of a run are called. They carry no tag, and are found by these names.

use serde_json::Value;

use crate::client::text_at;

/// How the names begin.
const PROGRAM: &str = "fhirward";
/// The length of a run's id.
const RUN_LENGTH: usize = 32;
/// No mail ever arrives there (RFC 2606).
const DOMAIN: &str = "@example.com";

/// The types of logins, and for each the search among which those of a run are. Addresses are
/// searched as a whole, so that all Users of the project are looked at.
pub(super) fn searches(run: &str, project: &str) -> [(&'static str, String); 2] {
    [
        ("ClientApplication", format!("name={PROGRAM}%20{run}")),
        ("User", format!("project=Project/{project}")),
    ]
}

/// The name of a ClientApplication.
pub(super) fn of_application(run: &str, scenario: &str, actor: &str) -> String {
    format!("{PROGRAM} {run} {scenario} {actor}")
}

/// The e-mail address of a User.
pub(super) fn of_user(run: &str, scenario: &str, actor: &str) -> String {
    format!("{PROGRAM}-{run}-{scenario}-{actor}{DOMAIN}").to_ascii_lowercase()
}

/// The run that made a login, by the name that only a run gives.
pub(super) fn run_of_login(login: &Value) -> Option<&str> {
    let (name, between) = match text_at(login, "/resourceType")? {
        "ClientApplication" => (text_at(login, "/name")?, ' '),
        "User" => (text_at(login, "/email")?.strip_suffix(DOMAIN)?, '-'),
        _ => return None,
    };
    let rest = name.strip_prefix(PROGRAM)?.strip_prefix(between)?;
    let (run, rest) = rest.split_at_checked(RUN_LENGTH)?;
    // A scenario and an actor follow.
    let (scenario, actor) = rest.strip_prefix(between)?.split_once(between)?;
    let is_run = run
        .bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    (is_run && !scenario.is_empty() && !actor.is_empty()).then_some(run)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const RUN: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_login_tells_its_run() {
        let name = of_application(RUN, "a-flow", "alice");
        let application = json!({ "resourceType": "ClientApplication", "name": name });
        assert_eq!(run_of_login(&application), Some(RUN));
        let email = of_user(RUN, "a-flow", "Alice");
        let user = json!({ "resourceType": "User", "email": email });
        assert_eq!(run_of_login(&user), Some(RUN));
    }

    #[rstest]
    #[case::another_name("ClientApplication", "name", "billing")]
    #[case::a_namesake("ClientApplication", "name", "fhirward harness")]
    #[case::no_actor(
        "ClientApplication",
        "name",
        "fhirward 0123456789abcdef0123456789abcdef x"
    )]
    #[case::capitals(
        "ClientApplication",
        "name",
        "fhirward 0123456789ABCDEF0123456789ABCDEF x y"
    )]
    #[case::longer(
        "ClientApplication",
        "name",
        "fhirward 0123456789abcdef0123456789abcdef0 x y"
    )]
    #[case::not_at_the_start(
        "ClientApplication",
        "name",
        "my fhirward 0123456789abcdef0123456789abcdef x y"
    )]
    #[case::a_real_address(
        "User",
        "email",
        "fhirward-0123456789abcdef0123456789abcdef-x-y@clinic.org"
    )]
    #[case::somebody("User", "email", "alice@example.com")]
    #[case::another_type("Bot", "name", "fhirward 0123456789abcdef0123456789abcdef x y")]
    fn a_name_that_no_run_gives(#[case] kind: &str, #[case] key: &str, #[case] name: &str) {
        let login = json!({ "resourceType": kind, key: name });
        assert_eq!(run_of_login(&login), None);
    }
}
