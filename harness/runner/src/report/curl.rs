//! The same request once more, by hand. Tokens, the server and the ids of a run are variables of the
//! shell, so that nothing of the run is in it.

use super::event::{Cell, StepReport};

/// What the variables of the commands stand for.
pub(super) const LEGEND: &str = "`$FHIR_BASE` is the server's FHIR base, `$TOKEN_ALICE` an access \
token of alice, and a name such as `$THREAD` the reference of what the scenario calls thread, \
`Communication/<id>`.";

/// The request of a step, where it is one.
pub(super) fn of_step(step: &StepReport) -> Option<String> {
    let target = url(&step.target);
    let (method, path, sends) = match &*step.verb {
        "create" => ("POST", target, Some("application/fhir+json")),
        "read" | "vread" | "search" => ("GET", target, None),
        "history" => ("GET", format!("{target}/_history"), None),
        "update" | "upsert" => ("PUT", target, Some("application/fhir+json")),
        "patch" => ("PATCH", target, Some("application/json-patch+json")),
        "delete" => ("DELETE", target, None),
        "batch" | "transaction" => ("POST", String::new(), Some("application/fhir+json")),
        _ => return None,
    };
    let mut text = String::from("curl -sS");
    if method != "GET" {
        text.push_str(&format!(" -X {method}"));
    }
    text.push_str(&format!(" {}", address(&path)));
    text.push_str(&format!(" \\\n  -H {}", authorization(&step.actor)));
    if let Some(kind) = sends {
        text.push_str(&format!(
            " \\\n  -H \"Content-Type: {kind}\" \\\n  --data-binary @body.json"
        ));
        text.push_str(&format!(
            "  # body and conditions as in {}:{}",
            comment(&step.file),
            step.line
        ));
    }
    Some(text)
}

/// Both ways of looking at a resource.
pub(super) fn of_cell(cell: &Cell) -> String {
    let name = variable(&cell.resource);
    let header = authorization(&cell.actor);
    format!(
        "curl -sS -H {header} \\\n  \"$FHIR_BASE/${name}\"\n\
         curl -sS -H {header} \\\n  \"$FHIR_BASE/${{{name}%/*}}?_id=${{{name}#*/}}\""
    )
}

fn authorization(actor: &str) -> String {
    format!("\"Authorization: Bearer $TOKEN_{}\"", variable(actor))
}

fn address(path: &str) -> String {
    if path.is_empty() {
        "\"$FHIR_BASE\"".to_owned()
    } else {
        format!("\"$FHIR_BASE/{path}\"")
    }
}

/// A text as a comment: it cannot end the line.
fn comment(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// A target as written in a scenario, between double quotes of a shell: `${thread.id}` becomes
/// `${THREAD#*/}`, and what the shell or a URL reads otherwise is encoded.
fn url(target: &str) -> String {
    let mut out = String::new();
    let mut rest = target;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inside, behind)) = after.split_once('}') else {
            break;
        };
        literal(before, &mut out);
        match inside.split_once('.') {
            None => out.push_str(&format!("${{{}}}", variable(inside))),
            Some((name, "id")) => out.push_str(&format!("${{{}#*/}}", variable(name))),
            Some(_) => out.push_str(&format!("${{{}}}", variable(inside))),
        }
        rest = behind;
    }
    literal(rest, &mut out);
    out
}

fn literal(text: &str, out: &mut String) {
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || "-._~/?&=:,;@+*()%#".contains(c) {
            out.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
    }
}

/// The name of a variable of the shell.
fn variable(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_uppercase());
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    }
    let out = out.trim_end_matches('_');
    if out.is_empty() || out.starts_with(|c: char| c.is_ascii_digit()) {
        format!("R_{out}")
    } else {
        out.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::reference("${thread}", "${THREAD}")]
    #[case::id("Communication?_id=${m1.id}", "Communication?_id=${M1#*/}")]
    #[case::version("${m1}/_history/${m1.version}", "${M1}/_history/${M1_VERSION}")]
    #[case::system(
        "Communication?category=http://x|a b",
        "Communication?category=http://x%7Ca%20b"
    )]
    #[case::quotes(
        "x\"; rm -rf `pwd` \\ $(id)",
        "x%22;%20rm%20-rf%20%60pwd%60%20%5C%20%24(id)"
    )]
    #[case::unclosed("a${b", "a%24%7Bb")]
    fn targets(#[case] target: &str, #[case] wanted: &str) {
        assert_eq!(url(target), wanted);
    }

    #[rstest]
    #[case("alice", "ALICE")]
    #[case("Communication/#1", "COMMUNICATION_1")]
    #[case("ward-4 nurse", "WARD_4_NURSE")]
    #[case("1st", "R_1ST")]
    #[case("ä", "R_")]
    fn variables(#[case] name: &str, #[case] wanted: &str) {
        assert_eq!(variable(name), wanted);
    }

    proptest! {
        /// Whatever a scenario says, the shell sees one quoted word.
        #[test]
        fn nothing_leaves_the_quotes(target in "\\PC{0,40}") {
            let text = url(&target);
            prop_assert!(!text.contains(['"', '`', '\\', '\n']), "{text}");
            for (at, _) in text.match_indices('$') {
                prop_assert!(text.get(at + 1..).unwrap().starts_with('{'), "{text}");
                let inside = text.get(at + 2..).unwrap().split('}').next().unwrap();
                let name = inside.strip_suffix("#*/").unwrap_or(inside);
                prop_assert!(!name.is_empty(), "{text}");
                prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{text}");
            }
        }
    }
}
