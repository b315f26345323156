//! The texts of every language, by key (Fluent).

use std::sync::Arc;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use minijinja::value::{Kwargs, Object, Value, from_args};
use minijinja::{ErrorKind, State};
use unic_langid::LanguageIdentifier;

use super::locale::Locale;

/// The texts of every language.
pub struct Texts(Vec<Arc<Bundle>>);

/// The texts of one language.
type Bundle = FluentBundle<FluentResource>;

/// Why a file of texts cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("texts of `{language}`: {reason}")]
pub struct TextError {
    language: &'static str,
    reason: String,
}

impl Texts {
    /// The texts that are part of the program.
    ///
    /// # Errors
    /// [`TextError`] for a file that is wrong.
    pub fn built_in() -> Result<Self, TextError> {
        Locale::ALL.iter().map(|locale| bundle(*locale).map(Arc::new)).collect::<Result<_, _>>().map(Self)
    }

    /// The function by which templates write texts of this language.
    pub(super) fn of(&self, locale: Locale) -> Translate {
        let place = Locale::ALL.iter().position(|each| *each == locale).unwrap_or(0);
        Translate(self.0.get(place).cloned())
    }
}

fn bundle(locale: Locale) -> Result<Bundle, TextError> {
    let failed = |reason: String| TextError { language: locale.tag(), reason };
    let language: LanguageIdentifier = locale.tag().parse().map_err(|error| failed(format!("{error}")))?;
    let resource = FluentResource::try_new(locale.source().to_owned())
        .map_err(|(_, errors)| failed(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // Names of applications stand in a text of the reader's direction; the marks around them would show in titles.
    bundle.set_use_isolating(locale.direction() == "rtl");
    bundle
        .add_resource(resource)
        .map_err(|errors| failed(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
    Ok(bundle)
}

/// `{{ t("key", name=value) }}` in a template.
pub(super) struct Translate(Option<Arc<Bundle>>);

impl std::fmt::Debug for Translate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Translate")
    }
}

impl Translate {
    /// The text of a key; `None` when there is none, or when it wants a value that is not given.
    fn text(&self, key: &str, arguments: &FluentArgs<'_>) -> Option<String> {
        let bundle = self.0.as_deref()?;
        let pattern = bundle.get_message(key)?.value()?;
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(arguments), &mut errors).into_owned();
        errors.is_empty().then_some(text)
    }
}

impl Object for Translate {
    fn call(self: &Arc<Self>, _state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, minijinja::Error> {
        let (key, named): (&str, Kwargs) = from_args(arguments)?;
        let mut values = FluentArgs::new();
        for name in named.args() {
            let value = named.get::<Value>(name)?;
            // A number chooses a plural form.
            match u64::try_from(value.clone()) {
                Ok(number) if value.is_number() => values.set(name.to_owned(), number),
                _ => values.set(name.to_owned(), named.get::<String>(name)?),
            }
        }
        let missing = || minijinja::Error::new(ErrorKind::InvalidOperation, format!("no text `{key}`"));
        self.text(key, &values).map(Value::from).ok_or_else(missing)
    }
}
