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
  for (int level = LLVM_OPT_O0; level <= LLVM_OPT_O3; ++level) {
    int right = llvm_jit_compile(module, "square", (llvm_opt_level_t)level, &square) == LLVM_OK &&
                llvm_get_function_ptr(square, &address) == LLVM_OK &&
                ((int (*)(int))address)(7) == 49 &&
                llvm_jit_compile(module, "next", (llvm_opt_level_t)level, &next) == LLVM_OK &&
                llvm_get_function_ptr(next, &address) == LLVM_OK &&
                ((int (*)(void))address)() == 41 + level;
    char promise[64];
    snprintf(promise, sizeof promise, "O%d computes, and all levels share the data", level);
    check(right, promise);
  }
  check(llvm_jit_compile(module, "square", (llvm_opt_level_t)4, NULL) == LLVM_ERROR_INVALID_ARGUMENT,
        "an unknown level is refused");
  int status = 0;
  const char *arguments[] = {"program", NULL};
  check(llvm_run_main(module, LLVM_TIER_O2, 1, arguments, &status) == LLVM_OK && status == 7,
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
  llvm_error_t error = llvm_jit_compile(module, "f", LLVM_OPT_O2, NULL);
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
            llvm_run_main(module, LLVM_TIER_O0, 0, NULL, &status) == LLVM_ERROR_NO_FUNCTION,
        "a program without main does not run");
  llvm_module_destroy(module);
  check(parse(context, "declare void @abort()\ndefine i32 @main() { call void @abort()\n unreachable }\n",
              &module) == LLVM_OK &&
            llvm_run_main(module, LLVM_TIER_O1, 0, NULL, &status) == LLVM_ERROR_PROGRAM_ABORTED,
        "a program that aborts ends alone");
  llvm_module_destroy(module);
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
  return failures;
}
