//! `wresult`: what a partner's WS-Federation identity provider sends back through the browser (ws-federation.md 6.3, 7.7).

use crate::tokens::inbound::{self, Carrier, Delivery, InboundError, Partner, Unredeemed};
use crate::xml::Document;
use crate::xml::namespace::{TRUST_13, TRUST_2005};
use crate::xml::verify::Policy;

/// Verifies and checks the assertion in a `RequestSecurityTokenResponse`, of WS-Trust 1.3 or of February 2005, by itself or in
/// a collection of one.
///
/// The response around the assertion is not signed and nothing of it is believed.
///
/// # Errors
/// [`InboundError`].
pub fn receive(wresult: &str, partner: &Partner<'_>, delivery: &Delivery<'_>) -> Result<Unredeemed, InboundError> {
    let document = Document::parse(wresult.as_bytes(), &Policy::STRICT.limits)?;
    let (namespace, local) = document.root().name();
    let namespace = [TRUST_13, TRUST_2005].into_iter().find(|known| *known == namespace);
    let path: &[(&str, &str)] = match (namespace, local) {
        (Some(trust), COLLECTION) => &[(trust, COLLECTION), (trust, RESPONSE), (trust, TOKEN)],
        (Some(trust), RESPONSE) => &[(trust, RESPONSE), (trust, TOKEN)],
        _ => return Err(InboundError::NoAssertion { parent: local.to_owned() }),
    };
    let carrier = Carrier { path, root_may_be_signed: false };
    inbound::receive(wresult.as_bytes(), &carrier, partner, delivery).map(|received| received.assertion)
}

const COLLECTION: &str = "RequestSecurityTokenResponseCollection";
const RESPONSE: &str = "RequestSecurityTokenResponse";
const TOKEN: &str = "RequestedSecurityToken";
