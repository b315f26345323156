//! Pages and redirections as answers.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};

use crate::issuance::Context;
use crate::pages::theme::Theme;
use crate::pages::{ErrorPage, ErrorText, Page, PageError};
use crate::protocols::browser::BrowserSignIn;
use crate::protocols::http::{Answer, Call};

/// A page as answer, in the reader's language, with a relying party's theme or with the service's.
///
/// # Errors
/// [`PageError`].
pub(in crate::protocols) fn page<P: Page>(
    sign_in: &BrowserSignIn,
    cx: &Context,
    call: &Call,
    status: StatusCode,
    theme: Option<&Theme>,
    page: &P,
) -> Result<Answer, PageError> {
    let locale = sign_in.pages.locale(call.header("accept-language"));
    let rendered = sign_in.pages.render(page, theme, locale, &*cx.services.random)?;
    // Targets of forms compare `Origin`, which browsers leave out with the stricter policy of other answers.
    let referrer = HeaderValue::from_static("strict-origin");
    let mut answer = Answer::new(status, "text/html; charset=utf-8", rendered.html)
        .with_header(header::REFERRER_POLICY, referrer)
        .with_header(header::VARY, HeaderValue::from_static("Accept-Language"));
    if let Ok(policy) = HeaderValue::from_str(&rendered.policy) {
        answer = answer.with_header(header::CONTENT_SECURITY_POLICY, policy);
    }
    if matches!(page.framing(), crate::pages::Framing::Anybody) {
        answer = answer.without(header::X_FRAME_OPTIONS);
    }
    Ok(answer)
}

/// What an error page says, and what it looks like.
pub(in crate::protocols) struct Said<'a> {
    /// What happened.
    pub(in crate::protocols) text: ErrorText,
    /// Name of the relying party's trust, where it is known.
    pub(in crate::protocols) application: Option<String>,
    /// The relying party's theme, where it has one.
    pub(in crate::protocols) theme: Option<&'a Theme>,
}

/// The page of something that cannot go on.
pub(in crate::protocols) fn error_page(
    sign_in: &BrowserSignIn,
    cx: &Context,
    call: &Call,
    status: StatusCode,
    code: &'static str,
    said: Said<'_>,
) -> Answer {
    let Said { text, application, theme } = said;
    let time = cx.services.clock.now().to_xml();
    let shown = ErrorPage { text, application, code, activity: call.correlation.to_string(), time };
    let mut answer = page(sign_in, cx, call, status, theme, &shown).unwrap_or_else(|error| {
        tracing::error!(correlation = %cx.request.activity, %error, "a page could not be made");
        Answer::empty(StatusCode::INTERNAL_SERVER_ERROR)
    });
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer = answer.with_header(header::RETRY_AFTER, HeaderValue::from_static("30"));
    }
    answer
}

/// A redirection within this service or to an address that was checked. An address that no header can carry is a fault.
pub(in crate::protocols) fn redirect(location: &str) -> Answer {
    match HeaderValue::from_str(location) {
        Ok(location) => Answer::empty(StatusCode::FOUND).with_header(header::LOCATION, location),
        Err(_) => Answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

impl Answer {
    /// The same answer with more header fields.
    #[must_use]
    pub(in crate::protocols) fn with_headers(
        mut self,
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> Self {
        self.headers.extend(headers);
        self
    }
}
