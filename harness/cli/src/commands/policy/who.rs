//! Who asks, with which policies: the part of the command line that `decide`, `explain` and
//! `resolve` share.

use std::path::PathBuf;
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::policy::{
    Access, Membership, Options, Parameter, ParameterValue, Policy, PolicyDocument, Scopes,
    assemble,
};
use serde_json::Value;

use super::files::{self, Policies};
use crate::exit::Exit;
use crate::input;
use crate::output::Failure;

/// Who asks.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("policies").required(true).multiple(true))]
pub struct WhoArgs {
    /// Policy files, in the order in which a membership would list them. A file may be an array or
    /// a Bundle, and hold memberships as well.
    #[arg(long, num_args = 1.., value_name = "FILE", group = "policies")]
    policy: Vec<PathBuf>,
    /// A ProjectMembership: who asks, with which policies and parameters. The file may be an array
    /// or a Bundle with the policies in it.
    #[arg(
        long,
        value_name = "FILE",
        group = "policies",
        conflicts_with = "profile"
    )]
    membership: Option<PathBuf>,
    /// Which of several memberships in the files: its profile, or its id.
    #[arg(long, value_name = "TYPE/ID|ID", conflicts_with = "profile")]
    member: Option<String>,
    /// Who asks, when there is no membership: all the policies apply.
    #[arg(long, value_name = "TYPE/ID", requires = "policy", value_parser = reference)]
    profile: Option<String>,
    /// A parameter for --profile, as a membership would give it. May be repeated.
    #[arg(long, value_name = "NAME=VALUE", requires = "profile", value_parser = parameter)]
    parameter: Vec<(String, String)>,
    /// The SMART scopes of the token, which only take away: "openid patient/Communication.rs".
    #[arg(long, value_name = "SCOPES")]
    scope: Option<String>,
    /// The patient of the launch, for patient/ scopes.
    #[arg(long, value_name = "PATIENT/ID", requires = "scope", value_parser = patient)]
    patient: Option<String>,
    /// The server's FHIR base: stored absolute references on it count as relative ones.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
}

impl WhoArgs {
    /// The server's FHIR base.
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    /// The files that are read.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.policy.iter().chain(&self.membership)
    }
}

fn reference(text: &str) -> Result<String, String> {
    let id_fits = |id: &str| {
        (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
    };
    let type_fits = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|b| b.is_ascii_alphabetic())
    };
    match text.split_once('/') {
        Some((name, id)) if type_fits(name) && id_fits(id) => Ok(text.to_owned()),
        _ => Err("write Type/id, for example Practitioner/house".to_owned()),
    }
}

fn patient(text: &str) -> Result<String, String> {
    match reference(text) {
        Ok(patient) if patient.starts_with("Patient/") => Ok(patient),
        _ => Err("write Patient/id, for example Patient/homer".to_owned()),
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.trim_start_matches('%').to_owned(), value.to_owned()))
        }
        _ => Err("write NAME=VALUE, for example organization=Organization/north".to_owned()),
    }
}

/// Who asks, with their policy assembled.
#[derive(Debug)]
pub struct Who {
    /// The actor's policy, within the scopes.
    pub policy: Policy,
    /// What is wrong with the policies and scopes; they deny where it matters.
    pub findings: Vec<Diagnostic>,
    /// Who asks.
    pub membership: Membership,
    /// The policies that the membership names, as a server would store them.
    pub stored: Vec<Value>,
}

impl Who {
    /// Reads the files.
    pub fn read(args: &WhoArgs) -> Result<Self, Failure> {
        let mut read = Policies::default();
        for path in args.files() {
            read.add(&input::read(path)?);
        }
        let options = Options {
            base_url: args.base_url.clone(),
        };
        let membership = match &args.profile {
            Some(profile) => by_profile(&read, profile, &args.parameter)?,
            None => one_membership(&read, args.member.as_deref())?,
        };
        let find = |reference: &str| match &args.profile {
            Some(_) => by_place(&read, reference),
            None => read.find(reference),
        };
        let assembled = assemble(&membership, &find, &options);
        let stored = membership
            .access
            .iter()
            .filter_map(|access| as_stored(&access.policy, &*find(&access.policy)?))
            .collect();
        let mut findings = read.findings;
        // Said of a policy by itself; here a membership is known, and it either gives the value or
        // the assembly has the error.
        findings.retain(|finding| finding.code != "criteria/parameter");
        files::add_new(&mut findings, assembled.diagnostics);
        let mut policy = assembled.policy;
        if let Some(text) = &args.scope {
            let (scopes, wrong) = Scopes::parse(text);
            let limited = policy.within(&scopes, args.patient.as_deref(), &options);
            findings.extend(wrong);
            findings.extend(limited.diagnostics);
            policy = limited.policy;
        }
        Ok(Self {
            policy,
            findings,
            membership,
            stored,
        })
    }
}

/// All the policies, for a profile of which no membership is at hand.
fn by_profile(
    read: &Policies,
    profile: &str,
    parameters: &[(String, String)],
) -> Result<Membership, Failure> {
    let parameters: Vec<Parameter> = parameters
        .iter()
        .map(|(name, value)| Parameter {
            name: name.clone(),
            value: if value.contains('/') {
                ParameterValue::Reference(value.clone())
            } else {
                ParameterValue::String(value.clone())
            },
        })
        .collect();
    // The files need not have ids, so the references are their places in the list.
    let access: Vec<Access> = (0..read.policies.len())
        .map(|at| Access {
            policy: format!("AccessPolicy/{at}"),
            parameters: parameters.clone(),
        })
        .collect();
    if access.is_empty() {
        return Err(Failure {
            exit: Exit::Invalid,
            findings: if read.findings.is_empty() {
                vec![Diagnostic::error(
                    "policy/question",
                    "the files given with --policy hold no AccessPolicy",
                )]
            } else {
                read.findings.clone()
            },
        });
    }
    Ok(Membership {
        profile: profile.to_owned(),
        access,
        ..Membership::default()
    })
}

/// The policy that a membership made by [`by_profile`] refers to.
fn by_place(read: &Policies, reference: &str) -> Option<Arc<PolicyDocument>> {
    let at: usize = reference.strip_prefix("AccessPolicy/")?.parse().ok()?;
    read.policies.get(at).cloned()
}

/// The policy with the id by which the membership knows it.
fn as_stored(reference: &str, policy: &PolicyDocument) -> Option<Value> {
    let mut policy = policy.value()?.as_object()?.clone();
    let id = reference.rsplit('/').next().unwrap_or_default();
    policy.insert("id".to_owned(), Value::String(id.to_owned()));
    Some(Value::Object(policy))
}

/// The membership that is meant: the only one, or the one that `--member` names.
fn one_membership(read: &Policies, member: Option<&str>) -> Result<Membership, Failure> {
    let is_meant = |membership: &&Membership| {
        member.is_none_or(|member| {
            let id = member.strip_prefix("ProjectMembership/").unwrap_or(member);
            membership.profile == member || membership.id.as_deref() == Some(id)
        })
    };
    let meant: Vec<&Membership> = read.memberships.iter().filter(is_meant).collect();
    if let [membership] = meant.as_slice() {
        return Ok((*membership).clone());
    }
    let names: Vec<String> = read.memberships.iter().map(name).collect();
    let (message, help) = match (member, read.memberships.len()) {
        (_, 0) => (
            "there is no membership in the files".to_owned(),
            "give one with --membership, or the actor with --profile".to_owned(),
        ),
        (Some(member), _) if meant.is_empty() => (
            format!("no membership is `{member}`'s"),
            format!("the files have {}", names.join(", ")),
        ),
        (Some(member), _) => (
            format!("{} memberships are `{member}`'s", meant.len()),
            format!("name one by its id; the files have {}", names.join(", ")),
        ),
        (None, count) => (
            format!("{count} memberships in the files, one is needed"),
            format!("choose with --member: {}", names.join(", ")),
        ),
    };
    // What is merely worth knowing would bury what is asked for.
    let errors = read.findings.iter().filter(|finding| finding.is_error());
    let mut findings: Vec<Diagnostic> = errors.cloned().collect();
    findings.push(Diagnostic::error("policy/question", message).with_help(help));
    Err(Failure {
        exit: Exit::Usage,
        findings,
    })
}

fn name(membership: &Membership) -> String {
    match &membership.id {
        Some(id) => format!("`{}` (id `{id}`)", membership.profile),
        None => format!("`{}`", membership.profile),
    }
}
