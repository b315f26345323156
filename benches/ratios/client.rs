//! A connection that is kept: TLS by OpenSSL, HTTP/1.1 by hand, so that the client costs as little as it can.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::ssl::{SslConnector, SslMethod, SslStream};

use crate::world::SERVICE;

/// One connection to the server.
pub(crate) struct Connection {
    stream: SslStream<TcpStream>,
    answer: Vec<u8>,
}

impl Connection {
    /// Opens it; the server's certificate must be of the test domain's authority.
    pub(crate) fn open(address: SocketAddr, host: &str) -> Self {
        let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
        connector.set_ca_file(std::env::var_os("CHANCERY_CA").expect("run in the lab: benches/run")).unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: connector.build().connect(host, stream).unwrap(), answer: vec![0; 64 << 10] }
    }

    /// DER of the server's certificate.
    pub(crate) fn server_certificate(&self) -> Vec<u8> {
        self.stream.ssl().peer_certificate().unwrap().to_der().unwrap()
    }

    /// Sends a request for a token and checks that one comes back.
    pub(crate) fn request_token(&mut self, token: &[u8], body: &str) {
        let authorization = STANDARD.encode(token);
        let request = format!(
            "POST /adfs/services/trust/13/windowstransport HTTP/1.1\r\nHost: {SERVICE}\r\n\
             User-Agent: MS-WebServices/1.0\r\nContent-Type: application/soap+xml; charset=utf-8\r\n\
             Content-Length: {}\r\nAuthorization: Negotiate {authorization}\r\n\r\n{body}",
            body.len()
        );
        let answer = self.exchange(&request);
        assert!(answer.0.starts_with(b"HTTP/1.1 200"), "{}", answer.text());
        assert!(answer.has("SignatureValue"), "{}", answer.text());
    }

    /// Gets a page. `fields` are header fields, each with its line end.
    pub(crate) fn get(&mut self, path: &str, fields: &str) -> Response {
        let answer = self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: {SERVICE}\r\n{fields}\r\n"));
        Response(answer.0.to_vec())
    }

    /// Sends a request and waits for the whole answer.
    fn exchange(&mut self, request: &str) -> Borrowed<'_> {
        self.stream.write_all(request.as_bytes()).unwrap();
        let mut length = 0;
        let end = loop {
            let read = self.stream.read(&mut self.answer[length..]).unwrap();
            assert!(read > 0, "the server closed the connection");
            length += read;
            if let Some(end) = end_of_answer(&self.answer[..length]).filter(|end| *end <= length) {
                break end;
            }
        };
        Borrowed(&self.answer[..end])
    }
}

/// An answer in the buffer of its connection.
struct Borrowed<'a>(&'a [u8]);

impl Borrowed<'_> {
    fn has(&self, part: &str) -> bool {
        find(self.0, part.as_bytes()).is_some()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(self.0).into_owned()
    }
}

/// An answer.
pub(crate) struct Response(Vec<u8>);

impl Response {
    /// Whether this text stands in it.
    pub(crate) fn has(&self, part: &str) -> bool {
        Borrowed(&self.0).has(part)
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        Borrowed(&self.0).text()
    }

    /// The cookies it sets, as `name=value`.
    pub(crate) fn cookies(&self) -> Vec<String> {
        let text = self.text();
        let lines = text.lines().take_while(|line| !line.is_empty());
        let set =
            lines.filter_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")));
        set.filter_map(|(_, value)| value.split(';').next().map(str::to_owned)).collect()
    }
}

/// Where the answer ends, once its header fields are there.
fn end_of_answer(answer: &[u8]) -> Option<usize> {
    let header = find(answer, b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&answer[..header]).unwrap().to_ascii_lowercase();
    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next()).unwrap();
    Some(header + length.parse::<usize>().unwrap())
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
