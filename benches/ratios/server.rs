//! The server under measurement: a process of its own, what it costs and what it holds.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A server process with one worker.
pub(crate) struct Server {
    process: Child,
    address: String,
    /// From the start of the process until it answered that it is ready.
    pub(crate) ready_after: Duration,
}

impl Server {
    /// Starts the program over this configuration, on this address of the test domain.
    pub(crate) fn start(configuration: &Path, address: &str) -> Self {
        let log = fs::File::create(configuration.join("server.log")).unwrap();
        let program = std::env::var("CHANCERY_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_chancery").to_owned());
        let began = Instant::now();
        let process = Command::new(program)
            .args(["serve", "--config"])
            .arg(configuration.join("chancery.toml"))
            .env("CHANCERY__SERVER__LIMITS__WORKERS", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Self { process, address: address.to_owned(), ready_after: Duration::ZERO };
        while !server.is_ready() {
            assert!(began.elapsed() < Duration::from_secs(20), "the server is not ready after 20 s; see server.log");
            if let Some(status) = server.process.try_wait().unwrap() {
                panic!(
                    "the server ended with {status}: {}",
                    fs::read_to_string(configuration.join("server.log")).unwrap()
                );
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        server.ready_after = began.elapsed();
        server
    }

    /// Where it answers requests.
    pub(crate) fn https(&self) -> SocketAddr {
        format!("{}:443", self.address).parse().unwrap()
    }

    /// CPU time of all its threads so far.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let nanoseconds = tasks.map(|task| {
            let schedule = fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap_or_default();
            schedule.split(' ').next().and_then(|time| time.parse::<u64>().ok()).unwrap_or(0)
        });
        Duration::from_nanos(nanoseconds.sum())
    }

    /// Memory in use, in octets.
    pub(crate) fn resident(&self) -> f64 {
        resident(&self.process.id().to_string())
    }

    fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(format!("{}:80", self.address)) else { return false };
        let request = "GET /adfs/probe HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n";
        let mut answer = String::new();
        stream.write_all(request.as_bytes()).is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.starts_with("HTTP/1.1 200")
    }
}

/// Memory in use by a process, in octets.
pub(crate) fn resident(process: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.process.wait();
    }
}
