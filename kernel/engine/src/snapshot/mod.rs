//! The snapshot service: what is remembered from boot to boot, the program's native code and its counts, in snapshots on a volume.
//!
//! 1. Every boot that ends well and has learnt something notes what was counted. Code is written when it is due, or when
//!    somebody asks for it.
//! 2. Whatever is wrong with a snapshot or the volume is said on the console, and the program runs without.

mod capture;
mod keys;
mod persist;
mod restore;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::num::NonZeroUsize;

use bareflow_profile::Boot;
use bareflow_program_env::report_note;
use bareflow_snapshot::{
    Authentication, Expected, FOLDER, Keys, LoadedSnapshot, Refusal, Series, Snapshot, Store,
    encode,
};
use bareflow_tier_policy::Config;
use bareflow_volume::{Timestamp, VolumeError};

use crate::clock::now;
use crate::{EngineHost, HostCounters, POOL_ADDRESS, POOL_SIZE_BYTES, RunRequest};

pub(crate) use capture::{Contents, Variables, variables_of};
use keys::OwnedKeys;
pub(crate) use restore::{Tables, map};

/// What keeps a program's code and counts: its part of the volume.
pub(crate) struct SnapshotService<'a> {
    host: &'a mut dyn EngineHost,
    keys: OwnedKeys,
    /// The other kernel that code is made for, and its processor.
    destination: Option<([u8; 32], String)>,
    secret: Option<[u8; 32]>,
    config: Config,
    is_requested: bool,
    /// The code that this boot has written.
    saved: Option<SavedCode>,
    /// What loading took, in cycles.
    load_cycles: u64,
    /// The newest good snapshot with code, and the newest with counts.
    code: Option<LoadedSnapshot>,
    counts: Option<LoadedSnapshot>,
    /// Variables as they are before the program starts, by address.
    variables: Variables,
}

/// A snapshot with code that this boot has written.
#[derive(Clone, Copy)]
struct SavedCode {
    number: u32,
    size_bytes: u64,
}

/// What was done at a boot's end.
pub(crate) enum Saved {
    /// Code, in a snapshot of this number.
    Code(u32),
    /// Counts only.
    Counts,
    /// Nothing; the console says why.
    Nothing,
    /// Nothing, because nothing was learnt.
    NoNews,
}

impl<'a> SnapshotService<'a> {
    /// Reads what there is; `None` without a volume, or without its folder.
    pub(crate) fn open(
        host: &'a mut dyn EngineHost,
        request: &RunRequest,
        config: &Config,
    ) -> Option<Self> {
        let start = now();
        host.volume()?;
        let mut service = Self {
            host,
            keys: OwnedKeys::new(request.modules, config),
            destination: request
                .destination
                .map(|to| (to.kernel_build_id, to.processor.to_string())),
            secret: request.secret,
            config: *config,
            is_requested: request.snapshot,
            saved: None,
            load_cycles: 0,
            code: None,
            counts: None,
            variables: Vec::new(),
        };
        if let Err(error) = service.load_all(request.destination.is_none()) {
            match error {
                VolumeError::NotFound => {
                    report_note(&format!(
                        "nothing is remembered: there is no folder {FOLDER}"
                    ));
                }
                _ => report_note(&format!("nothing is remembered: {error}")),
            }
            return None;
        }
        service.load_cycles = now() - start;
        Some(service)
    }

    fn load_all(&mut self, is_run: bool) -> Result<(), VolumeError> {
        if is_run {
            self.code = self.load(Series::Code, u32::MAX)?;
        }
        self.counts = self.load(Series::Counts, u32::MAX)?;
        Ok(())
    }

    /// The newest with a smaller number than `end`.
    fn load(&mut self, series: Series, end: u32) -> Result<Option<LoadedSnapshot>, VolumeError> {
        let pool = POOL_ADDRESS as u64..(POOL_ADDRESS + POOL_SIZE_BYTES) as u64;
        let expected = Expected {
            keys: self.keys.borrow(),
            pool,
            authentication: authentication(self.secret.as_ref()),
        };
        let refused = |name: &str, refusal: Refusal| {
            report_note(&format!("{name} is refused: {refusal}"));
        };
        let store = self.store(series);
        match self.host.volume() {
            Some(mut volume) => store.load_before(&mut volume, end, &expected, refused),
            None => Ok(None),
        }
    }

    fn store(&self, series: Series) -> Store {
        let keep = match series {
            Series::Code => usize::try_from(self.config.snapshot_keep).unwrap_or(usize::MAX),
            Series::Counts => 1,
        };
        Store::new(series, NonZeroUsize::new(keep).unwrap_or(NonZeroUsize::MIN))
    }

    /// What the kernel knows of the memory and of the disk.
    pub(crate) fn counters(&self) -> HostCounters {
        self.host.counters()
    }

    /// Mapping the snapshot took some time as well.
    pub(crate) fn add_load_cycles(&mut self, cycles: u64) {
        self.load_cycles += cycles;
    }

    /// This boot, for the profile.
    pub(crate) fn describe(&self) -> Boot {
        let counters = self.counters();
        Boot {
            number: self.boot(),
            snapshot: self.code_number().map(u64::from),
            load_cycles: self.load_cycles,
            snapshot_bytes: self.code.as_ref().map_or(0, LoadedSnapshot::size_bytes),
            saved: self.saved.map(|saved| u64::from(saved.number)),
            saved_bytes: self.saved.map_or(0, |saved| saved.size_bytes),
            llvm_bytes_read: counters.llvm_bytes_read,
            memory_bytes: counters.memory_bytes,
        }
    }

    /// The snapshot with code.
    pub(crate) fn code(&self) -> Option<Snapshot<'_>> {
        self.code.as_ref().map(LoadedSnapshot::snapshot)
    }

    /// The number of the snapshot with code.
    pub(crate) fn code_number(&self) -> Option<u32> {
        self.code.as_ref().map(LoadedSnapshot::number)
    }

    /// The code cannot be used after all: takes an older snapshot if there is one.
    pub(crate) fn refuse_code(&mut self, reason: &str) {
        if let Some(code) = self.code.take() {
            report_note(&format!("{} is refused: {reason}", code.name()));
            // The folder could be read a moment ago.
            self.code = self.load(Series::Code, code.number()).unwrap_or(None);
        }
    }

    /// The newest counts, whichever series they are in.
    pub(crate) fn counts(&self) -> Option<Snapshot<'_>> {
        let counts = self.counts.as_ref().map(LoadedSnapshot::snapshot);
        match (self.code(), counts) {
            (Some(code), Some(counts)) if counts.profile.boots < code.profile.boots => Some(code),
            (code, counts) => counts.or(code),
        }
    }

    /// The number of this boot, from 1 on.
    pub(crate) fn boot(&self) -> u64 {
        self.counts().map_or(0, |counts| counts.profile.boots) + 1
    }

    /// Remembers the variables as they are now.
    pub(crate) fn keep_variables(&mut self, variables: Variables) {
        self.variables = variables;
    }

    /// Whether what this boot still compiles may be kept.
    pub(crate) fn may_write_code(&self) -> bool {
        self.saved.is_none() && self.config.snapshot_every.is_some()
    }

    /// Whether this boot is to write its code. `has_news`: it has some that is in no snapshot.
    pub(crate) fn is_due(&self, has_news: bool) -> bool {
        if self.saved.is_some() {
            return false;
        }
        let boots_since = |code: Snapshot| self.boot().saturating_sub(code.profile.boots);
        let is_due = |every| has_news || self.code().is_none_or(|code| boots_since(code) >= every);
        self.is_requested || self.config.snapshot_every.is_some_and(is_due)
    }

    /// For what this boot's code is.
    pub(crate) fn keys(&self) -> Keys<'_> {
        match &self.destination {
            Some((kernel_build_id, processor)) => Keys {
                kernel_build_id: *kernel_build_id,
                cpu_features: processor,
                ..self.keys.borrow()
            },
            None => self.keys.borrow(),
        }
    }

    pub(crate) fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The bytes of a snapshot, with the secret if there is one.
    pub(crate) fn encode(&self, snapshot: &Snapshot) -> Vec<u8> {
        encode(snapshot, authentication(self.secret.as_ref()))
    }

    /// Writes a snapshot to the volume.
    pub(crate) fn save(&mut self, bytes: &[u8], series: Series) -> Saved {
        let (date, time) = bareflow_cxx_runtime::utc_date_and_time();
        let timestamp = Timestamp::new(date, time).unwrap_or(Timestamp::FIRST);
        let in_use = self.code_number().filter(|_| series == Series::Code);
        let store = self.store(series);
        let Some(mut volume) = self.host.volume() else {
            return Saved::Nothing;
        };
        match store.save(&mut volume, bytes, in_use, timestamp) {
            Ok(saved) if series == Series::Code => {
                self.saved = Some(SavedCode {
                    number: saved.number,
                    size_bytes: bytes.len() as u64,
                });
                Saved::Code(saved.number)
            }
            Ok(_) => Saved::Counts,
            Err(error) => {
                report_note(&format!("nothing was saved: {error}"));
                Saved::Nothing
            }
        }
    }
}

fn authentication(secret: Option<&[u8; 32]>) -> Authentication<'_> {
    secret.map_or(Authentication::None, Authentication::Keyed)
}
