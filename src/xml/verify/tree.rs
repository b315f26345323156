//! Questions to the engine's tree, by exact names: namespace and local name, attributes in no namespace.

use bergshamra::xml::{Document, NodeId, NodeKind};

use super::VerifyError;

/// A view of the one tree that everything is located in.
#[derive(Clone, Copy)]
pub(super) struct Tree<'d, 'i>(pub(super) &'d Document<'i>);

impl<'d> Tree<'d, '_> {
    pub(super) fn root(self) -> Result<NodeId, VerifyError> {
        self.0.document_element().ok_or_else(|| VerifyError::Engine(String::from("no root element")))
    }

    pub(super) fn is(self, node: NodeId, namespace: &str, local: &str) -> bool {
        self.0.element(node).is_some_and(|element| element.name.matches(Some(namespace), local))
    }

    pub(super) fn local(self, node: NodeId) -> String {
        self.0.element(node).map(|element| element.name.local_name.to_string()).unwrap_or_default()
    }

    pub(super) fn namespace(self, node: NodeId) -> Option<&'d str> {
        self.0.element(node)?.name.namespace_uri.as_deref()
    }

    /// Every element of the document.
    pub(super) fn elements(self) -> impl Iterator<Item = NodeId> {
        self.0.descendants(self.0.root()).into_iter().filter(move |node| self.0.element(*node).is_some())
    }

    pub(super) fn children(self, node: NodeId) -> impl Iterator<Item = NodeId> {
        self.0.children(node).into_iter().filter(move |child| self.0.element(*child).is_some())
    }

    pub(super) fn children_named(self, node: NodeId, namespace: &str, local: &str) -> impl Iterator<Item = NodeId> {
        self.children(node).filter(move |child| self.is(*child, namespace, local))
    }

    /// The child of this name, which may stand at most once.
    pub(super) fn only_child(self, node: NodeId, namespace: &str, local: &str) -> Result<Option<NodeId>, VerifyError> {
        let mut found = self.children_named(node, namespace, local);
        let first = found.next();
        if found.next().is_some() {
            return Err(VerifyError::Repeated { parent: self.local(node), element: local.to_owned() });
        }
        Ok(first)
    }

    /// The child of this name, which must stand exactly once.
    pub(super) fn required_child(self, node: NodeId, namespace: &str, local: &str) -> Result<NodeId, VerifyError> {
        self.only_child(node, namespace, local)?
            .ok_or_else(|| VerifyError::Missing { parent: self.local(node), element: local.to_owned() })
    }

    /// The value of an attribute in no namespace.
    pub(super) fn attribute(self, node: NodeId, local: &str) -> Option<&'d str> {
        let attributes = &self.0.element(node)?.attributes;
        attributes.iter().find(|a| a.name.namespace_uri.is_none() && a.name.local_name == local).map(|a| &*a.value)
    }

    /// The value of an attribute in a namespace.
    pub(super) fn attribute_ns(self, node: NodeId, namespace: &str, local: &str) -> Option<&'d str> {
        let attributes = &self.0.element(node)?.attributes;
        attributes.iter().find(|a| a.name.matches(Some(namespace), local)).map(|a| &*a.value)
    }

    /// Refuses attributes other than `allowed`, which are in no namespace, and text between child elements.
    pub(super) fn strict(self, node: NodeId, allowed: &[&str]) -> Result<(), VerifyError> {
        let refuse = |reason| Err(VerifyError::Structure { element: self.local(node), reason });
        let Some(element) = self.0.element(node) else { return refuse("it is no element") };
        let known =
            |name: &bergshamra::xml::QName<'_>| name.namespace_uri.is_none() && allowed.contains(&&*name.local_name);
        if !element.attributes.iter().all(|attribute| known(&attribute.name)) {
            return refuse("unexpected attribute");
        }
        for child in self.0.children(node) {
            match self.0.node_kind(child) {
                Some(NodeKind::Element(_)) => {}
                Some(NodeKind::Text(text)) if text.trim_ascii().is_empty() => {}
                _ => return refuse("unexpected text"),
            }
        }
        Ok(())
    }

    /// Refuses attributes and child elements of an element that holds text.
    pub(super) fn strict_leaf(self, node: NodeId) -> Result<(), VerifyError> {
        match self.0.element(node) {
            Some(element) if element.attributes.is_empty() => self.no_children(node),
            _ => Err(VerifyError::Structure { element: self.local(node), reason: "unexpected attribute" }),
        }
    }

    /// Refuses child elements.
    pub(super) fn no_children(self, node: NodeId) -> Result<(), VerifyError> {
        match self.children(node).next() {
            None => Ok(()),
            Some(_) => Err(VerifyError::Structure { element: self.local(node), reason: "unexpected child element" }),
        }
    }

    /// All text of an element without child elements.
    pub(super) fn text(self, node: NodeId) -> Result<String, VerifyError> {
        let mut text = String::new();
        for child in self.0.children(node) {
            match self.0.node_kind(child) {
                Some(NodeKind::Text(piece)) => text.push_str(piece),
                _ => return Err(VerifyError::Structure { element: self.local(node), reason: "text expected" }),
            }
        }
        Ok(text)
    }
}
