//! Temporary folders that go away with this process, also when a signal ends it.

use std::fs;
use std::io::{self, PipeWriter, Read, Write, pipe};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use nix::libc::c_int;
use nix::sys::signal::{self, SaFlags, SigAction, SigHandler, SigSet, Signal};
use tempfile::TempDir;

/// Where the folders are that exist now.
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn folders() -> MutexGuard<'static, Vec<PathBuf>> {
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A temporary folder, removed when dropped and when a signal ends this process.
#[derive(Debug)]
pub struct TemporaryFolder(TempDir);

impl TemporaryFolder {
    /// In the system's folder for such things, with the purpose in its name.
    ///
    /// # Errors
    /// That it cannot be made.
    pub fn new(purpose: &str) -> io::Result<Self> {
        Self::create(|| {
            tempfile::Builder::new()
                .prefix(&format!("bareflow-{purpose}-"))
                .tempdir()
        })
    }

    /// In `parent`, for what is to be renamed into it.
    ///
    /// # Errors
    /// That it cannot be made.
    pub fn new_in(parent: &Path) -> io::Result<Self> {
        Self::create(|| tempfile::tempdir_in(parent))
    }

    fn create(create: impl FnOnce() -> io::Result<TempDir>) -> io::Result<Self> {
        // Locked first: a signal finds either no folder or one that is known.
        let mut folders = folders();
        let folder = create()?;
        folders.push(folder.path().to_owned());
        Ok(Self(folder))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves whatever is at the path to the caller.
    pub fn keep(mut self) -> PathBuf {
        self.0.disable_cleanup(true);
        self.path().to_owned()
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        folders().retain(|folder| folder != self.0.path());
    }
}

/// Where the handler writes the number of the signal.
static SIGNALS: OnceLock<PipeWriter> = OnceLock::new();

extern "C" fn pass_on(signal: c_int) {
    if let (Some(mut pipe), Ok(number)) = (SIGNALS.get(), u8::try_from(signal)) {
        // There is nobody to tell.
        let _ = pipe.write(&[number]);
    }
}

/// Lets the signals by which users and systems end processes remove the temporary folders first. The process
/// then ends by the signal, as it would have.
///
/// # Errors
/// That the system refuses.
pub fn remove_at_signals() -> io::Result<()> {
    let (mut reader, writer) = pipe()?;
    if SIGNALS.set(writer).is_err() {
        return Ok(());
    }
    thread::spawn(move || {
        let mut number = [0];
        if reader.read_exact(&mut number).is_err() {
            return;
        }
        // Kept until the end, so that there will be no other folder.
        let folders = folders();
        for folder in &*folders {
            // What the process still writes there may need a second try.
            let _ = fs::remove_dir_all(folder).or_else(|_| fs::remove_dir_all(folder));
        }
        if let Ok(signal) = Signal::try_from(c_int::from(number[0])) {
            // SAFETY: the default action is no function.
            let _ = unsafe { signal::signal(signal, SigHandler::SigDfl) };
            let _ = signal::raise(signal);
        }
    });
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
        let action = SigAction::new(
            SigHandler::Handler(pass_on),
            SaFlags::SA_RESTART,
            SigSet::empty(),
        );
        // SAFETY: the handler makes one system call, which handlers may.
        let before = unsafe { signal::sigaction(signal, &action)? };
        if matches!(before.handler(), SigHandler::SigIgn) {
            // As `nohup` wants it.
            // SAFETY: it is the action that was there.
            unsafe { signal::sigaction(signal, &before)? };
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use nix::sys::signal::kill;
    use nix::unistd::Pid;

    #[test]
    fn a_folder_goes_when_it_is_dropped_and_stays_when_it_is_kept() {
        let parent = tempfile::tempdir().unwrap();
        let folder = TemporaryFolder::new_in(parent.path()).unwrap();
        let path = folder.path().to_owned();
        assert!(path.is_dir() && folders().contains(&path));
        drop(folder);
        assert!(!path.exists() && !folders().contains(&path));

        let kept = TemporaryFolder::new_in(parent.path()).unwrap().keep();
        assert!(kept.is_dir() && !folders().contains(&kept));
    }

    #[test]
    fn a_signal_removes_the_folders_and_ends_the_process() {
        const IS_SUBJECT: &str = "BAREFLOW_TEST_IS_SUBJECT";
        if env::var_os(IS_SUBJECT).is_some() {
            remove_at_signals().unwrap();
            let folder = TemporaryFolder::new("signal-test").unwrap();
            fs::write(folder.path().join("file"), "contents").unwrap();
            println!("\nfolder {}", folder.path().display());
            thread::sleep(Duration::from_secs(60));
            return;
        }
        for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
            let mut subject = Command::new(env::current_exe().unwrap())
                .args(["--exact", "--nocapture"])
                .arg("temporary::tests::a_signal_removes_the_folders_and_ends_the_process")
                .env(IS_SUBJECT, "1")
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let folder = BufReader::new(subject.stdout.take().unwrap())
                .lines()
                .find_map(|line| Some(line.ok()?.strip_prefix("folder ")?.to_owned()))
                .expect("the process says where its folder is");
            assert!(Path::new(&folder).join("file").exists());
            kill(Pid::from_raw(subject.id().cast_signed()), signal).unwrap();
            let status = subject.wait().unwrap();
            assert_eq!(status.signal(), Some(signal as i32));
            assert!(!Path::new(&folder).exists());
        }
    }
}
