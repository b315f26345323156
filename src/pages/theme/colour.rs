//! Colours, and whether they can be read on the ground of the pages (WCAG 2.2, 1.4.3).

use std::fmt;
use std::str::FromStr;

/// A colour of sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour([u8; 3]);

/// Not of the form `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no colour of the form #rrggbb")]
pub struct ColourError;

/// The two ways in which a system shows pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Scheme {
    /// The grounds that coloured text stands on, as `style.css` has them: the card, and the paper around it.
    const fn grounds(self) -> [Colour; 2] {
        match self {
            Self::Light => [Colour([0xff, 0xff, 0xff]), Colour([0xf3, 0xf5, 0xf4])],
            Self::Dark => [Colour([0x1a, 0x22, 0x20]), Colour([0x11, 0x17, 0x16])],
        }
    }

    /// The media query.
    pub(super) const fn media(self) -> &'static str {
        match self {
            Self::Light => "not all and (prefers-color-scheme:dark)",
            Self::Dark => "(prefers-color-scheme:dark)",
        }
    }

    /// What a colour is mixed with to stand out more.
    const fn far_end(self) -> Colour {
        match self {
            Self::Light => Colour([0, 0, 0]),
            Self::Dark => Colour([255, 255, 255]),
        }
    }
}

impl Colour {
    /// The lowest contrast to a ground of the pages, 1 to 21.
    pub fn contrast(self, scheme: Scheme) -> f64 {
        scheme.grounds().into_iter().map(|ground| contrast(self, ground)).fold(f64::INFINITY, f64::min)
    }

    /// Whether text of the colour can be read.
    pub fn is_readable(self, scheme: Scheme) -> bool {
        self.contrast(scheme) >= LEAST_CONTRAST
    }

    /// The nearest readable colour on the way to black or white.
    #[must_use]
    pub fn made_readable(self, scheme: Scheme) -> Self {
        let steps = (0..=100).map(|percent| self.mixed(scheme.far_end(), percent));
        steps.into_iter().find(|colour| colour.is_readable(scheme)).unwrap_or_else(|| scheme.far_end())
    }

    /// The colour under the pointer.
    pub(super) fn stronger(self, scheme: Scheme) -> Self {
        self.mixed(scheme.far_end(), 30)
    }

    fn mixed(self, other: Self, percent: u16) -> Self {
        let mix = |from: u8, to: u8| {
            let mixed = (u16::from(from) * (100 - percent) + u16::from(to) * percent) / 100;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        let (Self([r, g, b]), Self([to_r, to_g, to_b])) = (self, other);
        Self([mix(r, to_r), mix(g, to_g), mix(b, to_b)])
    }

    /// Relative luminance, 0 to 1.
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let Self([r, g, b]) = self;
        0.0722f64.mul_add(linear(b), 0.2126f64.mul_add(linear(r), 0.7152 * linear(g)))
    }
}

impl FromStr for Colour {
    type Err = ColourError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('#').ok_or(ColourError)?;
        let mut octets = [0; 3];
        hex::decode_to_slice(digits, &mut octets).map_err(|_| ColourError)?;
        Ok(Self(octets))
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", hex::encode(self.0))
    }
}

fn contrast(a: Colour, b: Colour) -> f64 {
    let (a, b) = (a.luminance(), b.luminance());
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// What text of the size of a link needs.
const LEAST_CONTRAST: f64 = 4.5;

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(text: &str) -> Colour {
        text.parse().unwrap()
    }

    #[test]
    fn only_six_digits_are_a_colour() {
        assert_eq!(colour("#0D5a53").to_string(), "#0d5a53");
        for text in [
            "",
            "#",
            "red",
            "#fff",
            "0d5a53",
            "#0d5a5",
            "#0d5a533",
            "#0d5a5g",
            " #0d5a53",
            "#0d5a53;}",
            "#é5a53",
            "#+d5a53",
        ] {
            assert_eq!(text.parse::<Colour>(), Err(ColourError), "{text}");
        }
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        for (a, b, expected) in
            [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#0000ff", "#ffffff", 8.59)]
        {
            assert!((contrast(colour(a), colour(b)) - expected).abs() < 0.01, "{a} {b}");
        }
        // The colours of the program itself, and the grounds as the style has them.
        let style = include_str!("../../../templates/style.css");
        for (scheme, accent) in [(Scheme::Light, "#0d5a53"), (Scheme::Dark, "#7fd1c4")] {
            assert!(colour(accent).is_readable(scheme));
            assert!(style.contains(&format!("--accent:{accent};")), "{accent}");
            let [card, paper] = scheme.grounds().map(|ground| ground.to_string().replace("#ffffff", "#fff"));
            assert!(style.contains(&format!("--paper:{paper};--card:{card};")), "{scheme:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_colour_made_readable_is_readable_and_so_is_what_is_under_the_pointer(octets: [u8; 3]) {
            for scheme in [Scheme::Light, Scheme::Dark] {
                let readable = Colour(octets).made_readable(scheme);
                proptest::prop_assert!(readable.is_readable(scheme));
                proptest::prop_assert!(readable.stronger(scheme).is_readable(scheme));
                // Text on a button of that colour: white, or that of `--on-accent` in the dark.
                let on_accent = if scheme == Scheme::Light { Colour([255; 3]) } else { colour("#06231f") };
                proptest::prop_assert!(contrast(on_accent, readable) >= LEAST_CONTRAST);
                if Colour(octets).is_readable(scheme) {
                    proptest::prop_assert_eq!(readable, Colour(octets));
                }
            }
        }
    }
}
