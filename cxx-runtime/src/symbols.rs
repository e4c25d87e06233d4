//! The symbols that programs may name: the C library of the target, and the compiler's own helpers.

/// A name and where it is.
#[derive(Clone, Copy, Debug)]
pub struct ExportedSymbol {
    /// The symbol's name.
    pub name: &'static str,
    /// Its address.
    pub address: usize,
}

/// A table of symbols under a name of its own: `NAMES` and `exported_address`.
macro_rules! exported {
    ($table:ident: $($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        // Rust has no type for these symbols: the linker fills in a table in the order of the names.
        #[cfg(not(test))]
        core::arch::global_asm!(
            concat!(".pushsection .rodata.", stringify!($table), ", \"a\", @progbits"),
            ".balign 8",
            concat!(".globl ", stringify!($table)),
            concat!(stringify!($table), ":"),
            $(concat!(".quad ", stringify!($name)),)*
            ".popsection",
        );

        /// The address of one of these symbols.
        pub(crate) fn address_of(name: &str) -> Option<usize> {
            let index = NAMES.binary_search(&name).ok()?;
            #[cfg(not(test))]
            {
                unsafe extern "C" {
                    static $table: [usize; NAMES.len()];
                }
                // SAFETY: the table has an entry for each name, and the linker filled it in.
                Some(unsafe { $table[index] })
            }
            // On the host there is no table: an address that stands for the name.
            #[cfg(test)]
            Some(index + 1)
        }

        #[cfg(test)]
        mod table_tests {
            #[test]
            fn the_names_are_sorted_and_unique() {
                assert!(super::NAMES.windows(2).all(|pair| pair[0] < pair[1]));
            }
        }
    };
}

exported! {
    bareflow_exported_addresses:
    _Exit __ashlti3 __ashrti3 __assert_fail __divdc3 __divsc3 __divti3 __divxc3 __errno_location
    __extendhfsf2 __fixdfti __fixsfti __fixunsdfti __fixunssfti __fixunsxfti __fixxfti __floattidf
    __floattisf __floattixf __floatuntidf __floatuntisf __floatuntixf __issignaling __issignalingf
    __issignalingl __lshrti3 __modti3 __muldc3 __muloti4 __mulsc3 __multi3 __mulxc3 __powidf2
    __powisf2 __powixf2 __truncdfhf2 __truncsfhf2 __udivti3 __umodti3 _exit abort abs accept access
    acos acosf acosh acoshf acoshl acosl alarm aligned_alloc alphasort asctime asctime_r asin asinf
    asinh asinhf asinhl asinl asprintf at_quick_exit atan atan2 atan2f atan2l atanf atanh atanhf
    atanhl atanl atexit atof atoi atol atoll bcmp bcopy bind bsearch bzero cabs cabsf cabsl cacos
    cacosf cacosh cacoshf cacoshl cacosl calloc carg cargf cargl casin casinf casinh casinhf casinhl
    casinl catan catanf catanh catanhf catanhl catanl catclose catgets catopen cbrt cbrtf cbrtl ccos
    ccosf ccosh ccoshf ccoshl ccosl ceil ceilf ceill cexp cexpf cexpl chdir chmod chown cimag cimagf
    cimagl clearerr clearerr_unlocked clock clock_gettime clog clog10 clog10f clog10l clogf clogl
    close closedir conj conjf conjl connect copysign copysignf copysignl cos cosf cosh coshf coshl
    cosl cpow cpowf cpowl cproj cprojf cprojl creal crealf creall creat csin csinf csinh csinhf
    csinhl csinl csqrt csqrtf csqrtl ctan ctanf ctanh ctanhf ctanhl ctanl ctime difftime dirfd div
    dladdr dlclose dlerror dlopen dlsym dprintf drem dremf dreml dup dup2 dup3 erf erfc erfcf erfcl
    erff erfl execv execve exit exp exp10 exp10f exp10l exp2 exp2f exp2l expf expl expm1 expm1f
    expm1l fabs fabsf fabsl faccessat fchdir fchmod fchmodat fchown fchownat fclose fcntl fdatasync
    fdim fdimf fdiml fdopen fdopendir feclearexcept fedisableexcept feenableexcept fegetenv
    fegetexcept fegetexceptflag fegetround feholdexcept feof feof_unlocked feraiseexcept ferror
    ferror_unlocked fesetenv fesetexceptflag fesetround fetestexcept feupdateenv fflush fgetc
    fgetc_unlocked fgetpos fgets fileno finite finitef finitel flock flockfile floor floorf floorl
    fma fmaf fmal fmax fmaxf fmaximum fmaximum_num fmaximum_numf fmaximum_numl fmaximumf fmaximuml
    fmaxl fmin fminf fminimum fminimum_num fminimum_numf fminimum_numl fminimumf fminimuml fminl
    fmod fmodf fmodl fopen fork fprintf fputc fputc_unlocked fputs fread fread_unlocked free freopen
    frexp frexpf frexpl fscanf fseek fseeko fsetpos fstat fstatat fstatvfs fsync ftell ftello
    ftruncate funlockfile futimens fwrite fwrite_unlocked gamma gammaf gammal getc getc_unlocked
    getchar getchar_unlocked getcwd getenv geteuid gethostname getpagesize getpid getppid getpwnam_r
    getpwuid_r getsid gettimeofday getuid gmtime gmtime_r hypot hypotf hypotl ilogb ilogbf ilogbl
    imaxabs imaxdiv index isalnum isalpha isascii isatty isblank iscntrl isdigit isgraph isinf
    isinff isinfl islower isnan isnanf isnanl isprint ispunct isspace isupper isxdigit j0 j0f j0l j1
    j1f j1l jn jnf jnl kill labs lchown ldexp ldexpf ldexpl ldiv lgamma lgamma_r lgammaf lgammaf_r
    lgammal lgammal_r link linkat listen llabs lldiv llrint llrintf llrintl llround llroundf
    llroundl localeconv localtime localtime_r lockf log log10 log10f log10l log1p log1pf log1pl log2
    log2f log2l logb logbf logbl logf logl longjmp lrint lrintf lrintl lround lroundf lroundl lseek
    lstat madvise malloc mblen memccpy memchr memcmp memcpy memmem memmove mempcpy memrchr memset
    mkdir mkdirat mkfifo mknod mktime mmap modf modff modfl mprotect msync munmap nan nanf nanl
    nanosleep nearbyint nearbyintf nearbyintl nextafter nextafterf nextafterl nexttoward nexttowardf
    nexttowardl open openat opendir perror posix_fadvise posix_fallocate posix_madvise
    posix_memalign pow pow10 pow10f pow10l powf powl pread printf putc putc_unlocked putchar
    putchar_unlocked puts pwrite qsort qsort_r quick_exit raise rand read readdir readlink
    readlinkat realloc realpath remainder remainderf remainderl remove remquo remquof remquol rename
    renameat rewind rewinddir rindex rint rintf rintl rmdir round roundeven roundevenf roundevenl
    roundf roundl scalb scalbf scalbl scalbln scalblnf scalblnl scalbn scalbnf scalbnl scandir scanf
    sched_yield seekdir setbuf setjmp setlocale setvbuf shm_open shm_unlink sigaction sigaddset
    sigaltstack sigdelset sigemptyset sigfillset signal signgam significand significandf
    significandl sigprocmask sin sincos sincosf sincosl sinf sinh sinhf sinhl sinl sleep snprintf
    socket sprintf sqrt sqrtf sqrtl srand sscanf stat statvfs stderr stdin stdout stpcpy stpncpy
    strcasecmp strcasestr strcat strchr strchrnul strcmp strcoll strcpy strcspn strdup strerror
    strerror_r strftime strlcat strlcpy strlen strncasecmp strncat strncmp strncpy strndup strnlen
    strpbrk strrchr strsep strsignal strspn strstr strtod strtof strtoimax strtok strtok_r strtol
    strtold strtoll strtoul strtoull strtoumax strxfrm symlink symlinkat sync sysconf system tan
    tanf tanh tanhf tanhl tanl telldir tgamma tgammaf tgammal time timespec_get tmpfile toascii
    tolower toupper trunc truncate truncf truncl umask uname ungetc unlink unlinkat usleep utimensat
    vasprintf vdprintf vfprintf vfscanf vprintf vscanf vsnprintf vsprintf vsscanf wait wait4 waitpid
    wctob write y0 y0f y0l y1 y1f y1l yn ynf ynl
}

pub(crate) use exported;

/// The address of an exported symbol.
pub(crate) fn exported_address(name: &str) -> Option<usize> {
    address_of(name).or_else(|| crate::posix::address_of(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found() {
        assert!(exported_address("printf").is_some());
        assert!(exported_address("qsort").is_some());
        assert!(exported_address("gets").is_none());
    }
}
