//! Temporary folders that go away with this process, however it ends.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A temporary folder: removed when dropped, and when this process ends by a signal.
#[derive(Debug)]
pub struct TemporaryFolder {
    folder: TempDir,
    remover: Child,
}

impl TemporaryFolder {
    /// In the system's folder for such things, with the purpose in its name.
    ///
    /// # Errors
    /// That it cannot be made.
    pub fn new(purpose: &str) -> io::Result<Self> {
        Self::guard(
            tempfile::Builder::new()
                .prefix(&format!("bareflow-{purpose}-"))
                .tempdir()?,
        )
    }

    /// In `parent`, for what is to be renamed into it.
    ///
    /// # Errors
    /// That it cannot be made.
    pub fn new_in(parent: &Path) -> io::Result<Self> {
        Self::guard(tempfile::tempdir_in(parent)?)
    }

    /// Starts what removes the folder once this process is gone: until then it waits for the end of its input,
    /// which only this process could write. Nothing within the process could do it: other threads may still
    /// write into the folder, and SIGKILL cannot be caught.
    fn guard(folder: TempDir) -> io::Result<Self> {
        let remover = Command::new("sh")
            .args(["-c", "read -r _; exec rm -rf -- \"$1\"", "sh"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is not for it.
            .process_group(0)
            .spawn()?;
        Ok(Self { folder, remover })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves whatever is at the path to the caller.
    pub fn keep(mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.path().to_owned()
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // There is nobody to tell.
        let _ = self.remover.kill();
        let _ = self.remover.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::ExitStatusExt;
    use std::time::{Duration, Instant};
    use std::{env, fs, thread};

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    #[test]
    fn a_folder_goes_when_it_is_dropped_and_stays_when_it_is_kept() {
        let parent = tempfile::tempdir().unwrap();
        let folder = TemporaryFolder::new_in(parent.path()).unwrap();
        let path = folder.path().to_owned();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists());
        let kept = TemporaryFolder::new_in(parent.path()).unwrap().keep();
        assert!(kept.is_dir());
    }

    #[test]
    fn a_signal_removes_the_folder() {
        const IS_SUBJECT: &str = "BAREFLOW_TEST_IS_SUBJECT";
        if env::var_os(IS_SUBJECT).is_some() {
            let folder = TemporaryFolder::new("signal-test").unwrap();
            fs::write(folder.path().join("file"), "contents").unwrap();
            println!("\nfolder {}", folder.path().display());
            thread::sleep(Duration::from_secs(60));
            return;
        }
        // Shells have their background jobs ignore SIGINT and SIGHUP.
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            let mut subject = Command::new(env::current_exe().unwrap())
                .args(["--exact", "--nocapture"])
                .arg("temporary::tests::a_signal_removes_the_folder")
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
            let deadline = Instant::now() + Duration::from_secs(20);
            while Path::new(&folder).exists() {
                assert!(Instant::now() < deadline, "{folder} is still there");
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}
