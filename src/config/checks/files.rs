//! Files and directories: are they there, can they be read, and only by whom they should?

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::config::diagnostic::Code;
use crate::config::explain;
use crate::config::findings::Findings;
use crate::config::paths::{NamedPath, PathKind};

pub(super) fn check(paths: &[NamedPath], findings: &mut Findings<'_, '_, '_>) {
    for named in paths {
        match named.kind {
            PathKind::Input | PathKind::Data => readable(named, findings),
            PathKind::Secret => {
                readable(named, findings);
                private(named, findings);
            }
            PathKind::Output => writable(named, named.path.parent().unwrap_or(&named.path), findings),
            PathKind::Directory => writable(named, &named.path, findings),
        }
    }
}

fn readable(named: &NamedPath, findings: &mut Findings<'_, '_, '_>) {
    let shown = named.path.display();
    let problem = match fs::metadata(&named.path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Some((
            format!("the file {shown} does not exist"),
            "relative paths start at the directory of chancery.toml; create the file or correct the path",
        )),
        Err(error) => {
            Some((format!("the file {shown} cannot be reached: {error}"), "correct the path or its permissions"))
        }
        Ok(metadata) if metadata.is_dir() => Some((format!("{shown} is a directory"), "name the file in it")),
        Ok(metadata) if !metadata.is_file() => Some((format!("{shown} is no regular file"), "name a regular file")),
        Ok(_) => fs::File::open(&named.path).err().map(|error| {
            (format!("the file {shown} cannot be read: {error}"), "let the user that runs the server read it")
        }),
    };
    if let Some((message, help)) = problem {
        findings.error(Code::File, &named.key, format!("`{}`: {message}", explain::key(&named.key)), help);
    }
}

fn private(named: &NamedPath, findings: &mut Findings<'_, '_, '_>) {
    let Ok(metadata) = fs::metadata(&named.path) else { return };
    if metadata.is_file() && metadata.permissions().mode() & 0o007 != 0 {
        findings.warning(
            Code::Exposure,
            &named.key,
            format!("every user of this host may read or change the secret in {}", named.path.display()),
            format!("chmod 0600 {}", named.path.display()),
        );
    }
}

/// The directory must exist or be creatable: its nearest existing ancestor must be writable.
fn writable(named: &NamedPath, directory: &Path, findings: &mut Findings<'_, '_, '_>) {
    let existing = directory.ancestors().find(|ancestor| ancestor.exists()).unwrap_or_else(|| Path::new("."));
    if !existing.is_dir() {
        findings.error(
            Code::File,
            &named.key,
            format!("`{}`: {} is no directory", explain::key(&named.key), existing.display()),
            "name a directory the server may write to",
        );
    } else if rustix::fs::access(existing, rustix::fs::Access::WRITE_OK).is_err() {
        findings.warning(
            Code::File,
            &named.key,
            format!("`{}`: this user may not write to {}", explain::key(&named.key), existing.display()),
            "the user that runs the server must be able to; run this check as that user",
        );
    }
}
