//! Reading the whole configuration: the file, the environment, the trusts, and every check.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest;

use super::checks::{self, Surroundings};
use super::diagnostic::{Code, Place, Report};
use super::document::Document;
use super::environment::Environment;
use super::findings::Findings;
use super::names::DnsName;
use super::paths::{self, NamedPath, PathKind};
use super::{Config, required};
use crate::claims::RuleSet;
use crate::claims::policy::Policies;
use crate::clock::Clock;
use crate::pages::theme::Theme;
use crate::trusts::monitoring::Monitored;
use crate::trusts::{
    ClaimsProvider, ListedProvider, ProviderNames, RelyingParty, RuleKeys, TrustContext, Trusts, file::TrustFile,
};

/// What a configuration is read with.
#[derive(Clone)]
pub struct Loader {
    /// `chancery.toml`; the trusts are in the directory `trusts` beside it.
    pub file: PathBuf,
    /// Overrides.
    pub environment: Environment,
    /// Certificates are judged at its time.
    pub clock: Arc<dyn Clock>,
}

/// A configuration that can be used.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The trusts.
    pub trusts: Arc<Trusts>,
    /// What the pages look like.
    pub theme: Arc<Theme>,
    /// 1 for the configuration the server started with, one more for each that replaced another.
    pub generation: u64,
    /// What it was read from.
    pub fingerprint: Fingerprint,
}

/// What of `chancery.toml` concerns trusts.
#[derive(Debug, Default)]
struct ForTrusts {
    /// Additional authentication rules for every relying party.
    additional_authentication: Option<RuleSet>,
    /// Acceptance transform rules of the local claims provider.
    acceptance: Option<RuleSet>,
    /// The list of the built-in trust with Entra.
    entra_providers: Vec<ListedProvider>,
    /// What pages look like where a relying party does not say otherwise.
    theme: Arc<Theme>,
}

/// What came of reading.
#[derive(Debug)]
pub struct Outcome {
    /// The configuration, when there is no error.
    pub loaded: Option<Loaded>,
    /// Everything found.
    pub report: Report,
    /// What was read, also when it is wrong.
    pub fingerprint: Fingerprint,
    /// `service.state_directory`, as far as it can be known when the configuration is wrong.
    pub state_directory: Option<PathBuf>,
}

impl fmt::Debug for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Loader {
    /// Reads everything and checks it. Blocks on files; opens no network connection.
    pub fn load(&self) -> Outcome {
        let mut report = Report::default();
        let mut files = Files::default();
        let (settings, state_directory) = self.config(&mut files, &mut report);
        let (config, for_trusts) = settings.unzip();
        let ForTrusts { additional_authentication, acceptance, entra_providers, theme } =
            for_trusts.unwrap_or_default();
        let trusts = self.trusts(config.as_ref(), entra_providers, &theme, &mut files, &mut report);
        let trusts = trusts.with_additional_authentication(additional_authentication).with_local_acceptance(acceptance);
        report.sort();
        let fingerprint = files.fingerprint(self.base());
        let loaded = match (config, trusts) {
            (Some(config), trusts) if !report.has_errors() => Some(Loaded {
                config,
                trusts: Arc::new(trusts),
                theme,
                generation: 1,
                fingerprint: fingerprint.clone(),
            }),
            _ => None,
        };
        Outcome { loaded, report, fingerprint, state_directory }
    }

    /// The fingerprint of the files as they are now, without understanding them; `known` says which files count.
    pub fn fingerprint(&self, known: &Fingerprint) -> Fingerprint {
        let mut files = Files::default();
        for (path, (role, _)) in known.files.iter() {
            files.add(path, *role);
        }
        files.add(&self.file, Role::Configuration);
        for path in trust_files(&self.trusts_directory()).unwrap_or_default() {
            files.add(&path, Role::Configuration);
        }
        files.fingerprint(self.base())
    }

    fn trusts_directory(&self) -> PathBuf {
        self.base().join("trusts")
    }

    fn base(&self) -> &Path {
        self.file.parent().unwrap_or_else(|| Path::new(""))
    }

    /// The settings, and what of them concerns trusts.
    fn config(&self, files: &mut Files, report: &mut Report) -> (Option<(Config, ForTrusts)>, Option<PathBuf>) {
        let Some(text) = files.text(&self.file, report) else {
            return (None, None);
        };
        let mut document = Document::parse(&self.file, &text, report);
        document.apply(&self.environment, report);
        let Some(mut config) = document.read::<Config>(required::CONFIG, report) else {
            return (None, None);
        };
        let paths = paths::resolve(&mut config, self.base());
        config.complete();
        for NamedPath { path, kind, .. } in &paths {
            if matches!(kind, PathKind::Input | PathKind::Secret) {
                files.add(path, Role::Referenced);
            }
        }
        let around = Surroundings { now: self.clock.now(), paths: &paths };
        checks::all(&config, &around, &mut Findings::new(&document, report));
        let stores = super::store_catalog(&config);
        let mut context = TrustContext::new(Findings::new(&document, report), self.clock.now(), Some(&stores))
            .with_claim_types(described(&config));
        let additional_authentication = crate::trusts::compile_rules(
            config.authentication.additional_authentication_rules.as_deref(),
            config.authentication.additional_authentication_rules_file.as_deref(),
            &RuleKeys {
                inline: "authentication.additional_authentication_rules",
                file: "authentication.additional_authentication_rules_file",
            },
            &mut context,
        );
        let acceptance = crate::trusts::compile_local_acceptance(&config.active_directory, &mut context);
        let theme = crate::trusts::compile_branding(&config.branding, "branding", &mut context);
        crate::trusts::check_branding_size(&theme, "branding", &mut context);
        for referenced in context.into_files() {
            files.add(&referenced, Role::Configuration);
        }
        let state_directory = Some(config.service.state_directory.clone());
        let entra_providers =
            crate::trusts::listed(config.entra.claims_providers.as_ref(), "entra.claims_providers", &document);
        let theme = Arc::new(theme);
        (Some((config, ForTrusts { additional_authentication, acceptance, entra_providers, theme })), state_directory)
    }

    fn trusts(
        &self,
        config: Option<&Config>,
        entra_providers: Vec<ListedProvider>,
        theme: &Arc<Theme>,
        files: &mut Files,
        report: &mut Report,
    ) -> Trusts {
        let directory = self.trusts_directory();
        let mut identifiers: BTreeMap<String, String> = BTreeMap::new();
        let mut found: Vec<(RelyingParty, Vec<ListedProvider>, Vec<String>)> = Vec::new();
        let mut providers: Vec<Arc<ClaimsProvider>> = Vec::new();
        let mut clients: Vec<Arc<crate::trusts::Client>> = Vec::new();
        let mut client_ids: BTreeMap<String, String> = BTreeMap::new();
        let mut monitored: Vec<Monitored> = Vec::new();
        let suffixes = config.map(local_suffixes).unwrap_or_default();
        let mut names = ProviderNames::new(config.map(|config| config.service.identifier.as_str()), &suffixes);
        let own_policies = config.map(|config| config.access_control_policies.clone());
        let policies = Policies::new(own_policies.unwrap_or_default());
        if let Some(built_in) =
            config.and_then(|config| crate::trusts::entra::relying_party(config, &policies, report, &self.file))
        {
            for identifier in &built_in.identifiers {
                identifiers.insert(identifier.clone(), String::from("the built-in trust with Entra"));
            }
            found.push((built_in, entra_providers, Vec::new()));
        }
        if let Some(config) = config {
            let service_name = config.service.federation_service_name.to_string();
            let policy = &config.oauth.device_registration_policy;
            let resources = crate::trusts::user_information().into_iter().chain(crate::trusts::device_registration(
                &service_name,
                policy,
                &policies,
            ));
            for built_in in resources {
                for identifier in &built_in.identifiers {
                    identifiers.insert(identifier.clone(), format!("the built-in resource {}", built_in.name));
                }
                found.push((built_in, Vec::new(), Vec::new()));
            }
            clients = crate::trusts::built_in_clients(&service_name);
            client_ids.extend(
                clients.iter().map(|client| (client.id.clone(), format!("the built-in client {}", client.name))),
            );
        }
        let own = found.len();
        let paths = readable_trust_files(&directory, MAX_TRUSTS, report);
        // Without the configuration nobody knows which stores there are.
        let stores = config.map(super::store_catalog);
        for path in &paths {
            let Some(text) = files.text(path, report) else { continue };
            let mut document = Document::parse(path, &text, report);
            let Some(file) = document.read::<TrustFile>(required::TRUST, report) else { continue };
            let mut context = TrustContext::new(Findings::new(&document, report), self.clock.now(), stores.as_ref())
                .with_policies(&policies)
                .with_theme(theme);
            if let Some(config) = config {
                context =
                    context.with_claim_types(described(config)).with_state_directory(&config.service.state_directory);
            }
            if let Some(relying_party) = crate::trusts::compile(&file, path, &mut context, &mut identifiers) {
                let list = file.relying_party.as_ref().and_then(|table| table.claims_providers.as_ref());
                let listed = crate::trusts::listed(list, "relying_party.claims_providers", &document);
                found.push((relying_party, listed, context.take_scopes()));
            }
            if let Some(found) = crate::trusts::monitored(&file, &mut context) {
                files.add(found.kept.file(), Role::Referenced);
                monitored.push(found);
            }
            providers
                .extend(crate::trusts::compile_claims_provider(&file, path, &mut context, &mut names).map(Arc::new));
            clients.extend(crate::trusts::compile_client(&file, path, &mut context, &mut client_ids).map(Arc::new));
            for secret in context.secret_files() {
                files.add(secret, Role::Referenced);
            }
            for referenced in context.into_files() {
                files.add(&referenced, Role::Configuration);
            }
        }
        if found.len() == own
            && config.is_none_or(|config| config.entra.domains.is_empty() || !config.entra.enabled)
            && !report.has_errors()
        {
            let place = Place::File { file: directory };
            let message = "there is no trust: nobody can get a token";
            report.warning(
                Code::Advice,
                place,
                message,
                "enable `[entra]`, or write a file with `[relying_party]` here",
            );
        }
        let relying_parties = found.into_iter().map(|(mut trust, listed, scopes)| {
            crate::trusts::resolve_lists(&mut trust, &listed, &names, report);
            crate::trusts::add_identifiers(&mut trust, scopes, &mut identifiers, report);
            Arc::new(trust)
        });
        Trusts::new(relying_parties.collect())
            .with_claims_providers(providers)
            .with_local_suffixes(suffixes)
            .with_clients(clients)
            .with_monitored(monitored)
    }
}

/// The files of a directory of trusts; a directory that cannot be read, or that has more than is read, is an error of the report.
pub(super) fn readable_trust_files(directory: &Path, most: usize, report: &mut Report) -> Vec<PathBuf> {
    let place = || Place::File { file: directory.to_owned() };
    let mut files = trust_files(directory).unwrap_or_else(|error| {
        let message = format!("the directory of trusts cannot be read: {error}");
        report.error(Code::File, place(), message, "let the user that runs the server read it");
        Vec::new()
    });
    if files.len() > most {
        let message = format!("there are {} files of trusts, and {most} are read", files.len());
        report.error(Code::File, place(), message, "remove those that nobody uses");
        files.truncate(most);
    }
    files
}

/// The claim types that the configuration describes.
fn described(config: &Config) -> impl Iterator<Item = &str> {
    config.claim_descriptions.iter().map(|description| description.claim_type.as_str())
}

/// What the sign-in names of users of the own domains end in.
fn local_suffixes(config: &Config) -> Vec<DnsName> {
    let of = |domain: &super::Domain| domain.upn_suffixes.iter().cloned().chain([domain.realm.dns_name()]).collect();
    let mut suffixes: Vec<DnsName> = config.domains.iter().flat_map(|domain| -> Vec<DnsName> { of(domain) }).collect();
    suffixes.sort();
    suffixes.dedup();
    suffixes
}

/// `*.toml` in the directory, in order of their names; none when there is no such directory.
fn trust_files(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The content of every file a configuration was read from, as digests: two equal ones mean equal configurations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// Directory of `chancery.toml`; digests know files relative to it, so that it does not matter how it was named.
    base: PathBuf,
    files: Arc<BTreeMap<PathBuf, (Role, Content)>>,
}

impl Fingerprint {
    /// Lower-case hexadecimal digest of the configuration proper: `chancery.toml`, trusts and rule files. Certificates, keys
    /// and passwords are left out, so that the digest may be shown.
    pub fn digest(&self) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        for (path, (role, content)) in self.files.iter() {
            if *role == Role::Configuration {
                context.update(path.strip_prefix(&self.base).unwrap_or(path).as_os_str().as_encoded_bytes());
                context.update(&[0]);
                match content {
                    Content::Absent => context.update(&[0]),
                    Content::Digest(digest) => {
                        context.update(&[1]);
                        context.update(digest);
                    }
                }
            }
        }
        hex::encode(context.finish())
    }

    /// This fingerprint, with the files that `base` has beyond it and that are not configuration themselves.
    #[must_use]
    pub fn over(&self, base: &Self) -> Self {
        let mut files = (*self.files).clone();
        for (path, (role, content)) in base.files.iter().filter(|(_, (role, _))| *role == Role::Referenced) {
            files.entry(path.clone()).or_insert_with(|| (*role, content.clone()));
        }
        Self { base: self.base.clone(), files: Arc::new(files) }
    }

    /// The files.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }
}

/// What a file is to the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    /// It is part of the configuration.
    Configuration,
    /// The configuration names it: a certificate, a keytab, a password.
    Referenced,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Absent,
    Digest([u8; 32]),
}

/// The files read so far.
#[derive(Default)]
struct Files {
    contents: BTreeMap<PathBuf, (Role, Content)>,
}

impl Files {
    /// The text of a configuration file, with a finding when there is none.
    fn text(&mut self, path: &Path, report: &mut Report) -> Option<String> {
        let place = || Place::File { file: path.to_owned() };
        let bytes = match read_bounded(path, MAX_CONFIGURATION_FILE) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.contents.insert(path.to_owned(), (Role::Configuration, Content::Absent));
                let help = if error.kind() == std::io::ErrorKind::NotFound {
                    "`chancery init` writes a configuration; `--config` names another file"
                } else {
                    "let the user that runs the server read it"
                };
                report.error(Code::File, place(), format!("the file cannot be read: {error}"), help);
                return None;
            }
        };
        self.contents.insert(path.to_owned(), (Role::Configuration, digest_of(&bytes)));
        match String::from_utf8(bytes) {
            // Windows editors begin files with a byte order mark, which TOML allows to ignore.
            Ok(text) => Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
            Err(error) => {
                let line =
                    error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count();
                let message = format!("the file is not UTF-8: the first wrong octet is in line {}", line + 1);
                report.error(Code::Syntax, place(), message, "save it as UTF-8");
                None
            }
        }
    }

    /// Takes a file into the fingerprint.
    fn add(&mut self, path: &Path, role: Role) {
        if !self.contents.contains_key(path) {
            let content = read_bounded(path, MAX_REFERENCED_FILE).map_or(Content::Absent, |bytes| {
                let bytes = zeroize::Zeroizing::new(bytes);
                digest_of(&bytes)
            });
            self.contents.insert(path.to_owned(), (role, content));
        }
    }

    fn fingerprint(self, base: &Path) -> Fingerprint {
        Fingerprint { base: base.to_owned(), files: Arc::new(self.contents) }
    }
}

fn digest_of(bytes: &[u8]) -> Content {
    let mut octets = [0; 32];
    for (to, from) in octets.iter_mut().zip(digest::digest(&digest::SHA256, bytes).as_ref()) {
        *to = *from;
    }
    Content::Digest(octets)
}

/// The content of a regular file of at most `limit` octets.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> std::io::Result<Vec<u8>> {
    let file = fs::File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    // Room for one more octet: the read that meets the end is the one that reads the file.
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len().min(limit)).unwrap_or_default() + 1);
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(std::io::Error::other(format!("it is larger than {limit} octets")));
    }
    Ok(bytes)
}

/// Octets a configuration or trust file may have.
pub(crate) const MAX_CONFIGURATION_FILE: u64 = 4 * 1024 * 1024;
const MAX_REFERENCED_FILE: u64 = 64 * 1024 * 1024;
const MAX_TRUSTS: usize = 50_000;
