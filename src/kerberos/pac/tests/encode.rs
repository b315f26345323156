//! A PAC writer, so that tests can make what no KDC in reach would issue. Written from MS-PAC, apart from the decoder.

use crate::directory::Sid;

/// The content of a PAC to be written.
#[derive(Debug, Clone)]
pub(crate) struct PacContent {
    pub(crate) sam_name: String,
    pub(crate) full_name: String,
    pub(crate) logon_server: String,
    pub(crate) netbios: String,
    pub(crate) domain: Sid,
    pub(crate) user_id: u32,
    pub(crate) primary_group_id: u32,
    pub(crate) groups: Vec<(u32, u32)>,
    pub(crate) user_flags: u32,
    pub(crate) uac: u32,
    pub(crate) extra: Vec<(Sid, u32)>,
    pub(crate) resource_domain: Option<Sid>,
    pub(crate) resource_groups: Vec<(u32, u32)>,
    pub(crate) upn: String,
    pub(crate) dns: String,
    pub(crate) upn_flags: u32,
    pub(crate) upn_sam: String,
    pub(crate) upn_sid: Sid,
    pub(crate) client_name: String,
    pub(crate) more: Vec<(u32, Vec<u8>)>,
}

impl PacContent {
    /// A user of CORP with the usual buffers.
    pub(crate) fn user() -> Self {
        let domain: Sid = "S-1-5-21-1004336348-1177238915-682003330".parse().unwrap();
        Self {
            sam_name: "alice".into(),
            full_name: "Alice Liddell".into(),
            logon_server: "DC1".into(),
            netbios: "CORP".into(),
            domain,
            user_id: 1107,
            primary_group_id: 513,
            groups: vec![(513, 7), (1102, 7)],
            user_flags: 0x20,
            uac: 0x10,
            extra: vec![("S-1-18-1".parse().unwrap(), 7)],
            resource_domain: None,
            resource_groups: Vec::new(),
            upn: "alice@corp.example".into(),
            dns: "CORP.EXAMPLE".into(),
            upn_flags: 2,
            upn_sam: "alice".into(),
            upn_sid: domain.child(1107).unwrap(),
            client_name: "alice".into(),
            more: Vec::new(),
        }
    }

    /// The buffers, before they are put together.
    pub(crate) fn buffers(&self) -> Vec<(u32, Vec<u8>)> {
        let mut buffers = vec![
            (1, self.logon_info()),
            (10, self.client_info()),
            (12, self.upn_dns_info()),
            (6, vec![16, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
            (7, vec![16, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ];
        buffers.extend(self.more.iter().cloned());
        buffers
    }

    /// The whole PAC.
    pub(crate) fn encode(&self) -> Vec<u8> {
        assemble(&self.buffers())
    }

    fn client_info(&self) -> Vec<u8> {
        let name = utf16(&self.client_name);
        let mut out = 134_000_000_000_000_000_u64.to_le_bytes().to_vec();
        out.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        out.extend(name);
        out
    }

    fn upn_dns_info(&self) -> Vec<u8> {
        let mut header = Vec::new();
        let mut body = Vec::new();
        let header_len = if self.upn_flags & 2 == 0 { 16 } else { 24 };
        let mut place = |octets: Vec<u8>, header: &mut Vec<u8>| {
            header.extend(u16::try_from(octets.len()).unwrap().to_le_bytes());
            header.extend(u16::try_from(header_len + body.len()).unwrap().to_le_bytes());
            body.extend(octets);
        };
        place(utf16(&self.upn), &mut header);
        place(utf16(&self.dns), &mut header);
        header.extend(self.upn_flags.to_le_bytes());
        if self.upn_flags & 2 != 0 {
            place(utf16(&self.upn_sam), &mut header);
            place(self.upn_sid.to_bytes(), &mut header);
        }
        header.resize(header_len, 0);
        header.extend(body);
        header
    }

    /// `KERB_VALIDATION_INFO` with its two headers.
    pub(crate) fn logon_info(&self) -> Vec<u8> {
        let mut ndr = Ndr::default();
        ndr.pointer();
        for time in [0_u64, u64::MAX >> 1, u64::MAX >> 1, 133_000_000_000_000_000, 0, u64::MAX >> 1] {
            ndr.u32(u32::try_from(time & 0xffff_ffff).unwrap());
            ndr.u32(u32::try_from(time >> 32).unwrap());
        }
        let strings = [&self.sam_name, &self.full_name, &String::new(), &String::new(), &String::new(), &String::new()];
        for string in strings {
            ndr.string_header(string);
        }
        ndr.u16(9);
        ndr.u16(0);
        ndr.u32(self.user_id);
        ndr.u32(self.primary_group_id);
        ndr.u32(u32::try_from(self.groups.len()).unwrap());
        ndr.pointer();
        ndr.u32(self.user_flags);
        ndr.0.extend([0; 16]);
        ndr.string_header(&self.logon_server);
        ndr.string_header(&self.netbios);
        ndr.pointer();
        ndr.0.extend([0; 8]);
        ndr.u32(self.uac);
        for _ in 0..7 {
            ndr.u32(0);
        }
        ndr.u32(u32::try_from(self.extra.len()).unwrap());
        ndr.pointer_or_null(!self.extra.is_empty());
        ndr.pointer_or_null(self.resource_domain.is_some());
        ndr.u32(u32::try_from(self.resource_groups.len()).unwrap());
        ndr.pointer_or_null(!self.resource_groups.is_empty());

        for string in strings {
            ndr.string_body(string);
        }
        ndr.rids(&self.groups);
        ndr.string_body(&self.logon_server);
        ndr.string_body(&self.netbios);
        ndr.sid(&self.domain);
        if !self.extra.is_empty() {
            ndr.u32(u32::try_from(self.extra.len()).unwrap());
            for (_, attributes) in &self.extra {
                ndr.pointer();
                ndr.u32(*attributes);
            }
            for (sid, _) in &self.extra {
                ndr.sid(sid);
            }
        }
        if let Some(domain) = &self.resource_domain {
            ndr.sid(domain);
        }
        if !self.resource_groups.is_empty() {
            ndr.rids(&self.resource_groups);
        }
        ndr.align(8);
        let mut out = hex::decode("01100800cccccccc").unwrap();
        out.extend(u32::try_from(ndr.0.len()).unwrap().to_le_bytes());
        out.extend([0; 4]);
        out.extend(ndr.0);
        out
    }
}

/// PACTYPE around buffers, each at a multiple of 8.
pub(crate) fn assemble(buffers: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut out = u32::try_from(buffers.len()).unwrap().to_le_bytes().to_vec();
    out.extend([0; 4]);
    let mut offset = 8 + 16 * buffers.len();
    for (kind, content) in buffers {
        out.extend(kind.to_le_bytes());
        out.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
        out.extend(u64::try_from(offset).unwrap().to_le_bytes());
        offset += content.len().next_multiple_of(8);
    }
    for (_, content) in buffers {
        out.extend(content);
        out.resize(out.len().next_multiple_of(8), 0);
    }
    out
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[derive(Default)]
struct Ndr(Vec<u8>);

impl Ndr {
    fn align(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }

    fn u16(&mut self, value: u16) {
        self.align(2);
        self.0.extend(value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.align(4);
        self.0.extend(value.to_le_bytes());
    }

    fn pointer(&mut self) {
        self.u32(0x0002_0000);
    }

    fn pointer_or_null(&mut self, present: bool) {
        self.u32(if present { 0x0002_0000 } else { 0 });
    }

    fn string_header(&mut self, text: &str) {
        let length = u16::try_from(utf16(text).len()).unwrap();
        self.u16(length);
        self.u16(length);
        self.pointer();
    }

    fn string_body(&mut self, text: &str) {
        let octets = utf16(text);
        let units = u32::try_from(octets.len() / 2).unwrap();
        self.u32(units);
        self.u32(0);
        self.u32(units);
        self.0.extend(octets);
    }

    fn rids(&mut self, rids: &[(u32, u32)]) {
        self.u32(u32::try_from(rids.len()).unwrap());
        for (rid, attributes) in rids {
            self.u32(*rid);
            self.u32(*attributes);
        }
    }

    fn sid(&mut self, sid: &Sid) {
        self.u32(u32::try_from(sid.sub_authorities().len()).unwrap());
        self.0.extend(sid.to_bytes());
    }
}
