"""A SAML assertion, from the octets of a token request to claims that are proven to be signed.

Knows no tenant: which keys are good is given, what the claims must say is decided elsewhere (policy.py). The order is
the defence: bounded parse without DTD, comments or processing instructions; a profile of where the one signature
stands and what it covers; then the signature, by a registered key; and everything that is read afterwards is read
from the octets that were signed, never from the document that came in.
"""

import base64
import binascii
import dataclasses
import datetime
import hashlib

from cryptography import x509
from lxml import etree
from signxml import DigestAlgorithm, SignatureConfiguration, SignatureMethod, XMLVerifier

SAML1 = "urn:oasis:names:tc:SAML:1.0:assertion"
SAML2 = "urn:oasis:names:tc:SAML:2.0:assertion"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = DSIG + "enveloped-signature"
NAME_IDENTIFIER = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
BEARER = {SAML1: "urn:oasis:names:tc:SAML:1.0:cm:bearer", SAML2: "urn:oasis:names:tc:SAML:2.0:cm:bearer"}
MAX_OCTETS = 256 * 1024


class InvalidAssertion(Exception):
    """The assertion proves nothing; the text says why. `kind` is one of the constants below."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


MALFORMED, SIGNATURE = "malformed", "signature"


@dataclasses.dataclass(frozen=True)
class Assertion:
    """What a verified assertion says. Times are aware (UTC)."""

    namespace: str
    identifier: str
    issuer: str
    audiences: tuple
    not_before: datetime.datetime
    not_on_or_after: datetime.datetime
    issue_instant: datetime.datetime
    authentication_instant: datetime.datetime
    authentication_method: str
    confirmation_not_on_or_after: datetime.datetime | None
    claims: dict  # claim type -> list of values, in the order of the assertion
    name_identifier: str | None
    thumbprint: str  # SHA-1 of the certificate that signed

    def values(self, claim_type):
        return self.claims.get(claim_type, [])


def decode_parameter(text):
    """The `assertion` parameter: base64 of either alphabet, with or without padding (RFC 7522 and ADAL differ)."""
    try:
        plain = text.translate(str.maketrans("-_", "+/")).rstrip("=")
        octets = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidAssertion(MALFORMED, "the assertion is not base64: %s" % error) from None
    if not 0 < len(octets) <= MAX_OCTETS:
        raise InvalidAssertion(MALFORMED, "the assertion has %d octets" % len(octets))
    return octets


def verify(octets, certificates, allow_sha1=False):
    """Verifies the assertion by one of `certificates` and returns what it says."""
    root = parse(octets)
    namespace = etree.QName(root).namespace
    signature = profile(root, namespace, allow_sha1)
    certificate = signer(signature, certificates)
    signed = check_signature(octets, namespace, certificate, allow_sha1)
    # Nothing of `root` is used from here on.
    return read(signed, certificate)


def parse(octets):
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_blank_text=False)
    # Refused before the parser sees it: an entity could expand while it reads.
    if b"<!DOCTYPE" in octets or b"<!ENTITY" in octets:
        raise InvalidAssertion(MALFORMED, "a document type declaration")
    try:
        root = etree.fromstring(octets, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InvalidAssertion(MALFORMED, "not well-formed: %s" % error) from None
    if root.getroottree().docinfo.doctype or root.getprevious() is not None or root.getnext() is not None:
        raise InvalidAssertion(MALFORMED, "something stands beside the root element")
    for node in root.iter():
        if not isinstance(node.tag, str):
            raise InvalidAssertion(MALFORMED, "a comment, an entity or a processing instruction")
    return root


def profile(root, namespace, allow_sha1):
    """Where the one signature stands and what it must cover. Returns the signature element."""

    def need(condition, text):
        if not condition:
            raise InvalidAssertion(SIGNATURE, text)

    if root.tag not in ("{%s}Assertion" % SAML1, "{%s}Assertion" % SAML2):
        raise InvalidAssertion(MALFORMED, "the root is no assertion")
    id_name = id_attribute(namespace)
    identifier = root.get(id_name)
    if not identifier:
        raise InvalidAssertion(MALFORMED, "the assertion has no " + id_name)
    holders = [element for element in root.iter() for name, value in element.attrib.items()
               if etree.QName(name).localname.lower() in ("id", "assertionid") and value == identifier]
    need(holders == [root], "the identifier is not the root's alone")
    need(sum(1 for _ in root.iter("{%s}Assertion" % SAML1, "{%s}Assertion" % SAML2)) == 1, "more than one assertion")

    signatures = list(root.iter("{%s}Signature" % DSIG))
    need(len(signatures) == 1, "%d signatures" % len(signatures))
    signature = signatures[0]
    need(signature.getparent() is root, "the signature is not a child of the assertion")
    if namespace == SAML1:
        need(signature.getnext() is None, "the signature is not the assertion's last child")
    else:
        need(root.index(signature) == 1, "the signature does not follow the issuer")

    def one(parent, name):
        found = parent.findall("{%s}%s" % (DSIG, name))
        need(len(found) == 1, "%d elements %s" % (len(found), name))
        return found[0]

    info = one(signature, "SignedInfo")
    method = one(info, "CanonicalizationMethod")
    need(method.get("Algorithm") == EXCLUSIVE and len(method) == 0, "canonicalization is not exclusive C14N")
    need(one(info, "SignatureMethod").get("Algorithm") in {m.value for m in signature_methods(allow_sha1)}, "signature algorithm")
    reference = one(info, "Reference")
    need(reference.get("URI") == "#" + identifier, "the reference is not to the assertion")
    transforms = one(reference, "Transforms")
    need([t.get("Algorithm") for t in transforms] == [ENVELOPED, EXCLUSIVE] and all(len(t) == 0 for t in transforms),
         "other transforms than enveloped signature and exclusive C14N")
    need(one(reference, "DigestMethod").get("Algorithm") in {d.value for d in digest_algorithms(allow_sha1)}, "digest algorithm")
    return signature


def signer(signature, certificates):
    """The registered certificate that KeyInfo names. What KeyInfo holds is a hint, never a key."""
    shown = signature.findall("{%s}KeyInfo/{%s}X509Data/{%s}X509Certificate" % (DSIG, DSIG, DSIG))
    if len(shown) != 1:
        raise InvalidAssertion(SIGNATURE, "KeyInfo shows %d certificates" % len(shown))
    try:
        der = base64.b64decode("".join((shown[0].text or "").split()), validate=True)
    except binascii.Error:
        raise InvalidAssertion(SIGNATURE, "KeyInfo's certificate is not base64") from None
    for certificate in certificates:
        if certificate == der:
            return certificate
    raise InvalidAssertion(SIGNATURE, "the signing key identifier does not match any valid registered keys")


def check_signature(octets, namespace, certificate, allow_sha1):
    """The element that was signed, parsed from the canonical octets whose digest was verified."""
    expected = SignatureConfiguration(require_x509=True, location="./", expect_references=1,
                                      signature_methods=signature_methods(allow_sha1), digest_algorithms=digest_algorithms(allow_sha1))
    try:
        result = XMLVerifier().verify(octets, x509_cert=x509.load_der_x509_certificate(certificate),
                                      id_attribute=id_attribute(namespace), expect_config=expected)
    except Exception as error:  # signxml, lxml and cryptography each have their own, and all mean no
        raise InvalidAssertion(SIGNATURE, "the signature does not verify (%s)" % type(error).__name__) from None
    if result.signed_xml is None or result.signed_xml.tag != "{%s}Assertion" % namespace:
        raise InvalidAssertion(SIGNATURE, "the signature covers something else")
    return result.signed_xml


def read(root, certificate):
    namespace = etree.QName(root).namespace
    thumbprint = hashlib.sha1(certificate).hexdigest().upper()
    return (read_saml1 if namespace == SAML1 else read_saml2)(root, thumbprint)


def read_saml1(root, thumbprint):
    q = "{%s}" % SAML1
    if (root.get("MajorVersion"), root.get("MinorVersion")) != ("1", "1"):
        raise InvalidAssertion(MALFORMED, "the version is not 1.1")
    conditions = only(root, q + "Conditions")
    audiences = [text(a) for r in conditions.findall(q + "AudienceRestrictionCondition") for a in r.findall(q + "Audience")]
    attributes, authentication = only(root, q + "AttributeStatement"), only(root, q + "AuthenticationStatement")
    subjects = [only(attributes, q + "Subject"), only(authentication, q + "Subject")]
    for subject in subjects:
        methods = [text(m) for m in only(subject, q + "SubjectConfirmation").findall(q + "ConfirmationMethod")]
        if methods != [BEARER[SAML1]]:
            raise InvalidAssertion(MALFORMED, "the subject is not confirmed as bearer")
    names = [optional_text(s, q + "NameIdentifier") for s in subjects]
    if names[0] != names[1]:
        raise InvalidAssertion(MALFORMED, "two statements about two subjects")
    claims = {}
    for attribute in attributes.findall(q + "Attribute"):
        kind = "%s/%s" % (needed(attribute, "AttributeNamespace"), needed(attribute, "AttributeName"))
        claims.setdefault(kind, []).extend(text(v) for v in attribute.findall(q + "AttributeValue"))
    return Assertion(SAML1, needed(root, "AssertionID"), needed(root, "Issuer"), tuple(audiences),
                     instant(needed(conditions, "NotBefore")), instant(needed(conditions, "NotOnOrAfter")),
                     instant(needed(root, "IssueInstant")), instant(needed(authentication, "AuthenticationInstant")),
                     needed(authentication, "AuthenticationMethod"), None, claims, names[0], thumbprint)


def read_saml2(root, thumbprint):
    q = "{%s}" % SAML2
    if root.get("Version") != "2.0":
        raise InvalidAssertion(MALFORMED, "the version is not 2.0")
    conditions = only(root, q + "Conditions")
    audiences = [text(a) for r in conditions.findall(q + "AudienceRestriction") for a in r.findall(q + "Audience")]
    subject = only(root, q + "Subject")
    confirmation = only(subject, q + "SubjectConfirmation")
    if confirmation.get("Method") != BEARER[SAML2]:
        raise InvalidAssertion(MALFORMED, "the subject is not confirmed as bearer")
    data = confirmation.find(q + "SubjectConfirmationData")
    until = instant(data.get("NotOnOrAfter")) if data is not None and data.get("NotOnOrAfter") else None
    claims = {}
    for attribute in only(root, q + "AttributeStatement").findall(q + "Attribute"):
        claims.setdefault(needed(attribute, "Name"), []).extend(text(v) for v in attribute.findall(q + "AttributeValue"))
    authentication = only(root, q + "AuthnStatement")
    method = text(only(only(authentication, q + "AuthnContext"), q + "AuthnContextClassRef"))
    return Assertion(SAML2, needed(root, "ID"), text(only(root, q + "Issuer")), tuple(audiences),
                     instant(needed(conditions, "NotBefore")), instant(needed(conditions, "NotOnOrAfter")),
                     instant(needed(root, "IssueInstant")), instant(needed(authentication, "AuthnInstant")),
                     method, until, claims, optional_text(subject, q + "NameID"), thumbprint)


def only(parent, tag):
    found = parent.findall(tag)
    if len(found) != 1:
        raise InvalidAssertion(MALFORMED, "%d elements %s" % (len(found), etree.QName(tag).localname))
    return found[0]


def text(element):
    """All of the element's text; elements inside it would make it mean two things."""
    if len(element):
        raise InvalidAssertion(MALFORMED, "elements inside " + etree.QName(element).localname)
    return element.text or ""


def optional_text(parent, tag):
    return text(only(parent, tag)) if parent.find(tag) is not None else None


def needed(element, name):
    value = element.get(name)
    if not value:
        raise InvalidAssertion(MALFORMED, "%s has no %s" % (etree.QName(element).localname, name))
    return value


def instant(value):
    try:
        if not value.endswith("Z"):
            raise ValueError("not UTC")
        return datetime.datetime.fromisoformat(value[:-1]).replace(tzinfo=datetime.UTC)
    except ValueError as error:
        raise InvalidAssertion(MALFORMED, "the time %r: %s" % (value, error)) from None


def id_attribute(namespace):
    return "AssertionID" if namespace == SAML1 else "ID"


def signature_methods(allow_sha1):
    return frozenset({SignatureMethod.RSA_SHA256} | ({SignatureMethod.RSA_SHA1} if allow_sha1 else set()))


def digest_algorithms(allow_sha1):
    return frozenset({DigestAlgorithm.SHA256} | ({DigestAlgorithm.SHA1} if allow_sha1 else set()))
