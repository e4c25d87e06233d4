//! The FAT16 volume, which is mounted once, when somebody wants it.

use bareflow_cxx_runtime::platform::Storage;
#[cfg(feature = "engine")]
use bareflow_program_env::VolumeGuard;
use bareflow_program_env::{DiskVolume, mount as mount_noisily, mount_quietly};

use super::disk;
use crate::single_thread_cell::SingleThreadCell;

struct Mount {
    is_done: bool,
    /// Who looks at the volume before anybody else has it.
    look: Option<fn(&mut DiskVolume)>,
}

static MOUNT: SingleThreadCell<Mount> = SingleThreadCell::new(Mount {
    is_done: false,
    look: None,
});

/// Has somebody look at the volume as soon as it is mounted.
pub(crate) fn when_mounted(look: fn(&mut DiskVolume)) {
    MOUNT.borrow().look = Some(look);
}

/// Mounts the volume if nobody has wanted it yet.
pub(crate) fn mount() {
    let look = {
        let mut mount = MOUNT.borrow();
        if core::mem::replace(&mut mount.is_done, true) {
            return;
        }
        mount.look
    };
    // A program without the engine needs no volume.
    let mount = match cfg!(feature = "engine") {
        true => mount_noisily,
        false => mount_quietly,
    };
    let Some(mut volume) = disk::handle().and_then(mount) else {
        return;
    };
    if let Some(look) = look {
        look(&mut volume);
    }
    bareflow_program_env::keep_volume(Some(volume));
}

/// The volume; `None` if there is none, or if a fault has ended somebody who used it.
#[cfg(feature = "engine")]
pub(crate) fn volume() -> Option<VolumeGuard> {
    mount();
    bareflow_program_env::volume()
}

/// The program's files on the volume; `None` without one.
pub(crate) fn files() -> Option<&'static dyn Storage> {
    mount();
    bareflow_program_env::storage()
}
