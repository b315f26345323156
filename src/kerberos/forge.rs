//! A KDC in a test's pocket: tickets of any content for a keytab of known keys, so that the acceptor meets through GSSAPI what
//! no KDC would issue. RFC 3961 and 3962 (AES-256 with SHA-1), RFC 4120, RFC 4121 and MS-PAC 2.8.

use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use openssl::symm::{Cipher, Crypter, Mode};

use super::der::{self, application, context};
use super::pac::tests::encode::{PacContent, assemble};
use crate::clock::UtcTime;

/// Everything about one AP-REQ that a test may want otherwise.
#[derive(Debug, Clone)]
pub(super) struct Forged {
    pub(super) service: Vec<String>,
    pub(super) service_realm: String,
    pub(super) key: [u8; 32],
    pub(super) kvno: u8,
    pub(super) client: String,
    pub(super) client_realm: String,
    pub(super) now: UtcTime,
    /// Seconds from now.
    pub(super) starts_in: i64,
    pub(super) ends_in: i64,
    pub(super) clock_offset: i64,
    pub(super) pac: Option<PacContent>,
    /// Key of the PAC's server signature; the service's own unless forged.
    pub(super) pac_key: [u8; 32],
    pub(super) bindings: Option<Vec<u8>>,
    /// Makes authenticators differ.
    pub(super) serial: u8,
}

impl Forged {
    /// A good ticket of alice for HTTP/sts.corp.example with this key, number 3.
    pub(super) fn alice(key: [u8; 32], now: UtcTime) -> Self {
        Self {
            service: vec!["HTTP".into(), "sts.corp.example".into()],
            service_realm: "CORP.EXAMPLE".into(),
            key,
            kvno: 3,
            client: "alice".into(),
            client_realm: "CORP.EXAMPLE".into(),
            now,
            starts_in: -60,
            ends_in: 3600,
            clock_offset: 0,
            pac: Some(PacContent::user()),
            pac_key: key,
            bindings: None,
            serial: 0,
        }
    }

    /// The raw Kerberos token.
    pub(super) fn token(&self) -> Vec<u8> {
        let session = [self.serial ^ 0x33; 32];
        let name = principal_name(&self.service);
        let sealed = encrypted(&self.key, 2, Some(self.kvno), &self.ticket_content(&session));
        let ticket = sequence(&[
            integer(0, 5),
            explicit(1, der::GENERAL_STRING, self.service_realm.as_bytes()),
            tlv(context(2), &name),
            tlv(context(3), &sealed),
        ]);
        let authenticator = encrypted(&session, 11, None, &self.authenticator_content());
        let message = sequence(&[
            integer(0, 5),
            integer(1, 14),
            explicit(2, der::BIT_STRING, &[0; 5]),
            tlv(context(3), &tlv(application(1), &ticket)),
            tlv(context(4), &authenticator),
        ]);
        let framed = [&tlv(der::OID, OID_KERBEROS)[..], &[1, 0], &tlv(application(14), &message)].concat();
        tlv(application(0), &framed)
    }

    /// The same wrapped in SPNEGO.
    pub(super) fn spnego(&self) -> Vec<u8> {
        let offer = sequence(&[
            tlv(context(0), &tlv(der::SEQUENCE, &tlv(der::OID, OID_KERBEROS))),
            explicit(2, der::OCTET_STRING, &self.token()),
        ]);
        tlv(application(0), &[tlv(der::OID, OID_SPNEGO), tlv(context(0), &offer)].concat())
    }

    fn at(&self, offset: i64) -> i64 {
        self.now.unix_seconds() + offset
    }

    fn ticket_content(&self, session: &[u8; 32]) -> Vec<u8> {
        let auth_time = self.at(self.starts_in.min(0));
        let mut fields = vec![
            explicit(0, der::BIT_STRING, &[0; 5]),
            tlv(context(1), &sequence(&[integer(0, 18), explicit(1, der::OCTET_STRING, session)])),
            explicit(2, der::GENERAL_STRING, self.client_realm.as_bytes()),
            tlv(context(3), &principal_name(std::slice::from_ref(&self.client))),
            tlv(context(4), &sequence(&[integer(0, 1), explicit(1, der::OCTET_STRING, b"")])),
            time(5, auth_time),
            time(6, self.at(self.starts_in)),
            time(7, self.at(self.ends_in)),
        ];
        if let Some(pac) = &self.pac {
            let element = |kind: u8, data: &[u8]| {
                let kind = if kind == 128 { tlv(context(0), &tlv(der::INTEGER, &[0, 128])) } else { integer(0, kind) };
                tlv(der::SEQUENCE, &sequence(&[kind, explicit(1, der::OCTET_STRING, data)]))
            };
            fields.push(tlv(context(10), &element(1, &element(128, &self.signed_pac(pac, auth_time)))));
        }
        tlv(application(3), &sequence(&fields))
    }

    fn signed_pac(&self, pac: &PacContent, auth_time: i64) -> Vec<u8> {
        let filetime = u64::try_from((auth_time + 11_644_473_600) * 10_000_000).unwrap();
        let mut buffers = pac.buffers();
        let empty = [&[16, 0, 0, 0][..], &[0; 12]].concat();
        for (kind, content) in &mut buffers {
            match kind {
                10 => content.splice(..8, filetime.to_le_bytes()).for_each(drop),
                6 | 7 => content.clone_from(&empty),
                _ => {}
            }
        }
        let signature = checksum(&self.pac_key, 17, &assemble(&buffers));
        for (kind, content) in &mut buffers {
            if *kind == 6 {
                content.splice(4.., signature.iter().copied()).for_each(drop);
            }
        }
        assemble(&buffers)
    }

    fn authenticator_content(&self) -> Vec<u8> {
        let hash = self.bindings.as_ref().map_or_else(
            || vec![0; 16],
            |data| {
                let length = u32::try_from(data.len()).unwrap().to_le_bytes();
                openssl::hash::hash(MessageDigest::md5(), &[&[0; 16][..], &length, data].concat()).unwrap().to_vec()
            },
        );
        let checksum = [&16_u32.to_le_bytes()[..], &hash, &0x20_u32.to_le_bytes()].concat();
        let kind = tlv(context(0), &tlv(der::INTEGER, &[0, 0x80, 0x03]));
        let fields = [
            integer(0, 5),
            explicit(1, der::GENERAL_STRING, self.client_realm.as_bytes()),
            tlv(context(2), &principal_name(std::slice::from_ref(&self.client))),
            tlv(context(3), &sequence(&[kind, explicit(1, der::OCTET_STRING, &checksum)])),
            integer(4, self.serial & 0x7f),
            time(5, self.at(self.clock_offset)),
        ];
        tlv(application(2), &sequence(&fields))
    }
}

fn principal_name(components: &[String]) -> Vec<u8> {
    let strings: Vec<u8> =
        components.iter().flat_map(|component| tlv(der::GENERAL_STRING, component.as_bytes())).collect();
    sequence(&[integer(0, 1), explicit(1, der::SEQUENCE, &strings)])
}

fn encrypted(key: &[u8; 32], usage: u8, kvno: Option<u8>, plain: &[u8]) -> Vec<u8> {
    let mut fields = vec![integer(0, 18)];
    fields.extend(kvno.map(|kvno| integer(1, kvno)));
    fields.push(explicit(2, der::OCTET_STRING, &seal(key, usage, plain)));
    sequence(&fields)
}

fn sequence(fields: &[Vec<u8>]) -> Vec<u8> {
    tlv(der::SEQUENCE, &fields.concat())
}

fn explicit(field: u8, tag: u8, content: &[u8]) -> Vec<u8> {
    tlv(context(field), &tlv(tag, content))
}

fn integer(field: u8, value: u8) -> Vec<u8> {
    explicit(field, der::INTEGER, &[value])
}

fn time(field: u8, unix_seconds: i64) -> Vec<u8> {
    let time = UtcTime::from_unix_seconds(unix_seconds).to_xml();
    let digits: String = time.split('.').next().unwrap().chars().filter(char::is_ascii_digit).collect();
    explicit(field, 0x18, format!("{digits}Z").as_bytes())
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        short @ ..0x80 => out.push(u8::try_from(short).unwrap()),
        long => {
            out.push(0x82);
            out.extend(u16::try_from(long).unwrap().to_be_bytes());
        }
    }
    out.extend(content);
    out
}

/// RFC 3961 5.3 with a confounder of zeros.
fn seal(key: &[u8; 32], usage: u8, plain: &[u8]) -> Vec<u8> {
    let plain = [&[0; 16][..], plain].concat();
    let mac = hmac(&derive(key, usage, 0x55), &plain);
    let mut out = cbc_cts(&derive(key, usage, 0xaa), &plain);
    out.extend(mac);
    out
}

/// RFC 3961 5.4.
fn checksum(key: &[u8; 32], usage: u8, data: &[u8]) -> Vec<u8> {
    hmac(&derive(key, usage, 0x99), data)
}

/// HMAC-SHA1, 96 bits.
fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let key = PKey::hmac(key).unwrap();
    let mut signer = Signer::new(MessageDigest::sha1(), &key).unwrap();
    let mut mac = signer.sign_oneshot_to_vec(data).unwrap();
    mac.truncate(12);
    mac
}

/// RFC 3961 5.1: DK of a usage number and a role.
fn derive(key: &[u8; 32], usage: u8, role: u8) -> Vec<u8> {
    let first = ecb(key, &n_fold([0, 0, 0, usage, role]));
    let second = ecb(key, &first);
    [first, second].concat()
}

/// RFC 3961 5.1: n-fold of 40 bits to 128.
fn n_fold(input: [u8; 5]) -> [u8; 16] {
    // lcm(5, 16) = 80 octets: sixteen copies, each turned right by 13 bits more, added in ones' complement.
    let bit = |copy: usize, index: usize| {
        let from = (index + 40 * 13 - 13 * copy) % 40;
        input[from / 8] >> (7 - from % 8) & 1
    };
    let mut long = [0_u8; 80];
    for copy in 0..16 {
        for index in 0..40 {
            let to = copy * 40 + index;
            long[to / 8] |= bit(copy, index) << (7 - to % 8);
        }
    }
    let mut sum = [0_u8; 16];
    for block in long.chunks(16) {
        let mut carry = 0;
        for at in (0..16).rev() {
            let total = u16::from(sum[at]) + u16::from(block[at]) + carry;
            sum[at] = u8::try_from(total & 0xff).unwrap();
            carry = total >> 8;
        }
        for at in (0..16).rev() {
            let total = u16::from(sum[at]) + carry;
            sum[at] = u8::try_from(total & 0xff).unwrap();
            carry = total >> 8;
        }
    }
    sum
}

/// RFC 3962 5: CBC with a zero vector and ciphertext stealing; the last two blocks change places.
fn cbc_cts(key: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut previous = [0_u8; 16];
    let mut blocks = Vec::new();
    for chunk in plain.chunks(16) {
        let mut block = [0_u8; 16];
        block[..chunk.len()].copy_from_slice(chunk);
        block.iter_mut().zip(previous).for_each(|(octet, before)| *octet ^= before);
        previous.copy_from_slice(&ecb(key, &block));
        blocks.push(previous);
    }
    let count = blocks.len();
    blocks.swap(count - 2, count - 1);
    let mut out = blocks.concat();
    out.truncate(plain.len());
    out
}

fn ecb(key: &[u8], block: &[u8]) -> Vec<u8> {
    let mut crypter = Crypter::new(Cipher::aes_256_ecb(), Mode::Encrypt, key, None).unwrap();
    crypter.pad(false);
    let mut out = vec![0; 32];
    let count = crypter.update(block, &mut out).unwrap();
    out.truncate(count);
    out
}

const OID_KERBEROS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02];
const OID_SPNEGO: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x02];
