//! Two servers with one registry: one of them sweeps unused devices, the other one when that is gone; and a user's quota holds
//! whichever server a device registers at.

use std::sync::Mutex;

use chancery::devices::{DeviceRegistry as _, SqlPlace};
use chancery::store::postgresql::connect_options;
use serde_json::Value;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::crashes::try_to_join;
use crate::device_registry::{SWEEPING, no_lease, postgresql, sql};
use crate::devices_commands::forgotten;
use crate::drs_client::{DeviceKeys, by_user, device_dn, devices, ldap_modify, user};
use crate::drs_sign_in;
use crate::failover::{SecondController, with_controllers};
use crate::support::{Browser, Node, NodeSetup, eventually, variable};
use crate::throwaway::Account;

/// A server whose devices are in the lab's PostgreSQL.
pub fn with_postgresql(more: &str) -> NodeSetup {
    let registry = format!(
        "[device_registration]\nenabled = true\nregistry = \"sql\"\n{more}\n[device_registration.postgresql]\nhost = \"{}\"\n\
         database = \"devices\"\nuser = \"chancery\"\npassword_file = \"devices-password\"\nca_file = \"{}\"\n",
        variable("LAB_POSTGRES"),
        variable("CHANCERY_CA"),
    );
    let setup = NodeSetup::new().write("devices-password", "Hr-Db-Pw-1\n");
    setup.replace("[device_registration]\nenabled = true", &registry)
}

/// Registers a device that nobody has used for years; its identifier.
fn forget_one(runtime: &tokio::runtime::Runtime, place: SqlPlace) -> String {
    let device = forgotten();
    runtime.block_on(async { sql(place).register(&device).await }).expect("a device");
    device.id.to_string()
}

/// Events of the sweep about a device, in the audit logs of these servers.
fn swept(nodes: &[&Node], device: &str) -> Vec<(usize, Value)> {
    let mut events = Vec::new();
    for (number, node) in nodes.iter().enumerate() {
        let text = std::fs::read_to_string(node.directory.join("audit.jsonl")).unwrap_or_default();
        let lines = text.lines().filter(|line| line.contains(device));
        let event = |line| serde_json::from_str::<Value>(line).expect("JSON");
        events.extend(lines.map(event).filter(|event| event["EventID"] == 9030).map(|event| (number, event)));
    }
    events
}

#[test]
fn of_two_servers_one_sweeps_and_the_other_takes_over() {
    let _turn = crate::attribute_stores_sql::turn();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    // Other tests' devices in this database are younger.
    let sweep = "maximum_inactivity_days = 3650\n[device_registration.sweep]\nmode = \"apply\"\ninterval_minutes = 1\ngrace_days = 1";
    let first = forget_one(&runtime, SqlPlace::Postgresql(postgresql()));
    let mut nodes = vec![with_postgresql(sweep).start(), with_postgresql(sweep).start()];
    eventually("a sweep", || !swept(&nodes.iter().collect::<Vec<_>>(), &first).is_empty());
    let events = swept(&nodes.iter().collect::<Vec<_>>(), &first);
    let [(number, event)] = events.as_slice() else { panic!("more than one server swept: {events:?}") };
    assert_eq!((&event["Change"], event["Detail"].is_null()), (&Value::from("disable"), true), "{event}");
    // The other one asked, and was told that it is not its turn.
    let swept_by = nodes.remove(*number);
    let other = nodes.remove(0);
    assert!(swept_by.log().contains("unused devices were looked for"));
    assert!(!other.log().contains("unused devices were looked for"), "{}", other.log());

    let second = forget_one(&runtime, SqlPlace::Postgresql(postgresql()));
    swept_by.signal("KILL");
    drop(swept_by);
    // A minute passes for whoever asks the table.
    runtime.block_on(async {
        let mut connection = connect_options(postgresql()).connect().await.expect("a database");
        sqlx::query("UPDATE lease SET until = 0").execute(&mut connection).await.expect("a table");
        connection.close().await.expect("an end");
    });
    eventually("a sweep by the other", || !swept(&[&other], &second).is_empty());
    runtime.block_on(async {
        let registry = sql(SqlPlace::Postgresql(postgresql()));
        for id in [&first, &second] {
            let id = chancery::devices::DeviceId(id.parse().expect("an identifier"));
            assert!(!registry.find(id).await.expect("an answer").expect("a device").enabled);
            registry.delete(id).await.expect("it goes");
        }
    });
}

/// Each server prefers another domain controller, and nothing is replicated between the two: they agree all the same, because both ask
/// the one that has the role. The second server's configuration does not even name it.
#[test]
fn of_two_servers_with_one_directory_one_sweeps_and_the_other_takes_over() {
    const LOOKED: &str = "unused devices were looked for";
    let _turn = SWEEPING.blocking_lock();
    no_lease();
    let _second = SecondController::up();
    let sweep = "[device_registration.sweep]\nmode = \"dry_run\"\ninterval_minutes = 1\n";
    let log = ("CHANCERY__SERVER__LOG__LEVEL", "info,chancery::server=debug");
    let start = |controllers: &[&str]| with_controllers(controllers).environment(log.0, log.1).append(sweep).start();
    let mut nodes = vec![start(&[&variable("LAB_DC"), &variable("LAB_DC2")]), start(&[&variable("LAB_DC2")])];
    eventually("a sweep", || nodes.iter().any(|node| node.log().contains(LOOKED)));
    eventually("another that asked", || nodes.iter().any(|node| node.log().contains("another server has the sweep")));
    let swept: Vec<_> = nodes.iter().map(|node| node.log().contains(LOOKED)).collect();
    let number = swept.iter().position(|swept| *swept).expect("one that swept");
    let swept_by = nodes.remove(number);
    let other = nodes.remove(0);
    assert!(!other.log().contains(LOOKED), "{}", other.log());
    swept_by.signal("KILL");
    drop(swept_by);
    // A minute passes.
    no_lease();
    eventually("a sweep by the other", || other.log().contains(LOOKED));
    drop(other);
    no_lease();
}

#[test]
fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let setup = NodeSetup::new();
    let file = setup.directory.join("devices.db");
    let devices: Vec<String> = (0..3).map(|_| forget_one(&runtime, SqlPlace::Sqlite(file.clone()))).collect();
    let registry = format!(
        "[device_registration]\nenabled = true\nregistry = \"sql\"\n[device_registration.sqlite]\nfile = \"{}\"\n\
         [device_registration.sweep]\nmode = \"dry_run\"\ninterval_minutes = 1\nmost = 2\n",
        file.display()
    );
    let node = setup.replace("[device_registration]\nenabled = true", &registry).start();
    node.logged("unused devices were looked for");
    let log = node.log();
    assert!(log.contains("dry_run=true") && log.contains("found=2") && log.contains("done=0"), "{log}");
    assert_eq!(log.matches("an unused device would be swept").count(), 2, "{log}");
    let listed = node.command(&["devices", "list", "--json"]).output().expect("the program runs");
    let listed = String::from_utf8(listed.stdout).expect("text");
    for id in &devices {
        let row = listed.lines().find(|line| line.contains(id)).unwrap_or_else(|| panic!("{id}: {listed}"));
        assert!(row.contains("\"enabled\":true"), "{row}");
        assert!(swept(&[&node], id).is_empty());
    }
}

/// Joins at all servers at once, so many at each; how many succeeded.
fn join_at_once(nodes: &[(&Node, String)], request: &str, each: usize) -> usize {
    let joined = Mutex::new(0);
    std::thread::scope(|scope| {
        for (node, token) in nodes {
            for _ in 0..each {
                scope.spawn(|| {
                    if try_to_join(&node.address, token, request).is_some() {
                        *joined.lock().expect("a number") += 1;
                    }
                });
            }
        }
    });
    joined.into_inner().expect("a number")
}

fn token(node: &Node, account: &Account) -> String {
    drs_sign_in::by_password(&Browser::other().at(&node.address), &account.upn(), &account.password)
}

#[test]
fn a_quota_in_a_database_holds_across_servers() {
    let _turn = crate::attribute_stores_sql::turn();
    let (account, sid) = user("quotasql");
    let nodes = [0, 1].map(|_| with_postgresql("registration_quota = 3").start());
    let nodes = nodes.each_ref().map(|node| (node, token(node, &account)));
    let request = DeviceKeys::new().request(4, "Quota").to_string();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let owner = sid.parse().expect("a SID");
    let held = || {
        runtime.block_on(async {
            let held = sql(SqlPlace::Postgresql(postgresql())).of_user(&owner).await.expect("an answer");
            held.into_iter().map(|device| device.id).collect::<Vec<_>>()
        })
    };
    for _ in 0..2 {
        assert!(try_to_join(&nodes[0].0.address, &nodes[0].1, &request).is_some());
    }
    for round in 0..4 {
        assert_eq!(join_at_once(&nodes, &request, 2), 1, "{round}");
        let devices = held();
        assert_eq!(devices.len(), 3, "{round}");
        runtime.block_on(async { sql(SqlPlace::Postgresql(postgresql())).delete(devices[0]).await }).expect("it goes");
    }
    for id in held() {
        runtime.block_on(async { sql(SqlPlace::Postgresql(postgresql())).delete(id).await }).expect("it goes");
    }
    account.delete();
}

#[test]
fn a_quota_that_is_changed_counts_from_the_next_registration_on() {
    let (account, _) = user("quotalive");
    let setup = NodeSetup::new();
    let file = setup.directory.join("devices.db");
    let registry = format!(
        "[device_registration]\nenabled = true\nregistry = \"sql\"\nregistration_quota = 1\n\
         [device_registration.sqlite]\nfile = \"{}\"\n",
        file.display()
    );
    let node = setup.replace("[device_registration]\nenabled = true", &registry).start();
    let token = token(&node, &account);
    let request = DeviceKeys::new().request(4, "Quota").to_string();
    let join = || try_to_join(&node.address, &token, &request).is_some();
    let change = |from: u32, to: u32| {
        let key = |quota: u32| format!("registration_quota = {quota}\n");
        crate::support::replace(&node.file(), &key(from), &key(to));
        let (served, said) = node.reload();
        assert!(served, "{said}");
    };
    assert!(join() && !join());
    change(1, 3);
    assert!(join() && join() && !join());
    // What is registered stays; there is no room for more.
    change(3, 2);
    assert!(!join());
    let listed = node.command(&["devices", "list", "--json"]).output().expect("the program runs");
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 3);
    account.delete();
}

#[test]
fn a_quota_in_the_directory_holds_across_servers() {
    let (account, sid) = user("quotaad");
    let nodes = [0, 1].map(|_| NodeSetup::new().start());
    let nodes = nodes.each_ref().map(|node| (node, token(node, &account)));
    let request = DeviceKeys::new().request(4, "Quota").to_string();
    let held = || devices(&by_user(&sid));
    for _ in 0..9 {
        assert!(try_to_join(&nodes[0].0.address, &nodes[0].1, &request).is_some());
    }
    for round in 0..4 {
        // Each sees the other one under way, and both may step back; never are both taken, and nothing is left behind.
        let joined = join_at_once(&nodes, &request, 1);
        assert!(joined <= 1, "{round}");
        assert_eq!(held().len(), 9 + joined, "{round}");
        if joined == 0 {
            assert!(try_to_join(&nodes[1].0.address, &nodes[1].1, &request).is_some(), "there is room: {round}");
        }
        ldap_modify(&format!("dn: {}\nchangetype: delete\n", device_dn(&held()[0])));
    }
    for id in held() {
        ldap_modify(&format!("dn: {}\nchangetype: delete\n", device_dn(&id)));
    }
    account.delete();
}
