//! `ipAccessRule`: from where a member may sign in. Source: policy-semantics 2.3.
//!
//! Rules are asked in order and the first that matches decides; without one the address is
//! admitted. A rule's value is `*`, an address, or the beginning of one. The beginning ends at a
//! dot or colon: `10.1` is `10.1.*`, and not `10.100.*`, which servers that compare text admit as
//! well. A rule that cannot be understood allows nobody and blocks everybody.

use core::net::IpAddr;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::source::json::Document;
use crate::source::{Source, Span};

/// Rules that one policy may have; with more, nobody is admitted.
pub const MAX_IP_RULES: usize = 10_000;

const KEYS: [&str; 5] = ["id", "extension", "name", "value", "action"];

/// What a rule does with an address that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IpAction {
    /// Admits it.
    Allow,
    /// Refuses it.
    Block,
}

impl fmt::Display for IpAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Block => "block",
        })
    }
}

/// An element of `AccessPolicy.ipAccessRule`.
#[derive(Debug, Clone)]
pub struct IpRule {
    /// `name`, if it has one.
    pub name: Option<String>,
    /// `value` as written.
    pub value: String,
    /// What it does.
    pub action: IpAction,
    /// Why it cannot be understood; then it blocks everybody, or allows nobody.
    pub broken: Option<String>,
    /// The policy that it stands in.
    pub policy: String,
    /// Its number in that policy, from 1.
    pub number: usize,
    /// The text of the policy.
    pub source: Option<Arc<Source>>,
    /// The place of the rule in it.
    pub span: Option<Span>,
    pattern: Pattern,
}

impl fmt::Display for IpRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ipAccessRule #{} ({} {})",
            self.policy, self.number, self.action, self.value
        )
    }
}

/// Which addresses a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Every,
    None,
    Address(IpAddr),
    /// The first bytes of an IPv4 address.
    V4(Vec<u8>),
    /// The first groups of an IPv6 address.
    V6(Vec<u16>),
}

/// Whether an address is admitted, and which rule says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IpDecision {
    /// The answer.
    pub admitted: bool,
    /// The address that was asked about; `None` when it is not known.
    pub address: Option<String>,
    /// The rule that decided, by index in [`Policy::ip_rules`](super::Policy::ip_rules).
    pub rule: Option<usize>,
    /// Why, in words.
    pub reason: String,
}

/// Asks rules in order about an address.
///
/// An address that is not known, or is none, is admitted only where every address would be: up to
/// the first rule that allows everybody, or to the end, no rule may block anything.
pub fn decide(rules: &[IpRule], address: Option<&str>) -> IpDecision {
    let known = address.map(|text| text.trim().parse::<IpAddr>().map(|ip| ip.to_canonical()));
    let answer = |admitted, rule, reason| IpDecision {
        admitted,
        address: address.map(str::to_owned),
        rule,
        reason,
    };
    for (at, rule) in rules.iter().enumerate() {
        let admits = rule.action == IpAction::Allow;
        let matches = match &known {
            Some(Ok(address)) => rule.matches(*address),
            // It may be the one that the rule is about.
            _ => !admits || rule.pattern == Pattern::Every,
        };
        if !matches {
            continue;
        }
        let reason = match (&known, admits) {
            (_, true) => format!("{rule} allows it"),
            (Some(Ok(_)), false) => format!("{rule} blocks it"),
            (Some(Err(_)), false) => format!("it is no IP address, and {rule} blocks some"),
            (None, false) => format!("the address is not known, and {rule} blocks some"),
        };
        return answer(admits, Some(at), reason);
    }
    let reason = if rules.is_empty() {
        "no ipAccessRule".to_owned()
    } else {
        "no ipAccessRule matches".to_owned()
    };
    answer(true, None, reason)
}

impl IpRule {
    fn matches(&self, address: IpAddr) -> bool {
        match (&self.pattern, address) {
            (Pattern::Every, _) => true,
            (Pattern::None, _) => false,
            (Pattern::Address(one), address) => *one == address,
            (Pattern::V4(first), IpAddr::V4(v4)) => v4.octets().starts_with(first),
            (Pattern::V6(first), IpAddr::V6(v6)) => v6.segments().starts_with(first),
            // Written out as far as the groups that stand for IPv4 addresses: `0:0:0:0:0:ffff:`.
            (Pattern::V6(first), IpAddr::V4(v4)) => {
                first.len() >= 6 && v4.to_ipv6_mapped().segments().starts_with(first)
            }
            _ => false,
        }
    }

    fn new(value: &str, action: IpAction, broken: Option<String>) -> Self {
        let (pattern, broken) = match (Pattern::read(value), broken, action) {
            (Ok(pattern), None, _) => (pattern, None),
            (Err(bad), None, IpAction::Allow) => (Pattern::None, Some(bad.message)),
            (Err(bad), None, IpAction::Block) => (Pattern::Every, Some(bad.message)),
            (_, Some(broken), IpAction::Allow) => (Pattern::None, Some(broken)),
            (_, Some(broken), IpAction::Block) => (Pattern::Every, Some(broken)),
        };
        Self {
            name: None,
            value: value.to_owned(),
            action,
            broken,
            policy: String::new(),
            number: 1,
            source: None,
            span: None,
            pattern,
        }
    }

    /// Reads the rules of a policy; what is wrong with one is a finding at its place.
    pub(super) fn read_all(
        json: &Arc<Document>,
        policy: &str,
        pointer: &str,
        findings: &mut Vec<Diagnostic>,
    ) -> Vec<Self> {
        let pointer = format!("{pointer}/ipAccessRule");
        let whole = |message: String, findings: &mut Vec<Diagnostic>| {
            let finding = Diagnostic::error("policy/ip-rule", message.clone())
                .with_label(json.nearest_span(&pointer), "nobody is admitted")
                .with_source(json.source())
                .with_help("rules stand in `[…]`, each with `value` and `action`");
            findings.push(finding);
            vec![Self {
                policy: policy.to_owned(),
                ..Self::new("*", IpAction::Block, Some(message))
            }]
        };
        match json.value().pointer(&pointer) {
            None => Vec::new(),
            Some(Value::Array(items)) if items.len() > MAX_IP_RULES => {
                let message = format!(
                    "{} rules, more than the limit of {MAX_IP_RULES}",
                    items.len()
                );
                whole(message, findings)
            }
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(at, item)| {
                    let place = format!("{pointer}/{at}");
                    let rule = Self::read(json, item, &place, findings);
                    Self {
                        policy: policy.to_owned(),
                        number: at + 1,
                        source: Some(Arc::clone(json.source())),
                        span: Some(json.nearest_span(&place)),
                        ..rule
                    }
                })
                .collect(),
            Some(_) => whole("`ipAccessRule` is no array".to_owned(), findings),
        }
    }

    fn read(json: &Document, item: &Value, place: &str, findings: &mut Vec<Diagnostic>) -> Self {
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        let mut faults: Vec<(String, String, String)> = Vec::new();
        let mut fault = |below: &str, message: String, help: &str| {
            faults.push((below.to_owned(), message, help.to_owned()));
        };
        for key in item
            .as_object()
            .into_iter()
            .flat_map(|object| object.keys())
        {
            if !KEYS.contains(&key.as_str()) {
                let help = format!("its elements are {}", KEYS.join(", "));
                fault(
                    "",
                    format!("`{key}` is no element of an ipAccessRule"),
                    &help,
                );
            }
        }
        // Which of two keys counts nobody knows; what is read of the rule is no reason to let
        // somebody in.
        let place_of = json.span_of(place);
        let repeated = place_of.and_then(|place| json.repeated_within(place));
        let action = match text("action") {
            Some("allow") if repeated.is_none() => IpAction::Allow,
            Some("allow") => IpAction::Block,
            Some("block") => IpAction::Block,
            other => {
                let message = match other {
                    Some(other) => format!("`{other}` is no action of an ipAccessRule"),
                    None => "the ipAccessRule has no `action`".to_owned(),
                };
                fault("/action", message, "the actions are `allow` and `block`");
                IpAction::Block
            }
        };
        let value = match text("value") {
            Some(value) => value,
            None => {
                let help = "write `*`, an address, or the beginning of one";
                fault("/value", "the ipAccessRule has no `value`".to_owned(), help);
                ""
            }
        };
        if faults.is_empty()
            && let Err(bad) = Pattern::read(value)
        {
            faults.push(("/value".to_owned(), bad.message, bad.help));
        }
        let effect = match action {
            IpAction::Allow => "allows nobody",
            IpAction::Block => "blocks everybody",
        };
        let fault = faults.first().map(|(_, message, _)| message.clone());
        let broken = fault.or(repeated.map(|finding| finding.message.clone()));
        for (below, message, help) in faults {
            findings.push(
                Diagnostic::error("policy/ip-rule", message)
                    .with_label(json.nearest_span(&format!("{place}{below}")), effect)
                    .with_source(json.source())
                    .with_help(help),
            );
        }
        Self {
            name: text("name").map(str::to_owned),
            ..Self::new(value, action, broken)
        }
    }
}

/// A value that is no address and no beginning of one, with what to write instead.
struct Bad {
    message: String,
    help: String,
}

impl Pattern {
    fn read(text: &str) -> Result<Self, Bad> {
        if text == "*" {
            return Ok(Self::Every);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            let beginning = text.strip_suffix("::").filter(|rest| !rest.is_empty());
            if let Some(groups) = beginning.and_then(groups) {
                return Ok(Self::V6(groups));
            }
            return Ok(Self::Address(address.to_canonical()));
        }
        let beginning = text.strip_suffix(['.', ':']).unwrap_or(text);
        let octets: Option<Vec<u8>> = beginning.split('.').map(octet).collect();
        if let Some(octets) = octets.filter(|octets| octets.len() < 4 && !text.ends_with(':')) {
            return Ok(Self::V4(octets));
        }
        // A single word without a colon is no beginning of an IPv6 address that anybody means.
        if let Some(groups) = groups(beginning).filter(|_| text.contains(':')) {
            return Ok(Self::V6(groups));
        }
        Err(Bad {
            message: format!("`{text}` is no address and no beginning of one"),
            help: advice(text),
        })
    }
}

/// A number of an IPv4 address, written as it is printed.
fn octet(text: &str) -> Option<u8> {
    let plain = text == "0" || !text.starts_with(['0', '+']);
    text.parse().ok().filter(|_| plain)
}

/// Fewer than eight groups of an IPv6 address.
fn groups(text: &str) -> Option<Vec<u16>> {
    let groups: Option<Vec<u16>> = text
        .split(':')
        .map(|group| {
            let fits = (1..=4).contains(&group.len())
                && group.bytes().all(|byte| byte.is_ascii_hexdigit());
            u16::from_str_radix(group, 16).ok().filter(|_| fits)
        })
        .collect();
    groups.filter(|groups| groups.len() < 8)
}

fn advice(text: &str) -> String {
    if let Some((address, bits)) = text.split_once('/') {
        let octets: Vec<&str> = address.split('.').collect();
        return match (bits, octets.as_slice()) {
            ("8", [a, _, _, _]) => format!("ranges are not written as CIDR; write `{a}`"),
            ("16", [a, b, _, _]) => format!("ranges are not written as CIDR; write `{a}.{b}`"),
            ("24", [a, b, c, _]) => {
                format!("ranges are not written as CIDR; write `{a}.{b}.{c}`")
            }
            _ => "ranges are not written as CIDR; write the beginning of the addresses, such as `10.1`".to_owned(),
        };
    }
    if let Some(beginning) = text.strip_suffix(".*").or_else(|| text.strip_suffix('*')) {
        return format!("the beginning is enough: write `{beginning}`");
    }
    "write `*`, an address, or the beginning of one that ends before a dot or colon, such as `10.1`"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn rules(list: &[(&str, IpAction)]) -> Vec<IpRule> {
        list.iter()
            .map(|(value, action)| IpRule::new(value, *action, None))
            .collect()
    }

    #[rstest]
    #[case::every("*", "8.8.8.8", true)]
    #[case::equal("10.1.2.3", "10.1.2.3", true)]
    #[case::not_a_longer_number("10.1.2.3", "10.1.2.30", false)]
    #[case::beginning("10.1", "10.1.200.3", true)]
    #[case::ends_at_a_dot("10.1", "10.100.2.3", false)]
    #[case::written_with_the_dot("10.1.", "10.1.200.3", true)]
    #[case::one_number("10", "10.9.9.9", true)]
    #[case::one_number_at_a_dot("10", "100.9.9.9", false)]
    #[case::v6_equal("2001:db8::1", "2001:0db8:0:0::1", true)]
    #[case::v6_beginning("2001:db8", "2001:db8:ffff::1", true)]
    #[case::v6_ends_at_a_colon("2001:db8:1", "2001:db8:10::1", false)]
    #[case::v6_beginning_with_colons("2001:db8::", "2001:db8:0:1::1", true)]
    #[case::v6_loopback_is_one_address("::1", "::2", false)]
    #[case::mapped_address_is_its_v4("10.1", "::ffff:10.1.2.3", true)]
    #[case::mapped_rule_is_its_v4("::ffff:10.1.2.3", "10.1.2.3", true)]
    #[case::families_apart("10", "10::1", false)]
    fn s2_3_values(#[case] value: &str, #[case] address: &str, #[case] matches: bool) {
        let list = rules(&[(value, IpAction::Allow), ("*", IpAction::Block)]);
        let decision = decide(&list, Some(address));
        assert_eq!(decision.admitted, matches, "{}", decision.reason);
    }

    #[rstest]
    #[case::cidr("10.1.0.0/16", "write `10.1`")]
    #[case::star("10.1.*", "write `10.1`")]
    #[case::name("localhost", "write `*`, an address")]
    #[case::leading_zero("10.01", "write `*`, an address")]
    #[case::too_large("10.256", "write `*`, an address")]
    #[case::five("1.2.3.4.5", "write `*`, an address")]
    #[case::empty("", "write `*`, an address")]
    fn s2_3_what_is_no_value_fails_closed(#[case] value: &str, #[case] help: &str) {
        let Err(bad) = Pattern::read(value) else {
            panic!("{value} was read");
        };
        assert!(bad.help.contains(help), "{}", bad.help);
        let allow = rules(&[(value, IpAction::Allow), ("*", IpAction::Block)]);
        assert!(!decide(&allow, Some("10.1.0.1")).admitted);
        let block = rules(&[(value, IpAction::Block)]);
        assert!(!decide(&block, Some("9.9.9.9")).admitted);
    }

    #[rstest]
    #[case::first_match_wins(&[("10.1", IpAction::Block), ("10", IpAction::Allow)], Some("10.1.0.1"), false)]
    #[case::next_rule(&[("10.1", IpAction::Block), ("10", IpAction::Allow)], Some("10.2.0.1"), true)]
    #[case::no_match_is_admitted(&[("10", IpAction::Allow)], Some("9.9.9.9"), true)]
    #[case::no_rules(&[], None, true)]
    #[case::unknown_address_may_be_blocked(&[("10.1.2.3", IpAction::Block)], None, false)]
    #[case::unknown_address_all_allowed(&[("*", IpAction::Allow), ("10", IpAction::Block)], None, true)]
    #[case::unknown_address_nothing_blocked(&[("10", IpAction::Allow)], None, true)]
    #[case::no_address(&[("*", IpAction::Block)], Some("unknown"), false)]
    fn s2_3_rules_in_order(
        #[case] list: &[(&str, IpAction)],
        #[case] address: Option<&str>,
        #[case] admitted: bool,
    ) {
        let decision = decide(&rules(list), address);
        assert_eq!(decision.admitted, admitted, "{}", decision.reason);
    }
}
