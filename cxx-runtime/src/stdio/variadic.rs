//! The variadic entry points. Stable Rust cannot define a variadic function, so each calls the function that takes a
//! `va_list`, which stands for the arguments after so many that the function names.

use crate::arch::variadic;

variadic! {
    "printf" calls "vprintf" after 1;
    "scanf" calls "vscanf" after 1;
    "fprintf" calls "vfprintf" after 2;
    "fscanf" calls "vfscanf" after 2;
    "dprintf" calls "vdprintf" after 2;
    "asprintf" calls "vasprintf" after 2;
    "error" calls "bareflow_verror" after 3;
    "error_at_line" calls "bareflow_verror_at_line" after 5;
    "makecontext" calls "bareflow_makecontext" after 3;
    "err" calls "verr" after 2;
    "errx" calls "verrx" after 2;
    "warn" calls "vwarn" after 1;
    "warnx" calls "vwarnx" after 1;
    "syslog" calls "vsyslog" after 2;
    "sprintf" calls "vsprintf" after 2;
    "snprintf" calls "vsnprintf" after 3;
    "sscanf" calls "vsscanf" after 2;
    "wprintf" calls "vwprintf" after 1;
    "wscanf" calls "vwscanf" after 1;
    "fwprintf" calls "vfwprintf" after 2;
    "fwscanf" calls "vfwscanf" after 2;
    "swprintf" calls "vswprintf" after 3;
    "swscanf" calls "vswscanf" after 2;
}
