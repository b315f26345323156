//! What `[branding]` and `[relying_party.branding]` may say, key by key, before anything is checked or read from other files.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// `[branding]`.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Branding {
    /// The name on pages; AD FS' `CompanyName`.
    pub company_name: Option<String>,
    /// PNG, JPEG or WebP file that stands in the place of the name; AD FS' `Logo`.
    pub logo: Option<PathBuf>,
    /// PNG, JPEG or WebP file beside the page on a wide screen; AD FS' `Illustration`.
    pub illustration: Option<PathBuf>,
    /// Colour of buttons and links on light ground, `#rrggbb`.
    pub accent_light: Option<String>,
    /// The same on dark ground.
    pub accent_dark: Option<String>,
    /// `[branding.links]`
    pub links: Links,
    /// `[branding.texts.<language>]`; the language `""` stands for all that have no text of their own.
    pub texts: BTreeMap<String, Texts>,
    /// `[branding.fragments.<language>]`; the language `""` stands for all that have none of their own.
    pub fragments: BTreeMap<String, Fragments>,
    /// CSS file whose rules follow the program's own; AD FS' `StyleSheet`.
    pub style_sheet: Option<PathBuf>,
}

/// `[branding.fragments.<language>]`: files with markup; an empty one takes away the service's.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fragments {
    /// Above what the page is about.
    pub header: Option<PathBuf>,
    /// At the foot of the page.
    pub footer: Option<PathBuf>,
}

/// `[branding.links]`: addresses at the foot of each page, over HTTPS.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Links {
    /// The organization's own page; AD FS' `HomeLink`.
    pub home: Option<String>,
    /// Where people get help; AD FS' `HelpDeskLink`.
    pub help_desk: Option<String>,
    /// What happens with people's data; AD FS' `PrivacyLink`.
    pub privacy: Option<String>,
}

/// `[branding.texts.<language>]`: plain texts; an empty one takes away the service's.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Texts {
    /// On the sign-in page; AD FS' `SignInPageDescriptionText`.
    pub sign_in: Option<String>,
    /// On the page that asks where somebody signs in; AD FS' `HomeRealmDiscoveryPageDescriptionText`.
    pub home_realm: Option<String>,
    /// On the error page; AD FS' `ErrorPageDescriptionText`.
    pub error: Option<String>,
    /// On the page after a sign-out; AD FS' `SignOutPageDescriptionText`.
    pub sign_out: Option<String>,
    /// On the page of a sign-in with a certificate; AD FS' `CertificatePageDescriptionText`.
    pub certificate: Option<String>,
    /// On the page on which a password is changed; AD FS' `UpdatePasswordPageDescriptionText`.
    pub update_password: Option<String>,
}
