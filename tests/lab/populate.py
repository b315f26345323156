"""Fills an empty domain with the accounts the tests need. Arguments: directory of the controller, realm, host, lab.

Everything in one ldb transaction: each `samba-tool` call costs half a second. Needs the distribution's Python.
"""

import os
import subprocess
import sys

import ldb
import samba.dckeytab  # noqa: F401  (adds Net.export_keytab)
from samba.auth import system_session
from samba.credentials import Credentials
from samba.net import Net
from samba.param import LoadParm
from samba.samdb import SamDB

directory, realm, host, lab = sys.argv[1:5]
dns = realm.lower()
netbios = realm.split(".")[0]
primary = not realm.startswith("OTHER.")

lp = LoadParm()
lp.load(directory + "/etc/smb.conf")
sam = SamDB(url=directory + "/private/sam.ldb", session_info=system_session(), lp=lp)
base = str(sam.domain_dn())


def modify(dn, controls=None, **attributes):
    message = ldb.Message(ldb.Dn(sam, str(dn)))
    for key, value in attributes.items():
        name = key.replace("_", "-")
        message[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
    sam.modify(message, controls or [])


def dn_of(name):
    found = sam.search(base, scope=ldb.SCOPE_SUBTREE, expression="(sAMAccountName=%s)" % name, attrs=[])
    return str(found[0].dn)


def user(name, password, upn=None, unit="OU=Staff", **more):
    sam.newuser(name, password, userou=unit, mailaddress="%s@%s" % (name, dns), setpassword=True, **more)
    if upn:
        modify(dn_of(name), userPrincipalName=upn)


def service(name, password, principals):
    # AES only, password never expires.
    user(name, password, upn="%s@%s" % (name, dns), unit="OU=Services")
    modify(dn_of(name), servicePrincipalName=principals, msDS_SupportedEncryptionTypes="24",
           userAccountControl=str(0x200 | 0x10000))
    # AES keys exist for a password that is set while AES is supported.
    sam.setpassword("(sAMAccountName=%s)" % name, password)


def computer(name, password, version="10.0 (19045)"):
    sam.newcomputer(name, computerou="OU=Workstations")
    low = name.lower()
    modify(dn_of(name + "$"), dNSHostName="%s.%s" % (low, dns), msDS_SupportedEncryptionTypes="28",
           servicePrincipalName=["HOST/" + low, "HOST/%s.%s" % (low, dns), "RestrictedKrbHost/" + low,
                                 "RestrictedKrbHost/%s.%s" % (low, dns)],
           operatingSystem="Windows 10 Enterprise", operatingSystemVersion=version)
    sam.setpassword("(sAMAccountName=%s$)" % name, password)
    modify(dn_of(name + "$"), userAccountControl=str(0x1000))


def group(name, kind):
    sam.newgroup(name, groupou="OU=Staff", grouptype=kind - (1 << 32), description="test group " + name)


def certificate(name, what):
    """A fact about one of the lab's client certificates, by openssl."""
    file = "%s/ca/%s.pem" % (lab, name)
    run = lambda *arguments: subprocess.run(arguments, check=True, capture_output=True).stdout
    if what == "serial":
        return run("openssl", "x509", "-in", file, "-noout", "-serial").decode().strip().split("=")[1]
    if what == "ski":
        text = run("openssl", "x509", "-in", file, "-noout", "-ext", "subjectKeyIdentifier").decode()
        return text.strip().split("\n")[-1].strip().replace(":", "").lower()
    spki = run("openssl", "x509", "-in", file, "-noout", "-pubkey")
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=spki, check=True, capture_output=True)
    # AD's SHA1-PUKEY is the SHA-1 of the whole certificate's public key value, the bit string of the SPKI.
    return subprocess.run(["openssl", "dgst", "-sha1", "-r"], input=der.stdout[24:], check=True,
                          capture_output=True).stdout.decode().split()[0]


GLOBAL, DOMAIN_LOCAL, UNIVERSAL = 0x80000002, 0x80000004, 0x80000008

sam.transaction_start()
# Simple passwords, lockout after 5 for 30 minutes, passwords live 42 days.
modify(base, pwdProperties="0", minPwdAge="0", pwdHistoryLength="0", minPwdLength="6", lockoutThreshold="5",
       lockoutDuration="-18000000000", lockOutObservationWindow="-18000000000")
for unit in ("Staff", "Services", "Workstations"):
    sam.create_ou("OU=%s,%s" % (unit, base))
# The controller's SPNs, which Samba's DNS update task would write; dc2 is a copy of dc1 under another name.
names = [name for number in ("dc1", "dc2") for name in
         ("ldap/%s.%s" % (number, dns), "ldap/" + number, "ldap/%s.%s/%s" % (number, dns, dns), "cifs/%s.%s" % (number, dns))]
message = ldb.Message(ldb.Dn(sam, dn_of("DC1$")))
message["spn"] = ldb.MessageElement(names + ["GC/dc1.%s/%s" % (dns, dns)], ldb.FLAG_MOD_ADD, "servicePrincipalName")
sam.modify(message)

if primary:
    modify("CN=Partitions,CN=Configuration," + base, uPNSuffixes=["brand.example", "emea.brand.example"])
    for name, kind in (("Sts-Admins", GLOBAL), ("G-Inner", GLOBAL), ("G-Outer", GLOBAL), ("U-Universal", UNIVERSAL),
                       ("DL-Resource", DOMAIN_LOCAL)):
        group(name, kind)
    user("alice", "Alice-Pw-1", givenname="Alice", surname="Liddell")
    user("bob", "Bob-Pw-1", givenname="Bob", surname="Builder")
    user("carol", "Carol-Pw-1", upn="carol.c@brand.example", givenname="Carol", surname="Cole")
    for name, password in (("disabled", "Disabled-Pw-1"), ("expired", "Expired-Pw-1"), ("mustchange", "Must-Pw-1"),
                           ("acctexpired", "Acct-Pw-1"), ("locked", "Locked-Pw-1"), ("nohours", "Hours-Pw-1"),
                           ("notpreauth", "Nopre-Pw-1"), ("longname-with-non-ascii-é", "Umlaut-Pw-1")):
        user(name, password)
    service("svc-sts", "Svc-Sts-Pw-1", ["HTTP/" + host, "HTTP/adfs." + dns, "HTTP/certauth." + host,
                                        "HTTP/enterpriseregistration." + dns])
    for number in ("1", "2"):
        computer("WS0" + number, "Machine-WS0%s-Pw-1" % number)
    user("amelie", "Amelie-Pw-1", givenname="Amélie", surname="Poulain")
    modify(dn_of("amelie"), preferredLanguage="fr-FR")
    user("manygroups", "Many-Pw-1")
    for number in range(200):
        group("Many-%03d" % number, GLOBAL)
    # Users of other federated domains, and one of a domain that is not federated.
    user("emea", "Emea-Pw-1", upn="emea@emea.brand.example")
    user("stranger", "Stranger-Pw-1", upn="stranger@unlisted.example")
    # A user in Domain Computers: must not be taken for a computer.
    user("pretender", "Pretender-Pw-1")
    sam.add_remove_group_members("Sts-Admins", ["alice"])
    sam.add_remove_group_members("Domain Computers", ["pretender"])
    for outer, inner in (("G-Inner", "bob"), ("G-Outer", "G-Inner"), ("U-Universal", "G-Outer"),
                         ("DL-Resource", "U-Universal")):
        sam.add_remove_group_members(outer, [inner])
    for number in range(200):
        sam.add_remove_group_members("Many-%03d" % number, ["manygroups"])
    modify(dn_of("disabled"), userAccountControl=str(0x202))
    modify(dn_of("mustchange"), pwdLastSet="0")
    modify(dn_of("acctexpired"), accountExpires="116444736000000000")
    modify(dn_of("nohours"), logonHours=b"\x00" * 21)
    modify(dn_of("notpreauth"), userAccountControl=str(0x400200))
    # A password older than maxPwdAge: pwdLastSet takes 0 and -1 only, unless Samba's own control lifts that.
    modify(dn_of("expired"), ["local_oid:1.3.6.1.4.1.7165.4.3.12:0"], pwdLastSet="132000000000000000")
    # Certificates mapped by altSecurityIdentities, one strong form each.
    issuer = "DC=example,DC=corp,CN=Development CA"
    serial = "".join(reversed([certificate("bob-mapped", "serial")[i:i + 2]
                               for i in range(0, len(certificate("bob-mapped", "serial")), 2)])).lower()
    modify(dn_of("bob"), altSecurityIdentities=["X509:<I>%s<SR>%s" % (issuer, serial)])
    modify(dn_of("carol"), altSecurityIdentities=["X509:<SKI>" + certificate("carol-mapped", "ski")])
    modify(dn_of("amelie"), altSecurityIdentities=["X509:<SHA1-PUKEY>" + certificate("amelie-mapped", "pukey")])
else:
    user("olga", "Olga-Pw-1", givenname="Olga", surname="Other")
    service("svc-sts", "Svc-Sts-Pw-1", ["HTTP/" + host])
    computer("OWS01", "Machine-OWS01-Pw-1")
sam.transaction_commit()

credentials = Credentials()
credentials.guess(lp)
net = Net(credentials, lp, server=None)
keytabs = lab + "/keytabs"
os.makedirs(keytabs, exist_ok=True)


def keytab(file, *principals):
    path = "%s/%s.keytab" % (keytabs, file)
    if os.path.exists(path):
        os.unlink(path)
    for principal in principals:
        net.export_keytab(keytab=path, principal=principal)


if primary:
    keytab("sts", "HTTP/" + host)
    keytab("sts-corp", "HTTP/" + host, "HTTP/adfs." + dns, "HTTP/certauth." + host, "HTTP/enterpriseregistration." + dns,
           "svc-sts")
    # For outgoing binds the client principal must be the first entry.
    keytab("svc-sts", "svc-sts")
    for name in ("alice", "bob", "carol", "amelie", "manygroups", "pretender", "emea", "stranger"):
        keytab(name, name)
    for name in ("WS01", "WS02", "DC1"):
        keytab(name.lower(), name + "$")
else:
    keytab("sts-other", "HTTP/" + host)
    keytab("olga", "olga")
    keytab("ows01", "OWS01$")
