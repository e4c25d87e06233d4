//! The page tables above the lowest ones and their directory, and the processor's part in them.

use core::cell::UnsafeCell;
use core::ops::Range;

use bareflow_memory::format::x86::X86Entry;
use bareflow_memory::{Entry as _, PAGE_SIZE_BYTES, TABLE_PAGES, Table};
use x86_64::instructions::interrupts::without_interrupts;
use x86_64::instructions::tlb;
use x86_64::registers::control::{Cr0, Cr0Flags, Cr3, Cr3Flags};
use x86_64::structures::paging::PhysFrame;
use x86_64::{PhysAddr, VirtAddr};

/// The format of the page tables.
pub(crate) type Entry = X86Entry;

const DIRECTORIES: usize = 2;

/// Directories of the first 2 GiB, one behind the other.
#[repr(C, align(4096))]
struct Directories([Entry; DIRECTORIES * TABLE_PAGES]);

struct Upper {
    /// One entry: the first 512 GiB.
    level4: Table<Entry>,
    /// The directories, and those of very large variables.
    level3: Table<Entry>,
    directories: Directories,
}

struct UpperTables(UnsafeCell<Upper>);

// SAFETY: they change on one thread; each function says when.
unsafe impl Sync for UpperTables {}

static UPPER: UpperTables = UpperTables(UnsafeCell::new(Upper {
    level4: Table::UNUSED,
    level3: Table::UNUSED,
    directories: Directories([Entry::UNUSED; DIRECTORIES * TABLE_PAGES]),
}));

const fn frame_of(address: usize) -> u64 {
    (address / PAGE_SIZE_BYTES) as u64
}

/// Where the tables are, none of which is borrowed for it.
fn addresses() -> (usize, usize, usize) {
    let upper = UPPER.0.get();
    // SAFETY: these are addresses of fields, which are not read.
    unsafe {
        (
            &raw const (*upper).level4 as usize,
            &raw const (*upper).level3 as usize,
            &raw const (*upper).directories as usize,
        )
    }
}

/// The directory: an entry for each table of the lowest level.
///
/// # Safety
/// To be called once.
pub(crate) unsafe fn directory() -> &'static mut [Entry] {
    // SAFETY: the caller's promise; the other fields are borrowed apart.
    unsafe { &mut (*UPPER.0.get()).directories.0 }
}

/// The bytes of these tables. A program that overwrites them would take the kernel away from under the handler of the
/// fault: they are to be mapped for reading.
pub(crate) fn upper_tables() -> Range<usize> {
    let start = UPPER.0.get() as usize;
    start..start + size_of::<Upper>()
}

/// Changes to the tables that the directory leads to.
///
/// # Safety
/// They must map everything of the kernel where it is, its stack included. To be called once.
pub(crate) unsafe fn activate() {
    let (level4, level3, directories) = addresses();
    // SAFETY: nobody else borrows these fields now.
    let (level4_table, level3_table) =
        unsafe { (&mut (*UPPER.0.get()).level4, &mut (*UPPER.0.get()).level3) };
    level4_table.0[0] = Entry::table(frame_of(level3));
    for (entry, frame) in level3_table
        .0
        .iter_mut()
        .zip(frame_of(directories)..)
        .take(DIRECTORIES)
    {
        *entry = Entry::table(frame);
    }
    let root = PhysFrame::containing_address(PhysAddr::new(level4 as u64));
    // SAFETY: the caller's promise.
    unsafe { Cr3::write(root, Cr3Flags::empty()) };
}

/// Large slots are what one directory maps each, from the address 0 on: the first that is used, 16 GiB, and the end.
pub(crate) const FIRST_LARGE_SLOT: usize = 16;
/// See [`FIRST_LARGE_SLOT`].
pub(crate) const LARGE_SLOT_LIMIT: usize = TABLE_PAGES;

/// Has directories in neighbouring frames map large slots from this one on.
pub(crate) fn attach_large(slots: Range<usize>, first_directory: usize) {
    // SAFETY: the table is the kernel's own, which nobody else borrows after the start; what was not mapped is in no
    // translation buffer.
    let level3 = unsafe { &mut (*UPPER.0.get()).level3 };
    without_write_protection(|| {
        for (slot, frame) in slots.zip(first_directory..) {
            level3.0[slot] = Entry::table(frame as u64);
        }
    });
}

/// Has an action write to pages that are mapped for reading: the upper tables.
fn without_write_protection<T>(action: impl FnOnce() -> T) -> T {
    let change = |protects| {
        // SAFETY: what can be written is no more than what the kernel maps, and no handler runs meanwhile.
        unsafe { Cr0::update(|flags| flags.set(Cr0Flags::WRITE_PROTECT, protects)) };
    };
    without_interrupts(|| {
        change(false);
        let result = action();
        change(true);
        result
    })
}

/// Forgets how the address of a page was translated.
pub(crate) fn flush_page(page: usize) {
    tlb::flush(VirtAddr::new((page * PAGE_SIZE_BYTES) as u64));
}

/// Forgets how all addresses were translated.
pub(crate) fn flush_all() {
    tlb::flush_all();
}

/// Makes a copy's own upper tables lead to its tables, which lie from a frame on; returns where the highest is.
/// `copy_of` says where the copy has the page of an address.
///
/// # Safety
/// The frames that `copy_of` names must be the copy's alone, and mapped where they are.
#[cfg(feature = "engine")]
pub(crate) unsafe fn connect_copy(
    table_count: usize,
    first_table: usize,
    copy_of: impl Fn(usize) -> usize,
) -> usize {
    let (level4, level3, directories) = addresses();
    let [level4, level3] = [level4, level3].map(&copy_of);
    let table_at = |frame: usize| {
        let start = core::ptr::with_exposed_provenance_mut::<Table<Entry>>(frame * PAGE_SIZE_BYTES);
        // SAFETY: the caller's promise; the frame holds a table.
        let table = unsafe { &mut *start };
        table.clear();
        table
    };
    table_at(level4).0[0] = Entry::table(level3 as u64);
    let upper_table = table_at(level3);
    for index in 0..DIRECTORIES {
        let directory = copy_of(directories + index * PAGE_SIZE_BYTES);
        upper_table.0[index] = Entry::table(directory as u64);
        let tables = (index * TABLE_PAGES..table_count).take(TABLE_PAGES);
        for (entry, table) in table_at(directory).0.iter_mut().zip(tables) {
            *entry = Entry::table((first_table + table) as u64);
        }
    }
    level4 * PAGE_SIZE_BYTES
}
