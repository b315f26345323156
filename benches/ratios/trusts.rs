//! Many relying parties: what reading the rules of one costs, what holding it costs, and that a request does not notice how
//! many there are.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use chancery::claims::RuleSet;
use chancery::trusts::{RelyingParty, RelyingPartyId, entra};

use crate::in_process::{answer, rst};
use crate::measure::{Candidate, interleave};
use crate::report::Report;
use crate::server::resident;
use crate::world::World;

/// Reads the rules of trusts again and again, for a profiler to look at.
pub(crate) fn profile_parsing() {
    (0..PROFILED).for_each(|number| drop(black_box(RuleSet::parse(&rules(number)).unwrap())));
}

/// Measures and reports.
pub(crate) fn figures(report: &mut Report) {
    let mut number = 0;
    let parse = || {
        number += 1;
        drop(black_box(RuleSet::parse(&rules(number)).unwrap()));
    };
    let mut text_number = 0;
    let text = || {
        text_number += 1;
        drop(black_box(rules(text_number)));
    };
    let rounds = interleave(vec![Candidate::new("parse", parse), Candidate::new("text", text)], ROUNDS);
    let parsing = rounds.microseconds("parse") - rounds.microseconds("text");
    Report::note("parse_20_rules", parsing, "us");
    report.within("parse_20_rules", parsing, 50.0);

    let few = World::with_trusts(trusts(FEW));
    let before = resident("self");
    let all = trusts(MANY);
    Report::note("memory_per_trust_of_20_rules", (resident("self") - before) / 1024.0 / MANY as f64, "KiB");
    let many = World::with_trusts(all);
    let rst = rst();
    let request = |world: &World| drop(black_box(answer(world, &world.computer, rst.as_bytes())));
    let rounds =
        interleave(vec![Candidate::new("few", || request(&few)), Candidate::new("many", || request(&many))], ROUNDS);
    report.ratio("request_among_10000_trusts", rounds.ratio("few", "many"), 0.97);
}

fn trusts(count: usize) -> Vec<Arc<RelyingParty>> {
    let trust = |number| {
        let rules = RuleSet::parse(&rules(number)).unwrap();
        let identifier = format!("https://app{number}.example/");
        Arc::new(RelyingParty {
            id: RelyingPartyId::new(identifier.as_str()),
            name: format!("Application {number}"),
            identifiers: vec![identifier],
            ..entra::with_rules(rules, Duration::from_hours(1), false)
        })
    };
    (0..count).map(trust).collect()
}

/// Twenty rules as the wizards of AD FS and administrators write them; groups, values and some patterns are this trust's own.
fn rules(number: usize) -> String {
    let mut text = String::with_capacity(8 << 10);
    for rule in 0..4 {
        let _ = write!(
            text,
            r#"@RuleTemplate = "LdapClaims"
@RuleName = "Attributes {rule}"
c:[Type == "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname", Issuer == "AD AUTHORITY"]
 => issue(store = "Active Directory", types = ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname"), query = ";mail,sn;{{0}}", param = c.Value);

@RuleName = "Member of {rule}"
c:[Type == "http://schemas.microsoft.com/ws/2008/06/identity/claims/groupsid", Value == "S-1-5-21-1004336348-1177238915-682003330-{number}{rule}", Issuer == "AD AUTHORITY"]
 => issue(Type = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role", Value = "App{number}-Role{rule}", Issuer = c.Issuer, OriginalIssuer = c.OriginalIssuer, ValueType = c.ValueType);

@RuleName = "Members by name {rule}"
c:[Type == "http://schemas.xmlsoap.org/claims/Group", Value =~ "^(?i)CORP\\APP{number}-.+{rule}$"]
 => add(Type = "urn:example:app:{rule}", Value = RegExReplace(c.Value, "^[^\\]+\\", ""));

@RuleName = "Unless outside {rule}"
EXISTS([Type == "http://schemas.microsoft.com/ws/2012/01/insidecorporatenetwork", Value == "true"])
 && c:[Type == "urn:example:app:{rule}"]
 => issue(claim = c);

@RuleName = "Pass through {rule}"
c:[Type == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", Value =~ "@corp\.example$", Issuer =~ "^(AD|LOCAL) AUTHORITY$"]
 => issue(claim = c);

"#
        );
    }
    text
}

const FEW: usize = 10;
const MANY: usize = 10_000;
const ROUNDS: usize = 15;
const PROFILED: usize = 50_000;
