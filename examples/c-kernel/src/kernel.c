/* What a kernel in C does with llvm_baremetal.h, and what the interface promises, checked.
 *
 * Prints one line for each promise that is kept or broken; returns how many are broken. */
#include <llvm_baremetal.h>

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* The code pool may be any page-aligned memory below 2 GiB. */
static _Alignas(4096) char pool[16 << 20];

static int failures;

static void check(int kept, const char *promise) {
  printf("%s %s\n", kept ? "ok    " : "BROKEN", promise);
  failures += !kept;
}

static int protect(void *user, uintptr_t address, size_t size, unsigned protection) {
  (void)user;
  int bits = 0;
  bits |= protection & LLVM_PROTECTION_READ ? PROT_READ : 0;
  bits |= protection & LLVM_PROTECTION_WRITE ? PROT_WRITE : 0;
  bits |= protection & LLVM_PROTECTION_EXECUTE ? PROT_EXEC : 0;
  return mprotect((void *)address, size, bits);
}

static void *resolve(void *user, const char *name) {
  (void)user;
  return dlsym(NULL, name);
}

static llvm_options_t options(void) {
  llvm_options_t options;
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.pool_address = (uintptr_t)pool;
  options.pool_size = sizeof pool;
  options.protect = protect;
  options.resolve = resolve;
  return options;
}

static llvm_error_t parse(llvm_context_t *context, const char *text, llvm_module_t **module) {
  return llvm_parse_ir(context, text, strlen(text), "test.ll", module);
}

static const char *const program =
    "@counter = global i32 40\n"
    "declare i32 @puts(ptr)\n"
    "@text = private constant [6 x i8] c\"hello\\00\"\n"
    "define i32 @square(i32 %x) { %r = mul i32 %x, %x\n ret i32 %r }\n"
    "define i32 @next() { %a = load i32, ptr @counter\n %b = add i32 %a, 1\n"
    "  store i32 %b, ptr @counter\n ret i32 %b }\n"
    "define i32 @main() { %n = call i32 @puts(ptr @text)\n ret i32 7 }\n";

static void check_init(void) {
  llvm_context_t *context = (llvm_context_t *)&context;
  check(llvm_init(NULL, &context) == LLVM_ERROR_INVALID_ARGUMENT, "missing options are refused");
  check(context == NULL && *llvm_last_error(NULL), "a failed llvm_init leaves no context, and a text");
  llvm_options_t bad = options();
  bad.resolve = NULL;
  check(llvm_init(&bad, &context) == LLVM_ERROR_INVALID_ARGUMENT, "a missing callback is refused");
  bad = options();
  bad.pool_address = UINT64_C(1) << 40;
  check(llvm_init(&bad, &context) == LLVM_ERROR_INVALID_ARGUMENT, "a pool above 2 GiB is refused");
  llvm_shutdown(NULL);
}

static llvm_tier_t tier(const char *level) { return 1 + llvm_find_level(level); }

static void check_levels(llvm_context_t *context) {
  llvm_module_t *module = NULL;
  check(parse(context, program, &module) == LLVM_OK, "a program is parsed");
  llvm_function_t *square = NULL, *next = NULL;
  void *address = NULL;
  check(llvm_get_function(module, "square", &square) == LLVM_OK, "its function is found");
  check(llvm_get_function(module, "cube", &next) == LLVM_ERROR_NO_FUNCTION && next == NULL,
        "a function that is not there is not found");
  check(strstr(llvm_last_error(context), "cube") != NULL, "and the text names it");
  check(llvm_get_function_ptr(square, &address) == LLVM_ERROR_NOT_COMPILED,
        "there is no address before the first compile");
  llvm_level_t count = llvm_level_count();
  int compiled = 0;
  for (llvm_level_t level = 0; level < count; ++level) {
    llvm_level_info_t info;
    check(llvm_level(level, &info) == LLVM_OK && llvm_find_level(info.name) == level,
          "a level is found by its name");
    if (info.capabilities & LLVM_LEVEL_MAY_REFUSE) {
      // Of another code generator, which this kernel has not.
      check(llvm_jit_compile(module, "square", level, &square) == LLVM_ERROR_REFUSED,
            "a level without its code generator refuses");
      continue;
    }
    int right = llvm_jit_compile(module, "square", level, &square) == LLVM_OK &&
                llvm_get_function_ptr(square, &address) == LLVM_OK &&
                ((int (*)(int))address)(7) == 49 &&
                llvm_jit_compile(module, "next", level, &next) == LLVM_OK &&
                llvm_get_function_ptr(next, &address) == LLVM_OK &&
                ((int (*)(void))address)() == 41 + compiled++;
    char promise[64];
    snprintf(promise, sizeof promise, "%s computes, and all levels share the data", info.name);
    check(right, promise);
  }
  check(llvm_find_level("O4") == count && llvm_level(count, NULL) == LLVM_ERROR_INVALID_ARGUMENT &&
            llvm_jit_compile(module, "square", count, NULL) == LLVM_ERROR_INVALID_ARGUMENT,
        "an unknown level is refused");
  int status = 0;
  const char *arguments[] = {"program", NULL};
  check(llvm_run_main(module, tier("O2"), 1, arguments, &status) == LLVM_OK && status == 7,
        "main runs and its status is returned");
  llvm_module_destroy(module);
}

static void check_bad_programs(llvm_context_t *context) {
  llvm_module_t *module = (llvm_module_t *)context;
  check(parse(context, "define i32 @f( {", &module) == LLVM_ERROR_MALFORMED_IR && module == NULL,
        "malformed IR is refused");
  check(parse(context, "target triple = \"aarch64-linux-gnu\"\n", &module) ==
            LLVM_ERROR_WRONG_TARGET,
        "IR for another target is refused");
  check(llvm_parse_ir(context, "BC\xc0\xde", 4, "short.bc", &module) == LLVM_ERROR_MALFORMED_IR,
        "truncated bitcode is refused");
  check(parse(context,
              "declare void @nowhere()\ndeclare void @elsewhere()\n"
              "define void @f() { call void @nowhere()\n call void @elsewhere()\n ret void }\n",
              &module) == LLVM_OK,
        "a program with unresolved symbols is parsed");
  llvm_error_t error = llvm_jit_compile(module, "f", llvm_find_level("O2"), NULL);
  const char *text = llvm_last_error(context);
  check(error == LLVM_ERROR_UNRESOLVED_SYMBOLS && strstr(text, "nowhere") &&
            strstr(text, "elsewhere") && !strchr(text, '\n'),
        "and not compiled: one line names all of them");
  llvm_module_destroy(module);

  llvm_module_t *one = NULL, *two = NULL;
  check(parse(context, "define i32 @f() { ret i32 1 }\n", &one) == LLVM_OK &&
            parse(context, "define i32 @f() { ret i32 2 }\n", &two) == LLVM_OK &&
            llvm_link(one, two) == LLVM_ERROR_LINK,
        "a symbol that is defined twice is refused");
  llvm_module_destroy(one);

  int status = 0;
  check(parse(context, "define void @f() { ret void }\n", &module) == LLVM_OK &&
            llvm_run_main(module, tier("O0"), 0, NULL, &status) == LLVM_ERROR_NO_FUNCTION,
        "a program without main does not run");
  llvm_module_destroy(module);
  check(parse(context, "declare void @abort()\ndefine i32 @main() { call void @abort()\n unreachable }\n",
              &module) == LLVM_OK &&
            llvm_run_main(module, tier("O1"), 0, NULL, &status) == LLVM_ERROR_PROGRAM_ABORTED,
        "a program that aborts ends alone");
  llvm_module_destroy(module);
}

// A code generator that refuses a program leaves it as it was, and the next level has code of it.
static void check_refusal(void) {
  llvm_options_t given = options();
  given.refusing_levels = 1u << llvm_find_level("O0") | 1u << llvm_find_level("O1");
  llvm_context_t *context = NULL;
  llvm_module_t *module = NULL;
  llvm_function_t *square = NULL;
  void *address = NULL;
  check(llvm_init(&given, &context) == LLVM_OK && parse(context, program, &module) == LLVM_OK,
        "a session with levels that refuse opens");
  check(llvm_jit_compile(module, "square", llvm_find_level("O1"), &square) == LLVM_ERROR_REFUSED &&
            strstr(llvm_last_error(context), "O1"),
        "a level refuses a program, and the text says which");
  int status = 0;
  const char *arguments[] = {"program", NULL};
  check(llvm_run_main(module, tier("O0"), 1, arguments, &status) == LLVM_OK && status == 7,
        "main runs at a level that does not refuse it");
  check(llvm_jit_compile(module, "square", llvm_find_level("O2"), &square) == LLVM_OK &&
            llvm_get_function_ptr(square, &address) == LLVM_OK && ((int (*)(int))address)(7) == 49,
        "and has been compiled there");
  llvm_shutdown(context);
}

int kernel_main(void) {
  check_init();
  for (int round = 0; round < 2; ++round) {
    llvm_options_t given = options();
    llvm_context_t *context = NULL, *second = NULL;
    check(llvm_init(&given, &context) == LLVM_OK, round ? "a second session opens" : "a session opens");
    check(llvm_init(&given, &second) == LLVM_ERROR_INVALID_ARGUMENT && second == NULL,
          "only one is open at a time");
    check_levels(context);
    check_bad_programs(context);
    llvm_shutdown(context);
  }
  check_refusal();
  return failures;
}
