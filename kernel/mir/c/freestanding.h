/* What MIR's sources are told of their surroundings, before their first line: there is no operating system, nobody reads
 * what they print, and the code that they make is data. */
#define alloca __builtin_alloca
#define exit bareflow_mir_exit
#define fprintf bareflow_mir_print
#define vfprintf bareflow_mir_vprint
#define popen(command, mode) ((FILE *)0)
#define pclose(file) ((void)0)
#define mmap bareflow_mir_map
#define munmap bareflow_mir_unmap
#define mprotect bareflow_mir_protect
#define sysconf bareflow_mir_page_size

#ifdef BAREFLOW_MIR_GENERATOR
/* The generator's code goes to the shim. */
#define _MIR_publish_code bareflow_mir_publish
#define _MIR_update_code_arr bareflow_mir_rebase
#endif
