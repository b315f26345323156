//! `chancery drs init`: what a directory lacks for device registration, printed for an administrator or written.

use std::fmt::Write as _;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use uuid::Uuid;

use super::connection_point::Destination;
use super::plan::{Found, Plan, Settings, UNKNOWN, Wanted};
use super::rights::Grant;
use super::schema::Schema;
use super::{Failure, Forest, PATIENCE, ldif, registration_host};
use crate::clock::SystemClock;
use crate::config::{Config, DeviceRegistration, Registry};
use crate::directory::ldap::{LdapDirectory, ObjectError, Objects};
use crate::server;

#[derive(Debug, Args)]
#[command(
    after_help = "Without --apply nothing is written: give what is printed to an administrator of the forest. What is there stays as it \
is, and is not printed.

Examples:
  chancery drs init > drs.ldif && ldapmodify -Y GSSAPI -H ldap://dc1.corp.example -f drs.ldif
  chancery drs init --entra-domain corp.example --entra-tenant 6bd1f4ee-0000-4000-8000-000000000001
  chancery drs init --schema > schema.ldif
  chancery drs init --apply --service-account svc-sts --config as-administrator.toml"
)]
pub(super) struct Init {
    /// Print the extension of the schema to that of Windows Server 2016 instead: for Samba, on the schema master. There is no
    /// way back
    #[arg(long, conflicts_with = "apply")]
    schema: bool,
    /// Write what is missing, as the account of the configuration: objects, and rights where it may give them. What it may not write is
    /// printed, and the exit status is 1
    #[arg(long)]
    apply: bool,
    /// The account that gets the rights: name, DOMAIN\name, UPN or SID; without this the one of the configuration
    #[arg(long, value_name = "ACCOUNT")]
    service_account: Option<String>,
    /// Keep keys of Windows Hello on the users below this unit; may be given several times. Whoever may write these keys may sign in as
    /// such a user: name units without administrators
    #[arg(long, value_name = "DN")]
    key_unit: Vec<String>,
    /// Devices that a user may register; 0 for any number
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    quota: u32,
    /// Days after which an unused device is swept; 15 or more, or 0 for never
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    inactivity_days: u32,
    /// Leave the service connection point out
    #[arg(long)]
    no_connection_point: bool,
    /// Lead computers of the forest to Entra, for hybrid join: a federated, verified domain
    #[arg(long, value_name = "DOMAIN", requires = "entra_tenant", conflicts_with = "no_connection_point")]
    entra_domain: Option<String>,
    /// The tenant of that domain
    #[arg(long, value_name = "ID", requires = "entra_domain")]
    entra_tenant: Option<Uuid>,
}

pub(super) async fn init(config: &Config, init: &Init, out: &mut dyn Write) -> Result<ExitCode, Failure> {
    if (1..15).contains(&init.inactivity_days) {
        return Err("--inactivity-days: the use of a device is noted every 14 days only; write 15 or more, or 0".into());
    }
    let wanted = wanted(config, init)?;
    let domain = super::domain(config)?.dns_name().to_string();
    let directory = LdapDirectory::new(server::ldap_options(config)?, Arc::new(SystemClock::new()))?;
    if init.schema {
        let read = |mut objects: Objects| async move {
            let forest = Forest::read(&mut objects).await?;
            let schema = Schema::read(&mut objects, &forest).await?;
            Ok::<_, ObjectError>((forest, schema.missing_attributes().is_empty()))
        };
        let (forest, complete) = directory.work(&domain, PATIENCE, read).await?;
        let text = if complete { NOTHING.to_owned() } else { schema_extension(&forest) };
        write!(out, "{text}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let (account, looked_for) = (init.service_account.clone(), wanted.clone());
    let read = |mut objects: Objects| async move { Found::read(&mut objects, account.as_deref(), &looked_for).await };
    let found = directory.work(&domain, PATIENCE, read).await?;
    if !wanted.key_units.is_empty() && !found.has_keys {
        return Err("--key-unit: the schema has no msDS-KeyCredentialLink; --schema prints the extension".into());
    }
    let plan = found.plan(&wanted)?;
    if plan.is_empty() {
        write!(out, "{NOTHING}")?;
        return Ok(ExitCode::SUCCESS);
    }
    if !init.apply {
        write!(out, "{}", printed(&plan, &found))?;
        return Ok(ExitCode::SUCCESS);
    }
    let known = found.account.sid.is_some();
    let write = move |mut objects: Objects| async move { apply(&mut objects, plan, known).await };
    let (done, left) = directory.work(&domain, PATIENCE, write).await?;
    for line in done {
        writeln!(out, "{line}")?;
    }
    if left.is_empty() {
        writeln!(out, "`chancery drs check` says what else is missing.")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "An administrator must write the rest; this account may not:\n\n{}", printed(&left, &found))?;
    Ok(ExitCode::FAILURE)
}

fn wanted(config: &Config, init: &Init) -> Result<Wanted, Failure> {
    let destination = match (init.no_connection_point, &init.entra_domain, init.entra_tenant) {
        (true, ..) => None,
        (false, Some(domain), Some(tenant)) => Some(to_entra(config, domain, tenant)?),
        (false, ..) => Some(Destination::Here {
            host: registration_host(config)?,
            names: DeviceRegistration::host_names(config).iter().map(ToString::to_string).collect(),
        }),
    };
    let keeps_devices = config.device_registration.registry == Registry::ActiveDirectory;
    let settings = Settings { quota: init.quota, inactivity_days: init.inactivity_days };
    Ok(Wanted { destination, devices: keeps_devices.then_some(settings), key_units: init.key_unit.clone() })
}

/// Only to a domain by which Windows takes the join for federated.
fn to_entra(config: &Config, domain: &str, tenant: Uuid) -> Result<Destination, Failure> {
    let domain = domain.to_ascii_lowercase();
    if domain.ends_with(".onmicrosoft.com") {
        return Err(format!("--entra-domain: {domain} is never federated; name a federated, verified domain").into());
    }
    let is_federated = config.entra.domains.iter().any(|own| own.name.as_str() == domain);
    if config.entra.enabled && !is_federated {
        return Err(format!("--entra-domain: {domain} is no domain of `[[entra.domains]]`").into());
    }
    Ok(Destination::Entra { domain, tenant })
}

/// Writes a plan; what was done, line by line, and what this account may not do. `known`: whether it is known who gets the rights.
async fn apply(objects: &mut Objects, plan: Plan, known: bool) -> Result<(Vec<String>, Plan), ObjectError> {
    let (mut done, mut left) = (Vec::new(), Plan::default());
    for change in plan.changes {
        match objects.change(&change).await {
            Ok(()) => done.push(format!("made    {}", change.name())),
            Err(ObjectError::Exists { name }) => done.push(format!("kept    {name}")),
            // One that names an object which is left cannot be made either, whatever the directory calls that.
            Err(ObjectError::Refused { .. }) if !left.is_empty() => left.changes.push(change),
            Err(error) if is_not_ours(&error) => left.changes.push(change),
            Err(error) => return Err(error),
        }
    }
    for grant in plan.grants {
        if !known {
            left.grants.push(grant);
            continue;
        }
        match grant.write(objects).await {
            Ok(()) => done.push(format!("granted {}: {}", grant.name, grant.what)),
            Err(error) if is_not_ours(&error) => left.grants.push(grant),
            Err(error) => return Err(error),
        }
    }
    Ok((done, left))
}

/// For an administrator to do: what this account may not, and what stands below an object that it may not make.
const fn is_not_ours(error: &ObjectError) -> bool {
    matches!(error, ObjectError::NotFound { .. } | ObjectError::Refused { code: INSUFFICIENT_ACCESS_RIGHTS, .. })
}

/// A plan as LDIF, and its rights as comments behind it.
fn printed(plan: &Plan, found: &Found) -> String {
    let mut text: String = plan.changes.iter().map(ldif::of).collect();
    if !plan.grants.is_empty() {
        text.push_str(&rights(&plan.grants, found));
    }
    text
}

fn rights(grants: &[Grant], found: &Found) -> String {
    let account = &found.account;
    let unknown = if account.sid.is_none() { "; write its SID for SID" } else { "" };
    let mut text = format!("# Rights of the service account, {}{unknown}. On Samba:\n", account.name);
    for Grant { name, what, entries } in grants {
        let sddl: String = entries.iter().map(ToString::to_string).collect();
        let sddl = sddl.replace(&format!(";{UNKNOWN})"), ";SID)");
        let name = name.replace('\'', "'\\''");
        let _ = writeln!(text, "#   {what}\n# samba-tool dsacl set --objectdn='{name}' --sddl='{sddl}'");
    }
    text.push_str(
        "# On Windows and Samba alike: `chancery drs init --apply --service-account ACCOUNT` with a configuration that binds as an administrator.\n",
    );
    text
}

fn schema_extension(forest: &Forest) -> String {
    SCHEMA.replace("@SCHEMA@", &forest.schema)
}

const SCHEMA: &str = include_str!("schema-2016.ldif");
const NOTHING: &str = "# Nothing is missing.\n";
const INSUFFICIENT_ACCESS_RIGHTS: u32 = 50;

#[cfg(test)]
mod tests {
    use super::super::plan::tests::{fresh, wanted};
    use super::*;

    #[test]
    fn the_ldif_is_the_references() {
        let found = fresh();
        let plan = found.plan(&wanted()).unwrap();
        insta::assert_snapshot!(printed(&plan, &found));
    }

    #[test]
    fn an_account_that_is_not_known_is_left_to_the_reader() {
        let mut found = fresh();
        found.account.sid = None;
        let plan = found.plan(&wanted()).unwrap();
        let text = printed(&plan, &found);
        assert!(text.contains("write its SID for SID. On Samba") && text.contains(";;SID)'"), "{text}");
        assert!(!text.contains(&UNKNOWN.to_string()), "{text}");
    }

    #[test]
    fn names_are_quoted_for_the_shell() {
        let mut found = fresh();
        found.forest.domain = String::from("DC=o'brien");
        let unit = Wanted { key_units: vec![String::from("OU=O'Brien")], ..wanted() };
        let text = printed(&found.plan(&unit).unwrap(), &found);
        assert!(text.contains(r"--objectdn='OU=O'\''Brien'"), "{text}");
    }

    /// The schema is the forest's, and not below a domain that is a child.
    #[test]
    fn the_schema_is_extended_where_it_is() {
        let text = schema_extension(&fresh().forest);
        assert!(text.contains("dn: CN=ms-DS-Device,CN=Schema,CN=Configuration,DC=forest,DC=example\n"), "{text}");
        assert!(!text.contains("DC=corp") && !text.contains('@'), "{text}");
    }
}
