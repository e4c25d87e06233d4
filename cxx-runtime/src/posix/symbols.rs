//! The symbols of this module that programs may name.

use crate::symbols::exported;

exported! {
    bareflow_exported_posix_addresses:
    __atomic_compare_exchange __atomic_exchange

 __atomic_is_lock_free __atomic_load
    __atomic_store __bareflow_cleanup_pop __bareflow_cleanup_push __cpu_features2
    __cpu_indicator_init __cpu_model __progname

 __xpg_basename _longjmp _setjmp a64l
    addmntent arc4random arc4random_buf arc4random_uniform bareflow_ctime bareflow_getpwnam
    bareflow_getpwnam_r bareflow_getpwuid bareflow_getpwuid_r bareflow_gmtime bareflow_gmtime_r
    bareflow_localtime bareflow_localtime_r bareflow_mktime
    bareflow_strftime basename bind_textdomain_codeset bindtextdomain brk bsd_signal call_once
    canonicalize_file_name cfgetispeed cfgetospeed cfmakeraw cfsetispeed cfsetospeed chroot clearenv
    clock_getcpuclockid clock_getres clock_nanosleep clock_settime close_range closefrom closelog
    cnd_broadcast cnd_destroy cnd_init cnd_signal cnd_timedwait cnd_wait confstr copy_file_range
    ctermid ctime_r daemon daylight dcgettext dcngettext dgettext dirname dngettext drand48
    drand48_r dysize eaccess endgrent endmntent endpwent environ erand48 erand48_r err error
    error_at_line error_message_count error_one_per_line error_print_progname errx euidaccess execl
    execle execlp execvp execvpe fallocate fexecve fgetws_unlocked fnmatch fpathconf fputws_unlocked
    freeaddrinfo fstatfs ftime ftw futimes futimesat gai_strerror get_current_dir_name get_nprocs
    get_nprocs_conf getaddrinfo getauxval getcontext getcpu getdate getdate_err getdate_r
    getdomainname getdtablesize getegid getentropy getgid getgrent getgrgid getgrgid_r getgrnam
    getgrnam_r getgrouplist getgroups gethostid getitimer getloadavg getlogin getlogin_r getmntent
    getmntent_r getnameinfo getopt getopt_long getopt_long_only getpass getpeername getpgid getpgrp
    getpriority getpwent getrandom getresgid getresuid getrlimit getrusage getsockname getsockopt
    getsubopt gettext gettid getwd glob globfree grantpt hasmntopt hcreate hcreate_r hdestroy
    hdestroy_r hsearch hsearch_r htonl htons iconv iconv_close iconv_open inet_addr inet_aton
    inet_ntoa inet_ntop inet_pton initgroups initstate initstate_r insque ioctl iswctype_l jrand48
    jrand48_r killpg l64a lcong48 lcong48_r lfind lrand48 lrand48_r lsearch lutimes makecontext
    mallinfo mallinfo2 malloc_stats mkdtemp mkostemp mkostemps mkstemp mkstemps mktemp mlock mlock2
    mlockall mount mrand48 mrand48_r mtx_destroy mtx_init mtx_lock mtx_timedlock mtx_trylock
    mtx_unlock munlock munlockall nftw ngettext nice nrand48 nrand48_r ntohl ntohs openlog optarg
    opterr optind optopt pathconf pause pclose pipe pipe2 poll popen posix_openpt posix_spawn
    posix_spawn_file_actions_addclose posix_spawn_file_actions_adddup2
    posix_spawn_file_actions_addopen posix_spawn_file_actions_destroy posix_spawn_file_actions_init
    posix_spawnattr_destroy posix_spawnattr_init posix_spawnattr_setflags posix_spawnp ppoll prctl
    preadv prlimit program_invocation_name program_invocation_short_name pselect psiginfo psignal
    pthread_atfork pthread_attr_destroy pthread_attr_getdetachstate pthread_attr_getguardsize
    pthread_attr_getinheritsched pthread_attr_getschedparam pthread_attr_getschedpolicy
    pthread_attr_getscope pthread_attr_getstack pthread_attr_getstacksize pthread_attr_init
    pthread_attr_setdetachstate pthread_attr_setguardsize pthread_attr_setinheritsched
    pthread_attr_setschedparam pthread_attr_setschedpolicy pthread_attr_setscope
    pthread_attr_setstack pthread_attr_setstacksize pthread_barrier_destroy pthread_barrier_init
    pthread_barrier_wait pthread_barrierattr_destroy pthread_barrierattr_getpshared
    pthread_barrierattr_init pthread_barrierattr_setpshared pthread_cancel pthread_cond_broadcast
    pthread_cond_clockwait pthread_cond_destroy pthread_cond_init pthread_cond_signal
    pthread_cond_timedwait pthread_cond_wait pthread_condattr_destroy pthread_condattr_getclock
    pthread_condattr_getpshared pthread_condattr_init pthread_condattr_setclock
    pthread_condattr_setpshared pthread_create pthread_detach pthread_equal pthread_exit
    pthread_getaffinity_np pthread_getattr_np pthread_getconcurrency pthread_getcpuclockid
    pthread_getname_np pthread_getschedparam pthread_getspecific pthread_join pthread_key_create
    pthread_key_delete pthread_kill pthread_mutex_clocklock pthread_mutex_consistent
    pthread_mutex_destroy pthread_mutex_init pthread_mutex_lock pthread_mutex_timedlock
    pthread_mutex_trylock pthread_mutex_unlock pthread_mutexattr_destroy
    pthread_mutexattr_getprotocol pthread_mutexattr_getpshared pthread_mutexattr_getrobust
    pthread_mutexattr_gettype pthread_mutexattr_init pthread_mutexattr_setprotocol
    pthread_mutexattr_setpshared pthread_mutexattr_setrobust pthread_mutexattr_settype pthread_once
    pthread_rwlock_destroy pthread_rwlock_init pthread_rwlock_rdlock pthread_rwlock_timedrdlock
    pthread_rwlock_timedwrlock pthread_rwlock_tryrdlock pthread_rwlock_trywrlock
    pthread_rwlock_unlock pthread_rwlock_wrlock pthread_rwlockattr_destroy
    pthread_rwlockattr_getpshared pthread_rwlockattr_init pthread_rwlockattr_setpshared pthread_self
    pthread_setaffinity_np pthread_setcancelstate pthread_setcanceltype pthread_setconcurrency
    pthread_setname_np pthread_setschedparam pthread_setspecific pthread_sigmask
    pthread_spin_destroy pthread_spin_init pthread_spin_lock pthread_spin_trylock
    pthread_spin_unlock pthread_testcancel pthread_yield ptsname putenv pwritev rand_r random
    random_r readahead readdir_r readv recv recvfrom recvmsg regcomp regerror regexec regfree remque
    sbrk sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getcpu sched_getparam
    sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setparam sched_setscheduler
    secure_getenv seed48 seed48_r select sem_clockwait sem_close sem_destroy sem_getvalue sem_init
    sem_open sem_post sem_timedwait sem_trywait sem_unlink sem_wait send sendfile sendmsg sendto
    setcontext setegid setenv seteuid setgid setgrent setgroups sethostname setitimer setlogmask
    setmntent setpgid setpgrp setpriority setpwent setregid setresgid setresuid setreuid setrlimit
    setsid setsockopt setstate setstate_r settimeofday setuid shutdown sigabbrev_np sigandset
    sigblock sigdescr_np siggetmask sighold sigignore siginterrupt sigisemptyset sigismember
    siglongjmp sigorset sigpause sigpending sigqueue sigrelse sigset sigsetjmp sigsetmask sigsuspend
    sigtimedwait sigwait sigwaitinfo socketpair srand48 srand48_r srandom srandom_r statfs
    strerrordesc_np strerrorname_np strptime strptime_l swapcontext syncfs sysinfo syslog tcdrain
    tcflow tcflush tcgetattr tcgetpgrp tcgetsid tcsendbreak tcsetattr tcsetpgrp tdelete tdestroy
    textdomain tfind thrd_create thrd_current thrd_detach thrd_equal thrd_exit thrd_join thrd_sleep
    thrd_yield timegm timelocal timer_create timer_delete timer_getoverrun timer_gettime
    timer_settime times timespec_getres timezone towctrans_l tsearch tss_create tss_delete tss_get
    tss_set ttyname ttyname_r twalk tzname tzset ualarm umount unlockpt unsetenv utime utimes verr
    verrx versionsort vfork vsyslog vwarn vwarnx wait3 waitid warn warnx wcsftime_l wctrans_l
    wctype_l writev
}
