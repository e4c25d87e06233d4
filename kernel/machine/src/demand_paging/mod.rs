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
use core::ops::Range;

use bareflow_boot_layout::clusters::{self, Table};
use bareflow_boot_layout::{Checksum, KernelHeader, SECTOR_SIZE_BYTES};
use bareflow_memory::{MapError, PAGE_SIZE_BYTES};
use bareflow_pager::{Clusters, Contents, Owner, Page};
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

/// What is read at once.
const RUN_CLUSTERS: usize = storage::TRANSFER_SIZE_BYTES / clusters::SIZE_BYTES;

/// LLVM on the disk.
struct Stored {
    /// Where it begins.
    first_sector: u64,
    /// The table of clusters.
    table: Vec<u8>,
    /// Which image this is.
    owner: Owner,
    /// How many of LLVM's pages the image has.
    stored_pages: usize,
    clusters: Clusters,
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
        exit::fail(
            exit_code::BOOT_FAILURE,
            format_args!("LLVM on the disk is damaged: the checksum of its table is wrong"),
        );
    }
    let owner = Owner::of(header);
    Stored {
        first_sector: partition + u64::from(header.llvm_sector()),
        table,
        owner,
        stored_pages: header.llvm_stored_pages(),
        clusters: Clusters::new(owner.clusters),
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

impl Stored {
    fn table(&self) -> Table<'_> {
        Table::open(&self.table, self.owner.pages, self.stored_pages)
            .expect("the image was made with the table that its header says")
    }

    /// Reads neighbouring clusters, at most [`RUN_CLUSTERS`], and checks them.
    fn read(&self, window: &LlvmWindow, wanted: Range<usize>) {
        let table = self.table();
        let pages =
            wanted.start * clusters::PAGES..(wanted.end * clusters::PAGES).min(self.stored_pages);
        let sectors_per_page = PAGE_SIZE_BYTES / SECTOR_SIZE_BYTES;
        let sector = self.first_sector + (pages.start * sectors_per_page) as u64;
        let size_bytes = pages.len() * PAGE_SIZE_BYTES;
        let attempt = || {
            counters::add_llvm_read(size_bytes);
            storage::read_with(sector, size_bytes, |bytes| {
                check(&table, wanted.start, bytes);
                for (position, bytes) in pages.clone().zip(bytes.chunks(PAGE_SIZE_BYTES)) {
                    let page = table.page(position);
                    let page = page.and_then(|page| window.find_stored(page));
                    fill(page.expect("the disk has this page"), bytes);
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

fn check(table: &Table, first_cluster: usize, bytes: &[u8]) {
    for (index, contents) in bytes.chunks(clusters::SIZE_BYTES).enumerate() {
        let cluster = first_cluster + index;
        if table.checksum(cluster) != Some(Checksum::of(contents)) {
            exit::fail(
                exit_code::BOOT_FAILURE,
                format_args!(
                    "LLVM on the disk is damaged: the checksum of cluster {cluster} is wrong"
                ),
            );
        }
    }
}
