//! What is asked: whose sign-in, at which relying party, in which circumstances.

use std::net::IpAddr;
use std::path::Path;

use super::Explain;
use super::subject::method_at;
use crate::authn::{AuthenticationMethod, NetworkLocation};

/// A sign-in that nobody makes.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Question<'a> {
    /// Whose.
    pub(super) user: User<'a>,
    /// An identifier of the relying party.
    pub(super) relying_party: &'a str,
    /// Path of the endpoint.
    pub(super) endpoint: &'a str,
    pub(super) method: Option<AuthenticationMethod>,
    /// The OAuth client that asks on behalf of the user, by its id.
    pub(super) actor: Option<&'a str>,
    pub(super) device: Option<uuid::Uuid>,
    pub(super) source_ip: Option<IpAddr>,
    pub(super) user_agent: Option<String>,
    pub(super) at: Option<NetworkLocation>,
    pub(super) proxy: Option<String>,
}

/// Whose sign-in.
#[derive(Debug, Clone, Copy)]
pub(super) enum User<'a> {
    /// An account's: account name, `DOMAIN\\account`, UPN or SID.
    Account(&'a str),
    /// A user's of a claims provider trust.
    OfClaimsProvider {
        /// The trust's identifier.
        identifier: &'a str,
        /// The file with what the claims provider says of the user.
        claims: &'a Path,
    },
}

impl<'a> Question<'a> {
    /// A sign-in of an account inside the corporate network, without anything special.
    pub(in crate::cli) const fn inside(account: &'a str, relying_party: &'a str, endpoint: &'a str) -> Self {
        Self {
            user: User::Account(account),
            relying_party,
            endpoint,
            method: None,
            actor: None,
            device: None,
            source_ip: None,
            user_agent: None,
            at: Some(NetworkLocation::Intranet),
            proxy: None,
        }
    }

    pub(super) fn of(command: &'a Explain) -> Self {
        let user = match (&command.claims_provider, &command.claims) {
            (Some(identifier), Some(claims)) => User::OfClaimsProvider { identifier, claims },
            _ => User::Account(command.subject.as_deref().unwrap_or_default()),
        };
        Self {
            user,
            relying_party: command.relying_party.as_deref().unwrap_or_default(),
            endpoint: &command.endpoint,
            method: command.authentication_method.map(AuthenticationMethod::from),
            actor: command.actor.as_deref(),
            device: command.device,
            source_ip: command.source_ip,
            user_agent: command.user_agent.clone(),
            at: command.at.map(NetworkLocation::from),
            proxy: command.proxy.clone(),
        }
    }

    /// How the account signs in.
    pub(super) fn method(&self) -> AuthenticationMethod {
        self.method.unwrap_or_else(|| method_at(self.endpoint))
    }
}
