//! The `fhirward` command: arguments, files and printing. Every decision is made elsewhere.

mod commands;
mod config;
mod exit;
mod findings;
mod input;
mod lines;
mod notation;
mod output;
mod progress;
mod render;
mod signal;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::{clean, init, policy, replay, review, run, scenario, serve, thread};
use exit::Exit;
use fhirward_engine::diagnostic::Diagnostic;
use output::{Failure, Format, Output};

/// What a worker parses is freed by the worker, but findings and batches cross over, for which the
/// system's allocator makes threads wait for each other; and it gives memory back late.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Who can see what, and does the server agree?
#[derive(Debug, Parser)]
#[command(
    name = "fhirward",
    version,
    after_help = exit::HELP,
    disable_help_subcommand = true
)]
struct Cli {
    /// Who reads the result: a person, or a program (one document on standard output).
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(after_help = exit::HELP)]
    Run(Box<run::Args>),
    #[command(after_help = exit::HELP)]
    Clean(Box<clean::Args>),
    #[command(after_help = exit::HELP)]
    Replay(replay::Args),
    #[command(after_help = exit::HELP)]
    Review(review::Args),
    #[command(after_help = exit::HELP)]
    Serve(serve::Args),
    #[command(after_help = exit::HELP)]
    Init(init::Args),
    /// Write, check and format scenarios.
    #[command(subcommand)]
    Scenario(Scenario),
    /// Check AccessPolicies, and ask them for decisions.
    #[command(subcommand)]
    Policy(Policy),
    /// Check Communications and the threads they form.
    #[command(subcommand)]
    Thread(Thread),
}

#[derive(Debug, Subcommand)]
enum Scenario {
    #[command(after_help = exit::HELP)]
    Check(scenario::check::Args),
    #[command(after_help = exit::HELP)]
    Fmt(scenario::fmt::Args),
    #[command(after_help = exit::HELP)]
    Docs(scenario::docs::Args),
    #[command(after_help = exit::HELP)]
    New(scenario::new::Args),
}

#[derive(Debug, Subcommand)]
enum Policy {
    #[command(after_help = exit::HELP)]
    Check(Box<policy::check::Args>),
    /// Ask whether an interaction is allowed; the exit code is the answer: 0 yes, 4 no.
    #[command(after_help = exit::HELP)]
    Decide(Box<policy::question::Args>),
    /// Show why an interaction is allowed or not: each entry, each filter, the nearest miss.
    #[command(after_help = exit::HELP)]
    Explain(Box<policy::question::Args>),
    #[command(after_help = exit::HELP)]
    Resolve(Box<policy::resolve::Args>),
    #[command(after_help = exit::HELP)]
    Filter(Box<policy::filter::Args>),
    #[command(after_help = exit::HELP)]
    Replay(Box<policy::replay::Args>),
}

#[derive(Debug, Subcommand)]
enum Thread {
    #[command(after_help = exit::HELP)]
    Check(Box<thread::check::Args>),
    #[command(after_help = exit::HELP)]
    Show(thread::show::Args),
    #[command(after_help = exit::HELP)]
    Graph(thread::graph::Args),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Clap ends with 2 on a bad command line, which means something else here.
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Ok
            };
            return match error.print() {
                Ok(()) => exit.into(),
                Err(_) => Exit::CouldNotRun.into(),
            };
        }
    };
    let output = Output::new(cli.format);
    let ended = refuse_format(&cli).and_then(|()| match &cli.command {
        Command::Run(args) => run::run(args, output),
        Command::Replay(args) => replay::run(args, output),
        Command::Clean(args) => clean::run(args, output),
        Command::Review(args) => review::run(args, output),
        Command::Serve(args) => serve::run(args, output),
        Command::Scenario(Scenario::Check(args)) => scenario::check::run(args, output),
        Command::Scenario(Scenario::Fmt(args)) => scenario::fmt::run(args, output),
        Command::Scenario(Scenario::Docs(args)) => scenario::docs::run(args, output),
        Command::Scenario(Scenario::New(args)) => scenario::new::run(args, output),
        Command::Init(args) => init::run(args, output),
        Command::Policy(Policy::Check(args)) => policy::check::run(args, output),
        Command::Policy(Policy::Decide(args)) => policy::decide::run(args, output),
        Command::Policy(Policy::Explain(args)) => policy::explain::run(args, output),
        Command::Policy(Policy::Resolve(args)) => policy::resolve::run(args, output),
        Command::Policy(Policy::Filter(args)) => policy::filter::run(args, output),
        Command::Policy(Policy::Replay(args)) => policy::replay::run(args, output),
        Command::Thread(Thread::Check(args)) => thread::check::run(args, output),
        Command::Thread(Thread::Show(args)) => thread::show::run(args, output),
        Command::Thread(Thread::Graph(args)) => thread::graph::run(args, output),
    });
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => output.failure(&failure).into(),
    }
}

/// A command with nothing to point at in files has nothing to say in these formats.
fn refuse_format(cli: &Cli) -> Result<(), Failure> {
    let finds = matches!(
        cli.command,
        Command::Policy(Policy::Check(_))
            | Command::Thread(Thread::Check(_))
            | Command::Scenario(Scenario::Check(_))
    );
    if finds || !cli.format.is_of_findings() {
        return Ok(());
    }
    let help = if matches!(cli.command, Command::Run(_) | Command::Replay(_)) {
        "a run is written with `--report KIND=FILE`, `-` for standard output: `--report junit=-`"
    } else {
        "`sarif`, `github`, `junit` and `html` are for `policy check`, `thread check` and `scenario check`"
    };
    Err(Failure::usage(
        Diagnostic::error(
            "usage/format",
            "this command writes `human` or `json` and no other format",
        )
        .with_help(help),
    ))
}
