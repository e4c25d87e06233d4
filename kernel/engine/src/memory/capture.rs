//! What a running program consists of, for a snapshot.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_void};
use core::ops::Range;
use core::ptr;

use bareflow_snapshot::{
    Access, Import, Owner, Piece, Place, PlaceKind, Region, Snapshot, pages_of, without_last_zeros,
};

use crate::bindings::{
    LLVM_OK, LLVM_PIECE_DATA, LLVM_PIECE_KEPT, LLVM_PIECE_RESERVED, LLVM_PLACE_CONSTRUCTOR,
    LLVM_PLACE_COPIES, LLVM_PLACE_COUNTERS, LLVM_PLACE_DESTRUCTOR, LLVM_PLACE_IMPORT_STUBS,
    LLVM_PLACE_IMPORT_WORDS, LLVM_PLACE_MAIN, LLVM_PLACE_STUBS, LLVM_PLACE_SYMBOL,
    LLVM_PLACE_VOID_MAIN, LLVM_PROTECTION_EXECUTE, LLVM_PROTECTION_WRITE, llvm_piece_t,
    llvm_place_t, llvm_tiered_t, llvm_tiered_visit, llvm_visitor_t,
};

/// Variables as they are before the program starts, by address, without the zeros at their ends.
pub(crate) type Variables = Vec<(u64, Vec<u8>)>;

/// The pool's contents but for the bytes.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pieces: Vec<Piece>,
    places: Vec<(PlaceKind, String, u64)>,
    imports: Vec<(String, u64)>,
}

impl Contents {
    /// Asks the library. `None` if LLVM is not open: then there is nothing new.
    pub(crate) fn of_program(program: *mut llvm_tiered_t) -> Option<Self> {
        let mut contents = Self::default();
        let visitor = llvm_visitor_t {
            size: size_of::<llvm_visitor_t>(),
            piece: Some(take_piece),
            place: Some(take_place),
            user: (&raw mut contents).cast(),
        };
        // SAFETY: the program is open; the callbacks have the contents for themselves meanwhile.
        let error = unsafe { llvm_tiered_visit(program, &visitor) };
        (error == LLVM_OK).then_some(contents)
    }

    /// Those of a snapshot.
    pub(crate) fn of_snapshot(snapshot: &Snapshot) -> Self {
        let place = |place: &Place| (place.kind, place.name.to_string(), place.address);
        let import = |import: &Import| (import.name.to_string(), import.address);
        Self {
            pieces: snapshot.pieces.clone(),
            places: snapshot.places.iter().map(place).collect(),
            imports: snapshot.imports.iter().map(import).collect(),
        }
    }

    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    pub(crate) fn places(&self) -> Vec<Place<'_>> {
        let places = self.places.iter();
        places
            .map(|(kind, name, address)| Place {
                kind: *kind,
                name,
                address: *address,
            })
            .collect()
    }

    pub(crate) fn imports(&self) -> Vec<Import<'_>> {
        let imports = self.imports.iter();
        imports
            .map(|(name, address)| Import {
                name,
                address: *address,
            })
            .collect()
    }

    /// From the address to the end of the piece of code that it lies in.
    pub(crate) fn code_at(&self, address: u64) -> Option<Range<u64>> {
        let behind = self
            .pieces
            .partition_point(|piece| piece.address <= address);
        let piece = self.pieces[behind.checked_sub(1)?];
        let end = piece.address + piece.size_bytes;
        let is_code = piece.access == Access::ReadExecute && piece.owner != Owner::Reserved;
        (is_code && address < end).then_some(address..end)
    }

    /// The variables, which nothing has written yet.
    pub(crate) fn read_variables(&self) -> Variables {
        let is_data = |piece: &&Piece| piece.owner == Owner::Data;
        let read = |piece: &Piece| {
            let bytes = in_pool(piece.address..piece.address + piece.size_bytes);
            (piece.address, without_last_zeros(bytes).to_vec())
        };
        self.pieces.iter().filter(is_data).map(read).collect()
    }

    /// Code and constants as they are.
    pub(crate) fn code(&self) -> Vec<Region<'static>> {
        let ranges = pages_of(&self.pieces).into_iter();
        ranges
            .filter(|(_, access)| *access != Access::ReadWrite)
            .map(|(range, access)| Region {
                address: range.start,
                access,
                size_bytes: range.end - range.start,
                bytes: without_last_zeros(in_pool(range)),
            })
            .collect()
    }

    /// Counters and the like as they are, and variables as they were.
    pub(crate) fn data(&self, variables: &Variables) -> Vec<(Range<u64>, Vec<u8>)> {
        let ranges = pages_of(&self.pieces).into_iter();
        ranges
            .filter(|(_, access)| *access == Access::ReadWrite)
            .map(|(range, _)| {
                let bytes = self.data_in(&range, variables);
                (range, bytes)
            })
            .collect()
    }

    fn data_in(&self, range: &Range<u64>, variables: &Variables) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut put = |address: u64, contents: &[u8]| {
            let start = (address - range.start) as usize;
            bytes.resize(bytes.len().max(start + contents.len()), 0);
            bytes[start..start + contents.len()].copy_from_slice(contents);
        };
        let pieces = self.pieces.iter();
        for piece in pieces.filter(|piece| range.contains(&piece.address)) {
            if piece.owner == Owner::Reserved {
                let contents = in_pool(piece.address..piece.address + piece.size_bytes);
                put(piece.address, without_last_zeros(contents));
            }
        }
        for (address, contents) in variables {
            if range.contains(address) {
                put(*address, contents);
            }
        }
        bytes
    }
}

/// The variables of a snapshot.
pub(crate) fn variables_of(snapshot: &Snapshot) -> Variables {
    let pieces = snapshot.pieces.iter();
    pieces
        .filter(|piece| piece.owner == Owner::Data)
        .filter_map(|piece| {
            let behind = snapshot
                .data
                .partition_point(|region| region.address <= piece.address);
            let region = snapshot.data[behind.checked_sub(1)?];
            let start = (piece.address - region.address) as usize;
            let bytes = region.bytes.get(start..).unwrap_or_default();
            let length = bytes.len().min(piece.size_bytes as usize);
            Some((piece.address, without_last_zeros(&bytes[..length]).to_vec()))
        })
        .collect()
}

/// Bytes of the pool. What is in use there can be read.
fn in_pool(range: Range<u64>) -> &'static [u8] {
    let start = ptr::with_exposed_provenance(range.start as usize);
    // SAFETY: the library says that the range is in use, and nothing runs that would write there while the caller
    // has the slice: it is copied into a snapshot at once.
    unsafe { core::slice::from_raw_parts(start, (range.end - range.start) as usize) }
}

unsafe extern "C" fn take_piece(user: *mut c_void, piece: *const llvm_piece_t) {
    // SAFETY: `of_program` passes its contents; the library passes a piece.
    let (contents, piece) = unsafe { (&mut *user.cast::<Contents>(), &*piece) };
    contents.pieces.push(Piece {
        address: piece.address as u64,
        size_bytes: piece.bytes as u64,
        access: match piece.protection {
            bits if bits & LLVM_PROTECTION_EXECUTE != 0 => Access::ReadExecute,
            bits if bits & LLVM_PROTECTION_WRITE != 0 => Access::ReadWrite,
            _ => Access::Read,
        },
        owner: match piece.owner {
            LLVM_PIECE_KEPT => Owner::Kept,
            LLVM_PIECE_DATA => Owner::Data,
            LLVM_PIECE_RESERVED => Owner::Reserved,
            number => Owner::Function(number),
        },
    });
}

unsafe extern "C" fn take_place(user: *mut c_void, place: *const llvm_place_t) {
    // SAFETY: `of_program` passes its contents; the library passes a place.
    let (contents, place) = unsafe { (&mut *user.cast::<Contents>(), &*place) };
    // SAFETY: the name ends with a zero.
    let name = unsafe { text(place.name) };
    let kind = match place.kind {
        LLVM_PLACE_SYMBOL => PlaceKind::Symbol,
        LLVM_PLACE_CONSTRUCTOR => PlaceKind::Constructor,
        LLVM_PLACE_DESTRUCTOR => PlaceKind::Destructor,
        LLVM_PLACE_MAIN => PlaceKind::Main,
        LLVM_PLACE_VOID_MAIN => PlaceKind::VoidMain,
        LLVM_PLACE_COUNTERS => PlaceKind::Counters,
        LLVM_PLACE_STUBS => PlaceKind::Stubs,
        LLVM_PLACE_COPIES => PlaceKind::Copies,
        LLVM_PLACE_IMPORT_WORDS => PlaceKind::ImportWords,
        LLVM_PLACE_IMPORT_STUBS => PlaceKind::ImportStubs,
        _ => {
            contents.imports.push((name, place.address as u64));
            return;
        }
    };
    contents.places.push((kind, name, place.address as u64));
}

unsafe fn text(name: *const c_char) -> String {
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(name) }
        .to_string_lossy()
        .into_owned()
}
