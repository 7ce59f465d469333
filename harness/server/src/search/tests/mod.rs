//! Filters and the index, without HTTP.

mod filters;
mod indexed;

use std::sync::LazyLock;

use fhirward_engine::policy::Policy;
use serde_json::Value;

use super::filter::{self, Fault, Filter};
use super::scope::Scope;
use crate::access::Access;
use crate::config;
use crate::http::outcome::Failure;
use crate::messaging::Messaging;
use crate::store::{Draft, Store, View};

const BASE: &str = "http://localhost:8103/fhir/R4/";

fn store() -> Store {
    let store = Store::default();
    store.index_for(BASE);
    store
}

/// Stores resources, each under its own id.
fn put(store: &Store, resources: &[Value]) {
    let transaction = store.begin();
    for resource in resources {
        let text = |name: &str| resource[name].as_str().unwrap();
        let (kind, id) = (text("resourceType"), text("id"));
        let draft = Draft::new(kind, id.to_owned(), resource.clone());
        match transaction.newest(kind, id) {
            None => transaction.insert(draft),
            Some(_) => transaction.replace(draft),
        };
    }
    transaction.commit().unwrap();
}

/// Whom the server would call; nobody is called by a search.
static MESSAGING: LazyLock<Messaging> = LazyLock::new(|| {
    let base = BASE.parse().unwrap();
    Messaging::new(config::Messaging::default(), &Store::default(), &base).unwrap()
});

fn scope<'a>(view: &'a dyn View, policy: &'a Policy) -> Scope<'a> {
    Scope {
        view,
        access: Access::by(policy, view, BASE, &MESSAGING),
        base: BASE,
    }
}

/// The filters of a query as it stands in a URL.
fn filters(scope: &Scope<'_>, kind: &str, query: &str) -> Result<Vec<Filter>, Failure> {
    crate::http::query::pairs(query)?
        .iter()
        .map(|(name, value)| filter::compile(scope, kind, name, value))
        .collect::<Result<_, Fault>>()
        .map_err(Fault::into_failure)
}
