//! The program's variables: every boot begins with them as the program has them, whatever the last boot left.

use super::Check;
use super::machine::{Machine, Remembered};
use crate::subject::Subject;

pub const CASES: &[(&str, Check)] = &[
    ("zeros", check_zeros),
    ("initialised", check_initialised),
    ("sparse", check_sparse),
    ("counts", check_counts),
];

const ZERO_MIB: u64 = 64;
const INITIALISED_MIB: u64 = 8;
/// More than code and stubs of a small program.
const SMALL_BYTES: u64 = 256 << 10;

/// A large array of zeros is not on the disk, and is zero again in every boot.
fn check_zeros(subject: &Subject) -> Result<(), String> {
    let source = format!(
        r#"
        #include <stdio.h>
        static int runs;
        static unsigned char array[{ZERO_MIB}ul << 20];
        int main(void) {{
            unsigned long sum = 0;
            runs++;
            for (unsigned long i = 0; i < sizeof array; i += 997) {{ sum += array[i]; array[i] = 1; }}
            for (unsigned long i = 0; i < sizeof array; i += 997) sum += array[i];
            array[sizeof array - 1] = 7;
            printf("run %d: %lu\n", runs, sum);
            return 0;
        }}
    "#
    );
    check_sizes(subject, &source, 0..SMALL_BYTES)
}

/// A large table is on the disk as the program has it.
fn check_initialised(subject: &Subject) -> Result<(), String> {
    let bytes = INITIALISED_MIB << 20;
    let program = table("[0 ... COUNT - 1] = 0x9E3779B97F4A7C15ul");
    check_sizes(subject, &program, bytes..bytes + SMALL_BYTES)
}

/// What is zero in it is not on the disk.
fn check_sparse(subject: &Subject) -> Result<(), String> {
    let program = table("1, 2, [COUNT / 2] = 3, [COUNT - 1] = 4");
    check_sizes(subject, &program, 0..SMALL_BYTES)
}

/// A program with a large table.
fn table(contents: &str) -> String {
    let count = INITIALISED_MIB << 17;
    format!(
        r#"
        #include <stdio.h>
        enum {{ COUNT = {count} }};
        static int runs = 10;
        static unsigned long table[COUNT] = {{ {contents} }};
        static int *where = &runs;
        int main(void) {{
            unsigned long sum = 0;
            ++*where;
            for (unsigned long i = 0; i < COUNT; i++) {{ sum = sum * 31 + table[i]; table[i] += i + 1; }}
            printf("run %d: %lx\n", runs, sum);
            where = 0;
            return 0;
        }}
    "#
    )
}

fn check_sizes(subject: &Subject, source: &str, sizes: std::ops::Range<u64>) -> Result<(), String> {
    let program = Remembered::build(subject, source)?;
    let mut machine = Machine::new(subject, &[])?;
    let first = machine.boot(&program)?;
    machine.boot(&program)?.expect_restored(1)?;
    let second = machine.boot_and_save(&program)?;
    second.expect_restored(1)?;
    machine.boot(&program)?.expect_restored(2)?;
    for booted in [&first, &second] {
        let size = booted.boot.saved_bytes;
        if !sizes.contains(&size) {
            return Err(format!(
                "the snapshot has {size} bytes, not {} to {}",
                sizes.start, sizes.end
            ));
        }
    }
    Ok(())
}

/// Code at O0 counts: so many calls in each boot are so many more in all.
fn check_counts(subject: &Subject) -> Result<(), String> {
    const SOURCE: &str = r#"
        #include <stdio.h>
        __attribute__((noinline)) int seven(int x) { return x * 5 + 1; }
        int main(void) {
            int x = 1;
            for (int i = 0; i < 7; i++) x = seven(x) % 1000;
            printf("%d\n", x);
            return 0;
        }
    "#;
    let program = Remembered::build(subject, SOURCE)?;
    for every in ["snapshot-every=0", "snapshot-every=2", "snapshot-every=10"] {
        let settings = ["calls=1,50,-,-", "iterations=-,-,-,-", "settle-ms=0", every];
        let machine = Machine::new(subject, &settings)?;
        for number in 1..=5 {
            let booted = machine.boot(&program)?;
            for (name, calls) in [("main", number), ("seven", 7 * number)] {
                let found = booted.function(name)?.calls;
                if found != calls {
                    return Err(format!(
                        "with {every}, {name} was called {found} times after {number} boots"
                    ));
                }
            }
        }
    }
    Ok(())
}
