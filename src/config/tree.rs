//! Operations on a parsed TOML tree: find a value by its path, take out the entry at a span, put in overrides and placeholders.
//!
//! A path is the keys joined by dots, a number for an element of a list. Knows nothing of what keys mean.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::Override;

/// The value at a path and its span.
pub(super) fn walk<'t, 'a>(root: &'t DeTable<'a>, path: &str) -> Option<(&'t DeValue<'a>, Range<usize>)> {
    let mut segments = path.split('.');
    let first = root.get(segments.next()?)?;
    let mut at = (first.get_ref(), first.span());
    for segment in segments {
        let next = match at.0 {
            DeValue::Table(table) => table.get(segment)?,
            DeValue::Array(array) => array.get(segment.parse::<usize>().ok()?)?,
            _ => return None,
        };
        at = (next.get_ref(), next.span());
    }
    Some(at)
}

/// The span of the value at a path.
pub(super) fn find(root: &DeTable<'_>, path: &str) -> Option<Range<usize>> {
    walk(root, path).map(|(_, span)| span)
}

/// An entry that was taken out because it did not fit.
pub(super) struct Removed {
    /// Path of the entry.
    pub(super) key: String,
    /// Path that counts as complained of: the entry's, or that of the list it stood in.
    pub(super) complaint: String,
    /// Where it stood.
    pub(super) span: Range<usize>,
}

/// Takes out the entry that `span` points at: the key with exactly that span, else the innermost value with it, else the
/// innermost value around it.
pub(super) fn remove(root: &mut DeTable<'_>, span: &Range<usize>) -> Option<Removed> {
    let exact = |candidate: &Range<usize>| candidate == span;
    let around = |candidate: &Range<usize>| candidate.start <= span.start && span.end <= candidate.end;
    let mut removed = remove_in_table(root, "", &exact, true)
        .or_else(|| remove_in_table(root, "", &exact, false))
        .or_else(|| remove_in_table(root, "", &around, false))?;
    removed.span = span.clone();
    Some(removed)
}

type Fits<'f> = &'f dyn Fn(&Range<usize>) -> bool;

/// With `keys` the span of an entry's key must fit, otherwise that of its value.
fn remove_in_table(table: &mut DeTable<'_>, path: &str, fits: Fits<'_>, keys: bool) -> Option<Removed> {
    let mut found = None;
    for (key, value) in &mut *table {
        let path = if path.is_empty() { key.get_ref().to_string() } else { format!("{path}.{}", key.get_ref()) };
        if keys && fits(&key.span()) {
            found = Some((key.get_ref().to_string(), path));
            break;
        }
        if let Some(removed) = remove_in_value(value.get_mut(), &path, fits, keys) {
            return Some(removed);
        }
        if !keys && fits(&value.span()) {
            found = Some((key.get_ref().to_string(), path));
            break;
        }
    }
    let (key, path) = found?;
    table.remove(key.as_str());
    Some(Removed { complaint: path.clone(), key: path, span: 0..0 })
}

fn remove_in_value(value: &mut DeValue<'_>, path: &str, fits: Fits<'_>, keys: bool) -> Option<Removed> {
    match value {
        DeValue::Table(table) => remove_in_table(table, path, fits, keys),
        DeValue::Array(array) => {
            let mut found = None;
            for (index, element) in array.iter_mut().enumerate() {
                if let Some(removed) = remove_in_value(element.get_mut(), &format!("{path}.{index}"), fits, keys) {
                    return Some(removed);
                }
                if !keys && fits(&element.span()) {
                    found = Some(index);
                    break;
                }
            }
            let index = found?;
            *array =
                array.iter().enumerate().filter(|(i, _)| *i != index).map(|(_, element)| element.clone()).collect();
            Some(Removed { key: format!("{path}.{index}"), complaint: path.to_owned(), span: 0..0 })
        }
        _ => None,
    }
}

/// Path and length of the list with exactly this span.
pub(super) fn array_at(table: &DeTable<'_>, path: &str, span: &Range<usize>) -> Option<(String, usize)> {
    table.iter().find_map(|(key, value)| {
        let path = if path.is_empty() { key.get_ref().to_string() } else { format!("{path}.{}", key.get_ref()) };
        array_in(value, path, span)
    })
}

fn array_in(value: &Spanned<DeValue<'_>>, path: String, span: &Range<usize>) -> Option<(String, usize)> {
    match value.get_ref() {
        DeValue::Table(table) => array_at(table, &path, span),
        DeValue::Array(array) if value.span() == *span => Some((path, array.len())),
        DeValue::Array(array) => {
            array.iter().enumerate().find_map(|(i, element)| array_in(element, format!("{path}.{i}"), span))
        }
        _ => None,
    }
}

/// The tree with only those elements of the list at `path` that `keep` wants.
pub(super) fn with_elements<'a>(mut root: DeTable<'a>, path: &str, keep: &dyn Fn(usize) -> bool) -> DeTable<'a> {
    let mut segments = path.split('.');
    let mut at = segments.next().and_then(|first| root.get_mut(first));
    for segment in segments {
        at = match at.map(Spanned::get_mut) {
            Some(DeValue::Table(table)) => table.get_mut(segment),
            Some(DeValue::Array(array)) => segment.parse::<usize>().ok().and_then(|index| array.get_mut(index)),
            _ => None,
        };
    }
    if let Some(DeValue::Array(array)) = at.map(Spanned::get_mut) {
        *array = array.iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, element)| element.clone()).collect();
    }
    root
}

/// Sets what an override says; everything it adds gets the span `start..start + 1`.
pub(super) fn set<'a>(root: &mut DeTable<'a>, each: &Override<'a>, start: usize) -> Result<(), String> {
    let path: Vec<&str> = each.path.iter().map(String::as_str).collect();
    if path.iter().any(|segment| segment.is_empty()) {
        return Err(format!("`{}` names no key", each.variable));
    }
    let value = match DeValue::parse(each.value) {
        Ok(value) if !value.get_ref().is_datetime() => value.into_inner(),
        _ => DeValue::String(each.value.into()),
    };
    insert(root, &path, value, &(start..start + 1))
}

/// Sets a placeholder; false when the path leads through something that is no table.
pub(super) fn set_placeholder(root: &mut DeTable<'_>, path: &str, value: &'static str, start: usize) -> bool {
    let path: Vec<&str> = path.split('.').collect();
    DeValue::parse(value).is_ok_and(|value| insert(root, &path, value.into_inner(), &(start..start + 1)).is_ok())
}

/// Puts `value` at a path, making the tables on the way. Lists are not made longer.
fn insert<'a>(table: &mut DeTable<'a>, path: &[&str], value: DeValue<'a>, span: &Range<usize>) -> Result<(), String> {
    let Some((first, rest)) = path.split_first() else {
        return Err(String::from("no key is named"));
    };
    if table.get(*first).is_none() {
        // Spans tell entries apart: that of a key must not equal that of the value below it.
        let key = span.start..span.end + 1 + usize::from(rest.is_empty());
        let table_span = span.start..span.end + 3;
        let name = Cow::Owned((*first).to_owned());
        table.insert(Spanned::new(key, name), Spanned::new(table_span, DeValue::Table(DeTable::new())));
    }
    match table.get_mut(*first) {
        Some(entry) => insert_into(entry, first, rest, value, span),
        None => Ok(()),
    }
}

fn insert_into<'a>(
    entry: &mut Spanned<DeValue<'a>>,
    name: &str,
    path: &[&str],
    value: DeValue<'a>,
    span: &Range<usize>,
) -> Result<(), String> {
    let Some((first, rest)) = path.split_first() else {
        *entry = at_span(value, span);
        return Ok(());
    };
    match entry.get_mut() {
        DeValue::Table(table) => insert(table, path, value, span),
        DeValue::Array(array) => match first.parse::<usize>().ok().and_then(|index| array.get_mut(index)) {
            Some(element) => insert_into(element, name, rest, value, span),
            None => Err(format!("the list `{name}` has no element {first}")),
        },
        _ => Err(format!("`{name}` is a value, not a section")),
    }
}

/// The tree with every float without a fraction (`5.0`) read as the whole number it is: Helm writes all numbers of a chart's
/// values as floats, and no key of ours is a float.
pub(super) fn with_whole_numbers<'a>(table: DeTable<'a>, text: &'a str) -> DeTable<'a> {
    table.into_iter().map(|(key, value)| (key, whole_numbers(value, text))).collect()
}

fn whole_numbers<'a>(value: Spanned<DeValue<'a>>, text: &'a str) -> Spanned<DeValue<'a>> {
    let span = value.span();
    let value = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(with_whole_numbers(table, text)),
        DeValue::Array(array) => {
            DeValue::Array(array.into_iter().map(|element| whole_numbers(element, text)).collect())
        }
        DeValue::Float(float) => text
            .get(span.clone())
            .and_then(|written| written.strip_suffix(".0"))
            .and_then(|whole| DeValue::parse(whole).ok())
            .map_or(DeValue::Float(float), Spanned::into_inner),
        other => other,
    };
    Spanned::new(span, value)
}

/// The value with every span in it set to `span`.
fn at_span<'a>(value: DeValue<'a>, span: &Range<usize>) -> Spanned<DeValue<'a>> {
    let value = match value {
        DeValue::Array(array) => {
            DeValue::Array(array.into_iter().map(|element| at_span(element.into_inner(), span)).collect())
        }
        DeValue::Table(table) => DeValue::Table(
            table
                .into_iter()
                .map(|(key, value)| (Spanned::new(span.clone(), key.into_inner()), at_span(value.into_inner(), span)))
                .collect(),
        ),
        scalar => scalar,
    };
    Spanned::new(span.clone(), value)
}
