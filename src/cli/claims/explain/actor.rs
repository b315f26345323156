//! The OAuth client that would ask on behalf of the user.

use super::answer::ActorAnswer;
use crate::authn::{AuthenticatedSubject, AuthenticationMethod, ClientSubject, SubjectOrigin};
use crate::clock::{Clock, Random};
use crate::config::suggest;
use crate::trusts::{GrantType, Trusts};

/// The client with this id, as one that proved who it is; and what would keep it from asking, whatever the rules say.
pub(super) fn actor(
    trusts: &Trusts,
    id: &str,
    clock: &dyn Clock,
    random: &dyn Random,
    warnings: &mut Vec<String>,
) -> Result<(AuthenticatedSubject, ActorAnswer), Box<dyn std::error::Error>> {
    let Some(client) = trusts.client(id) else {
        let meant = suggest::nearest(id, trusts.clients().map(|client| client.id.as_str()));
        let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
        return Err(format!("no OAuth client has the id {id}{meant}").into());
    };
    if !client.enabled {
        warnings.push(format!("the client {} is disabled: it could not ask now", client.name));
    }
    if !client.may_use(GrantType::OnBehalfOf) {
        warnings.push(format!(
            "the client {} may not ask on behalf of users: `on_behalf_of` is not among its grants",
            client.name
        ));
    }
    let origin = SubjectOrigin::Client(ClientSubject { id: client.id.clone(), name: client.name.clone() });
    let who = AuthenticatedSubject::begin(origin, AuthenticationMethod::Password, clock.now(), random)?;
    Ok((who, ActorAnswer { name: client.name.clone(), id: client.id.clone() }))
}
