//! Codes of devices at two servers that keep their devices in one PostgreSQL: whoever of them is asked answers.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chancery::clock::{Clock as _, ManualClock, SystemClock};
use chancery::devices::{SqlDeviceCodes, SqlPlace};
use chancery::store::postgresql::connect_options;
use chancery::store::{
    Decision, DeviceCodes, FirstUse, Generations, OneTime, Polled, Purpose, REQUESTS_OF_DEVICES, Revocations, Standing,
    StoreError, TokenId,
};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::device_code::user_code;
use crate::device_registry::{postgresql, sql};
use crate::devices_farm::with_postgresql;
use crate::support::oauth::{DEVICE, form, json as body, payload};
use crate::support::{Browser, Lab, Node, Response, fields, run};
use crate::throwaway::Account;

#[expect(dead_code, reason = "the contracts of the other stores, which have no database yet")]
#[path = "../../src/store/conformance.rs"]
mod conformance;

const RESOURCE: &str = "urn:e2e:farm";
const PAGE: &str = "/adfs/oauth2/deviceauth";

#[test]
fn postgresql_conforms() {
    let _turn = crate::attribute_stores_sql::turn();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        // The time of now, so that a server that clears up leaves the test's requests alone.
        let clock = Arc::new(ManualClock::at(SystemClock::new().now()));
        let registry = Arc::new(sql(SqlPlace::Postgresql(postgresql())));
        let store = SqlDeviceCodes::new(registry, clock.clone(), 1000);
        assert_eq!(store.waiting(&TokenId::new("a").expect("an id")).await, Ok(None), "the tables are there");
        empty().await;
        conformance::device_codes(Arc::new(store), &clock).await;
        empty().await;
    });
}

async fn empty() {
    let mut connection = connect_options(postgresql()).connect().await.expect("a database");
    sqlx::query("DELETE FROM device_code").execute(&mut connection).await.expect("a table");
    connection.close().await.expect("an end");
}

/// Two servers of one farm: the same keys, the same database.
fn farm() -> [Node; 2] {
    let shared = Lab::get().new_file("codes-farm");
    std::fs::create_dir_all(&shared).expect("a directory");
    let kek = shared.join("kek");
    std::fs::write(&kek, std::array::from_fn::<u8, 32, _>(|_| fastrand::u8(..))).expect("a key");
    run(Command::new("chmod").arg("600").arg(&kek));
    let trust = format!(
        "[relying_party]\nname = \"Farm\"\nidentifiers = [\"{RESOURCE}\"]\naccess_control_policy = \"permit-everyone\"\n\
         transform_rules = '''c:[Type == \"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\"] => issue(claim = c);'''\n"
    );
    let client = format!(
        "[client]\nid = \"{DEVICE}\"\nname = \"Television\"\nkind = \"native\"\ngrants = [\"device_code\", \"refresh_token\"]\n\
         resources = [\"{RESOURCE}\"]\n"
    );
    [0, 1].map(|_| {
        let setup = with_postgresql("");
        let own = format!("key_encryption_key_file = \"{}/kek\"", setup.directory.display());
        let keys = shared.join("keys");
        let common = format!("key_encryption_key_file = \"{}\"\ndirectory = \"{}\"", kek.display(), keys.display());
        setup.replace(&own, &common).write("trusts/farm.toml", &trust).write("trusts/client.toml", &client).start()
    })
}

fn post(node: &Node, path: &str, fields: &[(&str, &str)]) -> Response {
    node.curl(path).header("Content-Type", "application/x-www-form-urlencoded").post(form(fields)).send()
}

fn codes(node: &Node) -> Value {
    let fields = [("client_id", DEVICE), ("resource", RESOURCE), ("scope", "openid")];
    let answer = post(node, "/adfs/oauth2/devicecode", &fields);
    assert_eq!(answer.status, 200, "{}", answer.body);
    body(&answer)
}

fn poll(node: &Node, codes: &Value) -> Response {
    let code = codes["device_code"].as_str().expect("a code");
    post(node, "/adfs/oauth2/token", &[("grant_type", "device_code"), ("client_id", DEVICE), ("code", code)])
}

/// Asks as a patient device does, each time at another server, until somebody has decided.
fn await_decision(nodes: &[Node; 2], codes: &Value) -> Response {
    let deadline = Instant::now() + Duration::from_secs(60);
    for node in nodes.iter().cycle() {
        let answer = poll(node, codes);
        let error = body(&answer)["error"].clone();
        if error != "authorization_pending" && error != "slow_down" {
            return answer;
        }
        assert!(Instant::now() < deadline, "nobody decides: {}", answer.body);
        std::thread::sleep(Duration::from_secs(6));
    }
    unreachable!("the servers are asked for ever")
}

/// Enters a code at a server, and answers the question at another one.
fn decide(nodes: [&Node; 2], account: &Account, codes: &Value, decision: &str) {
    let first = Browser::outside().at(&nodes[0].address);
    let filled = first.fill_in(&first.get(PAGE), &account.upn(), &account.password);
    assert_eq!(filled.status, 302, "{}", filled.body);
    let page = first.get(PAGE);
    let state = fields(&page.body, "State").pop().unwrap_or_else(|| panic!("no page: {}", page.body));
    let question = first.post(PAGE, &[("UserCode", &user_code(codes)), ("State", &state)]);
    let answer = fields(&question.body, "Answer").pop().unwrap_or_else(|| panic!("no question: {}", question.body));
    let done = first.copy().at(&nodes[1].address).post(PAGE, &[("Answer", &answer), ("Decision", decision)]);
    assert!(done.body.contains("deviceCodeDoneArea"), "{}", done.body);
}

#[test]
fn whichever_server_is_asked_knows_what_devices_wait_for() {
    let _turn = crate::attribute_stores_sql::turn();
    let nodes = farm();
    let account = Account::new("farmcode").create();
    let (allowed, denied) = (codes(&nodes[0]), codes(&nodes[1]));
    let error = |answer: &Response| body(answer)["error"].clone();
    assert_eq!(error(&poll(&nodes[1], &allowed)), "authorization_pending");
    assert_eq!(error(&poll(&nodes[0], &allowed)), "slow_down", "asked a moment ago at the other one");
    decide([&nodes[1], &nodes[0]], &account, &allowed, "allow");
    decide([&nodes[0], &nodes[1]], &account, &denied, "deny");
    let answer = await_decision(&nodes, &allowed);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(payload(&body(&answer)["access_token"])["upn"], json!(account.upn()));
    // Once, at all of them together.
    for node in &nodes {
        assert_eq!(error(&poll(node, &allowed)), "invalid_grant");
    }
    let answer = await_decision(&nodes, &denied);
    assert_eq!((answer.status, error(&answer)), (400, json!("access_denied")), "{}", answer.body);
    // What waits outlives the server that was asked for it.
    let kept = codes(&nodes[0]);
    let [first, second] = nodes;
    drop(first);
    assert_eq!(error(&poll(&second, &kept)), "authorization_pending");
}
