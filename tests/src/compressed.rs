//! Images whose LLVM is compressed: booted, booted again, shrunk, and with damage of every kind.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bareflow_boot_layout::clusters::Table;
use bareflow_boot_layout::{BOOT_PARTITION_SECTOR, Checksum, KernelHeader, SECTOR_SIZE_BYTES};

use super::examples;
use super::paging::{boot_drive, open, record};
use super::runner::{Check, Test};
use super::subject::{Subject, overwrite};
use super::volume;
use bareflow_image::disk::{ImageOptions, Snapshots, Storage, shrink};
use bareflow_image::program::{Program, Tier, without_snapshots};
use bareflow_run::qemu::{Drive, Interface, Verdict};

const SIZE_BYTES: u64 = 128 << 20;
/// Programs of several kinds: numbers, LLVM IR, memory, text.
const EXAMPLES: [&str; 4] = ["fib", "hello", "json", "printf_torture"];

/// The tests of compressed images.
pub fn tests(subject: &Arc<Subject>) -> Vec<Test> {
    let checks: [(&str, Check<Subject>); 7] = [
        ("examples", examples_run),
        ("ide", ide),
        ("second_boot", second_boot),
        ("snapshots_and_used_only", snapshots_and_used_only),
        ("disk_without_a_driver", no_driver),
        ("damaged", damaged),
        ("impossible", impossible),
    ];
    Test::of_checks("compressed", subject, &checks)
}

fn write(subject: &Subject, bundle: &[u8], llvm: Storage) -> Result<PathBuf, String> {
    let path = subject.fresh_path("compressed.img");
    let options = ImageOptions {
        llvm,
        ..SIZE_BYTES.into()
    };
    subject.write_image(&path, bundle, options)?;
    Ok(path)
}

fn bundle(subject: &Subject) -> Result<Vec<u8>, String> {
    let source = subject.context.root.join("examples/fib.c");
    let program =
        Program::build(&[source], &subject.compiler).map_err(|error| error.to_string())?;
    Ok(program.bundle(&[], Tier::Auto))
}

/// An image whose boots write no snapshot, after which they would not need LLVM.
fn image(subject: &Subject, llvm: Storage) -> Result<PathBuf, String> {
    write(subject, &without_snapshots(&bundle(subject)?), llvm)
}

fn drive(image: &Path, interface: Interface) -> Drive {
    Drive {
        interface,
        ..Drive::new(image)
    }
}

fn examples_run(subject: &Subject) -> Result<(), String> {
    let folder = subject.context.root.join("examples");
    let mut all = examples::find(&folder).map_err(|error| error.to_string())?;
    all.retain(|example| EXAMPLES.contains(&example.name.as_str()));
    if all.len() != EXAMPLES.len() {
        return Err(format!("only {} examples are there", all.len()));
    }
    for example in all {
        let program = Program::build(&example.sources, &subject.compiler)
            .map_err(|error| error.to_string())?;
        let bundle = without_snapshots(&program.bundle(&[], Tier::Auto));
        let image = write(subject, &bundle, Storage::Compressed)?;
        let booted = boot_drive(subject, Drive::new(image))?;
        let holds = booted.verdict == Verdict::Ended(0)
            && booted.output.as_bytes() == example.expected.as_slice();
        booted.expect(holds, &format!("{} does not run", example.name))?;
    }
    Ok(())
}

fn ide(subject: &Subject) -> Result<(), String> {
    let image = image(subject, Storage::Compressed)?;
    boot_drive(subject, drive(&image, Interface::Ide))?
        .expect_output()
        .map(drop)
}

/// Fewer bytes are read than without compression, and as few reads by the record; what is touched is the same.
fn second_boot(subject: &Subject) -> Result<(), String> {
    let boots = |llvm| {
        let image = image(subject, llvm)?;
        let first = boot_drive(subject, Drive::new(&image))?.expect_output()?;
        let second = boot_drive(subject, Drive::new(&image))?.expect_output()?;
        let llvm_bytes = open(&image)?.llvm_bytes();
        volume::check_file_system(&image, &subject.fresh_path("volume"))?;
        Ok::<_, String>((llvm_bytes, [first, second]))
    };
    let (plain_bytes, plain) = boots(Storage::Plain)?;
    let (packed_bytes, packed) = boots(Storage::Compressed)?;
    if 10 * packed_bytes > 6 * plain_bytes {
        return Err(format!(
            "LLVM has {packed_bytes} bytes compressed, {plain_bytes} otherwise"
        ));
    }
    let [first, second] = [0, 1].map(|boot| (plain[boot].llvm(), packed[boot].llvm()));
    let fewer_bytes = |pair| match pair {
        (Some((plain, _)), Some((packed, _))) => packed > 0 && 4 * packed < 3 * plain,
        _ => false,
    };
    let fewer_reads = match second {
        (Some((_, plain)), Some((_, packed))) => packed > 0 && packed <= plain,
        _ => false,
    };
    match fewer_bytes(first) && fewer_bytes(second) && fewer_reads {
        true => Ok(()),
        false => Err(format!(
            "expected fewer bytes and reads: {first:?}, then {second:?}"
        )),
    }
}

fn snapshots_and_used_only(subject: &Subject) -> Result<(), String> {
    let image = write(subject, &bundle(subject)?, Storage::Compressed)?;
    boot_drive(subject, Drive::new(&image))?.expect_output()?;
    let booted = boot_drive(subject, Drive::new(&image))?.expect_output()?;
    let holds = !booted.log.contains("is refused");
    booted.expect(holds, "the snapshot should be good")?;
    for snapshots in [Snapshots::Kept, Snapshots::Dropped] {
        let used = subject.fresh_path("used.img");
        shrink(&open(&image)?, &used, snapshots).map_err(|error| error.to_string())?;
        let extent = open(&used)?.header.llvm_extent();
        if extent.storage() != Storage::Compressed || extent.stored_pages == extent.pages {
            return Err(format!("{extent:?} is no compressed part of LLVM"));
        }
        boot_drive(subject, Drive::new(&used))?.expect_output()?;
    }
    Ok(())
}

fn no_driver(subject: &Subject) -> Result<(), String> {
    let image = image(subject, Storage::Compressed)?;
    boot_drive(subject, drive(&image, Interface::Ahci))?
        .expect_failure(115, &["no driver", "compressed", "--compress"])
        .map(drop)
}

/// An image and what of it says where LLVM is.
struct Opened {
    image: PathBuf,
    header: KernelHeader,
    table: Vec<u8>,
    /// The cluster that is touched first.
    cluster: usize,
}

impl Opened {
    fn new(subject: &Subject) -> Result<Self, String> {
        let booted = image(subject, Storage::Compressed)?;
        boot_drive(subject, Drive::new(&booted))?.expect_output()?;
        let cluster = *record(&booted)?
            .clusters
            .first()
            .ok_or("the record is empty")?;
        let image = image(subject, Storage::Compressed)?;
        let header = open(&image)?.header;
        let mut table = vec![0; header.llvm_table_sectors as usize * SECTOR_SIZE_BYTES];
        fs::File::open(&image)
            .and_then(|file| file.read_exact_at(&mut table, offset(header.llvm_table_sector())))
            .map_err(|error| error.to_string())?;
        Ok(Self {
            image,
            header,
            table,
            cluster: cluster.into(),
        })
    }

    /// Where the first cluster's bytes are in the image.
    fn place(&self) -> Result<std::ops::Range<u64>, String> {
        let table = Table::open(&self.table, self.header.llvm_extent()).ok_or("no table")?;
        let place = table
            .place(self.cluster..self.cluster + 1)
            .ok_or("no place")?;
        let start = offset(self.header.llvm_sector());
        Ok(start + place.start as u64..start + place.end as u64)
    }

    /// Makes the image one of this table, whose checksums are right.
    fn write_table(&mut self) -> Result<(), String> {
        self.header.llvm_table_checksum = Checksum::of(&self.table);
        self.overwrite(offset(self.header.llvm_table_sector()), &self.table)?;
        self.overwrite(offset(0), &self.header.to_sector())
    }

    fn overwrite(&self, offset: u64, bytes: &[u8]) -> Result<(), String> {
        overwrite(&self.image, offset, bytes).map_err(|error| error.to_string())
    }

    fn expect_failure(&self, subject: &Subject, words: &[&str]) -> Result<(), String> {
        for interface in [Interface::Virtio, Interface::Ide] {
            boot_drive(subject, drive(&self.image, interface))?.expect_failure(115, words)?;
        }
        Ok(())
    }
}

/// Of a sector of the boot partition.
fn offset(sector: u32) -> u64 {
    u64::from(BOOT_PARTITION_SECTOR + sector) * SECTOR_SIZE_BYTES as u64
}

fn damaged(subject: &Subject) -> Result<(), String> {
    let mut opened = Opened::new(subject)?;
    let place = opened.place()?;
    let mut byte = [0];
    fs::File::open(&opened.image)
        .and_then(|file| file.read_exact_at(&mut byte, place.end - 1))
        .map_err(|error| error.to_string())?;
    opened.overwrite(place.end - 1, &[byte[0] ^ 0x10])?;
    let words = format!("the checksum of cluster {} is wrong", opened.cluster);
    opened.expect_failure(subject, &["LLVM", "damaged", &words])?;

    let end = offset(opened.header.llvm_sector()) - 1;
    opened.table.clear();
    opened.overwrite(end, &[0x55])?;
    opened.expect_failure(subject, &["LLVM", "damaged", "its table"])
}

/// What no damage makes, and nobody but an enemy: checksums are right.
fn impossible(subject: &Subject) -> Result<(), String> {
    let mut opened = Opened::new(subject)?;
    let sound = opened.table.clone();
    let (place, cluster) = (opened.place()?, opened.cluster);

    // No block of LZ4, where there was one.
    let bytes = vec![0xff; (place.end - place.start) as usize];
    opened.overwrite(place.start, &bytes)?;
    let sums = Checksum::of(&bytes);
    opened.table[cluster * 8..][..4].copy_from_slice(&sums.low.to_le_bytes());
    opened.table[cluster * 8 + 4..][..4].copy_from_slice(&sums.high.to_le_bytes());
    opened.write_table()?;
    let words = format!("cluster {cluster} cannot be decompressed");
    opened.expect_failure(subject, &["LLVM", "damaged", &words])?;

    // It ends nowhere.
    let ends = opened.header.llvm_extent().clusters() * 8;
    for end in [u32::MAX, 0] {
        opened.table.clone_from(&sound);
        opened.table[ends + cluster * 4..][..4].copy_from_slice(&end.to_le_bytes());
        opened.write_table()?;
        let words = format!("its table has no place of cluster {cluster}");
        opened.expect_failure(subject, &["LLVM", "damaged", &words])?;
    }
    Ok(())
}
