//! Keytab files (MIT format 0x0502): which principals have keys, of which number and type.
//!
//! For readiness, `check` and `doctor`. Keys are passed over, never kept. GSSAPI reads the file itself for its own use.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// The directory of a keytab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keytab {
    entries: Vec<KeytabEntry>,
}

/// One key, without the key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeytabEntry {
    /// Components of the principal's name: `HTTP`, `sts.corp.example`.
    pub components: Vec<String>,
    /// Realm.
    pub realm: String,
    /// Key version number.
    pub kvno: u32,
    /// Encryption type (17 and 18: AES with SHA-1, 19 and 20: AES with SHA-2, 23: RC4).
    pub etype: u16,
    /// When the entry was written, in seconds since 1970; 0 when the writer did not say.
    pub timestamp: u32,
}

impl Keytab {
    /// Reads a file of at most 1 MiB.
    ///
    /// # Errors
    /// [`KeytabError`].
    pub fn read(path: &Path) -> Result<Self, KeytabError> {
        let failed = |error: std::io::Error| KeytabError::Read { path: path.to_owned(), kind: error.kind() };
        let mut bytes = Zeroizing::new(Vec::new());
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        Self::parse(&bytes)
    }

    /// Reads the content of a file.
    ///
    /// # Errors
    /// [`KeytabError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, KeytabError> {
        if bytes.len() > MAX_FILE_BYTES {
            return Err(KeytabError::TooLarge);
        }
        let mut reader = Reader(bytes);
        let version = reader.u16()?;
        if version != 0x0502 {
            return Err(KeytabError::Version(version));
        }
        let mut entries = Vec::new();
        while !reader.0.is_empty() {
            // A negative size is a hole that a deleted entry left; zero ends the file.
            let size = reader.u32()?.cast_signed();
            let length = usize::try_from(size.unsigned_abs()).map_err(|_| KeytabError::Truncated)?;
            if size == 0 {
                break;
            }
            let content = reader.take(length)?;
            if size > 0 {
                if entries.len() == MAX_ENTRIES {
                    return Err(KeytabError::TooManyEntries);
                }
                entries.push(read_entry(Reader(content))?);
            }
        }
        Ok(Self { entries })
    }

    /// All entries in the order of the file.
    pub fn entries(&self) -> &[KeytabEntry] {
        &self.entries
    }

    /// The entries for a service on a host, without regard to case and realm: `HTTP`, `sts.corp.example`.
    pub fn for_service<'a>(&'a self, class: &'a str, host: &'a str) -> impl Iterator<Item = &'a KeytabEntry> {
        self.entries.iter().filter(move |entry| match entry.components.as_slice() {
            [found_class, found_host] => {
                found_class.eq_ignore_ascii_case(class) && found_host.eq_ignore_ascii_case(host)
            }
            _ => false,
        })
    }
}

impl KeytabEntry {
    /// `HTTP/sts.corp.example@CORP.EXAMPLE`.
    pub fn principal(&self) -> String {
        format!("{}@{}", self.components.join("/"), self.realm)
    }

    /// Whether the key is an AES key.
    pub const fn is_aes(&self) -> bool {
        matches!(self.etype, 17..=20)
    }

    /// The name of the encryption type, or its number.
    pub fn etype_name(&self) -> String {
        match self.etype {
            1 => "des-cbc-crc".into(),
            3 => "des-cbc-md5".into(),
            17 => "aes128-cts-hmac-sha1-96".into(),
            18 => "aes256-cts-hmac-sha1-96".into(),
            19 => "aes128-cts-hmac-sha256-128".into(),
            20 => "aes256-cts-hmac-sha384-192".into(),
            23 => "rc4-hmac".into(),
            other => format!("etype {other}"),
        }
    }
}

/// Why a file is no keytab.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeytabError {
    /// The file cannot be read.
    #[error("{path} cannot be read: {kind}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        kind: std::io::ErrorKind,
    },
    /// Another format. 0x0501 is the old one of other byte order; anything else is no keytab.
    #[error("not a keytab of format 0x0502 (found {0:#06x})")]
    Version(u16),
    /// An entry ends before its own length says.
    #[error("the keytab is truncated")]
    Truncated,
    /// A name is no UTF-8, or has too many components.
    #[error("a principal in the keytab is not readable")]
    Principal,
    /// More than 4,096 entries.
    #[error("the keytab has more than {MAX_ENTRIES} entries")]
    TooManyEntries,
    /// Larger than 1 MiB.
    #[error("the keytab is larger than 1 MiB")]
    TooLarge,
}

fn read_entry(mut entry: Reader<'_>) -> Result<KeytabEntry, KeytabError> {
    let count = usize::from(entry.u16()?);
    if count == 0 || count > MAX_COMPONENTS {
        return Err(KeytabError::Principal);
    }
    let realm = entry.text()?;
    let components = (0..count).map(|_| entry.text()).collect::<Result<Vec<_>, _>>()?;
    entry.u32()?; // name type
    let timestamp = entry.u32()?;
    let [short_kvno] = entry.array::<1>()?;
    let etype = entry.u16()?;
    let key_length = usize::from(entry.u16()?);
    entry.take(key_length)?;
    // A later addition: the whole number, where the writer knows it.
    let kvno = entry.u32().ok().filter(|kvno| *kvno != 0).unwrap_or_else(|| u32::from(short_kvno));
    Ok(KeytabEntry { components, realm, kvno, etype, timestamp })
}

/// Big-endian cursor.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], KeytabError> {
        let (array, rest) = self.0.split_first_chunk().ok_or(KeytabError::Truncated)?;
        self.0 = rest;
        Ok(*array)
    }

    fn u16(&mut self) -> Result<u16, KeytabError> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, KeytabError> {
        self.array().map(u32::from_be_bytes)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], KeytabError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(KeytabError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn text(&mut self) -> Result<String, KeytabError> {
        let length = usize::from(self.u16()?);
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| KeytabError::Principal)?;
        if text.chars().any(char::is_control) { Err(KeytabError::Principal) } else { Ok(text.to_owned()) }
    }
}

const MAX_FILE_BYTES: usize = 1024 * 1024;
const MAX_ENTRIES: usize = 4096;
const MAX_COMPONENTS: usize = 16;

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Principal components, realm, number, type, key.
    pub(in super::super) type EntryContent<'a> = (&'a [&'a str], &'a str, u32, u16, &'a [u8]);

    /// A keytab file with these entries.
    pub(in super::super) fn file(entries: &[EntryContent<'_>]) -> Vec<u8> {
        let mut out = vec![5, 2];
        for (components, realm, kvno, etype, key) in entries {
            let mut entry = u16::try_from(components.len()).unwrap().to_be_bytes().to_vec();
            for text in std::iter::once(realm).chain(components.iter()) {
                entry.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
                entry.extend(text.as_bytes());
            }
            entry.extend(1_u32.to_be_bytes());
            entry.extend(1_700_000_000_u32.to_be_bytes());
            entry.push(u8::try_from(kvno & 0xff).unwrap());
            entry.extend(etype.to_be_bytes());
            entry.extend(u16::try_from(key.len()).unwrap().to_be_bytes());
            entry.extend(*key);
            entry.extend(kvno.to_be_bytes());
            out.extend(u32::try_from(entry.len()).unwrap().to_be_bytes());
            out.extend(entry);
        }
        out
    }

    fn two_keys() -> Vec<u8> {
        file(&[
            (&["HTTP", "sts.corp.example"], "CORP.EXAMPLE", 300, 18, &[7; 32]),
            (&["svc-sts"], "CORP.EXAMPLE", 3, 23, &[8; 16]),
        ])
    }

    #[test]
    fn entries_without_their_keys() {
        let keytab = Keytab::parse(&two_keys()).unwrap();
        let [http, account] = keytab.entries() else { panic!("{keytab:?}") };
        assert_eq!(http.principal(), "HTTP/sts.corp.example@CORP.EXAMPLE");
        assert_eq!((http.kvno, http.etype, http.timestamp), (300, 18, 1_700_000_000), "the number in full");
        assert!(http.is_aes() && !account.is_aes());
        assert_eq!(
            (http.etype_name().as_str(), account.etype_name().as_str()),
            ("aes256-cts-hmac-sha1-96", "rc4-hmac")
        );
        assert_eq!(keytab.for_service("http", "STS.corp.example").count(), 1);
        assert_eq!(keytab.for_service("HTTP", "other.corp.example").count(), 0);
    }

    #[test]
    fn the_short_number_counts_where_no_other_is() {
        let mut bytes = file(&[(&["a"], "R", 3, 18, &[7; 32])]);
        bytes.truncate(bytes.len() - 4);
        let length = u32::try_from(bytes.len() - 6).unwrap();
        bytes[2..6].copy_from_slice(&length.to_be_bytes());
        assert_eq!(Keytab::parse(&bytes).unwrap().entries()[0].kvno, 3);
    }

    #[test]
    fn holes_are_passed_over() {
        let mut bytes = two_keys();
        let size = i32::from_be_bytes(bytes[2..6].try_into().unwrap());
        bytes[2..6].copy_from_slice(&(-size).to_be_bytes());
        let keytab = Keytab::parse(&bytes).unwrap();
        assert_eq!(keytab.entries().iter().map(KeytabEntry::principal).collect::<Vec<_>>(), ["svc-sts@CORP.EXAMPLE"]);
    }

    #[test]
    fn what_is_no_keytab() {
        assert_eq!(Keytab::parse(b""), Err(KeytabError::Truncated));
        assert_eq!(Keytab::parse(&[5, 1]), Err(KeytabError::Version(0x0501)));
        assert_eq!(Keytab::parse(b"-----BEGIN"), Err(KeytabError::Version(0x2d2d)));
        assert_eq!(Keytab::parse(&[5, 2, 0, 0, 0, 9]), Err(KeytabError::Truncated));
        assert_eq!(Keytab::parse(&file(&[(&[], "R", 1, 18, &[])])), Err(KeytabError::Principal));
        assert_eq!(Keytab::parse(&file(&[(&["a\nb"], "R", 1, 18, &[])])), Err(KeytabError::Principal));
        assert_eq!(Keytab::parse(&file(&[(&["a"; 17], "R", 1, 18, &[])])), Err(KeytabError::Principal));
        assert!(Keytab::parse(&file(&[(&["a"; 16], "R", 1, 18, &[])])).is_ok(), "sixteen components are read");
        let hole = i32::try_from(MAX_FILE_BYTES - 6).unwrap();
        let largest = [&[5, 2][..], &(-hole).to_be_bytes(), &vec![0; MAX_FILE_BYTES - 6]].concat();
        assert_eq!(Keytab::parse(&largest).map(|keytab| keytab.entries().len()), Ok(0), "a mebibyte is read");
        assert_eq!(Keytab::parse(&vec![0; MAX_FILE_BYTES + 1]), Err(KeytabError::TooLarge));
        let many = vec![(&["a"][..], "R", 1, 18, &b""[..]); MAX_ENTRIES + 1];
        assert_eq!(Keytab::parse(&file(&many)), Err(KeytabError::TooManyEntries));
        let large = tempfile::NamedTempFile::new().unwrap();
        large.as_file().set_len(MAX_FILE_BYTES as u64 + 1).unwrap();
        assert_eq!(Keytab::read(large.path()), Err(KeytabError::TooLarge));
        let missing = Keytab::read(Path::new("/nonexistent/keytab"));
        assert!(matches!(missing, Err(KeytabError::Read { kind: std::io::ErrorKind::NotFound, .. })));
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Keytab::parse(&[&[5, 2], &bytes[..]].concat());
        }

        #[test]
        fn any_mutation_is_read_or_refused(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
            let mut bytes = two_keys();
            for (at, octet) in changes {
                let at = at.index(bytes.len());
                bytes[at] = octet;
            }
            let _ = Keytab::parse(&bytes);
        }
    }
}
