//! Puts the parts together and keeps them running: store, policies, connection,
//! admin API, driver.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use offerd_core::ids::{PolicyHandle, Role};
use offerd_core::machine::{Machine, PolicySettings, Settings, Subscription};
use offerd_core::policy::Codec;
use offerd_mesos::convert::FrameworkSettings;
use offerd_mesos::{ProtobufCodec, TlsError};
use offerd_policy::{Compiler, RoundLimits};
use offerd_record::{Folder, Recorder};
use offerd_store::{LoadError, OpenError, Store};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::admin::client::Admin;
use crate::admin::routes::Context;
use crate::admin::server::{self, BindError, Listener};
use crate::admin::{Ask, Asker};
use crate::clock::Clock;
use crate::config::{Config, Store as StoreSettings};
use crate::driver::{
    Driver, Ended, Facts, ForShadows, Loaded, Recording, Reload, Running, Sources, Waiting,
};
use crate::kept::{Kept, Origin};
use crate::ledger::Ledger;
use crate::policies::{Loader, PrepareError, Prepared, Surroundings};
use crate::watch::Watch;

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the store cannot be opened")]
    Store(#[source] OpenError),
    #[error("the store cannot be read")]
    Load(#[source] LoadError),
    #[error("not all policies can be put to work")]
    Policies(#[source] PrepareError),
    #[error("the admin API cannot be offered")]
    Admin(#[source] BindError),
    #[error("TLS to the masters cannot be set up")]
    Tls(#[source] TlsError),
    #[error("nothing can be recorded in {}", folder.display())]
    Record {
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("a thread cannot be started")]
    Thread(#[source] io::Error),
}

/// A running offerd. Dropping it ends it without a word to the master: tasks go
/// on, and a new one takes over with the same store.
#[derive(Debug)]
pub struct Service {
    admin: Admin,
    asker: Asker,
    stop: Option<oneshot::Sender<()>>,
    driver: JoinHandle<Result<(), Ended>>,
    server: JoinHandle<()>,
    kept: Option<Kept>,
}

impl Service {
    /// Starts everything that a configuration says. Policies are compiled by
    /// `compiler`, or without one in this process; for large ones nobody waits.
    pub async fn start(config: Config, compiler: Option<Compiler>) -> Result<Self, StartError> {
        let parts = Parts::open(&config).await?;
        let kept = Kept::new(config.policies_dir()).map_err(StartError::Thread)?;
        let started = Self::start_policies(parts, &config, compiler, kept.clone()).await;
        if started.is_err() {
            // What was ready may be on its way to the disk; the directory is others' now.
            kept.close();
        }
        started
    }

    async fn start_policies(
        parts: Parts,
        config: &Config,
        compiler: Option<Compiler>,
        kept: Kept,
    ) -> Result<Self, StartError> {
        let loader = Loader::new(config, compiler, parts.surroundings(), kept)
            .map_err(|error| StartError::Policies(error.into()))?;
        let loading = loader.clone();
        let prepared = tokio::task::spawn_blocking(move || loading.quick())
            .await
            .map_err(|error| StartError::Thread(io::Error::other(error)))?
            .map_err(StartError::Policies)?;
        parts.run(config, Some(loader), prepared)
    }

    /// The same with policies that were made elsewhere, in place of those of
    /// the configuration.
    pub async fn start_with(config: Config, prepared: Vec<Prepared>) -> Result<Self, StartError> {
        Parts::open(&config).await?.run(&config, None, prepared)
    }

    /// The way to ask it; with the port that was taken for port 0.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Reads the configuration again, and looks at all policy files.
    pub async fn reload(&self) {
        // Nobody is there any more if it ends.
        let _ = self.asker.tell(Ask::Reload(None)).await;
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> Result<(), Ended> {
        match (&mut self.driver).await {
            Ok(result) => result,
            Err(_) => Err(Ended::Lost("driver")),
        }
    }

    /// Ends it in order: what was begun is written down first.
    pub async fn stop(mut self) -> Result<(), Ended> {
        if let Some(stop) = self.stop.take() {
            // It may have ended just now.
            let _ = stop.send(());
        }
        self.ended().await
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.driver.abort();
        self.server.abort();
        if let Some(kept) = &self.kept {
            kept.close();
        }
    }
}

/// What is opened before anything runs, so that what cannot be is said first.
struct Parts {
    clock: Clock,
    store: Store,
    ledger: offerd_core::machine::Ledger,
    listener: Listener,
    codec: Arc<dyn Codec>,
    /// In the order of the policies: a role's handle is its position here.
    roles: Vec<String>,
    settings: Settings,
}

impl Parts {
    async fn open(config: &Config) -> Result<Self, StartError> {
        let listener = Listener::bind(&config.admin.listen)
            .await
            .map_err(StartError::Admin)?;
        let store = match &config.store {
            StoreSettings::Directory(dir) => Store::open(dir).map_err(StartError::Store)?,
            StoreSettings::Memory => Store::memory(),
        };
        let ledger = store.load().map_err(StartError::Load)?;
        let settings = Settings {
            durable: store.is_durable(),
            ..settings(config)
        };
        let roles = settings
            .policies
            .iter()
            .flat_map(|policy| policy.roles.iter().map(ToString::to_string))
            .collect();
        Ok(Self {
            clock: Clock::new(),
            store,
            ledger,
            listener,
            codec: Arc::new(ProtobufCodec),
            roles,
            settings,
        })
    }

    fn surroundings(&self) -> Surroundings {
        let most = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Surroundings {
            framework_id: self.ledger.framework_id.clone(),
            roles: self
                .roles
                .iter()
                .map(|role| Role::from(role.as_str()))
                .collect(),
            seed: self.settings.seed,
            now: self.clock.now(),
            codec: Arc::clone(&self.codec),
            rounds: RoundLimits {
                offer_lease: self.settings.offer_lease,
                offers: most(self.settings.offers_per_round),
                waiting: most(self.settings.waiting_per_round),
            },
        }
    }

    fn run(
        self,
        config: &Config,
        loader: Option<Loader>,
        prepared: Vec<Prepared>,
    ) -> Result<Service, StartError> {
        let address = self
            .listener
            .address()
            .map_err(|source| StartError::Admin(BindError::other(&config.admin.listen, source)))?;
        let (replies, decided) = mpsc::unbounded_channel();
        let (changes, changed) = mpsc::unbounded_channel();
        let watched = prepared.iter().filter_map(|policy| policy.watched.clone());
        let watch = Watch::start(watched.collect(), changes.clone());
        let later = Later::of(&prepared);
        let mut running = Vec::new();
        for (position, policy) in prepared.into_iter().enumerate() {
            let handle = PolicyHandle(u32::try_from(position).unwrap_or(u32::MAX));
            let policy = Running::start(policy, handle, self.clock.now(), replies.clone());
            running.push(policy.map_err(StartError::Thread)?);
        }
        let recorder = config.record.folder.as_ref().map(|folder| {
            let recorder = Recorder::new(Folder::new(folder), config.record.limits);
            recorder.map_err(|source| StartError::Record {
                folder: folder.clone(),
                source,
            })
        });
        let recording = Recording::new(recorder.transpose()?);
        let (done, commits) = mpsc::unbounded_channel();
        let history = self.store.history();
        let ledger = Ledger::start(self.store, done).map_err(StartError::Thread)?;
        let mut effects = Vec::new();
        let now = self.clock.now();
        let mut machine = Machine::new(self.settings, self.ledger, self.codec, now, &mut effects);
        for policy in &running {
            for input in policy.begins() {
                machine.handle(now, input, &mut effects);
            }
        }
        // The first subscription must carry what the ledger remembers.
        let first = effects.iter().rev().find_map(|effect| match effect {
            offerd_core::Effect::Subscription(subscription) => Some(subscription.clone()),
            _ => None,
        });
        let (subscription, wanted) = watch::channel(first.unwrap_or_else(Subscription::default));
        let (events, transport) = mpsc::unbounded_channel();
        let client =
            offerd_mesos::start(client(config), wanted, events).map_err(StartError::Tls)?;
        let (asker, asks) = Asker::new();
        let (loaded, prepared_others) = mpsc::unbounded_channel();
        let (candidates, prepared_shadows) = mpsc::unbounded_channel();
        let (roles, known_roles) = tokio::sync::watch::channel(self.roles);
        let (stop, stopped) = oneshot::channel();
        let kept = loader.as_ref().map(|loader| loader.kept().clone());
        if let Some(loader) = loader.clone() {
            let later = Arc::new(later);
            for _ in 0..Later::AT_A_TIME {
                let (later, loader, loaded) = (later.clone(), loader.clone(), loaded.clone());
                tokio::task::spawn_blocking(move || later.load(&loader, &loaded));
            }
        }
        let driver = Driver {
            machine,
            clock: self.clock,
            client,
            subscription,
            ledger,
            policies: running,
            replies,
            loader,
            loaded,
            loads: 0,
            reload: Reload::default(),
            candidates,
            for_shadows: ForShadows::default(),
            recording,
            watch,
            changes,
            roles,
            records: Vec::new(),
            answered: Vec::new(),
            facts: facts(config),
            waiting: Waiting::default(),
        };
        let sources = Sources {
            transport,
            policies: decided,
            commits,
            asks,
            loaded: prepared_others,
            candidates: prepared_shadows,
            changed,
            stop: stopped,
        };
        tracing::info!("the admin API is at {address}");
        let context = Context {
            asker: asker.clone(),
            roles: known_roles,
            history,
        };
        Ok(Service {
            admin: Admin::new(address),
            asker,
            stop: Some(stop),
            kept,
            driver: tokio::spawn(driver.run(effects, sources)),
            server: tokio::spawn(server::serve(self.listener, context)),
        })
    }
}

/// What takes too long to be made ready before the service subscribes: first what has
/// no code, then ways back.
struct Later(Mutex<VecDeque<Job>>);

enum Job {
    First(PolicyHandle, String),
    WayBack(PolicyHandle, String, Origin),
}

impl Later {
    /// The compiler uses all cores. Two, so that one that takes long does not hold up the
    /// rest.
    const AT_A_TIME: usize = 2;

    fn of(prepared: &[Prepared]) -> Self {
        let places = || prepared.iter().zip((0..).map(PolicyHandle));
        let absent = places().filter(|(policy, _)| policy.is_absent);
        let first = absent.map(|(policy, handle)| Job::First(handle, policy.name.clone()));
        let ways_back = places().filter_map(|(policy, handle)| {
            let origin = policy.lacks_way_back()?;
            Some(Job::WayBack(handle, policy.name.clone(), origin))
        });
        Self(Mutex::new(first.chain(ways_back).collect()))
    }

    fn jobs(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what is left, until nothing is or the service has ended.
    fn load(&self, loader: &Loader, loaded: &mpsc::UnboundedSender<Loaded>) {
        while let Some(job) = { self.jobs().pop_front() } {
            let done = match job {
                Job::First(policy, name) => {
                    let result = loader.first(&name).map(Box::new);
                    let origin = result.as_ref().ok().and_then(|it| it.lacks_way_back());
                    let back = origin.map(|origin| Job::WayBack(policy, name, origin));
                    self.jobs().extend(back);
                    Loaded::First { policy, result }
                }
                Job::WayBack(policy, name, origin) => {
                    let prepared = loader.way_back(&name, &origin).map(Box::new);
                    Loaded::WayBack {
                        policy,
                        origin,
                        prepared,
                    }
                }
            };
            if loaded.send(done).is_err() {
                return;
            }
        }
    }
}

fn facts(config: &Config) -> Facts {
    Facts {
        framework: config.framework.name.clone(),
        store: match &config.store {
            StoreSettings::Directory(dir) => dir.display().to_string(),
            StoreSettings::Memory => "memory".to_owned(),
        },
    }
}

fn settings(config: &Config) -> Settings {
    let policies = config
        .policies
        .iter()
        .map(|policy| PolicySettings {
            name: policy.name.clone(),
            roles: policy
                .roles
                .iter()
                .map(|role| Role::from(role.as_str()))
                .collect(),
        })
        .collect();
    Settings {
        offer_lease: config.offers.lease,
        contended_lease: config.offers.lease_contended,
        refuse_waiting: config.offers.refuse_waiting,
        refuse_idle: config.offers.refuse_idle,
        seed: rand::random(),
        ..Settings::new(policies)
    }
}

fn client(config: &Config) -> offerd_mesos::Settings {
    let framework = FrameworkSettings {
        principal: config.framework.principal.clone(),
        failover_timeout: config.framework.failover_timeout.as_secs_f64(),
        checkpoint: config.framework.checkpoint,
        hostname: config.framework.hostname.clone(),
        webui_url: config.framework.webui_url.clone(),
        labels: config.framework.labels.clone(),
        gpus: config.framework.gpu,
        ..FrameworkSettings::new(
            &config.framework.name,
            &config.framework.user,
            config.framework.roles.clone(),
        )
    };
    let mut settings = offerd_mesos::Settings::new(config.mesos.masters.clone(), framework);
    settings.credentials = config
        .mesos
        .credentials
        .as_ref()
        .map(|credentials| (credentials.principal.clone(), credentials.secret.clone()));
    settings.tls_ca = config.mesos.ca.clone();
    settings
}
