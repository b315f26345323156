//! What of a theme one page shows.

use minijinja::context;
use minijinja::value::{Serde, Value};

use super::contexts::Page;
use super::locale::Locale;
use super::policy::Framing;
use super::theme::{FragmentPlace, Picture, Theme};

/// What of a theme one page shows, in one language.
pub(super) struct Shown<'a> {
    pub(super) company_name: Option<&'a str>,
    logo: Option<&'a Picture>,
    illustration: Option<&'a Picture>,
    /// Addresses by key of their text and id.
    links: Vec<(&'static str, &'static str, &'a str)>,
    description: Option<&'a str>,
    /// HTML that is safe as it is.
    header: Option<&'a str>,
    footer: Option<&'a str>,
    style: String,
}

impl<'a> Shown<'a> {
    pub(super) fn of<P: Page>(page: &P, theme: &'a Theme, locale: Locale) -> Self {
        let picture = |picture: &'a Option<Picture>| picture.as_ref().filter(|_| P::PICTURES);
        // A page that others may show in a frame has nothing to press.
        let may_link = page.framing() == Framing::Never;
        let links = [
            ("link-home", "home", &theme.home),
            ("link-help-desk", "helpDesk", &theme.help_desk),
            ("link-privacy", "privacy", &theme.privacy),
        ];
        let links = links.into_iter().filter(|_| may_link);
        // Nor has it anything to read; and the page that carries the token is gone before it could be.
        let fragment = |place| theme.fragment(place, locale).filter(|_| may_link && P::PICTURES);
        Self {
            company_name: theme.company_name.as_deref(),
            logo: picture(&theme.logo),
            illustration: picture(&theme.illustration),
            links: links.filter_map(|(text, id, link)| Some((text, id, link.as_deref()?))).collect(),
            description: P::DESCRIPTION.and_then(|place| theme.description(place, locale)),
            header: fragment(FragmentPlace::Header),
            footer: fragment(FragmentPlace::Footer),
            style: theme.style(),
        }
    }

    pub(super) const fn has_pictures(&self) -> bool {
        self.logo.is_some() || self.illustration.is_some()
    }

    pub(super) fn to_value(&self) -> Value {
        // An address of a picture is base64: looking for markup in it would take longer than writing the page.
        let picture =
            |picture: Option<&Picture>| picture.map(|known| Value::from_safe_string(known.address().to_owned()));
        context! {
            logo => picture(self.logo),
            illustration => picture(self.illustration),
            links => Serde(&self.links),
            description => self.description,
            header => self.header.map(|html| Value::from_safe_string(html.to_owned())),
            footer => self.footer.map(|html| Value::from_safe_string(html.to_owned())),
            // Numbers, and rules that were looked through: an escape would change what they say.
            style => Value::from_safe_string(self.style.clone()),
            copyright => self.company_name.filter(|_| !self.links.is_empty()),
        }
    }
}
