"""The HTTP side of the simulated tenant: home realm, discovery, token and sign-in endpoints of login.microsoftonline.com.

    server.py ADDRESS LAB        HTTPS on ADDRESS:443, certificate and accounts from the lab

`POST /sim/federation {"domains": [{"domain", "issuerUri", "metadataUrl", …}]}` sets the federated domains and fetches
their keys; `GET /sim/federation` shows them. Without it the lab's own domains are federated with the lab's server.
Every answer a client of Entra reads has the form Entra gives it; what is not simulated is 404.
"""

import base64
import datetime
import html
import http.server
import json
import os
import re
import socketserver
import ssl
import sys
import time
import urllib.parse
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from federation import Domain, FederationError, Tenant
from policy import BAD_REQUEST, INVALID_SAML, Refusal, admit

TENANT_ID = "6f0f2b1c-3a54-4c0e-9d6a-5c1f0e8a7b21"
HOST = "https://login.microsoftonline.com"
HOSTS = ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"]
GRANTS = {"urn:ietf:params:oauth:grant-type:saml1_1-bearer": "urn:oasis:names:tc:SAML:1.0:assertion",
          "urn:ietf:params:oauth:grant-type:saml2-bearer": "urn:oasis:names:tc:SAML:2.0:assertion"}
BODY_LIMIT = 1 << 20
# The tenant's one domain that is not federated.
MANAGED = "managed.example"


class Simulator:
    """The tenant, its own token key, and one function for each URL."""

    def __init__(self, tenant, clock=lambda: datetime.datetime.now(datetime.UTC)):
        self.tenant, self.clock = tenant, clock
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.routes = [
            ("GET", r"/common/userrealm/(?P<upn>[^/]+)/?", self.user_realm),
            ("GET", r"/getuserrealm\.srf", self.page_realm),
            ("POST", r"/login\.srf", self.passive),
            ("GET", r"/(?P<tenant>[^/]+)/discovery/instance", self.instance),
            ("GET", r"/(?P<tenant>[^/]+)(?P<version>/v2\.0)?/\.well-known/openid-configuration", self.openid_configuration),
            ("GET", r"/(?P<tenant>[^/]+)/discovery/v2\.0/keys", self.keys),
            ("POST", r"/(?P<tenant>[^/]+)/oauth2(?P<version>/v2\.0)?/token", self.token),
            ("GET", r"/sim/federation", self.show_federation),
            ("POST", r"/sim/federation", self.set_federation),
        ]

    def answer(self, method, path, query, body, headers):
        """(status, JSON value) for a request."""
        for verb, pattern, route in self.routes:
            match = re.fullmatch(pattern, path)
            if match and verb == method:
                return route(query=query, body=body, headers=headers,
                             **{k: urllib.parse.unquote(v) if v else v for k, v in match.groupdict().items()})
        return 404, {"error": "not_found", "error_description": "%s %s is not simulated" % (method, path)}

    def user_realm(self, upn, query, **_):
        domain = self.tenant.domain_of(upn)
        if query.get("api-version") not in ("1.0", "2.1"):
            return 400, {"error": "invalid_request", "error_description": "api-version"}
        if is_managed(upn):
            return 200, {"ver": "1.0", "account_type": "Managed", "domain_name": MANAGED, "cloud_instance_name": "microsoftonline.com",
                         "cloud_audience_urn": "urn:federation:MicrosoftOnline"}
        if domain is None:
            return 200, {"ver": "1.0", "account_type": "Unknown", "cloud_instance_name": "microsoftonline.com"}
        return 200, {"ver": "1.0", "account_type": "Federated", "domain_name": upn.rpartition("@")[2].lower(),
                     "federation_protocol": "WSTrust", "federation_metadata_url": domain.mex_url,
                     "federation_active_auth_url": domain.active_url, "cloud_instance_name": "microsoftonline.com",
                     "cloud_audience_urn": "urn:federation:MicrosoftOnline"}

    def page_realm(self, query, **_):
        """Home realm as the sign-in pages ask for it: where a federated user's page is."""
        login = query.get("login", "")
        domain = self.tenant.domain_of(login)
        if is_managed(login):
            return 200, {"State": 4, "UserState": 1, "Login": login, "NameSpaceType": "Managed", "DomainName": MANAGED}
        if domain is None:
            return 200, {"State": 4, "UserState": 1, "Login": login, "NameSpaceType": "Unknown"}
        fields = {"username": login, "wa": "wsignin1.0", "wtrealm": "urn:federation:MicrosoftOnline", "wctx": "estsredirect=2&id=1"}
        return 200, {"State": 3, "UserState": 2, "Login": login, "NameSpaceType": "Federated", "DomainName": domain.name,
                     "FederationGlobalVersion": -1, "AuthURL": domain.passive_url + "?" + urllib.parse.urlencode(fields),
                     "FederationBrandName": domain.name, "CloudInstanceName": "microsoftonline.com"}

    def passive(self, body, **_):
        """Where the browser posts the token of the federation server: a page that says who is signed in, or why nobody is."""
        try:
            form = urllib.parse.parse_qs(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=40)
            if form.get("wa") != ["wsignin1.0"] or len(form.get("wresult", [])) != 1:
                raise Refusal(BAD_REQUEST, "The request body must contain the following parameter: 'wresult'.")
            octets = base64.b64encode(cut_assertion(form["wresult"][0]).encode()).decode()
            _, account, assertion = admit(self.tenant, octets, self.clock())
        except Refusal as refusal:
            return 400, page("Sign-in error", "error", "AADSTS%d: %s" % (refusal.code, refusal))
        except (UnicodeDecodeError, ValueError) as error:
            return 400, page("Sign-in error", "error", "AADSTS%d: %s" % (BAD_REQUEST, error))
        upn = (assertion.values("http://schemas.xmlsoap.org/claims/UPN") or [account.name])[0]
        return 200, page("Signed in to the tenant", "signed-in", "%s %s %s" % (upn, account.sid, form.get("wctx", [""])[0]))

    def instance(self, tenant, **_):
        return 200, {"tenant_discovery_endpoint": "%s/%s/v2.0/.well-known/openid-configuration" % (HOST, self.named(tenant)),
                     "api-version": "1.1",
                     "metadata": [{"preferred_network": HOSTS[0], "preferred_cache": HOSTS[1], "aliases": HOSTS}]}

    def openid_configuration(self, tenant, version, **_):
        if not self.known(tenant):
            return self.refusal(90002, "Tenant '%s' not found." % tenant, "invalid_tenant", {})
        base, v = "%s/%s" % (HOST, tenant), version or ""
        return 200, {"issuer": "%s/%s/v2.0" % (HOST, TENANT_ID), "token_endpoint": base + "/oauth2%s/token" % v,
                     "authorization_endpoint": base + "/oauth2%s/authorize" % v,
                     "device_authorization_endpoint": base + "/oauth2%s/devicecode" % v, "jwks_uri": base + "/discovery/v2.0/keys",
                     "response_types_supported": ["code"], "subject_types_supported": ["pairwise"],
                     "id_token_signing_alg_values_supported": ["RS256"], "tenant_region_scope": "EU",
                     "cloud_instance_name": "microsoftonline.com"}

    def keys(self, **_):
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return 200, {"keys": [dict(key, kid="simulator", use="sig")]}

    def token(self, tenant, version, body, headers, **_):
        try:
            if not self.known(tenant):
                raise Refusal(90002, "Tenant '%s' not found." % tenant, "invalid_request")
            form = urllib.parse.parse_qs(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=40)
            fields = {name: values[0] for name, values in form.items() if len(values) == 1}
            target = "scope" if version else "resource"
            for name in ("grant_type", "client_id", "assertion", target):
                if not fields.get(name):
                    raise Refusal(BAD_REQUEST, "The request body must contain the following parameter: '%s'." % name, "invalid_request")
            if fields["grant_type"] not in GRANTS:
                raise Refusal(70003, "The app requested an unsupported grant type.", "unsupported_grant_type")
            now = self.clock()
            kind, account, assertion = admit(self.tenant, fields["assertion"], now)
            if GRANTS[fields["grant_type"]] != assertion.namespace:
                raise Refusal(50008, "SAML token is invalid: its version is not that of the grant.")
            return 200, self.issue(kind, account, assertion, fields, fields[target], int(now.timestamp()))
        except Refusal as refusal:
            return self.refusal(refusal.code, str(refusal), refusal.error, headers)
        except (UnicodeDecodeError, ValueError) as error:
            return self.refusal(BAD_REQUEST, "The request body is not a form: %s." % error, "invalid_request", headers)

    def issue(self, kind, account, assertion, fields, target, now):
        claims = {"iss": "%s/%s/v2.0" % (HOST, TENANT_ID), "tid": TENANT_ID, "iat": now, "nbf": now, "exp": now + 3599,
                  "idtyp": kind, "onprem_sid": account.sid, "onprem_guid": account.guid, "account": account.name,
                  "oid": str(uuid.uuid5(uuid.UUID(TENANT_ID), account.guid)), "sub": account.guid,
                  "amr": assertion.values("http://schemas.microsoft.com/claims/authnmethodsreferences")}
        if kind == "user":
            claims["upn"] = assertion.values("http://schemas.xmlsoap.org/claims/UPN")[0]
        sign = lambda payload: jwt.encode(payload, self.key, "RS256", {"kid": "simulator"})  # noqa: E731
        answer = {"token_type": "Bearer", "scope": target, "expires_in": 3599, "ext_expires_in": 3599,
                  "access_token": sign(dict(claims, aud=target, appid=fields["client_id"]))}
        if "openid" in target.split():
            answer["id_token"] = sign(dict(claims, aud=fields["client_id"], preferred_username=claims.get("upn", account.name)))
        return answer

    def refusal(self, code, text, error, headers):
        trace, moment = str(uuid.uuid4()), self.clock().strftime("%Y-%m-%d %H:%M:%SZ")
        correlation = headers.get("client-request-id") or str(uuid.uuid4())
        return 400, {"error": error, "error_description": "AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s"
                     % (code, text, trace, correlation, moment), "error_codes": [code], "timestamp": moment, "trace_id": trace,
                     "correlation_id": correlation, "error_uri": "https://login.microsoftonline.com/error?code=%d" % code}

    def show_federation(self, **_):
        return 200, {"domains": [domain.shown() for domain in self.tenant.domains.values()], "allowSha1": self.tenant.allow_sha1}

    def set_federation(self, body, **_):
        try:
            self.tenant.federate(json.loads(body))
        except (FederationError, ValueError, TypeError, AttributeError) as error:
            return 400, {"error": "invalid_federation", "error_description": str(error)}
        return self.show_federation()

    def known(self, tenant):
        return tenant in ("common", "organizations", TENANT_ID) or tenant.lower() in self.tenant.domains

    def named(self, tenant):
        return tenant if self.known(tenant) else "common"


def is_managed(login):
    """Whether Entra itself keeps the passwords of a sign-in name's domain."""
    return login.rpartition("@")[2].lower() == MANAGED


def cut_assertion(text):
    """The assertion in an answer of WS-Trust, as it stands."""
    found = re.search(r"<(?P<prefix>[a-z]+:)?Assertion[ >].*</(?P=prefix)Assertion>", text, re.S)
    if not found:
        raise Refusal(INVALID_SAML, "SAML token is invalid: there is none.")
    return found.group(0)


def page(title, identifier, text):
    """What a person sees; not JSON."""
    return "<!DOCTYPE html><title>%s</title><p id=%s>%s</p>" % (title, identifier, html.escape(text))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    simulator = None

    def handle_request(self):
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= BODY_LIMIT or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            return self.reply(413, {"error": "invalid_request"})
        url = urllib.parse.urlsplit(self.path)
        query = {name: values[0] for name, values in urllib.parse.parse_qs(url.query).items()}
        status, value = self.simulator.answer(self.command, url.path, query, self.rfile.read(length), self.headers)
        return self.reply(status, value)

    do_GET = do_POST = handle_request  # noqa: N815  names that http.server calls

    def reply(self, status, value):
        is_page = isinstance(value, str)
        octets = value.encode() if is_page else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8" if is_page else "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(octets)))
        self.send_header("Cache-Control", "no-store")
        if self.headers.get("client-request-id"):
            self.send_header("client-request-id", re.sub(r"[^0-9A-Za-z-]", "", self.headers["client-request-id"])[:64])
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, format, *arguments):
        # Requests carry assertions: only the line, never a body.
        print(time.strftime("%H:%M:%S"), self.client_address[0], format % arguments, flush=True)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        # A client that does not trust the certificate, or hangs up, is no event.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main(address, lab):
    tenant = Tenant(TENANT_ID, lab + "/synced.tsv")
    host, names = os.environ["LAB_HOST"], [os.environ["LAB_DOMAIN"], "brand.example", os.environ["LAB_OTHER_REALM"].lower()]
    metadata = "https://%s/FederationMetadata/2007-06/FederationMetadata.xml" % host
    for name in names:
        settings = {"domain": name, "issuerUri": "http://%s/adfs/services/trust/" % name, "metadataUrl": metadata}
        tenant.domains[name] = Domain.from_settings(settings)
    Handler.simulator = Simulator(tenant)
    server = Server((address, 443), Handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(lab + "/tls/entra.pem", lab + "/tls/entra.key")
    # The handshake belongs to the connection's own thread: one silent client must not stop the others.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
