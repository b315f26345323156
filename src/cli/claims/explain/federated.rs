//! A user of a claims provider trust who would sign in: what the claims provider says of them comes from a file.

use std::path::Path;

use super::super::files;
use super::answer::ClaimsProviderAnswer;
use crate::authn::{AuthenticatedSubject, AuthenticationMethod, FederatedSubject, SubjectOrigin};
use crate::claims::case::SavedClaim;
use crate::claims::{ClaimSet, types};
use crate::clock::{Clock, Random};
use crate::config::suggest;
use crate::trusts::{ClaimsProvider, Trusts};

type Failure = Box<dyn std::error::Error>;

/// A user of the claims provider with this identifier, and what the claims of the file say.
pub(super) fn subject(
    trusts: &Trusts,
    (identifier, claims): (&str, &Path),
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<(AuthenticatedSubject, ClaimsProviderAnswer), Failure> {
    let provider = provider(trusts, identifier)?;
    let claims = stated_by(provider, &files::claims(claims)?);
    let method = claims.first_value(types::AUTHENTICATION_METHOD);
    let method = method.map_or(AuthenticationMethod::Federated, |uri| AuthenticationMethod::of_claims_provider(uri));
    let name = [types::NAME_IDENTIFIER, types::UPN].iter().find_map(|name| claims.first_value(name));
    let name = name.map(ToString::to_string).unwrap_or_default();
    let subject = FederatedSubject { claims_provider: provider.id.clone(), name, claims, session: None };
    let who = AuthenticatedSubject::begin(SubjectOrigin::ClaimsProvider(subject), method, clock.now(), random)?;
    let answer = ClaimsProviderAnswer { name: provider.name.clone(), identifier: provider.id.as_str().to_owned() };
    Ok((who, answer))
}

/// As they come in: whatever the file says of issuers, it is the claims provider that states them.
fn stated_by(provider: &ClaimsProvider, saved: &[SavedClaim]) -> ClaimSet {
    let stated = saved.iter().map(|saved| {
        let mut claim = saved.to_claim();
        claim.issuer = provider.id.as_str().into();
        claim.original_issuer = claim.issuer.clone();
        claim
    });
    stated.collect()
}

/// The trust with this identifier, or what there is instead.
fn provider<'t>(trusts: &'t Trusts, identifier: &str) -> Result<&'t ClaimsProvider, String> {
    match trusts.claims_provider(identifier) {
        Some(provider) if provider.enabled => Ok(provider),
        Some(provider) => Err(format!("the claims provider trust {} is disabled", provider.name)),
        None => {
            let known: Vec<&str> = trusts.claims_providers().iter().map(|provider| provider.id.as_str()).collect();
            let meant = suggest::nearest(identifier, known.iter().copied());
            let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
            let list = if known.is_empty() { String::from("none") } else { known.join(", ") };
            Err(format!("no claims provider trust has the identifier {identifier}{meant}\nThere are: {list}"))
        }
    }
}
