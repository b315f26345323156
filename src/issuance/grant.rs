//! What the issuer permitted, and how it travels to the request that redeems it.

use crate::authn::AuthenticatedSubject;
use crate::claims::ClaimSet;
use crate::clock::UtcTime;
use crate::tokens::TokenType;
use crate::tokens::sealed::{Opened, SealError, SealPurpose, Sealer};
use crate::trusts::RelyingPartyId;

/// Permission to issue tokens to one subject for one relying party.
///
/// Serialisable: a code, an artifact or a refresh token carries it sealed (`tokens::sealed`), and any node opens it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Grant {
    /// Who authenticated, how and when, with which device and session.
    pub subject: AuthenticatedSubject,
    /// The claims the issuance transform rules made, in order.
    pub claims: ClaimSet,
    /// Primary identifier of the relying party trust.
    pub relying_party: RelyingPartyId,
    /// The audience, literally as the client named the relying party.
    pub audience: String,
    /// Kind of token to mint unless the protocol says otherwise.
    pub token_type: TokenType,
    /// When the decision was made.
    pub decided_at: UtcTime,
}

impl Grant {
    /// An authorization code; bind it to the client.
    pub const AUTHORIZATION_CODE: SealPurpose<'static> = SealPurpose::new("authorization_code");
    /// A SAML artifact's message; bind it to the relying party.
    pub const ARTIFACT: SealPurpose<'static> = SealPurpose::new("artifact");
    /// A refresh token; bind it to the client.
    pub const REFRESH_TOKEN: SealPurpose<'static> = SealPurpose::new("refresh_token");
    /// A primary refresh token; bind it to the device.
    pub const PRIMARY_REFRESH_TOKEN: SealPurpose<'static> = SealPurpose::new("primary_refresh_token");

    /// The grant as text that only this farm reads, for one purpose, until a time. That it is redeemed once only is for
    /// the store of used identifiers to see to.
    ///
    /// # Errors
    /// [`SealError`]; [`SealError::TooLarge`] for a subject with more claims than the sealer takes.
    pub fn seal(&self, sealer: &Sealer, purpose: SealPurpose<'_>, until: UtcTime) -> Result<String, SealError> {
        sealer.seal(purpose, self, until)
    }

    /// The grant that [`Grant::seal`] made for the same purpose, and until when it opens. Trust, session and account are
    /// looked at again when a token is minted.
    ///
    /// # Errors
    /// [`SealError`]; the outside gets one answer for all of them.
    pub fn open(sealer: &Sealer, purpose: SealPurpose<'_>, text: &str) -> Result<Opened<Self>, SealError> {
        sealer.open(purpose, text)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use base64::Engine as _;

    use super::*;
    use crate::authn::{AuthenticationMethod, SessionRef, SubjectOrigin};
    use crate::claims::Claim;
    use crate::clock::{ManualClock, SystemRandomSource};
    use crate::directory::{Account, AccountKind};
    use crate::secret::Secret;

    const NOW: UtcTime = UtcTime::from_unix_seconds(1_767_607_201);

    fn grant() -> Grant {
        let sid = |rid: u32| format!("S-1-5-21-1004336348-1177238915-682003330-{rid}").parse().unwrap();
        let account = Account {
            sid: sid(1107),
            kind: AccountKind::User,
            realm: "CORP.EXAMPLE".into(),
            netbios_domain: "CORP".into(),
            sam_account_name: "alice".into(),
            upn: Some("alice@corp.example".into()),
            display_name: "Alice \u{e9}".into(),
            primary_group: sid(513),
            groups: vec![sid(513), sid(1200)],
        };
        let subject = AuthenticatedSubject {
            origin: SubjectOrigin::Directory(account),
            methods: vec![AuthenticationMethod::Windows, AuthenticationMethod::Password],
            instant: NOW,
            device: None,
            certificate: None,
            session: SessionRef::random(&SystemRandomSource::new()).unwrap(),
            password_expires: None,
            alternate_login_id: None,
        };
        let claim = Claim::new("http://schemas.xmlsoap.org/claims/UPN", "alice@corp.example", "AD AUTHORITY")
            .with_property("urn:p", "v");
        Grant {
            subject,
            claims: ClaimSet::from(vec![claim.clone(), claim]),
            relying_party: RelyingPartyId::new("urn:example:rp"),
            audience: "urn:example:rp".into(),
            token_type: TokenType::Saml2,
            decided_at: NOW,
        }
    }

    fn sealer(clock: &Arc<ManualClock>) -> Sealer {
        Sealer::new(&Secret::new([3; 32]), clock.clone(), Arc::new(SystemRandomSource::new()), 16 * 1024)
    }

    #[test]
    fn a_grant_comes_back_for_its_purpose_only() {
        let clock = Arc::new(ManualClock::at(NOW));
        let sealer = sealer(&clock);
        let until = NOW.plus(Duration::from_mins(10));
        let code = Grant::AUTHORIZATION_CODE.bound_to("client-a");
        let text = grant_text(&sealer, code, until);
        assert_eq!(Grant::open(&sealer, code, &text.1).unwrap(), Opened { value: text.0, expiry: until });
        for other in [
            Grant::AUTHORIZATION_CODE,
            Grant::AUTHORIZATION_CODE.bound_to("client-b"),
            Grant::ARTIFACT.bound_to("client-a"),
            Grant::REFRESH_TOKEN.bound_to("client-a"),
            Grant::PRIMARY_REFRESH_TOKEN.bound_to("client-a"),
        ] {
            assert_eq!(Grant::open(&sealer, other, &text.1), Err(SealError::NotAuthentic), "{other:?}");
        }
    }

    #[test]
    fn a_grant_that_is_late_or_changed_does_not_open() {
        let clock = Arc::new(ManualClock::at(NOW));
        let sealer = sealer(&clock);
        let until = NOW.plus(Duration::from_mins(10));
        let (_, text) = grant_text(&sealer, Grant::REFRESH_TOKEN, until);
        let at = text.len() / 2;
        let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
        let changed = [&text[..at], other, &text[at + 1..]].concat();
        assert_eq!(Grant::open(&sealer, Grant::REFRESH_TOKEN, &changed), Err(SealError::NotAuthentic));
        assert!(Grant::open(&sealer, Grant::REFRESH_TOKEN, &text[..at]).is_err());
        clock.advance(Duration::from_mins(10));
        assert_eq!(Grant::open(&sealer, Grant::REFRESH_TOKEN, &text), Err(SealError::Expired { at: until }));
    }

    #[test]
    fn a_grant_shows_nothing_when_sealed() {
        let sealer = sealer(&Arc::new(ManualClock::at(NOW)));
        let (_, text) = grant_text(&sealer, Grant::AUTHORIZATION_CODE, NOW.plus(Duration::from_mins(1)));
        let octets = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
        assert!(!octets.windows(5).any(|window| window == b"alice"));
    }

    fn grant_text(sealer: &Sealer, purpose: SealPurpose<'_>, until: UtcTime) -> (Grant, String) {
        let grant = grant();
        let text = grant.seal(sealer, purpose, until).unwrap();
        (grant, text)
    }
}
