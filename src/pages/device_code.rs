//! The pages on which somebody lets a device sign in that shows a code.

use super::contexts::{Notice, Page};

/// The code is entered.
#[derive(Debug, Clone, serde::Serialize)]
pub struct DeviceCodePage {
    /// Where the form is posted to.
    pub action: String,
    /// The sealed page.
    pub state: String,
    /// What stands in the field of the code.
    pub user_code: String,
    /// What the last code came to.
    pub notice: Option<Notice>,
}

impl Page for DeviceCodePage {
    const TEMPLATE: &'static str = "device-code.html";
}

/// Whether the device may sign in.
#[derive(Debug, Clone, serde::Serialize)]
pub struct DeviceCodeQuestionPage {
    /// Where the answer is posted to.
    pub action: String,
    /// The sealed question.
    pub state: String,
    /// Name of the client.
    pub application: String,
    /// Who is signed in.
    pub user: String,
    /// Name of what the client gets access to.
    pub resource: String,
    /// The code, to be compared with what the device shows.
    pub code: String,
    /// Where the device asked from.
    pub address: String,
    /// When, in UTC.
    pub time: String,
}

impl Page for DeviceCodeQuestionPage {
    const TEMPLATE: &'static str = "device-code-question.html";
}

/// The question was answered.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct DeviceCodeDonePage {
    /// How.
    pub approved: bool,
}

impl Page for DeviceCodeDonePage {
    const TEMPLATE: &'static str = "device-code-done.html";
}
