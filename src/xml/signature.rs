//! Enveloped XML signatures over what the writer wrote.
//!
//! The writer's octets are canonical, so the digest is taken from them as they are; `SignedInfo` is a template with its
//! own namespace declaration, which is signed and then cut down to what stands inside `ds:Signature`. The whole signed
//! document is canonical again (token-signing-lab.md 3.5, forms of ws-federation.md 4.1 and 4.2).

use aws_lc_rs::digest;

use super::syntax::is_ncname;
use super::writer::{Unsigned, push_base64};
use crate::tokens::{SignError, SignatureAlgorithm, SigningKey};

/// How the signature's `KeyInfo` is written; both are what AD FS writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyInfoForm {
    /// `<KeyInfo xmlns=…><X509Data><X509Certificate>`: SAML 1.1 assertions and metadata.
    Plain,
    /// `<KeyInfo xmlns=…><ds:X509Data><ds:X509Certificate>`: SAML 2.0.
    Prefixed,
}

/// Signs the root element of `document`, whose identifier attribute has the value `id`, and puts the signature in its place.
///
/// Enveloped signature, exclusive canonicalization, one reference, the key's certificate in `KeyInfo`.
///
/// # Errors
/// [`SignatureError`].
pub async fn sign_enveloped(
    document: Unsigned,
    id: &str,
    key: &SigningKey,
    algorithm: SignatureAlgorithm,
    form: KeyInfoForm,
) -> Result<Vec<u8>, SignatureError> {
    if !is_ncname(id) {
        return Err(SignatureError::Identifier { id: id.to_owned() });
    }
    let methods = methods(algorithm);
    let digest = digest_of(&document, methods.digest_algorithm)?;
    let Unsigned { octets: mut out, place, .. } = document;
    let end = out.len();

    // Written behind the document, then turned into its place: one buffer, no second serialisation.
    out.extend_from_slice(OPEN_SIGNATURE);
    let signed_info = out.len();
    for part in [
        OPEN_SIGNED_INFO,
        methods.signature,
        b"\"></ds:SignatureMethod><ds:Reference URI=\"#",
        id.as_bytes(),
        TRANSFORMS,
        methods.digest,
        b"\"></ds:DigestMethod><ds:DigestValue>",
    ] {
        out.extend_from_slice(part);
    }
    push_base64(&mut out, digest.as_ref());
    out.extend_from_slice(b"</ds:DigestValue></ds:Reference></ds:SignedInfo>");
    let signature = key.signer.sign(algorithm, out.get(signed_info..).unwrap_or_default()).await?;
    // Inside ds:Signature the declaration would be a repetition, which canonical XML does not have.
    let declaration = signed_info + b"<ds:SignedInfo".len();
    out.drain(declaration..declaration + DECLARATION.len());

    out.extend_from_slice(b"<ds:SignatureValue>");
    push_base64(&mut out, &signature.0);
    out.extend_from_slice(b"</ds:SignatureValue><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\">");
    let (open, close): (&[u8], &[u8]) = match form {
        KeyInfoForm::Plain => (b"<X509Data><X509Certificate>", b"</X509Certificate></X509Data>"),
        KeyInfoForm::Prefixed => (b"<ds:X509Data><ds:X509Certificate>", b"</ds:X509Certificate></ds:X509Data>"),
    };
    out.extend_from_slice(open);
    out.extend_from_slice(key.certificate_base64().as_bytes());
    out.extend_from_slice(close);
    out.extend_from_slice(b"</KeyInfo></ds:Signature>");
    if let Some(tail) = out.get_mut(place..) {
        tail.rotate_left(end - place);
    }
    Ok(out)
}

/// Why a document could not be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The identifier is no XML name, so no reference can point to it.
    #[error("the identifier {id} is not an XML name")]
    Identifier {
        /// The identifier.
        id: String,
    },
    /// The marks of the writer lie outside its document; a mistake of this program.
    #[error("the writer's marks do not fit its document")]
    Marks,
    /// The key did not sign.
    #[error(transparent)]
    Key(#[from] SignError),
}

struct Methods {
    signature: &'static [u8],
    digest: &'static [u8],
    digest_algorithm: &'static digest::Algorithm,
}

fn methods(algorithm: SignatureAlgorithm) -> Methods {
    match algorithm {
        SignatureAlgorithm::RsaSha256 => Methods {
            signature: b"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            digest: b"http://www.w3.org/2001/04/xmlenc#sha256",
            digest_algorithm: &digest::SHA256,
        },
        SignatureAlgorithm::RsaSha1 => Methods {
            signature: b"http://www.w3.org/2000/09/xmldsig#rsa-sha1",
            digest: b"http://www.w3.org/2000/09/xmldsig#sha1",
            digest_algorithm: &digest::SHA1_FOR_LEGACY_USE_ONLY,
        },
    }
}

/// Digest of the document as a verifier will canonicalise it: without the declarations that only values use.
fn digest_of(document: &Unsigned, algorithm: &'static digest::Algorithm) -> Result<digest::Digest, SignatureError> {
    let mut context = digest::Context::new(algorithm);
    let mut from = 0;
    for skipped in &document.undigested {
        context.update(document.octets.get(from..skipped.start).ok_or(SignatureError::Marks)?);
        from = skipped.end;
    }
    context.update(document.octets.get(from..).ok_or(SignatureError::Marks)?);
    Ok(context.finish())
}

const OPEN_SIGNATURE: &[u8] = b"<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">";
const DECLARATION: &[u8] = b" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"";
const OPEN_SIGNED_INFO: &[u8] = b"<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
    <ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:CanonicalizationMethod>\
    <ds:SignatureMethod Algorithm=\"";
const TRANSFORMS: &[u8] = b"\"><ds:Transforms>\
    <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>\
    <ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform></ds:Transforms>\
    <ds:DigestMethod Algorithm=\"";
