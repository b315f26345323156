"""Shows that the simulator is not lenient: a good assertion is taken, and each way to spoil it is refused for that
reason. The assertions are signed here, by keys made here; no lab and no server is needed.
"""

import base64
import copy
import datetime
import json
import os
import tempfile
import unittest
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from signxml import CanonicalizationMethod, DigestAlgorithm, SignatureMethod, XMLSigner

import federation
from assertion import DSIG, SAML1, SAML2
from federation import Domain, FederationError, Tenant
from server import TENANT_ID, Simulator

NOW = datetime.datetime(2026, 1, 5, 10, 0, 0, tzinfo=datetime.UTC)
ISSUER = "http://corp.example/adfs/services/trust/"
GRANT1, GRANT2 = "urn:ietf:params:oauth:grant-type:saml1_1-bearer", "urn:ietf:params:oauth:grant-type:saml2-bearer"
UPN, IMMUTABLE = "http://schemas.xmlsoap.org/claims/UPN", "http://schemas.microsoft.com/LiveID/Federation/2008/05/ImmutableID"
KIND, GUID = "http://schemas.microsoft.com/ws/2012/01/accounttype", "http://schemas.microsoft.com/identity/claims/onpremobjectguid"
SID = "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarysid"
ALICE, BOB, WS01, DC1, MANAGED = "QUFBQUFBQUFBQUFBQUFBQQ==", "QkJCQkJCQkJCQkJCQkJCQg==", "V1dXV1dXV1dXV1dXV1dXVw==", "RERERERERERERERERERERA==", "TU1NTU1NTU1NTU1NTU1NTQ=="
ACCOUNTS = "".join("\t".join(row) + "\n" for row in (
    ("user", "alice", "S-1-5-21-1-2-3-1107", ALICE, ALICE, "alice@corp.example"),
    ("user", "bob", "S-1-5-21-1-2-3-1108", BOB, BOB, "bob@brand.example"),
    ("computer", "WS01$", "S-1-5-21-1-2-3-1119", WS01, WS01, ""),
    ("controller", "DC1$", "S-1-5-21-1-2-3-1000", DC1, DC1, ""),
    ("service", "gmsa01$", "S-1-5-21-1-2-3-1328", MANAGED, MANAGED, "")))
USER = {UPN: "alice@corp.example", IMMUTABLE: ALICE}
COMPUTER = {KIND: "DJ", GUID: WS01, SID: "S-1-5-21-1-2-3-1119", IMMUTABLE: WS01}


class AnySigner(XMLSigner):
    """Signs by SHA-1 too."""

    def check_deprecated_methods(self):
        pass


class Signer:
    """A token-signing key with its self-signed certificate."""

    def __init__(self, name):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
        # signxml compares with the machine's clock, not with NOW.
        self.certificate = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(self.key.public_key())
                            .serial_number(x509.random_serial_number()).not_valid_before(datetime.datetime(2020, 1, 1))
                            .not_valid_after(datetime.datetime(2090, 1, 1)).sign(self.key, hashes.SHA256()))
        self.der = self.certificate.public_bytes(serialization.Encoding.DER)

    def sign(self, root, identifier, id_attribute=None, sha1=False, **algorithms):
        signer = AnySigner(**{"signature_algorithm": SignatureMethod.RSA_SHA1 if sha1 else SignatureMethod.RSA_SHA256,
                              "digest_algorithm": DigestAlgorithm.SHA1 if sha1 else DigestAlgorithm.SHA256,
                              "c14n_algorithm": CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0, **algorithms})
        return signer.sign(root, key=self.key, cert=[self.certificate], reference_uri=identifier, id_attribute=id_attribute, always_add_key_value=False)


OURS, NEXT, FOREIGN = Signer("ours"), Signer("next"), Signer("ours")


def time(minutes=0):
    return (NOW + datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def saml1(claims, name=None, issuer=ISSUER, audience="urn:federation:MicrosoftOnline", start=0, end=60, issued=0,
          confirmation="urn:oasis:names:tc:SAML:1.0:cm:bearer", version="1"):
    root = etree.Element("{%s}Assertion" % SAML1, nsmap={"saml": SAML1}, MajorVersion="1", MinorVersion=version,
                         AssertionID="_a1", Issuer=issuer, IssueInstant=time(issued))
    add = lambda parent, tag, text=None, **attributes: child(SAML1, parent, tag, text, attributes)  # noqa: E731
    conditions = add(root, "Conditions", NotBefore=time(start), NotOnOrAfter=time(end))
    add(add(conditions, "AudienceRestrictionCondition"), "Audience", audience)
    attributes = add(root, "AttributeStatement")
    authentication = add(root, "AuthenticationStatement", AuthenticationMethod="urn:federation:authentication:windows",
                         AuthenticationInstant=time(issued))
    for statement in (attributes, authentication):
        subject = add(statement, "Subject")
        if name:
            add(subject, "NameIdentifier", name, Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified")
        add(add(subject, "SubjectConfirmation"), "ConfirmationMethod", confirmation)
    for kind, values in claims.items():
        namespace, _, local = kind.rpartition("/")
        attribute = add(attributes, "Attribute", AttributeName=local, AttributeNamespace=namespace)
        for value in [values] if isinstance(values, str) else values:
            add(attribute, "AttributeValue", value)
    return root


def saml2(claims, name=None, end=60, until=5):
    root = etree.Element("{%s}Assertion" % SAML2, nsmap={None: SAML2}, ID="_a2", IssueInstant=time(), Version="2.0")
    add = lambda parent, tag, text=None, **attributes: child(SAML2, parent, tag, text, attributes)  # noqa: E731
    add(root, "Issuer", ISSUER)
    root.append(etree.Element("{%s}Signature" % DSIG, nsmap={"ds": DSIG}, Id="placeholder"))
    subject = add(root, "Subject")
    if name:
        add(subject, "NameID", name)
    add(add(subject, "SubjectConfirmation", Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"), "SubjectConfirmationData",
        NotOnOrAfter=time(until))
    add(add(add(root, "Conditions", NotBefore=time(), NotOnOrAfter=time(end)), "AudienceRestriction"), "Audience",
        "urn:federation:MicrosoftOnline")
    attributes = add(root, "AttributeStatement")
    for kind, value in claims.items():
        add(add(attributes, "Attribute", Name=kind), "AttributeValue", value)
    add(add(add(root, "AuthnStatement", AuthnInstant=time()), "AuthnContext"), "AuthnContextClassRef",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport")
    return root


def child(namespace, parent, tag, text, attributes):
    element = etree.SubElement(parent, "{%s}%s" % (namespace, tag), attributes)
    element.text = text
    return element


class Case(unittest.TestCase):
    def setUp(self):
        file, self.accounts = tempfile.mkstemp()
        with os.fdopen(file, "w", encoding="utf-8") as accounts:
            accounts.write(ACCOUNTS)
        self.addCleanup(os.unlink, self.accounts)
        self.tenant = Tenant(TENANT_ID, self.accounts)
        for name in ("corp.example", "brand.example"):
            self.tenant.domains[name] = Domain(name, "http://%s/adfs/services/trust/" % name, "https://sts.corp.example/metadata",
                                               "https://sts.corp.example/mex", "https://sts.corp.example/usernamemixed",
                                               "https://sts.corp.example/adfs/ls/", [OURS.der, NEXT.der])
        self.simulator = Simulator(self.tenant, lambda: NOW)

    def redeem(self, octets, grant=GRANT1, **fields):
        if not isinstance(octets, bytes):
            octets = etree.tostring(octets)
        form = {"grant_type": grant, "client_id": "c", "scope": "openid", "assertion": base64.urlsafe_b64encode(octets).decode().rstrip("=")}
        form.update(fields)
        body = urllib.parse.urlencode({k: v for k, v in form.items() if v is not None}).encode()
        return self.simulator.answer("POST", "/common/oauth2/v2.0/token", {}, body, {})

    def granted(self, answer):
        self.assertEqual(answer[0], 200, answer[1])
        self.assertEqual(answer[1]["token_type"], "Bearer")
        return answer[1]

    def refused(self, answer, code, text=""):
        status, value = answer
        self.assertEqual((status, value.get("error_codes")), (400, [code]), value)
        self.assertTrue(value["error_description"].startswith("AADSTS%d: " % code))
        self.assertIn(text, value["error_description"])


def signed(root=None, signer=OURS, **changes):
    if root is None:
        root = saml1(changes.pop("claims", USER), **changes)
    if etree.QName(root).namespace == SAML1:
        return signer.sign(root, "_a1", id_attribute="AssertionID")
    return signer.sign(root, "_a2", id_attribute="ID")


def without(claims, *kinds):
    return {kind: value for kind, value in claims.items() if kind not in kinds}


class Granted(Case):
    def test_good_assertions(self):
        for name, root, grant in (
                ("user", signed(), GRANT1), ("user with name", signed(name=ALICE), GRANT1), ("computer", signed(claims=COMPUTER, name=WS01), GRANT1),
                ("next key", signed(signer=NEXT), GRANT1), ("computer without ImmutableID", signed(claims=without(COMPUTER, IMMUTABLE)), GRANT1),
                ("alias", signed(audience="https://login.microsoftonline.com/extSTS.srf"), GRANT1), ("user type", signed(claims={**USER, KIND: "User"}), GRANT1),
                ("late by less than the skew", signed(start=-64, end=-4), GRANT1),
                ("saml 2.0", signed(saml2(USER, name=ALICE)), GRANT2), ("saml 2.0 computer", signed(saml2(COMPUTER)), GRANT2)):
            with self.subTest(name):
                self.granted(self.redeem(root, grant))

    def test_standard_base64_and_v1_endpoint(self):
        text = base64.b64encode(etree.tostring(signed())).decode()
        self.granted(self.redeem(b"", assertion=text))
        body = urllib.parse.urlencode({"grant_type": GRANT1, "client_id": "c", "resource": "urn:r", "assertion": text}).encode()
        self.granted(self.simulator.answer("POST", "/%s/oauth2/token" % TENANT_ID, {}, body, {}))


class Refused(Case):
    def test_content(self):
        for name, code, changes in (
                ("unknown issuer", 50107, {"issuer": "http://sts.corp.example/adfs/services/trust"}),
                ("issuer without slash", 50107, {"issuer": ISSUER.rstrip("/")}),
                ("audience", 50008, {"audience": "urn:other"}), ("audience in another case", 50008, {"audience": "urn:federation:microsoftonline"}),
                ("expired", 500133, {"start": -90, "end": -6}), ("not yet valid", 500133, {"start": 6, "end": 60}), ("issued in the future", 500133, {"issued": 6}),
                ("no time at all", 500133, {"start": 1, "end": 1}),
                ("holder of key", 50008, {"confirmation": "urn:oasis:names:tc:SAML:1.0:cm:holder-of-key"}), ("version", 50008, {"version": "0"}),
                ("no ImmutableID", 90020, {"claims": without(USER, IMMUTABLE)}), ("no UPN", 50008, {"claims": without(USER, UPN)}),
                ("nobody's ImmutableID", 51004, {"claims": {**USER, IMMUTABLE: "AAAA"}}),
                ("a computer's ImmutableID", 51004, {"claims": {**USER, IMMUTABLE: WS01}}),
                ("UPN of another domain", 5000819, {"claims": {**USER, UPN: "alice@brand.example"}}),
                ("UPN of no domain", 5000819, {"claims": {**USER, UPN: "alice@unlisted.example"}}), ("UPN of a look-alike", 5000819, {"claims": {**USER, UPN: "alice@evilcorp.example"}}),
                ("UPN with two @", 5000819, {"claims": {**USER, UPN: "x@corp.example@corp.example"}}),
                ("account of another domain", 5000819, {"claims": {**USER, IMMUTABLE: BOB}}), ("two UPNs", 50008, {"claims": {**USER, UPN: [USER[UPN]] * 2}}),
                ("two ImmutableIDs", 50008, {"claims": {**USER, IMMUTABLE: [ALICE, BOB]}}), ("empty claim", 50008, {"claims": {**USER, UPN: ""}}),
                ("name is not the ImmutableID", 50008, {"name": BOB}), ("another user's SID", 50008, {"claims": {**USER, SID: "S-1-5-21-1-2-3-1108"}}),
                ("object GUID in a user's token", 50008, {"claims": {**USER, GUID: ALICE}}), ("account type", 50008, {"claims": {**USER, KIND: "dj"}}),
                ("issuerid as an attribute", 50008, {"claims": {**USER, "http://schemas.microsoft.com/ws/2008/06/identity/claims/issuerid": ISSUER}}),
                ("computer without GUID", 50008, {"claims": without(COMPUTER, GUID)}), ("computer without SID", 50008, {"claims": without(COMPUTER, SID)}),
                ("GUID in the other byte order", 51004, {"claims": {**COMPUTER, GUID: "AAAABBBBCCCCDDDDEEEEFQ=="}}),
                ("another computer's SID", 50008, {"claims": {**COMPUTER, SID: "S-1-5-21-1-2-3-1120"}}),
                ("another's ImmutableID", 50008, {"claims": {**COMPUTER, IMMUTABLE: ALICE}}), ("computer with a UPN", 50008, {"claims": {**COMPUTER, UPN: USER[UPN]}}),
                ("computer's name", 50008, {"claims": COMPUTER, "name": ALICE}), ("two SIDs", 50008, {"claims": {**COMPUTER, SID: ["S-1-5-21-1-2-3-1119", "S-1-1"]}}),
                ("a user as computer", 51004, {"claims": {KIND: "DJ", GUID: ALICE, SID: "S-1-5-21-1-2-3-1107"}}),
                ("a domain controller", 51004, {"claims": {KIND: "DJ", GUID: DC1, SID: "S-1-5-21-1-2-3-1000"}}),
                ("a managed service account", 51004, {"claims": {KIND: "DJ", GUID: MANAGED, SID: "S-1-5-21-1-2-3-1328"}})):
            with self.subTest(name):
                self.refused(self.redeem(signed(**changes)), code)

    def test_expired_confirmation(self):
        self.refused(self.redeem(signed(saml2(USER, until=-6)), GRANT2), 500133)

    def test_requests(self):
        good = etree.tostring(signed())
        self.refused(self.redeem(good, grant=GRANT2), 50008, "version")
        self.refused(self.redeem(good, grant="password"), 70003)
        self.refused(self.redeem(good, assertion=None), 900144)
        self.refused(self.redeem(good, client_id=None), 900144)
        self.refused(self.redeem(good, scope=None), 900144)
        self.refused(self.redeem(good, assertion="%%%"), 50008)
        self.refused(self.redeem(b"<a/>"), 50008, "SAML token is invalid: ")
        self.refused(self.redeem(b"\x00\xff"), 50008)
        status, value = self.simulator.answer("POST", "/other-tenant/oauth2/v2.0/token", {}, b"a=b", {})
        self.assertEqual((status, value["error_codes"]), (400, [90002]))

    def test_tampered(self):
        """Each is a good assertion, signed, and then changed."""
        text = etree.tostring(signed(name=ALICE)).decode()
        for reason, before, after in (
                ("does not verify", "alice@corp.example", "admin@corp.example"), ("does not verify", ALICE, BOB), ("does not verify", time(60), time(90)),
                ("does not verify", "urn:federation:MicrosoftOnline", "https://login.windows.net/"), ("does not verify", 'AttributeName="UPN"', 'AttributeName="upn"'),
                ("does not verify", "urn:federation:authentication:windows", "urn:oasis:names:tc:SAML:2.0:ac:classes:X509"),
                ("the reference is not to the assertion", 'AssertionID="_a1"', 'AssertionID="_b1"'), ("does not verify", "</saml:AttributeStatement>",
                 '<saml:Attribute AttributeName="x" AttributeNamespace="y"><saml:AttributeValue>z</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>'),
                ("digest algorithm", "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1"),
                ("signature algorithm", "xmldsig-more#rsa-sha256", "xmldsig-more#hmac-sha256"),
                ("exclusive C14N", 'CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"',
                 'CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"'),
                ("the reference is not to the assertion", 'URI="#_a1"', 'URI=""'), ("the reference is not to the assertion", 'URI="#_a1"', 'URI="http://partner.example/a"'),
                ("a comment", "alice@corp.example", "alice@corp.example<!---->.evil.example"),
                ("processing instruction", "<saml:Conditions", "<?x?><saml:Conditions"),
                ("a document type", "<saml:Assertion", "<!DOCTYPE a><saml:Assertion"),
                ("a document type", "<saml:Assertion", '<!DOCTYPE a [<!ENTITY e "x">]><saml:Assertion'),
                ("beside the root", "<saml:Assertion", "<!-- --><saml:Assertion"),
                ("does not verify", "alice@corp.example", "<b/>alice@corp.example")):
            with self.subTest(reason, after=after):
                changed = text.replace(before, after)
                self.assertNotEqual(changed, text, "nothing was changed")
                self.refused(self.redeem(changed.encode()), 50008, reason)

    def test_keys(self):
        self.refused(self.redeem(signed(signer=FOREIGN)), 50008, "does not match any valid registered keys")
        # The registered certificate is shown, but another key has signed.
        root = signed(signer=FOREIGN)
        next(root.iter("{%s}X509Certificate" % DSIG)).text = base64.b64encode(OURS.der).decode()
        self.refused(self.redeem(root), 50008, "does not verify")
        # A second certificate beside the right one.
        root = signed()
        shown = next(root.iter("{%s}X509Certificate" % DSIG))
        shown.addnext(copy.deepcopy(shown))
        self.refused(self.redeem(root), 50008, "certificates")
        # No certificate, no signature.
        root = signed()
        next(root.iter("{%s}KeyInfo" % DSIG)).getparent().remove(next(root.iter("{%s}KeyInfo" % DSIG)))
        self.refused(self.redeem(root), 50008)
        self.refused(self.redeem(saml1(USER)), 50008, "Unable to verify token signature: 0 signatures")
        # The key of one domain is not the key of another.
        self.tenant.domains["brand.example"].certificates = [FOREIGN.der]
        self.refused(self.redeem(signed(issuer="http://brand.example/adfs/services/trust/", claims={UPN: "bob@brand.example", IMMUTABLE: BOB})), 50008)

    def test_sha1_only_where_it_is_allowed(self):
        root = OURS.sign(saml1(USER), "_a1", sha1=True, id_attribute="AssertionID")
        self.refused(self.redeem(root), 50008)
        self.tenant.allow_sha1 = True
        self.granted(self.redeem(root))

    def test_wrapping(self):
        """The signed assertion is carried along, and another is shown."""
        for name, reason, octets in wrapped():
            with self.subTest(name):
                self.refused(self.redeem(octets), 50008, reason)

    def test_forms_that_verify_but_are_not_the_profile(self):
        """Signed by our own key, in a way that other verifiers take: no cryptography refuses these."""
        inclusive = CanonicalizationMethod.CANONICAL_XML_1_0
        for reason, root in (
                ("exclusive C14N", OURS.sign(saml1(USER), "_a1", id_attribute="AssertionID", c14n_algorithm=inclusive)),
                ("signature algorithm", OURS.sign(saml1(USER), "_a1", id_attribute="AssertionID", signature_algorithm=SignatureMethod.RSA_SHA512)),
                ("digest algorithm", OURS.sign(saml1(USER), "_a1", id_attribute="AssertionID", digest_algorithm=DigestAlgorithm.SHA512)),
                ("the reference is not to the assertion", OURS.sign(saml1(USER), None, id_attribute="AssertionID")),
                ("2 elements Reference", OURS.sign(saml1(USER), ["_a1", "_a1"], id_attribute="AssertionID"))):
            with self.subTest(reason):
                self.refused(self.redeem(root), 50008, reason)

    def test_shapes(self):
        """Well signed, and yet no assertion that means one thing."""
        def change(root, path, **attributes):
            element = root.find(path.replace("s:", "{%s}" % etree.QName(root).namespace)) if path else root
            for name, value in attributes.items():
                element.set(name, value)
            return signed(root)

        other_name = saml1(USER, name=ALICE)
        other_name.find("{%s}AuthenticationStatement/{%s}Subject/{%s}NameIdentifier" % (SAML1, SAML1, SAML1)).text = BOB
        nested = saml1(USER)
        etree.SubElement(nested.find("{%s}AttributeStatement/{%s}Attribute/{%s}AttributeValue" % (SAML1, SAML1, SAML1)), "b")
        twice = saml1(USER)
        twice.insert(1, copy.deepcopy(twice.find("{%s}AttributeStatement" % SAML1)))
        for reason, root, grant in (
                ("two subjects", signed(other_name), GRANT1), ("elements inside", signed(nested), GRANT1), ("2 elements AttributeStatement", signed(twice), GRANT1),
                ("has no AuthenticationMethod", change(saml1(USER), "s:AuthenticationStatement", AuthenticationMethod=""), GRANT1),
                ("not UTC", change(saml1(USER), "s:Conditions", NotOnOrAfter="2026-01-05T11:00:00.000"), GRANT1),
                ("not 2.0", change(saml2(USER), "", Version="2.1"), GRANT2),
                ("not confirmed as bearer", change(saml2(USER), "s:Subject/s:SubjectConfirmation", Method="urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"), GRANT2)):
            with self.subTest(reason):
                self.refused(self.redeem(root, grant), 50008, reason)

    def test_size(self):
        self.refused(self.redeem(b" " * (256 * 1024) + etree.tostring(signed())), 50008, "octets")

    def test_wrapping_saml2(self):
        good = signed(saml2(USER, name=ALICE))
        evil = saml2({**USER, IMMUTABLE: BOB}, name=BOB)
        signature = evil.find("{%s}Signature" % DSIG)
        moved = copy.deepcopy(good.find("{%s}Signature" % DSIG))
        moved.append(etree.Element("{%s}Object" % DSIG))
        moved[-1].append(copy.deepcopy(good))
        signature.getparent().replace(signature, moved)
        evil.set("ID", "_evil")
        self.refused(self.redeem(evil, GRANT2), 50008)
        late = signed(saml2(USER, name=ALICE))
        late.append(late.find("{%s}Signature" % DSIG))
        self.refused(self.redeem(late, GRANT2), 50008)


def wrapped():
    good, q = signed(name=ALICE), "{%s}" % DSIG

    def evil(identifier):
        root = saml1({**USER, IMMUTABLE: BOB}, name=BOB)
        root.set("AssertionID", identifier)
        return root

    # The original in an Object of the signature, the other one around it: same and other identifier.
    for identifier in ("_a1", "_evil"):
        outer = evil(identifier)
        signature = copy.deepcopy(good.find(q + "Signature"))
        original = copy.deepcopy(good)
        original.remove(original.find(q + "Signature"))
        etree.SubElement(signature, q + "Object").append(original)
        outer.append(signature)
        yield "object, " + identifier, "the identifier is not the root's alone" if identifier == "_a1" else "more than one assertion", outer
    # The original as a child beside, its signature inside it or moved out.
    outer = evil("_evil")
    outer.insert(0, copy.deepcopy(good))
    yield "child with signature", "more than one assertion", outer
    outer = evil("_evil")
    original = copy.deepcopy(good)
    signature = original.find(q + "Signature")
    outer.insert(0, original)
    outer.append(signature)
    yield "child, signature moved out", "more than one assertion", outer
    # The original in an advice, signature last.
    outer = evil("_a1")
    advice = etree.SubElement(outer, "{%s}Advice" % SAML1)
    original = copy.deepcopy(good)
    signature = original.find(q + "Signature")
    advice.append(original)
    outer.append(signature)
    yield "advice", "the identifier is not the root's alone", outer
    # An attribute of another name with the same value.
    outer = evil("_a1")
    original = copy.deepcopy(good)
    signature = original.find(q + "Signature")
    holder = etree.SubElement(outer, "{urn:x}holder", ID="_a1")
    for part in original:
        if part is not signature:
            holder.append(copy.deepcopy(part))
    outer.append(signature)
    yield "another ID", "the identifier is not the root's alone", outer
    # Two signatures, the good one and an empty one.
    outer = copy.deepcopy(good)
    outer.append(copy.deepcopy(outer.find(q + "Signature")))
    yield "two signatures", "2 signatures", outer
    # An envelope around.
    envelope = etree.Element("{http://www.w3.org/2003/05/soap-envelope}Envelope")
    envelope.append(copy.deepcopy(good))
    yield "envelope", "the root is no assertion", envelope
    # Not the last child.
    outer = copy.deepcopy(good)
    outer.insert(0, outer.find(q + "Signature"))
    yield "signature first", "not the assertion's last child", outer
    # A second statement after the fact.
    outer = copy.deepcopy(good)
    outer.insert(1, copy.deepcopy(evil("_evil").find("{%s}AttributeStatement" % SAML1)))
    yield "second statement", "does not verify", outer
    # The signature one level down.
    outer = copy.deepcopy(good)
    etree.SubElement(outer, "{urn:x}holder").append(outer.find(q + "Signature"))
    yield "signature deeper", "not a child of the assertion", outer
    # No identifier to point at.
    outer = copy.deepcopy(good)
    del outer.attrib["AssertionID"]
    yield "no identifier", "no AssertionID", outer
    # Transforms that leave something out.
    outer = copy.deepcopy(good)
    transforms = next(outer.iter(q + "Transforms"))
    etree.SubElement(transforms, q + "Transform", Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116")
    yield "third transform", "other transforms", outer


class Federation(Case):
    def metadata(self, signer=OURS, keys=(OURS, NEXT), role="fed:SecurityTokenServiceType"):
        root = etree.fromstring('<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="%s" ID="_m" entityID="e">'
                                '<RoleDescriptor xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706" '
                                'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="%s">%s</RoleDescriptor></EntityDescriptor>' % (
                                    DSIG, role, "".join('<KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate>'
                                                        '</ds:X509Data></ds:KeyInfo></KeyDescriptor>' % base64.b64encode(k.der).decode() for k in keys)))
        return signer.sign(root, "_m", id_attribute="ID")

    def test_keys_of_signed_metadata(self):
        self.assertEqual(federation.certificates_of(etree.tostring(self.metadata())), [OURS.der, NEXT.der])

    def test_metadata_refused(self):
        tampered = etree.tostring(self.metadata()).replace(b'entityID="e"', b'entityID="f"')
        for reason, octets in (("does not verify", tampered), ("does not verify", etree.tostring(self.metadata(signer=FOREIGN))),
                               ("0 roles", etree.tostring(self.metadata(role="f:SecurityTokenServiceType"))),
                               ("without a signing certificate", etree.tostring(self.metadata(keys=()))),
                               ("document type", b"<!DOCTYPE a><a/>"), ("not well-formed", b"<"), ("not an EntityDescriptor", b"<a/>"),
                               ("covers something else", self.wrapped_metadata())):
            with self.subTest(reason), self.assertRaisesRegex(FederationError, reason):
                federation.certificates_of(octets)
        with self.assertRaisesRegex(FederationError, "not https"):
            federation.fetch_certificates("http://sts.corp.example/metadata")

    def wrapped_metadata(self):
        """Well signed by the key that is announced, but only a part is signed: the role is not in it."""
        root = self.metadata()
        root.remove(root.find("{%s}Signature" % DSIG))
        part = etree.SubElement(root, "{urn:oasis:names:tc:SAML:2.0:metadata}Organization", ID="_part")
        signature = OURS.sign(copy.deepcopy(part), "_part", id_attribute="ID").find("{%s}Signature" % DSIG)
        root.insert(0, signature)
        return etree.tostring(root)

    def test_settings(self):
        def post(**settings):
            return self.simulator.answer("POST", "/sim/federation", {}, json.dumps(settings).encode(), {})

        one = {"domain": "New.Example", "issuerUri": "urn:new", "metadataUrl": "https://sts.new.example/m", "signingCertificate": base64.b64encode(OURS.der).decode()}
        self.assertEqual(post(domains=[{**one, "issuerUri": ""}])[0], 400)
        self.assertEqual(post(domains=[one, {**one, "domain": "other.example"}])[0], 400)
        self.assertEqual(post(domains=[one, {**one, "issuerUri": "urn:newer"}])[0], 400)
        self.assertEqual(post(domains=[{**one, "signingCertificate": None, "metadataUrl": "http://plain.example/m"}])[0], 400)
        # Nothing of what was refused is kept.
        self.assertEqual(set(self.tenant.domains), {"corp.example", "brand.example"})
        status, value = post(domains=[one])
        self.assertEqual((status, value["domains"][0]["domain"]), (200, "new.example"))

    def test_pages(self):
        realm = self.simulator.answer("GET", "/getuserrealm.srf", {"login": "alice@CORP.example"}, b"", {})[1]
        self.assertEqual(realm["NameSpaceType"], "Federated")
        self.assertTrue(realm["AuthURL"].startswith("https://sts.corp.example/adfs/ls/?username=alice%40CORP.example&wa=wsignin1.0&"))
        self.assertEqual(self.simulator.answer("GET", "/getuserrealm.srf", {"login": "a@b"}, b"", {})[1]["NameSpaceType"], "Unknown")
        result = b"<t:RequestSecurityTokenResponse xmlns:t='urn:t'>%s</t:RequestSecurityTokenResponse>" % etree.tostring(signed())

        def posted(**fields):
            return self.simulator.answer("POST", "/login.srf", {}, urllib.parse.urlencode(fields).encode(), {})

        status, page = posted(wa="wsignin1.0", wresult=result, wctx="<b>")
        self.assertEqual(status, 200, page)
        self.assertIn("<p id=signed-in>alice@corp.example S-1-5-21-1-2-3-1107 &lt;b&gt;</p>", page)
        for fields in ({"wa": "wsignin1.0", "wresult": result.replace(b"alice", b"aliceb")}, {"wa": "wsignin1.0", "wresult": b"<x/>"},
                       {"wa": "wsignin1.0"}, {"wa": "wsignout1.0", "wresult": result}):
            status, page = posted(**fields)
            self.assertEqual(status, 400, page)
            self.assertIn("<p id=error>AADSTS", page)

    def test_a_managed_domain_leads_to_nobody_else(self):
        for path, query, name in (("/common/userrealm/x%40Managed.example", {"api-version": "1.0"}, "account_type"),
                                  ("/getuserrealm.srf", {"login": "x@managed.example"}, "NameSpaceType")):
            realm = self.simulator.answer("GET", path, query, b"", {})[1]
            self.assertEqual(realm[name], "Managed")
            self.assertNotIn("sts.corp.example", json.dumps(realm))

    def test_home_realm(self):
        def realm(upn):
            return self.simulator.answer("GET", "/common/userrealm/" + urllib.parse.quote(upn), {"api-version": "1.0"}, b"", {})[1]

        for upn in ("alice@corp.example", "x@emea.brand.example", "ALICE@CORP.EXAMPLE"):
            self.assertEqual((realm(upn)["account_type"], realm(upn)["federation_metadata_url"]), ("Federated", "https://sts.corp.example/mex"))
        for upn in ("a@evilcorp.example", "a@example", "corp.example", "a@b@corp.example", "@corp.example"):
            self.assertEqual(realm(upn)["account_type"], "Unknown", upn)


if __name__ == "__main__":
    unittest.main()
