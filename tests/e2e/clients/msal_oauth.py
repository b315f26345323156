"""Microsoft's MSAL for Python against our own authority, unmodified: password, secret, certificate, silent refresh, and the code
flow around the browser that the test plays."""

import hashlib
import json
import ssl
import sys

import msal


def main():
    request = json.load(sys.stdin)
    authority, scopes = request["authority"], [request["scope"]]
    native = msal.PublicClientApplication(request["native"], authority=authority)
    if "response" in request:
        result = native.acquire_token_by_auth_code_flow(request["flow"], request["response"])
        json.dump({"code": result}, sys.stdout)
        return
    legacy = msal.PublicClientApplication(request["legacy"], authority=authority)
    password = legacy.acquire_token_by_username_password(request["username"], request["password"], scopes)
    accounts = legacy.get_accounts()
    silent = legacy.acquire_token_silent(scopes, accounts[0], force_refresh=True) if accounts else {"error": "no account"}
    secret = msal.ConfidentialClientApplication(request["server"], authority=authority, client_credential=request["secret"])
    der = ssl.PEM_cert_to_DER_cert(request["certificate"])
    certificate = msal.ConfidentialClientApplication(request["server"], authority=authority, client_credential={
        "private_key": request["key"], "thumbprint": hashlib.sha1(der).hexdigest(), "public_certificate": request["certificate"]})
    json.dump({
        "password": password, "silent": silent, "account": accounts[0] if accounts else None,
        "secret": secret.acquire_token_for_client(scopes), "certificate": certificate.acquire_token_for_client(scopes),
        "flow": native.initiate_auth_code_flow(scopes, redirect_uri=request["redirect"]),
    }, sys.stdout)


main()
