//! `chancery policies`: shows access control policies, as they are written and as the claim rules they become.
//!
//! Reads the configuration, changes nothing and reaches no network. Built-in policies need no configuration.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::ConfigArgument;
use crate::claims::policy::{CompiledPolicy, Found, Parameters, Policies, Policy, normal_name};
use crate::claims::{RuleSet, rules};
use crate::config::Loaded;
use crate::trusts::{Authorization, RelyingParty, TrustLookup};

/// Show access control policies and the claim rules they become
#[derive(Debug, Args)]
pub(super) struct PoliciesCommand {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the policies: AD FS' own, and those of the configuration
    List,
    /// Show a policy, and the rules it becomes
    Show(Show),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  chancery policies show permit-everyone-and-require-mfa
  chancery policies show permit-specific-group --parameter groups=S-1-5-21-1004336348-1177238915-682003330-512
  chancery policies show --relying-party urn:example:rp")]
struct Show {
    /// The policy: this product's name or AD FS' name
    #[arg(required_unless_present = "relying_party")]
    name: Option<String>,
    /// A value of a parameter; give the option again for each further value
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter, conflicts_with = "relying_party")]
    parameter: Vec<(String, String)>,
    /// Show what decides about tokens for this relying party instead, by one of its identifiers
    #[arg(long, value_name = "IDENTIFIER", conflicts_with = "name")]
    relying_party: Option<String>,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(String::from("write NAME=VALUE, like groups=S-1-5-32-544")),
    }
}

impl PoliciesCommand {
    pub(super) fn run(self) -> ExitCode {
        match self.execute(&mut std::io::stdout().lock()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("chancery policies: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn execute(&self, out: &mut dyn Write) -> Result<(), Box<dyn std::error::Error>> {
        match &self.what {
            What::List => self.list(out),
            What::Show(Show { relying_party: Some(identifier), .. }) => {
                let loaded = self.config.load()?;
                match loaded.trusts.relying_party(identifier) {
                    TrustLookup::Enabled(trust) | TrustLookup::Disabled(trust) => Ok(show_trust(trust, &loaded, out)?),
                    TrustLookup::Unknown => Err(format!("no relying party has the identifier `{identifier}`").into()),
                }
            }
            What::Show(show) => self.show(show, out),
        }
    }

    fn list(&self, out: &mut dyn Write) -> Result<(), Box<dyn std::error::Error>> {
        let built_in = Policies::default();
        for policy in built_in.iter() {
            line(policy, out)?;
        }
        let Some(loaded) = self.config.loader().load().loaded else {
            writeln!(out, "\nThe configuration cannot be used, so its own policies are not listed.")?;
            return Ok(());
        };
        for policy in &loaded.config.access_control_policies {
            line(policy, out)?;
        }
        Ok(())
    }

    fn show(&self, show: &Show, out: &mut dyn Write) -> Result<(), Box<dyn std::error::Error>> {
        let name = show.name.as_deref().unwrap_or_default();
        let built_in = Policies::default();
        if let Some(Found::BuiltIn(policy)) = built_in.find(name) {
            return show_policy(policy, &show.parameter, out);
        }
        let loaded = self.config.load()?;
        let policies = Policies::new(loaded.config.access_control_policies.clone());
        match policies.find(name) {
            Some(found) => show_policy(found.policy(), &show.parameter, out),
            None => {
                Err(format!("there is no access control policy `{name}`; `chancery policies list` shows all").into())
            }
        }
    }
}

fn line(policy: &Policy, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{}", normal_name(&policy.name))?;
    let parameters = policy.parameters();
    let parameters =
        if parameters.is_empty() { String::new() } else { format!(" Parameters: {}.", parameters.join(", ")) };
    writeln!(out, "    {}: {}{parameters}", policy.name, policy.description)
}

fn show_policy(
    policy: &Policy,
    given: &[(String, String)],
    out: &mut dyn Write,
) -> Result<(), Box<dyn std::error::Error>> {
    #[derive(serde::Serialize)]
    struct File<'a> {
        access_control_policies: [&'a Policy; 1],
    }
    writeln!(out, "{}", toml::to_string(&File { access_control_policies: [policy] })?)?;
    let parameters = given
        .iter()
        .fold(Parameters::default(), |all, (name, value)| all.with(name.clone(), std::iter::once(value.clone())));
    if parameters.is_empty() && !policy.parameters().is_empty() {
        let names = policy.parameters().join(", ");
        writeln!(out, "# The rules depend on the parameters {names}: give them with --parameter NAME=VALUE.")?;
        return Ok(());
    }
    let compiled = policy.compile(&parameters).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(|problem| problem.kind.to_string()).collect();
        problems.join("; ")
    })?;
    show_rules(&compiled, out)?;
    Ok(())
}

fn show_rules(policy: &CompiledPolicy, out: &mut dyn Write) -> std::io::Result<()> {
    authorization(policy.authorization.text(), out)?;
    match &policy.additional_authentication {
        Some(rules) => additional_authentication("Additional authentication rules", rules, out)?,
        None => writeln!(out, "# No additional authentication rules: nobody is asked for a second factor.")?,
    }
    if !policy.networks.is_empty() {
        writeln!(
            out,
            "\n# The claims client-network and presented-network are made for each request: one for each network above that\n\
             # the client's address lies in, or any address that the request presents."
        )?;
    }
    Ok(())
}

fn show_trust(trust: &RelyingParty, loaded: &Loaded, out: &mut dyn Write) -> std::io::Result<()> {
    let policy = trust.access_control_policy.as_ref().map_or("none", |policy| policy.name.as_str());
    writeln!(out, "# {} ({}); access control policy: {policy}\n", trust.name, trust.id)?;
    match &trust.authorization {
        Authorization::PermitEveryone => authorization(rules::PERMIT_EVERYONE, out)?,
        Authorization::Rules(rules) => authorization(rules.text(), out)?,
        Authorization::Nobody => writeln!(out, "# No authorization rules: nobody gets a token.\n")?,
    }
    let mut any = false;
    for rules in loaded.trusts.additional_authentication(trust) {
        any = true;
        additional_authentication("Additional authentication rules; any set may ask", rules, out)?;
    }
    if !any {
        writeln!(out, "# No additional authentication rules: nobody is asked for a second factor.")?;
    }
    Ok(())
}

fn authorization(rules: &str, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "# Issuance authorization rules\n\n{rules}")
}

fn additional_authentication(title: &str, rules: &RuleSet, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "# {title}\n\n{}", rules.text())
}
