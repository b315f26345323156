"""Programs that fill in AD FS' sign-in form by themselves, as they are found in terminals.

Input: {"way", "url", "host", "name", "password", "directory"}.
Output: {"status", "url", "inputs", "texts", "cookies"}: the last page, as they read it.

aws-adfs        aws-adfs' own code sends user name and password without ever having fetched a page
aws-adfs-sspi   the same with a ticket and the name of a browser of Windows
saml2aws        fetches the page, fills in whatever looks like a user name and a password, passes the rest through, and sends it to
                the last form's action, as saml2aws does
"""

import json
import sys

import lxml.html
import requests


def aws_adfs(request, ticket):
    from aws_adfs import html_roles_fetcher as fetcher

    # Its address is that of SAML 2.0 by the identity provider's initiative; everything after it is the same.
    fetcher._IDP_ENTRY_URL = request["url"].replace("{", "{{").replace("}", "}}")
    if ticket:
        from requests_gssapi import OPTIONAL, HTTPSPNEGOAuth

        fetcher.OPTIONAL = OPTIONAL
        fetcher._auth_provider = lambda mutual_authentication: HTTPSPNEGOAuth(mutual_authentication=OPTIONAL)
    response, session = fetcher.fetch_html_encoded_roles(
        adfs_host=request["host"], adfs_cookie_location=request["directory"] + "/cookies", ssl_verification_enabled=True,
        provider_id="urn:amazon:webservices", sspi=ticket,
        **({} if ticket else {"username": request["name"], "password": request["password"]}))
    return response, session


def saml2aws(request):
    session = requests.Session()
    session.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/127.0.0.0"
    page = lxml.html.fromstring(session.get(request["url"]).text)
    fields = {}
    for field in page.iter("input"):
        name, value = field.get("name"), field.get("value")
        hidden = field.get("type") == "hidden"
        if "user" in name.lower() or "email" in name.lower():
            if not hidden:
                fields[name] = request["name"]
        elif "pass" in name.lower():
            if not hidden:
                fields[name] = request["password"]
        elif value is not None:
            fields[name] = value
    action = [form.get("action") for form in page.iter("form")][-1]
    if action.startswith("/"):
        action = f"https://{request['host']}{action}"
    return session.post(action, data=fields), session


def main():
    request = json.load(sys.stdin)
    if request["way"] == "saml2aws":
        response, session = saml2aws(request)
    else:
        response, session = aws_adfs(request, request["way"] == "aws-adfs-sspi")
    page = lxml.html.fromstring(response.text)
    json.dump({
        "status": response.status_code,
        "url": response.url,
        "inputs": {field.get("name"): field.get("value") for field in page.iter("input")},
        "error": "".join(text.text_content() for text in page.xpath("//*[@id='errorText']")),
        "cookies": sorted(cookie.name for cookie in session.cookies),
    }, sys.stdout)


main()
