//! What an actor sees on a FHIR server.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_harness::actor::{NotThem, StaticAuth, is_them};
use fhirward_harness::client::{
    Acting, Auth, Client, ClientError, Credentials, Found, Limits, Redactor, WhoAmIKind,
};
use serde_json::Value;

use super::inputs::Inputs;
use crate::commands::secret;
use crate::commands::server_options::{Reached, TransportOptions, Wanted};
use crate::exit::Exit;
use crate::output::{Failure, Output};
use crate::render;

/// What rules look at, besides the Communications themselves, and what is silent without it.
const BESIDES: [&str; 3] = ["Task", "Encounter", "Provenance"];

/// A server instead of files.
#[derive(Debug, clap::Args)]
pub struct Remote {
    /// Instead of files: the server to fetch from, its address, or the name of one in
    /// `fhirward.toml`. Everything that the actor sees there is checked.
    // It conflicts with files, but clap must not know: what requires an option is let off by clap
    // where that option conflicts with what is given. `Args::one_input` refuses the two.
    #[arg(long, value_name = "URL|NAME")]
    server: Option<String>,
    /// The id of the actor's client on it. Without one of --client, --token-env, --as-admin and
    /// --as-actor nobody is signed in.
    #[arg(long, value_name = "ID", requires_all = ["server", "secret_env"])]
    client: Option<String>,
    /// The environment variable that holds the client's secret.
    #[arg(long, value_name = "NAME", requires = "client")]
    secret_env: Option<String>,
    /// The environment variable that holds a bearer token of the actor.
    #[arg(
        long,
        value_name = "NAME",
        requires = "server",
        conflicts_with = "client"
    )]
    token_env: Option<String>,
    /// Sign in as the admin that the server's section in `fhirward.toml` has: what is checked is
    /// everything in the project.
    #[arg(long, requires = "server", conflicts_with_all = ["client", "token_env", "as_actor"])]
    as_admin: bool,
    /// Sign in as an actor of the server's section in `fhirward.toml`, or of the file of --actors.
    #[arg(long, value_name = "NAME", requires = "server", conflicts_with_all = ["client", "token_env"])]
    as_actor: Option<String>,
    /// A file that says who the actors are, YAML or TOML, for --as-actor.
    #[arg(long, value_name = "FILE", requires = "as_actor")]
    actors: Option<PathBuf>,
    /// The token endpoint, where it is not `oauth2/token` on the server.
    #[arg(long, value_name = "URL", requires = "client")]
    token_url: Option<url::Url>,
    /// Who the actor has to be for the server, such as Practitioner/alice; anybody else is refused.
    #[arg(long, value_name = "TYPE/ID", requires = "server")]
    actor: Option<String>,
    /// Fetch the older versions as well, for the rules that need history: one request for each
    /// Communication and Task.
    #[arg(long, requires = "server")]
    history: bool,
    /// Entries to ask for in each page of a search.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000), requires = "server")]
    page_size: u32,
    /// Pages of one search that are followed; a server with more ends the check.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..), requires = "server")]
    max_pages: u32,
    /// How long to wait for an answer.
    #[arg(long, value_name = "SECS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600), requires = "server")]
    timeout: u64,
    #[command(flatten)]
    transport: TransportOptions,
}

/// What the actor sees.
#[derive(Debug)]
pub struct Fetched {
    /// A resource each.
    pub answers: Inputs,
    /// Who the actor is, for people.
    pub signed_in_as: String,
    /// What the server refused to give, and what is therefore not checked.
    pub not_given: Vec<String>,
}

/// Who signs in.
#[derive(Debug)]
struct SignIn {
    /// For people; nobody where nobody signs in.
    who: Option<String>,
    /// Who an actor has to be for the server, `Type/id`.
    reference: Option<String>,
    /// Whether they may be an admin of the project.
    bypass: bool,
    /// Whether a line says so: what the options themselves name need not be repeated.
    is_said: bool,
}

impl SignIn {
    fn by_options(who: String) -> Self {
        SignIn {
            who: Some(who),
            reference: None,
            bypass: false,
            is_said: false,
        }
    }
}

impl Remote {
    /// Whether a server is named.
    pub fn is_named(&self) -> bool {
        self.server.is_some()
    }

    /// What the actor sees; `None` where no server is named.
    ///
    /// # Errors
    /// An address or a secret that cannot be used; a server that cannot be reached, refuses, or
    /// gives an incomplete answer: what it did not say cannot be checked.
    pub fn fetch(&self, people: Output) -> Result<Option<Fetched>, Failure> {
        let Some(server) = &self.server else {
            return Ok(None);
        };
        let (client, sign_in) = self.client_of(server, people)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| could_not("thread/no-runtime", &error.to_string()))?;
        let (signed_in_as, (file, not_given)) = runtime.block_on(async {
            let signed_in_as = self.signed_in(&client, sign_in, people).await?;
            Ok::<_, Failure>((signed_in_as, self.all(&client).await?))
        })?;
        let name = client.target().base_url.as_str();
        Ok(Some(Fetched {
            answers: Inputs::of_answers(name, file),
            signed_in_as,
            not_given,
        }))
    }

    /// The client, before it signs in, and who it shall be.
    fn client_of(&self, server: &str, people: Output) -> Result<(Client, SignIn), Failure> {
        let wanted = match &self.as_actor {
            Some(name) => Wanted::Actor(name),
            None if self.as_admin => Wanted::Admin,
            None => Wanted::Nobody,
        };
        let actors = self.actors.as_deref();
        let Reached {
            mut target,
            auth,
            who,
            reference,
            bypass,
            could_be,
        } = self.transport.reach(server, &wanted, actors)?;
        if let Some(url) = &self.token_url {
            target.token_url = Some(url.clone());
        }
        let limits = Limits {
            request: Duration::from_secs(self.timeout),
            response_bytes: 64 * 1024 * 1024,
            pages: usize::try_from(self.max_pages).unwrap_or(usize::MAX),
            ..Limits::default()
        };
        let (target, redactor) = (Arc::new(target), Redactor::default());
        let client = |auth: Auth| {
            let client = Client::new(&target, auth, limits, &redactor);
            client.map_err(|error| failed(&error))
        };
        if let (Some(id), Some(variable)) = (&self.client, &self.secret_env) {
            let client = client(Auth::client(Credentials {
                id: id.clone(),
                secret: secret::from_env(variable)?,
            }))?;
            return Ok((client, SignIn::by_options(format!("the client {id}"))));
        }
        if let Some(variable) = &self.token_env {
            let client = client(Auth::Bearer(secret::from_env(variable)?))?;
            let who = format!("the owner of the token in {variable}");
            return Ok((client, SignIn::by_options(who)));
        }
        if who.is_none() {
            people.say(&as_nobody(&could_be));
        }
        let client = match auth {
            StaticAuth::Own(auth) => client(auth)?,
            StaticAuth::Behind(member) => {
                let admin = Box::new(client(target.admin.clone())?);
                client(Auth::OnBehalfOf { admin, member })?
            }
        };
        let sign_in = SignIn {
            who,
            reference,
            // Whoever asks for the admin's view is told that it is one.
            bypass: bypass || self.as_admin,
            is_said: true,
        };
        Ok((client, sign_in))
    }

    /// Signs in, and makes sure that the server takes the actor for who they are: with somebody
    /// else's credentials it would be somebody else's view that is checked. Returns who it is, for
    /// people.
    async fn signed_in(
        &self,
        client: &Client,
        sign_in: SignIn,
        people: Output,
    ) -> Result<String, Failure> {
        client.sign_in().await.map_err(|error| failed(&error))?;
        let SignIn {
            who,
            reference,
            bypass,
            is_said,
        } = sign_in;
        let says = if reference.is_some() || self.actor.is_some() {
            client.acting().await.map_err(|error| failed(&error))?
        } else {
            None
        };
        if let (Some(wanted), Some(says)) = (&reference, &says) {
            let help = format!(
                "use the credentials of `{wanted}`, or correct the `reference` where the actor's \
                 credentials stand"
            );
            let no_admin =
                "use a login without admin rights, or declare `bypass: true` of the actor";
            right(says, wanted, bypass, &help, no_admin)?;
        }
        if let Some(wanted) = &self.actor {
            let help = "use the credentials of that actor, or leave --actor out";
            let Some(says) = &says else {
                return Err(other_actor(None, wanted, help));
            };
            let no_admin =
                "use a login without admin rights, or leave --actor out to check as an admin";
            right(says, wanted, bypass, help, no_admin)?;
        }
        let Some(mut who) = who else {
            return Ok("nobody".to_owned());
        };
        if reference.is_some() && says.is_none() {
            let profile = &client.target().profile;
            let why = match profile.who_am_i.kind {
                WhoAmIKind::None => format!(
                    "the server was not asked who that is: the profile `{}` has no who-am-i",
                    profile.name
                ),
                WhoAmIKind::Medplum | WhoAmIKind::Userinfo => {
                    "the server was asked who that is and does not say".to_owned()
                }
            };
            who = format!("{who}; {why}");
        }
        if is_said {
            people.say(&format!("signed in as {who}"));
        }
        Ok(who)
    }

    /// What there is, and what the server refused to give.
    async fn all(&self, client: &Client) -> Result<(File, Vec<String>), Failure> {
        let mut not_given = Vec::new();
        let mut kept = Kept::new().map_err(|error| unkept(&error))?;
        let most = client.target().profile.search.page_max;
        let count = self.page_size.min(most.unwrap_or(u32::MAX));
        for kind in ["Communication"].into_iter().chain(BESIDES) {
            let path = format!("{kind}?_count={count}");
            let end = client
                .search_pages(&path, &mut |page| kept.page(page))
                .await
                .map_err(|error| failed(&error))?;
            if !end.is_success() {
                let code = end.outcome.map(|code| format!(", {code}"));
                let code = code.unwrap_or_default();
                let message = format!("GET {path}: the server answers {}{code}", end.status);
                if kind == "Communication" || end.status == 401 {
                    let finding = Diagnostic::error("thread/refused", message);
                    let help =
                        "may this actor search Communications, and are the credentials right?";
                    return Err(Failure::new(Exit::CouldNotRun, finding.with_help(help)));
                }
                not_given.push(format!("{message}; what needs a {kind} is not checked"));
            }
        }
        if self.history {
            not_given.extend(self.histories(client, &mut kept).await?);
        }
        let file = kept.end().map_err(|error| unkept(&error))?;
        Ok((file, not_given))
    }

    /// The older versions of what was found, whose newest are known; what was refused of them.
    async fn histories(&self, client: &Client, kept: &mut Kept) -> Result<Option<String>, Failure> {
        let mut refused = 0;
        let wanted = std::mem::take(&mut kept.with_history);
        let all = wanted.len();
        for reference in wanted {
            let path = format!("{reference}/_history");
            let end = client
                .search_pages(&path, &mut |page| kept.page(page))
                .await
                .map_err(|error| failed(&error))?;
            refused += usize::from(!end.is_success());
        }
        Ok((refused > 0).then(|| {
            format!(
                "{refused} of {} not given to this actor; what needs older versions is not checked \
                 of these",
                render::counted(all, "history is", "histories are")
            )
        }))
    }
}

/// What was fetched, a resource a line, in a file without a name.
struct Kept {
    file: BufWriter<File>,
    /// `Type/id/version` of each: while pages are turned, resources move from one to the next.
    seen: HashSet<String>,
    with_history: Vec<String>,
    broken: Option<io::Error>,
}

impl Kept {
    fn new() -> io::Result<Self> {
        Ok(Kept {
            file: BufWriter::new(tempfile::tempfile()?),
            seen: HashSet::new(),
            with_history: Vec::new(),
            broken: None,
        })
    }

    fn page(&mut self, page: Found) {
        for resource in page.matches.iter().chain(&page.included) {
            let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str);
            if let (Some(kind), Some(id)) = (text("/resourceType"), text("/id")) {
                let version = text("/meta/versionId").unwrap_or_default();
                if !self.seen.insert(format!("{kind}/{id}/{version}")) {
                    continue;
                }
                if matches!(kind, "Communication" | "Task") {
                    self.with_history.push(format!("{kind}/{id}"));
                }
            }
            if let Err(error) = writeln!(self.file, "{resource}") {
                self.broken.get_or_insert(error);
            }
        }
    }

    fn end(mut self) -> io::Result<File> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        self.file.flush()?;
        self.file.into_inner().map_err(|error| error.into_error())
    }
}

fn as_nobody(could_be: &[String]) -> String {
    let options = match could_be {
        [] => "--client with --secret-env, or --token-env, signs somebody in".to_owned(),
        options => format!(
            "fhirward.toml has the credentials for {}",
            options.join(", ")
        ),
    };
    format!("nobody is signed in: only what the server shows to everybody is checked; {options}")
}

/// Refuses whom `run` refuses.
fn right(
    says: &Acting,
    wanted: &str,
    bypass: bool,
    help: &str,
    no_admin: &str,
) -> Result<(), Failure> {
    match is_them(says, wanted, bypass) {
        Ok(()) => Ok(()),
        Err(NotThem::Other) => Err(other_actor(Some(&says.reference), wanted, help)),
        Err(NotThem::Admin) => {
            let text =
                format!("the server takes `{wanted}` for an admin, for whom no policy counts");
            let finding = Diagnostic::error("thread/admin", text);
            Err(Failure::new(Exit::CouldNotRun, finding.with_help(no_admin)))
        }
    }
}

fn other_actor(says: Option<&str>, wanted: &str, help: &str) -> Failure {
    let text = match says {
        Some(who) => format!("the server says that `{who}` is signed in, not `{wanted}`"),
        None => format!("the server does not say who is signed in, so not that it is `{wanted}`"),
    };
    let finding = Diagnostic::error("thread/other-actor", text);
    Failure::new(Exit::CouldNotRun, finding.with_help(help))
}

fn failed(error: &ClientError) -> Failure {
    let finding = Diagnostic::error("thread/server", error.to_string());
    Failure::new(Exit::CouldNotRun, finding.with_help(error.help()))
}

fn unkept(error: &io::Error) -> Failure {
    could_not(
        "thread/temporary-file",
        &format!("what the server answers cannot be kept in a temporary file: {error}"),
    )
}

fn could_not(code: &'static str, why: &str) -> Failure {
    Failure::new(Exit::CouldNotRun, Diagnostic::error(code, why))
}
