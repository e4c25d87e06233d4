//! What leads into a program other than calls by name: all of it must lead to the same places in every boot.

use super::Check;
use super::machine::{Booted, Machine, Remembered};
use crate::subject::Subject;

pub const CASES: &[(&str, Check)] = &[
    ("lifetime", check_lifetime),
    ("pointers", check_pointers),
    ("computed_goto", check_computed_goto),
    ("setjmp", check_setjmp),
    ("varargs", check_varargs),
    ("recursion", check_recursion),
];

/// From the first call on, in steps, and only as much as must be.
const SETTINGS: &[&[&str]] = &[
    &[],
    &["calls=0,0,0,0", "snapshot-every=0"],
    &[
        "calls=1,2,3,4",
        "iterations=1,2,3,4",
        "settle-ms=0",
        "snapshot-every=0",
    ],
    &["calls=3,5,7,9", "settle-ms=0", "snapshot-every=2"],
    &["calls=-,-,-,-", "iterations=-,-,-,-", "settle-ms=0"],
];
const BOOTS: u64 = 5;

fn check(subject: &Subject, source: &str) -> Result<(), String> {
    let program = Remembered::build(subject, source)?;
    for settings in SETTINGS {
        let machine = Machine::new(subject, settings)?;
        let mut before: Option<Booted> = None;
        for number in 1..=BOOTS {
            let describe = |error| format!("{}, boot {number}: {error}", settings.join(" "));
            let booted = machine.boot(&program).map_err(describe)?;
            if number > 1 && booted.boot.snapshot.is_none() {
                return Err(describe(booted.run.describe()));
            }
            if let Some(before) = &before {
                booted.expect_more_than(before).map_err(describe)?;
            }
            before = Some(booted);
        }
    }
    Ok(())
}

fn check_lifetime(subject: &Subject) -> Result<(), String> {
    check(
        subject,
        r#"
        #include <stdio.h>
        #include <stdlib.h>
        static int order, seen[4];
        static void note(const char *what) { printf("%d %s\n", ++order, what); }
        __attribute__((constructor(102))) static void second(void) { seen[1] = 2; note("second"); }
        __attribute__((constructor(101))) static void first(void) { seen[0] = 1; note("first"); }
        __attribute__((destructor(101))) static void last(void) { note("last"); }
        __attribute__((destructor(102))) static void before(void) { note("before"); }
        static void registered(void) { note("registered"); }
        int main(void) {
            atexit(registered);
            printf("%d %d\n", seen[0], seen[1]);
            note("main");
            return 0;
        }
    "#,
    )
}

fn check_pointers(subject: &Subject) -> Result<(), String> {
    check(
        subject,
        r#"
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <math.h>
        typedef double (*real)(double);
        typedef struct shape { const char *name; int (*area)(const struct shape *); int a, b; } shape;
        static int square(const shape *s) { return s->a * s->a; }
        static int rectangle(const shape *s) { return s->a * s->b; }
        static shape shapes[] = {{"square", square, 3, 0}, {"rectangle", rectangle, 4, 5}};
        static const real functions[] = {sin, cos, sqrt};
        static int (*changing)(const char *, ...) = printf;
        static int by_name(const void *a, const void *b) {
            return strcmp(((const shape *)a)->name, ((const shape *)b)->name);
        }
        static int *const inside = &shapes[1].b;
        int main(void) {
            void *(*allocate)(size_t) = malloc;
            char *text = allocate(16);
            strcpy(text, "text");
            qsort(shapes, 2, sizeof *shapes, by_name);
            for (int i = 0; i < 2; i++) changing("%s %d\n", shapes[i].name, shapes[i].area(&shapes[i]));
            for (int i = 0; i < 3; i++) changing("%.3f\n", functions[i](2.0));
            changing("%s %d\n", text, *inside);
            if (changing == printf) changing = 0;
            shapes[0].area = 0;
            *inside = 0;
            free(text);
            return 0;
        }
    "#,
    )
}

/// Addresses of labels are in a table: such a function is compiled once, and stays.
fn check_computed_goto(subject: &Subject) -> Result<(), String> {
    check(
        subject,
        r#"
        #include <stdio.h>
        static int run(const char *code) {
            static void *const labels[] = {&&halt, &&increment, &&twice};
            int x = 1;
            goto *labels[(int)*code++];
        increment: x++; goto *labels[(int)*code++];
        twice: x *= 2; goto *labels[(int)*code++];
        halt: return x;
        }
        static const char program[] = {1, 2, 2, 1, 2, 0};
        int main(void) {
            int sum = 0;
            for (int i = 0; i < 20; i++) sum += run(program);
            printf("%d\n", sum);
            return 0;
        }
    "#,
    )
}

fn check_setjmp(subject: &Subject) -> Result<(), String> {
    check(
        subject,
        r#"
        #include <setjmp.h>
        #include <stdio.h>
        static jmp_buf place;
        static void climb(int n) { if (n == 0) longjmp(place, 5); climb(n - 1); }
        static int attempt(int n) {
            volatile int tries = 0;
            int value = setjmp(place);
            tries++;
            if (tries < 4) climb(n);
            return value + tries;
        }
        int main(void) {
            for (int i = 0; i < 6; i++) printf("%d\n", attempt(i));
            return 0;
        }
    "#,
    )
}

fn check_varargs(subject: &Subject) -> Result<(), String> {
    check(
        subject,
        r#"
        #include <stdarg.h>
        #include <stdio.h>
        static double sum(const char *kinds, ...) {
            va_list list, again;
            double total = 0;
            va_start(list, kinds);
            va_copy(again, list);
            for (; *kinds; kinds++)
                total += *kinds == 'd' ? va_arg(list, double) : *kinds == 'l' ? va_arg(list, long) : va_arg(list, int);
            va_end(list);
            total += va_arg(again, int);
            va_end(again);
            return total;
        }
        static int print(const char *format, ...) {
            va_list list;
            va_start(list, format);
            int count = vprintf(format, list);
            va_end(list);
            return count;
        }
        int main(void) {
            for (int i = 0; i < 5; i++)
                print("%.2f %s\n", sum("idldidldid", i, 0.5, 7L, 1.5, 2, 2.5, 8L, 3.5, 3, 4.5), "end");
            return print("") * 0;
        }
    "#,
    )
}

/// Functions are replaced while calls of them are on the stack.
fn check_recursion(subject: &Subject) -> Result<(), String> {
    check(
        subject,
        r#"
        #include <stdio.h>
        static int odd(int n);
        __attribute__((noinline)) static int even(int n) { return n == 0 ? 1 : odd(n - 1); }
        __attribute__((noinline)) static int odd(int n) { return n == 0 ? 0 : even(n - 1); }
        __attribute__((noinline)) static int ackermann(int m, int n) {
            return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
        }
        static _Thread_local int local = 3;
        int main(void) {
            local++;
            printf("%d %d %d %d\n", even(101), odd(101), ackermann(2, 3), local);
            return 0;
        }
    "#,
    )
}
