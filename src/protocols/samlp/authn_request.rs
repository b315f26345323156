//! `samlp:AuthnRequest`: a user is sent to a partner (saml-core 3.4.1, saml-profiles 4.1.4.1, ws-federation.md 7.7).

use super::redirect::{self, Parameter};
use super::write::{EncodeError, Enveloped, message, protocol, saml, sign};
use crate::tokens::{SignatureAlgorithm, SigningKey};
use crate::xml::{Attribute, WriteError, Writer};

pub use super::write::Header;

/// A request for authentication.
#[derive(Debug, Clone)]
pub struct AuthnRequest<'a> {
    /// What every message says.
    pub header: Header<'a>,
    /// Where the response goes; `None` for the address the partner knows as the default.
    pub reply: Option<Reply<'a>>,
    /// Format of the name identifier; `None` for whatever the partner gives.
    pub name_id_format: Option<&'a str>,
    /// Whether the partner may make a new identifier for the subject.
    pub allow_create: bool,
    /// The user must prove who they are now.
    pub force_authn: bool,
    /// The user must not be asked anything.
    pub is_passive: bool,
    /// Authentication contexts, one of which is demanded.
    pub contexts: Option<RequestedContexts<'a>>,
    /// Providers among which the partner should choose, when it is a hub.
    pub providers: &'a [&'a str],
}

/// Where the response goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply<'a> {
    /// The assertion consumer service with this index in our metadata.
    Index(u16),
    /// This address, by the POST binding.
    Post(&'a str),
}

/// Demanded authentication contexts.
#[derive(Debug, Clone, Copy)]
pub struct RequestedContexts<'a> {
    /// How they are compared.
    pub comparison: Comparison,
    /// Class URIs, the best liked first; not empty.
    pub classes: &'a [&'a str],
}

/// How an authentication context is compared with the demanded ones (saml-core 3.3.2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// One of them.
    Exact,
    /// At least as strong as one of them.
    Minimum,
    /// At most as strong as one of them.
    Maximum,
    /// Stronger than any of them.
    Better,
}

impl AuthnRequest<'_> {
    /// The query for the redirect binding, signed with the key that is given. Append it to the partner's address with
    /// [`redirect::append`].
    ///
    /// # Errors
    /// [`EncodeError`].
    pub async fn to_query(
        &self,
        relay_state: Option<&str>,
        key: Option<(&SigningKey, SignatureAlgorithm)>,
    ) -> Result<String, EncodeError> {
        let octets = self.write(Enveloped::Unsigned)?.finish()?;
        redirect::encode(Parameter::Request, &octets, relay_state, key).await
    }

    /// The value of the form field `SAMLRequest` for the POST binding, signed.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub async fn to_form(&self, key: &SigningKey, algorithm: SignatureAlgorithm) -> Result<String, EncodeError> {
        sign(self.write(Enveloped::Signed)?, self.header.id, key, algorithm).await
    }

    fn write(&self, enveloped: Enveloped) -> Result<Writer, WriteError> {
        let index = match self.reply {
            Some(Reply::Index(index)) => Some(index.to_string()),
            _ => None,
        };
        let (url, binding) = match self.reply {
            Some(Reply::Post(url)) => (Some(url), Some("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST")),
            _ => (None, None),
        };
        let attributes = [
            Attribute::plain_optional("ForceAuthn", self.force_authn.then_some("true")),
            Attribute::plain_optional("IsPassive", self.is_passive.then_some("true")),
            Attribute::plain_optional("AssertionConsumerServiceIndex", index.as_deref()),
            Attribute::plain_optional("AssertionConsumerServiceURL", url),
            Attribute::plain_optional("ProtocolBinding", binding),
        ];
        message("AuthnRequest", &self.header, &attributes, enveloped, |writer| {
            let policy = [
                Attribute::plain_optional("Format", self.name_id_format),
                Attribute::plain_optional("AllowCreate", self.allow_create.then_some("true")),
            ];
            writer.empty(&protocol("NameIDPolicy"), &policy)?;
            if let Some(contexts) = &self.contexts {
                let comparison = match contexts.comparison {
                    Comparison::Exact => "exact",
                    Comparison::Minimum => "minimum",
                    Comparison::Maximum => "maximum",
                    Comparison::Better => "better",
                };
                let comparison = [Attribute::plain("Comparison", comparison)];
                writer.element::<WriteError>(&protocol("RequestedAuthnContext"), &comparison, |writer| {
                    let class = saml("AuthnContextClassRef");
                    contexts.classes.iter().try_for_each(|uri| writer.leaf(&class, &[], uri))
                })?;
            }
            if self.providers.is_empty() {
                return Ok(());
            }
            writer.element(&protocol("Scoping"), &[], |writer| {
                writer.element(&protocol("IDPList"), &[], |writer| {
                    let entry = |id: &&str| writer.empty(&protocol("IDPEntry"), &[Attribute::plain("ProviderID", id)]);
                    self.providers.iter().try_for_each(entry)
                })
            })
        })
    }
}
