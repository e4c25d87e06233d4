//! Constants, rounded to 128 bits.

use crate::Wide;

/// Pi.
pub(crate) const PI: Wide = Wide::constant(1, 0xc90fdaa2_2168c234_c4c6628b_80dc1cd1);
/// Pi / 2.
pub(crate) const PI_OVER_2: Wide = Wide::constant(0, 0xc90fdaa2_2168c234_c4c6628b_80dc1cd1);
/// Pi / 4.
pub(crate) const PI_OVER_4: Wide = Wide::constant(-1, 0xc90fdaa2_2168c234_c4c6628b_80dc1cd1);
/// The natural logarithm of 2.
pub(crate) const LN_2: Wide = Wide::constant(-1, 0xb17217f7_d1cf79ab_c9e3b398_03f2f6af);
/// The natural logarithm of 10.
pub(crate) const LN_10: Wide = Wide::constant(1, 0x935d8ddd_aaa8ac16_ea56d62b_82d30a29);
/// The binary logarithm of e.
pub(crate) const LOG2_E: Wide = Wide::constant(0, 0xb8aa3b29_5c17f0bb_be87fed0_691d3e89);
/// The decimal logarithm of e.
pub(crate) const LOG10_E: Wide = Wide::constant(-2, 0xde5bd8a9_37287195_355baaaf_ad33dc32);
/// The binary logarithm of 10.
pub(crate) const LOG2_10: Wide = Wide::constant(1, 0xd49a784b_cd1b8afe_492bf6ff_4dafdb4d);
/// 2 / sqrt(pi).
pub(crate) const TWO_OVER_SQRT_PI: Wide = Wide::constant(0, 0x906eba82_14db688d_71d48a7f_6bfec344);
/// 1 / pi.
pub(crate) const ONE_OVER_PI: Wide = Wide::constant(-2, 0xa2f9836e_4e441529_fc2757d1_f534ddc1);
/// Euler's constant.
pub(crate) const EULER_GAMMA: Wide = Wide::constant(-1, 0x93c467e3_7db0c7a4_d1be3f81_0152cb57);
/// The natural logarithm of 2 pi, halved.
pub(crate) const HALF_LN_2_PI: Wide = Wide::constant(-1, 0xeb3f8e43_25f5a534_94bc9001_44192024);
/// The natural logarithm of pi.
pub(crate) const LN_PI: Wide = Wide::constant(0, 0x92868247_3d0de85e_afcab635_421fa4cc);
/// 1 / sqrt(2).
pub(crate) const SQRT_HALF: Wide = Wide::constant(-1, 0xb504f333_f9de6484_597d89b3_754abe9f);

/// Riemann's zeta function at 2, 3, ...
pub(crate) const ZETA: [Wide; 6] = [
    Wide::constant(0, 0xd28d3312_983e9918_73d89122_00bace5f),
    Wide::constant(0, 0x99dd0027_803109c1_b8b8ae2c_f3483f8e),
    Wide::constant(0, 0x8a899156_3ec241b5_f9121119_6e5235fc),
    Wide::constant(0, 0x84ba0c76_53e66dbd_118271e8_ccffa30a),
    Wide::constant(0, 0x82384c26_0492247b_ed9785a8_07822b3c),
    Wide::constant(0, 0x811196d0_a679c46d_4dfacd44_2d6216fb),
];
