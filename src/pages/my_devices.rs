//! The pages on which somebody looks after their own devices.

use super::contexts::{Notice, Page};

/// The devices of whoever is signed in.
#[derive(Debug, Clone, serde::Serialize)]
pub struct MyDevicesPage {
    /// Who it is.
    pub user: String,
    /// What the last step came to, when it came to nothing.
    pub notice: Option<Notice>,
    /// What was done, when something was.
    pub done: Option<DeviceDone>,
    /// The devices shown.
    pub devices: Vec<ShownDevice>,
    /// Which of all they are, when there are more.
    pub shown: Option<DeviceRange>,
}

/// Which part of a list is shown, and where the others are.
#[derive(Debug, Clone, serde::Serialize)]
pub struct DeviceRange {
    /// Number of the first one.
    pub first: String,
    /// Number of the last one.
    pub last: String,
    /// How many there are.
    pub total: String,
    /// Where those before them are.
    pub earlier: Option<String>,
    /// Where those after them are.
    pub later: Option<String>,
}

/// One device.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ShownDevice {
    /// Its name.
    pub name: String,
    /// Its operating system.
    pub system: String,
    /// How it is joined.
    pub kind: DeviceKind,
    /// The day it was used last, as far as it is known.
    pub used: Option<String>,
    /// The day it was registered, as far as it is known.
    pub registered: Option<String>,
    /// Whether it may be used.
    pub enabled: bool,
    /// Where it is disabled; `None` where its user may not.
    pub disable: Option<String>,
    /// Where it is removed; `None` where its user may not.
    pub remove: Option<String>,
}

/// How a device is joined. The names are keys of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKind {
    /// The user's own.
    DeviceKindOwn,
    /// A computer of the organization.
    DeviceKindDomain,
    /// Nobody noted it.
    DeviceKindOther,
}

/// What was done with a device.
#[derive(Debug, Clone, serde::Serialize)]
pub struct DeviceDone {
    /// What.
    pub text: DeviceDoneText,
    /// Name of the device.
    pub name: String,
}

/// What was done, as keys of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceDoneText {
    /// It is disabled.
    DeviceDisabled,
    /// It is gone.
    DeviceRemoved,
}

impl Page for MyDevicesPage {
    const TEMPLATE: &'static str = "my-devices.html";
    /// With pictures and many devices it would be too large.
    const PICTURES: bool = false;
}

/// The question before something is done with a device.
#[derive(Debug, Clone, serde::Serialize)]
pub struct DeviceQuestionPage {
    /// Where the answer is posted to.
    pub action: String,
    /// The sealed question.
    pub state: String,
    /// What is asked.
    pub question: DeviceQuestion,
    /// The device.
    pub device: ShownDevice,
}

/// What is asked. The names are beginnings of keys of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceQuestion {
    /// Whether to disable it.
    DeviceDisable,
    /// Whether to remove it.
    DeviceRemove,
}

impl Page for DeviceQuestionPage {
    const TEMPLATE: &'static str = "device-question.html";
}
