//! Files of reports: complete or absent.

use std::io::{Error, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// Links followed from a path to its file.
const MAX_LINKS: usize = 32;

/// Writes a document under another name and renames it: the file is complete or absent. A symbolic
/// link stays, and what it leads to is written; what is no regular file, a device or a pipe, is
/// written to as it is.
///
/// # Errors
/// When the folder cannot be written to.
pub fn write_file(path: &Path, text: &str) -> std::io::Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => crate::expect::review::write(&path.canonicalize()?, text),
        Ok(_) => {
            let mut file = std::fs::OpenOptions::new().write(true).open(path)?;
            file.write_all(text.as_bytes())
        }
        Err(_) => crate::expect::review::write(&target_of(path)?, text),
    }
}

/// Whether a report can be written there, as far as that can be told without writing it.
///
/// # Errors
/// Why not: the path is a folder, or its own folder is missing or no folder.
pub fn check_writable(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Err(fault(ErrorKind::IsADirectory, "it is a folder".into()));
    }
    if path.exists() {
        return if std::fs::metadata(path)?.permissions().readonly() {
            Err(fault(ErrorKind::PermissionDenied, "it is read-only".into()))
        } else {
            Ok(())
        };
    }
    let target = target_of(path)?;
    let folder = folder_of(&target);
    let name = folder.display();
    match std::fs::metadata(folder) {
        Ok(found) if !found.is_dir() => Err(fault(
            ErrorKind::NotADirectory,
            format!("`{name}` is no folder"),
        )),
        Ok(found) if found.permissions().readonly() => Err(fault(
            ErrorKind::PermissionDenied,
            format!("the folder `{name}` is read-only"),
        )),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(fault(
            ErrorKind::NotFound,
            format!("the folder `{name}` does not exist"),
        )),
        Err(error) => Err(fault(error.kind(), format!("the folder `{name}`: {error}"))),
    }
}

/// Where a path leads whose file does not exist: a link may point to a file that is still to be
/// made.
fn target_of(path: &Path) -> std::io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        if !path.is_symlink() {
            return Ok(path);
        }
        let to = std::fs::read_link(&path)?;
        path = folder_of(&path).join(to);
    }
    Err(fault(
        ErrorKind::InvalidInput,
        "it is a link that leads to itself".into(),
    ))
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn fault(kind: ErrorKind, text: String) -> Error {
    Error::new(kind, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none/report.json");
        let text = check_writable(&path).unwrap_err().to_string();
        let expected = format!(
            "the folder `{}` does not exist",
            folder.path().join("none").display()
        );
        assert_eq!(text, expected);
        assert!(check_writable(&folder.path().join("report.json")).is_ok());
        assert!(check_writable(Path::new("report.json")).is_ok());
        assert!(check_writable(folder.path()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_and_devices_too() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("elsewhere")).unwrap();
        symlink("elsewhere/new.json", at("link.json")).unwrap();
        // First while its target is still to be made, then when it is there.
        for text in ["one", "two"] {
            assert!(check_writable(&at("link.json")).is_ok());
            write_file(&at("link.json"), text).unwrap();
            assert!(at("link.json").is_symlink());
            let written = std::fs::read_to_string(at("elsewhere/new.json")).unwrap();
            assert_eq!(written, text);
        }
        symlink("/dev/null", at("null")).unwrap();
        assert!(check_writable(&at("null")).is_ok());
        write_file(&at("null"), "three").unwrap();
        assert!(at("null").is_symlink());
        symlink("loop", at("loop")).unwrap();
        assert!(check_writable(&at("loop")).is_err());
        assert!(write_file(&at("loop"), "four").is_err());
    }
}
