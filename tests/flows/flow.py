"""What the flows share: the lab's world, steps that are printed, and the programs that play Windows (curl, kinit, openssl, the LDAP tools).

Each flow is a program of its own in this directory. It runs against a lab that is up, prints what it does and what comes back,
and ends with status 1 at the first thing that is not as it should be. What it made, it removes.
"""

import atexit
import base64
import dataclasses
import html
import json
import os
import pathlib
import random
import re
import shutil
import string
import subprocess
import sys
import tempfile
import urllib.parse
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Whoever uses this runs in the lab's world, with its Python: the same program begins again there.
if "LAB_INSIDE" not in os.environ or not sys.prefix.endswith(".venv"):
    os.execv(ROOT / "tests/lab/run", [str(ROOT / "tests/lab/run"), str(ROOT / ".venv/bin/python"), *sys.argv])

# The client of Windows' device registration, and where it is answered.
REGISTRATION_CLIENT = "dd762716-544d-4aeb-a526-687b73838a22"
REDIRECT = "ms-app://windows.immersivecontrolpanel/"
# base64url of {"Properties":[{"Key":"acr","Value":"wiaormultiauthn"}]}, as Windows 7 and 8.1 send it.
WIA_OR_MULTIAUTHN = "eyJQcm9wZXJ0aWVzIjpbeyJLZXkiOiJhY3IiLCJWYWx1ZSI6IndpYW9ybXVsdGlhdXRobiJ9XX0"
CLAIMS = "http://schemas.microsoft.com/claims/"
METHOD_WINDOWS = "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/windows"
ACCOUNT_TYPE = "http://schemas.microsoft.com/ws/2012/01/accounttype"
OBJECT_GUID = "http://schemas.microsoft.com/identity/claims/onpremobjectguid"
PRIMARY_SID = "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarysid"
# What Internet Explorer 11 on Windows 7 calls itself.
TRIDENT = "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko"

WORK = None
_number = 0
# Hosts that were asked for something by HTTPS.
ASKED = set()


def begin(title):
    """Makes a directory for files, and prints what is played."""
    global WORK
    WORK = pathlib.Path(tempfile.mkdtemp(prefix="chancery-flow-"))
    atexit.register(shutil.rmtree, WORK, ignore_errors=True)
    print(title)


def variable(name):
    return os.environ[name]


def step(text):
    global _number
    _number += 1
    print("\n%d. %s" % (_number, text), flush=True)


def note(text):
    print("   " + text, flush=True)


def check(condition, what, otherwise=""):
    """What must be so."""
    if not condition:
        print("   ✘ %s\n     %s" % (what, otherwise), flush=True)
        sys.exit(1)
    print("   ✔ " + what, flush=True)


@dataclasses.dataclass
class Answer:
    status: int
    headers: list
    body: str

    def header(self, name):
        return next((value for own, value in self.headers if own.lower() == name.lower()), None)

    def json(self):
        return json.loads(self.body)


def curl(url, *arguments, cache=None, body=None, agent=TRIDENT, method=None):
    """A request; `cache` signs in by Negotiate with the tickets in it."""
    ASKED.add(urllib.parse.urlsplit(url).hostname)
    command = ["curl", "--silent", "--show-error", "--include", "--max-time", "60", "--user-agent", agent, *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "KRB5CCNAME"}
    if cache:
        command += ["--negotiate", "--user", ":"]
        environment["KRB5CCNAME"] = "FILE:%s" % cache
    if body is not None:
        command += ["--data-binary", "@-"]
    if method:
        command += ["--request", method]
    result = subprocess.run([*command, url], input=(body or "").encode(), capture_output=True, env=environment)
    check_quietly(result.returncode == 0, "curl %s" % url, result.stderr.decode())
    rest, headers, status = result.stdout.decode("utf-8", "replace"), [], 0
    # The last of several answers counts: a redirection or a challenge stands before it.
    while rest.startswith("HTTP/"):
        head, _, rest = rest.partition("\r\n\r\n")
        lines = head.split("\r\n")
        status = int(lines[0].split()[1])
        headers = [tuple(line.split(": ", 1)) for line in lines[1:] if ": " in line]
    note("%s %s → %d" % (method or ("POST" if body is not None else "GET"), shortened(url), status))
    return Answer(status, headers, rest)


def check_quietly(condition, what, otherwise):
    if not condition:
        check(False, what, otherwise)


def shortened(text, length=150):
    return text if len(text) <= length else text[:length] + "…"


def form(**fields):
    return urllib.parse.urlencode(fields)


def run(*command, **more):
    """A program that must succeed; its output as text."""
    result = subprocess.run([str(part) for part in command], capture_output=True, **more)
    check_quietly(result.returncode == 0, " ".join(str(part) for part in command), result.stderr.decode())
    return result.stdout.decode("utf-8", "replace")


def file(name):
    return WORK / ("%s-%s" % (uuid.uuid4().hex[:6], name))


def kinit(principal, keytab=None, password=None):
    """A credential cache with a ticket-granting ticket."""
    cache = file("ccache")
    if keytab:
        run("kinit", "-c", cache, "-kt", keytab, principal)
    else:
        run("kinit", "-c", cache, principal, input=(password + "\n").encode())
    note("kinit %s" % principal)
    return cache


# ---- the directory -----------------------------------------------------------------------------------------------

def ldap_search(base, filter_text, *attributes, cache=None, scope="sub", controller=None):
    """Attributes of the objects that are found: a list of dictionaries of lists of octets. With tickets as their account, else as the
    administrator."""
    controller = controller or variable("LAB_DC")
    command = ["ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-H", "ldaps://" + controller, "-b", base, "-s", scope]
    environment = dict(os.environ)
    if cache:
        command += BY_TICKET
        environment["KRB5CCNAME"] = "FILE:%s" % cache
    else:
        command += administrator()
    result = subprocess.run([*command, filter_text, *attributes], capture_output=True, env=environment)
    if result.returncode == 32:
        return []
    check_quietly(result.returncode == 0, "ldapsearch %s %s" % (base, filter_text), result.stderr.decode())
    found = []
    for block in result.stdout.decode().split("\n\n"):
        entry = {}
        for line in block.splitlines():
            name, _, value = line.partition(":")
            if line.startswith("#") or not _:
                continue
            octets = base64.b64decode(value[2:]) if value.startswith(": ") else value.strip().encode()
            entry.setdefault(name, []).append(octets)
        if "dn" in entry:
            found.append(entry)
    return found


BY_TICKET = ["-Q", "-Y", "GSSAPI", "-O", "maxssf=0"]


def ldap_write_as(cache, ldif):
    """Changes objects as the account of the tickets."""
    run("ldapmodify", "-H", "ldaps://" + variable("LAB_DC"), *BY_TICKET, input=ldif.encode(),
        env=dict(os.environ, KRB5CCNAME="FILE:%s" % cache))


def connection_point(base, cache, controller=None):
    """Keywords of the service connection point of the forest with this domain, as the account of the tickets."""
    name = "CN=62a0ff2e-97b9-4513-943f-0d221bd30080,CN=Device Registration Configuration,CN=Services,CN=Configuration," + base
    found = ldap_search(name, "(objectClass=*)", "keywords", cache=cache, scope="base", controller=controller)
    return [keyword.decode() for keyword in found[0]["keywords"]] if found else []


def keyword(keywords, name):
    """The value of a keyword, or None."""
    return next((value for key, _, value in (keyword.partition(":") for keyword in keywords) if key.lower() == name.lower()), None)


def administrator():
    return ["-x", "-D", "Administrator@" + variable("LAB_DOMAIN"), "-w", "Adm1n.Passw0rd"]


def ldap_write(program, ldif):
    """Adds or changes objects as the administrator."""
    run(program, "-H", "ldaps://" + variable("LAB_DC"), *administrator(), input=ldif.encode())


def ldap_delete(dn):
    subprocess.run(["ldapdelete", "-H", "ldaps://" + variable("LAB_DC"), *administrator(), dn], capture_output=True)


def device_object(device, cache=None):
    """A device in the directory, or None."""
    found = ldap_search("CN=RegisteredDevices," + variable("LAB_BASE_DN"), "(cn=%s)" % device, "*", cache=cache)
    return found[0] if found else None


def device_dn(device):
    return "CN=%s,CN=RegisteredDevices,%s" % (device, variable("LAB_BASE_DN"))


def throwaway(kind, suffix=""):
    """An account for this flow alone, gone when it ends: (account name, password, DN, objectGUID)."""
    tag = "".join(random.choices(string.ascii_lowercase + string.digits, k=6))
    name = ("F%s-PC" % tag.upper()) if kind == "computer" else "f%s%s" % (tag, suffix)
    dn, password = "CN=%s,CN=%s,%s" % (name, "Computers" if kind == "computer" else "Users", variable("LAB_BASE_DN")), "Throw-Away-1"
    quoted = base64.b64encode(('"%s"' % password).encode("utf-16-le")).decode()
    if kind == "computer":
        more = "sAMAccountName: %s$\nuserAccountControl: 4096\ndNSHostName: %s.%s\n" % (name, name.lower(), variable("LAB_DOMAIN"))
    else:
        more = "sAMAccountName: %s\nuserPrincipalName: %s@%s\nuserAccountControl: 512\n" % (name, name, variable("LAB_DOMAIN"))
    ldap_write("ldapadd", "dn: %s\nobjectClass: %s\n%sunicodePwd:: %s\n" % (dn, kind, more, quoted))
    atexit.register(ldap_delete, dn)
    guid = uuid.UUID(bytes_le=ldap_search(dn, "(objectClass=*)", "objectGUID", scope="base")[0]["objectGUID"][0])
    return name, password, dn, guid


# ---- the device --------------------------------------------------------------------------------------------------

class Device:
    """Keys of a device, made by OpenSSL; the transport key is the device key, as tools have it."""

    def __init__(self):
        self.key, self.csr = file("device.key"), file("device.csr")
        run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-sha256", "-subj", "/CN=7E980AD9-B86D-4306-9425-9AC066FB014A",
            "-keyout", self.key, "-outform", "DER", "-out", self.csr)
        modulus = bytes.fromhex(run("openssl", "rsa", "-noout", "-modulus", "-in", self.key).strip().partition("=")[2])
        header = b"RSA1" + b"".join(number.to_bytes(4, "little") for number in (2048, 3, 256, 0, 0))
        self.blob = header + b"\x01\x00\x01" + modulus
        self.certificate = self.id = self.thumbprint = None

    def request(self):
        return base64.b64encode(self.csr.read_bytes()).decode()

    def certified(self, der):
        """Takes the certificate that came, and reads it by OpenSSL."""
        path = file("device.der")
        path.write_bytes(der)
        self.certificate = file("device.pem")
        run("openssl", "x509", "-inform", "DER", "-in", path, "-out", self.certificate)
        subject = run("openssl", "x509", "-in", self.certificate, "-noout", "-subject", "-nameopt", "RFC2253").strip()
        self.id = subject.partition("subject=CN=")[2]
        print_ = run("openssl", "x509", "-in", self.certificate, "-noout", "-fingerprint", "-sha1")
        self.thumbprint = print_.strip().partition("=")[2].replace(":", "")
        return self

    def leave(self):
        host = "enterpriseregistration." + variable("LAB_DOMAIN")
        return curl("https://%s/EnrollmentServer/device/%s?api-version=1.0" % (host, self.id), "--cert", str(self.certificate),
                    "--key", str(self.key), method="DELETE")


def discovery(host, version):
    answer = curl("https://%s/EnrollmentServer/contract?api-version=%s" % (host, version), "--header", "Accept: application/json")
    check(answer.status == 200, "the service describes itself", answer.body)
    return answer.json()


def registration_token(document, cache):
    """The token that registers a device: a code by Negotiate, without a page, and its redemption."""
    oauth, resource = document["AuthenticationService"]["OAuth2"], document["DeviceRegistrationService"]["RegistrationResourceId"]
    query = form(response_type="code", client_id=REGISTRATION_CLIENT, redirect_uri=REDIRECT, resource=resource, state="1",
                 resource_params=WIA_OR_MULTIAUTHN)
    answer = curl("%s/wia?%s" % (oauth["AuthCodeEndpoint"].rstrip("/"), query), cache=cache)
    location = answer.header("location") or ""
    check(answer.status == 302 and location.startswith(REDIRECT), "a code comes without a page", answer.body)
    code = urllib.parse.parse_qs(location.partition("?")[2])["code"][0]
    body = form(grant_type="authorization_code", client_id=REGISTRATION_CLIENT, code=code, redirect_uri=REDIRECT)
    answer = curl(oauth["TokenEndpoint"], body=body)
    check(answer.status == 200, "the code is redeemed", answer.body)
    return answer.json()["access_token"]


def join(token, device, join_type, name):
    """The registration by REST."""
    body = {"CertificateRequest": {"Type": "pkcs10", "Data": device.request()}, "TransportKey": base64.b64encode(device.blob).decode(),
            "TargetDomain": variable("LAB_DOMAIN"), "DeviceType": "Windows", "OSVersion": "10.0.26100.0", "DeviceDisplayName": name,
            "JoinType": join_type}
    host = "enterpriseregistration." + variable("LAB_DOMAIN")
    answer = curl("https://%s/EnrollmentServer/device/?api-version=1.0" % host, "--header", "Authorization: Bearer " + token,
                  "--header", "Content-Type: application/json", body=json.dumps(body))
    check(answer.status == 200, "the device is registered", answer.body)
    return device.certified(base64.b64decode(answer.json()["Certificate"]["RawBody"]))


# ---- tokens ------------------------------------------------------------------------------------------------------

def hidden_fields(page):
    """Name and value of the hidden fields of a page."""
    fields = {}
    for tag in re.findall(r"<input ([^>]*)>", page):
        attributes = {name: html.unescape(value) for name, value in re.findall(r'([a-z]+)="([^"]*)"', tag)}
        if "name" in attributes:
            fields[attributes["name"]] = attributes.get("value", "")
    return fields


def assertion_in(text):
    """The assertion, just as a client cuts it out."""
    found = re.search(r"<saml:Assertion .*</saml:Assertion>", text, re.S)
    return found.group(0) if found else ""


def attribute(assertion, claim):
    """The values of a claim in a SAML 1.1 assertion."""
    namespace, _, name = claim.rpartition("/")
    pattern = r'<saml:Attribute AttributeName="%s" AttributeNamespace="%s"[^>]*>(.*?)</saml:Attribute>' % (re.escape(name), re.escape(namespace))
    found = re.search(pattern, assertion, re.S)
    return [html.unescape(value) for value in re.findall(r"<saml:AttributeValue[^>]*>(.*?)</saml:AttributeValue>", found.group(1))] if found else []


def entra_token(assertion, resource="urn:ms-drs:enterpriseregistration.windows.net"):
    """What Entra answers to an assertion."""
    body = form(grant_type="urn:ietf:params:oauth:grant-type:saml1_1-bearer", client_id=REGISTRATION_CLIENT, resource=resource,
                assertion=base64.b64encode(assertion.encode()).decode())
    return curl("https://login.microsoftonline.com/common/oauth2/token", body=body)


def tampered(assertion):
    """The same assertion for somebody else."""
    changed = re.sub(r"(<saml:AttributeValue[^>]*>)(.)", lambda found: found.group(1) + ("x" if found.group(2) != "x" else "y"), assertion,
                     count=1)
    check_quietly(changed != assertion, "the assertion has a value", assertion)
    return changed


def members(jwt):
    part = jwt.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def entra_takes_it_only_untouched(assertion):
    """The token of Entra; a changed assertion gets none."""
    answer = entra_token(assertion)
    check(answer.status == 200, "Entra takes the token", answer.body)
    refused = entra_token(tampered(assertion))
    check(refused.status == 400 and "AADSTS50008" in refused.body, "and refuses it when it was changed (AADSTS50008)", refused.body)
    return members(answer.json()["access_token"])
