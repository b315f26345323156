"""zeep, a SOAP client that is made from the WSDL alone: asks for a token by the operation of a port of our MEX."""

import datetime
import json
import sys

import requests
import zeep
from lxml import etree
from requests_gssapi import REQUIRED, HTTPSPNEGOAuth
from zeep.transports import Transport
from zeep.wsse.username import UsernameToken
from zeep.wsse.utils import WSU

UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"


def elements(request):
    trust = request["trust"]
    applies_to = etree.fromstring(
        '<p:AppliesTo xmlns:p="http://schemas.xmlsoap.org/ws/2004/09/policy" xmlns:a="http://www.w3.org/2005/08/addressing">'
        f'<a:EndpointReference><a:Address>{request["applies_to"]}</a:Address></a:EndpointReference></p:AppliesTo>')
    yield applies_to
    for name, value in (("RequestType", f"{trust}/Issue"), ("KeyType", request["key_type"])):
        element = etree.Element(f"{{{trust}}}{name}", nsmap={"t": trust})
        element.text = value
        yield element


def timestamp():
    moment = datetime.datetime.now(datetime.timezone.utc)
    element = WSU.Timestamp()
    for name, at in (("Created", moment), ("Expires", moment + datetime.timedelta(minutes=10))):
        child = etree.SubElement(element, f"{{{UTILITY}}}{name}")
        child.text = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return element


def main():
    request = json.load(sys.stdin)
    session = requests.Session()
    if not request.get("username"):
        session.auth = HTTPSPNEGOAuth(mutual_authentication=REQUIRED)
    wsse = UsernameToken(request["username"], request["password"], timestamp_token=timestamp()) if request.get("username") else None
    answers = []

    class Recorder(Transport):
        def post_xml(self, address, envelope, headers):
            answer = super().post_xml(address, envelope, headers)
            answers.append(answer)
            return answer

    # The document itself is public; only the call needs to authenticate.
    wsdl = requests.get(request["wsdl"], timeout=30).content
    with open(request["scratch"], "wb") as file:
        file.write(wsdl)
    client = zeep.Client(request["scratch"], transport=Recorder(session=session), wsse=wsse)
    service = next(iter(client.wsdl.services.values()))
    port = next(port for port in service.ports.values() if port.binding_options["address"].endswith(request["endpoint"]))
    operation = request["operation"]
    client.bind(service.name, port.name)[operation](_value_1=list(elements(request)))
    json.dump({
        "ports": sorted(port.binding_options["address"] for port in service.ports.values()),
        "operations": sorted(port.binding.all()),
        "answer": answers[-1].text, "status": answers[-1].status_code,
    }, sys.stdout)


main()
