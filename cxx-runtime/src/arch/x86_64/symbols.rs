//! The symbols of this architecture that programs may name: the compiler's helpers for 128-bit integers and for long doubles.

use crate::symbols::exported;

exported! {
    bareflow_exported_architecture_addresses:
    __ashlti3 __ashrti3 __atomic_compare_exchange_16 __atomic_exchange_16 __atomic_fetch_add_16
    __atomic_fetch_and_16 __atomic_fetch_nand_16 __atomic_fetch_or_16 __atomic_fetch_sub_16
    __atomic_fetch_xor_16 __atomic_load_16 __atomic_store_16 __divti3 __divxc3 __fixdfti __fixsfti
    __fixunsdfti __fixunssfti __fixunsxfti __fixxfti __floattidf __floattisf __floattixf
    __floatuntidf __floatuntisf __floatuntixf __lshrti3 __modti3 __muloti4 __multi3 __mulxc3
    __powixf2 __sync_fetch_and_add_16 __sync_fetch_and_and_16 __sync_fetch_and_nand_16
    __sync_fetch_and_or_16 __sync_fetch_and_sub_16 __sync_fetch_and_xor_16
    __sync_lock_test_and_set_16 __sync_val_compare_and_swap_16 __udivti3 __umodti3
}
