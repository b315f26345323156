//! The languages of the pages, and which of them a reader gets.

macro_rules! locales {
    ($($(#[$doc:meta])* $name:ident = $tag:literal, $direction:literal;)*) => {
        /// A language that the pages are written in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub enum Locale { $($(#[$doc])* $name,)* }

        impl Locale {
            /// Every language.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its tag, as in the `lang` attribute.
            pub const fn tag(self) -> &'static str {
                match self { $(Self::$name => $tag,)* }
            }

            /// The direction it is written in, as in the `dir` attribute.
            pub const fn direction(self) -> &'static str {
                match self { $(Self::$name => $direction,)* }
            }

            /// Its texts.
            pub(super) const fn source(self) -> &'static str {
                match self { $(Self::$name => include_str!(concat!("../../templates/locales/", $tag, ".ftl")),)* }
            }
        }
    };
}

locales! {
    /// English.
    #[default]
    En = "en", "ltr";
    /// German.
    De = "de", "ltr";
    /// French.
    Fr = "fr", "ltr";
    /// Spanish.
    Es = "es", "ltr";
    /// Italian.
    It = "it", "ltr";
    /// Dutch.
    Nl = "nl", "ltr";
    /// Portuguese of Brazil.
    PtBr = "pt-BR", "ltr";
    /// Polish.
    Pl = "pl", "ltr";
    /// Japanese.
    Ja = "ja", "ltr";
    /// Chinese in simplified characters.
    ZhHans = "zh-Hans", "ltr";
    /// Arabic.
    Ar = "ar", "rtl";
    /// Hebrew.
    He = "he", "rtl";
}

impl Locale {
    /// The language a reader with this `Accept-Language` understands best (RFC 9110, 12.5.4); English for all others.
    pub(super) fn negotiate(accept_language: Option<&str>) -> Self {
        let mut best = (Self::default(), 0);
        for range in accept_language.unwrap_or_default().split(',').take(MAX_RANGES) {
            let (tag, weight) = range.split_once(';').map_or((range, 1000), |(tag, rest)| (tag, weight(rest)));
            if weight > best.1
                && let Some(locale) = Self::of_tag(tag.trim())
            {
                best = (locale, weight);
            }
        }
        best.0
    }

    /// The language of a tag such as `fr-CA`: by its first subtag, where there is one form of the language only.
    fn of_tag(tag: &str) -> Option<Self> {
        let mut subtags = tag.split(['-', '_']);
        let language = subtags.next()?.to_ascii_lowercase();
        let traditional = tag.split(['-', '_']).any(|subtag| {
            ["hant", "tw", "hk", "mo"].iter().any(|traditional| subtag.eq_ignore_ascii_case(traditional))
        });
        match language.as_str() {
            // A reader of traditional characters is better served by the next language of the list.
            "zh" => (!traditional).then_some(Self::ZhHans),
            // The old code that some systems still send.
            "iw" => Some(Self::He),
            language => Self::ALL.iter().copied().find(|locale| locale.tag().split('-').next() == Some(language)),
        }
    }
}

/// `q=0.8` in thousandths; nothing for what is no weight.
fn weight(parameters: &str) -> u16 {
    let value = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("q="));
    let Some(value) = value else { return 1000 };
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|octet| octet.is_ascii_digit());
    match whole {
        "1" if fraction.bytes().all(|octet| octet == b'0') => 1000,
        "0" if digits => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

/// Ranges that are read.
const MAX_RANGES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_language_wins() {
        for (header, expected) in [
            ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", Locale::Fr),
            ("en;q=0.5, de-AT;q=0.9", Locale::De),
            ("pt-PT", Locale::PtBr),
            ("zh-CN,zh;q=0.9", Locale::ZhHans),
            ("zh-TW, ja;q=0.5", Locale::Ja),
            ("iw", Locale::He),
            ("AR-eg", Locale::Ar),
            ("fi, sv;q=0.9", Locale::En),
            ("fr;q=0, de;q=0.001", Locale::De),
            ("", Locale::En),
            ("fr;q=2, de;q=x, it;q=1.000", Locale::It),
        ] {
            assert_eq!(Locale::negotiate(Some(header)), expected, "{header}");
        }
        assert_eq!(Locale::negotiate(None), Locale::En);
    }

    proptest::proptest! {
        #[test]
        fn any_header_has_a_language(header in ".{0,200}") {
            let _ = Locale::negotiate(Some(&header));
        }
    }
}
