//! `chancery probe device`: registers a device as Windows does, uses it, and removes it again.
//!
//! ```text
//! connection point ─► discovery ─► token ─► join ─► certificate ─► nonce ─► PRT ─► exchange
//!                                            │                                  └─► browser
//!                                            └──────────────────────── leave ◄─────────┘
//! ```
//!
//! One step a file. It is a client: what it sends and reads is written from the specifications (MS-DVRD, MS-DVRJ, MS-OAPXBC), by
//! OpenSSL and serde, so that it finds what the server misunderstands, and works against AD FS. Of the product it uses the Kerberos and
//! LDAP clients and the text forms of SIDs and GUIDs; nothing of the device registration service and of primary refresh tokens.
//!
//! Once a device is registered, whatever fails, it is removed at the end, unless the command line says otherwise.

mod args;
mod browser;
mod certificate;
mod certificate_form;
mod directory;
mod discovery;
mod exchange;
mod join;
mod jose;
mod keys;
mod leave;
mod page;
mod prt;
mod refusal;
mod run;
mod sign_in;

pub(super) use args::Device;
pub(super) use run::run;
