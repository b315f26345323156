//! What is asked for: a resource and scopes, which clients name in two ways (oauth-oidc-prt.md 2.2, 2.13).

use std::sync::Arc;

use super::error::OAuthError;
use crate::protocols::browser::parameters::Parameters;
use crate::trusts::client::USER_INFORMATION;
use crate::trusts::{Client, RelyingParty, TrustLookup, Trusts};

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Identifier of the relying party; `None` when the request names none.
    pub(super) resource: Option<String>,
    /// Scopes by themselves.
    scopes: Vec<String>,
    /// Those that carried a resource, as they were written, each with what it is by itself.
    qualified: Vec<(String, String)>,
    /// `.default`: everything the client may ask for.
    everything: bool,
}

/// What a client gets.
#[derive(Debug)]
pub(super) struct Granted<'a> {
    /// The relying party.
    pub(super) trust: &'a Arc<RelyingParty>,
    /// Its identifier as it was named.
    pub(super) resource: String,
    /// The scopes: by themselves, and then as the request wrote those that carried a resource, for which libraries look in
    /// the answer. [`plain`] are those of a token.
    pub(super) scopes: Vec<String>,
}

impl Wanted {
    /// What `resource` and `scope` say. A scope may carry the resource: `https://api.corp.example/.default`.
    ///
    /// # Errors
    /// [`OAuthError`] when they cannot be read, or name several resources.
    pub(super) fn read(parameters: &Parameters) -> Result<Self, OAuthError> {
        let resource = parameters.line("resource", MAX_RESOURCE)?.map(str::to_owned);
        Self::of(resource, parameters.line("scope", MAX_SCOPE)?.unwrap_or_default())
    }

    /// The same of a request that is no form.
    ///
    /// # Errors
    /// [`OAuthError`] when they name several resources.
    pub(super) fn of(resource: Option<String>, scope: &str) -> Result<Self, OAuthError> {
        let mut wanted = Self { resource, scopes: Vec::new(), qualified: Vec::new(), everything: false };
        let mut prefix: Option<String> = None;
        for word in scope.split(' ').filter(|word| !word.is_empty()) {
            let scope = match word.rsplit_once('/') {
                None => word,
                Some((resource, scope)) => {
                    if prefix.as_deref().is_some_and(|other| other != resource) {
                        return Err(OAuthError::Unusable { name: "scope", reason: "it names more than one resource" });
                    }
                    prefix = Some(resource.to_owned());
                    wanted.qualified.push((word.to_owned(), scope.to_owned()));
                    scope
                }
            };
            if scope == ".default" {
                wanted.everything = true;
            } else if !wanted.scopes.iter().any(|known| known == scope) {
                wanted.scopes.push(scope.to_owned());
            }
        }
        wanted.resource = wanted.resource.or(prefix);
        Ok(wanted)
    }

    /// Whether it asks for an id token.
    pub(super) fn has_openid(&self) -> bool {
        self.scopes.iter().any(|scope| scope == "openid")
    }

    /// What of it the client may have. `otherwise` is the resource when none is named.
    ///
    /// # Errors
    /// [`OAuthError::UnknownResource`], [`OAuthError::NotPermitted`], [`OAuthError::Scope`].
    pub(super) fn permit<'a>(
        &self,
        trusts: &'a Trusts,
        client: &Client,
        otherwise: Option<&str>,
    ) -> Result<Granted<'a>, OAuthError> {
        let named = self.resource.as_deref().or(otherwise).unwrap_or(USER_INFORMATION);
        let (trust, resource) = find(trusts, named).ok_or(OAuthError::UnknownResource)?;
        if !client.may_access(&trust.identifiers) {
            return Err(OAuthError::NotPermitted);
        }
        let mut scopes: Vec<String> = Vec::new();
        for scope in &self.scopes {
            let permitted = client.scopes.iter().any(|own| own == scope);
            if permitted {
                scopes.push(scope.clone());
            } else if KNOWN.contains(&scope.as_str()) && !client.is_broker() {
                return Err(OAuthError::Scope(scope.clone()));
            }
        }
        if self.everything {
            let more =
                client.scopes.iter().filter(|own| !KNOWN.contains(&own.as_str()) || *own == "user_impersonation");
            scopes.extend(more.filter(|own| !self.scopes.contains(own)).cloned());
        }
        let given = |scope: &String| scope == ".default" || scopes.contains(scope);
        let echoed: Vec<String> =
            self.qualified.iter().filter(|(_, scope)| given(scope)).map(|(written, _)| written.clone()).collect();
        scopes.extend(echoed);
        Ok(Granted { trust, resource, scopes })
    }
}

/// Whether a scope stands for a resource, as the request wrote it.
pub(super) fn is_qualified(scope: &str) -> bool {
    scope.contains('/')
}

/// The scopes of a token.
pub(super) fn plain(scopes: &[String]) -> String {
    let plain: Vec<&str> = scopes.iter().map(String::as_str).filter(|scope| !is_qualified(scope)).collect();
    plain.join(" ")
}

/// The relying party that a request names. A resource inside a scope may have a slash too many or too few at its end,
/// because clients put one between it and the scope.
fn find<'a>(trusts: &'a Trusts, named: &str) -> Option<(&'a Arc<RelyingParty>, String)> {
    let trimmed = named.strip_suffix('/').unwrap_or(named);
    [named.to_owned(), format!("{trimmed}/"), trimmed.to_owned()].into_iter().find_map(|identifier| {
        match trusts.relying_party(&identifier) {
            TrustLookup::Enabled(trust) => Some((trust, identifier)),
            TrustLookup::Disabled(_) | TrustLookup::Unknown => None,
        }
    })
}

/// Scopes with a meaning in AD FS: to ask for one without permission is an error. Others, `offline_access` and `ugs` among
/// them, are left out without a word.
pub(super) const KNOWN: [&str; 9] = [
    "openid",
    "email",
    "profile",
    "allatclaims",
    "user_impersonation",
    "logon_cert",
    "winhello_cert",
    "vpn_cert",
    "aza",
];
const MAX_RESOURCE: usize = 1024;
const MAX_SCOPE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(query: &str) -> Result<Wanted, OAuthError> {
        Wanted::read(&Parameters::parse(query.as_bytes()).unwrap())
    }

    #[test]
    fn a_resource_is_named_by_itself_or_inside_a_scope() {
        let msal = wanted("scope=https%3A%2F%2Fapi.example%2F.default+openid+profile+offline_access").unwrap();
        assert_eq!(msal.resource.as_deref(), Some("https://api.example"));
        assert!(msal.everything && msal.has_openid());
        let urn = wanted("scope=urn:example:rp/.default").unwrap();
        assert_eq!(urn.resource.as_deref(), Some("urn:example:rp"));
        let both = wanted("resource=urn:a&scope=urn:b/read+openid").unwrap();
        assert_eq!((both.resource.as_deref(), both.everything), (Some("urn:a"), false));
        assert!(matches!(wanted("scope=urn:a/x+urn:b/y"), Err(OAuthError::Unusable { name: "scope", .. })));
        assert_eq!(wanted("").unwrap().resource, None);
    }
}
