//! Does a KDC answer? One request of an account without any proof (RFC 4120 5.4.1), sent to one KDC and no other, which the
//! library cannot be told to do.
//!
//! The answer is an error, that the account must prove itself first; it counts as no wrong password. What it says is not looked at:
//! only that it is of Kerberos.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use yasna::{DERWriter, Tag};

/// Whether the KDC at `address` answers for `realm` within a time.
///
/// # Errors
/// That it does not, and how.
pub async fn kdc_answers(address: SocketAddr, realm: &str, within: Duration) -> io::Result<()> {
    tokio::time::timeout(within, exchange(address, realm)).await.unwrap_or_else(|_| {
        let reason = format!("no answer within {} seconds", within.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, reason))
    })
}

async fn exchange(address: SocketAddr, realm: &str) -> io::Result<()> {
    let request = request(realm);
    let length = u32::try_from(request.len()).map_err(io::Error::other)?;
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&[&length.to_be_bytes()[..], &request].concat()).await?;
    let mut head = [0; 5];
    stream.read_exact(&mut head).await?;
    let [.., tag] = head;
    if is_answer(tag) {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is not of Kerberos"))
    }
}

/// KRB-ERROR, or the AS-REP of an account that need not prove itself.
const fn is_answer(tag: u8) -> bool {
    matches!(tag, 0x7e | 0x6b)
}

/// AS-REQ of the realm's own `krbtgt`, which signs in nowhere.
fn request(realm: &str) -> Vec<u8> {
    yasna::construct_der(|writer| {
        writer.write_tagged(Tag::application(10), |writer| {
            writer.write_sequence(|writer| {
                let mut member = |number: u64, write: &dyn Fn(DERWriter<'_>)| {
                    writer.next().write_tagged(Tag::context(number), write);
                };
                member(1, &|writer| writer.write_u8(5));
                member(2, &|writer| writer.write_u8(10));
                member(4, &|writer| body(writer, realm));
            });
        });
    })
}

fn body(writer: DERWriter<'_>, realm: &str) {
    writer.write_sequence(|writer| {
        let mut member = |number: u64, write: &dyn Fn(DERWriter<'_>)| {
            writer.next().write_tagged(Tag::context(number), write);
        };
        member(0, &|writer| writer.write_bitvec_bytes(&[0; 4], 32));
        member(1, &|writer| name(writer, 1, &["krbtgt"]));
        member(2, &|writer| general_string(writer, realm));
        member(3, &|writer| name(writer, 2, &["krbtgt", realm]));
        // The end of the ticket that nobody gets: as long as may be.
        member(5, &|writer| {
            writer.write_tagged_implicit(Tag { tag_class: yasna::TagClass::Universal, tag_number: 24 }, |writer| {
                writer.write_bytes(b"19700101000000Z");
            });
        });
        member(7, &|writer| writer.write_u32(1));
        member(8, &|writer| {
            writer.write_sequence(|writer| {
                for etype in [18, 17, 20, 19] {
                    writer.next().write_u8(etype);
                }
            });
        });
    });
}

fn name(writer: DERWriter<'_>, kind: u8, components: &[&str]) {
    writer.write_sequence(|writer| {
        writer.next().write_tagged(Tag::context(0), |writer| writer.write_u8(kind));
        writer.next().write_tagged(Tag::context(1), |writer| {
            writer.write_sequence(|writer| {
                for component in components {
                    general_string(writer.next(), component);
                }
            });
        });
    });
}

/// `KerberosString` is a `GeneralString` of ASCII.
fn general_string(writer: DERWriter<'_>, text: &str) {
    writer.write_tagged_implicit(Tag { tag_class: yasna::TagClass::Universal, tag_number: 27 }, |writer| {
        writer.write_bytes(text.as_bytes());
    });
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Serves one connection with these octets.
    async fn answered(octets: &'static [u8], within: Duration) -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serve = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 64];
            stream.read_exact(&mut request).await.unwrap();
            assert_eq!(request[4], 0x6a, "an AS-REQ");
            stream.write_all(octets).await.unwrap();
            // Open until the other side has seen enough.
            std::future::pending::<()>().await;
        });
        let outcome = kdc_answers(address, "CORP.EXAMPLE", within).await;
        serve.abort();
        outcome
    }

    #[tokio::test]
    async fn an_error_is_an_answer_and_silence_is_none() {
        let long = Duration::from_secs(30);
        assert!(answered(b"\0\0\0\x02\x7e\0", long).await.is_ok());
        assert_eq!(answered(b"\0\0\0\x02HTTP", long).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(answered(b"", Duration::from_millis(200)).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
