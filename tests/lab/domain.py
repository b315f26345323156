"""What the lab's domains hold, written straight into their databases (one transaction; a samba-tool call each
would take half a second an account).

  domain.py populate-main  DIR HOST MAPPINGS   accounts, schema and containers of the first domain
  domain.py populate-other DIR HOST            the second domain, without trust to the first
  domain.py keytab DIR FILE PRINCIPAL…         keys of the principals, as they are now, into FILE
  domain.py age DIR ACCOUNT DAYS               makes an account's password that old (they live for 42 days)
  domain.py duplicate-name DIR ACCOUNT SPN     a service principal name that another account has, which the directory would refuse
  domain.py objects DIR OBJECTS SYNCED         writes two tables, tab-separated: OBJECTS (account, SID, objectGUID, DN) and what
                                               Entra Connect would synchronise, SYNCED (kind, account, SID, base64 of
                                               objectGUID's octets, base64 of the source anchor, UPN)
  domain.py copy DIR TARGET                    a consistent copy of a running controller's databases

Runs with Debian's Python, which has the samba modules. Passwords here are public: the domain exists for tests.
"""

import base64
import os
import subprocess
import sys
import time

import ldb
import samba.dckeytab  # noqa: F401  adds Net.export_keytab
from samba.auth import system_session
from samba.credentials import Credentials
from samba.dcerpc import misc, security
from samba.ndr import ndr_pack, ndr_unpack
from samba.net import Net
from samba.param import LoadParm
from samba.samdb import SamDB

# userAccountControl
NORMAL, DISABLED, NEVER_EXPIRES, NO_PREAUTH, WORKSTATION = 0x200, 0x2, 0x10000, 0x400000, 0x1000
# groupType of security groups, as the signed number the directory keeps
GLOBAL, DOMAIN_LOCAL, UNIVERSAL = (t - (1 << 32) for t in (0x80000002, 0x80000004, 0x80000008))
# Samba's control for local connections that lets pwdLastSet be any time: how a password comes to be old.
BYPASS_PASSWORD_HASH = "local_oid:1.3.6.1.4.1.7165.4.3.12:0"
AES_ONLY, RC4_AND_AES = "24", "28"


class Domain:
    def __init__(self, directory):
        self.directory = directory
        self.lp = LoadParm()
        self.lp.load(directory + "/etc/smb.conf")
        # A running controller must not be told to change its schema under way.
        self.lp.set("dsdb:schema update allowed", "yes")
        self.sam = SamDB(url=directory + "/private/sam.ldb", session_info=system_session(self.lp), lp=self.lp)
        self.base = str(self.sam.domain_dn())
        self.dns = self.lp.get("realm").lower()

    def modify(self, dn, controls=(), flag=ldb.FLAG_MOD_REPLACE, **attributes):
        message = ldb.Message(ldb.Dn(self.sam, str(dn)))
        for name, value in attributes.items():
            name = name.replace("_", "-")
            message[name] = ldb.MessageElement(value, flag, name)
        self.sam.modify(message, list(controls))

    def dn(self, account):
        found = self.sam.search(self.base, ldb.SCOPE_SUBTREE, "(sAMAccountName=%s)" % ldb.binary_encode(account), [])
        return str(found[0].dn)

    def set(self, account, controls=(), **attributes):
        self.modify(self.dn(account), controls, **attributes)

    def password(self, account, password):
        self.sam.setpassword("(sAMAccountName=%s)" % ldb.binary_encode(account), password)

    def simple_passwords(self):
        """No complexity; locked for 30 minutes after 5 failures; the default life of 42 days stays."""
        self.modify(self.base, pwdProperties="0", minPwdAge="0", pwdHistoryLength="0", minPwdLength="6",
                    lockoutThreshold="5", lockoutDuration="-18000000000", lockOutObservationWindow="-18000000000")

    def age(self, account, days):
        """Makes an account's password so many days old."""
        seconds = time.time() - float(days) * 86400
        self.set(account, [BYPASS_PASSWORD_HASH], pwdLastSet=str(int((seconds + 11644473600) * 10_000_000)))

    def units(self, *names):
        for name in names:
            self.sam.create_ou("OU=%s,%s" % (name, self.base))

    def user(self, name, password, upn=None, **names):
        self.sam.newuser(name, password, userou="OU=Staff", mailaddress="%s@%s" % (name, self.dns), setpassword=True, **names)
        if upn:
            self.set(name, userPrincipalName=upn)

    def group(self, name, kind, members=()):
        """One object with its members: Samba's own helper takes a search and a transaction for each."""
        element = {"dn": "CN=%s,OU=Staff,%s" % (name, self.base), "objectClass": "group", "sAMAccountName": name,
                   "groupType": str(kind), "description": "test group " + name}
        if members:
            element["member"] = [self.dn(member) for member in members]
        self.sam.add(element)

    def computer(self, name, password):
        host = name.lower()
        self.sam.newcomputer(name, computerou="OU=Workstations")
        account = name + "$"
        self.set(account, dNSHostName="%s.%s" % (host, self.dns), msDS_SupportedEncryptionTypes=RC4_AND_AES,
                 servicePrincipalName=["HOST/" + host, "HOST/%s.%s" % (host, self.dns), "RestrictedKrbHost/" + host,
                                       "RestrictedKrbHost/%s.%s" % (host, self.dns)],
                 operatingSystem="Windows 10 Enterprise", operatingSystemVersion="10.0 (19045)")
        self.password(account, password)
        self.set(account, userAccountControl=str(WORKSTATION))

    def service(self, name, password, principals):
        """A service account with AES keys only, whose password does not expire."""
        self.sam.newuser(name, password, userou="OU=Services", setpassword=True)
        self.set(name, servicePrincipalName=principals, msDS_SupportedEncryptionTypes=AES_ONLY,
                 userAccountControl=str(NORMAL | NEVER_EXPIRES), userPrincipalName="%s@%s" % (name, self.dns))
        # The keys are made when the password is set: once more, now that the account takes AES only.
        self.password(name, password)

    def controller_names(self, *hosts):
        """The controller's SPNs; at run time its DNS update service would add them, which the lab has not."""
        names = []
        for host in hosts:
            names += ["%s/%s.%s" % (s, host, self.dns) for s in ("ldap", "cifs", "HOST")]
            names += ["ldap/" + host, "ldap/%s.%s/%s" % (host, self.dns, self.dns), "GC/%s.%s/%s" % (host, self.dns, self.dns)]
        account = self.dn("DC1$")
        have = self.sam.search(account, ldb.SCOPE_BASE, attrs=["servicePrincipalName"])[0].get("servicePrincipalName", [])
        have = {str(name).lower() for name in have}
        self.modify(account, flag=ldb.FLAG_MOD_ADD, servicePrincipalName=[n for n in names if n.lower() not in have])

    def ldif(self, text):
        for changetype, message in self.sam.parse_ldif(text):
            if changetype == ldb.CHANGETYPE_MODIFY:
                self.sam.modify(message)
            else:
                self.sam.add(message)

    def sid(self, account):
        found = self.sam.search(self.dn(account), ldb.SCOPE_BASE, attrs=["objectSid"])[0]
        return str(ndr_unpack(security.dom_sid, found["objectSid"][0]))


def populate_main(directory, host, mappings):
    domain = Domain(directory)
    if os.environ.get("LAB_SCHEMA") != "2012r2":
        extend_schema(domain)
    domain = Domain(directory)  # reads the schema anew
    domain.sam.transaction_start()
    domain.simple_passwords()
    domain.modify("CN=Partitions,CN=Configuration," + domain.base, uPNSuffixes=["brand.example", "emea.brand.example"])
    domain.units("Staff", "Services", "Workstations")
    for name, kind in (("Sts-Admins", GLOBAL), ("G-Inner", GLOBAL), ("G-Outer", GLOBAL), ("U-Universal", UNIVERSAL),
                       ("DL-Resource", DOMAIN_LOCAL)):
        domain.group(name, kind)

    domain.user("alice", "Alice-Pw-1", givenname="Alice", surname="Liddell")
    domain.user("bob", "Bob-Pw-1", givenname="Bob", surname="Builder")
    domain.user("carol", "Carol-Pw-1", upn="carol.c@brand.example", givenname="Carol", surname="Cole")
    for name, password in (("disabled", "Disabled-Pw-1"), ("expired", "Expired-Pw-1"), ("mustchange", "Must-Pw-1"),
                           ("acctexpired", "Acct-Pw-1"), ("locked", "Locked-Pw-1"), ("nohours", "Hours-Pw-1"),
                           ("notpreauth", "Nopre-Pw-1"), ("longname-with-non-ascii-é", "Umlaut-Pw-1")):
        domain.user(name, password)
    # Nested: bob in G-Inner in G-Outer in U-Universal in DL-Resource.
    for group, member in (("Sts-Admins", "alice"), ("G-Inner", "bob"), ("G-Outer", "G-Inner"),
                          ("U-Universal", "G-Outer"), ("DL-Resource", "U-Universal")):
        domain.modify(domain.dn(group), flag=ldb.FLAG_MOD_ADD, member=domain.dn(member))
    domain.set("disabled", userAccountControl=str(NORMAL | DISABLED))
    domain.set("mustchange", pwdLastSet="0")
    domain.set("acctexpired", accountExpires="116444736000000000")  # 1970-01-01
    domain.set("nohours", logonHours=b"\x00" * 21)
    domain.set("notpreauth", userAccountControl=str(NORMAL | NO_PREAUTH))
    domain.set("expired", [BYPASS_PASSWORD_HASH], pwdLastSet="132000000000000000")  # 2019

    domain.controller_names("dc1", "dc2")
    principals = ["HTTP/" + name for name in web_names(domain, host)]
    domain.service("svc-sts", "Svc-Sts-Pw-1", principals)
    for name in ("WS01", "WS02"):
        domain.computer(name, "Machine-%s-Pw-1" % name)

    # From here on the accounts that the fixed RIDs of the references do not know; add new ones at the end.
    domain.user("amelie", "Amelie-Pw-1", givenname="Amélie", surname="Poulain")
    domain.set("amelie", preferredLanguage="fr")
    domain.user("manygroups", "Many-Pw-1")
    for number in range(200):
        domain.group("Many-%03d" % number, GLOBAL, ["manygroups"])
    domain.user("erin", "Erin-Pw-1", upn="erin@emea.brand.example", givenname="Erin", surname="Ernst")
    # Its UPN suffix is one that is not federated.
    domain.user("stray", "Stray-Pw-1", upn="stray@unlisted.example")
    # A user and a computer whose names differ by the dollar sign only.
    domain.user("PC01", "Pc01-User-Pw-1")
    domain.computer("PC01", "Machine-PC01-Pw-1")
    # A person in Domain Computers: the group's SID alone must not make a token a computer's.
    domain.user("dcmember", "Dcmember-Pw-1")
    domain.modify(domain.dn("Domain Computers"), flag=ldb.FLAG_MOD_ADD, member=domain.dn("dcmember"))
    managed_service_account(domain)
    # May read everything any user may: for tests of LDAP simple bind.
    domain.service("svc-ldap", "Svc-Ldap-Pw-1", [])

    # Its password ends in five days, unless a test makes it otherwise.
    domain.user("expiring", "Expiring-Pw-1")
    domain.age("expiring", 37)

    with open(mappings, encoding="utf-8") as file:
        wanted = {}
        for line in file:
            account, mapping = line.rstrip("\n").split("\t")
            wanted.setdefault(account, []).append(mapping)
    for account, values in wanted.items():
        domain.set(account, altSecurityIdentities=values)
    device_containers(domain)
    domain.sam.transaction_commit()

    write_keytabs(domain, host, {"alice": ["alice"], "bob": ["bob"], "carol": ["carol"], "amelie": ["amelie"],
                                 "manygroups": ["manygroups"], "erin": ["erin"], "stray": ["stray"], "dcmember": ["dcmember"],
                                 "pc01": ["PC01$"], "pc01-user": ["PC01"], "gmsa01": ["gmsa01$"], "dc1": ["DC1$"],
                                 "ws01": ["WS01$"], "ws02": ["WS02$"], "svc-ldap": ["svc-ldap"]})


def populate_other(directory, host):
    domain = Domain(directory)
    domain.sam.transaction_start()
    domain.simple_passwords()
    domain.units("Staff", "Services", "Workstations")
    domain.controller_names("dc1")
    # The same service name as in the first domain, under this domain's own account and key.
    domain.service("svc-sts", "Svc-Sts-Pw-1", ["HTTP/" + host])
    domain.user("olga", "Olga-Pw-1", givenname="Olga", surname="Orlova")
    # Has the name of an account of the first domain.
    domain.user("alice", "Alice-Other-Pw-1", givenname="Alice", surname="Other")
    domain.computer("OWS01", "Machine-OWS01-Pw-1")
    domain.sam.transaction_commit()
    write_keytabs(domain, host, {"olga": ["olga"], "ows01": ["OWS01$"], "other-alice": ["alice"], "other-dc1": ["DC1$"]})


def web_names(domain, host):
    return list(dict.fromkeys([host, "adfs." + domain.dns, "enterpriseregistration." + domain.dns]))


def write_keytabs(domain, host, keytabs):
    names = ["HTTP/" + name for name in web_names(domain, host)]
    # An SPN that only one domain knows cannot be exported from the other.
    known = [n for n in names if domain.sam.search(domain.base, ldb.SCOPE_SUBTREE, "(servicePrincipalName=%s)" % n, [])]
    keytabs = dict(keytabs)
    keytabs["sts"] = known[:1]
    keytabs["sts-all"] = known + ["svc-sts"]
    keytabs["svc-sts"] = ["svc-sts"]  # for outgoing LDAP the client's own name must stand first
    for name, principals in keytabs.items():
        export(domain, "%s/keytabs/%s.keytab" % (domain.directory, name), principals)


def export(domain, path, principals):
    """Export appends: write anew and put in place, so that a reader never sees a part."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    credentials = Credentials()
    credentials.guess(domain.lp)
    net = Net(credentials, domain.lp, server=None)
    part = path + ".new"
    if os.path.exists(part):
        os.unlink(part)
    for principal in principals:
        net.export_keytab(keytab=part, principal=principal)
    os.rename(part, path)


def managed_service_account(domain):
    """A computer by class, but no computer of anyone: must never be given a computer's token. Samba 4.17 does not
    derive its password, so it gets an ordinary one."""
    name = "gmsa01$"
    domain.sam.add({"dn": "CN=gmsa01,OU=Services," + domain.base, "objectClass": "msDS-GroupManagedServiceAccount",
                    "sAMAccountName": name, "dNSHostName": "gmsa01." + domain.dns, "msDS-ManagedPasswordInterval": "30",
                    "msDS-SupportedEncryptionTypes": RC4_AND_AES, "userAccountControl": str(WORKSTATION)})
    domain.password(name, "Gmsa-Gmsa01-Pw-1")


def extend_schema(domain):
    here = os.path.dirname(os.path.abspath(__file__))
    with open(here + "/../../src/cli/drs/schema-2016.ldif", encoding="ascii") as file:
        text = "".join(line for line in file if not line.startswith("#")).replace("@SCHEMA@", str(domain.sam.get_schema_basedn()))
    if domain.sam.search(str(domain.sam.get_schema_basedn()), ldb.SCOPE_ONELEVEL, "(lDAPDisplayName=msDS-KeyCredentialLink)", []):
        return
    # A part is known to the next only when it is written and the schema is read again.
    for part in text.split("dn:\nchangetype: modify\nadd: schemaUpdateNow\nschemaUpdateNow: 1\n"):
        if "changetype" in part:
            domain.ldif(part)
            domain.ldif("dn:\nchangetype: modify\nadd: schemaUpdateNow\nschemaUpdateNow: 1\n")


def device_containers(domain):
    devices = "CN=RegisteredDevices," + domain.base
    services = "CN=Device Registration Configuration,CN=Services,CN=Configuration," + domain.base
    service = "CN=DeviceRegistrationService,CN=Device Registration Services," + services
    domain.sam.add({"dn": devices, "objectClass": "msDS-DeviceContainer"})
    domain.sam.add({"dn": services, "objectClass": "container"})
    domain.sam.add({"dn": "CN=Device Registration Services," + services, "objectClass": "msDS-DeviceRegistrationServiceContainer"})
    domain.sam.add({"dn": service, "objectClass": "msDS-DeviceRegistrationService", "msDS-DeviceLocation": devices,
                    "msDS-IsEnabled": "TRUE", "msDS-RegistrationQuota": "10", "msDS-MaximumRegistrationInactivityPeriod": "90"})
    domain.sam.add({"dn": "CN=62a0ff2e-97b9-4513-943f-0d221bd30080," + services, "objectClass": "serviceConnectionPoint",
                    "keywords": ["enterpriseDrsName:enterpriseregistration." + domain.dns]})
    # The service account may make, change and delete devices, read and publish the issuer's certificates,
    # agree who sweeps, and keep users' keys.
    sid, device = domain.sid("svc-sts"), "5df2b673-6d41-4774-b3e8-d52e8ee9ff99"
    grant(domain, devices, "(OA;;CCDC;%s;;%s)(OA;CIIO;RPWPSDDTLCLORC;;%s;%s)" % (device, sid, device, sid))
    issuers, key_link, user = ("b5f1edfe-b4d2-4076-ab0f-6148342b0bf6", "5b47d60f-6090-40b2-9f37-2a4de88f3063",
                               "bf967aba-0de6-11d0-a285-00aa003049e2")
    lease = "bf967919-0de6-11d0-a285-00aa003049e2"
    grant(domain, service, "(A;;RPCRLCLORC;;;%s)(OA;;WP;%s;;%s)(OA;;WP;%s;;%s)" % (sid, issuers, sid, lease, sid))
    grant(domain, "OU=Staff," + domain.base, "(OA;CIIO;RPWP;%s;%s;%s)" % (key_link, user, sid))


def grant(domain, dn, entries):
    found = domain.sam.search(dn, ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"])[0]
    sddl = ndr_unpack(security.descriptor, found["nTSecurityDescriptor"][0]).as_sddl(security.dom_sid(domain.sam.get_domain_sid()))
    # New entries go to the front of the discretionary list, behind its flags.
    at = sddl.index("(", sddl.index("D:"))
    descriptor = security.descriptor.from_sddl(sddl[:at] + entries + sddl[at:], security.dom_sid(domain.sam.get_domain_sid()))
    domain.modify(dn, ["sd_flags:1:4"], nTSecurityDescriptor=ndr_pack(descriptor))


def objects(directory, objects_file, synced_file):
    domain = Domain(directory)
    found = domain.sam.search(domain.base, ldb.SCOPE_SUBTREE, "(|(objectClass=user)(objectClass=group))",
                              ["sAMAccountName", "objectSid", "objectGUID", "objectClass", "userAccountControl", "userPrincipalName",
                               "mS-DS-ConsistencyGuid"])
    with open(objects_file, "w", encoding="utf-8") as table, open(synced_file, "w", encoding="utf-8") as synced:
        for entry in found:
            if "sAMAccountName" not in entry:
                continue
            name, sid, guid = str(entry["sAMAccountName"][0]), ndr_unpack(security.dom_sid, entry["objectSid"][0]), entry["objectGUID"][0]
            print(name, sid, ndr_unpack(misc.GUID, guid), entry.dn, sep="\t", file=table)
            kind = kind_of(entry)
            if kind:
                anchor = entry["mS-DS-ConsistencyGuid"][0] if "mS-DS-ConsistencyGuid" in entry else guid
                upn = entry["userPrincipalName"][0] if "userPrincipalName" in entry else "%s@%s" % (name, domain.dns)
                print(kind, name, sid, base64.b64encode(guid).decode(), base64.b64encode(anchor).decode(),
                      "" if kind != "user" else upn, sep="\t", file=synced)


def duplicate_name(directory, account, name):
    """Written into the partition's own database: the modules above it refuse a name that is taken."""
    domain = Domain(directory)
    raw = ldb.Ldb("tdb://%s/private/sam.ldb.d/%s.ldb" % (directory, domain.base.upper()))
    message = ldb.Message(ldb.Dn(raw, domain.dn(account)))
    message["servicePrincipalName"] = ldb.MessageElement([name], ldb.FLAG_MOD_ADD, "servicePrincipalName")
    raw.modify(message)


def kind_of(entry):
    classes = {str(c) for c in entry["objectClass"]}
    if classes & {"msDS-GroupManagedServiceAccount", "msDS-ManagedServiceAccount"}:
        return "service"
    if "computer" in classes:
        return "controller" if int(str(entry["userAccountControl"][0])) & 0x2000 else "computer"
    return "user" if "user" in classes else None


def copy(directory, target):
    """Holds the databases' write lock while they are copied; readers and the controller's answers go on."""
    domain = Domain(directory)
    domain.sam.transaction_start()
    try:
        # By another process: closing a file that this one has open would drop its lock.
        subprocess.run(["cp", "-a", "--sparse=always", directory + "/private", directory + "/state", target], check=True)
    finally:
        domain.sam.transaction_cancel()


def main(command, directory, *arguments):
    if command == "populate-main":
        populate_main(directory, *arguments)
    elif command == "populate-other":
        populate_other(directory, *arguments)
    elif command == "keytab":
        export(Domain(directory), arguments[0], arguments[1:])
    elif command == "age":
        Domain(directory).age(*arguments)
    elif command == "duplicate-name":
        duplicate_name(directory, *arguments)
    elif command == "objects":
        objects(directory, *arguments)
    elif command == "copy":
        copy(directory, *arguments)
    else:
        sys.exit("domain.py: unknown command " + command)


if __name__ == "__main__":
    main(*sys.argv[1:])
