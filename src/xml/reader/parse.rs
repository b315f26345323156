//! From octets to the tree, in one pass.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use super::super::namespace::{XML, XMLNS};
use super::super::syntax::{character_reference, first_illegal, is_blank, predefined_entity, split_qname};
use super::attributes::{RawAttributes, decode};
use super::tree::{Attribute, Document, NONE, Node};
use super::{Comments, Limits, ReadError};

pub(super) fn parse<'i>(input: &'i [u8], limits: &Limits) -> Result<Document<'i>, ReadError> {
    let text = text_of(input, limits)?;
    let skipped = input.len() - text.len();
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_comments = true;
    let mut builder = Builder::new(limits, skipped, text);
    let mut start = 0;
    loop {
        let event = reader.read_event().map_err(|error| match error {
            quick_xml::Error::IllFormed(quick_xml::errors::IllFormedError::MissingEndTag(_)) => ReadError::Truncated,
            error => {
                ReadError::Malformed { offset: skipped + offset(reader.error_position()), reason: error.to_string() }
            }
        })?;
        let end = offset(reader.buffer_position());
        match event {
            Event::Start(tag) => builder.open(start, tag.name().as_ref().len(), end, false)?,
            Event::Empty(tag) => builder.open(start, tag.name().as_ref().len(), end, true)?,
            Event::End(_) => builder.close(end),
            Event::Text(piece) => {
                let piece = piece.into_inner();
                if piece.contains("]]>") {
                    return Err(builder.malformed(start, "]]> in text"));
                }
                builder.text(start, normalise_line_ends(piece))?;
            }
            Event::CData(piece) => {
                builder.inside_root(start)?;
                builder.text(start, normalise_line_ends(piece.into_inner()))?;
            }
            Event::GeneralRef(reference) => builder.reference(start, &reference)?,
            Event::Comment(_) => {
                if limits.comments == Comments::Refuse {
                    return Err(ReadError::Comment { offset: skipped + start });
                }
            }
            Event::Decl(_) => builder.declaration(start, end)?,
            Event::PI(_) => return Err(ReadError::ProcessingInstruction { offset: skipped + start }),
            Event::DocType(_) => return Err(ReadError::Doctype { offset: skipped + start }),
            Event::Eof => return builder.finish(),
        }
        start = end;
    }
}

/// The input as text without byte order mark; checks size, encoding and characters.
fn text_of<'i>(input: &'i [u8], limits: &Limits) -> Result<&'i str, ReadError> {
    if input.len() > limits.octets {
        return Err(ReadError::TooLarge { octets: input.len(), limit: limits.octets });
    }
    if input.starts_with(&[0xFE, 0xFF]) || input.starts_with(&[0xFF, 0xFE]) {
        return Err(ReadError::Encoding { encoding: String::from("UTF-16") });
    }
    let text = std::str::from_utf8(input).map_err(|error| ReadError::NotUtf8 { offset: error.valid_up_to() })?;
    if let Some((offset, character)) = first_illegal(text) {
        return Err(ReadError::IllegalCharacter { offset, character });
    }
    Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text))
}

struct Builder<'i, 'l> {
    limits: &'l Limits,
    /// Octets of the byte order mark, added to every offset shown.
    skipped: usize,
    text: &'i str,
    document: Document<'i>,
    open: Vec<Open>,
    /// Declarations in scope: prefix and namespace.
    scope: Vec<(&'i str, u16)>,
    /// Attributes of the tag at hand that are no declarations: prefix, local name, raw value.
    plain: Vec<(&'i str, &'i str, &'i str)>,
}

struct Open {
    node: u32,
    last_child: u32,
    /// Length of the scope outside this element.
    scope: usize,
}

impl<'i, 'l> Builder<'i, 'l> {
    fn new(limits: &'l Limits, skipped: usize, text: &'i str) -> Self {
        // A guess that fits what SOAP clients send, so that the arenas do not grow.
        let guess = (text.len() / 64).min(limits.elements);
        let document = Document {
            nodes: Vec::with_capacity(guess),
            attributes: Vec::with_capacity(guess),
            namespaces: vec![Cow::Borrowed(""), Cow::Borrowed(XML)],
        };
        Self {
            limits,
            skipped,
            text,
            document,
            open: Vec::with_capacity(16),
            scope: Vec::with_capacity(16),
            plain: Vec::with_capacity(8),
        }
    }

    fn open(&mut self, start: usize, name_length: usize, end: usize, empty: bool) -> Result<(), ReadError> {
        let shown = self.skipped + start;
        if self.open.is_empty() && !self.document.nodes.is_empty() {
            return Err(ReadError::OutsideRoot { offset: shown });
        }
        if self.open.len() >= self.limits.depth {
            return Err(ReadError::TooDeep { offset: shown, limit: self.limits.depth });
        }
        if self.document.nodes.len() >= self.limits.elements {
            return Err(ReadError::TooManyElements { limit: self.limits.elements });
        }
        let inner_end = end - if empty { 2 } else { 1 };
        let inner = self.text.get(start + 1..inner_end).unwrap_or_default();
        let (name, rest) = inner.split_at_checked(name_length).ok_or(ReadError::Name { offset: shown })?;
        let scope = self.scope.len();
        let (first_attribute, attribute_count) = self.attributes(shown, rest)?;
        let (prefix, local) = self.split(shown, name)?;
        let namespace = self.resolve(prefix, shown)?;
        let index = u32::try_from(self.document.nodes.len()).unwrap_or(NONE);
        self.attach(index);
        self.document.nodes.push(Node {
            namespace,
            attribute_count,
            first_attribute,
            first_child: NONE,
            next_sibling: NONE,
            mixed: false,
            local,
            text: Cow::Borrowed(""),
            span: shown..self.skipped + end,
        });
        if empty {
            self.scope.truncate(scope);
        } else {
            self.open.push(Open { node: index, last_child: NONE, scope });
        }
        Ok(())
    }

    /// Makes `index` the last child of the open element.
    fn attach(&mut self, index: u32) {
        let Some(parent) = self.open.last_mut() else { return };
        let previous = std::mem::replace(&mut parent.last_child, index);
        let parent = parent.node;
        if previous == NONE {
            if let Some(node) = self.document.nodes.get_mut(parent as usize) {
                node.first_child = index;
                node.mixed = !is_blank(&node.text);
                node.text = Cow::Borrowed("");
            }
        } else if let Some(node) = self.document.nodes.get_mut(previous as usize) {
            node.next_sibling = index;
        }
    }

    /// Reads declarations into the scope, then the other attributes into the arena; says where these are.
    fn attributes(&mut self, shown: usize, rest: &'i str) -> Result<(u32, u16), ReadError> {
        let first = self.document.attributes.len();
        let outer = self.scope.len();
        if rest.is_empty() {
            return Ok((u32::try_from(first).unwrap_or(NONE), 0));
        }
        let mut plain = std::mem::take(&mut self.plain);
        plain.clear();
        for (count, raw) in RawAttributes::new(rest).enumerate() {
            let raw = raw.map_err(|_| ReadError::Attributes { offset: shown })?;
            if count >= self.limits.attributes {
                return Err(ReadError::TooManyAttributes { offset: shown, limit: self.limits.attributes });
            }
            match self.split(shown, raw.name)? {
                ("", "xmlns") => self.declare(shown, outer, "", raw.value)?,
                ("xmlns", prefix) => self.declare(shown, outer, prefix, raw.value)?,
                (prefix, local) => plain.push((prefix, local, raw.value)),
            }
        }
        for (prefix, local, value) in plain.drain(..) {
            // The default namespace does not apply to attributes.
            let namespace = if prefix.is_empty() { 0 } else { self.resolve(prefix, shown)? };
            let earlier = self.document.attributes.get(first..).unwrap_or_default();
            if earlier.iter().any(|other| other.local == local && other.namespace == namespace) {
                return Err(ReadError::DuplicateAttribute { offset: shown, name: local.to_owned() });
            }
            let value = decode(value).ok_or(ReadError::Reference { offset: shown })?;
            self.document.attributes.push(Attribute { namespace, local, value });
        }
        self.plain = plain;
        let count = self.document.attributes.len() - first;
        Ok((u32::try_from(first).unwrap_or(NONE), u16::try_from(count).unwrap_or(u16::MAX)))
    }

    /// Brings one declaration into scope.
    fn declare(&mut self, shown: usize, outer: usize, prefix: &'i str, raw: &'i str) -> Result<(), ReadError> {
        let uri = decode(raw).ok_or(ReadError::Reference { offset: shown })?;
        let refused = match prefix {
            "xmlns" => true,
            "xml" => uri != XML,
            _ => uri == XML || uri == XMLNS || (uri.is_empty() && !prefix.is_empty()),
        };
        if refused {
            return Err(ReadError::ReservedNamespace { offset: shown, prefix: prefix.to_owned() });
        }
        if self.scope.get(outer..).unwrap_or_default().iter().any(|(other, _)| *other == prefix) {
            return Err(ReadError::DuplicateAttribute { offset: shown, name: prefix.to_owned() });
        }
        let limit = self.limits.declarations;
        if self.scope.len() >= limit {
            return Err(ReadError::TooManyDeclarations { offset: shown, limit });
        }
        let known = self.document.namespaces.iter().position(|known| *known == uri);
        let index = known.unwrap_or(self.document.namespaces.len());
        // Two namespaces are always there.
        if index >= limit + 2 {
            return Err(ReadError::TooManyDeclarations { offset: shown, limit });
        }
        let index = u16::try_from(index).map_err(|_| ReadError::TooManyDeclarations { offset: shown, limit })?;
        if known.is_none() {
            self.document.namespaces.push(uri);
        }
        self.scope.push((prefix, index));
        Ok(())
    }

    fn split(&self, shown: usize, name: &'i str) -> Result<(&'i str, &'i str), ReadError> {
        if name.len() > self.limits.name {
            return Err(ReadError::Name { offset: shown });
        }
        split_qname(name).ok_or(ReadError::Name { offset: shown })
    }

    fn resolve(&self, prefix: &str, shown: usize) -> Result<u16, ReadError> {
        if let Some((_, namespace)) = self.scope.iter().rev().find(|(declared, _)| *declared == prefix) {
            return Ok(*namespace);
        }
        match prefix {
            "" => Ok(0),
            "xml" => Ok(1),
            _ => Err(ReadError::UndeclaredPrefix { offset: shown, prefix: prefix.to_owned() }),
        }
    }

    fn close(&mut self, end: usize) {
        let Some(open) = self.open.pop() else { return };
        self.scope.truncate(open.scope);
        if let Some(node) = self.document.nodes.get_mut(open.node as usize) {
            node.span.end = self.skipped + end;
        }
    }

    fn text(&mut self, start: usize, piece: Cow<'i, str>) -> Result<(), ReadError> {
        let Some(open) = self.open.last() else {
            if is_blank(&piece) {
                return Ok(());
            }
            return Err(ReadError::OutsideRoot { offset: self.skipped + start });
        };
        if let Some(node) = self.document.nodes.get_mut(open.node as usize) {
            if open.last_child != NONE {
                node.mixed |= !is_blank(&piece);
            } else if node.text.is_empty() {
                node.text = piece;
            } else {
                node.text.to_mut().push_str(&piece);
            }
        }
        Ok(())
    }

    fn reference(&mut self, start: usize, reference: &BytesRef<'_>) -> Result<(), ReadError> {
        self.inside_root(start)?;
        let name: &str = reference;
        let refused = ReadError::Reference { offset: self.skipped + start };
        match name.strip_prefix('#') {
            Some(number) => {
                let character = character_reference(number).ok_or(refused)?;
                self.text(start, Cow::Owned(String::from(character)))
            }
            None => self.text(start, Cow::Borrowed(predefined_entity(name).ok_or(refused)?)),
        }
    }

    /// The XML declaration: only at the very start, version 1.0, UTF-8.
    fn declaration(&mut self, start: usize, end: usize) -> Result<(), ReadError> {
        let malformed = || ReadError::Declaration { offset: self.skipped + start };
        let content = self.text.get(start..end).and_then(|text| text.strip_prefix("<?xml")?.strip_suffix("?>"));
        let (Some(content), 0) = (content, start) else { return Err(malformed()) };
        // Version, encoding and standalone may stand in this order only.
        let mut expected = ["version", "encoding", "standalone"].iter().enumerate();
        for (position, raw) in RawAttributes::new(content).enumerate() {
            let raw = raw.map_err(|_| malformed())?;
            let (place, _) = expected.find(|(_, name)| **name == raw.name).ok_or_else(malformed)?;
            match (position, place, raw.value) {
                (0, 0, "1.0") | (1.., 2, "yes" | "no") => {}
                (1.., 1, encoding) if encoding.eq_ignore_ascii_case("utf-8") => {}
                (1.., 1, encoding) => return Err(ReadError::Encoding { encoding: encoding.to_owned() }),
                _ => return Err(malformed()),
            }
        }
        if RawAttributes::new(content).next().is_none() {
            return Err(malformed());
        }
        Ok(())
    }

    fn inside_root(&self, start: usize) -> Result<(), ReadError> {
        if self.open.is_empty() {
            return Err(ReadError::OutsideRoot { offset: self.skipped + start });
        }
        Ok(())
    }

    fn malformed(&self, start: usize, reason: &str) -> ReadError {
        ReadError::Malformed { offset: self.skipped + start, reason: reason.to_owned() }
    }

    fn finish(self) -> Result<Document<'i>, ReadError> {
        if !self.open.is_empty() {
            return Err(ReadError::Truncated);
        }
        if self.document.nodes.is_empty() {
            return Err(ReadError::NoRoot);
        }
        Ok(self.document)
    }
}

/// CR LF and single CR become LF (XML 1.0, 2.11).
fn normalise_line_ends(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.as_bytes().contains(&b'\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { text }
}

/// A position in the input; the input's length fits a `usize`.
fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
