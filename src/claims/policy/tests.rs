//! Every template and every kind of condition against what they mean.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::sync::Arc;

use super::*;
use crate::claims::store::{AttributeStore, QueryContext, RequestStores, Rows, StoreError, StoreQuery, StoreSet};
use crate::claims::types::{self, issuer};
use crate::claims::{
    Authorization, Claim, ClaimSet, Limits, MULTIPLE_AUTHENTICATION, NoTrace, Text, asks_second_factor, authorize,
};

const SALES: &str = "S-1-5-21-1-2-3-1110";
const OTHER: &str = "S-1-5-21-1-2-3-11101";
const COMPUTERS: &str = "S-1-5-21-1-2-3-515";

/// What a policy says to a request: permitted, asked for a second factor, or denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Permit,
    Ask,
    Deny,
}
use Answer::{Ask, Deny, Permit as Yes};

/// Answers the names of groups as the directory does.
struct GroupNames;

#[async_trait::async_trait]
impl AttributeStore for GroupNames {
    async fn query(&self, _: &QueryContext<'_>, query: &StoreQuery, params: &[Text]) -> Result<Rows, StoreError> {
        assert_eq!(&**query.text(), ";tokenGroups(domainQualifiedName);{0}");
        assert_eq!(&*params[0], "CORP\\alice");
        Ok(Rows(vec![vec![Some("CORP\\Sales".into())], vec![Some("CORP\\Sales.EMEA".into())]]))
    }
}

/// As the issue path asks: first whether more is needed, then whether it is permitted.
async fn ask(policy: &CompiledPolicy, claims: &[Claim]) -> Answer {
    let stores = StoreSet::new().with("Active Directory", Arc::new(GroupNames));
    let context = QueryContext::default();
    let (stores, limits) = (RequestStores::new(&stores, context), Limits::default());
    let mut input = ClaimSet::from(vec![Claim::new(types::WINDOWS_ACCOUNT_NAME, "CORP\\alice", issuer::AD_AUTHORITY)]);
    input.extend(claims.iter().cloned());
    let has_second_factor = input.contains(types::AUTHN_METHODS_REFERENCES, MULTIPLE_AUTHENTICATION);
    if let Some(rules) = &policy.additional_authentication
        && asks_second_factor(rules, &input, &stores, &limits, &mut NoTrace).await.unwrap()
        && !has_second_factor
    {
        return Ask;
    }
    match authorize(&policy.authorization, &input, &stores, &limits, &mut NoTrace).await.unwrap() {
        Authorization::Permit => Yes,
        Authorization::Deny(_) => Deny,
    }
}

fn built_in(name: &str) -> CompiledPolicy {
    let policies = Policies::default();
    let policy = policies.find(name).unwrap_or_else(|| panic!("{name}")).policy();
    let mut parameters = Parameters::default();
    if !policy.parameters().is_empty() {
        parameters = parameters.with("groups", [SALES.to_owned(), "S-1-5-21-1-2-3-1111".to_owned()]);
    }
    policy.compile(&parameters).unwrap()
}

fn own(permit: &str) -> Result<CompiledPolicy, Vec<PolicyProblem>> {
    let policy: Policy =
        toml::from_str(&format!("name = \"own\"\npermit = {permit}")).unwrap_or_else(|e| panic!("{e}"));
    policy.compile(&Parameters::default())
}

// Claims that requests bring.

fn inside() -> Claim {
    Claim::new(types::INSIDE_CORPORATE_NETWORK, "true", issuer::CLIENT_CONTEXT)
}

fn outside() -> Claim {
    Claim::new(types::INSIDE_CORPORATE_NETWORK, "false", issuer::CLIENT_CONTEXT)
}

fn mfa() -> Claim {
    Claim::new(types::AUTHN_METHODS_REFERENCES, MULTIPLE_AUTHENTICATION, issuer::AD_AUTHORITY)
}

fn group(sid: &str) -> Claim {
    Claim::new(types::GROUP_SID, sid, issuer::AD_AUTHORITY)
}

fn device(claim_type: &str, value: &str) -> Claim {
    Claim::new(claim_type, value, issuer::SELF_AUTHORITY)
}

fn windows(endpoint: &str) -> [Claim; 2] {
    let method = "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/windows";
    [
        Claim::new(types::AUTHN_METHODS_REFERENCES, method, issuer::AD_AUTHORITY),
        Claim::new(types::X_MS_ENDPOINT_ABSOLUTE_PATH, endpoint, issuer::CLIENT_CONTEXT),
    ]
}

fn audience(identifier: &str) -> Claim {
    Claim::new(types::RELYING_PARTY_TRUST_ID, identifier, issuer::CLIENT_CONTEXT)
}

fn client(network: &str) -> Claim {
    Claim::new(types::CLIENT_NETWORK, network, issuer::CLIENT_CONTEXT)
}

fn presented(network: &str) -> Claim {
    Claim::new(types::PRESENTED_NETWORK, network, issuer::CLIENT_CONTEXT)
}

/// The same claim, stated by a partner.
fn foreign(claim: Claim) -> Claim {
    let partner = Text::from("urn:partner:idp");
    Claim { issuer: partner.clone(), original_issuer: partner, ..claim }
}

async fn table(policy: &CompiledPolicy, rows: &[(&str, Vec<Claim>, Answer)]) {
    for (what, claims, expected) in rows {
        assert_eq!(ask(policy, claims).await, *expected, "{what}\n{}", policy.authorization.text());
    }
}

#[tokio::test]
async fn permit_everyone() {
    let policy = built_in("Permit everyone");
    assert!(policy.permits_everyone && policy.additional_authentication.is_none());
    table(&policy, &[("nobody special", vec![], Yes), ("outside", vec![outside()], Yes)]).await;
}

#[tokio::test]
async fn permit_everyone_and_require_mfa() {
    let policy = built_in("Permit everyone and require MFA");
    assert!(!policy.permits_everyone);
    table(
        &policy,
        &[
            ("without", vec![], Ask),
            ("inside without", vec![inside(), group(SALES)], Ask),
            ("with", vec![mfa()], Yes),
            ("a computer", [vec![group(COMPUTERS)], at_windows_endpoint().to_vec()].concat(), Ask),
        ],
    )
    .await;
}

#[tokio::test]
async fn permit_everyone_and_require_mfa_for_specific_group() {
    let policy = built_in("Permit everyone and require MFA for specific group");
    table(
        &policy,
        &[
            ("no member", vec![], Yes),
            ("a member of a group whose SID begins so", vec![group(OTHER)], Yes),
            ("a member", vec![group(SALES)], Ask),
            ("a member of the second group", vec![group("S-1-5-21-1-2-3-1111")], Ask),
            ("a member with", vec![group(SALES), mfa()], Yes),
            ("no member with", vec![mfa()], Yes),
            ("a member by a partner's word", vec![foreign(group(SALES))], Yes),
        ],
    )
    .await;
}

#[tokio::test]
async fn permit_everyone_and_require_mfa_from_extranet_access() {
    let policy = built_in("Permit everyone and require MFA from extranet access");
    table(
        &policy,
        &[
            ("inside", vec![inside()], Yes),
            ("outside", vec![outside()], Ask),
            ("nobody knows where", vec![], Ask),
            ("outside with", vec![outside(), mfa()], Yes),
            ("inside with", vec![inside(), mfa()], Yes),
            ("inside by a partner's word", vec![outside(), foreign(inside())], Ask),
        ],
    )
    .await;
}

#[tokio::test]
async fn permit_everyone_and_require_mfa_from_unauthenticated_devices() {
    let policy = built_in("Permit everyone and require MFA from unauthenticated devices");
    table(
        &policy,
        &[
            ("no device", vec![inside()], Ask),
            ("no device with", vec![mfa()], Yes),
            ("a registered user's device", vec![device(types::DEVICE_IS_REGISTERED_USER, "true")], Yes),
            ("a known device", vec![device(types::DEVICE_IS_KNOWN, "True")], Yes),
            ("somebody else's device", vec![device(types::DEVICE_IS_REGISTERED_USER, "false")], Ask),
            ("a managed device alone", vec![device(types::DEVICE_IS_MANAGED, "true")], Ask),
            ("by a partner's word", vec![foreign(device(types::DEVICE_IS_KNOWN, "true"))], Ask),
        ],
    )
    .await;
}

#[tokio::test]
async fn permit_everyone_and_require_mfa_allow_automatic_device_registration() {
    let policy = built_in("Permit everyone and require MFA, allow automatic device registration");
    assert!(policy.needs_computer_guard);
    let computer = |more: &[Claim]| [vec![group(COMPUTERS)], more.to_vec()].concat();
    let password = [
        Claim::new(types::AUTHN_METHODS_REFERENCES, "password", issuer::AD_AUTHORITY),
        at_windows_endpoint()[1].clone(),
    ];
    table(
        &policy,
        &[
            ("a user", at_windows_endpoint().to_vec(), Ask),
            ("a user with", [at_windows_endpoint().to_vec(), vec![mfa()]].concat(), Yes),
            ("a computer", computer(&at_windows_endpoint()), Yes),
            ("a computer, older protocol", computer(&windows("/adfs/services/trust/2005/windowstransport")), Yes),
            ("a computer at another endpoint", computer(&windows("/adfs/services/trust/13/usernamemixed")), Ask),
            ("a computer with a password", computer(&password), Ask),
            (
                "a group that ends alike",
                [vec![group("S-1-5-21-1-2-3-1515")], at_windows_endpoint().to_vec()].concat(),
                Ask,
            ),
            ("by a partner's word", [vec![foreign(group(COMPUTERS))], at_windows_endpoint().to_vec()].concat(), Ask),
            (
                "a user at the registration service",
                [windows("/adfs/oauth2/authorize").to_vec(), vec![audience(DRS)]].concat(),
                Yes,
            ),
            (
                "the registration service by a partner's word",
                [windows("/adfs/oauth2/authorize").to_vec(), vec![foreign(audience(DRS))]].concat(),
                Ask,
            ),
            (
                "a user at another service",
                [windows("/adfs/oauth2/authorize").to_vec(), vec![audience("urn:rp:urn:ms-drs:x")]].concat(),
                Ask,
            ),
            (
                "a computer at the registration service",
                computer(&[&windows("/adfs/oauth2/authorize")[..], &[audience(DRS)]].concat()),
                Yes,
            ),
            (
                "a computer at another service",
                computer(&[&windows("/adfs/oauth2/authorize")[..], &[audience("urn:rp:urn:ms-drs:x")]].concat()),
                Ask,
            ),
            ("the mark itself", vec![foreign(Claim::new("urn:chancery:policy/device-registration", "true", "x"))], Ask),
        ],
    )
    .await;
}

#[tokio::test]
async fn permit_everyone_for_intranet_access() {
    for name in ["Permit everyone for intranet access", "permit-intranet"] {
        let policy = built_in(name);
        assert!(policy.additional_authentication.is_none());
        table(
            &policy,
            &[
                ("inside", vec![inside()], Yes),
                ("outside", vec![outside()], Deny),
                ("outside with", vec![outside(), mfa()], Deny),
                ("nobody knows where", vec![], Deny),
                ("by a partner's word", vec![foreign(inside())], Deny),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn permit_specific_group() {
    let policy = built_in("Permit specific group");
    table(
        &policy,
        &[
            ("a member", vec![group(SALES)], Yes),
            ("a member of the second group", vec![group(OTHER), group("S-1-5-21-1-2-3-1111")], Yes),
            ("no member", vec![group(OTHER)], Deny),
            ("no groups", vec![], Deny),
            ("by a partner's word", vec![foreign(group(SALES))], Deny),
            ("the same text in another claim", vec![Claim::new(types::PRIMARY_SID, SALES, issuer::AD_AUTHORITY)], Deny),
        ],
    )
    .await;
}

#[tokio::test]
async fn conditions_are_anded_and_permits_are_alternatives() {
    let policy = own(&format!(
        "[{{ when = {{ location = \"extranet\", groups = [\"{SALES}\"], mfa_present = true }} }}, \
          {{ when = {{ claims = [{{ type = \"urn:d\", values = [\"x.y\", \"z\"] }}] }} }}]"
    ))
    .unwrap();
    let department = |value: &str| Claim::new("urn:d", value, "urn:partner:idp");
    table(
        &policy,
        &[
            ("all of the first", vec![outside(), group(SALES), mfa()], Yes),
            ("two of the first", vec![outside(), group(SALES)], Deny),
            ("other two", vec![outside(), mfa()], Deny),
            ("the last two", vec![inside(), group(SALES), mfa()], Deny),
            ("the second", vec![department("X.Y")], Yes),
            ("the second by another value", vec![department("z")], Yes),
            ("a dot is a dot", vec![department("xay")], Deny),
            ("a longer value", vec![department("zz")], Deny),
            ("a line end more", vec![department("z\n")], Deny),
        ],
    )
    .await;
}

#[tokio::test]
async fn exceptions_are_ored_and_cancel_one_permit() {
    let policy = own(&format!(
        "[{{ except = [{{ location = \"extranet\", groups = [\"{SALES}\"] }}, {{ device = \"managed\" }}, {{ claims = [{{ type = \"urn:x\", operator = \"exists\" }}] }}] }}, \
          {{ when = {{ mfa_present = true }} }}]"
    ))
    .unwrap();
    let x = || Claim::new("urn:x", "", "a");
    table(
        &policy,
        &[
            ("none", vec![inside()], Yes),
            ("half of the first", vec![group(SALES), inside()], Yes),
            ("the other half", vec![outside()], Yes),
            ("the first", vec![group(SALES), outside()], Deny),
            ("the second", vec![device(types::DEVICE_IS_MANAGED, "true")], Deny),
            ("the third", vec![x()], Deny),
            ("all, and the other permit", vec![group(SALES), outside(), x(), mfa()], Yes),
            ("a mark of somebody else", vec![Claim::new("urn:chancery:policy/exception", "1.1", "a")], Yes),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_second_factor_is_asked_for_when_nothing_else_permits() {
    let policy = own(&format!(
        "[{{ when = {{ groups = [\"{SALES}\"] }} }}, \
          {{ when = {{ location = \"extranet\" }}, except = [{{ device = \"compliant\" }}], require_mfa = true }}]"
    ))
    .unwrap();
    table(
        &policy,
        &[
            ("the other permit", vec![group(SALES), outside()], Yes),
            ("outside", vec![outside()], Ask),
            ("outside with", vec![outside(), mfa()], Yes),
            ("what would not help is not asked", vec![inside()], Deny),
            ("inside with", vec![inside(), mfa()], Deny),
            ("an exception", vec![outside(), device(types::DEVICE_IS_COMPLIANT, "true")], Deny),
            ("a mark of somebody else", vec![outside(), Claim::new("urn:chancery:policy/permitted", "1", "a")], Ask),
        ],
    )
    .await;
}

#[tokio::test]
async fn networks_are_tests_of_addresses() {
    let policy = own(
        "[{ when = { networks = [\"203.0.113.0/24\", \"2001:db8::/32\"] }, except = [{ networks = [\"203.0.113.66\"] }] }]",
    )
    .unwrap();
    let named: Vec<String> = policy.networks.iter().map(ToString::to_string).collect();
    assert_eq!(named, ["203.0.113.0/24", "203.0.113.66/32", "2001:db8::/32"]);
    table(
        &policy,
        &[
            ("in the first", vec![client("203.0.113.0/24")], Yes),
            ("in the second", vec![client("2001:db8::/32")], Yes),
            ("in none", vec![], Deny),
            ("by what the client says", vec![presented("203.0.113.0/24")], Deny),
            ("by a partner's word", vec![foreign(client("203.0.113.0/24"))], Deny),
            ("an exception", vec![client("203.0.113.0/24"), presented("203.0.113.66/32")], Deny),
        ],
    )
    .await;
}

#[tokio::test]
async fn groups_may_be_named() {
    let policy =
        |group: &str| own(&format!("[{{ when = {{ groups = ['{group}', \"S-1-5-21-1-2-3-9\"] }} }}]")).unwrap();
    for (group, expected) in [
        ("CORP\\Sales", Yes),
        ("corp\\SALES", Yes),
        ("CORP\\Sales.EMEA", Yes),
        ("CORP\\SalesxEMEA", Deny),
        ("OTHER\\Sales", Deny),
        ("CORP\\Sale", Deny),
    ] {
        assert_eq!(ask(&policy(group), &[]).await, expected, "{group}");
    }
    assert_eq!(ask(&policy("CORP\\None"), &[group("S-1-5-21-1-2-3-9")]).await, Yes, "a SID beside names");
    let forged = Claim::new("urn:chancery:policy/group-name", "CORP\\None", "urn:partner:idp");
    assert_eq!(ask(&policy("CORP\\None"), &[forged]).await, Deny);
}

#[tokio::test]
async fn every_operator() {
    let policy = |operator: &str, values: &str| {
        own(&format!("[{{ when = {{ claims = [{{ type = \"urn:d\", operator = \"{operator}\"{values} }}] }} }}]"))
            .unwrap()
    };
    let ab = ", values = [\"a+b\", \"c\"]";
    for (operator, values, value, expected) in [
        ("equals", ab, "A+B", Yes),
        ("Equals", ab, "aab", Deny),
        ("contains", ab, "xA+Bx", Yes),
        ("contains", ab, "ab", Deny),
        ("starts_with", ab, "c1", Yes),
        ("starts_with", ab, "1c", Deny),
        ("ends_with", ab, "1c", Yes),
        ("ends_with", ab, "c1", Deny),
        ("matches", ", values = ['^a|b$']", "ax", Yes),
        ("matches", ", values = ['^a|b$']", "Ax", Deny),
        ("exists", "", "", Yes),
        ("IsPresent", "", "any", Yes),
    ] {
        let answer = ask(&policy(operator, values), &[Claim::new("urn:d", value, "x")]).await;
        assert_eq!(answer, expected, "{operator} {value}");
        assert_eq!(ask(&policy(operator, values), &[]).await, Deny, "{operator} without the claim");
    }
}

#[test]
fn both_spellings_are_known() {
    let policies = Policies::default();
    for name in [
        "Permit everyone and require MFA, allow automatic device registration",
        "permit-everyone-and-require-mfa-allow-automatic-device-registration",
        "PERMIT EVERYONE",
        "permit-intranet",
    ] {
        assert!(matches!(policies.find(name), Some(Found::BuiltIn(_))), "{name}");
    }
    assert!(policies.find("permit").is_none() && policies.find("").is_none());
    let names: Vec<String> = policies.iter().map(|policy| normal_name(&policy.name)).collect();
    assert_eq!(names, BUILT_IN_NAMES);
    for policy in policies.iter() {
        assert_eq!(policy.problems(), [], "{}", policy.name);
    }
}

#[test]
fn parameters_are_those_of_the_policy() {
    let policies = Policies::default();
    let policy = policies.find("permit-specific-group").unwrap().policy();
    let with = |given: Parameters| policy.compile(&given).map(|_| ()).map_err(|problems| problems[0].kind.clone());
    let sid = || [SALES.to_owned()];
    assert_eq!(with(Parameters::default().with("groups", sid())), Ok(()));
    assert_eq!(with(Parameters::default().with("GroupParameter", sid())), Ok(()));
    assert!(
        matches!(with(Parameters::default()), Err(PolicyProblemKind::MissingParameter { name, .. }) if name == "groups")
    );
    let more = Parameters::default().with("groups", sid()).with("networks", sid());
    assert!(matches!(with(more), Err(PolicyProblemKind::UnknownParameter { name, .. }) if name == "networks"));
    let twice = Parameters::default().with("groups", sid()).with("GroupParameter", sid());
    assert!(matches!(with(twice), Err(PolicyProblemKind::RepeatedParameter { .. })));
    assert_eq!(with(Parameters::default().with("groups", [])), Err(PolicyProblemKind::EmptyList));
    let wrong = policy.compile(&Parameters::default().with("groups", [SALES.to_owned(), "x".to_owned()])).unwrap_err();
    assert_eq!(wrong[0].place, PolicyPlace::Parameter { name: String::from("groups"), index: Some(1) });
}

#[test]
fn what_cannot_be_meant_is_refused() {
    use PolicyProblemKind as K;
    let refused = |permit: &str, at: &str, check: fn(&K) -> bool| {
        let problems = own(permit).map(|_| ()).expect_err(permit);
        assert!(problems.iter().any(|problem| check(&problem.kind)), "{permit}: {problems:?}");
        assert!(
            problems.iter().any(|problem| problem.place == PolicyPlace::Policy(at.to_owned())),
            "{permit}: {problems:?}"
        );
    };
    refused("[]", "", |k| matches!(k, K::NoPermit));
    refused("[{ except = [{}] }]", "permit.0.except.0", |k| matches!(k, K::EmptyException));
    refused("[{ when = { groups = [] } }]", "permit.0.when.groups", |k| matches!(k, K::EmptyList));
    for group in ["x", "S-1-5-21-x", "a\\\\b\\\\c", "\\\\b", "alice@corp.example"] {
        refused(&format!("[{{ when = {{ groups = [\"{group}\"] }} }}]"), "permit.0.when.groups.0", |k| {
            matches!(k, K::Group { .. })
        });
    }
    refused("[{ when = { groups = ['A\\b\"c'] } }]", "permit.0.when.groups.0", |k| matches!(k, K::Unwritable { .. }));
    for network in ["10.0.0.0/33", "10.0.0", "x", "", "::ffff:10.0.0.0/104"] {
        refused(
            &format!("[{{ when = {{ networks = [\"10.0.0.0/8\", \"{network}\"] }} }}]"),
            "permit.0.when.networks.1",
            |k| matches!(k, K::Network { .. }),
        );
    }
    refused(
        "[{}, { except = [{ networks = [\"10.0.0.1/8\"] }] }]",
        "permit.1.except.0.networks.0",
        |k| matches!(k, K::HostBits { network, .. } if network == "10.0.0.0/8"),
    );
    let claims = |test: &str| format!("[{{ when = {{ claims = [{{ {test} }}] }} }}]");
    refused(&claims("type = ''"), "permit.0.when.claims.0.type", |k| matches!(k, K::NoClaimType));
    refused(&claims("type = 'a\"b', values = ['x']"), "permit.0.when.claims.0.type", |k| {
        matches!(k, K::Unwritable { .. })
    });
    refused(&claims("type = 'a', values = [\"x\\ny\"]"), "permit.0.when.claims.0.values.0", |k| {
        matches!(k, K::Unwritable { .. })
    });
    refused(&claims("type = 'a'"), "permit.0.when.claims.0.values", |k| matches!(k, K::EmptyList));
    refused(&claims("type = 'a', operator = 'exists', values = ['x']"), "permit.0.when.claims.0.values", |k| {
        matches!(k, K::ValueCount { .. })
    });
    refused(&claims("type = 'a', operator = 'matches', values = ['x', 'y']"), "permit.0.when.claims.0.values", |k| {
        matches!(k, K::ValueCount { .. })
    });
    refused(&claims("type = 'a', operator = 'matches', values = ['(']"), "permit.0.when.claims.0.values.0", |k| {
        matches!(k, K::Pattern { .. })
    });
    for name in ["", "-", "a\"b", "a/b", "Permit Everyone", "permit-intranet"] {
        let policy = Policy { name: name.to_owned(), description: String::new(), permit: vec![Permit::default()] };
        assert!(matches!(policy.problems()[..], [PolicyProblem { kind: K::Name { .. }, .. }]), "{name}");
    }
}

#[test]
fn computers_are_asked_what_they_cannot_show() {
    for (name, expected) in [
        ("permit-everyone", ComputerAnswer::Permit),
        ("permit-everyone-and-require-mfa", ComputerAnswer::SecondFactor),
        ("permit-everyone-and-require-mfa-for-specific-group", ComputerAnswer::Permit),
        ("permit-everyone-and-require-mfa-from-extranet-access", ComputerAnswer::Permit),
        ("permit-everyone-and-require-mfa-from-unauthenticated-devices", ComputerAnswer::SecondFactor),
        ("permit-everyone-and-require-mfa-allow-automatic-device-registration", ComputerAnswer::Permit),
        ("permit-intranet", ComputerAnswer::Permit),
        ("permit-specific-group", ComputerAnswer::Deny),
    ] {
        assert_eq!(built_in(name).answer_to_computer(), expected, "{name}");
    }
    let named = own("[{ when = { groups = ['CORP\\Sales'] } }]").unwrap();
    assert_eq!(named.answer_to_computer(), ComputerAnswer::Unknown);
}

#[test]
fn the_rules_can_be_read() {
    let policy =
        own("[{ when = { location = \"intranet\" } }, { when = { groups = [\"S-1-5-32-544\"] }, require_mfa = true }]");
    let policy = policy.unwrap();
    insta::assert_snapshot!("authorization", policy.authorization.text());
    insta::assert_snapshot!("additional_authentication", policy.additional_authentication.unwrap().text());
}

const DRS: &str = "urn:ms-drs:434DF4A9-3CF2-4C1D-917E-2CD2B72F515A";

fn at_windows_endpoint() -> [Claim; 2] {
    windows("/adfs/services/trust/13/windowstransport")
}

#[test]
fn permits_that_an_exception_always_cancels_are_known() {
    let policy = |permits: &str| -> Policy { toml::from_str(&format!("name = 'p'\n{permits}")).unwrap() };
    for (permit, dead) in [
        ("when = { location = 'extranet' }\nexcept = [{ location = 'extranet' }]", true),
        ("when = { location = 'extranet' }\nexcept = [{ location = 'intranet' }]", false),
        ("except = [{ location = 'intranet' }]", false),
        ("when = { groups = ['S-1-5-32-544'] }\nexcept = [{ groups = ['s-1-5-32-544', 'CORP\\\\x'] }]", true),
        ("when = { groups = ['S-1-5-32-544', 'S-1-5-32-545'] }\nexcept = [{ groups = ['S-1-5-32-544'] }]", false),
        (
            "when = { groups = ['S-1-5-32-544'] }\nexcept = [{ groups = ['S-1-5-32-544'], location = 'extranet' }]",
            false,
        ),
        ("when = { networks = ['192.0.2.0/24'] }\nexcept = [{ networks = ['192.0.2.0/24'] }]", true),
        ("when = { networks = ['192.0.2.0/24'] }\nexcept = [{ networks = ['198.51.100.0/24'] }]", false),
        ("when = { device = 'compliant' }\nexcept = [{ device = 'authenticated' }]", true),
        ("when = { device = 'authenticated' }\nexcept = [{ device = 'compliant' }]", false),
        ("require_mfa = true\nexcept = [{ mfa_present = true }]", true),
        ("except = [{ mfa_present = true }]", false),
        ("when = { device_registration = true }\nexcept = [{ device_registration = true }]", true),
        ("except = [{ device_registration = true }]", false),
        (
            "when = { claims = [{ type = 't', values = ['v'] }] }\nexcept = [{ claims = [{ type = 't', values = ['v'] }] }]",
            true,
        ),
        (
            "when = { claims = [{ type = 't', values = ['v'] }] }\nexcept = [{ claims = [{ type = 't', values = ['w'] }] }]",
            false,
        ),
    ] {
        let found = policy(&format!("[[permit]]\n[[permit]]\n{permit}")).dead_permits();
        assert_eq!(found, if dead { vec![(1, 0)] } else { vec![] }, "{permit}");
    }
}
