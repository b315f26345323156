//! Certificates of the lab's authority for one test.

use std::path::PathBuf;
use std::process::Command;

use super::lab::{Lab, run};
use super::node::variable;

/// A certificate with this subject and extension, and its key.
pub fn issue(subject: &str, extension: &str) -> (PathBuf, PathBuf) {
    let (certificate, key) = (Lab::get().new_file("issued.pem"), Lab::get().new_file("issued.key"));
    let authority = variable("LAB_TLS");
    run(Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", subject])
        .args(["-CA", &format!("{authority}/ca.pem"), "-CAkey", &format!("{authority}/private/ca.key")])
        .args(["-addext", "basicConstraints=critical,CA:false", "-addext", extension])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate));
    (certificate, key)
}

/// A server's certificate for one name, and its key.
pub fn certificate_of(host: &str) -> (PathBuf, PathBuf) {
    issue(&format!("/CN={host}"), &format!("subjectAltName=DNS:{host}"))
}
