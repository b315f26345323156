//! Starting and stopping: requests in flight are finished, and what a newcomer does wrong is answered with what to do.

use std::fs;
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{KeepAlive, Lab, NodeSetup, USERNAME, eventually, program, request, variable};

#[test]
fn requests_in_flight_are_finished_and_new_connections_refused() {
    let mut node = NodeSetup::new().start();
    let user = format!("alice@{}", variable("LAB_DOMAIN"));
    let rst = request(USERNAME).password(&user, "Alice-Pw-1").build();
    let (first, second) = rst.split_at(rst.len() / 2);
    let mut requests: Vec<KeepAlive> = (0..8)
        .map(|_| {
            let mut connection = KeepAlive::open(&node.address);
            connection.post_head(USERNAME, rst.len());
            connection.send(first.as_bytes());
            connection
        })
        .collect();
    // One that has nothing to finish.
    let mut idle = KeepAlive::open(&node.address);
    assert_eq!(idle.get("/adfs/probe"), 200);
    eventually("the server has read the beginnings", || unread_octets(&node.address) == 0);

    node.signal("TERM");
    node.logged("stopping");
    eventually("new connections are refused", || TcpStream::connect((&*node.address, 443)).is_err());
    for connection in &mut requests {
        connection.send(second.as_bytes());
    }
    for connection in &mut requests {
        let (status, answer) = connection.answer();
        assert_eq!(status, 200, "{answer}");
        assert!(answer.contains("RequestSecurityTokenResponse"), "{answer}");
    }
    let began = Instant::now();
    let status = node.ended(Duration::from_secs(15));
    assert_eq!(status.code(), Some(0), "{}", node.log());
    assert!(began.elapsed() < Duration::from_secs(5), "idle connections held the server for {:?}", began.elapsed());
    assert!(idle.is_closed());
    let audit = fs::read_to_string(node.directory.join("audit.jsonl")).expect("an audit log");
    let issued = audit.lines().filter(|line| line.contains("\"EventID\":1200")).count();
    assert_eq!(issued, 8, "what was issued is in the audit log");
}

/// Octets that the kernel holds for the server's side of connections to its HTTPS port.
fn unread_octets(address: &str) -> u64 {
    let octets = address.parse::<std::net::Ipv4Addr>().expect("an address").octets();
    // As the kernel prints an address in memory order.
    let local = format!("{:08X}:{:04X}", u32::from_le_bytes(octets), 443);
    let table = fs::read_to_string("/proc/net/tcp").expect("the kernel's table");
    let held = table.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (address, state, queues) = (fields.get(1)?, fields.get(3)?, fields.get(4)?);
        let established = *address == local && *state == "01";
        established.then(|| u64::from_str_radix(queues.split_once(':')?.1, 16).ok()).flatten()
    });
    held.sum()
}

#[test]
fn a_second_server_on_the_same_state_is_refused() {
    let node = NodeSetup::new().start();
    let output = node.command(&["serve"]).output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(said.contains(&format!("another server (process {})", node.id())), "{said}");
    assert!(said.contains("state"), "{said}");
    assert_eq!(node.health("/healthz/ready"), 200);
}

#[test]
fn an_address_in_use_is_named() {
    let node = NodeSetup::new().start();
    let setup = NodeSetup::new();
    let own = format!("\"{}:", setup.address);
    let said = setup.replace(&own, &format!("\"{}:", node.address)).fails();
    assert!(said.contains(&format!("cannot listen on {}:443", node.address)), "{said}");
    assert!(said.contains("in use"), "{said}");
}

#[test]
fn a_server_without_configuration_says_how_to_make_one() {
    let missing = Lab::get().scratch("nowhere/chancery.toml");
    let output = Command::new(program()).args(["serve", "--config"]).arg(&missing).output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(said.contains("chancery init") && said.contains("nowhere/chancery.toml"), "{said}");

    let output = Command::new(program()).output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("serve") && said.contains("init"), "{said}");
}

#[test]
fn what_is_missing_at_the_start_is_named_with_its_key() {
    let keytab = format!("{}/sts-all.keytab", variable("LAB_KEYTABS"));
    for (from, to, expected) in [
        (keytab.as_str(), "absent.keytab", ["kerberos.keytab", "absent.keytab"]),
        ("/kek\"", "/absent-kek\"", ["keys.key_encryption_key_file", "absent-kek"]),
        ("[server.tls]", "[server.tsl]", ["tsl", "tls"]),
    ] {
        let said = NodeSetup::new().replace(from, to).fails();
        for part in expected {
            assert!(said.contains(part), "no {part} in: {said}");
        }
    }
}
