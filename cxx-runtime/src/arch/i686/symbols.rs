//! The symbols of this architecture that programs may name: the compiler's helpers for 64-bit integers.

use crate::symbols::exported;

exported! {
    bareflow_exported_architecture_addresses:
    __ashldi3 __ashrdi3 __divdi3 __fixdfdi __fixsfdi __fixunsdfdi __fixunssfdi __floatdidf
    __floatdisf __floatundidf __floatundisf __lshrdi3 __moddi3 __muldi3 __mulodi4 __udivdi3
    __umoddi3
}
