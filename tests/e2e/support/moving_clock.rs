//! A clock that a test moves under a running server, by libfaketime: what lasts for minutes or weeks ends in a moment.

use std::path::PathBuf;

use super::node::NodeSetup;

/// The clock of one server. It begins with the time of this computer.
pub struct MovingClock {
    file: PathBuf,
}

impl NodeSetup {
    /// On a computer whose clock this test moves. The directory is asked by a simple bind, which looks at no clock.
    pub fn at_moving_clock(self) -> (Self, MovingClock) {
        let clock = MovingClock { file: self.directory.join("clock") };
        clock.set(0);
        let (keytabs, realm) = (super::variable("LAB_KEYTABS"), super::Lab::get().realm.clone());
        let gssapi = format!(
            "[domains.ldap.bind.gssapi]\nclient_keytab = \"{keytabs}/svc-sts.keytab\"\nprincipal = \"svc-sts@{realm}\""
        );
        let simple = format!(
            "[domains.ldap.bind.simple]\nuser = \"svc-sts@{}\"\npassword_file = \"{}\"",
            super::Lab::get().domain,
            self.directory.join("other-password").display()
        );
        let setup = self
            .replace(&gssapi, &simple)
            .environment("LD_PRELOAD", "/usr/$LIB/faketime/libfaketimeMT.so.1")
            .environment("FAKETIME_TIMESTAMP_FILE", &clock.file.display().to_string())
            .environment("FAKETIME_NO_CACHE", "1")
            .environment("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        (setup, clock)
    }
}

impl MovingClock {
    /// So many minutes ahead of this computer's from now on.
    pub fn set(&self, minutes: i64) {
        self.set_seconds(minutes * 60);
    }

    /// So many seconds.
    pub fn set_seconds(&self, seconds: i64) {
        super::replace_file(&self.file, format!("+{seconds}\n").as_bytes());
    }
}
