//! A device that nobody used for longer than it may be idle is used again by a sign-in, and by nothing less.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chancery::devices::{Device as Kept, DeviceId, DeviceRegistry as _, SqlPlace};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::crashes::{proving_device, signed_request, token};
use crate::device_registry::sql;
use crate::drs_client::user;
use crate::drs_sign_in;
use crate::support::{BROKER, Browser, Device, Node, NodeSetup, Response};
use crate::throwaway::Account;

struct World {
    node: Node,
    account: Account,
    device: Device,
    runtime: tokio::runtime::Runtime,
    file: std::path::PathBuf,
}

impl World {
    /// A device that was registered, and last used, so many days ago.
    fn days_ago(days: i64) -> Self {
        let setup = NodeSetup::new();
        let file = setup.directory.join("devices.db");
        let registry = format!(
            "[device_registration]\nenabled = true\nregistry = \"sql\"\n[device_registration.sqlite]\nfile = \"{}\"\n",
            file.display()
        );
        let node = setup.replace("[device_registration]\nenabled = true", &registry).start();
        let (account, _) = user("idle");
        let access = drs_sign_in::by_password(&Browser::other().at(&node.address), &account.upn(), &account.password);
        let device = proving_device(&node, &access);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let mut connection = SqliteConnectOptions::new().filename(&file).connect().await.expect("a database");
            sqlx::query("UPDATE device SET last_used = last_used - $1, registered = registered - $1")
                .bind(days * 86_400_000)
                .execute(&mut connection)
                .await
                .expect("a table");
            connection.close().await.expect("an end");
        });
        Self { node, account, device, runtime, file }
    }

    /// The device as the registry keeps it.
    fn kept(&self) -> Kept {
        let registry = || sql(SqlPlace::Sqlite(self.file.clone()));
        let found = self.runtime.block_on(async { registry().find(DeviceId(self.device.id)).await });
        found.expect("an answer").expect("a device")
    }

    /// A request for a PRT, as the device signs it.
    fn request(&self) -> String {
        self.request_with(&self.account.password)
    }

    fn request_with(&self, password: &str) -> String {
        let nonce: Value = serde_json::from_str(&token(&self.node, "grant_type=srv_challenge").body).expect("JSON");
        self.device.sign(&json!({
            "client_id": BROKER, "scope": "openid aza", "request_nonce": nonce["Nonce"], "grant_type": "password",
            "username": self.account.upn(), "password": password,
        }))
    }

    fn send(&self, signed: &str) -> Response {
        token(&self.node, &signed_request(signed))
    }
}

/// After a long holiday.
#[test]
fn a_device_that_was_idle_for_too_long_comes_back_when_its_user_signs_in() {
    let world = World::days_ago(60);
    let before = world.kept();
    world.device.open(&world.send(&world.request()));
    assert!(world.kept().last_used > before.last_used, "its use is noted");
    world.account.delete();
}

#[test]
fn only_a_device_that_proves_itself_is_used() {
    let world = World::days_ago(20);
    let before = world.kept();
    let request = world.request();
    let (head, _) = request.rsplit_once('.').expect("a signature");
    // Nor is it used where nobody signs in.
    let wrong = world.request_with("Not-The-Password");
    assert_eq!(world.send(&wrong).status, 400);
    let forged = world.send(&format!("{head}.{}", URL_SAFE_NO_PAD.encode([7; 256])));
    assert!(forged.status == 400 && forged.body.contains("MSIS9604"), "{}", forged.body);
    assert_eq!(world.kept(), before, "whoever has its certificate has used nothing");
    world.device.open(&world.send(&request));
    assert!(world.kept().last_used > before.last_used, "its use is noted");
    world.account.delete();
}
