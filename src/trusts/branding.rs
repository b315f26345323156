//! From `[branding]` or `[relying_party.branding]` to a theme: every key checked, pictures read.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::{TrustContext, endpoints};
use crate::config::diagnostic::Code;
use crate::config::suggest;
use crate::pages::theme::{
    self, Branding, Colour, Description, Fragment, FragmentPlace, Picture, PictureError, Scheme, StyleSheet, Theme,
};

/// The theme that a table describes, without what it takes from another. Findings say what is wrong.
pub(crate) fn compile(branding: &Branding, table: &str, context: &mut TrustContext<'_, '_, '_>) -> Theme {
    let key = |name: &str| format!("{table}.{name}");
    if let Some(name) = &branding.company_name {
        company_name(name, &key("company_name"), context);
    }
    let links = &branding.links;
    for (name, link) in [("home", &links.home), ("help_desk", &links.help_desk), ("privacy", &links.privacy)] {
        if let Some(link) = link {
            endpoints::link(link, &key(&format!("links.{name}")), context);
        }
    }
    let text = |text: &Option<String>| text.as_deref().map(Arc::from);
    Theme {
        company_name: text(&branding.company_name),
        logo: picture(branding.logo.as_deref(), &key("logo"), context),
        illustration: picture(branding.illustration.as_deref(), &key("illustration"), context),
        accent_light: colour(branding.accent_light.as_deref(), Scheme::Light, &key("accent_light"), context),
        accent_dark: colour(branding.accent_dark.as_deref(), Scheme::Dark, &key("accent_dark"), context),
        home: text(&links.home),
        help_desk: text(&links.help_desk),
        privacy: text(&links.privacy),
        descriptions: descriptions(branding, &key("texts"), context),
        fragments: fragments(branding, &key("fragments"), context),
        style_sheet: style_sheet(branding.style_sheet.as_deref(), &key("style_sheet"), context),
    }
}

/// The theme of a relying party: its own table over the service's theme; `None` when it has no table.
pub(super) fn of_relying_party(
    branding: Option<&Branding>,
    context: &mut TrustContext<'_, '_, '_>,
) -> Option<Arc<Theme>> {
    const TABLE: &str = "relying_party.branding";
    let theme = compile(branding?, TABLE, context).over(&context.theme.clone());
    check_size(&theme, TABLE, context);
    Some(Arc::new(theme))
}

/// The pictures of one page are in it.
pub(crate) fn check_size(theme: &Theme, table: &str, context: &mut TrustContext<'_, '_, '_>) {
    let octets = theme.picture_octets();
    if octets > theme::MOST_PICTURE_OCTETS {
        let most = theme::MOST_PICTURE_OCTETS;
        context.findings.error(
            Code::InvalidValue,
            table,
            format!("logo and illustration have {octets} octets together; {most} is the most"),
            "they stand in each page, which stays under 30 kB: save them smaller, as WebP",
        );
        return;
    }
    let (octets, most) = (theme.octets(), theme::MOST_OCTETS);
    if octets > most {
        context.findings.error(
            Code::InvalidValue,
            table,
            format!("pictures, fragments and style sheet add {octets} octets to a page; {most} is the most"),
            "a page stays under 30 kB: a picture counts four thirds of its file",
        );
    }
}

/// The text of a file beside the configuration.
fn text_of(path: &Path, key: &str, context: &mut TrustContext<'_, '_, '_>) -> Option<(String, String)> {
    let (file, octets) = context.read(path, key)?;
    let shown = file.display().to_string();
    let text = String::from_utf8(octets).ok();
    if text.is_none() {
        context.findings.error(Code::InvalidValue, key, format!("{shown} is not UTF-8"), "save it as UTF-8");
    }
    Some((shown, text?))
}

fn style_sheet(path: Option<&Path>, key: &str, context: &mut TrustContext<'_, '_, '_>) -> Option<StyleSheet> {
    let (shown, text) = text_of(path?, key, context)?;
    match StyleSheet::of(&text) {
        Ok(sheet) => Some(sheet),
        Err(error) => {
            let message = format!("{shown} cannot be used: {error}");
            let help =
                "a page loads nothing: colours, sizes and places can be set, pictures are `logo` and `illustration`";
            context.findings.error(Code::InvalidValue, key, message, help);
            None
        }
    }
}

fn fragments(
    branding: &Branding,
    key: &str,
    context: &mut TrustContext<'_, '_, '_>,
) -> BTreeMap<FragmentPlace, BTreeMap<&'static str, Fragment>> {
    let mut all: BTreeMap<FragmentPlace, BTreeMap<&'static str, Fragment>> = BTreeMap::new();
    for (language, files) in &branding.fragments {
        let Some(tag) = theme::languages().chain([""]).find(|tag| tag == language) else {
            unknown_language(language, &format!("{key}.{language}"), context);
            continue;
        };
        for (name, place, file) in
            [("header", FragmentPlace::Header, &files.header), ("footer", FragmentPlace::Footer, &files.footer)]
        {
            let key = format!("{key}.{language}.{name}");
            let Some((shown, text)) = file.as_deref().and_then(|file| text_of(file, &key, context)) else { continue };
            match Fragment::of(text.trim()) {
                Ok(fragment) => {
                    all.entry(place).or_default().insert(tag, fragment);
                }
                Err(error) => {
                    let message = format!("{shown} cannot stand in a page: {error}");
                    let help =
                        "paragraphs, lists, emphasis and links over HTTPS can; scripts, forms, pictures and ids cannot";
                    context.findings.error(Code::InvalidValue, &key, message, help);
                }
            }
        }
    }
    all
}

fn company_name(name: &str, key: &str, context: &mut TrustContext<'_, '_, '_>) {
    if name.trim().is_empty() || name.chars().count() > theme::MOST_NAME || name.chars().any(char::is_control) {
        context.findings.error(
            Code::InvalidValue,
            key,
            format!("a name has 1 to {} characters, all on one line", theme::MOST_NAME),
            "leave the key out for `service.display_name`",
        );
    }
}

fn picture(path: Option<&Path>, key: &str, context: &mut TrustContext<'_, '_, '_>) -> Option<Picture> {
    let (file, octets) = context.read(path?, key)?;
    let shown = file.display();
    if octets.len() > theme::MOST_PICTURE_OCTETS {
        let message = format!("{shown} has {} octets; {} is the most", octets.len(), theme::MOST_PICTURE_OCTETS);
        context.findings.error(
            Code::InvalidValue,
            key,
            message,
            "it stands in each page, which stays under 30 kB: save it smaller, as WebP",
        );
        return None;
    }
    match Picture::of(&octets) {
        Ok(picture) => Some(picture),
        Err(error) => {
            let help = match error {
                PictureError::Drawing => "a drawing may have scripts in it: export it as PNG or WebP",
                PictureError::Unknown => "save the picture as PNG, JPEG or WebP; the name of the file does not count",
            };
            context.findings.error(Code::InvalidValue, key, format!("{shown} cannot be shown: {error}"), help);
            None
        }
    }
}

fn colour(text: Option<&str>, scheme: Scheme, key: &str, context: &mut TrustContext<'_, '_, '_>) -> Option<Colour> {
    let text = text?;
    let Ok(colour) = text.parse::<Colour>() else {
        context.findings.error(
            Code::InvalidValue,
            key,
            format!("`{text}` is no colour"),
            "write red, green and blue in hexadecimal digits, like `#0d5a53`",
        );
        return None;
    };
    if !colour.is_readable(scheme) {
        let ground = if scheme == Scheme::Light { "light" } else { "dark" };
        // Downwards: what is too low by a hair must not look like enough.
        let contrast = (colour.contrast(scheme) * 10.0).floor() / 10.0;
        context.findings.error(
            Code::InvalidValue,
            key,
            format!("the contrast of `{colour}` to the {ground} ground of the pages is {contrast:.1}:1; people need 4.5:1 to read it"),
            format!("`{}` is the nearest colour of this hue that has it", colour.made_readable(scheme)),
        );
    }
    Some(colour)
}

fn descriptions(
    branding: &Branding,
    key: &str,
    context: &mut TrustContext<'_, '_, '_>,
) -> BTreeMap<Description, BTreeMap<&'static str, Arc<str>>> {
    let mut all: BTreeMap<Description, BTreeMap<&'static str, Arc<str>>> = BTreeMap::new();
    for (language, texts) in &branding.texts {
        let Some(tag) = theme::languages().chain([""]).find(|tag| tag == language) else {
            unknown_language(language, &format!("{key}.{language}"), context);
            continue;
        };
        for (name, place, text) in [
            ("sign_in", Description::SignIn, &texts.sign_in),
            ("home_realm", Description::HomeRealm, &texts.home_realm),
            ("error", Description::Error, &texts.error),
            ("sign_out", Description::SignOut, &texts.sign_out),
            ("certificate", Description::Certificate, &texts.certificate),
            ("update_password", Description::UpdatePassword, &texts.update_password),
        ] {
            let Some(text) = text else { continue };
            check_text(text, &format!("{key}.{language}.{name}"), context);
            all.entry(place).or_default().insert(tag, text.trim().into());
        }
    }
    all
}

fn unknown_language(language: &str, key: &str, context: &mut TrustContext<'_, '_, '_>) {
    let base = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let meant = theme::languages()
        .find(|tag| tag.split('-').next() == Some(base.as_str()))
        .or_else(|| suggest::nearest(language, theme::languages()));
    let known = || format!("the pages are in {}", theme::languages().collect::<Vec<_>>().join(", "));
    let help = meant.map_or_else(known, |tag| format!("write `{tag}`"));
    let help = format!("{help}; texts for everybody else stand under `\"\"`");
    context.findings.error(Code::InvalidValue, key, format!("the pages are not in a language `{language}`"), help);
}

fn check_text(text: &str, key: &str, context: &mut TrustContext<'_, '_, '_>) {
    let length = text.chars().count();
    if length > theme::MOST_TEXT {
        let message = format!("the text has {length} characters; {} is the most", theme::MOST_TEXT);
        context.findings.error(Code::InvalidValue, key, message, "say it shorter, or link to a page that says more");
    } else if text.chars().any(|character| character.is_control() && character != '\n') {
        let message = "the text has a control character";
        context.findings.error(Code::InvalidValue, key, message, "only line ends are taken");
    }
}
