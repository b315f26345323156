//! The JSON of an audit event: one line, AD FS' field names, nothing in it that could start another line or hide text.

use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};

use super::claims::ClaimLine;
use super::device::{DeviceAttempt, DeviceRefusal};
use super::event::{AuditEvent, EventKind};
use super::facts::{AuthnFacts, Parties, RequestFacts};
use super::text::{Detail, Name};
use crate::devices::DeviceId;
use crate::directory::Sid;

/// The event as one JSON object and a line feed.
///
/// # Errors
/// The serialiser's error; none is known for these types.
pub fn to_line(event: &AuditEvent) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = Vec::with_capacity(1024);
    let mut serializer = serde_json::Serializer::with_formatter(&mut line, Escaping);
    Line(event).serialize(&mut serializer)?;
    line.push(b'\n');
    Ok(line)
}

struct Line<'a>(&'a AuditEvent);

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let event = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("time", &event.time.to_xml())?;
        map.serialize_entry("ProviderName", "AD FS Auditing")?;
        map.serialize_entry("EventID", &event.kind.number())?;
        map.serialize_entry("ActivityID", &event.request.activity)?;
        map.serialize_entry("InstanceID", &event.instance.0)?;
        kind(&mut map, &event.kind)?;
        request(&mut map, &event.request)?;
        map.end()
    }
}

fn kind<M: SerializeMap>(map: &mut M, kind: &EventKind) -> Result<(), M::Error> {
    match kind {
        EventKind::AppTokenIssued { parties, authn, token } => {
            audit(map, "AppToken", None, None)?;
            components(map, parties, authn)?;
            map.serialize_entry("TokenID", token.as_str())
        }
        EventKind::AppTokenFailed { parties, authn, failure, code } => {
            audit(map, "AppToken", Some(failure.as_str()), Some(code.0))?;
            components(map, parties, authn)
        }
        EventKind::CredentialAccepted { parties, authn } => {
            audit(map, "FreshCredentials", None, None)?;
            components(map, parties, authn)
        }
        EventKind::CredentialRejected { parties, authn, failure, reason } => {
            audit(map, "FreshCredentials", Some(failure.as_str()), Some(reason.as_str()))?;
            components(map, parties, authn)
        }
        EventKind::PasswordChanged { parties } => password_change(map, parties, None, None),
        EventKind::PasswordChangeFailed { parties, failure, code } => {
            password_change(map, parties, Some(failure.as_str()), Some(code.0))
        }
        EventKind::SignOut { parties, success } => {
            audit(map, "SignOut", (!success).then_some("GenericError"), None)?;
            components(map, parties, &AuthnFacts::default())
        }
        EventKind::ExtranetLockout { parties, authn } => {
            audit(map, "ExtranetLockout", Some("ExtranetLockoutError"), None)?;
            components(map, parties, authn)
        }
        EventKind::TokenIssued { parties, token, token_type, key, not_on_or_after } => {
            outcome(map, "Success")?;
            who(map, parties)?;
            map.serialize_entry("TokenID", token.as_str())?;
            map.serialize_entry("TokenType", token_type)?;
            map.serialize_entry("SigningKey", key.as_str())?;
            map.serialize_entry("NotOnOrAfter", &not_on_or_after.to_xml())
        }
        EventKind::DelegationDenied { parties, by } | EventKind::IssuanceDenied { parties, by } => {
            outcome(map, "Failure")?;
            who(map, parties)?;
            map.serialize_entry("DeniedBy", by)
        }
        EventKind::TokenValidationFailed { parties, token_type, reason, detail } => {
            outcome(map, "Failure")?;
            who(map, parties)?;
            map.serialize_entry("TokenType", token_type)?;
            map.serialize_entry("ErrorMessage", reason.as_str())?;
            map.serialize_entry("Detail", detail)
        }
        EventKind::PassiveRequestFailed { parties, code, detail }
        | EventKind::RequestFailed { parties, code, detail } => failed_request(map, parties, code.0, detail),
        EventKind::RequestReceived { method, local_port, content_length } => {
            received(map, method, *local_port, *content_length)
        }
        EventKind::ResponseSent { status, description } => sent(map, *status, description),
        EventKind::RequestContext { headers } => {
            map.serialize_entry("Headers", &Headers(headers.get(..MAX_LISTED).unwrap_or(headers)))
        }
        EventKind::TokenRejected { parties, token_type, reason } => {
            outcome(map, "Failure")?;
            who(map, parties)?;
            map.serialize_entry("TokenType", token_type)?;
            map.serialize_entry("ErrorMessage", reason.as_str())
        }
        EventKind::TokenAccepted { parties, token_type } => {
            outcome(map, "Success")?;
            who(map, parties)?;
            map.serialize_entry("TokenType", token_type)
        }
        EventKind::Claims { of: _, part, parts, claims, omitted } => {
            map.serialize_entry("Part", part)?;
            map.serialize_entry("Parts", parts)?;
            map.serialize_entry("Claims", claims)?;
            if *omitted > 0 { map.serialize_entry("ClaimsOmitted", omitted) } else { Ok(()) }
        }
        EventKind::LockedButAllowed { parties } | EventKind::LockedWithRightPassword { parties } => who(map, parties),
        EventKind::AccountLocked { parties, failures } => locked(map, parties, *failures),
        EventKind::AttributeStoreFailed { parties, store, rule, code, detail, retryable } => {
            failed_request(map, parties, code.0, detail)?;
            map.serialize_entry("AttributeStore", store)?;
            map.serialize_entry("Rule", rule)?;
            map.serialize_entry("Retryable", retryable)
        }
        EventKind::PartnerMetadata { parties, taken, detail } => partner_metadata(map, parties, *taken, detail),
        EventKind::DeviceAdministered { parties, device, change, failure } => {
            administered(map, parties, *device, change, failure.as_ref())
        }
        EventKind::SidsFiltered { parties, realm, dropped, sids } => {
            dropped_sids(map, parties, realm, (*dropped, sids))
        }
        EventKind::UpnDropped { parties, realm, upn } => dropped_upn(map, parties, realm, upn),
        EventKind::DeviceRegistration { parties, attempt, refused }
        | EventKind::DeviceUnregistration { parties, attempt, refused }
        | EventKind::AccountKeyRegistration { parties, attempt, refused } => {
            device(map, parties, attempt, refused.as_ref())
        }
    }
}

fn locked<M: SerializeMap>(map: &mut M, parties: &Parties, failures: u32) -> Result<(), M::Error> {
    who(map, parties)?;
    map.serialize_entry("BadPasswordCount", &failures)
}

fn administered<M: SerializeMap>(
    map: &mut M,
    parties: &Parties,
    device: DeviceId,
    change: &Name,
    failure: Option<&Detail>,
) -> Result<(), M::Error> {
    who(map, parties)?;
    map.serialize_entry("DeviceId", &device.to_string())?;
    map.serialize_entry("Change", change)?;
    map.serialize_entry("Detail", &failure)
}

fn received<M: SerializeMap>(
    map: &mut M,
    method: &Name,
    local_port: u16,
    content_length: Option<u64>,
) -> Result<(), M::Error> {
    map.serialize_entry("HttpMethod", method)?;
    map.serialize_entry("LocalPort", &local_port)?;
    optional(map, "ContentLength", content_length.as_ref())
}

fn sent<M: SerializeMap>(map: &mut M, status: u16, description: &str) -> Result<(), M::Error> {
    map.serialize_entry("StatusCode", &status)?;
    map.serialize_entry("StatusDescription", description)
}

fn dropped_upn<M: SerializeMap>(map: &mut M, parties: &Parties, realm: &Name, upn: &Name) -> Result<(), M::Error> {
    who(map, parties)?;
    map.serialize_entry("Realm", realm)?;
    map.serialize_entry("DroppedUpn", upn)
}

fn dropped_sids<M: SerializeMap>(
    map: &mut M,
    parties: &Parties,
    realm: &Name,
    (dropped, sids): (usize, &[Sid]),
) -> Result<(), M::Error> {
    who(map, parties)?;
    map.serialize_entry("Realm", realm)?;
    map.serialize_entry("DroppedCount", &dropped)?;
    let listed: Vec<String> = sids.iter().take(MAX_LISTED).map(ToString::to_string).collect();
    map.serialize_entry("DroppedSids", &listed)
}

/// Head of the 1200 series (`AuditBase`). `failure` absent means success.
fn audit<M: SerializeMap>(
    map: &mut M,
    audit_type: &str,
    failure: Option<&str>,
    code: Option<&str>,
) -> Result<(), M::Error> {
    map.serialize_entry("AuditType", audit_type)?;
    outcome(map, if failure.is_none() { "Success" } else { "Failure" })?;
    map.serialize_entry("FailureType", failure.unwrap_or("None"))?;
    map.serialize_entry("ErrorCode", code.unwrap_or(NONE))
}

fn password_change<M: SerializeMap>(
    map: &mut M,
    parties: &Parties,
    failure: Option<&str>,
    code: Option<&str>,
) -> Result<(), M::Error> {
    audit(map, "PasswordChange", failure, code)?;
    components(map, parties, &AuthnFacts::default())
}

fn partner_metadata<M: SerializeMap>(
    map: &mut M,
    parties: &Parties,
    taken: bool,
    detail: &Detail,
) -> Result<(), M::Error> {
    outcome(map, if taken { "Success" } else { "Failure" })?;
    who(map, parties)?;
    map.serialize_entry("Detail", detail)
}

/// A request that came to nothing, with the code users search for.
fn failed_request<M: SerializeMap>(
    map: &mut M,
    parties: &Parties,
    code: &str,
    detail: &Detail,
) -> Result<(), M::Error> {
    outcome(map, "Failure")?;
    who(map, parties)?;
    map.serialize_entry("ErrorCode", code)?;
    map.serialize_entry("Detail", detail)
}

/// An attempt that concerns a device.
fn device<M: SerializeMap>(
    map: &mut M,
    parties: &Parties,
    attempt: &DeviceAttempt,
    refused: Option<&DeviceRefusal>,
) -> Result<(), M::Error> {
    outcome(map, if refused.is_none() { "Success" } else { "Failure" })?;
    who(map, parties)?;
    let DeviceAttempt { join_type, device, display_name, serial, thumbprint } = attempt;
    optional(map, "JoinType", join_type.map(crate::devices::JoinType::as_str).as_ref())?;
    optional(map, "DeviceId", device.map(|device| device.to_string()).as_ref())?;
    optional(map, "DeviceDisplayName", display_name.as_ref())?;
    optional(map, "CertificateSerialNumber", serial.as_ref())?;
    optional(map, "CertificateThumbprint", thumbprint.map(hex::encode_upper).as_ref())?;
    let Some(DeviceRefusal { code, detail }) = refused else { return Ok(()) };
    map.serialize_entry("ErrorCode", code.0)?;
    map.serialize_entry("Detail", detail)
}

fn outcome<M: SerializeMap>(map: &mut M, outcome: &str) -> Result<(), M::Error> {
    map.serialize_entry("AuditResult", outcome)
}

/// The 1200 series writes every field, `N/A` where there is nothing.
fn components<M: SerializeMap>(map: &mut M, parties: &Parties, authn: &AuthnFacts) -> Result<(), M::Error> {
    let Parties { relying_party, claims_provider, user, sid } = parties;
    map.serialize_entry("RelyingParty", relying_party.as_ref().map_or(NONE, |text| text.as_str()))?;
    map.serialize_entry("ClaimsProvider", claims_provider.as_ref().map_or(NONE, |text| text.as_str()))?;
    map.serialize_entry("UserId", user.as_ref().map_or(NONE, |text| text.as_str()))?;
    map.serialize_entry("SubjectSid", &sid.map_or_else(|| NONE.to_owned(), |sid| sid.to_string()))?;
    map.serialize_entry("PrimaryAuth", authn.primary.map_or(NONE, crate::authn::AuthenticationMethod::uri))?;
    map.serialize_entry("DeviceAuth", &authn.device.is_some())?;
    let device = authn.device.as_ref().map_or_else(|| NONE.to_owned(), |device| device.0.to_string());
    map.serialize_entry("DeviceId", &device)?;
    map.serialize_entry("MfaPerformed", &authn.mfa.is_some())?;
    map.serialize_entry("MfaMethod", authn.mfa.map_or(NONE, crate::authn::AuthenticationMethod::reference_uri))
}

fn who<M: SerializeMap>(map: &mut M, parties: &Parties) -> Result<(), M::Error> {
    let Parties { relying_party, claims_provider, user, sid } = parties;
    optional(map, "RelyingParty", relying_party.as_ref())?;
    optional(map, "ClaimsProvider", claims_provider.as_ref())?;
    optional(map, "UserId", user.as_ref())?;
    optional(map, "SubjectSid", sid.map(|sid| sid.to_string()).as_ref())
}

fn request<M: SerializeMap>(map: &mut M, request: &RequestFacts) -> Result<(), M::Error> {
    let address = |ip: Option<std::net::IpAddr>| ip.map_or_else(|| NONE.to_owned(), |ip| ip.to_string());
    let forwarded: Vec<String> = request.forwarded.iter().take(MAX_FORWARDED).map(ToString::to_string).collect();
    map.serialize_entry("Server", &request.server)?;
    map.serialize_entry("AuthProtocol", request.protocol.as_str())?;
    map.serialize_entry("NetworkLocation", request.location.as_str())?;
    map.serialize_entry("IpAddress", &address(request.client))?;
    map.serialize_entry("ForwardedIpAddress", &forwarded.join(","))?;
    map.serialize_entry("ProxyIpAddress", &address(request.proxy))?;
    map.serialize_entry("NetworkIpAddress", &address(request.peer))?;
    map.serialize_entry("ProxyServer", request.proxy_server.as_ref().map_or(NONE, |text| text.as_str()))?;
    map.serialize_entry("UserAgentString", request.user_agent.as_ref().map_or("", |text| text.as_str()))?;
    map.serialize_entry("Endpoint", &request.endpoint)
}

fn optional<M: SerializeMap, T: Serialize>(map: &mut M, key: &str, value: Option<&T>) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, value))
}

impl Serialize for ClaimLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("Type", &self.claim_type)?;
        optional(&mut map, "Value", self.value.as_ref())?;
        map.end()
    }
}

/// An array, not an object: a client may send one header twice.
struct Headers<'a>(&'a [(super::Name, super::Identifier)]);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lines = self.0.iter().map(|(name, value)| [name.as_str(), value.as_str()]);
        serializer.collect_seq(lines)
    }
}

/// Compact JSON that also escapes what JSON allows and terminals and log viewers act on: DEL and C1 controls, line and
/// paragraph separators, marks and overrides of writing direction, invisible characters, the byte order mark.
struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Nearly every text is plain ASCII, and that is seen many octets at once.
        if fragment.is_ascii() && !fragment.as_bytes().contains(&DELETE) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.find(is_hidden) {
            let (plain, from) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut characters = from.chars();
            if let Some(hidden) = characters.next() {
                let mut units = [0; 2];
                for unit in hidden.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        CompactFormatter.write_char_escape(writer, escape)
    }
}

const fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

const DELETE: u8 = 0x7f;
/// What AD FS writes where there is nothing.
const NONE: &str = "N/A";
const MAX_FORWARDED: usize = 8;
const MAX_LISTED: usize = 16;
