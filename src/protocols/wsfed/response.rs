//! The answer: a form that carries the token to the relying party (ws-federation.md 6.3).

use crate::pages::HandOverPage;
use crate::protocols::rstr::{self, References};
use crate::protocols::trust_endpoint::Version;
use crate::tokens::IssuedToken;
use crate::xml::{WriteError, Writer};

/// The form.
///
/// # Errors
/// [`WriteError`] when the relying party's identifier has a character that XML cannot carry.
pub(super) fn hand_over(
    address: &str,
    audience: &str,
    token: &IssuedToken,
    context: Option<&str>,
) -> Result<HandOverPage, WriteError> {
    let mut fields = vec![("wa", String::from("wsignin1.0")), ("wresult", wresult(audience, token)?)];
    fields.extend(context.map(|context| ("wctx", context.to_owned())));
    Ok(HandOverPage { action: address.to_owned(), fields })
}

/// `wresult`: the response of WS-Trust of February 2005, which every relying party reads.
fn wresult(audience: &str, token: &IssuedToken) -> Result<String, WriteError> {
    let mut writer = Writer::with_capacity(token.bytes.len() + 2048);
    rstr::response(&mut writer, Version::February2005, audience, token, References::Absent, None)?;
    // The writer takes and writes text only; whatever it were not would be replaced, and the token refused.
    let text = String::from_utf8(writer.finish()?);
    Ok(text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}
