//! LLVM's pages, read from the disk when they are touched.
//!
//! The page-fault handler runs with interrupts off. Nothing that it uses is in LLVM's part of the image, and
//! whoever borrows the memory or the disk elsewhere does it with interrupts off too: it is never refused one.

mod prefetch;
mod record;
#[cfg(feature = "engine")]
mod recording;

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use bareflow_boot_layout::clusters::{self, Extent, Storage, Table};
use bareflow_boot_layout::{Checksum, KernelHeader, SECTOR_SIZE_BYTES};
use bareflow_memory::{MapError, PAGE_SIZE_BYTES};
use bareflow_pager::{Clusters, Contents, Owner, Page, contents};
use bareflow_protocol::exit_code;
use bareflow_volume::DeviceError;

#[cfg(feature = "engine")]
use crate::arch::second::is_second;
use crate::image::LlvmWindow;
use crate::single_thread_cell::SingleThreadCell;
use crate::storage::{self, BootPartition};
use crate::{counters, exit, memory};
#[cfg(feature = "engine")]
use crate::{image, mailbox};

#[cfg(feature = "engine")]
pub(crate) use recording::remember;

/// How often a cluster is read before the disk is given up.
const ATTEMPTS: usize = 3;

/// LLVM on the disk.
struct Stored {
    /// Where it begins.
    first_sector: u64,
    /// The table of clusters.
    table: Vec<u8>,
    /// Which image this is.
    owner: Owner,
    /// How much of LLVM it has.
    extent: Extent,
    clusters: Clusters,
    /// A cluster is decompressed into it, if there are compressed ones.
    buffer: Vec<u8>,
}

struct Pager {
    window: LlvmWindow,
    /// `None`: all of it is in memory.
    stored: Option<Stored>,
}

static PAGER: SingleThreadCell<Option<Pager>> = SingleThreadCell::new(None);

/// Gets ready to read LLVM from the disk that the machine was started from; if none has, all of it is in memory.
pub(crate) fn initialise(window: LlvmWindow, partition: Option<&BootPartition>) {
    let stored = partition.map(|partition| {
        counters::llvm_is_on_disk();
        storage::when_mounted(record::read);
        open(&partition.header, partition.first_sector)
    });
    *PAGER.borrow() = Some(Pager { window, stored });
}

fn open(header: &KernelHeader, partition: u64) -> Stored {
    let mut table = vec![0; header.llvm_table_sectors as usize * SECTOR_SIZE_BYTES];
    let mut sector = partition + u64::from(header.llvm_table_sector());
    for part in table.chunks_mut(storage::TRANSFER_SIZE_BYTES) {
        let read = storage::read_with(sector, part.len(), |bytes| part.copy_from_slice(bytes));
        read.unwrap_or_else(|error| unreadable(sector, error));
        sector += (part.len() / SECTOR_SIZE_BYTES) as u64;
    }
    if Checksum::of(&table) != header.llvm_table_checksum {
        damaged(format_args!("the checksum of its table is wrong"));
    }
    let owner = Owner::of(header);
    let extent = header.llvm_extent();
    if Table::open(&table, extent).is_none() {
        damaged(format_args!("its table is cut"));
    }
    let buffer_size_bytes = match extent.storage() {
        Storage::Plain => 0,
        Storage::Compressed => clusters::SIZE_BYTES,
    };
    Stored {
        first_sector: partition + u64::from(header.llvm_sector()),
        table,
        owner,
        extent,
        clusters: Clusters::new(owner.clusters),
        buffer: vec![0; buffer_size_bytes],
    }
}

fn unreadable(sector: u64, error: DeviceError) -> ! {
    exit::fail(
        exit_code::BOOT_FAILURE,
        format_args!("LLVM cannot be read from the disk at sector {sector}: {error}"),
    )
}

/// What a page fault was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A page of LLVM, which is there now.
    Resolved,
    /// A page of LLVM that the image does not have.
    Absent,
    /// Anything else.
    Foreign,
}

/// For the page-fault handler: brings the page of an address that is not present, if it is LLVM's.
pub(crate) fn resolve(address: usize) -> Fault {
    // A fault that comes while the pager works is its own.
    let Some(mut pager) = PAGER.try_borrow() else {
        return Fault::Foreign;
    };
    let Some(pager) = pager.as_mut() else {
        return Fault::Foreign;
    };
    let Some(page) = pager.window.find(address / PAGE_SIZE_BYTES) else {
        return Fault::Foreign;
    };
    match (page.contents, &mut pager.stored) {
        (Contents::Zeros, _) => fill(page, &[]),
        (Contents::Stored(_), None) => return Fault::Absent,
        #[cfg(feature = "engine")]
        (Contents::Stored(_), Some(_)) if is_second() => return fetch(page),
        (Contents::Stored(index), Some(stored)) => {
            let Some(position) = stored.table().position(index) else {
                return Fault::Absent;
            };
            let cluster = position / clusters::PAGES;
            stored.read(&pager.window, cluster..cluster + 1);
            stored.clusters.set_touched(cluster);
        }
    }
    Fault::Resolved
}

/// Has the first processor bring a page, which both see then.
#[cfg(feature = "engine")]
fn fetch(page: Page) -> Fault {
    let Some(frame) = mailbox::fetch(page.number) else {
        return Fault::Absent;
    };
    let placed = memory::place_llvm_page(page.number, frame, page.access);
    placed.expect("LLVM's window is in the pool");
    Fault::Resolved
}

/// Whether the pager works just now: a handler that finds it so must try again later.
#[cfg(feature = "engine")]
pub(crate) fn is_busy() -> bool {
    PAGER.try_borrow().is_none()
}

/// Brings all of LLVM's variables: who makes a copy of them must have them.
#[cfg(feature = "engine")]
pub(crate) fn bring_variables() {
    for address in image::llvm_variables().step_by(PAGE_SIZE_BYTES) {
        let place = core::ptr::with_exposed_provenance::<u8>(address);
        // SAFETY: LLVM's variables are there when they are touched, if the image has them.
        let _: u8 = unsafe { place.read_volatile() };
    }
}

fn fill(page: Page, bytes: &[u8]) {
    let filled = memory::fill_llvm_page(page.number, page.access, bytes);
    if filled == Err(MapError::OutOfMemory) {
        exit::fail(
            exit_code::OUT_OF_MEMORY,
            format_args!("out of memory: there is none left for LLVM's pages"),
        );
    }
    filled.expect("LLVM's window is in the pool");
}

fn damaged(reason: fmt::Arguments) -> ! {
    exit::fail(
        exit_code::BOOT_FAILURE,
        format_args!("LLVM on the disk is damaged: {reason}"),
    )
}

/// The table of LLVM in these bytes.
fn table(bytes: &[u8], extent: Extent) -> Table<'_> {
    Table::open(bytes, extent).expect("it was checked when it was read")
}

/// The sectors that have these bytes.
fn sectors(place: &Range<usize>) -> Range<usize> {
    place.start / SECTOR_SIZE_BYTES..place.end.div_ceil(SECTOR_SIZE_BYTES)
}

impl Stored {
    fn table(&self) -> Table<'_> {
        table(&self.table, self.extent)
    }

    /// Whether neighbouring clusters can be read at once.
    fn fit_in_a_read(&self, wanted: Range<usize>) -> bool {
        let place = self.table().place(wanted);
        place.is_some_and(|place| {
            sectors(&place).len() * SECTOR_SIZE_BYTES <= storage::TRANSFER_SIZE_BYTES
        })
    }

    /// Reads neighbouring clusters, as many as [fit in a read](Self::fit_in_a_read), and checks them.
    fn read(&mut self, window: &LlvmWindow, wanted: Range<usize>) {
        let table = table(&self.table, self.extent);
        let buffer = &mut self.buffer;
        let Some(place) = table.place(wanted.clone()) else {
            damaged(format_args!(
                "its table has no place of cluster {}",
                wanted.start
            ));
        };
        let sectors = sectors(&place);
        let start = sectors.start * SECTOR_SIZE_BYTES;
        let size_bytes = sectors.len() * SECTOR_SIZE_BYTES;
        let sector = self.first_sector + sectors.start as u64;
        let mut attempt = || {
            counters::add_llvm_read(size_bytes);
            storage::read_with(sector, size_bytes, |bytes| {
                for cluster in wanted.clone() {
                    let place = table.place(cluster..cluster + 1);
                    let place = place.expect("it is a part of what was read");
                    let stored = &bytes[place.start - start..place.end - start];
                    fill_cluster(window, &table, cluster, stored, buffer);
                }
            })
        };
        let mut result = attempt();
        for _ in 1..ATTEMPTS {
            if result.is_ok() {
                return;
            }
            result = attempt();
        }
        if let Err(error) = result {
            unreadable(sector, error);
        }
    }
}

/// Fills the pages of a cluster from what the disk has of it, which is checked first.
fn fill_cluster(
    window: &LlvmWindow,
    table: &Table,
    cluster: usize,
    stored: &[u8],
    buffer: &mut [u8],
) {
    if table.checksum(cluster) != Some(Checksum::of(stored)) {
        damaged(format_args!("the checksum of cluster {cluster} is wrong"));
    }
    let extent = table.extent();
    let Some(bytes) = contents(stored, extent.size_bytes(cluster), buffer) else {
        damaged(format_args!("cluster {cluster} cannot be decompressed"));
    };
    let pages = extent.pages_of(cluster..cluster + 1);
    for (position, bytes) in pages.zip(bytes.chunks(PAGE_SIZE_BYTES)) {
        let page = table.page(position);
        let Some(page) = page.and_then(|page| window.find_stored(page)) else {
            damaged(format_args!("its table has a page that there is not"));
        };
        fill(page, bytes);
    }
}
