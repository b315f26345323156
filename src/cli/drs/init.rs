//! The objects and rights that device registration needs, as LDIF and commands.

use std::fmt::Write as _;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::{DEVICE_CLASS, Failure, Forest, ISSUERS, KEY_LINK, LEASE, PATIENCE, USER_CLASS, preferred_host};
use crate::clock::SystemClock;
use crate::config::{Config, LdapBind};
use crate::directory::ldap::{LdapDirectory, ObjectChange, ObjectError, Objects};
use crate::server;

#[derive(Debug, Args)]
#[command(after_help = "Without --apply nothing is written: give what is printed to an administrator of the forest.

Examples:
  chancery drs init > drs.ldif && ldapmodify -Y GSSAPI -H ldap://dc1.corp.example -f drs.ldif
  chancery drs init --schema > schema.ldif
  chancery drs init --apply")]
pub(super) struct Init {
    /// Print the extension of the schema to that of Windows Server 2016 instead: for Samba, on the schema master. There is no
    /// way back
    #[arg(long, conflicts_with = "apply")]
    schema: bool,
    /// Write the objects that are missing, as the service account; rights are never written
    #[arg(long)]
    apply: bool,
    /// Devices that a user may register; 0 for any number
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    quota: u32,
    /// Days after which an unused device is swept; 15 or more, or 0 for never
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    inactivity_days: u32,
    /// Leave the service connection point out: computers of the forest join Entra
    #[arg(long)]
    no_connection_point: bool,
}

pub(super) async fn init(config: &Config, init: &Init, out: &mut dyn Write) -> Result<ExitCode, Failure> {
    if (1..15).contains(&init.inactivity_days) {
        return Err("--inactivity-days: the use of a device is noted every 14 days only; write 15 or more, or 0".into());
    }
    let domain = super::domain(config)?;
    let name = domain.dns_name().to_string();
    let base = domain.base_dn();
    if init.schema {
        write!(out, "{}", SCHEMA.replace("@BASE@", &base))?;
        return Ok(ExitCode::SUCCESS);
    }
    let host = preferred_host(config)?;
    let directory = LdapDirectory::new(server::ldap_options(config)?, Arc::new(SystemClock::new()))?;
    // The configuration partition is the forest's, which need not be below this domain.
    let read = |mut objects: Objects| async move { Forest::read(&mut objects).await };
    let forest = directory.work(&name, PATIENCE, read).await?;
    let wanted = objects(&forest, init, &host);
    if !init.apply {
        for change in &wanted {
            write!(out, "{}", ldif(change))?;
        }
        write!(out, "{}", rights(&forest, &account(&domain.ldap.bind)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let write = |mut objects: Objects| async move {
        let mut done = Vec::new();
        for change in wanted {
            match objects.change(&change).await {
                Ok(()) => done.push(format!("made    {}", change.name())),
                Err(ObjectError::Exists { name }) => done.push(format!("kept    {name}")),
                Err(error) => return Err(error),
            }
        }
        Ok::<_, ObjectError>(done)
    };
    for line in directory.work(&name, PATIENCE, write).await? {
        writeln!(out, "{line}")?;
    }
    writeln!(
        out,
        "`chancery drs check` says what else is missing; rights are for an administrator: `chancery drs init`"
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The objects, each below one that stands before it.
fn objects(forest: &Forest, init: &Init, host: &str) -> Vec<ObjectChange> {
    let add = |name: String, class: &str, attributes: &[(&str, String)]| ObjectChange::Add {
        name,
        attributes: [("objectClass", class.to_owned())]
            .iter()
            .chain(attributes)
            .map(|(name, value)| ((*name).to_owned(), vec![value.clone().into_bytes()]))
            .collect(),
    };
    let mut objects = vec![
        add(forest.devices(), "msDS-DeviceContainer", &[]),
        add(forest.registration(), "container", &[]),
        add(forest.services(), "msDS-DeviceRegistrationServiceContainer", &[]),
        add(
            forest.service(),
            "msDS-DeviceRegistrationService",
            &[
                ("msDS-DeviceLocation", forest.devices()),
                ("msDS-IsEnabled", String::from("TRUE")),
                ("msDS-RegistrationQuota", init.quota.to_string()),
                ("msDS-MaximumRegistrationInactivityPeriod", init.inactivity_days.to_string()),
            ],
        ),
    ];
    if !init.no_connection_point {
        let keywords = format!("enterpriseDrsName:{host}");
        objects.push(add(forest.connection_point(), "serviceConnectionPoint", &[("keywords", keywords)]));
    }
    objects
}

/// An added object as LDIF. All values are plain text.
fn ldif(change: &ObjectChange) -> String {
    let ObjectChange::Add { name, attributes } = change else { return String::new() };
    let mut text = format!("dn: {name}\nchangetype: add\n");
    for (attribute, values) in attributes {
        for value in values {
            let _ = writeln!(text, "{attribute}: {}", String::from_utf8_lossy(value));
        }
    }
    text.push('\n');
    text
}

/// The rights of the service account, as comments behind the LDIF.
fn rights(forest: &Forest, account: &str) -> String {
    let device = format!("(OA;;CCDC;{DEVICE_CLASS};;SID)(OA;CIIO;RPWPSDDTLCLORC;;{DEVICE_CLASS};SID)");
    let rights = [
        (forest.devices(), device, "create, change and delete devices"),
        (
            forest.service(),
            format!("(A;;RPCRLCLORC;;;SID)(OA;;WP;{ISSUERS};;SID)(OA;;WP;{LEASE};;SID)"),
            "read the service, publish the authority, agree with other servers on who sweeps",
        ),
        (
            forest.domain.clone(),
            format!("(OA;CIIO;RPWP;{KEY_LINK};{USER_CLASS};SID)"),
            "keep keys of Windows Hello on users; leave it out where nobody uses them, or give it on a unit of users",
        ),
    ];
    let mut text = format!("# Rights of the service account, {account}; write its SID for SID. On Samba:\n");
    for (name, sddl, what) in rights {
        let _ = writeln!(text, "#   {what}\n# samba-tool dsacl set --objectdn='{name}' --sddl='{sddl}'");
    }
    text.push_str("# On Windows add the same entries with Set-Acl, or by the security page of each object.\n");
    text
}

fn account(bind: &LdapBind) -> String {
    match bind {
        LdapBind::Simple(simple) => simple.user.clone(),
        LdapBind::Gssapi(gssapi) => {
            gssapi.principal.clone().unwrap_or_else(|| String::from("the first principal of its keytab"))
        }
    }
}

const SCHEMA: &str = include_str!("schema-2016.ldif");

#[cfg(test)]
mod tests {
    use super::*;

    fn forest() -> Forest {
        Forest {
            domain: String::from("DC=corp,DC=example"),
            configuration: String::from("CN=Configuration,DC=corp,DC=example"),
            schema: String::from("CN=Schema,CN=Configuration,DC=corp,DC=example"),
        }
    }

    fn init() -> Init {
        Init { schema: false, apply: false, quota: 10, inactivity_days: 90, no_connection_point: false }
    }

    #[test]
    fn the_ldif_is_the_references() {
        let text: String =
            objects(&forest(), &init(), "enterpriseregistration.corp.example").iter().map(ldif).collect();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn without_connection_point_there_is_none() {
        let some = objects(&forest(), &Init { no_connection_point: true, ..init() }, "x").len();
        assert_eq!(some + 1, objects(&forest(), &init(), "x").len());
    }

    #[test]
    fn rights_name_what_the_account_needs() {
        insta::assert_snapshot!(rights(&forest(), "svc-sts@CORP.EXAMPLE"));
    }
}
