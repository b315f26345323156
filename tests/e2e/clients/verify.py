"""Verifies signed XML with signxml: one answer for each document."""

import json
import sys

from lxml import etree
from signxml import DigestAlgorithm, SignatureConfiguration, SignatureMethod, XMLVerifier

ID_ATTRIBUTES = ("AssertionID", "ID")
METHODS = frozenset([SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA1])
DIGESTS = frozenset([DigestAlgorithm.SHA256, DigestAlgorithm.SHA1])


def verify(document, certificate):
    root = etree.fromstring(document.encode())
    name = next(name for name in ID_ATTRIBUTES if root.get(name))
    expected = SignatureConfiguration(
        # SAML 1.1 has its signature last, SAML 2.0 second, metadata first.
        location="./", require_x509=True, signature_methods=METHODS, digest_algorithms=DIGESTS)
    result = XMLVerifier().verify(root, x509_cert=certificate, id_attribute=name, expect_config=expected)
    ds = "{http://www.w3.org/2000/09/xmldsig#}"
    info = root.find(f"{ds}Signature/{ds}SignedInfo")
    return {
        "signed": etree.QName(result.signed_xml).localname,
        "whole": result.signed_xml.get(name) == root.get(name),
        "signature": info.find(f"{ds}SignatureMethod").get("Algorithm"),
        "digest": info.find(f"{ds}Reference/{ds}DigestMethod").get("Algorithm"),
        "canonicalization": info.find(f"{ds}CanonicalizationMethod").get("Algorithm"),
        "children": [etree.QName(child).localname for child in root],
    }


request = json.load(sys.stdin)
json.dump([verify(document, request["certificate"]) for document in request["documents"]], sys.stdout)
