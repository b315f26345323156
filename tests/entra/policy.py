"""Whether a verified assertion lets somebody in: what Entra checks, in its order, with its codes.

The codes follow Microsoft's published list. Where Microsoft does not say which code a mistake has, the nearest of the
list stands here and the text says what was wrong.
"""

import datetime

from lxml import etree

from assertion import MALFORMED, SAML1, InvalidAssertion, decode_parameter, parse, profile, verify
from federation import FederationError

UPN = "http://schemas.xmlsoap.org/claims/UPN"
IMMUTABLE_ID = "http://schemas.microsoft.com/LiveID/Federation/2008/05/ImmutableID"
ACCOUNT_TYPE = "http://schemas.microsoft.com/ws/2012/01/accounttype"
ON_PREMISES_GUID = "http://schemas.microsoft.com/identity/claims/onpremobjectguid"
PRIMARY_SID = "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarysid"
ISSUER_ID = "http://schemas.microsoft.com/ws/2008/06/identity/claims/issuerid"
AUDIENCES = ("urn:federation:MicrosoftOnline", "https://login.microsoftonline.com/extSTS.srf", "https://login.windows.net/")
SKEW = datetime.timedelta(minutes=5)

INVALID_SAML, WRONG_REALM, OUT_OF_TIME, NO_IMMUTABLE_ID = 50008, 50107, 500133, 90020
NOT_IN_DIRECTORY, WRONG_DOMAIN, BAD_REQUEST = 51004, 5000819, 900144


class Refusal(Exception):
    """Why there is no token: the number of the AADSTS code, and its text."""

    def __init__(self, code, text, error="invalid_grant"):
        super().__init__(text)
        self.code, self.error = code, error


def admit(tenant, parameter, now):
    """Verifies the `assertion` parameter of a token request. Returns (kind, account, assertion)."""
    # The issuer is read before it is proven, only to find the keys that must prove it.
    try:
        octets = decode_parameter(parameter)
        domain = tenant.by_issuer(claimed_issuer(octets))
        if domain is None:
            raise Refusal(WRONG_REALM, "The requested federation realm object '%s' does not exist." % claimed_issuer(octets))
        assertion = verify(octets, tenant.ready(domain).certificates, tenant.allow_sha1)
    except InvalidAssertion as error:
        if error.kind == MALFORMED:
            raise Refusal(INVALID_SAML, "SAML token is invalid: %s." % error) from None
        raise Refusal(INVALID_SAML, "Unable to verify token signature: %s." % error) from None
    except FederationError as error:
        raise Refusal(20033, "Federation metadata: %s." % error) from None
    if assertion.issuer != domain.issuer:
        raise Refusal(WRONG_REALM, "The requested federation realm object '%s' does not exist." % assertion.issuer)
    check_conditions(assertion, now)
    for values in assertion.claims.values():
        if any(value == "" for value in values):
            raise Refusal(INVALID_SAML, "SAML token is invalid: an empty claim.")
    # It steers the assertion's issuer and is used up by it.
    if assertion.values(ISSUER_ID):
        raise Refusal(INVALID_SAML, "SAML token is invalid: issuerid is sent as an attribute.")
    kind = single(assertion, ACCOUNT_TYPE)
    if kind == "DJ":
        return "device", check_computer(tenant, assertion), assertion
    if kind not in (None, "User"):
        raise Refusal(INVALID_SAML, "SAML token is invalid: accounttype '%s'." % kind)
    return "user", check_user(tenant, domain, assertion), assertion


def claimed_issuer(octets):
    root = parse(octets)
    namespace = etree.QName(root).namespace
    profile(root, namespace, allow_sha1=True)
    if namespace == SAML1:
        return root.get("Issuer") or ""
    return root.findtext("{%s}Issuer" % namespace) or ""


def check_conditions(assertion, now):
    if not 1 <= len(assertion.audiences) or any(audience not in AUDIENCES for audience in assertion.audiences):
        raise Refusal(INVALID_SAML, "SAML token is invalid: audience %s." % (assertion.audiences,))
    if now + SKEW < assertion.not_before or now - SKEW >= assertion.not_on_or_after or assertion.not_before >= assertion.not_on_or_after:
        raise Refusal(OUT_OF_TIME, "Assertion is not within its valid time range (%s to %s)."
                      % (assertion.not_before.isoformat(), assertion.not_on_or_after.isoformat()))
    if assertion.issue_instant > now + SKEW or assertion.authentication_instant > now + SKEW:
        raise Refusal(OUT_OF_TIME, "Assertion is not within its valid time range: it was issued in the future.")
    until = assertion.confirmation_not_on_or_after
    if until is not None and now - SKEW >= until:
        raise Refusal(OUT_OF_TIME, "Assertion is not within its valid time range: its confirmation has ended.")


def check_user(tenant, domain, assertion):
    immutable = single(assertion, IMMUTABLE_ID)
    if immutable is None:
        raise Refusal(NO_IMMUTABLE_ID, "The SAML 1.1 Assertion is missing ImmutableID of the user.")
    upn = single(assertion, UPN)
    if upn is None:
        raise Refusal(INVALID_SAML, "SAML token is invalid: the UPN is missing.")
    check_name_identifier(assertion, immutable)
    if tenant.domain_of(upn) is not domain:
        raise Refusal(WRONG_DOMAIN, "SAML Assertion is invalid: '%s' does not belong to the domain %s of the issuer." % (upn, domain.name))
    account = next((a for a in tenant.accounts() if a.kind == "user" and a.anchor == immutable), None)
    if account is None:
        raise Refusal(NOT_IN_DIRECTORY, "The user account with ImmutableID '%s' does not exist in the directory." % immutable)
    if account.upn and tenant.domain_of(account.upn) is not domain:
        raise Refusal(WRONG_DOMAIN, "SAML Assertion is invalid: the account's domain is not the issuer's.")
    sid = single(assertion, PRIMARY_SID)
    if sid is not None and sid != account.sid:
        raise Refusal(INVALID_SAML, "SAML token is invalid: primarysid is not the user's.")
    if assertion.values(ON_PREMISES_GUID):
        raise Refusal(INVALID_SAML, "SAML token is invalid: onpremobjectguid in a user's token.")
    return account


def check_computer(tenant, assertion):
    guid, sid = single(assertion, ON_PREMISES_GUID), single(assertion, PRIMARY_SID)
    if guid is None or sid is None:
        raise Refusal(INVALID_SAML, "SAML token is invalid: a computer's needs onpremobjectguid and primarysid.")
    if assertion.values(UPN):
        raise Refusal(INVALID_SAML, "SAML token is invalid: a UPN in a computer's token.")
    account = next((a for a in tenant.accounts() if a.guid == guid), None)
    if account is None or account.kind != "computer":
        raise Refusal(NOT_IN_DIRECTORY, "No computer has the objectGUID '%s'." % guid)
    if account.sid != sid:
        raise Refusal(INVALID_SAML, "SAML token is invalid: primarysid is not that computer's.")
    immutable = single(assertion, IMMUTABLE_ID)
    if immutable is not None and immutable != account.anchor:
        raise Refusal(INVALID_SAML, "SAML token is invalid: ImmutableID is not that computer's.")
    check_name_identifier(assertion, immutable)
    return account


def check_name_identifier(assertion, immutable):
    if assertion.name_identifier is not None and assertion.name_identifier != immutable:
        raise Refusal(INVALID_SAML, "SAML token is invalid: the name identifier is not the ImmutableID.")


def single(assertion, claim_type):
    """A claim that may come once; two values could be read one way here and another way there."""
    values = assertion.values(claim_type)
    if len(values) > 1:
        raise Refusal(INVALID_SAML, "SAML token is invalid: %d values of %s." % (len(values), claim_type))
    return values[0] if values else None
