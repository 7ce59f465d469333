//! L51: address rules that let more or fewer in than they seem. Source: policy-semantics 2.3.

use crate::diagnostic::Severity;
use crate::lint::view::{Node, PolicyView, TextView};
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L51",
    slug: "ip-rules",
    category: Category::Network,
    level: Severity::Warning,
    summary: "an `ipAccessRule` lets other addresses in than it seems",
    why: "\
Address rules are tried in order, and the first one that matches decides. A value matches the address \
itself, every address that *begins* with it, or everything when it is `*`. An address that no rule matches \
is let in. So a list of allowed addresses needs a last rule that blocks `*`; a prefix needs its dot at the \
end (`10.1` also lets `10.100.0.1` in); CIDR notation (`10.0.0.0/8`) matches nothing; and what stands \
behind `*` is never reached.

The rules are asked when somebody signs in, not on every request.",
    versions: "Every Medplum version.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "office only",
  "resource": [{ "resourceType": "Task" }],
  "ipAccessRule": [{ "name": "office", "value": "203.0.113.77", "action": "allow" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "office only",
  "resource": [{ "resourceType": "Task" }],
  "ipAccessRule": [
    { "name": "office", "value": "203.0.113.77", "action": "allow" },
    { "name": "everybody else", "value": "*", "action": "block" }
  ]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "a network",
  "resource": [{ "resourceType": "Task" }],
  "ipAccessRule": [
    { "value": "10.1", "action": "allow" },
    { "value": "192.168.0.0/16", "action": "allow" },
    { "value": "*", "action": "block" }
  ]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "a network",
  "resource": [{ "resourceType": "Task" }],
  "ipAccessRule": [
    { "value": "10.1.", "action": "allow" },
    { "value": "192.168.", "action": "allow" },
    { "value": "*", "action": "block" }
  ]
}"#,
        )
        .titled("prefixes"),
    ],
    adopts: &[Adopts::all("policy/ip-rule")],
    check,
};

/// Numbers in an IPv4 address.
const OCTETS: usize = 4;

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for policy in context.policies() {
        let rules = policy.node.items("ipAccessRule");
        let mut closed = false;
        for rule in &rules {
            let Some(value) = rule.text("value") else {
                continue;
            };
            if closed {
                report
                    .find(
                        value.place(),
                        "never reached",
                        "no address gets to this rule: `*` before it takes all",
                    )
                    .help("put `*` last");
                continue;
            }
            one(rule, &value, report);
            closed = &*value.text == "*";
        }
        open_end(policy, &rules, closed, report);
    }
}

fn one(rule: &Node, value: &TextView, report: &mut Report<'_>) {
    let text = value.text.trim();
    if text.contains('/') {
        let allows = action(rule).as_deref() == Some("allow");
        let effect = if allows {
            "lets nobody in"
        } else {
            "blocks nobody"
        };
        report
            .find(
                value.place(),
                "matches no address",
                format!("no server understands CIDR notation: this rule {effect}"),
            )
            .help("write the beginning of the addresses with a dot at its end, like `10.1.`");
        return;
    }
    let parts: Vec<&str> = text.split('.').collect();
    let numbers = parts.iter().all(|part| part.parse::<u8>().is_ok());
    let last = parts.last().copied().unwrap_or_default();
    // `10.1` also is the beginning of `10.10.0.1` and `10.100.0.1`; `10.1.2.3` of `10.1.2.30`.
    let longer = last.len() < 3 && last != "0" && !(last.len() == 2 && last > "25");
    if numbers && parts.len() <= OCTETS && longer {
        let other = format!("{text}0");
        let whole = parts.len() == OCTETS;
        if whole && action(rule).as_deref() != Some("allow") {
            return;
        }
        report
            .find(
                value.place(),
                "a beginning",
                if whole {
                    format!("an address is compared as a beginning: this also matches `{other}`")
                } else {
                    format!("this is the beginning of other networks too, like `{other}.`")
                },
            )
            .level(if whole { Severity::Info } else { Severity::Warning })
            .help(if whole {
                "a longer address with the same beginning is let in as well; nothing shorter can be written"
                    .to_owned()
            } else {
                format!("end it with a dot: `{text}.`")
            });
    }
}

fn open_end(policy: &PolicyView, rules: &[Node], closed: bool, report: &mut Report<'_>) {
    let allows = rules
        .iter()
        .any(|rule| action(rule).as_deref() == Some("allow"));
    let blocks = rules
        .iter()
        .any(|rule| action(rule).as_deref() == Some("block"));
    if !allows || blocks || closed {
        return;
    }
    if let Some(list) = policy.node.get("ipAccessRule") {
        report
            .find(
                list.key_place(),
                "blocks nobody",
                "no rule blocks: every address is let in, the ones not listed too",
            )
            .help("end the list with `{\"value\": \"*\", \"action\": \"block\"}`");
    }
}

fn action(rule: &Node) -> Option<Box<str>> {
    Some(rule.text("action")?.text)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::found;

    fn rules(rules: &str) -> String {
        format!(
            r#"{{"resourceType": "AccessPolicy", "resource": [{{"resourceType": "Task"}}], "ipAccessRule": [{rules}]}}"#
        )
    }

    #[rstest]
    #[case::no_block(r#"{"value": "203.0.113.", "action": "allow"}"#, &["warning: \"ipAccessRule\""])]
    #[case::closed(
        r#"{"value": "203.0.113.", "action": "allow"}, {"value": "*", "action": "block"}"#, &[]
    )]
    #[case::prefix(
        r#"{"value": "10.1", "action": "allow"}, {"value": "*", "action": "block"}"#,
        &["warning: 10.1"]
    )]
    #[case::longest_number(
        r#"{"value": "10.100", "action": "allow"}, {"value": "*", "action": "block"}"#, &[]
    )]
    #[case::address(
        r#"{"value": "1.2.3.4", "action": "allow"}, {"value": "*", "action": "block"}"#,
        &["info: 1.2.3.4"]
    )]
    #[case::cidr(
        r#"{"value": "10.0.0.0/8", "action": "block"}"#, &["error: 10.0.0.0/8"]
    )]
    #[case::behind_all(
        r#"{"value": "*", "action": "block"}, {"value": "10.", "action": "allow"}"#,
        &["warning: 10."]
    )]
    fn section_2_3(#[case] list: &str, #[case] expected: &[&str]) {
        assert_eq!(found("L51", &rules(list)), expected);
    }
}
