//! What is remembered of the last run, in the folder `.fhirward` of the project: all that happened,
//! for `replay`, and what did not pass, for `run --last-failed`: scenarios by their names, and
//! snapshots of which there is no scenario by their files.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_harness::Suite;
use fhirward_harness::report::{Kind, Recorded, Report, Verdict, write_file};
use fhirward_harness::scenario::Scenario;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::output::{Failure, Output};

/// The folder. It keeps itself out of version control.
pub const FOLDER: &str = ".fhirward";
const FAILED: &str = "failed.json";
const LAST_RUN: &str = "last-run.jsonl";
const VERSION: u64 = 1;

/// What did not pass.
#[derive(Debug, Default)]
pub struct NotPassed {
    /// The names of scenarios.
    pub scenarios: BTreeSet<String>,
    /// The files of snapshots that belong to no scenario.
    pub obsolete: BTreeSet<String>,
}

impl NotPassed {
    /// Leaves of a suite what did not pass, as far as it is still there.
    pub fn narrow(&self, suite: &mut Suite) {
        suite
            .scenarios
            .retain(|scenario| self.scenarios.contains(&name(scenario)));
        suite
            .obsolete
            .retain(|file| self.obsolete.contains(&shown(file)));
    }
}

/// What tells that a folder is a project's own.
const MARKS: [&str; 3] = [FOLDER, "fhirward.toml", "scenarios"];

/// The memory of a project.
#[derive(Debug)]
pub struct Memory {
    folder: PathBuf,
}

/// `page/id`, which is what is remembered of a scenario.
pub fn name(scenario: &Scenario) -> String {
    format!("{}/{}", scenario.page, scenario.id)
}

impl Memory {
    /// Of the project that the working directory lies in, or of that directory itself.
    ///
    /// # Errors
    /// There is no working directory.
    pub fn here() -> Result<Self, Failure> {
        let here = std::env::current_dir().map_err(|error| {
            Failure::usage(Diagnostic::error(
                "run/no-folder",
                format!("the current directory cannot be read: {error}"),
            ))
        })?;
        let project = here
            .ancestors()
            .find(|folder| MARKS.iter().any(|mark| folder.join(mark).exists()))
            .unwrap_or(&here);
        Ok(Self {
            folder: project.join(FOLDER),
        })
    }

    /// The events of the last run, whether there was one or not.
    pub fn last_run(&self) -> PathBuf {
        self.folder.join(LAST_RUN)
    }

    /// What did not pass when it was last played.
    ///
    /// # Errors
    /// Nothing is known, or the file is broken.
    pub fn failed(&self) -> Result<NotPassed, Failure> {
        match self.read() {
            Ok(Some(failed)) => Ok(failed),
            Ok(None) => Err(Failure::usage(
                Diagnostic::error(
                    "run/last-failed",
                    format!(
                        "nothing is known of an earlier run: there is no `{}`",
                        self.folder.join(FAILED).display()
                    ),
                )
                .with_help("run once without --last-failed; jobs with CI set remember nothing"),
            )),
            Err(why) => Err(Failure::new(
                Exit::Invalid,
                Diagnostic::error(
                    "run/last-failed",
                    format!(
                        "`{}` cannot be read: {why}",
                        self.folder.join(FAILED).display()
                    ),
                )
                .with_help("delete it and run without --last-failed"),
            )),
        }
    }

    fn read(&self) -> Result<Option<NotPassed>, String> {
        let text = match fs::read_to_string(self.folder.join(FAILED)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if value.get("version").and_then(Value::as_u64) != Some(VERSION) {
            return Err(format!("it is not of version {VERSION}"));
        }
        Ok(Some(NotPassed {
            scenarios: names(&value, "failed")?.ok_or("it has no list `failed`")?,
            // Older versions knew nothing of them.
            obsolete: names(&value, "obsolete")?.unwrap_or_default(),
        }))
    }

    /// Remembers a run. What it did not play stays as it was; `whole` says that it was of everything,
    /// or of everything that had not passed. When that is not possible, somebody hears of it, and
    /// that is all.
    pub fn remember(&self, recorded: &[Recorded], whole: bool, output: Output) {
        if let Err(why) = self.write(recorded, whole) {
            let folder = self.folder.display();
            output.say(&format!("the run is not remembered in `{folder}`: {why}"));
        }
    }

    fn write(&self, recorded: &[Recorded], whole: bool) -> Result<(), String> {
        let events: Vec<_> = recorded.iter().map(|one| one.event.clone()).collect();
        let report = Report::of(&events);
        // A broken memory is replaced, not repaired.
        let mut failed = self.read().ok().flatten().unwrap_or_default();
        for scenario in &report.scenarios {
            let name = format!("{}/{}", scenario.info.page, scenario.info.id);
            if scenario.verdict == Verdict::Passed {
                failed.scenarios.remove(&name);
            } else {
                failed.scenarios.insert(name);
            }
        }
        if whole {
            failed.obsolete.clear();
        }
        failed.obsolete.extend(report.obsolete.iter().cloned());
        let text = Kind::Jsonl.render(recorded).map_err(|e| e.to_string())?;
        let memory = json!({
            "version": VERSION,
            "failed": failed.scenarios,
            "obsolete": failed.obsolete,
        });
        fs::create_dir_all(&self.folder).map_err(|e| e.to_string())?;
        self.put(".gitignore", "*\n")?;
        self.put(LAST_RUN, &text)?;
        self.put(FAILED, &format!("{memory:#}\n"))
    }

    fn put(&self, name: &str, text: &str) -> Result<(), String> {
        let file = self.folder.join(name);
        write_file(&file, text).map_err(|error| format!("{}: {error}", shown(&file)))
    }
}

/// A list of names; nothing where there is none.
fn names(value: &Value, key: &str) -> Result<Option<BTreeSet<String>>, String> {
    let Some(list) = value.get(key) else {
        return Ok(None);
    };
    let items = list.as_array().into_iter().flatten();
    let names: Option<BTreeSet<String>> =
        items.map(|name| name.as_str().map(str::to_owned)).collect();
    names
        .filter(|_| list.is_array())
        .map(Some)
        .ok_or_else(|| format!("`{key}` is no list of names"))
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}
