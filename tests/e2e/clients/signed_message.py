"""A client of certificatemixed: signs the Timestamp and the To header of a WS-Trust request with a certificate, as WCF does,
with lxml's exclusive canonicalization and cryptography's RSA, and posts it. Takes a list of messages to make."""

import base64
import hashlib
import json
import sys
import uuid
from datetime import datetime, timedelta, timezone

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
WSP = "http://schemas.xmlsoap.org/ws/2004/09/policy"
X509V3 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
THUMBPRINT = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
DIGESTS = {"sha256": (hashes.SHA256(), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256"),
           "sha1": (hashes.SHA1(), DS + "rsa-sha1", DS + "sha1")}


def canonical(element):
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def b64(octets):
    return base64.b64encode(octets).decode()


def envelope(request, certificate):
    trust = request["trust"]
    now = datetime.now(timezone.utc) + timedelta(seconds=request.get("clock", 0))
    stamp = lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (moment.microsecond // 1000)
    address = request.get("to", request["url"])
    to = "" if address is None else f'<a:To s:mustUnderstand="1" u:Id="_1">{address}</a:To>'
    der = certificate.public_bytes(serialization.Encoding.DER)
    return etree.fromstring(f"""<s:Envelope xmlns:s="{SOAP}" xmlns:a="{WSA}" xmlns:u="{WSU}"><s:Header>\
<a:Action s:mustUnderstand="1">{trust}/RST/Issue</a:Action><a:MessageID>{request.get("message_id") or uuid.uuid4().urn}</a:MessageID>\
{to}\
<o:Security s:mustUnderstand="1" xmlns:o="{WSSE}"><u:Timestamp u:Id="_0"><u:Created>{stamp(now)}</u:Created>\
<u:Expires>{stamp(now + timedelta(minutes=5))}</u:Expires></u:Timestamp>\
<o:BinarySecurityToken u:Id="token" ValueType="{X509V3}" EncodingType="{BASE64}">{b64(der)}</o:BinarySecurityToken></o:Security>\
</s:Header><s:Body u:Id="_2"><t:RequestSecurityToken xmlns:t="{trust}"><p:AppliesTo xmlns:p="{WSP}"><a:EndpointReference>\
<a:Address>{request["applies_to"]}</a:Address></a:EndpointReference></p:AppliesTo><t:KeyType>{request["key_type"]}</t:KeyType>\
<t:RequestType>{trust}/Issue</t:RequestType></t:RequestSecurityToken></s:Body></s:Envelope>""")


def sign(root, request, certificate, key):
    algorithm, signature_uri, digest_uri = DIGESTS[request.get("hash", "sha256")]
    references = ""
    for name in request.get("signed", ["_0", "_1"]):
        element = root.xpath("//*[@u:Id=$name]", name=name, namespaces={"u": WSU})[0]
        digest = hashlib.new(request.get("hash", "sha256"), canonical(element)).digest()
        references += (f'<Reference URI="#{name}"><Transforms><Transform Algorithm="{EXCLUSIVE}"/></Transforms>'
                       f'<DigestMethod Algorithm="{digest_uri}"/><DigestValue>{b64(digest)}</DigestValue></Reference>')
    if request.get("key_info") == "thumbprint":
        thumbprint = b64(certificate.fingerprint(hashes.SHA1()))
        reference = f'<o:KeyIdentifier ValueType="{THUMBPRINT}" EncodingType="{BASE64}">{thumbprint}</o:KeyIdentifier>'
    else:
        reference = f'<o:Reference URI="#token" ValueType="{X509V3}"/>'
    signature = etree.fromstring(
        f'<Signature xmlns="{DS}"><SignedInfo><CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
        f'<SignatureMethod Algorithm="{signature_uri}"/>{references}</SignedInfo><SignatureValue/>'
        f'<KeyInfo><o:SecurityTokenReference xmlns:o="{WSSE}">{reference}</o:SecurityTokenReference></KeyInfo></Signature>')
    root.find(f"{{{SOAP}}}Header/{{{WSSE}}}Security").append(signature)
    value = key.sign(canonical(signature.find(f"{{{DS}}}SignedInfo")), padding.PKCS1v15(), algorithm)
    signature.find(f"{{{DS}}}SignatureValue").text = b64(value)


def send(request, session):
    with open(request["certificate"], "rb") as file:
        certificate = x509.load_pem_x509_certificate(file.read())
    with open(request["key"], "rb") as file:
        key = serialization.load_pem_private_key(file.read(), None)
    root = envelope(request, certificate)
    sign(root, request, certificate, key)
    message = etree.tostring(root)
    for before, after in request.get("tamper", []):
        assert before.encode() in message, before
        message = message.replace(before.encode(), after.encode())
    answers = []
    for _ in range(request.get("times", 1)):
        answer = session.post(request["url"], data=message, timeout=30, headers={
            "Content-Type": "application/soap+xml; charset=utf-8", "client-request-id": request["correlation"]})
        answers.append({"status": answer.status_code, "body": answer.text})
    return answers


with requests.Session() as shared:
    json.dump([send(request, shared) for request in json.load(sys.stdin)], sys.stdout)
