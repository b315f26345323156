//! Pictures that stand in a page itself.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A picture as a `data:` address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    address: Arc<str>,
    octets: usize,
}

/// Why a file is no picture for a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// A drawing may have scripts and name other files.
    #[error("it is an SVG drawing")]
    Drawing,
    /// Some other file.
    #[error("it is no PNG, JPEG or WebP picture")]
    Unknown,
}

impl Picture {
    /// The picture in a file with this content. Its first octets say what it is; the file's name does not count.
    ///
    /// # Errors
    /// [`PictureError`].
    pub fn of(content: &[u8]) -> Result<Self, PictureError> {
        let kind = match content {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "png",
            [0xff, 0xd8, 0xff, ..] => "jpeg",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "webp",
            _ if content.windows(4).take(SEARCHED).any(|part| part == b"<svg") => return Err(PictureError::Drawing),
            _ => return Err(PictureError::Unknown),
        };
        let address = format!("data:image/{kind};base64,{}", STANDARD.encode(content));
        Ok(Self { address: address.into(), octets: content.len() })
    }

    /// The address that a page shows it by. It has no character that HTML would read in another way.
    pub(in crate::pages) fn address(&self) -> &str {
        &self.address
    }

    /// Octets of the file.
    pub const fn octets(&self) -> usize {
        self.octets
    }
}

/// Octets in which a drawing names itself.
const SEARCHED: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_octets_say_what_it_is() {
        let address = |content: &[u8]| Picture::of(content).map(|picture| picture.address().to_owned());
        assert_eq!(address(b"\x89PNG\r\n\x1a\n"), Ok("data:image/png;base64,iVBORw0KGgo=".into()));
        assert_eq!(address(b"\xff\xd8\xff\xe0"), Ok("data:image/jpeg;base64,/9j/4A==".into()));
        assert_eq!(address(b"RIFF\0\0\0\0WEBPVP8 "), Ok("data:image/webp;base64,UklGRgAAAABXRUJQVlA4IA==".into()));
        assert_eq!(address(b"<?xml version='1.0'?>\n<svg onload='alert(1)'/>"), Err(PictureError::Drawing));
        for other in [&b""[..], b"GIF89a", b"<html>", b"RIFF\0\0\0\0WAVE", b"\x89PNG\n\x1a\n"] {
            assert_eq!(address(other), Err(PictureError::Unknown), "{other:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn an_address_has_no_markup(rest: Vec<u8>) {
            let picture = Picture::of(&[&b"\xff\xd8\xff"[..], &rest].concat()).unwrap();
            proptest::prop_assert!(!picture.address().contains(['"', '\'', '<', '>', '&', ' ', '\n']));
        }
    }
}
