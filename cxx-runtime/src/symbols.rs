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
        $crate::arch::address_table!($table: $($name)*);

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
    _Exit __assert_fail __divdc3 __divsc3 __errno_location __extendhfsf2 __fbufsize __flbf
    __fpending __fpurge __freadable __freadahead __freading __freadptr __freadptrinc __fseterr
    __fsetlocking __fwritable __fwriting __issignaling __issignalingf __issignalingl __muldc3
    __mulsc3 __powidf2 __powisf2 __truncdfhf2 __truncsfhf2 __xpg_strerror_r _exit _flushlbf
    abort abs accept access
    acos acosf acosh acoshf acoshl acosl alarm aligned_alloc alphasort asctime asctime_r asin asinf
    asinh asinhf asinhl asinl asprintf at_quick_exit atan atan2 atan2f atan2l atanf atanh atanhf
    atanhl atanl atexit atof atoi atol atoll bareflow_codecvt_mbsnrtowcs bcmp bcopy bind bsearch btowc
    bzero c16rtomb c32rtomb c8rtomb cabs cabsf cabsl cacos cacosf cacosh cacoshf cacoshl cacosl
    calloc carg cargf cargl casin casinf casinh casinhf casinhl casinl catan catanf catanh catanhf
    catanhl catanl catclose catgets catopen cbrt cbrtf cbrtl ccos ccosf ccosh ccoshf ccoshl ccosl
    ceil ceilf ceill cexp cexpf cexpl cfree chdir chmod chown cimag cimagf cimagl clearerr
    clearerr_unlocked clock clock_gettime clog clog10 clog10f clog10l clogf clogl close closedir
    conj conjf conjl connect copysign copysignf copysignl cos cosf cosh coshf coshl cosl cpow cpowf
    cpowl cproj cprojf cprojl creal crealf creall creat csin csinf csinh csinhf csinhl csinl csqrt
    csqrtf csqrtl ctan ctanf ctanh ctanhf ctanhl ctanl ctime difftime dirfd div dladdr dlclose
    dlerror dlopen dlsym dprintf drem dremf dreml dup dup2 dup3 duplocale ecvt ecvt_r erf erfc erfcf
    erfcl erff erfl execv execve exit exp exp10 exp10f exp10l exp2 exp2f exp2l expf expl
    explicit_bzero expm1 expm1f expm1l fabs fabsf fabsl faccessat fchdir fchmod fchmodat fchown
    fchownat fclose fcntl fcvt fcvt_r fdatasync fdim fdimf fdiml fdopen fdopendir feclearexcept
    fedisableexcept feenableexcept fegetenv fegetexcept fegetexceptflag fegetround feholdexcept feof
    feof_unlocked feraiseexcept ferror ferror_unlocked fesetenv fesetexceptflag fesetround
    fetestexcept feupdateenv fflush fflush_unlocked ffs ffsl ffsll fgetc fgetc_unlocked fgetpos
    fgets fgets_unlocked fgetwc fgetwc_unlocked fgetws fileno fileno_unlocked finite finitef finitel
    flock flockfile floor floorf floorl fma fmaf fmal fmax fmaxf fmaximum fmaximum_num fmaximum_numf
    fmaximum_numl fmaximumf fmaximuml fmaxl fmemopen fmin fminf fminimum fminimum_num fminimum_numf
    fminimum_numl fminimumf fminimuml fminl fmod fmodf fmodl fopen fopencookie fork fprintf fputc
    fputc_unlocked fputs fputs_unlocked fputwc fputwc_unlocked fputws fread fread_unlocked free
    freelocale freopen frexp frexpf frexpl fscanf fseek fseeko fsetpos fstat fstatat fstatvfs fsync
    ftell ftello ftruncate ftrylockfile funlockfile futimens fwide fwprintf fwrite fwrite_unlocked
    fwscanf gamma gammaf gammal gcvt getc getc_unlocked getchar getchar_unlocked getcwd getdelim
    getenv geteuid gethostname getline getpagesize getpid getppid getpwnam_r getpwuid_r getsid
    gettimeofday getuid getw getwc getwc_unlocked getwchar getwchar_unlocked gmtime gmtime_r hypot
    hypotf hypotl ilogb ilogbf ilogbl imaxabs imaxdiv index isalnum isalnum_l isalpha isalpha_l
    isascii isatty isblank isblank_l iscntrl iscntrl_l isdigit isdigit_l isgraph isgraph_l isinf
    isinff isinfl islower islower_l isnan isnanf isnanl isprint isprint_l ispunct ispunct_l isspace
    isspace_l isupper isupper_l iswalnum iswalnum_l iswalpha iswalpha_l iswblank iswblank_l iswcntrl
    iswcntrl_l iswctype iswdigit iswdigit_l iswgraph iswgraph_l iswlower iswlower_l iswprint
    iswprint_l iswpunct iswpunct_l iswspace iswspace_l iswupper iswupper_l iswxdigit iswxdigit_l
    isxdigit isxdigit_l j0 j0f j0l j1 j1f j1l jn jnf jnl kill labs lchown ldexp ldexpf ldexpl ldiv
    lgamma lgamma_r lgammaf lgammaf_r lgammal lgammal_r link linkat listen llabs lldiv llrint
    llrintf llrintl llround llroundf llroundl localeconv localtime localtime_r lockf log log10
    log10f log10l log1p log1pf log1pl log2 log2f log2l logb logbf logbl logf logl longjmp lrint
    lrintf lrintl lround lroundf lroundl lseek lstat madvise malloc malloc_trim malloc_usable_size
    mallopt mblen mbrlen mbrtoc16 mbrtoc32 mbrtoc8 mbrtowc mbsinit mbsnrtowcs mbsrtowcs mbstowcs
    mbtowc memalign memccpy memchr memcmp memcpy memfrob memmem memmove mempcpy memrchr memset
    memset_explicit mkdir mkdirat mkfifo mknod mktime mmap modf modff modfl mprotect msync munmap
    nan nanf nanl nanosleep nearbyint nearbyintf nearbyintl newlocale nextafter nextafterf
    nextafterl nexttoward nexttowardf nexttowardl nl_langinfo nl_langinfo_l open open_memstream
    open_wmemstream openat opendir perror posix_fadvise posix_fallocate posix_madvise posix_memalign
    pow pow10 pow10f pow10l powf powl pread printf putc putc_unlocked putchar putchar_unlocked puts
    putw putwc putwc_unlocked putwchar putwchar_unlocked pvalloc pwrite qsort qsort_r quick_exit
    raise rand rawmemchr read readdir readlink readlinkat realloc reallocarray realpath remainder
    remainderf remainderl remove remquo remquof remquol rename renameat rewind rewinddir rindex rint
    rintf rintl rmdir round roundeven roundevenf roundevenl roundf roundl scalb scalbf scalbl
    scalbln scalblnf scalblnl scalbn scalbnf scalbnl scandir scanf sched_yield seekdir setbuf
    setbuffer setjmp setlinebuf setlocale setvbuf shm_open shm_unlink sigaction sigaddset
    sigaltstack sigdelset sigemptyset sigfillset signal signgam significand significandf
    significandl sigprocmask sin sincos sincosf sincosl sinf sinh sinhf sinhl sinl sleep snprintf
    socket sprintf sqrt sqrtf sqrtl srand sscanf stat statvfs stderr stdin stdout stpcpy stpncpy
    strcasecmp strcasecmp_l strcasestr strcat strchr strchrnul strcmp strcoll strcoll_l strcpy
    strcspn strdup strerror strerror_l strerror_r strftime strftime_l strlcat strlcpy strlen
    strncasecmp strncasecmp_l strncat strncmp strncpy strndup strnlen strnstr strpbrk strrchr strsep
    strsignal strspn strstr strtod strtod_l strtof strtof_l strtoimax strtok strtok_r strtol
    strtol_l strtold strtold_l strtoll strtoll_l strtoq strtoul strtoul_l strtoull strtoull_l
    strtoumax strtouq strverscmp strxfrm strxfrm_l swab swprintf swscanf symlink symlinkat sync
    sysconf system tan tanf tanh tanhf tanhl tanl telldir tempnam tgamma tgammaf tgammal time
    timespec_get tmpfile tmpnam tmpnam_r toascii tolower tolower_l toupper toupper_l towctrans
    towlower towlower_l towupper towupper_l trunc truncate truncf truncl umask uname ungetc ungetwc
    unlink unlinkat uselocale usleep utimensat valloc vasprintf vdprintf vfprintf vfscanf vfwprintf
    vfwscanf vprintf vscanf vsnprintf vsprintf vsscanf vswprintf vswscanf vwprintf vwscanf wait
    wait4 waitpid wcpcpy wcpncpy wcrtomb wcscasecmp wcscasecmp_l wcscat wcschr wcschrnul wcscmp
    wcscoll wcscoll_l wcscpy wcscspn wcsdup wcsftime wcslcat wcslcpy wcslen wcsncasecmp
    wcsncasecmp_l wcsncat wcsncmp wcsncpy wcsnlen wcsnrtombs wcspbrk wcsrchr wcsrtombs wcsspn wcsstr
    wcstod wcstod_l wcstof wcstof_l wcstoimax wcstok wcstol wcstol_l wcstold wcstold_l wcstoll
    wcstoll_l wcstombs wcstoul wcstoul_l wcstoull wcstoull_l wcstoumax wcswcs wcswidth wcsxfrm
    wcsxfrm_l wctob wctomb wctrans wctype wcwidth wmemchr wmemcmp wmemcpy wmemmove wmempcpy wmemset
    wprintf write wscanf y0 y0f y0l y1 y1f y1l yn ynf ynl
}

pub(crate) use exported;

/// The address of an exported symbol.
pub(crate) fn exported_address(name: &str) -> Option<usize> {
    address_of(name)
        .or_else(|| crate::posix::address_of(name))
        .or_else(|| crate::arch::address_of(name))
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
