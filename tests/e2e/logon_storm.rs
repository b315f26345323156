//! The morning of a company: everybody's computer signs in at once, tries again, and everything is answered. And users of one machine,
//! whose devices are their own.

use std::sync::Barrier;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chancery::kerberos::initiator::{Initiator, TokenOptions};

use crate::drs_client::{DeviceKeys, Joined, by_user, device_dn, devices, join, ldap_read, user};
use crate::drs_sign_in;
use crate::support::{HandOver, KeepAlive, Lab, Trusts, run};

/// Windows' request, at the door where tickets are taken.
fn request(ticket: &str) -> String {
    format!(
        "GET /adfs/ls/wia?wa=wsignin1.0&wtrealm=urn%3Ae2e%3Aweb&wauth=wiaormultiauthn HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
         User-Agent: Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko\r\nAuthorization: Negotiate {ticket}\r\n\r\n",
        Lab::get().host
    )
}

/// One ticket of each for each of them.
fn requests(users: &[Initiator]) -> Vec<String> {
    let lab = Lab::get();
    let service = format!("HTTP/{}@{}", lab.host, lab.realm);
    let options = TokenOptions { spnego: true, ..TokenOptions::default() };
    let ticket = |user: &Initiator| STANDARD.encode(user.begin(&service, &options).expect("a token").0);
    (0..CLIENTS).map(|number| request(&ticket(&users[number % users.len()]))).collect()
}

#[test]
fn two_hundred_sign_ins_at_once_and_again() {
    Trusts::get();
    let users = ["alice", "bob", "amelie", "erin"].map(|name| {
        Initiator::with_cache(&format!("FILE:{}", Lab::get().kinit(name, name).display())).expect("tickets")
    });
    let connector = KeepAlive::connector();
    for round in ["at once", "again"] {
        let together = Barrier::new(CLIENTS);
        let answers: Vec<(u16, String)> = std::thread::scope(|scope| {
            let (together, connector) = (&together, &connector);
            let clients: Vec<_> = requests(&users)
                .into_iter()
                .map(|request| {
                    scope.spawn(move || {
                        together.wait();
                        let mut connection =
                            KeepAlive::open_by(connector, &Lab::get().host, 443).expect("a connection");
                        connection.send(request.as_bytes());
                        connection.answer()
                    })
                })
                .collect();
            clients.into_iter().map(|client| client.join().expect("an answer")).collect()
        });
        for (status, text) in &answers {
            assert_eq!(*status, 200, "{round}: {text}");
            assert!(HandOver::find(text).is_some(), "{round}: {text}");
        }
    }
}

const CLIENTS: usize = 200;

#[test]
fn users_of_one_machine_have_devices_of_their_own() {
    let (dan, jharnett) = (user("dan"), user("jharnett"));
    let keys = DeviceKeys::new();
    let register = |account: &crate::throwaway::Account| {
        Joined::of(&join(&drs_sign_in::of_user(account), &keys.request(4, "Shared PC")))
    };
    let (of_dan, of_jharnett) = (register(&dan.0), register(&jharnett.0));
    assert_ne!(of_dan.id, of_jharnett.id);
    // Counted, and listed, by their user.
    for ((_, sid), device, other) in [(&dan, &of_dan, &of_jharnett), (&jharnett, &of_jharnett, &of_dan)] {
        assert_eq!(devices(&by_user(sid)), std::slice::from_ref(&device.id));
        let listed = run(std::process::Command::new(&Lab::get().program).args(["devices", "list", "--user", sid]));
        assert!(listed.contains(&device.id) && !listed.contains(&other.id), "{listed}");
    }
    // Neither ends the other's registration.
    assert_eq!(of_dan.leave(&keys, &of_jharnett.id).status, 401);
    assert!(!ldap_read(&device_dn(&of_jharnett.id), &["cn"]).is_empty());
    for device in [&of_dan, &of_jharnett] {
        assert_eq!(device.leave(&keys, &device.id).status, 200);
    }
    dan.0.delete();
    jharnett.0.delete();
}
