"""ROADtools' library gets an enterprise primary refresh token, uses and renews it, and makes the cookie of a browser. Its code is
unmodified; two methods that name a fixed host are replaced, as a user of it has to."""

import json
import sys

import requests
from roadtools.roadlib.auth import Authentication
from roadtools.roadlib.deviceauth import DeviceAuthentication


class OnPremises(Authentication):
    """The library's client, sent to a federation service."""

    host = None

    def get_authority_url(self, default_tenant="common", force_tenant=None):
        return f"https://{self.host}/adfs"

    def get_srv_challenge(self):
        return requests.post(f"https://{self.host}/adfs/oauth2/token", data={"grant_type": "srv_challenge"}, timeout=30).json()


def main():
    request = json.load(sys.stdin)
    OnPremises.host = request["host"]
    authentication = OnPremises()
    device = DeviceAuthentication(authentication)
    device.loadcert(pemfile=request["certificate"], privkeyfile=request["key"])

    prt = device.get_prt_with_password(request["username"], request["password"])
    device.setprt(prt["refresh_token"], prt["session_key"])
    tokens = device.aad_brokerplugin_prt_auth(request["client"], request["resource"])
    renewed = device.renew_prt()
    device.setprt(renewed["refresh_token"], renewed["session_key"])
    after = device.aad_brokerplugin_prt_auth(request["client"], request["resource"])

    nonce = authentication.get_srv_challenge_nonce()
    cookie = authentication.create_prt_cookie_kdf_ver_2(device.prt, device.session_key, nonce)
    page = requests.get(
        f"https://{request['host']}/adfs/ls/?wa=wsignin1.0&wtrealm=urn%3Ae2e%3Aweb",
        headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"},
        cookies={"x-ms-RefreshTokenCredential": cookie}, timeout=30)

    json.dump({"prt": prt, "tokens": tokens, "renewed": renewed, "after_renewal": after,
               "cookie_status": page.status_code, "cookie_token": "wresult" in page.text}, sys.stdout)


if __name__ == "__main__":
    main()
