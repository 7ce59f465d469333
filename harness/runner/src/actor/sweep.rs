//! Removing what runs left behind, found by their tag.

use std::collections::{BTreeMap, BTreeSet};

use fhirward_spec::spec;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;

use super::naming;
use crate::client::{
    Answer, Capabilities, Client, ClientError, RUN_TAG_SYSTEM, Request, reference_of, run_of,
    text_at,
};

/// How often what could not be removed is tried again, after something else was.
const PASSES: usize = 3;

/// What is to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// Of this run; without, of every run.
    pub run: Option<String>,
    /// Only what was last changed before.
    pub before: Option<Timestamp>,
    /// Whether it is only shown.
    pub dry: bool,
    /// The id of the admin's project: of what is known by its name alone, nothing of another one is
    /// touched.
    pub project: Option<String>,
}

/// What was removed and what remains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Removed, in this order; in a dry sweep what would be.
    pub deleted: Vec<String>,
    /// Still there.
    pub left: Vec<Left>,
    /// What could not be looked through, and why.
    pub unseen: Vec<String>,
    /// The runs that something was found of.
    pub runs: BTreeSet<String>,
}

/// Something that is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// What.
    pub reference: String,
    /// Why.
    pub why: String,
}

impl Sweep {
    /// Looks through all types that the server has, and removes what it finds: first what refers,
    /// then what is referred to.
    ///
    /// # Errors
    /// When the server is out of reach.
    pub async fn go(
        &self,
        admin: &Client,
        capabilities: &Capabilities,
    ) -> Result<Swept, ClientError> {
        let mut swept = Swept::default();
        let mut found = BTreeMap::new();
        for kind in types(capabilities) {
            self.look(admin, &kind, &mut found, &mut swept).await?;
        }
        self.add_named(admin, capabilities, &mut found, &mut swept)
            .await?;
        self.add_logins(&mut found);
        self.add_binaries(admin, &mut found, &mut swept).await?;
        let mut order = ordered(&found);
        if self.dry {
            swept.deleted = order;
            return Ok(swept);
        }
        for _ in 0..PASSES {
            let mut left = Vec::new();
            let before = swept.deleted.len();
            for reference in std::mem::take(&mut order) {
                match delete(admin, &reference).await? {
                    None => swept.deleted.push(reference),
                    Some(why) => left.push(Left { reference, why }),
                }
            }
            order = left.iter().map(|left| left.reference.clone()).collect();
            swept.left = left;
            if order.is_empty() || swept.deleted.len() == before {
                break;
            }
        }
        Ok(swept)
    }

    async fn look(
        &self,
        admin: &Client,
        kind: &str,
        found: &mut BTreeMap<String, Value>,
        swept: &mut Swept,
    ) -> Result<(), ClientError> {
        // `system|` is any code of the system.
        let run = self.run.as_deref().unwrap_or_default();
        let path = format!("{kind}?_tag={RUN_TAG_SYSTEM}%7C{run}&_count=200");
        for resource in all(admin, kind, &path, swept).await? {
            // Whatever the server made of the search: only what carries the tag.
            if let (Some(run), Some(reference)) = (run_of(&resource), reference_of(&resource))
                && self.wants(run, &resource)
            {
                swept.runs.insert(run.to_owned());
                found.insert(reference, resource);
            }
        }
        Ok(())
    }

    fn wants(&self, run: &str, resource: &Value) -> bool {
        let of_run = self.run.as_ref().is_none_or(|wanted| wanted == run);
        let old = self.before.is_none_or(|before| {
            text_at(resource, "/meta/lastUpdated")
                .and_then(|text| text.parse::<Timestamp>().ok())
                .is_some_and(|changed| changed < before)
        });
        of_run && old
    }

    /// Logins carry no tag: the endpoints that make them take none. Their memberships get theirs
    /// when the login is finished; until then a login is known by its name alone.
    async fn add_named(
        &self,
        admin: &Client,
        capabilities: &Capabilities,
        found: &mut BTreeMap<String, Value>,
        swept: &mut Swept,
    ) -> Result<(), ClientError> {
        // Without a project there is nobody whom the harness could have made.
        let Some(project) = &self.project else {
            return Ok(());
        };
        let run = self.run.as_deref().unwrap_or_default();
        let known: BTreeSet<String> = types(capabilities).into_iter().collect();
        for (kind, search) in naming::searches(run, project) {
            if !known.contains(kind) {
                continue;
            }
            let path = format!("{kind}?{search}&_count=200");
            for login in all(admin, kind, &path, swept).await? {
                // Whatever the server made of the search: only what has such a name.
                let Some(run) = naming::run_of_login(&login) else {
                    continue;
                };
                let (true, Some(reference)) = (self.wants(run, &login), reference_of(&login))
                else {
                    continue;
                };
                if !self.is_in_project(&login) {
                    continue;
                }
                swept.runs.insert(run.to_owned());
                let path = format!("ProjectMembership?user={reference}&_count=200");
                for membership in all(admin, "ProjectMembership", &path, swept).await? {
                    if text_at(&membership, "/user/reference") == Some(reference.as_str())
                        && self.is_in_project(&membership)
                        && let Some(member) = reference_of(&membership)
                    {
                        found.entry(member).or_insert(membership);
                    }
                }
                found.insert(reference, login);
            }
        }
        Ok(())
    }

    /// Whether it is of the admin's project, as far as it says.
    fn is_in_project(&self, resource: &Value) -> bool {
        let own = self.project.as_deref();
        let of_meta = text_at(resource, "/meta/project");
        let of_membership = text_at(resource, "/project/reference");
        let of_membership = of_membership.and_then(|text| text.strip_prefix("Project/"));
        own.is_none_or(|own| {
            let mut named = of_meta.into_iter().chain(of_membership);
            named.all(|project| project == own)
        })
    }

    /// The logins of the memberships that were found.
    fn add_logins(&self, found: &mut BTreeMap<String, Value>) {
        let logins: Vec<String> = found
            .values()
            .filter(|resource| text_at(resource, "/resourceType") == Some("ProjectMembership"))
            .filter_map(|membership| text_at(membership, "/user/reference"))
            .filter(|user| user.starts_with("ClientApplication/") || user.starts_with("User/"))
            .map(str::to_owned)
            .collect();
        for login in logins {
            found.entry(login).or_default();
        }
    }

    /// Some servers do not search Binaries; those that what was found refers to are asked for.
    async fn add_binaries(
        &self,
        admin: &Client,
        found: &mut BTreeMap<String, Value>,
        swept: &mut Swept,
    ) -> Result<(), ClientError> {
        let mut binaries: BTreeSet<String> = BTreeSet::new();
        for resource in found.values() {
            referred(resource, &mut |text| {
                if text.starts_with("Binary/") {
                    binaries.insert(text.to_owned());
                }
            });
        }
        for reference in binaries {
            if found.contains_key(&reference) {
                continue;
            }
            let why = match admin.send(Request::get(&reference)).await {
                Ok(Answer {
                    status: 200..300,
                    body: Some(binary),
                    ..
                }) => {
                    if run_of(&binary).is_some_and(|run| self.wants(run, &binary)) {
                        found.insert(reference, binary);
                    }
                    continue;
                }
                Ok(Answer {
                    status: 404 | 410, ..
                }) => continue,
                Ok(answer) => format!("the server answers {}", answer.status),
                Err(error) if error.is_transport() => return Err(error),
                Err(error) => admin.clean(&error.to_string()),
            };
            swept.unseen.push(format!("{reference}: {why}"));
        }
        Ok(())
    }
}

/// What a search finds, on all its pages. What cannot be looked through is noted.
async fn all(
    admin: &Client,
    kind: &str,
    path: &str,
    swept: &mut Swept,
) -> Result<Vec<Value>, ClientError> {
    let mut hit = Vec::new();
    let looked = admin
        .search_pages(path, &mut |page| hit.extend(page.matches))
        .await;
    match looked {
        Ok(end) if end.is_success() => {}
        // Many servers search no Binaries; those that are referred to are found in another way.
        Ok(_) if kind == "Binary" => {}
        Ok(end) => {
            swept
                .unseen
                .push(format!("{kind}: the server answers {}", end.status));
            hit.clear();
        }
        Err(error) if error.is_transport() => return Err(error),
        Err(error) => {
            let why = admin.clean(&error.to_string());
            swept.unseen.push(format!("{kind}: {why}"));
        }
    }
    Ok(hit)
}

fn types(capabilities: &Capabilities) -> Vec<String> {
    let mut types: Vec<String> = capabilities.types().map(str::to_owned).collect();
    if types.is_empty() {
        types = spec().resource_types().map(str::to_owned).collect();
    }
    types.sort();
    types
}

/// Why it is still there; nothing where it is gone.
async fn delete(admin: &Client, reference: &str) -> Result<Option<String>, ClientError> {
    let request = Request::new(Method::DELETE, reference).repeatable();
    match admin.send(request).await {
        Ok(answer) if answer.is_success() || matches!(answer.status, 404 | 410) => Ok(None),
        Ok(answer) => Ok(Some(format!("the server answers {}", answer.status))),
        Err(error) if error.is_transport() => Err(error),
        Err(error) => Ok(Some(admin.clean(&error.to_string()))),
    }
}

/// First what refers, then what is referred to; in a circle the newest first.
fn ordered(found: &BTreeMap<String, Value>) -> Vec<String> {
    let mut referrers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (reference, resource) in found {
        referred(resource, &mut |text| {
            if let Some((known, _)) = found.get_key_value(text)
                && known != reference
            {
                referrers.entry(known).or_default().insert(reference);
            }
        });
    }
    let age = |reference: &str| {
        let resource = found.get(reference);
        resource
            .and_then(|r| text_at(r, "/meta/lastUpdated"))
            .unwrap_or_default()
    };
    let mut left: Vec<&str> = found.keys().map(String::as_str).collect();
    left.sort_by(|a, b| age(b).cmp(age(a)).then_with(|| a.cmp(b)));
    let mut order = Vec::new();
    while !left.is_empty() {
        let free = |reference: &&str| referrers.get(reference).is_none_or(BTreeSet::is_empty);
        let mut next: Vec<&str> = left.iter().copied().filter(free).collect();
        if next.is_empty() {
            next.extend(left.first().copied());
        }
        left.retain(|reference| !next.contains(reference));
        for gone in &next {
            for others in referrers.values_mut() {
                others.remove(gone);
            }
        }
        order.extend(next.into_iter().map(str::to_owned));
    }
    order
}

/// Every text in which a resource may name another.
fn referred<'v>(value: &'v Value, take: &mut dyn FnMut(&'v str)) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(text) if matches!(key.as_str(), "reference" | "url") => {
                        take(text)
                    }
                    other => referred(other, take),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| referred(item, take)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A super admin sees the projects of others.
    #[test]
    fn what_is_known_by_name_alone_is_of_the_admins_project() {
        let sweep = Sweep {
            run: None,
            before: None,
            dry: false,
            project: Some("p1".to_owned()),
        };
        let of_meta = |id: &str| json!({ "meta": { "project": id } });
        let of_member = |id: &str| json!({ "project": { "reference": format!("Project/{id}") } });
        assert!(sweep.is_in_project(&of_meta("p1")) && sweep.is_in_project(&of_member("p1")));
        assert!(!sweep.is_in_project(&of_meta("p2")) && !sweep.is_in_project(&of_member("p2")));
        assert!(sweep.is_in_project(&json!({})));
    }

    #[test]
    fn what_refers_goes_first() {
        let resource = |to: &[&str], age: &str| {
            let to: Vec<Value> = to.iter().map(|to| json!({ "reference": to })).collect();
            json!({ "x": to, "meta": { "lastUpdated": age } })
        };
        let found = BTreeMap::from([
            ("Patient/p".to_owned(), resource(&[], "4")),
            ("Communication/h".to_owned(), resource(&["Patient/p"], "2")),
            (
                "Communication/m".to_owned(),
                resource(&["Communication/h", "Patient/p"], "1"),
            ),
            ("Task/a".to_owned(), resource(&["Task/b"], "1")),
            ("Task/b".to_owned(), resource(&["Task/a"], "3")),
        ]);
        assert_eq!(
            ordered(&found),
            [
                "Communication/m",
                "Communication/h",
                "Patient/p",
                "Task/b",
                "Task/a"
            ]
        );
    }
}
