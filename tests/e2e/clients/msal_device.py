"""Microsoft's MSAL for Python as a device without a browser: it asks for a code, and later for what became of it."""

import json
import sys

import msal


def main():
    request = json.load(sys.stdin)
    client = msal.PublicClientApplication(request["client"], authority=request["authority"])
    scopes = [request["scope"]]
    if "flow" not in request:
        json.dump({"flow": client.initiate_device_flow(scopes)}, sys.stdout)
        return
    result = client.acquire_token_by_device_flow(request["flow"])
    accounts = client.get_accounts()
    json.dump({
        "result": result,
        "accounts": [account["username"] for account in accounts],
        "cached": client.acquire_token_silent(scopes, accounts[0]) if accounts else None,
        "refreshed": client.acquire_token_silent(scopes, accounts[0], force_refresh=True) if accounts else None,
    }, sys.stdout)


main()
