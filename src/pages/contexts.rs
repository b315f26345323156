//! What each page shows. Plain values: a template can show nothing that is not here.

use super::policy::Framing;
use super::theme::Description;

/// A kind of page.
pub trait Page: serde::Serialize {
    /// Its template.
    const TEMPLATE: &'static str;
    /// Whether it has a script.
    const SCRIPT: bool = false;
    /// Whether its form goes to another site.
    const POSTS_ELSEWHERE: bool = false;
    /// Whether it shows the pictures of a theme.
    const PICTURES: bool = true;
    /// The organization's text on it.
    const DESCRIPTION: Option<Description> = None;

    /// Another origin that its forms may lead to, beside its own.
    fn leads_to(&self) -> Option<&str> {
        None
    }

    /// Whether the form of this one leads to another site.
    fn posts_elsewhere(&self) -> bool {
        Self::POSTS_ELSEWHERE
    }

    /// Origins of the frames in it.
    fn frames(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Who may show it in a frame.
    fn framing(&self) -> Framing {
        Framing::Never
    }
}

/// User name and password (ws-federation.md 10.4).
#[derive(Debug, Clone, serde::Serialize)]
pub struct SignInPage {
    /// Where the form is posted to: path and query of the request.
    pub action: String,
    /// The sealed sign-in.
    pub state: String,
    /// What stands in the field of the user name.
    pub user_name: String,
    /// Name of the relying party's trust.
    pub application: Option<String>,
    /// What the last attempt came to.
    pub notice: Option<Notice>,
    /// Whether there is a form for user name and password; without it the page leads to where certificates are asked for.
    pub password: bool,
    /// Whether "keep me signed in" is offered.
    pub keep_signed_in: bool,
    /// Address of the page where another organization is chosen, where there is another.
    pub choose_another: Option<String>,
    /// Where the offer of a certificate leads, as an origin; `None` where none is offered.
    pub certificate: Option<String>,
    /// Whether the answer to the form leads to another site without a page between.
    #[serde(skip)]
    pub leads_elsewhere: bool,
}

/// What a person is told above the form. The names are keys of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notice {
    /// Unknown account, wrong password, locked or disabled account: all the same.
    NoticeCredentials,
    /// The user name has no domain.
    NoticeUserName,
    /// The password was right and has expired.
    NoticePasswordExpired,
    /// The password could not be checked.
    NoticeUnavailable,
    /// The page was open for too long, or belongs to another browser.
    NoticeStale,
    /// The browser sends no cookie back.
    NoticeCookies,
    /// The password was right and has expired; the page is there to change it.
    UpdatePasswordExpired,
    /// The new password is missing in a field.
    NoticeNewPasswordMissing,
    /// The new password was written in two ways.
    NoticeNewPasswordMismatch,
    /// The new password is the old one.
    NoticeNewPasswordSame,
    /// The domain does not take the new password, or not yet.
    NoticeNewPasswordRules,
    /// The account may not change its password.
    NoticeChangeNotAllowed,
    /// The password could not be changed.
    NoticeChangeUnavailable,
    /// The form was sent a second time.
    NoticeSentTwice,
    /// The organization that was chosen is none of those there are.
    NoticeHomeRealm,
    /// No organization has addresses like the one that was written.
    NoticeAddress,
    /// The browser sent no certificate.
    NoticeCertificateMissing,
    /// The certificate is not valid at this time.
    NoticeCertificateExpired,
    /// The certificate signs nobody in.
    NoticeCertificateRefused,
    /// The certificate could not be checked.
    NoticeCertificateUnavailable,
    /// The person has no such device, or it cannot be changed any more.
    NoticeDeviceGone,
    /// Devices could not be shown or changed.
    NoticeDevicesUnavailable,
    /// No device waits with the code that was entered.
    NoticeDeviceCode,
    /// Too many codes were entered.
    NoticeDeviceCodeLocked,
}

impl Page for SignInPage {
    const TEMPLATE: &'static str = "sign-in.html";
    const DESCRIPTION: Option<Description> = Some(Description::SignIn);

    fn leads_to(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    fn posts_elsewhere(&self) -> bool {
        self.leads_elsewhere
    }
}

/// Where somebody signs in (ws-federation.md 10.2).
#[derive(Debug, Clone, serde::Serialize)]
pub struct HomeRealmPage {
    /// Where the forms are posted to: path and query of the request.
    pub action: String,
    /// Name of the relying party's trust.
    pub application: Option<String>,
    /// What the last answer came to.
    pub notice: Option<Notice>,
    /// Whether an address tells where somebody signs in.
    pub by_address: bool,
    /// What stands in the field of the address.
    pub typed: String,
    /// The organizations shown.
    pub choices: Vec<HomeRealmChoice>,
    /// How many are shown.
    pub shown: String,
    /// How many there are, or match what was looked for.
    pub total: String,
    /// The search, where there are many.
    pub search: Option<HomeRealmSearch>,
}

/// An organization to choose.
#[derive(Debug, Clone, serde::Serialize)]
pub struct HomeRealmChoice {
    /// Identifier of the claims provider.
    pub identifier: String,
    /// Its name.
    pub name: String,
}

/// The form that looks for organizations.
#[derive(Debug, Clone, serde::Serialize)]
pub struct HomeRealmSearch {
    /// Path it is sent to.
    pub action: &'static str,
    /// Names and values of the hidden fields: the request.
    pub fields: Vec<(String, String)>,
    /// What was looked for.
    pub text: String,
}

impl Page for HomeRealmPage {
    const TEMPLATE: &'static str = "home-realm.html";
    const DESCRIPTION: Option<Description> = Some(Description::HomeRealm);
    /// `HRD.selection`, which programs that drive a browser call.
    const SCRIPT: bool = true;
    /// The answer leads through this service to the organization's own.
    const POSTS_ELSEWHERE: bool = true;
}

/// The form that carries a token to the relying party (ws-federation.md 6.3).
#[derive(Debug, Clone, serde::Serialize)]
pub struct HandOverPage {
    /// The relying party's address.
    pub action: String,
    /// Names and values of the hidden fields.
    pub fields: Vec<(&'static str, String)>,
}

impl Page for HandOverPage {
    const TEMPLATE: &'static str = "hand-over.html";
    /// It is seen for a moment, if at all, and carries a token already.
    const PICTURES: bool = false;
    const SCRIPT: bool = true;
    const POSTS_ELSEWHERE: bool = true;
}

/// Leads back to a client at once. It comes with a challenge, so that it is seen only where that is not answered; often in a hidden
/// frame of the client.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ReturnPage {
    /// The client's address, with the answer.
    pub address: String,
}

impl Page for ReturnPage {
    const TEMPLATE: &'static str = "return.html";
    const PICTURES: bool = false;

    fn framing(&self) -> Framing {
        Framing::Anybody
    }
}

/// After a sign-out.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SignOutPage {
    /// The relying parties that end their own sessions.
    pub clean_up: Vec<CleanUp>,
    /// Origins of those addresses.
    pub origins: Vec<String>,
    /// Where the person goes on.
    pub go_on: Option<String>,
    /// Whether another service loads this in a frame of its own sign-out.
    pub framed: bool,
}

/// A relying party that ends its own session.
#[derive(Debug, Clone, serde::Serialize)]
pub struct CleanUp {
    /// Its name.
    pub name: String,
    /// Its address; loaded in a hidden frame.
    pub address: String,
}

impl Page for SignOutPage {
    const TEMPLATE: &'static str = "sign-out.html";
    const DESCRIPTION: Option<Description> = Some(Description::SignOut);
    /// Says which relying parties have answered.
    const SCRIPT: bool = true;

    fn frames(&self) -> Vec<&str> {
        self.origins.iter().map(String::as_str).collect()
    }

    fn framing(&self) -> Framing {
        if self.framed { Framing::Anybody } else { Framing::Never }
    }
}

/// The form that carries a message about the end of a session to a claims provider; perhaps in a frame of its page.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SignOutMessagePage {
    /// The claims provider's address.
    pub action: String,
    /// Names and values of the hidden fields.
    pub fields: Vec<(&'static str, String)>,
}

impl Page for SignOutMessagePage {
    const TEMPLATE: &'static str = "sign-out-message.html";
    const PICTURES: bool = false;
    const SCRIPT: bool = true;
    const POSTS_ELSEWHERE: bool = true;

    fn framing(&self) -> Framing {
        Framing::Anybody
    }
}

/// Something that cannot go on.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ErrorPage {
    /// What happened.
    pub text: ErrorText,
    /// Name of the relying party's trust, where it is known.
    pub application: Option<String>,
    /// The code that administrators search for.
    pub code: &'static str,
    /// Correlation id of the request.
    pub activity: String,
    /// When, in UTC.
    pub time: String,
}

/// What happened, what it means, what to do: the names are keys of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorText {
    /// Not a request this service understands.
    ErrorRequest,
    /// No request at all: somebody opened the address by itself.
    ErrorNoRequest,
    /// No trust for the application.
    ErrorApplication,
    /// Signed in, and not permitted.
    ErrorDenied,
    /// The application asks for more proof than can be given.
    ErrorMoreProof,
    /// The method asked for is not available.
    ErrorMethod,
    /// No organization can be asked who it is.
    ErrorHomeRealm,
    /// What another organization says of the person is not taken.
    ErrorPartner,
    /// The browser comes back again and again.
    ErrorLoop,
    /// Something sign-in needs does not answer.
    ErrorUnavailable,
    /// A failure of the server.
    ErrorInternal,
}

impl Page for ErrorPage {
    const TEMPLATE: &'static str = "error.html";
    const DESCRIPTION: Option<Description> = Some(Description::Error);
    const SCRIPT: bool = true;
}
