//! Themes: what an organization's pages look like, and what they say of it.
//!
//! Values that were checked: a colour is three numbers, a picture is what its first octets say, an address is absolute and over
//! HTTPS; markup is of a list of elements and written anew, and a style sheet loads nothing. Nothing of what an administrator wrote gets
//! into a page in another form.

mod colour;
mod file;
mod fragment;
mod picture;
mod style;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

pub use colour::{Colour, ColourError, Scheme};
pub use file::{Branding, Fragments, Links, Texts};
pub use fragment::{Fragment, FragmentError};
pub use picture::{Picture, PictureError};
pub use style::{StyleError, StyleSheet};

use super::locale::Locale;

/// The look of the pages of a service, or of those on the way to one relying party. What is not given is as the program has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Theme {
    /// The name people know; the service's display name when absent.
    pub company_name: Option<Arc<str>>,
    /// Stands in the place of the name.
    pub logo: Option<Picture>,
    /// Fills the space beside the page on a wide screen.
    pub illustration: Option<Picture>,
    /// Buttons, links and marks on light ground.
    pub accent_light: Option<Colour>,
    /// The same on dark ground.
    pub accent_dark: Option<Colour>,
    /// The organization's own page.
    pub home: Option<Arc<str>>,
    /// Where people get help.
    pub help_desk: Option<Arc<str>>,
    /// What happens with people's data.
    pub privacy: Option<Arc<str>>,
    /// Plain texts by place and language; the language `""` stands for all that have none of their own.
    pub descriptions: BTreeMap<Description, BTreeMap<&'static str, Arc<str>>>,
    /// Markup by place and language, in the same way.
    pub fragments: BTreeMap<FragmentPlace, BTreeMap<&'static str, Fragment>>,
    /// Rules after the program's own.
    pub style_sheet: Option<StyleSheet>,
}

/// A place for markup of the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FragmentPlace {
    /// Above what the page is about.
    Header,
    /// At the foot.
    Footer,
}

/// A place for a text of the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Description {
    /// The sign-in page.
    SignIn,
    /// The page that asks where somebody signs in.
    HomeRealm,
    /// The error page.
    Error,
    /// The page after a sign-out.
    SignOut,
    /// The page of a sign-in with a certificate that came to nothing.
    Certificate,
    /// The page on which a password is changed.
    UpdatePassword,
}

impl Theme {
    /// This theme, completed by another: of a text that this one has in any language, it has all.
    #[must_use]
    pub fn over(self, base: &Self) -> Self {
        let mut descriptions = base.descriptions.clone();
        descriptions.extend(self.descriptions);
        let mut fragments = base.fragments.clone();
        fragments.extend(self.fragments);
        Self {
            company_name: self.company_name.or_else(|| base.company_name.clone()),
            logo: self.logo.or_else(|| base.logo.clone()),
            illustration: self.illustration.or_else(|| base.illustration.clone()),
            accent_light: self.accent_light.or(base.accent_light),
            accent_dark: self.accent_dark.or(base.accent_dark),
            home: self.home.or_else(|| base.home.clone()),
            help_desk: self.help_desk.or_else(|| base.help_desk.clone()),
            privacy: self.privacy.or_else(|| base.privacy.clone()),
            descriptions,
            fragments,
            style_sheet: self.style_sheet.or_else(|| base.style_sheet.clone()),
        }
    }

    /// Octets it adds to a page at most: pictures as they stand there, markup in its longest language, rules.
    pub fn octets(&self) -> usize {
        let pictures = self.picture_octets().div_ceil(3) * 4;
        let longest = |texts: &BTreeMap<_, Fragment>| texts.values().map(Fragment::octets).max().unwrap_or_default();
        let fragments: usize = self.fragments.values().map(longest).sum();
        pictures + fragments + self.style_sheet.as_ref().map_or(0, StyleSheet::octets)
    }

    /// Octets of its pictures in files.
    pub fn picture_octets(&self) -> usize {
        [&self.logo, &self.illustration].into_iter().flatten().map(Picture::octets).sum()
    }

    /// The text of a place for readers of a language.
    pub(super) fn description(&self, place: Description, locale: Locale) -> Option<&str> {
        let texts = self.descriptions.get(&place)?;
        texts.get(locale.tag()).or_else(|| texts.get("")).map(|text| &**text).filter(|text| !text.is_empty())
    }

    /// The markup of a place for readers of a language.
    pub(super) fn fragment(&self, place: FragmentPlace, locale: Locale) -> Option<&str> {
        let fragments = self.fragments.get(&place)?;
        let fragment = fragments.get(locale.tag()).or_else(|| fragments.get(""));
        fragment.map(Fragment::as_html).filter(|html| !html.is_empty())
    }

    /// The style that sets the colours, and the rules of the organization; empty where they are the program's.
    pub(super) fn style(&self) -> String {
        let mut style = String::new();
        for (colour, scheme) in [(self.accent_light, Scheme::Light), (self.accent_dark, Scheme::Dark)] {
            if let Some(accent) = colour {
                let strong = accent.stronger(scheme);
                let media = scheme.media();
                let _ = write!(style, "@media {media}{{:root{{--accent:{accent};--accent-strong:{strong}}}}}");
            }
        }
        style.push_str(self.style_sheet.as_ref().map_or("", StyleSheet::as_css));
        style
    }
}

/// The tags of the languages that texts may be in.
pub fn languages() -> impl Iterator<Item = &'static str> {
    Locale::ALL.iter().map(|locale| locale.tag())
}

/// Octets that the pictures of a page may have together, as files: with them, a page stays under 30 kB.
pub const MOST_PICTURE_OCTETS: usize = 12_000;
/// Octets that a theme may add to a page in all.
pub const MOST_OCTETS: usize = MOST_PICTURE_OCTETS / 3 * 4;
/// Characters of a text.
pub const MOST_TEXT: usize = 500;
/// Characters of a name.
pub const MOST_NAME: usize = 100;
