//! A file that two processes cannot hold at once.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// Held until it is dropped, and by the system's rules until the process ends.
#[derive(Debug)]
pub(crate) struct Held {
    _file: File,
}

/// Takes the lock; calls `waiting` once if another process has it.
pub(crate) fn take(path: &Path, waiting: impl FnOnce()) -> io::Result<Held> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            waiting();
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    Ok(Held { _file: file })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn the_second_waits_for_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = take(&path, || panic!("nobody has it")).unwrap();
        let (says, hears) = mpsc::channel();
        let second = thread::spawn({
            let path = path.clone();
            move || take(&path, || says.send(()).unwrap()).map(drop)
        });
        hears.recv().unwrap();
        assert!(!second.is_finished());
        drop(first);
        second.join().unwrap().unwrap();
    }
}
