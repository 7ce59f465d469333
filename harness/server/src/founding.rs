//! What there is before the first request: the project, its administrator, and the seed.

use serde_json::{Value, json};

use crate::auth::secrets;
use crate::config::Config;
use crate::project;
use crate::rest::update;
use crate::running::StartError;
use crate::seed::{Seed, Seeded};
use crate::store::{Draft, Store, Version, View as _};

/// The records about the server itself.
const SERVER: &str = "server";

/// Founds the project and its administrator, as far as they are not there: their ids.
///
/// # Errors
/// Where it cannot be read which ones are there: others would be founded beside them.
pub(crate) fn found(store: &Store, config: &Config) -> Result<(String, String), StartError> {
    let transaction = store.begin();
    let kept = |key: &str| {
        let record = transaction.record(SERVER, key);
        let text = record.map(|record| String::from_utf8(record.to_vec()));
        text.transpose()
            .map_err(|_| StartError::Store(format!("the record of its {key} cannot be read")))
    };
    let project = kept("project")?.unwrap_or_else(|| config.project.clone());
    let admin = kept("admin")?.filter(|_| config.keep_admin);
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
        let secret = secrets::record(&config.admin.secret)?;
        transaction.put_record(secrets::TABLE, &id, Some(secret));
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

/// Stores the seed: all of it, or nothing.
///
/// # Errors
/// What the store says.
pub(crate) fn plant(store: &Store, seed: Seed) -> Result<(), StartError> {
    let transaction = store.begin();
    for Seeded {
        resource_type,
        id,
        mut content,
        secret,
    } in seed.resources
    {
        if let Some(secret) = secret {
            let secret = secrets::record(&secret)?;
            transaction.put_record(secrets::TABLE, &id, Some(secret));
        }
        let existing = transaction.newest(&resource_type, &id);
        // Whatever project it was taken from.
        project::hide(&mut content);
        let draft = Draft::new(&resource_type, id, content);
        let same = |existing: &Version| {
            !existing.is_deletion() && update::same_content(&existing.resource, draft.resource())
        };
        if existing.as_deref().is_some_and(same) {
            continue;
        }
        match existing {
            Some(_) => transaction.replace(draft),
            None => transaction.insert(draft),
        };
    }
    transaction
        .commit()
        .map_err(|error| StartError::Store(error.to_string()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::config::Credentials;

    #[rstest]
    #[case::project("project")]
    #[case::administrator("admin")]
    fn nothing_is_founded_beside_what_cannot_be_read(#[case] key: &str) {
        let config = Config::new(Credentials::random().unwrap());
        let store = Store::default();
        found(&store, &config).unwrap();
        let transaction = store.begin();
        transaction.put_record(SERVER, key, Some(vec![0xff]));
        transaction.commit().unwrap();
        let error = found(&store, &config).unwrap_err().to_string();
        let expected =
            format!("the project could not be stored: the record of its {key} cannot be read");
        assert_eq!(error, expected);
    }

    #[test]
    fn what_was_founded_stays() {
        let mut config = Config::new(Credentials::random().unwrap());
        let store = Store::default();
        let founded = found(&store, &config).unwrap();
        config.project = "another".into();
        config.keep_admin = true;
        config.admin = Credentials::random().unwrap();
        assert_eq!(found(&store, &config).unwrap(), founded);
    }
}
