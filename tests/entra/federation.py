"""What the tenant knows: its federated domains with their keys, and the accounts that were synchronised to it.

The keys come from the federation metadata of the server under test, as Entra's automatic update takes them. Nothing
is taken from a metadata document whose own signature does not verify by the first key it announces.
"""

import base64
import dataclasses
import hashlib
import ssl
import urllib.parse
import urllib.request

from cryptography import x509
from lxml import etree
from signxml import SignatureConfiguration, XMLVerifier

METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
# Some clients look for this very text: the prefix is part of what they compare.
SECURITY_TOKEN_SERVICE = "fed:SecurityTokenServiceType"


class FederationError(Exception):
    """Settings or metadata that Entra would not take."""


@dataclasses.dataclass
class Domain:
    """One federated domain, as `internalDomainFederation` has it."""

    name: str
    issuer: str
    metadata_url: str
    mex_url: str
    active_url: str
    passive_url: str
    certificates: list = dataclasses.field(default_factory=list)  # DER: signing, next

    @classmethod
    def from_settings(cls, settings):
        def need(key):
            value = settings.get(key)
            if not isinstance(value, str) or not value:
                raise FederationError("%s is missing" % key)
            return value

        name, metadata = need("domain").lower(), need("metadataUrl")
        base = "https://%s/adfs/services/trust/" % urllib.parse.urlsplit(metadata).netloc
        certificates = [base64.b64decode(settings[key], validate=True)
                        for key in ("signingCertificate", "nextSigningCertificate") if settings.get(key)]
        return cls(name, need("issuerUri"), metadata, settings.get("metadataExchangeUri") or base + "mex",
                   settings.get("activeSignInUri") or base + "2005/usernamemixed",
                   settings.get("passiveSignInUri") or base.replace("services/trust/", "ls/"), certificates)

    def shown(self):
        return {"domain": self.name, "issuerUri": self.issuer, "metadataUrl": self.metadata_url, "metadataExchangeUri": self.mex_url,
                "activeSignInUri": self.active_url, "passiveSignInUri": self.passive_url, "thumbprints": [hashlib.sha1(c).hexdigest().upper() for c in self.certificates]}


class Tenant:
    def __init__(self, identifier, accounts_file):
        self.identifier = identifier
        self.accounts_file = accounts_file
        self.allow_sha1 = False
        self.domains = {}

    def federate(self, settings):
        """Takes a whole new set of domains, or none of it."""
        domains = {}
        for entry in settings.get("domains") or []:
            domain = Domain.from_settings(entry)
            if domain.name in domains:
                raise FederationError("domain %s twice" % domain.name)
            # An issuer belongs to one domain only, in all of Entra.
            if any(other.issuer == domain.issuer for other in domains.values()):
                raise FederationError("issuerUri %s twice" % domain.issuer)
            if not domain.certificates:
                domain.certificates = fetch_certificates(domain.metadata_url)
            domains[domain.name] = domain
        self.domains = domains
        self.allow_sha1 = settings.get("allowSha1") is True

    def domain_of(self, upn):
        """The federated domain of a sign-in name: the longest that its suffix equals or lies below."""
        name, at, suffix = upn.rpartition("@")
        suffix = suffix.lower()
        if not at or not name or "@" in name:
            return None
        while suffix:
            if suffix in self.domains:
                return self.domains[suffix]
            suffix = suffix.partition(".")[2]
        return None

    def by_issuer(self, issuer):
        return next((domain for domain in self.domains.values() if domain.issuer == issuer), None)

    def ready(self, domain):
        """The lab's tenant exists before its server: keys are then fetched when first needed."""
        if not domain.certificates:
            domain.certificates = fetch_certificates(domain.metadata_url)
        return domain

    def accounts(self):
        """What Entra Connect would have synchronised, read at every request: accounts come and go."""
        with open(self.accounts_file, encoding="utf-8") as file:
            for line in file:
                yield Account(*line.rstrip("\n").split("\t"))


@dataclasses.dataclass(frozen=True)
class Account:
    """One account: its kind (user, computer, controller, service), SID, base64 of objectGUID's octets, source anchor, UPN."""

    kind: str
    name: str
    sid: str
    guid: str
    anchor: str
    upn: str


def fetch_certificates(url):
    if not url.startswith("https://"):
        raise FederationError("the metadata URL is not https")
    try:
        with urllib.request.urlopen(url, timeout=15, context=ssl.create_default_context()) as answer:
            octets = answer.read(1 << 20)
    except OSError as error:
        raise FederationError("metadata of %s: %s" % (url, error)) from None
    return certificates_of(octets)


def certificates_of(octets):
    """The token-signing certificates (primary, next) of a signed federation metadata document."""
    if b"<!DOCTYPE" in octets:
        raise FederationError("metadata with a document type declaration")
    try:
        root = etree.fromstring(octets, etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise FederationError("metadata is not well-formed: %s" % error) from None
    if root.tag != "{%s}EntityDescriptor" % METADATA:
        raise FederationError("metadata is not an EntityDescriptor")
    found = signing_certificates(root)
    try:
        # The signature must be by the first key, and what is used must be what it covers.
        result = XMLVerifier().verify(octets, x509_cert=x509.load_der_x509_certificate(found[0]), id_attribute="ID",
                                      expect_config=SignatureConfiguration(location="./"))
    except Exception as error:
        raise FederationError("the metadata's signature does not verify (%s)" % type(error).__name__) from None
    if result.signed_xml is None or result.signed_xml.tag != root.tag or signing_certificates(result.signed_xml) != found:
        raise FederationError("the metadata's signature covers something else")
    return found


def signing_certificates(root):
    roles = [role for role in root.findall("{%s}RoleDescriptor" % METADATA) if role.get(TYPE) == SECURITY_TOKEN_SERVICE]
    if len(roles) != 1:
        raise FederationError("%d roles %s" % (len(roles), SECURITY_TOKEN_SERVICE))
    found = [base64.b64decode("".join((c.text or "").split())) for key in roles[0].findall("{%s}KeyDescriptor" % METADATA)
             if key.get("use") == "signing" for c in key.iter("{%s}X509Certificate" % DSIG)]
    if not found:
        raise FederationError("metadata without a signing certificate")
    return found[:2]
