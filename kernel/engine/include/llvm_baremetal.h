/*
 * llvm_baremetal.h: LLVM 18 as a library of a kernel.
 *
 * A program arrives as LLVM bitcode or as LLVM assembly text, is checked, and then runs in LLVM's
 * interpreter or as native code of a level. The library needs a C library and a C++ ABI
 * (BareFlow's cxx-runtime, or your own), a stack of at least 8 MiB, and nothing else: no threads, no
 * exceptions, no operating system.
 *
 *     llvm_options_t options = { sizeof options };
 *     options.pool_address = 0x40000000;  options.pool_size = 128 << 20;
 *     options.protect = my_protect;       options.resolve = my_symbol_lookup;
 *     llvm_context_t *context; llvm_module_t *module; llvm_function_t *function; void *address;
 *     if (llvm_init(&options, &context)
 *         || llvm_parse_ir(context, bytes, length, "square.bc", &module)
 *         || llvm_jit_compile(module, "square", llvm_find_level("O2"), &function)
 *         || llvm_get_function_ptr(function, &address))
 *         puts(llvm_last_error(context));
 *     else
 *         printf("%d\n", ((int (*)(int))address)(7));
 *     llvm_shutdown(context);
 *
 * Rules that hold for every function:
 *  - Errors are values: 0 (LLVM_OK) or an llvm_error_t; llvm_last_error() has the text, one line.
 *  - Nothing aborts. When LLVM itself fails beyond repair (LLVM_ERROR_INTERNAL or
 *    LLVM_ERROR_OUT_OF_MEMORY raised inside LLVM), the context is poisoned: every later call returns
 *    LLVM_ERROR_POISONED, except llvm_last_error() and llvm_shutdown(). While a program runs in tiers,
 *    and the options allow it, the compiler is put back as it was instead.
 *  - One thread at a time, and one context at a time.
 *  - Handles stay valid until their module is destroyed, or the context is shut down.
 */
#ifndef LLVM_BAREMETAL_H
#define LLVM_BAREMETAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A session: owns everything else. */
typedef struct llvm_context llvm_context_t;
/* A program, or a part of one: parsed, checked IR and what was compiled from it. */
typedef struct llvm_module llvm_module_t;
/* A function of a module, whether compiled or not. */
typedef struct llvm_function llvm_function_t;

/* What a call returns. The numbers are stable. */
typedef enum llvm_error {
  LLVM_OK = 0,
  /* A null pointer, an unknown level, an option out of range. */
  LLVM_ERROR_INVALID_ARGUMENT = 1,
  /* The bytes are not valid IR: malformed text, truncated bitcode, or broken rules of the IR. */
  LLVM_ERROR_MALFORMED_IR = 2,
  /* The bitcode was written by an LLVM newer than this one. */
  LLVM_ERROR_NEWER_IR = 3,
  /* The IR is for another target triple or data layout. */
  LLVM_ERROR_WRONG_TARGET = 4,
  /* Two modules define the same symbol, or cannot be linked for another reason. */
  LLVM_ERROR_LINK = 5,
  /* The module has no such function. */
  LLVM_ERROR_NO_FUNCTION = 6,
  /* Symbols that neither the program nor the resolver defines; the message names all of them. */
  LLVM_ERROR_UNRESOLVED_SYMBOLS = 7,
  /* The function has not been compiled yet. */
  LLVM_ERROR_NOT_COMPILED = 8,
  /* The heap or the code pool is exhausted. */
  LLVM_ERROR_OUT_OF_MEMORY = 9,
  /* LLVM failed: a defect of LLVM or of this library. */
  LLVM_ERROR_INTERNAL = 10,
  /* An earlier internal failure left the context unusable. */
  LLVM_ERROR_POISONED = 11,
  /* The program called abort(), or an assertion in it failed. */
  LLVM_ERROR_PROGRAM_ABORTED = 12,
  /* The program faulted: see llvm_handle_fault(). */
  LLVM_ERROR_PROGRAM_FAULT = 13,
  /* The level's code generator does not make code of this; nothing has changed, and a higher level may do. */
  LLVM_ERROR_REFUSED = 14
} llvm_error_t;

/* How hard native code is optimised, and by what: a row of the table of levels, from 0 on. Of one generator, each row
 * makes better code than those before it, and takes longer. */
typedef uint32_t llvm_level_t;

/* How a program runs: 0 is in the interpreter, and 1 + a level as native code of that level. */
typedef uint32_t llvm_tier_t;
#define LLVM_TIER_INTERPRETER 0u

/* What the code of a level does. */
/* It counts calls and iterations, for better code to come; the best level's does not. */
#define LLVM_LEVEL_COUNTS 1u
/* Also those of loops without calls and other loops. */
#define LLVM_LEVEL_COUNTS_FLAT_LOOPS 2u
/* It notes its control flow and what its calls take. */
#define LLVM_LEVEL_NOTES 4u
/* It is optimised at all. */
#define LLVM_LEVEL_OPTIMISES 8u
/* Functions are inlined into it, by what has been noted. */
#define LLVM_LEVEL_INLINES 16u
/* It is for the processor at hand (or that of the options), and not for the least of all. */
#define LLVM_LEVEL_FOR_PROCESSOR 32u
/* Its generator does not know everything: see LLVM_ERROR_REFUSED. */
#define LLVM_LEVEL_MAY_REFUSE 64u

/* A row of the table. */
typedef struct llvm_level_info {
  /* "O0" to "O3": LLVM's; "C0" and "C1": Cranelift's; "MIR"; "QBE". */
  const char *name;
  /* What makes the code: "llvm", or another one that the options bring along. */
  const char *generator;
  /* How hard that tries, as it counts that itself. */
  uint32_t optimisation;
  /* LLVM_LEVEL_... */
  uint32_t capabilities;
} llvm_level_info_t;

/* Bits of the protection that llvm_options_t.protect is asked for; 0 means no access, and that the
 * contents are no longer needed. Write and execute are never asked for together. Pages that hold code become
 * writable again for the moment in which more code is copied to them. */
#define LLVM_PROTECTION_READ 1u
#define LLVM_PROTECTION_WRITE 2u
#define LLVM_PROTECTION_EXECUTE 4u

/* What of LLVM does not change while a program runs: */
typedef enum llvm_sealed {
  /* Its variables, but for the interpreter's. */
  LLVM_SEALED_VARIABLES = 0,
  /* And the compiler's memory (select_memory): no interpreter runs, which reads it and keeps results there. */
  LLVM_SEALED_ALL = 1
} llvm_sealed_t;

/* What a code generator has made. */
typedef struct llvm_generated {
  /* An ELF object; or, where there is none, the reason in UTF-8. They stay until the generator is asked again. */
  const unsigned char *bytes;
  size_t size;
} llvm_generated_t;

/* A code generator besides LLVM's, which the levels name. All of it is called with the compiler's memory selected. */
typedef struct llvm_generator {
  const char *name;
  /* Called by llvm_init; what it returns is passed to the others. What is made later may be forgotten: see roll_back. */
  void *(*open)(void);
  /* Makes code of an LLVMModuleRef, which it only reads, as hard as the level's row says. Returns LLVM_OK,
   * LLVM_ERROR_REFUSED, or another error; *made says what was made or why not. */
  llvm_error_t (*generate)(void *generator, void *module, uint32_t optimisation,
                           llvm_generated_t *made);
  /* Called by llvm_shutdown. */
  void (*close)(void *generator);
} llvm_generator_t;

typedef struct llvm_options {
  /* sizeof(llvm_options_t): later versions add fields at the end. */
  size_t size;
  /* The code pool: address space that the caller has set aside for native code and the program's
   * global data. Page-aligned and below 2 GiB. Its pages need not be backed before `protect` asks
   * for them. Everything that the resolver returns must lie below 2 GiB too. */
  uintptr_t pool_address;
  size_t pool_size;
  /* Bytes in a page; 0 means 4096. */
  size_t page_size;
  /* Backs the pages if they are not, and gives them the protection. Returns 0, or non-zero when
   * there is no memory. Required. */
  int (*protect)(void *user, uintptr_t address, size_t size, unsigned protection);
  /* The address of the C library's function or object `name`, or NULL. Required. */
  void *(*resolve)(void *user, const char *name);
  /* Receives notes and warnings, each one line without a line end. May be NULL. */
  void (*message)(void *user, const char *text);
  /* Passed to the callbacks above. */
  void *user;
  /* How many bytes of the stack interpreted calls may take before a program's recursion is called a stack
   * overflow; 0 means 8 MiB. */
  size_t interpreter_stack_size;
  /* Optional, all three or none. With them, a compiler that fails in the middle of anything is put back as
   * it was, and the context stays usable (see llvm_tiered_run_main). */
  /* From now on malloc takes from the compiler's memory (1) or the program's (0), and free gives back where
   * it belongs; returns what it was before. */
  int (*select_memory)(void *user, int compiler);
  /* Remembers the compiler's memory and LLVM's variables as they are. Returns 0, or non-zero when there is
   * no memory for that. */
  int (*checkpoint)(void *user);
  /* Puts them back. */
  void (*roll_back)(void *user);
  /* The C library as bitcode (the distribution's libc.bc), whose functions are inlined in tiered programs;
   * NULL for none. It must stay. */
  const void *library;
  size_t library_size;
  /* Optional, both or none: for a program that may write where it has nothing to write. */
  /* Remembers what the memory of LLVM, and whatever else the program must not change, looks like. */
  void (*seal)(void *user, llvm_sealed_t sealed);
  /* Returns 0 if it looks as it was when it was sealed, or else 1 with `what` it is that does not. Asked before the
   * compiler is used again, and at the program's end. */
  int (*is_changed)(void *user, const char **what);
  /* Optional: code is made for another kernel than this one, in which none of it is run. Where that kernel has the
   * function or variable `name` of its own; 0 if it has none. */
  uintptr_t (*find_elsewhere)(void *user, const char *name);
  /* The processor that the best level is for, by the name that LLVM has for it; NULL for the one at hand, with all that it has.
   * Only llvm_init reads the text. */
  const char *processor;
  /* Not 0 if each module is compiled at one level only: no copy is kept for others. */
  int has_one_level;
  /* Bits of levels, bit 0 for level 0, that refuse everything, for tests; the best level never does. */
  uint32_t refusing_levels;
  /* Code generators besides LLVM's; only llvm_init reads the list. The levels of one that is not there refuse everything. */
  const llvm_generator_t *generators;
  size_t generator_count;
} llvm_options_t;

/* The version of LLVM: "18.1.8". */
const char *llvm_version(void);

/* The table of levels: how many there are, and each of them. */
uint32_t llvm_level_count(void);
llvm_error_t llvm_level(llvm_level_t level, llvm_level_info_t *info);
/* The level of that name; if there is none, one that is unknown to every function. */
llvm_level_t llvm_find_level(const char *name);

/* Opens a session. On failure *context is NULL, and llvm_last_error(NULL) has the text. */
llvm_error_t llvm_init(const llvm_options_t *options, llvm_context_t **context);

/* Closes the session and frees everything that belongs to it. NULL is allowed. */
void llvm_shutdown(llvm_context_t *context);

/* The text of the last error: one line, valid until the next call. Never NULL. */
const char *llvm_last_error(const llvm_context_t *context);

/* Parses bitcode or assembly text and checks it: form, IR version, triple, data layout, verifier.
 * The bytes may be freed afterwards. `name` stands in messages. */
llvm_error_t llvm_parse_ir(llvm_context_t *context, const void *bytes, size_t length,
                           const char *name, llvm_module_t **module);

/* Moves everything from `source` into `target`, as a linker does; `source` is destroyed, also on
 * failure. Neither may have been compiled. */
llvm_error_t llvm_link(llvm_module_t *target, llvm_module_t *source);

/* Frees the IR and the native code. NULL is allowed. Nothing may still run in the module. */
void llvm_module_destroy(llvm_module_t *module);

/* Finds a function that the module defines. */
llvm_error_t llvm_get_function(llvm_module_t *module, const char *name,
                               llvm_function_t **function);

/* Compiles the module at `level` (once per level) and makes `name` point at that code. The first
 * compile also places the global data, which all levels share; a function whose address the program
 * takes keeps the address of the first compile. `function` may be NULL.
 * Static constructors do not run: see llvm_run_constructors(). */
llvm_error_t llvm_jit_compile(llvm_module_t *module, const char *name, llvm_level_t level,
                              llvm_function_t **function);

/* The address of the function's most recent compile. */
llvm_error_t llvm_get_function_ptr(llvm_function_t *function, void **address);

/* Runs the module's static constructors, once. The module must have been compiled. llvm_run_main
 * does this by itself. */
llvm_error_t llvm_run_constructors(llvm_module_t *module);

/* Compiles or prepares the whole program at `tier`, runs constructors, main(argc, argv), exit
 * handlers and destructors, and flushes stdout. *status is what main returned or exit() was given.
 * A main with any prefix of the parameters (int, char **, char **) is accepted. */
llvm_error_t llvm_run_main(llvm_module_t *module, llvm_tier_t tier, int argc,
                           const char *const *argv, int *status);

/* A program that runs in all tiers at once: each of its units, a function or a loop, goes from one tier
 * to the next by itself. The library counts and compiles; what is compiled when is the caller's policy. */
typedef struct llvm_tiered llvm_tiered_t;

/* The versions of a unit that count: the interpreter's, and those at all levels but the best. */
#define LLVM_COUNTING_TIERS 8

/* A unit's counters, which its code changes while it runs. */
typedef struct llvm_unit {
  /* How often the function was called, or how many times the loop's header was reached. */
  uint64_t count;
  /* Of functions where LLVM_LEVEL_NOTES: how many calls were timed, and their time stamp counter cycles, callees
   * included: in all, the least and the most. Beyond the 64th, one native call of 16 is timed, for all of them. */
  uint64_t timed_calls;
  uint64_t total_cycles;
  uint64_t least_cycles;
  uint64_t most_cycles;
  /* By tier: when `count` reaches this, the version of that tier calls llvm_tier_hooks_t.hot at every
   * call, or goes to the loop's newest code. UINT64_MAX: never, as at first. */
  uint64_t limits[LLVM_COUNTING_TIERS];
} llvm_unit_t;

/* What a unit is. */
typedef struct llvm_unit_info {
  /* The function's name, or a name for the loop. */
  const char *name;
  /* The unit of the loop's function; a function's own number. */
  uint32_t function;
  /* The counters, which stay where they are. */
  llvm_unit_t *counters;
  /* Whether the function jumps by labels (computed goto). */
  uint32_t jumps;
  /* If it does: about how many bytes of the stack a call takes where nothing is optimised. */
  uint32_t frame_bytes;
} llvm_unit_info_t;

/* How large a unit is, in instructions of its IR. */
typedef struct llvm_unit_size {
  /* What is compiled when it is: all of the function. */
  uint32_t compiled;
  /* What runs for one more in its count, its own loops aside: on average, as far as branches can be guessed. */
  uint32_t executed;
  /* Whether it is a loop without calls and other loops: see LLVM_LEVEL_COUNTS_FLAT_LOOPS. */
  uint32_t is_flat;
} llvm_unit_size_t;

typedef struct llvm_tier_hooks {
  /* sizeof(llvm_tier_hooks_t): later versions add fields at the end. */
  size_t size;
  /* A call of the function has found `count` at or above the limit of the version in `tier`. */
  void (*hot)(void *user, uint32_t unit, llvm_tier_t tier);
  /* Native code of a unit that has none yet is about to be entered: compile it at some level. If there is
   * none afterwards, the program ends. */
  void (*wanted)(void *user, uint32_t unit);
  void *user;
  /* Whether code where LLVM_LEVEL_NOTES notes its control flow and where its calls by address lead, for that where
   * LLVM_LEVEL_INLINES to make use of. */
  int is_guided;
} llvm_tier_hooks_t;

/* What a function's code has noted: words of 64 bits in the pool, which its code changes while it runs. What they mean
 * depends on the program and on the version of this library. */
typedef struct llvm_profile {
  /* NULL if it has noted nothing. */
  uint64_t *words;
  size_t count;
} llvm_profile_t;

/* Sets a byte for each unit: 1 if the program may come to it, from main, from what runs before and after it or from an
 * address that these refer to. */
llvm_error_t llvm_tiered_find_reachable(llvm_tiered_t *program, unsigned char *reachable);

/* What a compilation cost and made. */
typedef struct llvm_compilation {
  /* Time stamp counter cycles. */
  uint64_t cycles;
  /* Of these: cutting the unit out of the program, the optimiser's passes, the code generator's, and linking. */
  uint64_t cut, optimise, generate, link;
  /* Bytes of code and constants. */
  size_t bytes;
  /* Instructions of its IR. */
  uint32_t instructions;
} llvm_compilation_t;

/* Prepares a module that has not been compiled: places its data and finds its units. The program lives
 * until llvm_tiered_destroy, before its module. One at a time. */
llvm_error_t llvm_tiered_create(llvm_module_t *module, const llvm_tier_hooks_t *hooks,
                                llvm_tiered_t **program);
void llvm_tiered_destroy(llvm_tiered_t *program);

/* How many units there are; a function stands before its loops. */
uint32_t llvm_tiered_unit_count(const llvm_tiered_t *program);
llvm_error_t llvm_tiered_unit(const llvm_tiered_t *program, uint32_t unit, llvm_unit_info_t *info);

/* Looks at the unit's code; takes some time. */
llvm_error_t llvm_tiered_measure(llvm_tiered_t *program, uint32_t unit, llvm_unit_size_t *size);

/* What the unit's code has noted so far, in the pool; or, if it has not, what it shall go on from, elsewhere. Valid until
 * the unit is compiled. */
llvm_error_t llvm_tiered_profile(const llvm_tiered_t *program, uint32_t unit,
                                 llvm_profile_t *profile);
/* Lets the unit's code go on from what it has noted in an earlier run, before this one. */
void llvm_tiered_recall(llvm_tiered_t *program, uint32_t unit, const uint64_t *words, size_t count);

/* What a function's words mean. Blocks have numbers, from 1 on, in the order of the function, where jumps by labels may
 * have added some behind its own; 0 is outside. Calls by address have numbers, from 0 on, in the same order. */
typedef struct llvm_flow_visitor {
  /* An edge, and how often it was taken. Several between the same blocks are one. */
  void (*edge)(void *user, uint32_t from, uint32_t to, uint64_t taken);
  /* The usual target of a call, or NULL, how often it led there, and how often it was called in all. */
  void (*call)(void *user, const char *target, uint64_t times, uint64_t calls);
  void *user;
} llvm_flow_visitor_t;
/* Tells how control went in a function whose words are known, and nothing of others. */
llvm_error_t llvm_tiered_visit_flow(llvm_tiered_t *program, uint32_t unit,
                                    const llvm_flow_visitor_t *visitor);

/* Compiles units together, which is done for all of them or for none; from then on calls go to the new code. Where the
 * level optimises, it is one unit. There is an llvm_compilation_t for each, with its part of what all of them took. May be called by the
 * hooks. */
llvm_error_t llvm_tiered_compile(llvm_tiered_t *program, const uint32_t *units, size_t count,
                                 llvm_level_t level, llvm_compilation_t *compilations);

/* A function that has no code, and may soon be called. */
typedef struct llvm_successor {
  uint32_t unit;
  /* Instructions of its IR. */
  uint32_t instructions;
  /* How likely that is, in thousandths, by LLVM's guesses of branches; 0 if nothing is known of it but that it stands near
   * the unit in the program, and that the addresses of both are taken. */
  uint32_t likelihood;
} llvm_successor_t;

/* What code of the function, which has none yet, may soon call: directly, or by what it calls, the likeliest first; then
 * its neighbours. Writes at most `capacity`, returns how many. */
size_t llvm_tiered_successors(llvm_tiered_t *program, uint32_t unit, llvm_successor_t *successors,
                              size_t capacity);

/* A unit's code, made and not linked: where it will lie is not decided. */
typedef struct llvm_object {
  const void *bytes;
  size_t size;
  /* Whether the program may keep addresses in the code, which is never freed then. */
  int keeps_code;
} llvm_object_t;

/* Before a copy of the process is made for the function below: `table` is zeroed memory that both will have, an
 * llvm_profile_t for each unit. The pages of the pool that llvm_tiered_visit then tells as reserved and writable must be
 * such memory as well. */
void llvm_tiered_share(llvm_tiered_t *program, llvm_profile_t *table);
/* The first half of llvm_tiered_compile: changes nothing of the program, and is done by a copy of the process, which does
 * nothing else with the program. `take` gets the object, which is gone afterwards. */
llvm_error_t llvm_tiered_make_object(llvm_tiered_t *program, uint32_t unit, llvm_level_t level,
                                     void (*take)(void *user, const llvm_object_t *object),
                                     void *user);
/* The second half, in the program itself. */
llvm_error_t llvm_tiered_link_object(llvm_tiered_t *program, uint32_t unit, llvm_level_t level,
                                     const llvm_object_t *object, llvm_compilation_t *compilation);
/* Runs `body` apart from what runs: no ending of a program, and no failure, leads out of it but to its end. */
void llvm_isolate(void (*body)(void *user), void *user);

/* As llvm_run_main. A compilation that fails inside LLVM while the program runs does not end it. With
 * `interpret`, functions without native code are interpreted; else they are
 * compiled when they are called. */
llvm_error_t llvm_tiered_run_main(llvm_tiered_t *program, int interpret, int argc,
                                  const char *const *argv, int *status);

/* Why the last compilation of the program, or its run without a context, failed. */
const char *llvm_tiered_message(const llvm_tiered_t *program);

/* What the program consists of in the code pool, so that it can be saved and mapped again. */

/* Owners of allocations that are not a unit's code. */
#define LLVM_ALLOCATION_KEPT 0xffffffffu     /* constants, and code that exists once */
#define LLVM_ALLOCATION_DATA 0xfffffffeu     /* the program's variables */
#define LLVM_ALLOCATION_RESERVED 0xfffffffdu /* whole pages: counters, stubs and the like */

/* A part of the pool that is in use. */
typedef struct llvm_allocation {
  uintptr_t address;
  size_t bytes;
  /* LLVM_PROTECTION_... */
  unsigned protection;
  /* The unit whose newest code it is, or one of the above. */
  uint32_t owner;
} llvm_allocation_t;

typedef enum llvm_anchor_kind {
  /* A variable or a function of the program that is not a unit. */
  LLVM_ANCHOR_SYMBOL = 0,
  LLVM_ANCHOR_CONSTRUCTOR = 1,
  LLVM_ANCHOR_DESTRUCTOR = 2,
  /* main, which returns int or nothing. */
  LLVM_ANCHOR_MAIN = 3,
  LLVM_ANCHOR_VOID_MAIN = 4,
  /* An llvm_unit_t for each unit, then a word for each with the address of its code. */
  LLVM_ANCHOR_COUNTERS = 5,
  /* A stub for each unit, by which code calls it, then an entry for each, which its stub leads to as long as the unit has
     no code: of as many bytes as the architecture's have. */
  LLVM_ANCHOR_STUBS = 6,
  LLVM_ANCHOR_COPIES = 7,
  /* A page with addresses of functions from outside, and behind it the page of code that goes there. */
  LLVM_ANCHOR_GOT = 8,
  LLVM_ANCHOR_PLT = 9,
  /* A word in such a page, by the name of its function. */
  LLVM_ANCHOR_IMPORT = 10
} llvm_anchor_kind_t;

typedef struct llvm_anchor {
  llvm_anchor_kind_t kind;
  /* Empty but for symbols and imports. */
  const char *name;
  uintptr_t address;
} llvm_anchor_t;

typedef struct llvm_visitor {
  /* sizeof(llvm_visitor_t). */
  size_t size;
  void (*allocation)(void *user, const llvm_allocation_t *allocation);
  void (*anchor)(void *user, const llvm_anchor_t *anchor);
  void *user;
} llvm_visitor_t;

/* Tells what the program consists of: allocations by address, anchors in an order that llvm_tiered_attach understands. Frees
 * code that has been superseded and that no call needs. What is written before main runs is the program's variables,
 * and nothing else of it. */
llvm_error_t llvm_tiered_visit(llvm_tiered_t *program, const llvm_visitor_t *visitor);

/* A function's code, for messages. */
typedef struct llvm_code_symbol {
  uintptr_t address;
  size_t bytes;
  const char *name;
} llvm_code_symbol_t;

/* A program whose allocations have been mapped as they were. Everything must live as long as the program. */
typedef struct llvm_restored {
  /* sizeof(llvm_restored_t). */
  size_t size;
  uint32_t unit_count;
  uintptr_t counters;
  uintptr_t stubs;
  /* Of each unit's code. */
  const llvm_tier_t *tiers;
  const llvm_anchor_t *anchors;
  size_t anchor_count;
  /* By address. */
  const llvm_code_symbol_t *symbols;
  size_t symbol_count;
  /* Of each unit, what its code has noted, in the pool. */
  const llvm_profile_t *profiles;
} llvm_restored_t;

/* A program that runs without a context, and so without LLVM, until it comes to a unit without code, or to one that is
 * hot: then the hooks must attach it to a module before they compile. The words of the imports must be right. */
llvm_error_t llvm_tiered_restore(const llvm_restored_t *restored, const llvm_tier_hooks_t *hooks,
                                 llvm_tiered_t **program);

/* The address of what the C library of a program has from this library (exit, abort and the like); NULL if it is not
 * from here, but from llvm_options_t.resolve. */
void *llvm_program_function(const char *name);

typedef struct llvm_contents {
  /* sizeof(llvm_contents_t). */
  size_t size;
  const llvm_allocation_t *allocations;
  size_t allocation_count;
  const llvm_anchor_t *anchors;
  size_t anchor_count;
} llvm_contents_t;

/* Makes it possible to compile units of a restored program: `module` must be the program that it was made of, freshly
 * parsed, in a context with the same pool. */
llvm_error_t llvm_tiered_attach(llvm_tiered_t *program, llvm_module_t *module,
                                const llvm_contents_t *contents);

/* Whether what the program must not change is as it was: what has been sealed (llvm_options_t), the addresses of its
 * units' code, and those of what it has from outside. */
int llvm_tiered_is_intact(const llvm_tiered_t *program);

/* For the hook `wanted`: there will be no code, for this reason. */
void llvm_tiered_cannot_compile(llvm_tiered_t *program, llvm_error_t error, const char *message);

/* A processor exception that a kernel's handler has caught. */
typedef struct llvm_fault {
  /* Where the processor was. */
  uintptr_t instruction;
  /* The stack pointer, or 0. */
  uintptr_t stack;
  /* What happened, in the reader's words: "null pointer dereference at address 0x8". */
  const char *what;
} llvm_fault_t;

/* What was running when an address was reached. */
typedef enum llvm_origin {
  /* Nothing of this library. */
  LLVM_ORIGIN_NONE = 0,
  /* The program: native, interpreted, or in a C library function that it called. */
  LLVM_ORIGIN_PROGRAM = 1,
  /* LLVM itself: parsing, optimising, compiling, linking. */
  LLVM_ORIGIN_COMPILER = 2
} llvm_origin_t;

/* Says into `text` in which function `instruction` lies, as "in 'f'+0x12", "in the interpreter"...;
 * returns what was running. Allocates nothing: for exception handlers. */
llvm_origin_t llvm_describe_address(uintptr_t instruction, char *text, size_t text_size);

/* The name of the compiled function around the address; 0 if there is none. Allocates nothing. */
int llvm_function_at(const llvm_context_t *context, uintptr_t address, char *name, size_t name_size);

/* Bytes of the code pool that are in use. */
size_t llvm_pool_bytes(const llvm_context_t *context);

/* The processor that code of the best level is generated for, as LLVM calls it. */
const char *llvm_processor_name(const llvm_context_t *context);

/* Ways in which a compilation can fail, for tests of whoever embeds the library. */
typedef enum llvm_injection {
  LLVM_INJECT_FATAL_ERROR = 0,
  LLVM_INJECT_ABORT = 1,
  LLVM_INJECT_OUT_OF_MEMORY = 2,
  LLVM_INJECT_STACK_OVERFLOW = 3,
  LLVM_INJECT_PAGE_FAULT = 4,
  /* Never returns: the budget of time must end it. */
  LLVM_INJECT_ENDLESS_LOOP = 5
} llvm_injection_t;

/* Fails in that way, at once. To be called while LLVM runs. */
void llvm_inject(llvm_injection_t injection);

/* For exception handlers: ends the running program (or compile) as if llvm_run_main (or the call
 * that compiles) had returned LLVM_ERROR_PROGRAM_FAULT (or LLVM_ERROR_INTERNAL, with the context
 * poisoned). Must be called on a usable stack, outside the handler itself: let the handler return to
 * this function. Returns only if nothing was running. */
void llvm_handle_fault(const llvm_fault_t *fault);

/* For a C library's abort(): if LLVM is running, ends the call with LLVM_ERROR_INTERNAL; if the
 * program is running, ends it with LLVM_ERROR_PROGRAM_ABORTED and this text. Returns only if neither is. */
void llvm_handle_abort(const char *reason);

/* For functions of a C library that end the program with a status: as exit() or, without its handlers, as
 * _exit(). If LLVM is running, the call ends with LLVM_ERROR_INTERNAL. Returns only if neither is. */
void llvm_handle_exit(int status);
void llvm_handle_immediate_exit(int status);

#ifdef __cplusplus
}
#endif

#endif
