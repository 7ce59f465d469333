//! The question that `decide` and `explain` both answer: may this actor do this to that resource?

use std::borrow::Cow;
use std::net::IpAddr;
use std::path::PathBuf;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::policy::{
    Decision, Explanation, Interaction, IpDecision, Membership, Options, Policy, Request, Written,
};
use fhirward_engine::source::json::Document;
use serde_json::{Value, json};

use super::semantics::{self, Choice};
use super::who;
use crate::exit::Exit;
use crate::input;
use crate::output::Failure;

/// One question to a policy.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    who: who::WhoArgs,
    /// From where the actor signs in: the ipAccessRules are asked as well, and may refuse
    /// everything. Without it they are not.
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<IpAddr>,
    /// read, vread, history, search, create, update, patch or delete.
    #[arg(long, value_name = "INTERACTION")]
    interaction: Interaction,
    /// The resource as it is stored; for create, as it is sent. - is standard input.
    #[arg(long, value_name = "FILE")]
    resource: PathBuf,
    /// For update the resource as it is sent, for patch as the patch makes it. What the policy hides
    /// or makes read-only is put back as it is stored, and then it is decided.
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
    /// For a Binary with a securityContext: that resource. Without it the context counts as one that
    /// cannot be read.
    #[arg(long, value_name = "FILE")]
    context: Option<PathBuf>,
    /// For vread and history: the old version. Without it, the current one.
    #[arg(long, value_name = "FILE")]
    version: Option<PathBuf>,
    /// Whose answer: documented, r4, medplum-VERSION (such as medplum-5.0 or medplum-5.1.11), or all.
    /// May be repeated; shows the paths of the interaction and where the answers part.
    #[arg(long, value_name = "NAME", value_parser = semantics::choice, conflicts_with_all = ["scope", "ip", "context"])]
    pub semantics: Vec<Choice>,
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
    /// Whether the actor may sign in from the address that was given.
    pub sign_in: Option<IpDecision>,
    /// The same question for several semantics.
    pub several: fhirward_engine::semantics::Question,
    interaction: Interaction,
    resource: Value,
    other: Option<Value>,
    written: Option<Written>,
    context: Option<Value>,
    base_url: Option<String>,
}

impl Question {
    /// Reads the files.
    pub fn read(args: &Args) -> Result<Self, Failure> {
        check_combination(args)?;
        let who::Who {
            policy,
            findings,
            membership,
            stored,
        } = who::Who::read(&args.who)?;
        let other = match (&args.result, &args.version) {
            (Some(path), _) | (None, Some(path)) => Some(resource(path)?),
            (None, None) => None,
        };
        let state = resource(&args.resource)?;
        let question = Self {
            several: several(&membership, stored, args, &state, other.clone()),
            sign_in: args.ip.map(|ip| policy.admits(Some(&ip.to_string()))),
            written: policy.written(args.interaction, &state, other.as_ref()),
            policy,
            findings,
            profile: membership.profile,
            interaction: args.interaction,
            resource: state,
            other,
            context: args.context.as_deref().map(resource).transpose()?,
            base_url: args.who.base_url().map(str::to_owned),
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
    fn request(&self) -> Request<'_> {
        let result = self.written.as_ref().map(|written| &written.result);
        match (result, self.interaction) {
            (Some(result), Interaction::Create) => Request::Create(result),
            _ => Request::about(
                self.interaction,
                &self.resource,
                result.or(self.other.as_ref()),
            ),
        }
    }

    /// The fields for which a write would store something else than is sent.
    pub fn kept(&self) -> &[String] {
        self.written
            .as_ref()
            .map_or(&[], |written| written.kept.as_slice())
    }

    /// The decision.
    pub fn decide(&self) -> Decision {
        let base = self.base_url.as_deref();
        self.policy
            .decide_with(&self.request(), base, &|wanted| self.find(wanted))
    }

    /// The decision with its reasons.
    pub fn explain(&self) -> Explanation {
        let base = self.base_url.as_deref();
        self.policy
            .explain_with(&self.request(), base, &|wanted| self.find(wanted))
            .with_kept(self.kept().to_vec())
    }

    /// The security context, if that is what is wanted.
    fn find(&self, wanted: &str) -> Option<Cow<'_, Value>> {
        let context = self.context.as_ref()?;
        (name_of(context) == wanted).then_some(Cow::Borrowed(context))
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

    /// Adds what the ipAccessRules say, where they were asked.
    pub fn add_sign_in(&self, document: &mut Value) {
        if let (Some(sign_in), Some(document)) = (&self.sign_in, document.as_object_mut()) {
            document.insert("sign_in".to_owned(), json!(sign_in));
        }
    }

    /// Why the actor may not even sign in, if so.
    pub fn refused_sign_in(&self) -> Option<&str> {
        let decision = self
            .sign_in
            .as_ref()
            .filter(|decision| !decision.admitted)?;
        Some(&decision.reason)
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
        .who
        .files()
        .chain([&args.resource])
        .chain(&args.result)
        .chain(&args.version)
        .chain(&args.context);
    if inputs.filter(|path| input::is_stdin(path)).count() > 1 {
        return wrong(
            "`-` is given more than once".to_owned(),
            "standard input can be read once; put the others into files",
        );
    }
    if writes && args.result.is_none() {
        return wrong(
            format!("`{}` needs --result", args.interaction),
            "a write is decided on the resource before and after it; give the resource as it is \
             sent, or as the patch makes it",
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
    let file = input::read(path)?;
    let document =
        Document::parse(&file).map_err(|fault| invalid(crate::notation::explain(&file, fault)))?;
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
    membership: &Membership,
    stored: Vec<Value>,
    args: &Args,
    resource: &Value,
    other: Option<Value>,
) -> fhirward_engine::semantics::Question {
    let membership = semantics::membership(membership);
    let options = Options {
        base_url: args.who.base_url().map(str::to_owned),
    };
    fhirward_engine::semantics::Question::new(&membership, stored, args.interaction, resource)
        .with_other(other)
        .with_options(options)
}
