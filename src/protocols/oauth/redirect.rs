//! The answer of the authorization endpoint: parameters on their way to the client's address, by query, fragment or form.

use actix_web::http::StatusCode;

use crate::issuance::Context;
use crate::pages::{HandOverPage, PageError, ReturnPage};
use crate::protocols::browser;
use crate::protocols::browser::parameters::encode;
use crate::protocols::environment::Environment;
use crate::protocols::http::{Answer, Call};

/// `response_mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseMode {
    /// In the query.
    Query,
    /// Behind the number sign.
    Fragment,
    /// As a form that posts itself.
    FormPost,
}

/// Where an answer goes, and how.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// The client's address, checked.
    pub(super) redirect_uri: String,
    /// How.
    pub(super) mode: ResponseMode,
    /// `state`, given back as it came.
    pub(super) state: Option<String>,
    /// `client-request-id` of the query, likewise.
    pub(super) request_id: Option<String>,
}

impl Target {
    /// The answer with these parameters, and those of every answer.
    ///
    /// # Errors
    /// [`PageError`].
    pub(super) fn answer(
        &self,
        environment: &Environment,
        cx: &Context,
        call: &Call,
        issuer: &str,
        parameters: Vec<(&'static str, String)>,
    ) -> Result<Answer, PageError> {
        let fields = self.fields(issuer, parameters);
        let Some(location) = self.location(&fields) else {
            let page = HandOverPage { action: self.redirect_uri.clone(), fields };
            return browser::page(&environment.browser, cx, call, StatusCode::OK, None, &page);
        };
        let mut answer = browser::redirect(&location);
        // Programs that follow no redirection read the address here.
        answer.content_type = Some("text/html; charset=utf-8");
        answer.body = format!(
            "<!DOCTYPE html><html><head><title>Object moved</title></head><body><a href=\"{}\">here</a></body></html>",
            location.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
        )
        .into_bytes();
        Ok(answer)
    }

    /// The same as the page of a 401, whose address browsers do not follow by themselves.
    ///
    /// # Errors
    /// [`PageError`].
    pub(super) fn answer_by_page(
        &self,
        environment: &Environment,
        cx: &Context,
        call: &Call,
        issuer: &str,
        parameters: Vec<(&'static str, String)>,
    ) -> Result<Answer, PageError> {
        let fields = self.fields(issuer, parameters);
        let (settings, status) = (&environment.browser, StatusCode::UNAUTHORIZED);
        if let Some(address) = self.location(&fields) {
            return browser::page(settings, cx, call, status, None, &ReturnPage { address });
        }
        let page = HandOverPage { action: self.redirect_uri.clone(), fields };
        browser::page(settings, cx, call, status, None, &page)
    }

    /// The parameters, and those of every answer. `issuer` tells the client who answers (RFC 9207).
    fn fields(&self, issuer: &str, parameters: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
        let mut fields = parameters;
        fields.extend(self.state.clone().map(|state| ("state", state)));
        fields.extend(self.request_id.clone().map(|id| ("client-request-id", id)));
        fields.push(("iss", issuer.to_owned()));
        fields
    }

    /// The address with the parameters; `None` where they go by a form.
    fn location(&self, fields: &[(&'static str, String)]) -> Option<String> {
        let separator = match self.mode {
            ResponseMode::FormPost => return None,
            ResponseMode::Fragment => '#',
            ResponseMode::Query if self.redirect_uri.contains('?') => '&',
            ResponseMode::Query => '?',
        };
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        Some(format!("{}{separator}{}", self.redirect_uri, fields.join("&")))
    }
}
