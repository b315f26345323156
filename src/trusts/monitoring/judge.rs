//! From a fetched document to a verdict: who signed it, and what it changes.

use super::{Monitored, Record};
use crate::clock::UtcTime;
use crate::trusts::partner_metadata::{
    Change, Decision, PartnerMetadata, PartnerMetadataError, Signed, Source, Wanted, read, refresh,
};
use crate::xml::verify::VerificationKeys;

/// What becomes of a fetched document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It says what is known.
    Unchanged(PartnerMetadata),
    /// It is the first, or takes the place of the one in use.
    Adopted(PartnerMetadata, Vec<String>),
    /// It changes more than it may by itself: what, and why that is too much.
    Held(Vec<String>, Vec<String>),
    /// It is not taken: what it changes, and why not.
    Refused(Vec<String>, Vec<String>),
    /// There is no document.
    Failed(String),
}

/// Judges a document against the one in use.
pub(super) fn judge(monitored: &Monitored, before: Option<&Record>, octets: &[u8], now: UtcTime) -> Verdict {
    let refused = |reason: String| Verdict::Refused(Vec::new(), vec![reason]);
    let old = match in_use(monitored, before) {
        Ok(old) => old,
        // Without knowing what is in use, anything would be a first version.
        Err(reason) => return refused(reason),
    };
    let new = match of_partner(monitored, old.as_ref(), octets, now) {
        Ok(new) => new,
        Err(error) => return refused(error.to_string()),
    };
    let Some(old) = old else { return Verdict::Adopted(new, vec![String::from("first version")]) };
    let texts = |changes: &[Change]| changes.iter().map(ToString::to_string).collect();
    match refresh(&old, &new, Source::Https) {
        Decision::Unchanged => Verdict::Unchanged(new),
        Decision::Adopt(changes) => Verdict::Adopted(new, texts(&changes)),
        Decision::Hold(changes, reasons) => {
            Verdict::Held(texts(&changes), reasons.iter().map(ToString::to_string).collect())
        }
        Decision::Refuse(changes, reasons) => {
            Verdict::Refused(texts(&changes), reasons.iter().map(ToString::to_string).collect())
        }
    }
}

/// The document in use, also when it has ended since: it still says which keys are known.
fn in_use(monitored: &Monitored, before: Option<&Record>) -> Result<Option<PartnerMetadata>, String> {
    let unusable = |error: &dyn std::fmt::Display| {
        format!(
            "the version in use cannot be read, so nothing can be compared with it: {error}; `chancery trusts forget` begins anew"
        )
    };
    let Some(octets) = monitored.kept.document().map_err(|error| unusable(&error))? else { return Ok(None) };
    let wanted = monitored.wanted(UtcTime::from_unix_seconds(0));
    let metadata = read(&octets, &wanted).map_err(|error| unusable(&error))?;
    let signed = if before.is_some_and(|record| record.signed) { Signed::Verified } else { Signed::No };
    Ok(Some(PartnerMetadata { signed, ..metadata }))
}

/// Reads the document. Where the trust names who signs it, they must have. Otherwise a signature counts when a certificate made it
/// that is known: one of the version in use or, in the first version, one of its own.
fn of_partner(
    monitored: &Monitored,
    old: Option<&PartnerMetadata>,
    octets: &[u8],
    now: UtcTime,
) -> Result<PartnerMetadata, PartnerMetadataError> {
    let wanted = monitored.wanted(now);
    let signed_by = |keys: &VerificationKeys| read(octets, &Wanted { signed_by: Some(keys), ..wanted });
    if !monitored.signers.is_empty() {
        let keys = VerificationKeys::from_certificates(monitored.signers.iter().map(|der| &**der));
        return signed_by(&keys.map_err(crate::xml::verify::VerifyError::from)?);
    }
    let unsigned = read(octets, &wanted)?;
    let known = certificates(old.unwrap_or(&unsigned));
    match VerificationKeys::from_certificates(known.iter().copied()).ok().map(|keys| signed_by(&keys)) {
        Some(Ok(verified)) => Ok(verified),
        _ => Ok(unsigned),
    }
}

fn certificates(metadata: &PartnerMetadata) -> Vec<&[u8]> {
    let saml = metadata.saml.iter().flat_map(|role| &role.signing_certificates);
    let ws_federation = metadata.ws_federation.iter().flat_map(|role| &role.signing_certificates);
    let saml_service = metadata.saml_service.iter().flat_map(|role| &role.keys.signing);
    let ws_federation_service = metadata.ws_federation_service.iter().flat_map(|role| &role.keys.signing);
    saml.chain(ws_federation).chain(saml_service).chain(ws_federation_service).map(Vec::as_slice).collect()
}
