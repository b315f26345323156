//! Pages: what a person sees in a browser, from a typed context and the texts of one language.
//!
//! A page is one document without any other resource: style and the few lines of script stand in it, under a nonce. Every value
//! is escaped by the template engine; no template can switch that off. Knows languages and HTML; decides nothing, and knows
//! neither requests nor accounts.

mod certificate;
mod contexts;
mod device_code;
mod escape;
mod locale;
mod my_devices;
mod password;
mod policy;
mod shown;
mod texts;
pub mod theme;

use std::sync::Arc;

use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior, context};

use crate::clock::{Random, RandomError};
use shown::Shown;
use theme::Theme;

pub use certificate::CertificatePage;
pub use contexts::{
    CleanUp, ErrorPage, ErrorText, HandOverPage, HomeRealmChoice, HomeRealmPage, HomeRealmSearch, Notice, Page,
    ReturnPage, SignInPage, SignOutMessagePage, SignOutPage,
};
pub use device_code::{DeviceCodeDonePage, DeviceCodePage, DeviceCodeQuestionPage};
pub use locale::Locale;
pub use my_devices::{
    DeviceDone, DeviceDoneText, DeviceKind, DeviceQuestion, DeviceQuestionPage, DeviceRange, MyDevicesPage, ShownDevice,
};
pub use password::{PasswordUpdatedPage, ShownRules, UpdatePasswordPage};
pub use policy::Framing;
pub use texts::{TextError, Texts};

/// Every page in every language.
pub struct Pages {
    templates: Environment<'static>,
    texts: Texts,
    service: Arc<str>,
    theme: Arc<Theme>,
}

/// A page, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The document, UTF-8.
    pub html: String,
    /// `Content-Security-Policy` that the document needs and no more.
    pub policy: String,
}

/// Why the pages, or one of them, could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A template does not fit its context.
    #[error("template: {0:#}")]
    Template(#[from] minijinja::Error),
    /// A file of texts is wrong.
    #[error(transparent)]
    Texts(#[from] TextError),
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl Pages {
    /// The pages of a service that people know by this name, and that look like this.
    ///
    /// # Errors
    /// [`PageError`] when a template or a file of texts is wrong; both are part of the program.
    pub fn new(service: &str, theme: Arc<Theme>) -> Result<Self, PageError> {
        let mut templates = Environment::empty();
        templates.set_auto_escape_callback(minijinja::default_auto_escape_callback);
        templates.set_formatter(escape::format);
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, source) in TEMPLATES {
            templates.add_template(name, source)?;
        }
        Ok(Self { templates, texts: Texts::built_in()?, service: service.into(), theme })
    }

    /// The language of a reader with this `Accept-Language`.
    pub fn locale(&self, accept_language: Option<&str>) -> Locale {
        Locale::negotiate(accept_language)
    }

    /// Writes a page, with a relying party's theme or with the service's.
    ///
    /// # Errors
    /// [`PageError`].
    pub fn render<P: Page>(
        &self,
        page: &P,
        theme: Option<&Theme>,
        locale: Locale,
        random: &dyn Random,
    ) -> Result<Rendered, PageError> {
        let nonce = policy::nonce(random)?;
        let shown = Shown::of(page, theme.unwrap_or(&self.theme), locale);
        let html = self.templates.get_template(P::TEMPLATE)?.render(context! {
            t => Value::from_object(self.texts.of(locale)),
            lang => locale.tag(),
            dir => locale.direction(),
            nonce => nonce.as_str(),
            service => shown.company_name.unwrap_or(&self.service),
            brand => shown.to_value(),
            page => Serde(page),
        })?;
        Ok(Rendered { html, policy: policy::of(page, &nonce, shown.has_pictures()) })
    }
}

/// The templates. Names end as their language does, by which the engine escapes.
const TEMPLATES: [(&str, &str); 18] = [
    ("base.html", include_str!("../../templates/base.html")),
    ("style.css", include_str!("../../templates/style.css")),
    (SignInPage::TEMPLATE, include_str!("../../templates/sign-in.html")),
    (CertificatePage::TEMPLATE, include_str!("../../templates/certificate.html")),
    (HomeRealmPage::TEMPLATE, include_str!("../../templates/home-realm.html")),
    (HandOverPage::TEMPLATE, include_str!("../../templates/hand-over.html")),
    (SignOutPage::TEMPLATE, include_str!("../../templates/sign-out.html")),
    (SignOutMessagePage::TEMPLATE, include_str!("../../templates/sign-out-message.html")),
    (ErrorPage::TEMPLATE, include_str!("../../templates/error.html")),
    (UpdatePasswordPage::TEMPLATE, include_str!("../../templates/update-password.html")),
    (PasswordUpdatedPage::TEMPLATE, include_str!("../../templates/password-updated.html")),
    (ReturnPage::TEMPLATE, include_str!("../../templates/return.html")),
    (DeviceCodePage::TEMPLATE, include_str!("../../templates/device-code.html")),
    (DeviceCodeQuestionPage::TEMPLATE, include_str!("../../templates/device-code-question.html")),
    (DeviceCodeDonePage::TEMPLATE, include_str!("../../templates/device-code-done.html")),
    ("device.html", include_str!("../../templates/device.html")),
    (MyDevicesPage::TEMPLATE, include_str!("../../templates/my-devices.html")),
    (DeviceQuestionPage::TEMPLATE, include_str!("../../templates/device-question.html")),
];

#[cfg(test)]
mod tests;
