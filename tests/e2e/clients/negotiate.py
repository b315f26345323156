"""Posts a request with Negotiate by requests-gssapi, mutual authentication required."""

import json
import sys

import gssapi
import requests
from requests_gssapi import REQUIRED, HTTPSPNEGOAuth

MECHANISMS = {"spnego": "1.3.6.1.5.5.2", "kerberos": "1.2.840.113554.1.2.2"}

request = json.load(sys.stdin)
mechanism = gssapi.OID.from_int_seq(MECHANISMS[request["mechanism"]])
auth = HTTPSPNEGOAuth(mech=mechanism, mutual_authentication=REQUIRED, opportunistic_auth=request.get("opportunistic", False))
answer = requests.post(request["url"], data=request["body"].encode(), auth=auth, headers=request["headers"], timeout=30)
json.dump({
    "status": answer.status_code,
    "body": answer.text,
    "headers": {name.lower(): value for name, value in answer.headers.items()},
    "legs": len(answer.history) + 1,
}, sys.stdout)
