//! The token endpoint, by curl.

use std::error::Error;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Posts a form; the answer's body, whatever it says.
pub fn token(url: &str, form: &str) -> Result<String, Box<dyn Error>> {
    let mut child = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "30", "--data-binary", "@-"])
        .args(["--header", "Content-Type: application/x-www-form-urlencoded"])
        .arg(format!("{url}/adfs/oauth2/token"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(form.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("curl: {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
