"""PyJWT and cryptography read our tokens as a resource would: keys from discovery, issuer by its name in the document."""

import base64
import json
import sys

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding


def part(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def valid(token, audience, issuer, configuration, keys):
    head, payload, signature = token.split(".")
    header, claims = json.loads(part(head)), json.loads(part(payload))
    key = next(key for key in keys if key["kid"] == header["kid"])
    certificate = x509.load_der_x509_certificate(base64.b64decode(key["x5c"][0]))
    certificate.public_key().verify(part(signature), f"{head}.{payload}".encode(), padding.PKCS1v15(), hashes.SHA256())
    return header == {"typ": "JWT", "alg": "RS256", "x5t": key["x5t"], "kid": key["kid"]} \
        and claims["aud"] == audience and claims["iss"] == configuration[issuer]


def main():
    request = json.load(sys.stdin)
    configuration = requests.get(f"{request['base']}/.well-known/openid-configuration", timeout=30).json()
    keys = requests.get(configuration["jwks_uri"], timeout=30).json()["keys"]
    json.dump({"valid": [valid(each["token"], each["audience"], each["issuer"], configuration, keys)
                         for each in request["tokens"]]}, sys.stdout)


main()
