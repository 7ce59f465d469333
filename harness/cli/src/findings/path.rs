//! Names of files that findings are about, as other programs want them.

use std::path::Path;

use fhirward_harness::report::path;

/// The name of standard input among the sources.
const STDIN: &str = "<stdin>";

/// A path relative to the working directory where it lies in it, with forward slashes and without
/// `./`; `None` for standard input, which is no file.
pub fn shown(name: &str) -> Option<String> {
    if name == STDIN {
        return None;
    }
    let here = std::env::current_dir().ok();
    Some(path::relative(Path::new(name), here.as_deref()))
}

/// The same as a URI reference; `stdin` for standard input.
pub fn uri(name: &str) -> String {
    path::uri(&shown(name).unwrap_or_else(|| "stdin".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_input_is_no_file() {
        assert_eq!((shown("<stdin>"), uri("<stdin>").as_str()), (None, "stdin"));
        let here = std::env::current_dir().unwrap();
        let inside = here.join("a b.json").display().to_string();
        assert_eq!(shown(&inside).as_deref(), Some("a b.json"));
        assert_eq!(uri(&inside), "a%20b.json");
    }
}
