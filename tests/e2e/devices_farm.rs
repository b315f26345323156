//! Two servers with one registry: a user's quota holds whichever of them a device registers at.

use std::sync::Mutex;

use chancery::devices::{DeviceRegistry as _, SqlPlace};

use crate::crashes::try_to_join;
use crate::device_registry::{postgresql, sql};
use crate::drs_client::{DeviceKeys, by_user, device_dn, devices, ldap_modify, user};
use crate::drs_sign_in;
use crate::support::{Browser, Node, NodeSetup, variable};
use crate::throwaway::Account;

/// A server whose devices are in the lab's PostgreSQL.
fn with_postgresql(more: &str) -> NodeSetup {
    let registry = format!(
        "[device_registration]\nenabled = true\nregistry = \"sql\"\n{more}\n[device_registration.postgresql]\nhost = \"{}\"\n\
         database = \"devices\"\nuser = \"chancery\"\npassword_file = \"devices-password\"\nca_file = \"{}\"\n",
        variable("LAB_POSTGRES"),
        variable("CHANCERY_CA"),
    );
    let setup = NodeSetup::new().write("devices-password", "Hr-Db-Pw-1\n");
    setup.replace("[device_registration]\nenabled = true", &registry)
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
