//! The open parts of an AP-REQ (RFC 4120 5.5.1): for whom the ticket is, by which key, and the sealed authenticator.
//!
//! Nothing here is verified; it serves the replay guard and the log. Exactly the fields of the RFC are read, in their order
//! and with nothing beside them, so that there is one way to read a message and GSSAPI's is the same.

use super::der::{self, DerError, Reader, application, context};

/// An AP-REQ as far as it is readable without a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApReq<'a> {
    /// Realm of the ticket's service. Unverified.
    realm: &'a [u8],
    /// Name of the ticket's service, in its components. Unverified.
    service: Vec<&'a [u8]>,
    /// Number of the key the ticket is sealed with, if it says so.
    kvno: Option<u32>,
    /// Encryption type of the ticket.
    etype: i32,
    /// The sealed authenticator: unique to one use of the ticket, and not to be changed without its session key.
    authenticator: &'a [u8],
}

impl<'a> ApReq<'a> {
    /// Reads the message, all of `bytes`.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, ApReqError> {
        let mut outer = Reader::new(bytes);
        let mut message = outer.enter(application(14))?.enter(der::SEQUENCE)?;
        outer.end()?;
        if message.explicit_integer(context(0))? != 5 || message.explicit_integer(context(1))? != 14 {
            return Err(ApReqError::Malformed);
        }
        let options = message.explicit(context(2), der::BIT_STRING)?;
        // Bit 1: sealed with the session key of a ticket-granting ticket, which a service has none of.
        if options.get(1).is_some_and(|octet| octet & 0x40 != 0) {
            return Err(ApReqError::UserToUser);
        }
        let mut ticket = message.enter(context(3))?.enter(application(1))?.enter(der::SEQUENCE)?;
        let (_, _, authenticator) = encrypted_data(message.enter(context(4))?)?;
        message.end()?;

        if ticket.explicit_integer(context(0))? != 5 {
            return Err(ApReqError::Malformed);
        }
        let realm = ticket.explicit(context(1), der::GENERAL_STRING)?;
        let mut name = ticket.enter(context(2))?.enter(der::SEQUENCE)?;
        let (etype, kvno, _) = encrypted_data(ticket.enter(context(3))?)?;
        ticket.end()?;
        name.explicit_integer(context(0))?;
        let mut components = name.enter(context(1))?.enter(der::SEQUENCE)?;
        name.end()?;
        let mut service = Vec::with_capacity(2);
        while components.peek().is_some() {
            if service.len() == MAX_COMPONENTS {
                return Err(ApReqError::Malformed);
            }
            service.push(components.expect(der::GENERAL_STRING)?);
        }
        Ok(Self { realm, service, kvno, etype, authenticator })
    }

    /// The service the ticket claims to be for, `HTTP/sts.corp.example@CORP.EXAMPLE`; fit for a log whatever it contains.
    /// Unverified.
    pub fn service_principal(&self) -> String {
        let mut text = String::new();
        for (index, component) in self.service.iter().enumerate() {
            if index > 0 {
                text.push('/');
            }
            push_printable(&mut text, component);
        }
        text.push('@');
        push_printable(&mut text, self.realm);
        text
    }

    /// The key version number the ticket is sealed with. Unverified.
    pub const fn kvno(&self) -> Option<u32> {
        self.kvno
    }

    /// The encryption type of the ticket (18: AES-256 with SHA-1). Unverified.
    pub const fn etype(&self) -> i32 {
        self.etype
    }

    /// The ciphertext of the authenticator.
    pub const fn authenticator(&self) -> &'a [u8] {
        self.authenticator
    }
}

/// Why octets are no AP-REQ that a service can accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ApReqError {
    /// Not the structure of RFC 4120.
    Malformed,
    /// A length reaches beyond the end.
    Truncated,
    /// User-to-user authentication.
    UserToUser,
}

impl From<DerError> for ApReqError {
    fn from(error: DerError) -> Self {
        match error {
            DerError::Truncated => Self::Truncated,
            DerError::Structure => Self::Malformed,
        }
    }
}

/// `[n] EXPLICIT EncryptedData`: encryption type, key version number, ciphertext.
fn encrypted_data(mut wrapped: Reader<'_>) -> Result<(i32, Option<u32>, &[u8]), ApReqError> {
    let mut data = wrapped.enter(der::SEQUENCE)?;
    wrapped.end()?;
    let etype = i32::try_from(data.explicit_integer(context(0))?).map_err(|_| ApReqError::Malformed)?;
    let kvno = if data.peek() == Some(context(1)) {
        // Old KDCs write a number with its top bit set as negative.
        let number = data.explicit_integer(context(1))?;
        Some(u32::try_from(number & 0xffff_ffff).map_err(|_| ApReqError::Malformed)?)
    } else {
        None
    };
    let cipher = data.explicit(context(2), der::OCTET_STRING)?;
    data.end()?;
    if cipher.is_empty() { Err(ApReqError::Malformed) } else { Ok((etype, kvno, cipher)) }
}

fn push_printable(text: &mut String, octets: &[u8]) {
    let shown = String::from_utf8_lossy(octets.get(..MAX_SHOWN).unwrap_or(octets));
    text.extend(shown.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }));
}

const MAX_COMPONENTS: usize = 8;
const MAX_SHOWN: usize = 256;
