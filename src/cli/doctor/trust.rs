//! The trust with Microsoft Entra: under which identifiers it is asked for, and what its tokens are.

use crate::cli::finding::Finding;
use crate::cli::finding::catalogue::ENTRA_TRUST;
use crate::tokens::{SignatureAlgorithm, TokenType};
use crate::trusts::entra::IDENTIFIERS;
use crate::trusts::{RelyingParty, TrustLookup, Trusts};

/// Findings about the trust; `None` where nothing is federated with Entra.
pub(super) fn look(trusts: &Trusts, wanted: bool) -> Option<Vec<Finding>> {
    let found = IDENTIFIERS.map(|identifier| (identifier, trusts.relying_party(identifier)));
    let trust = found.iter().find_map(|(_, found)| match found {
        TrustLookup::Enabled(trust) => Some(trust),
        _ => None,
    });
    let Some(trust) = trust else {
        let disabled = found.iter().any(|(_, found)| matches!(found, TrustLookup::Disabled(_)));
        return (wanted || disabled).then(|| {
            vec![Finding::error(
                ENTRA_TRUST,
                "no enabled trust has an identifier of Microsoft Entra",
                "write `enabled = true` in `[entra]`, or enable the trust of your own",
            )]
        });
    };
    let missing: Vec<&str> = found
        .iter()
        .filter(|(_, found)| !matches!(found, TrustLookup::Enabled(other) if other.id == trust.id))
        .map(|(identifier, _)| *identifier)
        .collect();
    let mut findings = vec![if missing.is_empty() {
        Finding::ok(ENTRA_TRUST, format!("the trust {} has every identifier that Entra asks for", trust.name))
    } else {
        let what = format!("the trust {} lacks {}", trust.name, missing.join(", "));
        let fix = "add them to `identifiers` of the trust, or use the trust that `[entra]` makes";
        // Without the first no client gets anything; the others are those of few.
        if missing.contains(&IDENTIFIERS[0]) {
            Finding::error(ENTRA_TRUST, what, fix)
        } else {
            Finding::warning(ENTRA_TRUST, what, fix)
        }
    }];
    findings.extend(tokens(trust));
    Some(findings)
}

fn tokens(trust: &RelyingParty) -> Vec<Finding> {
    let mut findings = Vec::new();
    if trust.encryption.is_some() {
        findings.push(Finding::error(
            ENTRA_TRUST,
            format!("tokens of {} are encrypted, which Entra does not read", trust.name),
            "take the encryption certificate from the trust",
        ));
    }
    if trust.token_type != TokenType::Saml11 {
        findings.push(Finding::warning(
            ENTRA_TRUST,
            format!("tokens of {} are not SAML 1.1", trust.name),
            "write `token_type = \"saml11\"`, as AD FS gives Entra",
        ));
    }
    if trust.signature_algorithm != SignatureAlgorithm::RsaSha256 {
        findings.push(Finding::warning(
            ENTRA_TRUST,
            format!("tokens of {} are signed with SHA-1", trust.name),
            "write `signature_algorithm = \"rsa-sha256\"`",
        ));
    }
    findings
}
