//! The pages on which somebody changes a password.

use super::contexts::{Notice, Page};
use super::theme::Description;

/// Old password, and twice the new one.
#[derive(Debug, Clone, serde::Serialize)]
pub struct UpdatePasswordPage {
    /// Where the form is posted to: path and query of the request.
    pub action: String,
    /// The sealed page.
    pub state: String,
    /// What stands in the field of the user name.
    pub user_name: String,
    /// Why the person is here, or what the last attempt came to.
    pub notice: Option<Notice>,
    /// The rules that the new password was held against.
    pub rules: Option<ShownRules>,
}

/// The rules for passwords, as numbers in sentences. Nothing is said of a rule that is 0 or `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct ShownRules {
    /// Fewest characters.
    pub length: u32,
    /// Whether several kinds of characters are needed.
    pub complex: bool,
    /// How many earlier passwords may not come again.
    pub history: u32,
    /// Days that a password must be kept, rounded up.
    pub days: u64,
}

impl Page for UpdatePasswordPage {
    const TEMPLATE: &'static str = "update-password.html";
    const DESCRIPTION: Option<Description> = Some(Description::UpdatePassword);
}

/// The password is changed.
#[derive(Debug, Clone, serde::Serialize)]
pub struct PasswordUpdatedPage {
    /// Where the person signs in with the new one: the request that was interrupted.
    pub go_on: Option<String>,
}

impl Page for PasswordUpdatedPage {
    const TEMPLATE: &'static str = "password-updated.html";
}
