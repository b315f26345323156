//! A real HAProxy in front of servers.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::lab::Lab;

/// A running HAProxy; it ends with this value.
pub struct HaProxy {
    child: Child,
    /// Where it listens, on port 443.
    pub address: String,
}

impl HaProxy {
    /// Starts it with this configuration, which listens at `address`.
    pub fn start(address: &str, configuration: &str) -> Self {
        let (file, log) = (Lab::get().new_file("haproxy.cfg"), Lab::get().new_file("haproxy.log"));
        std::fs::write(&file, configuration).expect("scratch is writable");
        let installed = "/usr/sbin/haproxy";
        let mut child = Command::new(if std::path::Path::new(installed).exists() { installed } else { "haproxy" })
            .arg("-db")
            .arg("-f")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).expect("a log"))
            .spawn()
            .expect("haproxy starts");
        let began = Instant::now();
        while std::net::TcpStream::connect((address, 443)).is_err() {
            let ended = child.try_wait().expect("a child");
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            assert!(ended.is_none() && began.elapsed() < Duration::from_secs(10), "haproxy does not listen: {said}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, address: address.to_owned() }
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
