#ifndef BAREFLOW_UNISTD_H
#define BAREFLOW_UNISTD_H

#define __need_size_t
#define __need_NULL
#include <stddef.h>

#include <__llvm-libc-common.h>
#include <llvm-libc-macros/file-seek-macros.h>
#include <stdint.h>
#include <sys/types.h>

#define _POSIX_VERSION 200809L
#define _POSIX2_VERSION 200809L
#define _XOPEN_VERSION 700
#define _POSIX_TIMERS 200809L
#define _POSIX_MONOTONIC_CLOCK 200809L
#define _POSIX_MAPPED_FILES 200809L
#define _POSIX_FSYNC 200809L
#define _POSIX_NO_TRUNC 1
#define _POSIX_JOB_CONTROL (-1)
#define _POSIX_SAVED_IDS (-1)
#define _POSIX_REGEXP 1
#define _POSIX_THREADS 200809L
#define _POSIX_SEMAPHORES 200809L
#define _POSIX_VDISABLE 0

#define F_OK 0
#define X_OK 1
#define W_OK 2
#define R_OK 4

#define F_ULOCK 0
#define F_LOCK 1
#define F_TLOCK 2
#define F_TEST 3

#define L_SET SEEK_SET
#define L_INCR SEEK_CUR
#define L_XTND SEEK_END
#define SEEK_DATA 3
#define SEEK_HOLE 4
#define CLOSE_RANGE_UNSHARE 2
#define CLOSE_RANGE_CLOEXEC 4

// Tries again what a signal has interrupted.
#define TEMP_FAILURE_RETRY(expression)                                                                                 \
  (__extension__({                                                                                                     \
    long __result;                                                                                                     \
    do                                                                                                                 \
      __result = (long)(expression);                                                                                   \
    while (__result == -1L && errno == 4);                                                                             \
    __result;                                                                                                          \
  }))

#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2

#define _SC_ARG_MAX 0
#define _SC_PAGESIZE 1
#define _SC_PAGE_SIZE _SC_PAGESIZE
#define _SC_CLK_TCK 2
#define _SC_CHILD_MAX 3
#define _SC_NGROUPS_MAX 4
#define _SC_OPEN_MAX 5
#define _SC_STREAM_MAX 6
#define _SC_TZNAME_MAX 7
#define _SC_JOB_CONTROL 8
#define _SC_SAVED_IDS 9
#define _SC_VERSION 29
#define _SC_LINE_MAX 43
#define _SC_RE_DUP_MAX 44
#define _SC_2_VERSION 46
#define _SC_IOV_MAX 60
#define _SC_THREADS 67
#define _SC_GETGR_R_SIZE_MAX 69
#define _SC_GETPW_R_SIZE_MAX 70
#define _SC_LOGIN_NAME_MAX 71
#define _SC_TTY_NAME_MAX 72
#define _SC_THREAD_KEYS_MAX 74
#define _SC_THREAD_STACK_MIN 75
#define _SC_THREAD_THREADS_MAX 76
#define _SC_NPROCESSORS_CONF 83
#define _SC_NPROCESSORS_ONLN 84
#define _SC_PHYS_PAGES 85
#define _SC_AVPHYS_PAGES 86
#define _SC_ATEXIT_MAX 87
#define _SC_XOPEN_VERSION 89
#define _SC_MONOTONIC_CLOCK 149
#define _SC_HOST_NAME_MAX 180
#define _SC_LEVEL1_DCACHE_LINESIZE 190
#define _SC_SYMLOOP_MAX 173

#define _PC_LINK_MAX 0
#define _PC_MAX_CANON 1
#define _PC_MAX_INPUT 2
#define _PC_NAME_MAX 3
#define _PC_PATH_MAX 4
#define _PC_PIPE_BUF 5
#define _PC_CHOWN_RESTRICTED 6
#define _PC_NO_TRUNC 7
#define _PC_VDISABLE 8

#define _CS_PATH 0

__BEGIN_C_DECLS
extern char **environ;
extern char *optarg;
extern int optind, opterr, optopt;

int access(const char *path, int mode);
unsigned alarm(unsigned seconds);
unsigned ualarm(unsigned microseconds, unsigned interval);
int chdir(const char *path);
int chown(const char *path, uid_t owner, gid_t group);
int close(int file);
size_t confstr(int name, char *buffer, size_t size);
int dup(int file);
int dup2(int from, int to);
int dup3(int from, int to, int flags);
void _exit(int status) __attribute__((__noreturn__));
int execl(const char *path, const char *argument, ...);
int execle(const char *path, const char *argument, ...);
int execlp(const char *file, const char *argument, ...);
int execv(const char *path, char *const arguments[]);
int execve(const char *path, char *const arguments[], char *const variables[]);
int execvp(const char *file, char *const arguments[]);
int execvpe(const char *file, char *const arguments[], char *const variables[]);
int faccessat(int folder, const char *path, int mode, int flags);
int fchdir(int file);
int fchown(int file, uid_t owner, gid_t group);
int fchownat(int folder, const char *path, uid_t owner, gid_t group, int flags);
int fdatasync(int file);
int fexecve(int file, char *const arguments[], char *const variables[]);
pid_t fork(void);
pid_t vfork(void);
long fpathconf(int file, int name);
int fsync(int file);
int ftruncate(int file, off_t size);
char *getcwd(char *buffer, size_t size);
int getdtablesize(void);
int getdomainname(char *name, size_t size);
gid_t getegid(void);
int getentropy(void *buffer, size_t size);
uid_t geteuid(void);
gid_t getgid(void);
int getgroups(int size, gid_t groups[]);
long gethostid(void);
int gethostname(char *name, size_t size);
char *getlogin(void);
int getlogin_r(char *buffer, size_t size);
int getopt(int count, char *const arguments[], const char *options);
int getpagesize(void);
char *getpass(const char *prompt);
pid_t getpgid(pid_t process);
pid_t getpgrp(void);
pid_t getpid(void);
pid_t getppid(void);
pid_t getsid(pid_t process);
uid_t getuid(void);
int isatty(int file);
int lchown(const char *path, uid_t owner, gid_t group);
int link(const char *from, const char *to);
int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags);
int lockf(int file, int command, off_t size);
off_t lseek(int file, off_t offset, int whence);
int nice(int increment);
long pathconf(const char *path, int name);
int pause(void);
int pipe(int files[2]);
int pipe2(int files[2], int flags);
ssize_t pread(int file, void *buffer, size_t size, off_t offset);
ssize_t pwrite(int file, const void *buffer, size_t size, off_t offset);
ssize_t read(int file, void *buffer, size_t size);
ssize_t readlink(const char *__restrict path, char *__restrict buffer, size_t size);
ssize_t readlinkat(int folder, const char *__restrict path, char *__restrict buffer, size_t size);
int rmdir(const char *path);
void *sbrk(intptr_t increment);
int brk(void *end);
int setegid(gid_t group);
int seteuid(uid_t user);
int setgid(gid_t group);
int sethostname(const char *name, size_t size);
int setpgid(pid_t process, pid_t group);
pid_t setpgrp(void);
int setregid(gid_t real, gid_t effective);
int setreuid(uid_t real, uid_t effective);
pid_t setsid(void);
int setuid(uid_t user);
unsigned sleep(unsigned seconds);
void swab(const void *__restrict from, void *__restrict to, ssize_t size);
int symlink(const char *target, const char *path);
int symlinkat(const char *target, int folder, const char *path);
void sync(void);
long sysconf(int name);
pid_t tcgetpgrp(int file);
int tcsetpgrp(int file, pid_t group);
int truncate(const char *path, off_t size);
char *ttyname(int file);
int ttyname_r(int file, char *buffer, size_t size);
int unlink(const char *path);
int unlinkat(int folder, const char *path, int flags);
int usleep(unsigned microseconds);
ssize_t write(int file, const void *buffer, size_t size);
char *ctermid(char *buffer);
int close_range(unsigned first, unsigned last, int flags);
void closefrom(int first);
ssize_t copy_file_range(int from, off_t *from_offset, int to, off_t *to_offset, size_t size, unsigned flags);
int daemon(int keep_folder, int keep_streams);
int eaccess(const char *path, int mode);
int euidaccess(const char *path, int mode);
char *get_current_dir_name(void);
char *getwd(char *buffer);
int getresgid(gid_t *real, gid_t *effective, gid_t *saved);
int getresuid(uid_t *real, uid_t *effective, uid_t *saved);
int setresgid(gid_t real, gid_t effective, gid_t saved);
int setresuid(uid_t real, uid_t effective, uid_t saved);
pid_t gettid(void);
int syncfs(int file);
__END_C_DECLS

// Names of the time when off_t had 32 bits elsewhere.
#define lseek64 lseek
#define pread64 pread
#define pwrite64 pwrite
#define ftruncate64 ftruncate
#define truncate64 truncate
#define lockf64 lockf

#endif
