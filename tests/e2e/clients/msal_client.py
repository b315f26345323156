"""Microsoft's MSAL for Python signs a user in by password at our federation service. Public methods only.

Entra's side is answered here, by the `http_client` that MSAL's constructor takes: discovery, the realm that leads to our MEX,
and the token endpoint, which shows what MSAL would have sent. Everything addressed to us goes over the wire.
"""

import base64
import json
import sys
from urllib.parse import parse_qs, urlsplit

import msal
import requests

ENTRA = "https://login.microsoftonline.com"


class Answer:
    def __init__(self, body, status=200):
        self.status_code, self.text, self.headers = status, json.dumps(body), {}

    def raise_for_status(self):
        if self.status_code >= 400:
            raise requests.HTTPError(self.text)


class Wire:
    """What MSAL uses as its HTTP client."""

    def __init__(self, request):
        self.request, self.session, self.ours, self.sent = request, requests.Session(), [], {}

    def get(self, url, params=None, headers=None, **kwargs):
        return self.send("GET", url, params=params, headers=headers)

    def post(self, url, params=None, data=None, headers=None, **kwargs):
        return self.send("POST", url, params=params, data=data, headers=headers)

    def send(self, method, url, data=None, **kwargs):
        parts = urlsplit(url)
        if parts.netloc == urlsplit(self.request["url"]).netloc:
            self.ours.append(f"{method} {parts.path}")
            return self.session.request(method, url, data=data, timeout=30, **kwargs)
        if "userrealm" in parts.path:
            return Answer({
                "ver": "1.0", "account_type": "Federated", "domain_name": self.request["domain"], "federation_protocol": "WSTrust",
                "federation_metadata_url": self.request["url"] + "/adfs/services/trust/mex",
                "federation_active_auth_url": self.request["url"] + "/adfs/services/trust/2005/usernamemixed",
                "cloud_instance_name": "microsoftonline.com", "cloud_audience_urn": "urn:federation:MicrosoftOnline"})
        if parts.path.endswith("/discovery/instance"):
            return Answer({"tenant_discovery_endpoint": f"{ENTRA}/organizations/v2.0/.well-known/openid-configuration",
                           "metadata": []})
        if parts.path.endswith("openid-configuration"):
            return Answer({"authorization_endpoint": f"{ENTRA}/organizations/oauth2/v2.0/authorize", "issuer": ENTRA,
                           "token_endpoint": f"{ENTRA}/organizations/oauth2/v2.0/token"})
        if parts.path.endswith("/token"):
            self.sent = data if isinstance(data, dict) else {k: v[0] for k, v in parse_qs(data).items()}
            return Answer({"access_token": "accepted", "token_type": "Bearer", "expires_in": 3600})
        return Answer({"error": "unexpected " + url}, 404)


def main():
    request = json.load(sys.stdin)
    wire = Wire(request)
    application = msal.PublicClientApplication(
        "11111111-1111-4111-8111-111111111111", authority=f"{ENTRA}/organizations", http_client=wire,
        instance_discovery=False)
    try:
        result = application.acquire_token_by_username_password(request["username"], request["password"], ["User.Read"])
    except Exception as error:  # what a user of MSAL would see
        result = {"error": type(error).__name__, "error_description": str(error)}
    assertion = wire.sent.get("assertion", "")
    if isinstance(assertion, bytes):
        assertion = assertion.decode()
    json.dump({
        "result": {key: value for key, value in result.items() if isinstance(value, str)}, "ours": wire.ours,
        "grant_type": wire.sent.get("grant_type"),
        "assertion": base64.urlsafe_b64decode(assertion + "=" * (-len(assertion) % 4)).decode() if assertion else None,
    }, sys.stdout)


main()
