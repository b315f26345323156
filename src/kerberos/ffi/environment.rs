//! The environment of the process, by which the library is told where its configuration is.

/// Sets variables of the process's environment, for the libraries that read nothing else (`KRB5_CONFIG` and the like).
///
/// Only while the process has a single thread, which is counted: changing the environment under another thread's feet is
/// undefined.
pub(in crate::kerberos) fn set_environment(variables: &[(&str, &str)]) -> Result<(), EnvironmentError> {
    let threads = std::fs::read_dir("/proc/self/task").map_err(|_| EnvironmentError::Unknown)?.count();
    if threads != 1 {
        return Err(EnvironmentError::Threads(threads));
    }
    for (name, value) in variables {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(EnvironmentError::Text((*name).to_owned()));
        }
        // SAFETY: the process has one thread, this one, and this function starts none.
        unsafe { std::env::set_var(name, value) };
    }
    Ok(())
}

/// Why the environment was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// It is too late: other threads run already.
    #[error("the environment can be set before other threads start only; {0} run")]
    Threads(usize),
    /// The threads could not be counted.
    #[error("/proc/self/task cannot be read")]
    Unknown,
    /// The name or its value has a character that no environment can hold.
    #[error("{0:?} or its value cannot be an environment variable")]
    Text(String),
}
