//! The content security policy of a page: nothing may be loaded, run or framed but what the page itself needs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::contexts::Page;
use crate::clock::{Random, RandomError};

/// Who may show a page in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Nobody.
    Never,
    /// Any site over HTTPS: the page has nothing to press and shows nothing of the person.
    Anybody,
}

/// A nonce for the style and script of one answer.
pub(super) fn nonce(random: &dyn Random) -> Result<String, RandomError> {
    let mut octets = [0; 16];
    random.fill(&mut octets)?;
    Ok(URL_SAFE_NO_PAD.encode(octets))
}

/// The policy of a page whose style and script carry `nonce`, and in which pictures may stand.
pub(super) fn of<P: Page>(page: &P, nonce: &str, has_pictures: bool) -> String {
    let mut policy = format!("default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'");
    if P::SCRIPT {
        policy.push_str("; script-src 'nonce-");
        policy.push_str(nonce);
        policy.push('\'');
    }
    if has_pictures {
        policy.push_str("; img-src data:");
    }
    // Browsers hold the addresses a form's target redirects to against `form-action` too, and those are the relying party's
    // affair: a page that posts to one cannot name it.
    if !page.posts_elsewhere() {
        policy.push_str("; form-action 'self'");
        if let Some(origin) = page.leads_to() {
            policy.push(' ');
            policy.push_str(origin);
        }
    }
    let frames = page.frames();
    if !frames.is_empty() {
        policy.push_str("; frame-src ");
        policy.push_str(&frames.join(" "));
    }
    policy.push_str(match page.framing() {
        Framing::Never => "; frame-ancestors 'none'",
        Framing::Anybody => "; frame-ancestors https:",
    });
    policy
}
