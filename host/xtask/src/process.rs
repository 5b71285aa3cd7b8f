//! xtask and all that it starts are one process group, which ends as a whole: when
//! xtask is asked to end, when its time is up, when whoever started it is gone.

use std::fs;
use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, getpgrp, getpid, getppid, kill_process, setpgid};
use tokio::signal::unix::{SignalKind, signal};

/// For programs that were asked to end, and those that are about to.
const GRACE: Duration = Duration::from_secs(10);

/// The group is being ended.
static IS_ENDING: AtomicBool = AtomicBool::new(false);

/// Returns only if more may be started: while the group is being ended its programs
/// fail, and what they failed at must neither go on nor be told.
pub(crate) fn go_on() {
    while IS_ENDING.load(Ordering::Relaxed) {
        thread::park();
    }
}

/// The process group that xtask leads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group(Pid);

impl Group {
    /// Makes one, unless a shell has done so. `None` for a part of a script at a
    /// terminal, which ends all of them.
    pub(crate) fn lead() -> Result<Option<Self>> {
        let own = getpid();
        let mut parent = None;
        if getpgrp() != own {
            if std::io::stdin().is_terminal() {
                return Ok(None);
            }
            setpgid(None, None).context("no process group for xtask")?;
            // Who ends the script's group does not reach this one.
            parent = getppid();
        }
        let group = Self(own);
        let wait = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        thread::spawn(move || match wait.block_on(asked_to_end(parent)) {
            Ok(why) => group.end(why),
            Err(error) => eprintln!("xtask does not hear of signals: {error}"),
        });
        Ok(Some(group))
    }

    /// Ends it all after a time.
    pub(crate) fn end_after(self, time: Duration) {
        thread::spawn(move || {
            thread::sleep(time);
            self.end(&format!("{} minutes are over", time.as_secs() / 60));
        });
    }

    fn end(self, why: &str) -> ! {
        IS_ENDING.store(true, Ordering::Relaxed);
        eprintln!("\nxtask: {why}; ending what was started ...");
        self.end_others();
        std::process::exit(1)
    }

    /// Ends what others have started and left behind, and gives its names.
    pub(crate) fn end_left(self) -> Vec<String> {
        let others = self.others_after_grace();
        self.end_others();
        others
            .into_iter()
            .map(|(id, name)| format!("{name} ({})", id.as_raw_nonzero()))
            .collect()
    }

    fn end_others(self) {
        let send = |number| {
            for (id, _) in self.others() {
                // It may have ended meanwhile.
                let _ = kill_process(id, number);
            }
        };
        send(Signal::TERM);
        if !self.others_after_grace().is_empty() {
            send(Signal::KILL);
        }
    }

    fn others_after_grace(self) -> Vec<(Pid, String)> {
        let limit = Instant::now() + GRACE;
        loop {
            let others = self.others();
            if others.is_empty() || Instant::now() > limit {
                return others;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Processes of the group that live, by name; none where there is no /proc.
    fn others(self) -> Vec<(Pid, String)> {
        let entries = fs::read_dir("/proc").into_iter().flatten();
        entries
            .filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("stat")).ok())
            .filter_map(|stat| member(&stat, self.0))
            .filter(|(id, _)| *id != self.0)
            .collect()
    }
}

/// Id and name of a process that lives in a group, from its /proc/ID/stat.
fn member(stat: &str, group: Pid) -> Option<(Pid, String)> {
    // Names may contain anything.
    let (front, rest) = stat.rsplit_once(") ")?;
    let (id, name) = front.split_once(" (")?;
    let mut fields = rest.split(' ');
    let (state, _parent, of) = (fields.next()?, fields.next()?, fields.next()?);
    let lives = !matches!(state, "Z" | "X");
    let of = Pid::from_raw(of.parse().ok()?)?;
    (lives && of == group).then_some((Pid::from_raw(id.parse().ok()?)?, name.to_owned()))
}

/// Waits for a signal, or until the parent is another one: the first has ended.
async fn asked_to_end(parent: Option<Pid>) -> std::io::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut looks = tokio::time::interval(Duration::from_secs(1));
    let orphaned = async {
        while parent.is_none() || getppid() == parent {
            looks.tick().await;
        }
    };
    Ok(tokio::select! {
        _ = terminate.recv() => "terminated",
        _ = interrupt.recv() => "interrupted",
        _ = hang_up.recv() => "the terminal is gone",
        () = orphaned => "who started it is gone",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_a_group_are_found_whatever_their_names() {
        let group = Pid::from_raw(7).unwrap();
        let found =
            |stat: &str| member(stat, group).map(|(id, name)| (id.as_raw_nonzero().get(), name));
        let named = |name: &str| Some((12, name.to_owned()));
        assert_eq!(found("12 (offerd) S 3 7 7 0 -1"), named("offerd"));
        assert_eq!(found("12 (a) R 1 7 (b) S 3 7 7"), named("a) R 1 7 (b"));
        assert_eq!(found("12 (offerd) Z 3 7 7 0 -1"), None, "it has ended");
        assert_eq!(found("12 (offerd) S 7 12 7 0 -1"), None);
        assert_eq!(found("nonsense"), None);
    }
}
