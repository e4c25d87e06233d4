//! Why hadris-fat, which makes the image's volume, does not write in the kernel: the order of its writes. When a
//! release of it passes this, our own volume may not be needed any more.

use std::io::{Cursor, Read, Result, Seek, SeekFrom, Write};

use hadris_fat::{FatVolume, FatVolumeWriteExt};

use crate::disks::{SMALL_SECTORS, format};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Data,
    Table,
    Folder,
    Flush,
}

/// Notes what kind of thing is written where.
struct Recorder<'a> {
    disk: Cursor<Vec<u8>>,
    events: &'a mut Vec<Event>,
}

impl Read for Recorder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.disk.read(buffer)
    }
}

impl Seek for Recorder<'_> {
    fn seek(&mut self, target: SeekFrom) -> Result<u64> {
        self.disk.seek(target)
    }
}

impl Write for Recorder<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let disk = self.disk.get_ref();
        let word = |offset: usize| u64::from(u16::from_le_bytes([disk[offset], disk[offset + 1]]));
        let root = (word(14) + 2 * word(22)) * 512;
        let data = root + word(17) * 32;
        self.events.push(match self.disk.position() {
            position if position >= data => Event::Data,
            position if position >= root => Event::Folder,
            _ => Event::Table,
        });
        self.disk.write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.events.push(Event::Flush);
        Ok(())
    }
}

fn events(action: impl FnOnce(&FatVolume<Recorder>), disk: &mut Vec<u8>) -> Vec<Event> {
    let mut events = Vec::new();
    let recorder = Recorder {
        disk: Cursor::new(std::mem::take(disk)),
        events: &mut events,
    };
    let volume = FatVolume::open(recorder).unwrap();
    action(&volume);
    *disk = volume.into_inner().disk.into_inner();
    events.dedup();
    events
}

#[test]
fn it_flushes_nothing_before_the_entry_that_leads_to_it() {
    let mut disk = format(SMALL_SECTORS, 1);
    let create = |volume: &FatVolume<Recorder>| {
        let file = volume
            .create_file(&volume.root_dir(), "boot_001.snap")
            .unwrap();
        let mut writer = volume.write_file(&file).unwrap();
        assert_eq!(writer.write(&[1; 600]).unwrap(), 600);
        writer.finish().unwrap();
        volume.sync().unwrap();
    };
    use Event::{Data, Flush, Folder, Table};
    // The empty file, then for each cluster its table entries and its data, then size and first cluster.
    let created = [Folder, Table, Data, Table, Data, Table, Folder, Flush];
    assert_eq!(events(create, &mut disk), created);
    let delete = |volume: &FatVolume<Recorder>| {
        let file = volume.root_dir().find("boot_001.snap").unwrap().unwrap();
        volume.delete(&file).unwrap();
        volume.sync().unwrap();
    };
    assert_eq!(events(delete, &mut disk), [Folder, Table, Flush]);
}
