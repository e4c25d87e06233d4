/* MIR as Rust calls it: its operands, which are passed by value with bit fields in them, are made here, and its code goes
 * where Rust wants it. */
#include "mir.h"
#include "mir-gen.h"

#include <stdlib.h>
#include <string.h>

/* Rust's: ends the compilation. `format` is what MIR would print, without its arguments. */
extern void MIR_NO_RETURN bareflow_mir_failed(const char *format);

/* As `Operand` in ffi.rs. */
enum { REGISTER, INTEGER, ITEM, LABEL, MEMORY };

struct operand {
  uint32_t kind;
  /* Of memory: MIR_type_t. */
  uint32_t type;
  /* The register, or the one with the address. */
  uint32_t reg;
  uint32_t unused;
  /* The number, or the distance from the address. */
  int64_t value;
  /* The item, or the label. */
  void *pointer;
};

/* As `Argument` in ffi.rs. */
struct argument {
  const char *name;
  uint32_t type;
  uint32_t bytes;
};

/* As `Relocation` in ffi.rs: a word with the address of the code's byte `target`. */
struct relocation {
  size_t offset;
  size_t target;
};

/* As `Made` in ffi.rs. */
struct made {
  uint8_t *bytes;
  size_t size;
  struct relocation *relocations;
  size_t count;
};

/* What is being made: MIR hands its code to functions without a place for this. One compilation runs at a time. */
static struct made *current;

static const MIR_insn_code_t codes[] = {
  MIR_MOV,    MIR_FMOV,  MIR_DMOV,   MIR_EXT8,  MIR_EXT16,  MIR_EXT32,  MIR_UEXT8,  MIR_UEXT16, MIR_UEXT32,
  MIR_I2F,    MIR_I2D,   MIR_F2I,    MIR_D2I,   MIR_F2D,    MIR_D2F,    MIR_FNEG,   MIR_DNEG,
  MIR_ADD,    MIR_ADDS,  MIR_FADD,   MIR_DADD,  MIR_SUB,    MIR_SUBS,   MIR_FSUB,   MIR_DSUB,   MIR_MUL,
  MIR_MULS,   MIR_FMUL,  MIR_DMUL,   MIR_DIV,   MIR_DIVS,   MIR_UDIV,   MIR_UDIVS,  MIR_FDIV,   MIR_DDIV,
  MIR_MOD,    MIR_MODS,  MIR_UMOD,   MIR_UMODS, MIR_AND,    MIR_OR,     MIR_XOR,    MIR_LSH,    MIR_LSHS,
  MIR_RSH,    MIR_RSHS,  MIR_URSH,   MIR_URSHS, MIR_EQ,     MIR_EQS,    MIR_FEQ,    MIR_DEQ,    MIR_NE,
  MIR_NES,    MIR_FNE,   MIR_DNE,    MIR_LT,    MIR_LTS,    MIR_ULT,    MIR_ULTS,   MIR_FLT,    MIR_DLT,
  MIR_LE,     MIR_LES,   MIR_ULE,    MIR_ULES,  MIR_FLE,    MIR_DLE,    MIR_GT,     MIR_GTS,    MIR_UGT,
  MIR_UGTS,   MIR_FGT,   MIR_DGT,    MIR_GE,    MIR_GES,    MIR_UGE,    MIR_UGES,   MIR_FGE,    MIR_DGE,
  MIR_JMP,    MIR_BT,    MIR_BF,     MIR_BEQ,   MIR_UBLT,   MIR_UBGT,   MIR_CALL,   MIR_SWITCH, MIR_RET,
  MIR_ALLOCA,
};

static void MIR_NO_RETURN failed(MIR_error_type_t type MIR_UNUSED, const char *format, ...) {
  bareflow_mir_failed(format);
}

/* In the place of `exit`. */
void MIR_NO_RETURN bareflow_mir_exit(int status MIR_UNUSED) {
  bareflow_mir_failed("MIR gave up");
}

/* In the place of `fprintf` and `vfprintf`: nobody reads this. */
int bareflow_mir_print(void) { return 0; }

int bareflow_mir_vprint(void) { return 0; }

/* In the place of `mmap`, `munmap`, `mprotect` and `sysconf`. What MIR places runs nowhere. */
void *bareflow_mir_map(void *address MIR_UNUSED, size_t size) {
  void *memory = malloc(size);
  return memory == NULL ? (void *)-1 : memory;
}

int bareflow_mir_unmap(void *memory, size_t size MIR_UNUSED) {
  free(memory);
  return 0;
}

int bareflow_mir_protect(void) { return 0; }

long bareflow_mir_page_size(void) { return 4096; }

static void *allocated(size_t size) {
  void *memory = malloc(size);
  if (memory == NULL) bareflow_mir_failed("out of memory");
  return memory;
}

/* In the place of `_MIR_publish_code`, for the generator. */
uint8_t *bareflow_mir_publish(MIR_context_t ctx MIR_UNUSED, const uint8_t *code, size_t size) {
  current->bytes = allocated(size);
  current->size = size;
  memcpy(current->bytes, code, size);
  return current->bytes;
}

/* In the place of `_MIR_update_code_arr`, for the generator: words with addresses of the code itself. */
void bareflow_mir_rebase(MIR_context_t ctx MIR_UNUSED, uint8_t *base, size_t count,
                         const MIR_code_reloc_t *found) {
  current->relocations = allocated((count + 1) * sizeof *current->relocations);
  current->count = count;
  for (size_t index = 0; index < count; ++index)
    current->relocations[index] = (struct relocation){
      found[index].offset, (size_t)((const uint8_t *)found[index].value - base)};
}

MIR_context_t bareflow_mir_open(void) {
  MIR_context_t ctx = _MIR_init();
  MIR_set_error_func(ctx, failed);
  MIR_gen_init(ctx);
  // What it does at level 2, over SSA, is not right for all programs: docs/src/decisions/mir.md.
  MIR_gen_set_optimize_level(ctx, 1);
  MIR_new_module(ctx, "m");
  return ctx;
}

void bareflow_mir_close(MIR_context_t ctx) {
  MIR_gen_finish(ctx);
  MIR_finish(ctx);
}

/* The name of something that lies at the address. */
MIR_item_t bareflow_mir_import(MIR_context_t ctx, const char *name, uint64_t address) {
  MIR_item_t item = MIR_new_import(ctx, name);
  MIR_load_external(ctx, name, (void *)address);
  return item;
}

static MIR_var_t *variables(const struct argument *arguments, size_t count) {
  MIR_var_t *made = allocated((count + 1) * sizeof *made);
  for (size_t index = 0; index < count; ++index)
    made[index] =
      (MIR_var_t){(MIR_type_t)arguments[index].type, arguments[index].name, arguments[index].bytes};
  return made;
}

enum { MOST_RESULTS = 4 };

static void take_types(MIR_type_t *made, const uint32_t *types, size_t count) {
  if (count > MOST_RESULTS) bareflow_mir_failed("too many results");
  for (size_t index = 0; index < count; ++index) made[index] = (MIR_type_t)types[index];
}

MIR_item_t bareflow_mir_prototype(MIR_context_t ctx, const char *name, const uint32_t *results,
                                  size_t result_count, const struct argument *arguments,
                                  size_t count, uint32_t is_variadic) {
  MIR_type_t types[MOST_RESULTS];
  take_types(types, results, result_count);
  MIR_var_t *vars = variables(arguments, count);
  MIR_item_t item = is_variadic
                      ? MIR_new_vararg_proto_arr(ctx, name, result_count, types, count, vars)
                      : MIR_new_proto_arr(ctx, name, result_count, types, count, vars);
  free(vars);
  return item;
}

MIR_item_t bareflow_mir_function(MIR_context_t ctx, const char *name, const uint32_t *results,
                                 size_t result_count, const struct argument *arguments,
                                 size_t count) {
  MIR_type_t types[MOST_RESULTS];
  take_types(types, results, result_count);
  MIR_var_t *vars = variables(arguments, count);
  MIR_item_t item = MIR_new_func_arr(ctx, name, result_count, types, count, vars);
  free(vars);
  return item;
}

MIR_reg_t bareflow_mir_argument(MIR_context_t ctx, MIR_item_t function, const char *name) {
  return MIR_reg(ctx, name, function->u.func);
}

MIR_reg_t bareflow_mir_register(MIR_context_t ctx, MIR_item_t function, uint32_t type,
                                const char *name) {
  return MIR_new_func_reg(ctx, function->u.func, (MIR_type_t)type, name);
}

MIR_insn_t bareflow_mir_new_label(MIR_context_t ctx) { return MIR_new_label(ctx); }

void bareflow_mir_place_label(MIR_context_t ctx, MIR_item_t function, MIR_insn_t label) {
  MIR_append_insn(ctx, function, label);
}

static MIR_op_t operand_of(MIR_context_t ctx, const struct operand *from) {
  switch (from->kind) {
  case REGISTER: return MIR_new_reg_op(ctx, from->reg);
  case INTEGER: return MIR_new_int_op(ctx, from->value);
  case ITEM: return MIR_new_ref_op(ctx, from->pointer);
  case LABEL: return MIR_new_label_op(ctx, from->pointer);
  case MEMORY:
    return MIR_new_mem_op(ctx, (MIR_type_t)from->type, from->value, from->reg, 0, 1);
  default: bareflow_mir_failed("an operand of no kind");
  }
}

void bareflow_mir_append(MIR_context_t ctx, MIR_item_t function, uint32_t code,
                         const struct operand *operands, size_t count) {
  if (code >= sizeof codes / sizeof *codes) bareflow_mir_failed("an instruction of no kind");
  MIR_op_t *made = allocated((count + 1) * sizeof *made);
  for (size_t index = 0; index < count; ++index) made[index] = operand_of(ctx, &operands[index]);
  MIR_append_insn(ctx, function, MIR_new_insn_arr(ctx, codes[code], count, made));
  free(made);
}

void bareflow_mir_end_function(MIR_context_t ctx) { MIR_finish_func(ctx); }

/* After this, functions are generated. */
void bareflow_mir_end_module(MIR_context_t ctx) {
  MIR_finish_module(ctx);
  MIR_load_module(ctx, DLIST_TAIL(MIR_module_t, *MIR_get_module_list(ctx)));
  MIR_link(ctx, NULL, NULL, NULL);
}

void bareflow_mir_generate(MIR_context_t ctx, MIR_item_t function, struct made *made) {
  memset(made, 0, sizeof *made);
  current = made;
  MIR_gen(ctx, function);
  current = NULL;
}

void bareflow_mir_release(struct made *made) {
  free(made->bytes);
  free(made->relocations);
}
