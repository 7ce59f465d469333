//! What putting the policies of each member together finds.

use std::collections::HashSet;
use std::sync::Arc;

use super::view::MembershipView;
use crate::diagnostic::{Diagnostic, Label};
use crate::policy::membership::too_many_members;
use crate::policy::{Access, Membership, Options, PolicyDocument, assemble};

/// The diagnostics of all memberships. `most` is how many entries they may come to, each membership
/// with those of all its policies; from the one on with which there are more, none is looked into.
pub(super) fn diagnostics(
    memberships: &[MembershipView],
    find: &dyn Fn(&str) -> Option<Arc<PolicyDocument>>,
    options: &Options,
    most: usize,
) -> Vec<Diagnostic> {
    let mut all = Vec::new();
    // Members with the same policies and parameters are assembled once: a project has thousands.
    let mut sound: HashSet<String> = HashSet::new();
    let mut assembled = 0_usize;
    for view in memberships {
        let Ok(membership) = Membership::from_value(view.node.value()) else {
            // Reading the document has said so.
            continue;
        };
        let kind = membership.profile.split('/').next().unwrap_or_default();
        let alike = format!("{kind} {} {:?}", membership.admin, membership.access);
        if sound.contains(&alike) {
            continue;
        }
        let entries = |access: &Access| find(&access.policy).map_or(0, |p| p.entries().len());
        let size: usize = membership.access.iter().map(entries).sum();
        assembled = assembled.saturating_add(size);
        if assembled > most {
            let place = view.place();
            all.push(too_many_members(place.source, place.span, most));
            break;
        }
        let mut about_member = false;
        for mut finding in assemble(&membership, find, options).diagnostics {
            if finding.source.is_none() {
                about_member = true;
                let place = view.place();
                finding.source = Some(Arc::clone(place.source));
                finding.labels = vec![Label {
                    span: place.span,
                    text: "this member".to_owned(),
                }];
            }
            all.push(finding);
        }
        if !about_member {
            sound.insert(alike);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::lint::view::Node;
    use crate::source::Source;
    use crate::source::json::Document;

    /// What is not looked into is said: nothing is skipped in silence.
    #[rstest]
    #[case::enough(6, &[])]
    #[case::too_few(5, &["Practitioner/3"])]
    #[case::none(1, &["Practitioner/1"])]
    fn too_many_members_are_an_error(#[case] most: usize, #[case] expected: &[&str]) {
        let policy = json!({"resourceType": "AccessPolicy", "id": "p", "resource": [
            {"resourceType": "Task", "criteria": "Task?owner=%boss"}, {"resourceType": "Patient"},
        ]});
        let policy = Arc::new(PolicyDocument::from_value(&policy).0);
        let views: Vec<MembershipView> = (1..=3)
            .map(|n| {
                let member = json!({
                    "resourceType": "ProjectMembership",
                    "project": {"reference": "Project/1"},
                    "profile": {"reference": format!("Practitioner/{n}")},
                    "access": [{"policy": {"reference": "AccessPolicy/p"}, "parameter": [
                        {"name": "boss", "valueReference": {"reference": format!("Practitioner/b{n}")}},
                    ]}],
                });
                let document = Document::parse(&Source::new("m.json", member.to_string())).unwrap();
                MembershipView::new(Node::new(&Arc::new(document), ""))
            })
            .collect();
        let find = |_: &str| Some(Arc::clone(&policy));
        let found = diagnostics(&views, &find, &Options::default(), most);
        let places: Vec<&str> = found
            .iter()
            .filter(|finding| finding.code == "membership/too-many-members")
            .map(|finding| {
                finding
                    .source
                    .as_ref()
                    .unwrap()
                    .slice(finding.labels[0].span)
            })
            .collect();
        assert_eq!(places, expected, "{found:#?}");
        assert!(found.iter().all(Diagnostic::is_error), "{found:#?}");
    }
}
