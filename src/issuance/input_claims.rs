//! The claims a request starts with (claims.md 4): what the directory says of the account, and what the request says of
//! itself.

use std::borrow::Cow;

use ipnet::IpNet;

use super::context_claims::{certificate_claims, device_claims};
use crate::authn::network::contains;
use crate::authn::{AuthenticatedSubject, ClientSubject, NetworkLocation, RequestOrigin, RequestedMethod};
use crate::claims::types::{self, issuer, value_type};
use crate::claims::{Claim, ClaimSet, MULTIPLE_AUTHENTICATION, Text};
use crate::clock::UtcTime;
use crate::directory::{Account, Sid};

use super::request::{ClientHints, SignInRequest};

/// Claims about an account of the local Active Directory, issued by it: input of its acceptance rules.
///
/// `domain_computer` tells whether the account may show itself as a member of Domain Computers (see
/// [`domain_computers_group`]).
pub(super) fn account_claims(
    subject: &AuthenticatedSubject,
    account: &Account,
    domain_computer: bool,
    hints: &ClientHints,
) -> ClaimSet {
    let mut claims = Vec::with_capacity(account.groups.len() + 16);
    let mut add = |claim_type: &'static str, value: Text| claims.push(stated(AUTHORITY, claim_type, value));

    let name = Text::from(account.windows_account_name());
    add(types::WINDOWS_ACCOUNT_NAME, name.clone());
    add(types::NAME, name);
    add(types::PRIMARY_SID, account.sid.text());
    let withheld = domain_computers_group(account).filter(|_| !domain_computer);
    if Some(account.primary_group) != withheld {
        add(types::PRIMARY_GROUP_SID, account.primary_group.text());
    }
    for group in [Sid::EVERYONE, Sid::AUTHENTICATED_USERS].iter().chain(&account.groups) {
        if Some(*group) != withheld {
            add(types::GROUP_SID, group.text());
        }
    }
    if let Some(upn) = &account.upn {
        add(types::UPN, Text::from(upn.as_str()));
    }
    add(types::IMPLICIT_UPN, Text::from(account.implicit_upn()));
    add(types::ANCHOR_CLAIM_TYPE, Text::constant(types::WINDOWS_ACCOUNT_NAME));
    if let Some(method) = subject.methods.first() {
        add(types::AUTHENTICATION_METHOD, Text::constant(method.uri()));
    }
    for method in &subject.methods {
        add(types::AUTHN_METHODS_REFERENCES, Text::constant(method.reference_uri()));
    }
    if subject.methods.iter().any(|method| method.is_second_factor()) {
        add(types::AUTHN_METHODS_REFERENCES, Text::constant(MULTIPLE_AUTHENTICATION));
    }
    // Entra reads its own word beside the method that met it (device-registration.md 8.1).
    let asked = RequestedMethod::WindowsOrMultiFactor;
    if hints.windows_or_multi_factor && asked.is_met_by(&subject.methods) {
        add(types::AUTHN_METHODS_REFERENCES, Text::constant(asked.uri()));
    }
    if let Some(id) = &subject.alternate_login_id {
        add(types::ALTERNATE_LOGIN_ID, Text::from(id.as_str()));
    }
    if let Some(certificate) = &subject.certificate {
        claims.extend(certificate_claims(certificate, &AUTHORITY));
    }
    let instant = stated(AUTHORITY, types::AUTHENTICATION_INSTANT, subject.instant.to_xml().into());
    claims.push(instant.with_value_type(Text::constant(value_type::DATE_TIME)));
    ClaimSet::from(claims)
}

/// When the password of the account expires, for relying parties that are told: rules ask `_PasswordExpiryStore` when they see it.
pub(super) fn password_expiry_claim(at: UtcTime) -> Claim {
    let claim = stated(AUTHORITY, types::PASSWORD_EXPIRATION_TIME, at.to_xml().into());
    claim.with_value_type(Text::constant(value_type::DATE_TIME))
}

/// Claims about an OAuth client that acts for itself: its id, and how and when it said who it is. Rules and policies that ask
/// for anything of a user find nothing.
pub(super) fn client_claims(subject: &AuthenticatedSubject, client: &ClientSubject) -> ClaimSet {
    let mut claims = vec![stated(CONTEXT, types::CLIENT_ID, Text::from(client.id.as_str()))];
    if let Some(method) = subject.methods.first() {
        claims.push(stated(CONTEXT, types::AUTHENTICATION_METHOD, Text::constant(method.uri())));
    }
    let instant = stated(CONTEXT, types::AUTHENTICATION_INSTANT, subject.instant.to_xml().into());
    claims.push(instant.with_value_type(Text::constant(value_type::DATE_TIME)));
    ClaimSet::from(claims)
}

/// Claims about the device that took part, joined to what the acceptance rules passed.
pub(super) fn device_context_claims(subject: &AuthenticatedSubject) -> Vec<Claim> {
    subject.device.as_ref().map(device_claims).unwrap_or_default()
}

/// `accepted`, with a claim for each of the networks that an address of the request lies in. They are for the rules of an
/// access control policy alone and never get into a token.
///
/// What the client's own headers say of its address counts only as
/// [`PRESENTED_NETWORK`](types::PRESENTED_NETWORK): such a hint may cancel a permit, never win one.
pub(super) fn with_networks<'c>(
    accepted: &'c ClaimSet,
    networks: &[IpNet],
    origin: &RequestOrigin,
) -> Cow<'c, ClaimSet> {
    if networks.is_empty() {
        return Cow::Borrowed(accepted);
    }
    let context = Text::from(issuer::CLIENT_CONTEXT);
    let mut claims = accepted.clone();
    for network in networks {
        let value = Text::from(network.to_string());
        let holds = |address| contains(std::slice::from_ref(network), address);
        if holds(origin.client_ip) {
            claims.push(Claim::new(types::CLIENT_NETWORK, value.clone(), context.clone()));
        }
        if origin.presented().any(holds) {
            claims.push(Claim::new(types::PRESENTED_NETWORK, value, context.clone()));
        }
    }
    Cow::Owned(claims)
}

/// Claims about the request, joined to what the acceptance rules passed; no rule of an authority can forge them.
pub(super) fn request_claims(request: &SignInRequest, trust_id: &str, activity: uuid::Uuid) -> Vec<Claim> {
    let inside = request.origin.location == NetworkLocation::Intranet;
    let inside = Text::constant(if inside { "true" } else { "false" });
    let mut claims = Vec::with_capacity(10);
    claims.push(
        stated(CONTEXT, types::INSIDE_CORPORATE_NETWORK, inside).with_value_type(Text::constant(value_type::BOOLEAN)),
    );
    let mut add = |claim_type: &'static str, value: Text| claims.push(stated(CONTEXT, claim_type, value));
    let client_ip = Text::from(request.origin.client_ip.to_string());
    add(types::X_MS_CLIENT_IP, client_ip.clone());
    add(types::X_MS_ENDPOINT_ABSOLUTE_PATH, Text::from(request.endpoint.as_str()));
    add(types::RELYING_PARTY_TRUST_ID, Text::from(trust_id));
    add(types::CLIENT_REQUEST_ID, Text::from(activity.to_string()));
    add(types::USER_IP, client_ip);
    // Only what a trusted peer passed on: rules decide by this claim where somebody may sign in from.
    let forwarded = (!request.origin.forwarded_for.is_empty())
        .then(|| request.origin.forwarded_for.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    let optional = [
        (types::X_MS_PROXY, &request.origin.proxy),
        (types::X_MS_FORWARDED_CLIENT_IP, &forwarded),
        (types::X_MS_CLIENT_APPLICATION, &request.hints.application),
        (types::X_MS_CLIENT_USER_AGENT, &request.hints.client_user_agent),
    ];
    for (claim_type, value) in optional {
        if let Some(value) = value {
            add(claim_type, Text::from(value.as_str()));
        }
    }
    if request.persistent_session {
        let claim = stated(Text::constant(issuer::SELF_AUTHORITY), types::PERSISTENT_SSO, Text::constant("true"));
        claims.push(claim.with_value_type(Text::constant(value_type::BOOLEAN)));
    }
    let mut add = |claim_type: &'static str, value: Text| claims.push(stated(CONTEXT, claim_type, value));
    if request.hints.client_user_agent.is_none()
        && let Some(user_agent) = &request.hints.user_agent
    {
        add(types::X_MS_CLIENT_USER_AGENT, Text::from(user_agent.as_str()));
    }
    claims
}

/// The SID of Domain Computers (RID 515) when the account is a member of that group of its own domain.
///
/// The hybrid join rules read membership in this group as "this is a domain-joined computer" and issue `accounttype` `DJ`.
/// A user, a managed service account or a domain controller that was put into the group is none.
pub(super) fn domain_computers_group(account: &Account) -> Option<Sid> {
    let group = account.sid.parent()?.child(DOMAIN_COMPUTERS_RID).ok()?;
    (account.primary_group == group || account.groups.contains(&group)).then_some(group)
}

fn stated(by: Text, claim_type: &'static str, value: Text) -> Claim {
    Claim::new(Text::constant(claim_type), value, by)
}

const AUTHORITY: Text = Text::constant(issuer::AD_AUTHORITY);
const CONTEXT: Text = Text::constant(issuer::CLIENT_CONTEXT);
const DOMAIN_COMPUTERS_RID: u32 = 515;
