//! What Microsoft Entra wants of a token (ws-federation.md 4.4, 13.2).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::failure::{Failure, Passed, Step};
use super::token::Token;
use crate::claims::types::{ACCOUNT_TYPE, IMMUTABLE_ID, ON_PREM_OBJECT_GUID, PRIMARY_SID, UPN_V1};
use crate::clock::UtcTime;
use crate::directory::{ObjectGuid, Sid};

/// What a token is held against.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Expected<'a> {
    /// The audience.
    pub(in crate::cli) applies_to: &'a str,
    /// The present time.
    pub(in crate::cli) now: UtcTime,
    /// `IssuerUri` of the federated domain, if it is known.
    pub(in crate::cli) issuer: Option<&'a str>,
    /// Federation service identifier, as the metadata says.
    pub(in crate::cli) entity_id: &'a str,
}

/// A check and its outcome.
pub(in crate::cli) type Check = (&'static str, Step<()>);

/// What holds for every token.
pub(in crate::cli) fn common(token: &Token, expected: &Expected<'_>) -> Vec<Check> {
    vec![
        ("audience", audience(token, expected)),
        ("validity", validity(token, expected.now)),
        ("issuer", issuer(token, expected)),
    ]
}

/// What a computer that joins needs.
pub(in crate::cli) fn computer(token: &Token) -> Vec<Check> {
    vec![
        ("type", Ok(kind(token))),
        ("account", account_type(token)),
        ("objectGUID", object_guid(token)),
        ("SID", sid(token)),
    ]
}

/// What a user needs.
pub(in crate::cli) fn user(token: &Token) -> Vec<Check> {
    vec![("type", Ok(kind(token))), ("UPN", upn(token)), ("anchor", anchor(token))]
}

fn kind(token: &Token) -> Passed<()> {
    let passed = Passed::new((), token.kind);
    if token.kind == "SAML 1.1" {
        passed
    } else {
        passed.note("AD FS gives Entra SAML 1.1 tokens; set the trust to that.")
    }
}

fn audience(token: &Token, expected: &Expected<'_>) -> Step<()> {
    if token.audiences.iter().any(|audience| audience == expected.applies_to) {
        return Ok(Passed::new((), expected.applies_to));
    }
    Err(Failure::new(format!("the token is for {}, not for {}", token.audiences.join(" "), expected.applies_to))
        .advise("Microsoft Entra refuses it (AADSTS50008)."))
}

fn validity(token: &Token, now: UtcTime) -> Step<()> {
    let (Some(begins), Some(ends)) = (token.begins(), token.ends()) else {
        return Err(Failure::new("the token does not say from when until when it holds"));
    };
    let clocks = "Compare the clocks of this computer and the server; Entra allows five minutes.";
    if now.plus(ALLOWED_SKEW) < begins {
        return Err(Failure::new(format!("it begins in the future, at {begins}")).advise(clocks));
    }
    if now.minus(ALLOWED_SKEW) >= ends {
        return Err(Failure::new(format!("it ended at {ends}")).advise(clocks));
    }
    let minutes = ends.since(begins).as_secs() / 60;
    let passed = Passed::new((), format!("{minutes} minutes"));
    Ok(if now.plus(UNREMARKABLE_SKEW) < begins || now >= ends {
        passed.note(format!("Only just: {clocks}"))
    } else {
        passed
    })
}

fn issuer(token: &Token, expected: &Expected<'_>) -> Step<()> {
    match expected.issuer {
        Some(issuer) if issuer == token.issuer => Ok(Passed::new((), format!("{issuer} is the domain's"))),
        Some(issuer) => {
            let failure = Failure::new(format!("the issuer is {}, the domain's IssuerUri is {issuer}", token.issuer));
            let failure = if token.issuer.trim_end_matches('/') == issuer.trim_end_matches('/') {
                failure.advise("Only the slash at the end differs, and that counts.")
            } else {
                failure
            };
            Err(failure.advise("Both must be equal character by character, else Entra answers AADSTS50107."))
        }
        None if token.issuer.is_empty() => Err(Failure::new("the token has no issuer")),
        None => {
            let own = if token.issuer == expected.entity_id { ", the federation service's own" } else { "" };
            Ok(Passed::new((), format!("{}{own}", token.issuer)).note(
                "It must equal the IssuerUri of the federated domain in Entra, character by character \
                 (Get-MgDomainFederationConfiguration); --expect-issuer compares.",
            ))
        }
    }
}

fn account_type(token: &Token) -> Step<()> {
    match token.first(ACCOUNT_TYPE) {
        Some("DJ") => Ok(Passed::new((), "accounttype DJ")),
        Some(other) => Err(Failure::new(format!("accounttype is {other} instead of DJ")).advise(NOT_A_COMPUTER)),
        None => Err(Failure::new("accounttype DJ is missing").advise(NOT_A_COMPUTER).advise(
            "For a computer: the trust lacks the rule that issues accounttype for members of Domain Computers (group SID ending \
             in -515). Domain controllers and managed service accounts get none on purpose.",
        )),
    }
}

fn object_guid(token: &Token) -> Step<()> {
    let advice =
        "Entra finds the computer by it: base64 of the sixteen octets of objectGUID as the directory holds them.";
    let value =
        token.first(ON_PREM_OBJECT_GUID).ok_or_else(|| Failure::new("onpremobjectguid is missing").advise(advice))?;
    let octets: Option<[u8; 16]> = STANDARD.decode(value).ok().and_then(|octets| octets.try_into().ok());
    let octets = octets
        .ok_or_else(|| Failure::new(format!("onpremobjectguid {value:?} is no base64 of a GUID")).advise(advice))?;
    let passed = Passed::new((), format!("onpremobjectguid {}", ObjectGuid::from_directory_bytes(octets)));
    Ok(match token.first(IMMUTABLE_ID) {
        Some(anchor) if anchor != value => {
            passed.note("ImmutableID is another value; for a computer it should be the same.")
        }
        _ => passed,
    })
}

fn sid(token: &Token) -> Step<()> {
    let value = token.first(PRIMARY_SID).ok_or_else(|| {
        Failure::new("primarysid is missing")
            .advise("The trust lacks the rule that passes primarysid through; Entra refuses the join.")
    })?;
    let sid: Sid = value.parse().map_err(|_| Failure::new(format!("primarysid {value:?} is no SID")))?;
    Ok(Passed::new((), format!("primarysid {sid}")))
}

fn upn(token: &Token) -> Step<()> {
    match token.first(UPN_V1) {
        Some(upn) if upn.contains('@') => Ok(Passed::new((), upn)),
        Some(upn) => Err(Failure::new(format!("UPN {upn:?} is no user principal name"))),
        None => Err(Failure::new("UPN is missing").advise(
            "Entra asks for the claim http://schemas.xmlsoap.org/claims/UPN. Does the account have a userPrincipalName?",
        )),
    }
}

fn anchor(token: &Token) -> Step<()> {
    let anchor = token.first(IMMUTABLE_ID).ok_or_else(|| {
        Failure::new("ImmutableID is missing").advise(
            "Entra answers AADSTS90020. The trust must issue the source anchor that Entra Connect uses \
             (mS-DS-ConsistencyGuid, else objectGUID).",
        )
    })?;
    let passed = Passed::new((), format!("ImmutableID {anchor}"));
    Ok(match &token.name_identifier {
        Some(name) if name != anchor => {
            passed.note(format!("The name identifier is {name}; Entra expects the ImmutableID."))
        }
        None => passed.note("There is no name identifier; Entra expects the ImmutableID."),
        _ => passed,
    })
}

const NOT_A_COMPUTER: &str =
    "Is the principal a computer account? A hybrid join is made by the computer (WS01$), never by the user.";
/// What every pair of clocks differs by.
const UNREMARKABLE_SKEW: Duration = Duration::from_mins(1);
/// What Entra allows between clocks.
const ALLOWED_SKEW: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::super::token::TokenClaim;
    use super::*;

    const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);
    const ISSUER: &str = "http://corp.example/adfs/services/trust/";

    fn token() -> Token {
        let claim =
            |claim_type: &str, value: &str| TokenClaim { claim_type: claim_type.into(), values: vec![value.into()] };
        Token {
            kind: "SAML 1.1",
            issuer: ISSUER.into(),
            audiences: vec!["urn:federation:MicrosoftOnline".into()],
            not_before: "2026-01-05T10:00:01.494Z".into(),
            not_on_or_after: "2026-01-05T11:00:01.494Z".into(),
            name_identifier: Some("eFY0Erya8N4RIjNEVWZ3iA==".into()),
            claims: vec![
                claim(ACCOUNT_TYPE, "DJ"),
                claim(ON_PREM_OBJECT_GUID, "eFY0Erya8N4RIjNEVWZ3iA=="),
                claim(PRIMARY_SID, "S-1-5-21-1004336348-1177238915-682003330-1105"),
                claim(IMMUTABLE_ID, "eFY0Erya8N4RIjNEVWZ3iA=="),
                claim(UPN_V1, "alice@corp.example"),
            ],
        }
    }

    fn expected() -> Expected<'static> {
        Expected { applies_to: "urn:federation:MicrosoftOnline", now: NOW, issuer: Some(ISSUER), entity_id: "x" }
    }

    fn all(token: &Token, expected: &Expected<'_>) -> Vec<Check> {
        let mut checks = common(token, expected);
        checks.extend(computer(token));
        checks.extend(user(token));
        checks
    }

    fn failed(checks: &[Check]) -> Vec<&'static str> {
        checks.iter().filter(|(_, step)| step.is_err()).map(|(name, _)| *name).collect()
    }

    #[test]
    fn a_good_token_passes_without_a_note() {
        let checks = all(&token(), &expected());
        for (name, step) in &checks {
            assert!(step.as_ref().unwrap().notes.is_empty(), "{name}");
        }
    }

    #[test]
    fn each_defect_is_found() {
        type Change = fn(&mut Token);
        let cases: [(&str, Change); 12] = [
            ("audience", |token| token.audiences = vec!["urn:other".into()]),
            ("validity", |token| token.not_before = "2026-01-05T10:30:00Z".into()),
            ("validity", |token| token.not_on_or_after = "2026-01-05T09:00:00Z".into()),
            ("validity", |token| token.not_on_or_after = "soon".into()),
            ("issuer", |token| token.issuer = "http://corp.example/adfs/services/trust".into()),
            ("account", |token| token.claims[0].values = vec!["User".into()]),
            ("account", |token| token.claims[0].claim_type.clear()),
            ("objectGUID", |token| token.claims[1].values = vec!["AAAA".into()]),
            ("objectGUID", |token| token.claims[1].claim_type.clear()),
            ("SID", |token| token.claims[2].claim_type.clear()),
            ("anchor", |token| token.claims[3].claim_type.clear()),
            ("UPN", |token| token.claims[4].claim_type.clear()),
        ];
        for (name, change) in cases {
            let mut token = token();
            change(&mut token);
            assert_eq!(failed(&all(&token, &expected())), [name]);
        }
    }

    #[test]
    fn an_issuer_nobody_knows_is_pointed_out() {
        let expected = Expected { issuer: None, ..expected() };
        let checks = common(&token(), &expected);
        assert_eq!(checks[2].1.as_ref().unwrap().notes.len(), 1);
    }
}
