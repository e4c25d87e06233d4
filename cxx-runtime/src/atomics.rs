//! libatomic's functions, for objects that no instruction changes whole. There is one thread, and no handler of a signal
//! comes between two of its instructions: plain copies do.

use core::ffi::{c_int, c_void};

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __atomic_load(
    size: usize,
    from: *const c_void,
    to: *mut c_void,
    _order: c_int,
) {
    // SAFETY: the caller gives `size` bytes each.
    unsafe { core::ptr::copy(from.cast::<u8>(), to.cast(), size) };
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __atomic_store(
    size: usize,
    to: *mut c_void,
    from: *const c_void,
    _order: c_int,
) {
    // SAFETY: the caller gives `size` bytes each.
    unsafe { core::ptr::copy(from.cast::<u8>(), to.cast(), size) };
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __atomic_exchange(
    size: usize,
    object: *mut c_void,
    new: *const c_void,
    old: *mut c_void,
    _order: c_int,
) {
    for index in 0..size {
        // SAFETY: the caller gives `size` bytes each; `old` may be `new`.
        unsafe {
            let byte = *new.cast::<u8>().add(index);
            *old.cast::<u8>().add(index) = object.cast::<u8>().add(index).replace(byte);
        }
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __atomic_compare_exchange(
    size: usize,
    object: *mut c_void,
    expected: *mut c_void,
    new: *const c_void,
    _success: c_int,
    _failure: c_int,
) -> bool {
    // SAFETY: the caller gives `size` bytes each.
    unsafe {
        let is_same = {
            let bytes =
                |place: *const c_void| core::slice::from_raw_parts(place.cast::<u8>(), size);
            bytes(object) == bytes(expected)
        };
        if is_same {
            core::ptr::copy(new.cast::<u8>(), object.cast(), size);
        } else {
            core::ptr::copy(object.cast::<u8>(), expected.cast(), size);
        }
        is_same
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn __atomic_is_lock_free(size: usize, _object: *const c_void) -> bool {
    matches!(size, 1 | 2 | 4 | 8)
}

macro_rules! sixteen_bytes {
    ($($name:ident and $old_name:ident by $change:expr;)*) => {
        $(
            #[cfg_attr(not(test), unsafe(no_mangle))]
            unsafe extern "C" fn $name(object: *mut u128, operand: u128, _order: c_int) -> u128 {
                // SAFETY: the caller passes an object.
                unsafe { $old_name(object, operand) }
            }

            /// The compiler's older name.
            #[cfg_attr(not(test), unsafe(no_mangle))]
            unsafe extern "C" fn $old_name(object: *mut u128, operand: u128) -> u128 {
                let change: fn(u128, u128) -> u128 = $change;
                // SAFETY: the caller passes an object.
                unsafe {
                    let before = *object;
                    *object = change(before, operand);
                    before
                }
            }
        )*
    };
}

sixteen_bytes! {
    __atomic_exchange_16 and __sync_lock_test_and_set_16 by |_, new| new;
    __atomic_fetch_add_16 and __sync_fetch_and_add_16 by u128::wrapping_add;
    __atomic_fetch_sub_16 and __sync_fetch_and_sub_16 by u128::wrapping_sub;
    __atomic_fetch_and_16 and __sync_fetch_and_and_16 by |before, mask| before & mask;
    __atomic_fetch_or_16 and __sync_fetch_and_or_16 by |before, mask| before | mask;
    __atomic_fetch_xor_16 and __sync_fetch_and_xor_16 by |before, mask| before ^ mask;
    __atomic_fetch_nand_16 and __sync_fetch_and_nand_16 by |before, mask| !(before & mask);
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __atomic_load_16(object: *const u128, _order: c_int) -> u128 {
    // SAFETY: the caller passes an object.
    unsafe { *object }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __atomic_store_16(object: *mut u128, value: u128, _order: c_int) {
    // SAFETY: the caller passes an object.
    unsafe { *object = value };
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __sync_val_compare_and_swap_16(
    object: *mut u128,
    expected: u128,
    new: u128,
) -> u128 {
    // SAFETY: the caller passes an object.
    unsafe {
        let before = *object;
        if before == expected {
            *object = new;
        }
        before
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __atomic_compare_exchange_16(
    object: *mut u128,
    expected: *mut u128,
    new: u128,
    _success: c_int,
    _failure: c_int,
) -> bool {
    // SAFETY: the caller passes an object and a place for what it was.
    unsafe {
        let before = __sync_val_compare_and_swap_16(object, *expected, new);
        let is_same = before == *expected;
        *expected = before;
        is_same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_of_any_size_are_compared_whole() {
        let (mut object, mut expected, new) = ([1_u8, 2, 3], [1_u8, 2, 4], [9_u8; 3]);
        let mut exchange = |expected: &mut [u8; 3]| {
            // SAFETY: all have three bytes.
            unsafe {
                __atomic_compare_exchange(
                    3,
                    object.as_mut_ptr().cast(),
                    expected.as_mut_ptr().cast(),
                    new.as_ptr().cast(),
                    5,
                    5,
                )
            }
        };
        assert!(!exchange(&mut expected));
        assert_eq!(expected, [1, 2, 3]);
        assert!(exchange(&mut expected));
        assert_eq!(object, new);
        let mut wide = u128::MAX;
        // SAFETY: it is an object.
        let before = unsafe { __sync_fetch_and_add_16(&raw mut wide, 2) };
        assert_eq!(before, u128::MAX);
        assert_eq!(wide, 1);
    }
}
