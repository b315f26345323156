"""Microsoft's MSAL for Python signs a user in by password, by public methods only: the realm answer of the simulated tenant
leads it to our MEX and to usernamemixed, and it hands our assertion to the tenant's token endpoint."""

import base64
import json
import sys
from urllib.parse import urlsplit

import msal
import requests


class Recorder(requests.Session):
    """The HTTP client that MSAL's constructor takes: an ordinary one that notes what passes."""

    def __init__(self):
        super().__init__()
        self.calls, self.form = [], {}

    def request(self, method, url, **kwargs):
        parts = urlsplit(url)
        self.calls.append(f"{method.upper()} {parts.netloc} {parts.path}")
        if parts.path.endswith("/token"):
            self.form = dict(kwargs.get("data") or {})
        return super().request(method, url, timeout=30, **kwargs)


def main():
    request = json.load(sys.stdin)
    recorder = Recorder()
    application = msal.PublicClientApplication(
        "11111111-1111-4111-8111-111111111111", authority="https://login.microsoftonline.com/organizations", http_client=recorder)
    try:
        result = application.acquire_token_by_username_password(request["username"], request["password"], ["User.Read"])
    except RuntimeError as error:  # MSAL shows a fault of the federation service so
        result = {"error": "RuntimeError", "error_description": str(error)}
    assertion = recorder.form.get("assertion", "")
    assertion = assertion.encode() if isinstance(assertion, str) else assertion
    claims = result.get("access_token", "..").split(".")[1]
    json.dump({
        "error": result.get("error"), "description": result.get("error_description"),
        "claims": json.loads(base64.urlsafe_b64decode(claims + "==") or b"{}"),
        "ours": [call for call in recorder.calls if f" {request['host']} " in call],
        "grant_type": recorder.form.get("grant_type"),
        "assertion": base64.urlsafe_b64decode(assertion + b"==").decode(),
    }, sys.stdout)


main()
