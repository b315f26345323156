//! Domain controllers, each by itself: does LDAP answer, does Kerberos, and what time is it there?

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::service::difference;
use super::srv::Dns;
use super::{Failure, Way};
use crate::cli::finding::Finding;
use crate::cli::finding::catalogue::{CONTROLLER_KERBEROS, CONTROLLER_LDAP, CONTROLLER_LIST};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, Domain};
use crate::directory::codec::generalized_time;
use crate::directory::ldap::{LdapDirectory, LdapOptions, ObjectError};
use crate::kerberos::sign_of_life::kdc_answers;
use crate::server;

/// Every controller of every domain: those that are configured, and those that DNS lists.
pub(super) async fn look(config: &Config, way: &Way) -> Vec<Finding> {
    let domains = config.domains.iter().map(|domain| of_domain(config, domain, way));
    futures_util::future::join_all(domains).await.into_iter().flatten().collect()
}

async fn of_domain(config: &Config, domain: &Domain, way: &Way) -> Vec<Finding> {
    let mut hosts: Vec<String> =
        domain.domain_controllers.iter().map(|host| host.as_str().to_ascii_lowercase()).collect();
    let name = domain.dns_name().to_string();
    let listed = match Dns::new(way.dns_server, way.timeout) {
        Ok(dns) => dns.controllers(&name).await.map_err(|error| {
            if error.is_no_records_found() { String::from("DNS lists none") } else { error.to_string() }
        }),
        Err(error) => Err(error.to_string()),
    };
    let mut findings = vec![match &listed {
        Ok(listed) => compare(&name, &hosts, listed),
        Err(reason) => Finding::not_checked(
            CONTROLLER_LIST,
            format!("which domain controllers {name} has is not known: {reason}"),
            "ask a DNS server that serves the domain: --dns-server ADDRESS:53",
        ),
    }];
    for host in listed.unwrap_or_default() {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    let looks = hosts.iter().map(|host| one(config, domain, host, way.timeout));
    findings.extend(futures_util::future::join_all(looks).await.into_iter().flatten());
    findings
}

/// What is configured against what DNS lists.
fn compare(domain: &str, configured: &[String], listed: &[String]) -> Finding {
    let (configured, listed): (BTreeSet<_>, BTreeSet<_>) = (configured.iter().collect(), listed.iter().collect());
    let names = |one: &BTreeSet<&String>, other: &BTreeSet<&String>| {
        one.difference(other).map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (gone, new) = (names(&configured, &listed), names(&listed, &configured));
    if gone.is_empty() && new.is_empty() {
        return Finding::ok(CONTROLLER_LIST, format!("`domain_controllers` of {domain} are those that DNS lists"));
    }
    let mut what = format!("DNS and `domain_controllers` of {domain} differ:");
    if !gone.is_empty() {
        let _ = write!(what, " DNS does not list {gone};");
    }
    if !new.is_empty() {
        let _ = write!(what, " the configuration does not list {new};");
    }
    let fix = "list the controllers near this server, at least two; take out those that are gone";
    Finding::warning(CONTROLLER_LIST, what.trim_end_matches(';'), fix)
}

async fn one(config: &Config, domain: &Domain, host: &str, timeout: Duration) -> Vec<Finding> {
    let (ldap, kerberos) = tokio::join!(ldap(config, domain, host, timeout), kerberos(domain, host, timeout));
    let mut findings = ldap;
    findings.push(kerberos);
    findings
}

async fn kerberos(domain: &Domain, host: &str, timeout: Duration) -> Finding {
    let clock = SystemClock::new();
    let began = clock.monotonic();
    let asked = async {
        let mut addresses = tokio::net::lookup_host((host, 88)).await?;
        let address = addresses.next().ok_or_else(|| std::io::Error::other("it has no address"))?;
        kdc_answers(address, domain.realm.as_str(), timeout).await
    };
    let answer = tokio::time::timeout(timeout, asked).await.unwrap_or_else(|_| {
        Err(std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            format!("no answer within {} seconds", timeout.as_secs()),
        ))
    });
    match answer {
        Ok(()) => {
            let took = clock.monotonic().saturating_sub(began).as_millis();
            Finding::ok(CONTROLLER_KERBEROS, format!("{host} answers Kerberos in {took} ms"))
        }
        Err(error) => Finding::error(
            CONTROLLER_KERBEROS,
            format!("{host} does not answer Kerberos: {error}"),
            "start the controller, or let TCP port 88 through; take it out of `domain_controllers` if it is gone",
        ),
    }
}

async fn ldap(config: &Config, domain: &Domain, host: &str, timeout: Duration) -> Vec<Finding> {
    let clock = SystemClock::new();
    let began = clock.monotonic();
    let asked = tokio::time::timeout(timeout, time_of(config, domain, host, timeout)).await;
    let answer = asked.unwrap_or_else(|_| Err(format!("no answer within {} seconds", timeout.as_secs()).into()));
    let took = clock.monotonic().saturating_sub(began);
    match answer {
        Ok(time) => {
            let mut findings =
                vec![Finding::ok(CONTROLLER_LDAP, format!("{host} answers LDAP in {} ms", took.as_millis()))];
            findings.extend(
                time.and_then(|text| generalized_time(&text))
                    .map(|there| difference(host, there.unix_seconds(), clock.now(), took)),
            );
            findings
        }
        Err(error) => vec![Finding::error(
            CONTROLLER_LDAP,
            format!("{host} does not answer LDAP: {error}"),
            format!(
                "start the controller, let TCP port {} through, and see that its certificate names it and chains to \
                 `domains.ldap.ca_file`; `result 49` or `credential` is about the server's own account",
                domain.ldap.port()
            ),
        )],
    }
}

/// Signs in to one controller as the server does, and reads its time.
async fn time_of(config: &Config, domain: &Domain, host: &str, timeout: Duration) -> Result<Option<String>, Failure> {
    let LdapOptions { domains, mut limits } = server::ldap_options(config)?;
    let name = domain.dns_name().to_string();
    let mut only = domains.into_iter().find(|one| one.dns_name == name).ok_or("the domain is not configured")?;
    only.servers = vec![format!("{host}:{}", domain.ldap.port()).parse()?];
    limits.connections_per_server = 1;
    limits.question_timeout = timeout;
    let directory = LdapDirectory::new(LdapOptions { domains: vec![only], limits }, Arc::new(SystemClock::new()))?;
    let root = directory.work(&name, timeout, |mut objects| async move { objects.read("", &["currentTime"]).await });
    let root = root.await.map_err(|error: ObjectError| error.to_string())?;
    Ok(root.and_then(|root| root.attributes.text("currentTime").map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::finding::Level;

    #[test]
    fn controllers_that_one_side_does_not_know() {
        let hosts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let same = compare("corp.example", &hosts(&["b", "a"]), &hosts(&["a", "b"]));
        assert_eq!(same.level, Level::Ok);
        let other = compare("corp.example", &hosts(&["a", "gone"]), &hosts(&["a", "new"]));
        assert_eq!(other.level, Level::Warning);
        assert!(other.what.contains("DNS does not list gone; the configuration does not list new"), "{}", other.what);
    }
}
