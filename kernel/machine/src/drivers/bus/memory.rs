//! The machine's memory as devices see it, for the crate `virtio-drivers`.

use core::cell::UnsafeCell;
use core::ptr::NonNull;

use bareflow_cxx_runtime::platform::Protection;
use bareflow_memory::PAGE_SIZE_BYTES;
use virtio_drivers::{BufferDirection, Hal, PhysAddr};

use crate::{layout, memory};

/// The machine's memory, as the drivers ask for it.
pub(crate) struct MachineMemory;

/// The driver keeps the few bytes of a flush on the stack, which does not lie at its physical address.
#[repr(C, align(64))]
struct Slot(UnsafeCell<[u8; SLOT_SIZE_BYTES]>);

const SLOT_SIZE_BYTES: usize = 64;

// SAFETY: only the driver uses them, which is borrowed once.
unsafe impl Sync for Slot {}

/// One for what the device reads, one for what it writes.
static SLOTS: [Slot; 2] = [const { Slot(UnsafeCell::new([0; SLOT_SIZE_BYTES])) }; 2];

fn slot(direction: BufferDirection) -> *mut u8 {
    SLOTS[usize::from(direction != BufferDirection::DriverToDevice)]
        .0
        .get()
        .cast()
}

fn is_shared_in_place(buffer: NonNull<[u8]>) -> bool {
    let start = buffer.cast::<u8>().as_ptr() as usize;
    layout::is_in_core(start..start + buffer.len())
}

// SAFETY: memory that is mapped lies at its physical address and is nobody else's until it is unmapped; device
// registers are mapped once each and stay; what is shared is either at its physical address or copied.
unsafe impl Hal for MachineMemory {
    fn dma_alloc(pages: usize, _direction: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let access = Protection::READ | Protection::WRITE;
        let address = memory::map(pages * PAGE_SIZE_BYTES, access).unwrap_or(0);
        let pointer = NonNull::new(core::ptr::with_exposed_provenance_mut(address));
        // Physical address 0 says that there is no memory.
        (address as PhysAddr, pointer.unwrap_or(NonNull::dangling()))
    }

    unsafe fn dma_dealloc(_address: PhysAddr, pointer: NonNull<u8>, pages: usize) -> i32 {
        // SAFETY: the caller's promise: the driver gives back what it got.
        let result = unsafe {
            memory::unmap(
                pointer.as_ptr().expose_provenance(),
                pages * PAGE_SIZE_BYTES,
            )
        };
        i32::from(result.is_err())
    }

    unsafe fn mmio_phys_to_virt(address: PhysAddr, size_bytes: usize) -> NonNull<u8> {
        let mapped = memory::map_device(address, size_bytes)
            .expect("the registers of hundreds of devices fit in the window");
        NonNull::new(core::ptr::with_exposed_provenance_mut(mapped))
            .expect("the window for devices does not begin at 0")
    }

    unsafe fn share(buffer: NonNull<[u8]>, direction: BufferDirection) -> PhysAddr {
        if is_shared_in_place(buffer) {
            return buffer.cast::<u8>().as_ptr().expose_provenance() as PhysAddr;
        }
        let target = slot(direction);
        assert!(
            buffer.len() <= SLOT_SIZE_BYTES,
            "only a flush shares what is not a buffer"
        );
        // SAFETY: the slot is large enough and nobody else's; the buffer is the caller's.
        unsafe { core::ptr::copy_nonoverlapping(buffer.cast().as_ptr(), target, buffer.len()) };
        target.expose_provenance() as PhysAddr
    }

    unsafe fn unshare(_address: PhysAddr, buffer: NonNull<[u8]>, direction: BufferDirection) {
        if is_shared_in_place(buffer) || direction == BufferDirection::DriverToDevice {
            return;
        }
        // SAFETY: `share` has put there what the device has changed since.
        unsafe {
            core::ptr::copy_nonoverlapping(slot(direction), buffer.cast().as_ptr(), buffer.len());
        }
    }
}
