//! The question that `decide` and `explain` both answer: may this actor do this to that resource?

use std::path::PathBuf;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::policy::{
    Access, Assembled, Interaction, Membership, Options, Parameter, ParameterValue, Policy,
    Request, assemble,
};
use fhirward_engine::source::json::Document;
use serde_json::{Value, json};

use super::files::{self, Policies};
use super::semantics::{self, Choice};
use crate::exit::Exit;
use crate::input;
use crate::output::Failure;

/// One question to a policy.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("who").required(true))]
pub struct Args {
    /// Policy files, in the order in which a membership would list them.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    policy: Vec<PathBuf>,
    /// A ProjectMembership: who asks, with which policies and parameters.
    #[arg(long, value_name = "FILE", group = "who")]
    membership: Option<PathBuf>,
    /// Who asks, when there is no membership: all the policies apply.
    #[arg(long, value_name = "TYPE/ID", group = "who", value_parser = profile)]
    profile: Option<String>,
    /// A parameter for --profile, as a membership would give it. May be repeated.
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "membership", value_parser = parameter)]
    parameter: Vec<(String, String)>,
    /// read, vread, history, search, create, update, patch or delete.
    #[arg(long, value_name = "INTERACTION")]
    interaction: Interaction,
    /// The resource as it is stored; for create, as it will be. - is standard input.
    #[arg(long, value_name = "FILE")]
    resource: PathBuf,
    /// For update and patch: the resource as it will be.
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
    /// For vread and history: the old version. Without it, the current one.
    #[arg(long, value_name = "FILE")]
    version: Option<PathBuf>,
    /// The server's FHIR base: stored absolute references on it count as relative ones.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Whose answer: documented, r4, medplum-VERSION (such as medplum-5.0 or medplum-5.1.11), or all.
    /// May be repeated; shows the paths of the interaction and where the answers part.
    #[arg(long, value_name = "NAME", value_parser = semantics::choice)]
    pub semantics: Vec<Choice>,
}

fn profile(text: &str) -> Result<String, String> {
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

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.trim_start_matches('%').to_owned(), value.to_owned()))
        }
        _ => Err("write NAME=VALUE, for example organization=Organization/north".to_owned()),
    }
}

/// The question with everything it needs read.
#[derive(Debug)]
pub struct Question {
    /// The actor's policy.
    pub policy: Policy,
    /// What is wrong with the policies; they deny where it matters.
    pub findings: Vec<Diagnostic>,
    /// Who asks.
    pub profile: String,
    /// The same question for several semantics.
    pub several: fhirward_engine::semantics::Question,
    interaction: Interaction,
    resource: Value,
    other: Option<Value>,
}

impl Question {
    /// Reads the files.
    pub fn read(args: &Args) -> Result<Self, Failure> {
        check_combination(args)?;
        let mut read = Policies::default();
        for path in &args.policy {
            read.add(&input::read(path)?);
        }
        if let Some(path) = &args.membership {
            read.add(&input::read(path)?);
        }
        let options = Options {
            base_url: args.base_url.clone(),
        };
        let (membership, assembled) = match &args.profile {
            Some(profile) => by_profile(&read, profile, &args.parameter, &options)?,
            None => by_membership(&read, &options)?,
        };
        let mut findings = read.findings.clone();
        // Said of a policy by itself; here a membership is known, and it either gives the value or
        // the assembly has the error.
        findings.retain(|finding| finding.code != "criteria/parameter");
        files::add_new(&mut findings, assembled.diagnostics);
        let other = match (&args.result, &args.version) {
            (Some(path), _) | (None, Some(path)) => Some(resource(path)?),
            (None, None) => None,
        };
        let state = resource(&args.resource)?;
        let question = Self {
            several: several(&read, &membership, args, &state, other.clone(), options),
            policy: assembled.policy,
            findings,
            profile: membership.profile,
            interaction: args.interaction,
            resource: state,
            other,
        };
        question.check_same_resource()?;
        Ok(question)
    }

    /// Both states must be of one resource, or the answer would be about neither.
    fn check_same_resource(&self) -> Result<(), Failure> {
        let Some(other) = &self.other else {
            return Ok(());
        };
        let differs = |key| match (self.resource.get(key), other.get(key)) {
            (Some(one), Some(another)) => one != another,
            _ => false,
        };
        if !differs("resourceType") && !differs("id") {
            return Ok(());
        }
        let option = match self.interaction {
            Interaction::Update | Interaction::Patch => "--result",
            _ => "--version",
        };
        Err(Failure::usage(
            Diagnostic::error(
                "policy/question",
                format!(
                    "{option} is {}, --resource is {}",
                    name_of(other),
                    self.target()
                ),
            )
            .with_help("both are states of one resource: the same type, the same id"),
        ))
    }

    /// The request as the engine takes it.
    pub fn request(&self) -> Request<'_> {
        let resource = &self.resource;
        let other = self.other.as_ref().unwrap_or(resource);
        match self.interaction {
            Interaction::Read => Request::Read(resource),
            Interaction::Search => Request::Search(resource),
            Interaction::Vread => Request::Vread {
                current: resource,
                version: other,
            },
            Interaction::History => Request::History {
                current: resource,
                version: other,
            },
            Interaction::Create => Request::Create(resource),
            Interaction::Update => Request::Update {
                existing: resource,
                result: other,
            },
            Interaction::Patch => Request::Patch {
                existing: resource,
                result: other,
            },
            Interaction::Delete => Request::Delete(resource),
        }
    }

    /// `Practitioner/x read Communication/y`
    pub fn sentence(&self) -> String {
        format!("{} {} {}", self.profile, self.interaction, self.target())
    }

    /// The question as data.
    pub fn data(&self) -> Value {
        json!({
            "profile": self.profile,
            "interaction": self.interaction.to_string(),
            "resource": self.target(),
        })
    }

    fn target(&self) -> String {
        name_of(&self.resource)
    }

    /// An invalid policy is the worst answer, whatever it decides.
    pub fn exit(&self, otherwise: Exit) -> Exit {
        if self.findings.iter().any(Diagnostic::is_error) {
            Exit::Invalid
        } else {
            otherwise
        }
    }
}

/// `Type/id`, or the type of a resource that has no id.
fn name_of(resource: &Value) -> String {
    let text = |key| resource.get(key).and_then(Value::as_str);
    let resource_type = text("resourceType").unwrap_or("resource without a type");
    match text("id") {
        Some(id) => format!("{resource_type}/{id}"),
        None => resource_type.to_owned(),
    }
}

fn check_combination(args: &Args) -> Result<(), Failure> {
    let writes = matches!(args.interaction, Interaction::Update | Interaction::Patch);
    let old = matches!(args.interaction, Interaction::Vread | Interaction::History);
    let wrong = |message: String, help: &str| {
        Err(Failure::usage(
            Diagnostic::error("policy/question", message).with_help(help),
        ))
    };
    let inputs = args
        .policy
        .iter()
        .chain(&args.membership)
        .chain([&args.resource])
        .chain(&args.result)
        .chain(&args.version);
    if inputs.filter(|path| input::is_stdin(path)).count() > 1 {
        return wrong(
            "`-` is given more than once".to_owned(),
            "standard input can be read once; put the others into files",
        );
    }
    if writes && args.result.is_none() {
        return wrong(
            format!("`{}` needs --result", args.interaction),
            "a write is decided on the resource before and after it; give the resource as it would \
             be stored",
        );
    }
    if !writes && args.result.is_some() {
        return wrong(
            format!("`{}` takes no --result", args.interaction),
            "--result is the resource after an update or patch",
        );
    }
    if !old && args.version.is_some() {
        return wrong(
            format!("`{}` takes no --version", args.interaction),
            "--version is the old version that vread or history shows",
        );
    }
    Ok(())
}

fn resource(path: &std::path::Path) -> Result<Value, Failure> {
    let invalid = |finding| Failure::new(Exit::Invalid, finding);
    let document = Document::parse(&input::read(path)?).map_err(invalid)?;
    if let Some(repeated) = document.repeated_keys().first() {
        return Err(invalid(repeated.clone()));
    }
    let value = document.value();
    if value.get("resourceType").and_then(Value::as_str) == Some("Bundle") {
        return Err(Failure::usage(
            Diagnostic::error(
                "policy/question",
                format!("`{}` is a Bundle", document.source().name),
            )
            .with_help("a question is about one resource: give one entry's `resource`"),
        ));
    }
    if value.get("resourceType").is_some_and(Value::is_string) {
        return Ok(value.clone());
    }
    let mut finding = Diagnostic::error("policy/question", "this is no FHIR resource")
        .with_source(document.source())
        .with_help("a resource is a JSON object with a `resourceType`");
    if let Some(span) = document.span_of("") {
        finding = finding.with_label(
            fhirward_engine::source::Span::new(span.start, span.start + 1),
            "",
        );
    }
    Err(invalid(finding))
}

/// The question with the membership and the policies as they would be stored.
fn several(
    read: &Policies,
    membership: &Membership,
    args: &Args,
    resource: &Value,
    other: Option<Value>,
    options: Options,
) -> fhirward_engine::semantics::Question {
    let mut policies: Vec<Value> = Vec::new();
    for (at, access) in membership.access.iter().enumerate() {
        let id = access.policy.rsplit('/').next().unwrap_or_default();
        let document = match args.profile {
            Some(_) => read.policies.get(at).cloned(),
            None => read.find(&access.policy),
        };
        if let Some(Value::Object(mut policy)) = document.and_then(|d| d.value().cloned()) {
            policy.insert("id".to_owned(), Value::String(id.to_owned()));
            policies.push(Value::Object(policy));
        }
    }
    let membership = semantics::membership(membership);
    let interaction = args.interaction;
    fhirward_engine::semantics::Question::new(&membership, policies, interaction, resource)
        .with_other(other)
        .with_options(options)
}

/// All the policies, for a profile of which no membership is at hand.
fn by_profile(
    read: &Policies,
    profile: &str,
    parameters: &[(String, String)],
    options: &Options,
) -> Result<(Membership, Assembled), Failure> {
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
    let membership = Membership {
        profile: profile.to_owned(),
        access,
        ..Membership::default()
    };
    let find = |reference: &str| {
        let at: usize = reference.strip_prefix("AccessPolicy/")?.parse().ok()?;
        read.policies.get(at).cloned()
    };
    let assembled = assemble(&membership, &find, options);
    Ok((membership, assembled))
}

fn by_membership(read: &Policies, options: &Options) -> Result<(Membership, Assembled), Failure> {
    match read.memberships.as_slice() {
        [membership] => {
            let assembled = assemble(membership, &|reference| read.find(reference), options);
            Ok((membership.clone(), assembled))
        }
        memberships => {
            let mut findings = read.findings.clone();
            findings.push(
                Diagnostic::error(
                    "policy/question",
                    format!(
                        "{} memberships in the files, one is needed",
                        memberships.len()
                    ),
                )
                .with_help("give one with --membership, or the actor with --profile"),
            );
            Err(Failure {
                exit: Exit::Usage,
                findings,
            })
        }
    }
}
