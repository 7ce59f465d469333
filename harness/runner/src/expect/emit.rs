//! Writing snapshots: always the same text for the same content, so that `git diff` is the review.

use std::fmt;

use serde_json::Value;

use super::noise::NOISE;
use super::snapshot::{
    ActorSees, PROFILE, READ_ONLY, SEARCH_ONLY, Snapshot, StepSnapshot, WIDENING,
};

use super::widening::Widened;

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(profile) = &self.profile {
            writeln!(f, "{PROFILE}: {}", scalar(profile))?;
        }
        for step in &self.steps {
            write_step(f, step)?;
        }
        if !self.widening.is_empty() {
            writeln!(f, "{WIDENING}:")?;
            for widening in &self.widening {
                writeln!(f, "  - step: {}", scalar(&widening.step))?;
                if let Widened::Sight { actor, .. } = &widening.of {
                    writeln!(f, "    actor: {}", scalar(actor))?;
                }
                if let Widened::Sight { resource, .. } | Widened::Match { resource } = &widening.of
                {
                    writeln!(f, "    resource: {}", scalar(resource))?;
                }
                writeln!(f, "    reason: {}", scalar(&widening.reason))?;
            }
        }
        if !self.noise.is_empty() {
            writeln!(f, "{NOISE}:")?;
            for noise in &self.noise {
                writeln!(f, "  - step: {}", scalar(&noise.step))?;
                writeln!(f, "    of: {}", scalar(&noise.of.to_string()))?;
                writeln!(f, "    reason: {}", scalar(&noise.reason))?;
            }
        }
        if self.profile.is_none()
            && self.steps.is_empty()
            && self.widening.is_empty()
            && self.noise.is_empty()
        {
            writeln!(f, "{{}}")?;
        }
        Ok(())
    }
}

fn write_step(f: &mut fmt::Formatter<'_>, step: &StepSnapshot) -> fmt::Result {
    let empty = step.outcome.is_none()
        && step.matches.is_none()
        && step.fields.is_empty()
        && step.sees.is_none();
    if empty {
        return writeln!(f, "{}: {{}}", scalar(&step.step));
    }
    writeln!(f, "{}:", scalar(&step.step))?;
    if let Some(outcome) = &step.outcome {
        let number = outcome.chars().all(|c| c.is_ascii_digit());
        let plain = outcome
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == ' ' || c == '-');
        if number || (plain && outcome.contains(' ')) {
            writeln!(f, "  outcome: {outcome}")?;
        } else {
            writeln!(f, "  outcome: {}", quoted(outcome))?;
        }
    }
    if let Some(matches) = &step.matches {
        writeln!(f, "  matches: {}", list(matches))?;
    }
    if !step.fields.is_empty() {
        writeln!(f, "  fields:")?;
        for (path, value) in &step.fields {
            writeln!(f, "    {}: {}", scalar(path), value_of(value))?;
        }
    }
    match &step.sees {
        None => {}
        Some(sees) if sees.is_empty() => writeln!(f, "  sees: {{}}")?,
        Some(sees) => {
            writeln!(f, "  sees:")?;
            for actor in sees {
                write_actor(f, actor)?;
            }
        }
    }
    Ok(())
}

fn write_actor(f: &mut fmt::Formatter<'_>, sees: &ActorSees) -> fmt::Result {
    if sees.read_only_by_id.is_empty() && sees.search_only.is_empty() {
        return writeln!(f, "    {}: {}", scalar(&sees.actor), list(&sees.visible));
    }
    writeln!(f, "    {}:", scalar(&sees.actor))?;
    for name in &sees.visible {
        writeln!(f, "      - {}", scalar(name))?;
    }
    for (key, names) in [
        (READ_ONLY, &sees.read_only_by_id),
        (SEARCH_ONLY, &sees.search_only),
    ] {
        if !names.is_empty() {
            writeln!(f, "      - {key}: {}", list(names))?;
        }
    }
    Ok(())
}

fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| scalar(name)).collect();
    format!("[{}]", names.join(", "))
}

/// A list as a list, and anything else as a text.
fn value_of(text: &str) -> String {
    let Ok(Value::Array(items)) = serde_json::from_str::<Value>(text) else {
        return scalar(text);
    };
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    // Only what reading gives back again.
    if format!("[{}]", items.join(",")) != text {
        return scalar(text);
    }
    // JSON is YAML, and a space after each comma makes it readable.
    format!("[{}]", items.join(", "))
}

/// Plain where YAML cannot misread it, else quoted.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let word = text.to_ascii_lowercase();
    let special = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if plain && !special.contains(&word.as_str()) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// JSON strings are YAML strings.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use fhirward_engine::source::Source;
    use proptest::prelude::*;

    use super::super::noise::{Noise, NoiseOf};
    use super::super::widening::Widening;
    use super::*;

    #[test]
    fn the_text_is_stable_and_readable() {
        let snapshot = Snapshot {
            profile: Some("embedded".into()),
            steps: vec![
                StepSnapshot {
                    step: "remove-jackie".into(),
                    outcome: Some("200".into()),
                    matches: None,
                    fields: vec![],
                    sees: Some(vec![
                        ActorSees {
                            actor: "alice".into(),
                            visible: vec!["thread".into(), "Communication/#1".into()],
                            ..ActorSees::default()
                        },
                        ActorSees {
                            actor: "jackie".into(),
                            visible: vec!["m1".into()],
                            read_only_by_id: vec!["m2".into()],
                            search_only: vec!["m3".into()],
                        },
                        ActorSees {
                            actor: "no".into(),
                            ..ActorSees::default()
                        },
                    ]),
                },
                StepSnapshot {
                    step: "alice-lists".into(),
                    outcome: Some("404 not-found".into()),
                    matches: Some(vec![]),
                    fields: vec![
                        ("$.status".into(), "\"completed\"".into()),
                        ("$.recipient".into(), r#"["${alice}",{"a":1}]"#.into()),
                    ],
                    sees: None,
                },
            ],
            noise: vec![Noise {
                step: "alice-lists".into(),
                of: NoiseOf::Field("$.sent".into()),
                reason: "the clock".into(),
            }],
            widening: vec![Widening {
                step: "remove-jackie".into(),
                of: Widened::Sight {
                    actor: "jackie".into(),
                    resource: "m3".into(),
                },
                reason: "policy 12: \"supervisors\" may read".into(),
            }],
        };
        insta::assert_snapshot!(snapshot.to_string(), @r#"
        profile: embedded
        remove-jackie:
          outcome: 200
          sees:
            alice: [thread, "Communication/#1"]
            jackie:
              - m1
              - read-only-by-id: [m2]
              - search-only: [m3]
            "no": []
        alice-lists:
          outcome: 404 not-found
          matches: []
          fields:
            "$.status": "\"completed\""
            "$.recipient": ["${alice}", {"a":1}]
        widening:
          - step: remove-jackie
            actor: jackie
            resource: m3
            reason: "policy 12: \"supervisors\" may read"
        noise:
          - step: alice-lists
            of: "field $.sent"
            reason: "the clock"
        "#);
    }

    fn names() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[A-Za-z][A-Za-z0-9_/#-]{0,6}", 0..4)
    }

    fn sees() -> impl Strategy<Value = ActorSees> {
        ("[a-z]{1,4}", names(), names(), names()).prop_map(|(actor, a, b, c)| ActorSees {
            actor,
            visible: a,
            read_only_by_id: b,
            search_only: c,
        })
    }

    /// A text, one that looks like a list, or a list.
    fn field() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "\\PC{0,6}".prop_map(Value::from),
        ];
        let list = leaf.prop_recursive(2, 6, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-z#: -]{0,4}", inner, 0..3)
                    .prop_map(|members| members.into_iter().collect::<Value>()),
            ]
        });
        prop_oneof![
            "\\PC{0,8}",
            "\\[[\\[\\], \"a1]{0,5}",
            prop::collection::vec(list, 0..3).prop_map(|items| Value::from(items).to_string()),
        ]
    }

    fn step() -> impl Strategy<Value = StepSnapshot> {
        (
            prop::option::of("[2-5][0-9][0-9]( [a-z]{2,6}(-[a-z]{2,5})?)?"),
            prop::option::of(names()),
            prop::collection::vec(("[$.a-z\\[\\]0-9]{1,6}", field()), 0..3),
            prop::option::of(prop::collection::vec(sees(), 0..3)),
        )
            .prop_map(|(outcome, matches, fields, sees)| StepSnapshot {
                step: String::new(),
                outcome,
                matches,
                fields,
                sees,
            })
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(
            steps in prop::collection::vec(step(), 0..4),
            reasons in prop::collection::vec("[^\\p{C}]{0,20}[a-z]", 0..3),
            profile in prop::option::of("[a-z0-9.-]{1,8}"),
        ) {
            let mut snapshot = Snapshot { steps, profile, ..Snapshot::default() };
            for (at, step) in snapshot.steps.iter_mut().enumerate() {
                step.step = format!("s{at}");
                for (at, (path, _)) in step.fields.iter_mut().enumerate() {
                    path.push_str(&at.to_string());
                }
                for (at, sees) in step.sees.iter_mut().flatten().enumerate() {
                    sees.actor = format!("{}{at}", sees.actor);
                }
            }
            for reason in &reasons {
                snapshot.noise.push(Noise {
                    step: "s0".into(),
                    of: NoiseOf::Order,
                    reason: reason.clone(),
                });
            }
            for reason in reasons {
                snapshot.widening.push(Widening {
                    step: "s0".into(),
                    of: Widened::Match {
                        resource: "Task/#1".into(),
                    },
                    reason,
                });
            }
            let text = snapshot.to_string();
            let read = Snapshot::parse(&Source::new("x.snap.yaml", text.as_str()));
            prop_assert_eq!(read, Ok(snapshot), "{}", text);
        }
    }
}
