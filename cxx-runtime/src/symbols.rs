//! The symbols that programs may name: the C library of the target, and the compiler's own helpers.

/// A name and where it is.
#[derive(Clone, Copy, Debug)]
pub struct ExportedSymbol {
    /// The symbol's name.
    pub name: &'static str,
    /// Its address.
    pub address: usize,
}

macro_rules! exported {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        // Rust has no type for these symbols: the linker fills in a table in the order of the names.
        #[cfg(not(test))]
        core::arch::global_asm!(
            ".pushsection .rodata.bareflow_exported_addresses, \"a\", @progbits",
            ".balign 8",
            ".globl bareflow_exported_addresses",
            "bareflow_exported_addresses:",
            $(concat!(".quad ", stringify!($name)),)*
            ".popsection",
        );
    };
}

exported! {
    _Exit __ashlti3 __ashrti3 __assert_fail __divti3 __errno_location __fixdfti __fixsfti
    __fixunsdfti __fixunssfti __floattidf __floattisf __floattixf __floatuntidf __floatuntisf
    __floatuntixf __lshrti3 __modti3 __multi3 __powidf2 __powisf2 __udivti3 __umodti3 _exit abort
    abs accept access acos acosf acosh acoshf alarm aligned_alloc asctime asctime_r asin asinf asinh
    asinhf asprintf atan atan2 atan2f atanf atanh atanhf atexit atof atoi atol atoll bcmp bcopy bind
    bsearch bzero calloc cbrt cbrtf ceil ceilf ceill clearerr clock clock_gettime close closedir
    connect copysign copysignf copysignl cos cosf cosh coshf ctime difftime div dlclose dlerror
    dlopen dlsym dprintf erf erfc erfcf erff execv execve exit exp exp10 exp10f exp2 exp2f expf
    expm1 expm1f fabs fabsf fabsl fclose fcntl fdim fdimf fdiml feclearexcept fedisableexcept
    feenableexcept fegetenv fegetexcept fegetexceptflag fegetround feholdexcept feof feraiseexcept
    ferror fesetenv fesetexceptflag fesetround fetestexcept feupdateenv fflush fgetc fgets fileno
    floor floorf floorl fma fmaf fmax fmaxf fmaxl fmin fminf fminl fmod fmodf fopen fork fprintf
    fputc fputs fread free frexp frexpf frexpl fscanf fseek fstat ftell fwrite getc getchar getcwd
    getenv gethostname getpagesize getpid getsid gettimeofday getuid gmtime gmtime_r hypot hypotf
    ilogb ilogbf ilogbl imaxabs imaxdiv index isalnum isalpha isascii isatty isblank iscntrl isdigit
    isgraph islower isprint ispunct isspace isupper isxdigit kill labs ldexp ldexpf ldexpl ldiv
    lgamma lgammaf listen llabs lldiv llrint llrintf llrintl llround llroundf llroundl localtime
    localtime_r log log10 log10f log1p log1pf log2 log2f logb logbf logbl logf longjmp lrint lrintf
    lrintl lround lroundf lroundl lseek lstat malloc memccpy memchr memcmp memcpy memmem memmove
    mempcpy memrchr memset mkdir mktime mmap modf modff modfl mprotect munmap nan nanf nanl
    nanosleep nearbyint nearbyintf nearbyintl nextafter nextafterf nextafterl nexttoward nexttowardf
    nexttowardl open opendir perror posix_madvise posix_memalign pow powf pread printf putc putchar
    puts qsort qsort_r quick_exit raise rand read readdir realloc realpath remainder remainderf
    remainderl remove remquo remquof remquol rename rewind rindex rint rintf rintl rmdir round
    roundf roundl scalbln scalbn scalbnf scalbnl scanf setbuf setjmp setlocale setvbuf sigaction
    sigaddset sigemptyset sigfillset signal sigprocmask sin sincosf sinf sinh sinhf snprintf socket
    sprintf sqrt sqrtf sqrtl srand sscanf stat stderr stdin stdout stpcpy stpncpy strcasecmp
    strcasestr strcat strchr strchrnul strcmp strcoll strcpy strcspn strdup strerror strerror_r
    strftime strlcat strlcpy strlen strncasecmp strncat strncmp strncpy strndup strnlen strpbrk
    strrchr strsep strsignal strspn strstr strtod strtof strtoimax strtok strtok_r strtol strtold
    strtoll strtoul strtoull strtoumax strxfrm sysconf system tan tanf tanh tanhf tgamma tgammaf
    time timespec_get toascii tolower toupper trunc truncf truncl uname ungetc unlink usleep
    vasprintf vdprintf vfprintf vfscanf vprintf vscanf vsnprintf vsprintf vsscanf wait wait4 waitpid
    write
}

/// The address of an exported symbol.
pub(crate) fn exported_address(name: &str) -> Option<usize> {
    let index = NAMES.binary_search(&name).ok()?;
    Some(address(index))
}

#[cfg(not(test))]
fn address(index: usize) -> usize {
    unsafe extern "C" {
        static bareflow_exported_addresses: [usize; NAMES.len()];
    }
    // SAFETY: the table has an entry for each name, and the linker filled it in.
    unsafe { bareflow_exported_addresses[index] }
}

/// On the host there is no table: an address that stands for the name.
#[cfg(test)]
fn address(index: usize) -> usize {
    index + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_sorted_and_unique() {
        assert!(NAMES.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn names_are_found() {
        assert!(exported_address("printf").is_some());
        assert!(exported_address("qsort").is_some());
        assert!(exported_address("gets").is_none());
    }
}
