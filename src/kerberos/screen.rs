//! The shape of a Negotiate token, checked before GSSAPI sees it.
//!
//! Unauthenticated input reaches the C library only when it is one complete Kerberos AP-REQ, raw or as the optimistic token
//! of a SPNEGO offer (RFC 4178 4.2.1) that prefers Kerberos. What the acceptor would answer with a second leg, with NTLM or
//! with an error is told apart here, in safe code. Knows no keys and no configuration.

use super::ap_req::{ApReq, ApReqError};
use super::der::{self, DerError, Reader, application, context};

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screened<'a> {
    /// An AP-REQ that GSSAPI may judge.
    Kerberos(KerberosToken<'a>),
    /// The client has no Kerberos ticket for this host and tries NTLM.
    Ntlm(NtlmForm),
    /// Neither.
    Malformed(Malformation),
}

/// A token with one AP-REQ in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KerberosToken<'a> {
    /// The whole token, for GSSAPI.
    pub bytes: &'a [u8],
    /// The raw Kerberos token in it: the same octets, or what SPNEGO carries.
    pub kerberos: &'a [u8],
    /// How the AP-REQ is wrapped.
    pub wrapping: Wrapping,
    /// The AP-REQ inside.
    pub ap_req: ApReq<'a>,
}

/// How an AP-REQ arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wrapping {
    /// In the framing of RFC 4121 alone.
    Raw,
    /// As the mechanism token of a SPNEGO offer.
    Spnego,
}

/// How NTLM was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NtlmForm {
    /// An NTLM message without SPNEGO around it.
    Raw,
    /// In a SPNEGO offer that prefers NTLM or carries an NTLM message.
    Spnego,
}

/// Why a token is neither Kerberos nor NTLM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Malformation {
    /// No octets.
    #[error("the token is empty")]
    Empty,
    /// More than [`MAX_TOKEN_BYTES`].
    #[error("the token has more than {MAX_TOKEN_BYTES} octets")]
    TooLong,
    /// A length in the token reaches beyond its end.
    #[error("the token is truncated")]
    Truncated,
    /// An AP-REQ without the GSSAPI framing.
    #[error("a bare AP-REQ without GSSAPI framing")]
    BareApReq,
    /// A later message of a SPNEGO exchange; only the first is accepted.
    #[error("a SPNEGO response without an exchange it belongs to")]
    SecondLeg,
    /// The first octet or the mechanism is none that this server speaks.
    #[error("not a Kerberos or SPNEGO token")]
    UnknownMechanism,
    /// A SPNEGO offer that prefers another mechanism than Kerberos.
    #[error("the SPNEGO offer prefers another mechanism than Kerberos")]
    KerberosNotPreferred,
    /// A SPNEGO offer of Kerberos without a token, which would need a second leg.
    #[error("the SPNEGO offer has no Kerberos token")]
    NoMechanismToken,
    /// Another Kerberos message than an AP-REQ.
    #[error("the Kerberos token is no AP-REQ")]
    NotApReq,
    /// An AP-REQ for user-to-user authentication.
    #[error("user-to-user authentication is not for services")]
    UserToUser,
    /// Not the structure that its beginning promises.
    #[error("the token is not well-formed")]
    Structure,
}

/// Longest token, after base64. Windows' own limit (`MaxTokenSize`) is 48,000 by default, 65,535 at most.
pub const MAX_TOKEN_BYTES: usize = 65_536;

/// Says what the token is.
pub fn screen(token: &[u8]) -> Screened<'_> {
    match kerberos_token(token) {
        Ok(token) => Screened::Kerberos(token),
        Err(Refusal::Ntlm(form)) => Screened::Ntlm(form),
        Err(Refusal::Malformed(reason)) => Screened::Malformed(reason),
    }
}

enum Refusal {
    Ntlm(NtlmForm),
    Malformed(Malformation),
}

impl From<Malformation> for Refusal {
    fn from(reason: Malformation) -> Self {
        Self::Malformed(reason)
    }
}

impl From<DerError> for Refusal {
    fn from(error: DerError) -> Self {
        Self::Malformed(match error {
            DerError::Truncated => Malformation::Truncated,
            DerError::Structure => Malformation::Structure,
        })
    }
}

impl From<ApReqError> for Refusal {
    fn from(error: ApReqError) -> Self {
        Self::Malformed(match error {
            ApReqError::Truncated => Malformation::Truncated,
            ApReqError::Malformed => Malformation::Structure,
            ApReqError::UserToUser => Malformation::UserToUser,
        })
    }
}

fn kerberos_token(token: &[u8]) -> Result<KerberosToken<'_>, Refusal> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Malformation::TooLong.into());
    }
    if token.starts_with(NTLM_SIGNATURE) {
        return Err(Refusal::Ntlm(NtlmForm::Raw));
    }
    match token.first() {
        None => return Err(Malformation::Empty.into()),
        Some(0x60) => {}
        Some(0x6e) => return Err(Malformation::BareApReq.into()),
        Some(0xa1) => return Err(Malformation::SecondLeg.into()),
        Some(_) => return Err(Malformation::UnknownMechanism.into()),
    }
    let (mechanism, inner) = framing(token)?;
    let (wrapping, kerberos) =
        if mechanism == OID_SPNEGO { (Wrapping::Spnego, offered_token(inner)?) } else { (Wrapping::Raw, token) };
    // The message itself has the right number, whatever number SPNEGO offers it by.
    let (mechanism, message) = framing(kerberos)?;
    if mechanism != OID_KERBEROS {
        return Err(Malformation::UnknownMechanism.into());
    }
    // RFC 4121 4.1: a two-octet identifier in front of the message; AP-REQ has 01 00.
    let message = message.strip_prefix(&[1, 0]).ok_or(Malformation::NotApReq)?;
    Ok(KerberosToken { bytes: token, kerberos, wrapping, ap_req: ApReq::read(message)? })
}

/// The initial token framing of RFC 2743 3.1: mechanism and what follows it.
fn framing(token: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    let mut outer = Reader::new(token);
    let mut inner = outer.enter(application(0))?;
    outer.end()?;
    let mechanism = inner.expect(der::OID)?;
    Ok((mechanism, inner.rest()))
}

/// The Kerberos token of a `NegTokenInit`.
fn offered_token(bytes: &[u8]) -> Result<&[u8], Refusal> {
    let mut outer = Reader::new(bytes);
    if outer.peek() == Some(context(1)) {
        return Err(Malformation::SecondLeg.into());
    }
    let mut choice = outer.enter(context(0))?;
    outer.end()?;
    let mut offer = choice.enter(der::SEQUENCE)?;
    choice.end()?;

    let mut wrapped = offer.enter(context(0))?;
    let mut list = wrapped.enter(der::SEQUENCE)?;
    wrapped.end()?;
    let mut mechanisms = Vec::with_capacity(4);
    while list.peek().is_some() {
        if mechanisms.len() == MAX_MECHANISMS {
            return Err(Malformation::Structure.into());
        }
        mechanisms.push(list.expect(der::OID)?);
    }
    offer.optional(context(1))?; // reqFlags
    let token =
        if offer.peek() == Some(context(2)) { Some(offer.explicit(context(2), der::OCTET_STRING)?) } else { None };
    offer.optional(context(3))?; // mechListMIC, or negHints of [MS-SPNG]
    offer.optional(context(4))?; // mechListMIC beside negHints
    offer.end()?;

    if token.is_some_and(|token| token.starts_with(NTLM_SIGNATURE)) {
        return Err(Refusal::Ntlm(NtlmForm::Spnego));
    }
    if !mechanisms.first().is_some_and(|first| is_kerberos(first)) {
        return Err(if mechanisms.contains(&OID_NTLMSSP) {
            Refusal::Ntlm(NtlmForm::Spnego)
        } else {
            Malformation::KerberosNotPreferred.into()
        });
    }
    token.ok_or(Malformation::NoMechanismToken.into())
}

fn is_kerberos(mechanism: &[u8]) -> bool {
    mechanism == OID_KERBEROS || mechanism == OID_MS_KERBEROS
}

const NTLM_SIGNATURE: &[u8] = b"NTLMSSP\0";
/// 1.3.6.1.5.5.2
const OID_SPNEGO: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x02];
/// 1.2.840.113554.1.2.2
const OID_KERBEROS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02];
/// 1.2.840.48018.1.2.2: the same mechanism by the number that Windows 2000 mistook; Windows still offers it first.
const OID_MS_KERBEROS: &[u8] = &[0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02];
/// 1.3.6.1.4.1.311.2.2.10
const OID_NTLMSSP: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a];
const MAX_MECHANISMS: usize = 16;

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn kerberos_raw_and_in_spnego() {
        let raw = raw_token(b"sealed");
        assert_kerberos(&raw, &raw, Wrapping::Raw);
        for kerberos in [OID_KERBEROS, OID_MS_KERBEROS] {
            assert_kerberos(&offer(&[kerberos, OID_NTLMSSP], Some(&raw)), &raw, Wrapping::Spnego);
        }
    }

    #[test]
    fn optional_fields_of_an_offer_are_passed_over() {
        let raw = raw_token(b"sealed");
        let mechanisms = tlv(context(0), &tlv(der::SEQUENCE, &tlv(der::OID, OID_KERBEROS)));
        let flags = tlv(context(1), &tlv(der::BIT_STRING, &[1, 0]));
        let token = tlv(context(2), &tlv(der::OCTET_STRING, &raw));
        let hints = tlv(context(3), &tlv(der::SEQUENCE, b""));
        let check = tlv(context(4), &tlv(der::OCTET_STRING, b"mic"));
        let framed = |fields: &[&[u8]]| frame(OID_SPNEGO, &tlv(context(0), &tlv(der::SEQUENCE, &fields.concat())));
        for fields in [
            &[&mechanisms[..], &flags, &token][..],
            &[&mechanisms, &token, &hints],
            &[&mechanisms, &token, &check],
            &[&mechanisms, &flags, &token, &hints, &check],
        ] {
            assert_kerberos(&framed(fields), &raw, Wrapping::Spnego);
        }
        // Each of them once, and in order.
        for fields in [&[&mechanisms[..], &flags, &flags, &token][..], &[&mechanisms, &token, &check, &hints]] {
            assert_eq!(screen(&framed(fields)), Screened::Malformed(Malformation::Structure));
        }
    }

    #[test]
    fn what_the_ticket_says_is_readable() {
        let raw = raw_token(b"sealed");
        let Screened::Kerberos(token) = screen(&raw) else { panic!("{:?}", screen(&raw)) };
        assert_eq!(token.ap_req.service_principal(), "HTTP/sts.corp.example@CORP.EXAMPLE");
        assert_eq!((token.ap_req.kvno(), token.ap_req.etype()), (Some(3), 18));
        assert_eq!(token.ap_req.authenticator(), b"sealed");
    }

    #[test]
    fn ntlm_in_every_form() {
        let message = b"NTLMSSP\0\x01\0\0\0".as_slice();
        assert_eq!(screen(message), Screened::Ntlm(NtlmForm::Raw));
        for token in [
            offer(&[OID_NTLMSSP], Some(message)),
            offer(&[OID_NTLMSSP, OID_KERBEROS], None),
            offer(&[OID_MS_KERBEROS, OID_KERBEROS, OID_NTLMSSP], Some(message)),
            offer(&[OID_NEGOEX, OID_NTLMSSP], Some(b"NEGOEXTS")),
        ] {
            assert_eq!(screen(&token), Screened::Ntlm(NtlmForm::Spnego));
        }
    }

    #[test]
    fn everything_else_is_refused_by_name() {
        let raw = raw_token(b"sealed");
        let mut user_to_user = ap_req(b"sealed");
        let options = find(&user_to_user, &[0x03, 0x05, 0, 0, 0, 0, 0]);
        user_to_user[options + 3] = 0x40;
        for (token, expected) in [
            (Vec::new(), Malformation::Empty),
            (vec![0x60; MAX_TOKEN_BYTES + 1], Malformation::TooLong),
            (vec![0xa1; MAX_TOKEN_BYTES], Malformation::SecondLeg),
            (vec![0x60], Malformation::Truncated),
            (ap_req(b"sealed"), Malformation::BareApReq),
            (vec![0xa1, 0], Malformation::SecondLeg),
            (frame(OID_SPNEGO, &[0xa1, 0]), Malformation::SecondLeg),
            (b"GET /".to_vec(), Malformation::UnknownMechanism),
            (frame(&[0x2b], b"x"), Malformation::UnknownMechanism),
            (frame(OID_MS_KERBEROS, &[&[1, 0], &ap_req(b"sealed")[..]].concat()), Malformation::UnknownMechanism),
            (offer(&[OID_KERBEROS], Some(&frame(&[0x2b], b"x"))), Malformation::UnknownMechanism),
            (offer(&[OID_NEGOEX, OID_KERBEROS], Some(&raw)), Malformation::KerberosNotPreferred),
            (offer(&[], Some(&raw)), Malformation::KerberosNotPreferred),
            (offer(&[OID_KERBEROS], None), Malformation::NoMechanismToken),
            (frame(OID_KERBEROS, &[2, 0, 1]), Malformation::NotApReq),
            (frame(OID_KERBEROS, &[1, 0]), Malformation::Truncated),
            (frame(OID_KERBEROS, &[&[1, 0], &user_to_user[..]].concat()), Malformation::UserToUser),
            ([&raw[..], b"x"].concat(), Malformation::Structure),
            (offer(&[OID_KERBEROS], Some(&[&raw[..], b"x"].concat())), Malformation::Structure),
            (offer(&[OID_KERBEROS; 17], Some(&raw)), Malformation::Structure),
        ] {
            assert_eq!(screen(&token), Screened::Malformed(expected), "{token:x?}");
        }
    }

    #[test]
    fn fields_that_are_not_in_the_rfc_are_refused() {
        // GSSAPI skips what it does not know at the end of a sequence; two readings of one message are one too many.
        let fields = ap_req_fields(b"sealed");
        let surplus = application_14(&[&fields[..], &tlv(context(4), b"")].concat());
        let token = frame(OID_KERBEROS, &[&[1, 0], &surplus[..]].concat());
        assert_eq!(screen(&token), Screened::Malformed(Malformation::Structure));
    }

    #[test]
    fn every_prefix_is_refused() {
        let raw = raw_token(b"sealed");
        for token in [offer(&[OID_MS_KERBEROS], Some(&raw)), raw] {
            for length in 0..token.len() {
                assert!(matches!(screen(&token[..length]), Screened::Malformed(_)), "{length}");
            }
        }
    }

    #[test]
    fn a_log_shows_no_control_characters() {
        let mut message = ap_req(b"sealed");
        let realm = find(&message, b"CORP");
        message[realm] = b'\n';
        assert_eq!(ApReq::read(&message).unwrap().service_principal(), "HTTP/sts.corp.example@\u{fffd}ORP.EXAMPLE");
    }

    proptest! {
        #[test]
        fn any_octets_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = screen(&bytes);
        }

        #[test]
        fn any_mutation_is_judged(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
            let mut token = offer(&[OID_MS_KERBEROS, OID_NTLMSSP], Some(&raw_token(b"sealed")));
            for (at, octet) in changes {
                let at = at.index(token.len());
                token[at] = octet;
            }
            let _ = screen(&token);
        }
    }

    /// A raw token with this authenticator.
    pub(in super::super) fn raw_token(authenticator: &[u8]) -> Vec<u8> {
        frame(OID_KERBEROS, &[&[1, 0], &ap_req(authenticator)[..]].concat())
    }

    /// The same AP-REQ offered by SPNEGO.
    pub(in super::super) fn spnego_token(authenticator: &[u8]) -> Vec<u8> {
        offer(&[OID_MS_KERBEROS, OID_KERBEROS], Some(&raw_token(authenticator)))
    }

    #[test]
    fn an_ap_req_has_the_fields_of_the_rfc_and_nothing_else() {
        let screened = |parts: Parts<'_>| match screen(&frame(
            OID_KERBEROS,
            &[&[1, 0], &application_14(&fields_of(&parts))[..]].concat(),
        )) {
            Screened::Kerberos(_) => None,
            Screened::Malformed(reason) => Some(reason),
            other @ Screened::Ntlm(_) => panic!("{other:?}"),
        };
        assert_eq!(screened(GOOD), None);
        assert_eq!(screened(Parts { components: 8, ..GOOD }), None);
        let more = tlv(context(4), &tlv(der::INTEGER, &[1]));
        for (what, parts) in [
            ("protocol version", Parts { versions: [4, 14, 5], ..GOOD }),
            ("another message", Parts { versions: [5, 15, 5], ..GOOD }),
            ("version of the ticket", Parts { versions: [5, 14, 4], ..GOOD }),
            ("a field after the ticket's last", Parts { ticket_and: &more, ..GOOD }),
            ("a name of nine components", Parts { components: 9, ..GOOD }),
            ("an empty ticket", Parts { ticket: b"", ..GOOD }),
            ("an empty authenticator", Parts { authenticator: b"", ..GOOD }),
        ] {
            assert_eq!(screened(parts), Some(Malformation::Structure), "{what}");
        }
    }

    fn assert_kerberos(token: &[u8], raw: &[u8], wrapping: Wrapping) {
        match screen(token) {
            Screened::Kerberos(found) => {
                assert_eq!((found.wrapping, found.bytes, found.kerberos), (wrapping, token, raw));
            }
            other => panic!("{other:?}"),
        }
    }

    fn ap_req(authenticator: &[u8]) -> Vec<u8> {
        application_14(&ap_req_fields(authenticator))
    }

    fn application_14(fields: &[u8]) -> Vec<u8> {
        tlv(application(14), &tlv(der::SEQUENCE, fields))
    }

    fn ap_req_fields(authenticator: &[u8]) -> Vec<u8> {
        fields_of(&Parts { authenticator, ..GOOD })
    }

    /// What is in an AP-REQ.
    struct Parts<'a> {
        versions: [u8; 3],
        components: usize,
        ticket: &'a [u8],
        ticket_and: &'a [u8],
        authenticator: &'a [u8],
    }

    const GOOD: Parts<'static> =
        Parts { versions: [5, 14, 5], components: 2, ticket: b"ticket", ticket_and: b"", authenticator: b"sealed" };

    fn fields_of(parts: &Parts<'_>) -> Vec<u8> {
        let [version, kind, ticket_version] = parts.versions;
        let string = |text: &[u8]| tlv(der::GENERAL_STRING, text);
        let number = |field: u8, value: u8| tlv(context(field), &tlv(der::INTEGER, &[value]));
        let cipher = |octets: &[u8]| tlv(context(2), &tlv(der::OCTET_STRING, octets));
        let names = [&b"HTTP"[..], b"sts.corp.example"].into_iter().cycle().take(parts.components);
        let strings = tlv(der::SEQUENCE, &names.flat_map(string).collect::<Vec<u8>>());
        let name = tlv(der::SEQUENCE, &[number(0, 2), tlv(context(1), &strings)].concat());
        let sealed = tlv(der::SEQUENCE, &[number(0, 18), number(1, 3), cipher(parts.ticket)].concat());
        let ticket = tlv(
            der::SEQUENCE,
            &[
                number(0, ticket_version),
                tlv(context(1), &string(b"CORP.EXAMPLE")),
                tlv(context(2), &name),
                tlv(context(3), &sealed),
                parts.ticket_and.to_vec(),
            ]
            .concat(),
        );
        let authenticator = tlv(der::SEQUENCE, &[number(0, 18), cipher(parts.authenticator)].concat());
        [
            number(0, version),
            number(1, kind),
            tlv(context(2), &tlv(der::BIT_STRING, &[0; 5])),
            tlv(context(3), &tlv(application(1), &ticket)),
            tlv(context(4), &authenticator),
        ]
        .concat()
    }

    fn frame(mechanism: &[u8], inner: &[u8]) -> Vec<u8> {
        tlv(application(0), &[&tlv(der::OID, mechanism)[..], inner].concat())
    }

    fn offer(mechanisms: &[&[u8]], token: Option<&[u8]>) -> Vec<u8> {
        let list: Vec<u8> = mechanisms.iter().flat_map(|mechanism| tlv(der::OID, mechanism)).collect();
        let mut fields = tlv(context(0), &tlv(der::SEQUENCE, &list));
        if let Some(token) = token {
            fields.extend(tlv(context(2), &tlv(der::OCTET_STRING, token)));
        }
        frame(OID_SPNEGO, &tlv(context(0), &tlv(der::SEQUENCE, &fields)))
    }

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        if content.len() < 0x80 {
            out.push(u8::try_from(content.len()).unwrap());
        } else {
            out.push(0x82);
            out.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        }
        out.extend(content);
        out
    }

    fn find(bytes: &[u8], needle: &[u8]) -> usize {
        bytes.windows(needle.len()).position(|window| window == needle).unwrap()
    }

    /// 1.3.6.1.4.1.311.2.2.30
    const OID_NEGOEX: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x1e];
}
