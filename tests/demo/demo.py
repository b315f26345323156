"""A domain-joined computer and a user get their tokens, step by step, with curl, kinit and xmlsec1.

Run by `make demo` inside the lab (`tests/lab/run`). Only the Python standard library is used.
"""

import base64
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import uuid
import xml.etree.ElementTree as ET

URL = os.environ["CHANCERY_URL"]
KEYTABS = os.environ["LAB_KEYTABS"]
REALM = os.environ["LAB_REALM"]
OBJECTS = os.environ["LAB_OBJECTS"]

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
WSP = "{http://schemas.xmlsoap.org/ws/2004/09/policy}"
NEGOTIATE = "{http://schemas.microsoft.com/ws/06/2004/policy/http}NegotiateAuthentication"
ADDRESS = "{http://www.w3.org/2005/08/addressing}Address"
ID = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}Id"
TRUST = "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
SAML = "{urn:oasis:names:tc:SAML:1.0:assertion}"

COLOUR = sys.stdout.isatty()


def bold(text):
    return f"\033[1m{text}\033[0m" if COLOUR else text


def step(text):
    print(f"  {text}", flush=True)


def curl(*arguments, cache=None, stdin=None):
    environment = dict(os.environ)
    if cache:
        environment["KRB5CCNAME"] = f"FILE:{cache}"
    result = subprocess.run(
        ["curl", "--silent", "--show-error", *arguments],
        input=stdin, capture_output=True, text=True, env=environment,
    )
    if result.returncode:
        sys.exit(f"curl failed: {result.stderr.strip()}")
    return result.stdout


def windows_endpoint():
    """The endpoint that MEX offers for Windows authentication, as Windows itself looks for it."""
    root = ET.fromstring(curl("--fail", f"{URL}/adfs/services/trust/mex"))
    policies = {p.get(ID) for p in root.findall(f"{WSP}Policy") if p.find(f".//{NEGOTIATE}") is not None}
    bindings = {
        b.get("name") for b in root.findall(f"{WSDL}binding")
        if b.find(f"{WSP}PolicyReference").get("URI").lstrip("#") in policies
    }
    ports = [p for p in root.findall(f"{WSDL}service/{WSDL}port") if p.get("binding").split(":")[-1] in bindings]
    addresses = [p.find(f".//{ADDRESS}").text for p in ports]
    if not addresses:
        sys.exit("MEX names no endpoint for Windows authentication")
    return next((a for a in addresses if "/13/" in a), addresses[0])


def request(endpoint):
    return textwrap.dedent(f"""\
        <s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing">
        <s:Header><a:Action s:mustUnderstand="1">{TRUST}/RST/Issue</a:Action>
        <a:MessageID>urn:uuid:{uuid.uuid4()}</a:MessageID><a:To s:mustUnderstand="1">{endpoint}</a:To></s:Header>
        <s:Body><t:RequestSecurityToken xmlns:t="{TRUST}">
        <p:AppliesTo xmlns:p="http://schemas.xmlsoap.org/ws/2004/09/policy"><a:EndpointReference>
        <a:Address>urn:federation:MicrosoftOnline</a:Address></a:EndpointReference></p:AppliesTo>
        <t:KeyType>{TRUST}/Bearer</t:KeyType><t:RequestType>{TRUST}/Issue</t:RequestType>
        </t:RequestSecurityToken></s:Body></s:Envelope>""")


def get_token(endpoint, cache):
    """Posts the request with Negotiate; returns the assertion as text and the time it took."""
    marker = "\n#seconds "
    answer = curl(
        "--negotiate", "--user", ":", "--header", "Content-Type: application/soap+xml; charset=utf-8",
        "--data-binary", "@-", "--write-out", marker + "%{time_total}", endpoint, cache=cache, stdin=request(endpoint),
    )
    body, _, seconds = answer.rpartition(marker)
    found = re.search(r"<trust:RequestedSecurityToken>(.*)</trust:RequestedSecurityToken>", body, re.S)
    if not found:
        sys.exit(f"no token in the answer:\n{body}")
    return found.group(1), float(seconds)


def signing_certificate(directory):
    """The certificate that the federation metadata publishes, as a PEM file for xmlsec1."""
    metadata = ET.fromstring(curl("--fail", f"{URL}/FederationMetadata/2007-06/FederationMetadata.xml"))
    md, ds = "{urn:oasis:names:tc:SAML:2.0:metadata}", "{http://www.w3.org/2000/09/xmldsig#}"
    for role in metadata.findall(f"{md}RoleDescriptor"):
        if role.get("{http://www.w3.org/2001/XMLSchema-instance}type") == "fed:SecurityTokenServiceType":
            text = role.find(f"{md}KeyDescriptor[@use='signing']//{ds}X509Certificate").text
            path = os.path.join(directory, "signing.pem")
            with open(path, "w", encoding="ascii") as out:
                out.write("-----BEGIN CERTIFICATE-----\n" + "\n".join(textwrap.wrap(text, 64)))
                out.write("\n-----END CERTIFICATE-----\n")
            return path
    sys.exit("the metadata has no signing certificate")


def verify(token, certificate, directory):
    path = os.path.join(directory, "token.xml")
    with open(path, "w", encoding="utf-8") as out:
        out.write(token)
    result = subprocess.run(
        ["xmlsec1", "--verify", "--id-attr:AssertionID", "urn:oasis:names:tc:SAML:1.0:assertion:Assertion",
         "--pubkey-cert-pem", certificate, path], capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"xmlsec1 refuses the token: {result.stderr}")


def table(token):
    assertion = ET.fromstring(token)
    rows = [("Issuer", assertion.get("Issuer")),
            ("Audience", assertion.find(f".//{SAML}Audience").text),
            ("Valid until", assertion.find(f"{SAML}Conditions").get("NotOnOrAfter"))]
    for attribute in assertion.iter(f"{SAML}Attribute"):
        values = [value.text or "" for value in attribute.findall(f"{SAML}AttributeValue")]
        shown = values[0] if len(values) == 1 else f"{values[0]} … ({len(values)} values)"
        rows.append((attribute.get("AttributeName"), shown))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"      {name.ljust(width)}  {value}")
    return dict(rows)


def directory_object(account):
    with open(OBJECTS, encoding="utf-8") as lines:
        for line in lines:
            name, sid, guid, _ = line.rstrip("\n").split("\t")
            if name.lower() == account.lower():
                return sid, base64.b64encode(uuid.UUID(guid).bytes_le).decode()
    sys.exit(f"{account} is not in {OBJECTS}")


def sign_in(who, principal, keytab, directory, certificate):
    print(bold(f"\n{who}"))
    cache = os.path.join(directory, f"{keytab}.ccache")
    subprocess.run(["kinit", "-c", cache, "-kt", f"{KEYTABS}/{keytab}.keytab", f"{principal}@{REALM}"], check=True)
    step("has a Kerberos ticket from its keytab")
    endpoint = windows_endpoint()
    step(f"fetched MEX and picked {endpoint}")
    token, seconds = get_token(endpoint, cache)
    step(f"authenticated by Negotiate and got a token of {len(token)} octets in {seconds * 1000:.0f} ms")
    verify(token, certificate, directory)
    step("xmlsec1 verified its signature with the certificate from the federation metadata")
    claims = table(token)
    sid, guid = directory_object(principal)
    for name, expected in (("primarysid", sid), ("onpremobjectguid", guid), ("ImmutableID", guid)):
        if name in claims and claims[name] != expected:
            sys.exit(f"{name} is not what the directory says: {expected}")
    step("object GUID and SID equal the directory's" if "primarysid" in claims else "ImmutableID equals the directory's")
    return claims


def main():
    with tempfile.TemporaryDirectory() as directory:
        certificate = signing_certificate(directory)
        computer = sign_in("A domain-joined computer, WS01$", "WS01$", "ws01", directory, certificate)
        if computer.get("accounttype") != "DJ":
            sys.exit("the computer's token lacks accounttype DJ")
        user = sign_in("A user, alice", "alice", "alice", directory, certificate)
        if "UPN" not in user:
            sys.exit("the user's token lacks a UPN")
    print(bold("\nWhat to try next") + " (the lab keeps running; tests/lab/run CMD runs a command in its world)")
    print(textwrap.indent(textwrap.dedent(f"""\
        tests/lab/run curl {URL}/adfs/services/trust/mex
        tests/lab/run curl {URL}/FederationMetadata/2007-06/FederationMetadata.xml
        tests/lab/run bash -c '$CHANCERY_BIN probe hybrid-join --keytab $LAB_KEYTABS/ws01.keytab --principal WS01$'
        tests/lab/run bash -c '$CHANCERY_BIN check --config $CHANCERY_CONFIG/chancery.toml'
        tests/lab/run bash -c '$CHANCERY_BIN entra settings --config $CHANCERY_CONFIG/chancery.toml --domain {REALM.lower()} --tenant {REALM.split('.')[0].lower()}.onmicrosoft.com'
        Accounts: alice / Alice-Pw-1, bob / Bob-Pw-1, carol / Carol-Pw-1 (carol.c@brand.example)
        make test runs every test; make clean-lab removes the lab."""), "  "))


main()
