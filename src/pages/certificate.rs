//! The page of a sign-in with a certificate that came to nothing.

use super::contexts::{Notice, Page};
use super::theme::Description;

/// What became of the certificate, and what to do.
#[derive(Debug, Clone, serde::Serialize)]
pub struct CertificatePage {
    /// Where the form that tries again is posted to: path and query of the request.
    pub action: String,
    /// Name of the relying party's trust.
    pub application: Option<String>,
    /// What became of it.
    pub notice: Notice,
    /// Address of the request, where another way to sign in is possible.
    pub other: Option<String>,
}

impl Page for CertificatePage {
    const TEMPLATE: &'static str = "certificate.html";
    const DESCRIPTION: Option<Description> = Some(Description::Certificate);
    /// Trying again leads to another name of this service, or another port.
    const POSTS_ELSEWHERE: bool = true;
}
