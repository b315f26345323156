"""Reads our MEX the way the token clients do, by their fixed paths (ws-federation.md 2.2, 2.3), and describes it."""

import json
import sys

from lxml import etree

NS = {
    "wsdl": "http://schemas.xmlsoap.org/wsdl/", "wsp": "http://schemas.xmlsoap.org/ws/2004/09/policy",
    "soap12": "http://schemas.xmlsoap.org/wsdl/soap12/", "wsa10": "http://www.w3.org/2005/08/addressing",
    "wsu": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
    "sp5": "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy", "sp7": "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702",
    "http": "http://schemas.microsoft.com/ws/06/2004/policy/http",
}
ALL = "wsp:ExactlyOne/wsp:All"
# What a client recognises a policy by, and the security policy namespace its TransportBinding must have.
KINDS = {
    "windows": (f"{ALL}/http:NegotiateAuthentication", "sp5"),
    "password13": (f"{ALL}/sp7:SignedEncryptedSupportingTokens/wsp:Policy/sp7:UsernameToken/wsp:Policy/sp7:WssUsernameToken10", "sp7"),
    "password2005": (f"{ALL}/sp5:SignedSupportingTokens/wsp:Policy/sp5:UsernameToken/wsp:Policy/sp5:WssUsernameToken10", "sp5"),
    "certificate13": (f"{ALL}/sp7:EndorsingSupportingTokens/wsp:Policy/sp7:X509Token/wsp:Policy/sp7:WssX509V3Token10", "sp7"),
    "certificate2005": (f"{ALL}/sp5:EndorsingSupportingTokens/wsp:Policy/sp5:X509Token/wsp:Policy/sp5:WssX509V3Token10", "sp5"),
    "tls": (f"{ALL}/sp5:TransportBinding/wsp:Policy/sp5:TransportToken/wsp:Policy/sp5:HttpsToken[@RequireClientCertificate='true']", "sp5"),
}


def find(element, path):
    return element.xpath(path, namespaces=NS)


def kind_of(policy):
    kinds = [kind for kind, (path, sp) in KINDS.items() if find(policy, path) and find(policy, f"{ALL}/{sp}:TransportBinding")]
    alternatives = len(find(policy, ALL))
    # A policy that matches twice makes MSAL.NET throw; a second kind would send a client to the wrong endpoint.
    return kinds[0] if len(kinds) == 1 and alternatives == 1 else f"{kinds} in {alternatives} alternatives"


def timestamp(policy):
    return bool(find(policy, f"{ALL}/*[local-name()='TransportBinding']/wsp:Policy/*[local-name()='IncludeTimestamp']"))


def describe(root):
    policies = {policy.get(f"{{{NS['wsu']}}}Id"): policy for policy in find(root, "wsp:Policy")}
    bindings = {}
    for binding in find(root, "wsdl:binding"):
        references = find(binding, "wsp:PolicyReference/@URI")
        bindings[binding.get("name")] = {
            "policy": policies[references[-1].lstrip("#")], "references": len(references), "type": binding.get("type"),
            "transport": find(binding, "soap12:binding/@transport"),
            "action": find(binding, "wsdl:operation/soap12:operation/@soapAction"),
        }
    ports = []
    for port in find(root, "wsdl:service[@name='SecurityTokenService']/wsdl:port"):
        prefix, _, name = port.get("binding").partition(":")
        binding = bindings[name]
        ports.append({
            "name": port.get("name"), "binding": name, "prefix": prefix,
            "address": find(port, "wsa10:EndpointReference/wsa10:Address")[0].text,
            "location": find(port, "soap12:address/@location")[0],
            "kind": kind_of(binding["policy"]), "policy": binding["policy"].get(f"{{{NS['wsu']}}}Id"),
            "timestamp": timestamp(binding["policy"]), "transport": binding["transport"], "action": binding["action"],
            "type": binding["type"], "references": binding["references"],
        })
    return {
        "root": root.tag, "name": root.get("name"), "namespace": root.get("targetNamespace"), "prefixes": sorted(
            prefix for prefix, uri in root.nsmap.items() if uri == root.get("targetNamespace")),
        "order": list(dict.fromkeys(etree.QName(child).localname for child in root)),
        "policies": sorted(policies), "ports": ports,
        "messages": find(root, "wsdl:message/@name"), "port_types": find(root, "wsdl:portType/@name"),
        "instructions": len(root.xpath("//processing-instruction()")),
    }


request = json.load(sys.stdin)
document = request["document"]
root = etree.fromstring(document.encode(), etree.XMLParser(resolve_entities=False))
if request.get("enveloped"):
    sections = root.xpath("s:Body/m:Metadata/m:MetadataSection[@Dialect='http://schemas.xmlsoap.org/wsdl/']/*", namespaces={
        "s": "http://www.w3.org/2003/05/soap-envelope", "m": "http://schemas.xmlsoap.org/ws/2004/09/mex"})
    assert len(sections) == 1, document
    root = sections[0]
json.dump(describe(root), sys.stdout)
