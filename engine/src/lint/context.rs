//! What a rule sees.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::view::{
    AccessView, CriteriaView, EntryView, FilterView, MembershipView, Node, PolicyView, VariableView,
};
use crate::medplum::Version;
use crate::source::json::Document;

/// What to check for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The server that the policies are meant for; the newest where nothing is said. A line alone
    /// (`5.1`) is its first version ([`Version::first_of_line`]).
    pub server: Version,
    /// The FHIR base of the server, on which absolute references are local ones.
    pub base_url: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            server: Version::NEWEST,
            base_url: None,
        }
    }
}

/// All policies and memberships of a check, read once.
#[derive(Debug)]
pub struct Context<'a> {
    options: &'a Options,
    policies: Vec<PolicyView>,
    memberships: Vec<MembershipView>,
    /// The policies by what memberships call them.
    called: HashMap<String, usize>,
    /// For each policy, the memberships and accesses that name it.
    users: Vec<Vec<(usize, usize)>>,
}

/// A filter with all that it stands in.
#[derive(Debug, Clone, Copy)]
pub struct Site<'c> {
    /// The policy.
    pub policy: &'c PolicyView,
    /// The entry.
    pub entry: &'c EntryView,
    /// Its criteria.
    pub criteria: &'c CriteriaView,
    /// The filter.
    pub filter: &'c FilterView,
}

impl<'a> Context<'a> {
    pub(super) fn new(documents: &[Arc<Document>], options: &'a Options) -> Self {
        let mut policy_nodes = Vec::new();
        let mut memberships = Vec::new();
        for node in documents.iter().flat_map(resources) {
            match node.value().get("resourceType").and_then(Value::as_str) {
                Some("AccessPolicy") => policy_nodes.push(node),
                Some("ProjectMembership") => memberships.push(MembershipView::new(node)),
                _ => {}
            }
        }
        let mut users = vec![Vec::new(); policy_nodes.len()];
        let called = names(&policy_nodes);
        for (at, membership) in memberships.iter().enumerate() {
            for (n, access) in membership.access.iter().enumerate() {
                let policy = access
                    .policy
                    .as_ref()
                    .and_then(|text| called.get(bare(&text.text)));
                if let Some(list) = policy.and_then(|policy| users.get_mut(*policy)) {
                    list.push((at, n));
                }
            }
        }
        let mut context = Self {
            options,
            policies: Vec::new(),
            memberships,
            called,
            users,
        };
        for (at, node) in policy_nodes.into_iter().enumerate() {
            let accesses = context.accesses(at);
            let mut variables = BTreeMap::new();
            for (_, access) in &accesses {
                let mut own: HashSet<&str> = HashSet::new();
                for parameter in &access.parameters {
                    // A name that one access gives twice counts once.
                    if !own.insert(&parameter.name.text) {
                        continue;
                    }
                    let variable: &mut VariableView = variables
                        .entry(parameter.name.text.to_string())
                        .or_default();
                    if parameter.reference.is_some() {
                        variable.references += 1;
                    } else {
                        variable.texts += 1;
                    }
                }
            }
            for name in ["profile", "patient"] {
                let variable: &mut VariableView = variables.entry(name.to_owned()).or_default();
                variable.built_in = true;
            }
            let policy = PolicyView::new(at, node, accesses.len(), variables);
            context.policies.push(policy);
        }
        context
    }

    /// The server that the policies are meant for.
    pub fn server(&self) -> Version {
        self.options.server.first_of_line()
    }

    /// The FHIR base of the server, if it is known.
    pub fn base_url(&self) -> Option<&str> {
        self.options.base_url.as_deref()
    }

    /// The policies, in the order of the files.
    pub fn policies(&self) -> &[PolicyView] {
        &self.policies
    }

    /// The memberships, in the order of the files.
    pub fn memberships(&self) -> &[MembershipView] {
        &self.memberships
    }

    /// The policy that a membership names, if it is among the files.
    pub fn policy(&self, reference: &str) -> Option<&PolicyView> {
        self.policies.get(*self.called.get(bare(reference))?)
    }

    /// The memberships that use a policy, each with the parameters it gives. Empty where the files
    /// hold no membership that uses it: then nothing is known of its parameters.
    pub fn members_of(&self, policy: &PolicyView) -> Vec<(&MembershipView, &AccessView)> {
        self.accesses(policy.index)
    }

    /// Whether some member that uses the policy has another one too, which may grant more.
    pub fn is_one_of_several(&self, policy: &PolicyView) -> bool {
        let members = self.members_of(policy);
        members
            .iter()
            .any(|(membership, _)| membership.access.len() > 1)
    }

    fn accesses(&self, policy: usize) -> Vec<(&MembershipView, &AccessView)> {
        let users = self.users.get(policy).into_iter().flatten();
        users
            .filter_map(|(membership, access)| {
                let membership = self.memberships.get(*membership)?;
                Some((membership, membership.access.get(*access)?))
            })
            .collect()
    }

    /// Every entry of every policy.
    pub fn entries(&self) -> impl Iterator<Item = (&PolicyView, &EntryView)> {
        self.policies
            .iter()
            .flat_map(|policy| policy.entries.iter().map(move |entry| (policy, entry)))
    }

    /// Every entry with criteria.
    pub fn criteria(&self) -> impl Iterator<Item = (&EntryView, &CriteriaView)> {
        self.entries()
            .filter_map(|(_, entry)| Some((entry, entry.criteria.as_ref()?)))
    }

    /// Every filter of every criteria.
    pub fn filters(&self) -> impl Iterator<Item = Site<'_>> {
        self.entries().flat_map(|(policy, entry)| {
            entry.criteria.iter().flat_map(move |criteria| {
                criteria.filters.iter().map(move |filter| Site {
                    policy,
                    entry,
                    criteria,
                    filter,
                })
            })
        })
    }
}

/// The resources of a document: itself, the items of an array, or those of a Bundle.
fn resources(document: &Arc<Document>) -> Vec<Node> {
    let value = document.value();
    let pointers: Vec<String> = match value {
        Value::Array(items) => (0..items.len()).map(|at| format!("/{at}")).collect(),
        _ if value.get("resourceType").and_then(Value::as_str) == Some("Bundle") => {
            let count = value
                .get("entry")
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            (0..count)
                .map(|at| format!("/entry/{at}/resource"))
                .collect()
        }
        _ => vec![String::new()],
    };
    pointers
        .into_iter()
        .map(|pointer| Node::new(document, pointer))
        .collect()
}

fn bare(reference: &str) -> &str {
    reference.strip_prefix("AccessPolicy/").unwrap_or(reference)
}

/// Policies by what memberships call them: an id wins over a name, the first over later ones.
fn names(policies: &[Node]) -> HashMap<String, usize> {
    let mut names = HashMap::new();
    let text = |node: &Node, key: &str| {
        node.value()
            .get(key)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    for (at, node) in policies.iter().enumerate() {
        if let Some(id) = text(node, "id") {
            names.entry(id).or_insert(at);
        }
    }
    for (at, node) in policies.iter().enumerate() {
        if let (None, Some(name)) = (text(node, "id"), text(node, "name")) {
            names.entry(name).or_insert(at);
        }
    }
    names
}
