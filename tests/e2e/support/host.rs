//! A host in this process, with policies from target/guests.

use std::path::{Path, PathBuf};

use offerd::admin::api::{Done, Status};
use offerd::admin::client::{Admin, AskError};
use offerd::config::Config;
use offerd::service::Service;
use offerd_core::machine::view::{JobStatus, TaskFilter, TaskSummary};
use offerd_policy::Compiler;

use super::until;

/// Where a built policy is.
pub(crate) fn guest(name: &str) -> PathBuf {
    let folder = match std::env::var_os("OFFERD_GUESTS") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests"),
    };
    let path = folder.join(format!("{name}.wasm"));
    assert!(
        path.exists(),
        "{} is not built; run the tests with `cargo xtask test`",
        path.display()
    );
    path
}

/// A `[[policy]]` entry, without a trial: on a busy machine tasks wait for long, and
/// the version before would come back by itself.
pub(crate) fn policy(guest_name: &str, role: &str, config: &str) -> String {
    format!(
        "[[policy]]\nroles = [\"{role}\"]\nfile = {:?}\nconfig = {config}\ntrial = \"0s\"\n",
        guest(guest_name)
    )
}

/// A configuration with the store in `dir`. What one test has compiled others
/// find: a policy in Python takes ten seconds. Calls of policies may take as long as
/// they like, unless `more` sets limits.
pub(crate) fn setup(master: &str, dir: &Path, roles: &[&str], more: &str) -> String {
    use std::os::unix::fs::{DirBuilderExt as _, symlink};
    let make = |path: &Path| {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
    };
    let compiled = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    make(&compiled).unwrap();
    make(&dir.join("state")).unwrap();
    // It is there when a host starts again.
    let _ = symlink(compiled, dir.join("state/compiled"));
    let limits = if more.contains("call_deadline") {
        ""
    } else {
        "limits.call_deadline = \"60s\"\n"
    };
    format!(
        "framework = {{ name = \"e2e\", user = \"root\", roles = {roles:?}, \
         failover_timeout = \"60s\" }}\n\
         admin.listen = \"127.0.0.1:0\"\nstore.dir = {:?}\nmesos.masters = [{master:?}]\n{limits}{more}",
        dir.join("state"),
    )
}

pub(crate) struct Host {
    service: Service,
    pub(crate) admin: Admin,
    text: String,
    dir: tempfile::TempDir,
    compiler: Option<Compiler>,
}

impl Host {
    /// One policy for one role.
    pub(crate) async fn start(master: &str, guest: &str, role: &str, config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let text = setup(master, dir.path(), &[role], &policy(guest, role, config));
        Self::start_text(text, dir).await
    }

    pub(crate) async fn start_text(text: String, dir: tempfile::TempDir) -> Self {
        Self::start_compiling(text, dir, None).await
    }

    /// With a program that compiles policies.
    pub(crate) async fn start_compiling(
        text: String,
        dir: tempfile::TempDir,
        compiler: Option<Compiler>,
    ) -> Self {
        let file = dir.path().join("offerd.toml");
        std::fs::write(&file, &text).unwrap();
        let config = Config::load(&file).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let service = Service::start(config, compiler.clone())
            .await
            .unwrap_or_else(|error| panic!("{}", offerd::report::chain(&error)));
        let admin = service.admin().clone();
        Self {
            service,
            admin,
            text,
            dir,
            compiler,
        }
    }

    /// Puts another text into its configuration file and has it read.
    pub(crate) async fn reload(&mut self, text: String) -> Result<Done, AskError> {
        std::fs::write(self.dir.path().join("offerd.toml"), &text).unwrap();
        self.text = text;
        self.admin.reload().await
    }

    /// Changes its configuration file and has it read, as SIGHUP does.
    pub(crate) async fn change(&mut self, change: impl FnOnce(&str) -> String) {
        self.text = change(&self.text);
        std::fs::write(self.dir.path().join("offerd.toml"), &self.text).unwrap();
        self.service.reload().await;
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Ends it and starts another with the same store.
    pub(crate) async fn restart(self) -> Self {
        self.service.stop().await.unwrap();
        Self::start_compiling(self.text, self.dir, self.compiler).await
    }

    /// Ends it; its directory stays until the result is dropped.
    pub(crate) async fn stop(self) -> tempfile::TempDir {
        self.service.stop().await.unwrap();
        self.dir
    }

    /// Waits until the service ends by itself, and gives its last words.
    pub(crate) async fn last_words(mut self) -> String {
        let ended = tokio::time::timeout(super::PATIENCE, self.service.ended());
        match ended.await.expect("the service goes on") {
            Ok(()) => String::new(),
            Err(error) => offerd::report::chain(&error),
        }
    }

    pub(crate) async fn submit(&self, toml: &str) {
        self.admin
            .submit(toml.to_owned())
            .await
            .unwrap_or_else(|error| panic!("{error}: {error:?}"));
    }

    pub(crate) async fn status(&self) -> Status {
        self.admin.status().await.unwrap()
    }

    pub(crate) async fn tasks(&self) -> Vec<TaskSummary> {
        self.admin.tasks(TaskFilter::default()).await.unwrap()
    }

    /// Ids of the tasks of a job in a state.
    pub(crate) async fn ids(&self, job: &str, state: &str) -> Vec<String> {
        let tasks = self.tasks().await;
        let wanted = tasks
            .into_iter()
            .filter(|task| task.job == job && task.state == state);
        wanted.map(|task| task.id).collect()
    }

    /// Waits until a job is as it should be.
    pub(crate) async fn job_until(
        &self,
        name: &str,
        good: impl Fn(&JobStatus) -> bool,
    ) -> JobStatus {
        until(&format!("job {name} is as it should be"), async || {
            let jobs = self
                .admin
                .jobs()
                .await
                .map_err(|error: AskError| error.to_string())?;
            let job = jobs
                .into_iter()
                .find(|job| job.name == name)
                .ok_or("no such job")?;
            if good(&job) {
                Ok(job)
            } else {
                Err(format!("{job:?}"))
            }
        })
        .await
    }

    pub(crate) async fn status_until(&self, what: &str, good: impl Fn(&Status) -> bool) -> Status {
        until(what, async || {
            let status = self.status().await;
            if good(&status) {
                Ok(status)
            } else {
                Err(format!("{status:?}"))
            }
        })
        .await
    }
}
