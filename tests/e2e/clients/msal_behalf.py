"""Microsoft's MSAL for Python as a web API that calls another one for its user: by secret, by certificate, and again with its refresh
token and for another resource, for which it sends the assertion of the certificate that it made for the first request."""

import hashlib
import json
import ssl
import sys

import msal


def main():
    request = json.load(sys.stdin)
    der = ssl.PEM_cert_to_DER_cert(request["certificate"])
    credentials = {"secret": request["secret"], "certificate": {
        "private_key": request["key"], "thumbprint": hashlib.sha1(der).hexdigest(), "public_certificate": request["certificate"]}}
    answers = {}
    for name, credential in credentials.items():
        client = msal.ConfidentialClientApplication(request["client"], authority=request["authority"], client_credential=credential)
        answers[name] = client.acquire_token_on_behalf_of(request["assertion"], [request["scope"]])
    accounts = client.get_accounts()
    answers["accounts"] = [account["username"] for account in accounts]
    answers["refreshed"] = client.acquire_token_silent([request["scope"]], accounts[0], force_refresh=True) if accounts else None
    # With the same signed assertion for the third time, as MSAL does for ten minutes.
    answers["refused"] = client.acquire_token_on_behalf_of(request["assertion"], ["urn:e2e:oauth-another/.default"])
    json.dump(answers, sys.stdout)


main()
