#include "unwind/frame_program.h"

#include "unwind/dwarf.h"

enum { RBP = 6, RSP = 7, RETURN_ADDRESS = 16 }; /* registers, as DWARF numbers them on x86-64 */

enum operation {
    NOP = 0x00,
    SET_LOCATION = 0x01,
    ADVANCE_1 = 0x02,
    ADVANCE_2 = 0x03,
    ADVANCE_4 = 0x04,
    OFFSET_EXTENDED = 0x05,
    RESTORE_EXTENDED = 0x06,
    UNDEFINED = 0x07,
    SAME_VALUE = 0x08,
    REGISTER = 0x09,
    REMEMBER = 0x0a,
    RECALL = 0x0b,
    CFA = 0x0c,
    CFA_REGISTER = 0x0d,
    CFA_OFFSET = 0x0e,
    CFA_EXPRESSION = 0x0f,
    EXPRESSION = 0x10,
    OFFSET_EXTENDED_SIGNED = 0x11,
    CFA_SIGNED = 0x12,
    CFA_OFFSET_SIGNED = 0x13,
    VALUE_OFFSET = 0x14,
    VALUE_OFFSET_SIGNED = 0x15,
    VALUE_EXPRESSION = 0x16,
    ARGUMENTS_SIZE = 0x2e, /* GNU */
    OFFSET_EXTENDED_NEGATIVE = 0x2f,
    ADVANCE = 0x40, /* the upper two bits; the lower six are the operand */
    OFFSET = 0x80,
    RESTORE = 0xc0,
    UPPER_BITS = 0xc0,
};

enum { DEREFERENCE = 0x06, RBP_PLUS = 0x76, RSP_PLUS = 0x77, RIP_PLUS = 0x80 }; /* in expressions: DW_OP_deref, DW_OP_breg6, 7 and 16 */

/* The rules that hold at a location. */
struct row {
    uint64_t cfa_register;
    int64_t cfa_offset;
    int16_t fp;
    uint8_t kind; /* UNWIND_UNKNOWN: register and offset say it */
    bool has_no_caller;
};

enum { REMEMBERED = 8 };

struct machine {
    const struct eh_common *common;
    uintptr_t location, wanted;
    struct row row, initial, remembered[REMEMBERED];
    unsigned depth;
    bool is_understood;
};

static int16_t words(int64_t bytes)
{
    int64_t count = bytes / 8;
    return bytes % 8 || count <= UNWIND_FP_UNKNOWN || count > INT16_MAX ? UNWIND_FP_UNKNOWN : (int16_t)count;
}

static void set_offset(struct machine *machine, uint64_t reg, int64_t bytes)
{
    if (reg == RBP)
        machine->row.fp = words(bytes);
}

static void set_cfa(struct machine *machine, uint64_t reg, int64_t offset)
{
    machine->row.cfa_register = reg;
    machine->row.cfa_offset = offset;
    machine->row.kind = UNWIND_UNKNOWN;
}

/* Compilers and linkers make two: the word at rbp + offset, and for a PLT, whose entries push a word from some byte of their 16 on,
 * rsp + 8 + ((((rip & 15) >= offset)) << 3). glibc describes its signal trampoline by expressions as well. */
static void set_cfa_expression(struct machine *machine, const uint8_t *expression, uint64_t length)
{
    struct row *row = &machine->row;
    const uint8_t *operand = expression + 1;
    if (machine->common->is_signal) {
        row->kind = UNWIND_SIGNAL;
    } else if (length >= 3 && expression[0] == RBP_PLUS && expression[length - 1] == DEREFERENCE) {
        row->kind = UNWIND_REALIGNED;
        row->cfa_offset = dwarf_signed(&operand);
        machine->is_understood = operand == expression + length - 1;
    } else if (length == 11 && expression[0] == RSP_PLUS && expression[1] == 8 && expression[2] == RIP_PLUS) {
        enum { LITERAL_0 = 0x30 };
        row->kind = UNWIND_LINKAGE;
        row->cfa_offset = expression[5 + 1] - LITERAL_0;
    } else {
        machine->is_understood = false;
    }
}

static void set_expression(struct machine *machine, uint64_t reg, const uint8_t *expression, uint64_t length)
{
    if (machine->common->is_signal)
        machine->row.kind = UNWIND_SIGNAL;
    else if (reg == RBP)
        machine->row.fp = length == 2 && expression[0] == RBP_PLUS && expression[1] == 0 ? UNWIND_FP_AT_FP : UNWIND_FP_UNKNOWN;
}

/* Returns false when the location is beyond the one that is wanted. */
static bool advance(struct machine *machine, uint64_t units)
{
    machine->location += units * machine->common->code_unit;
    return machine->location <= machine->wanted;
}

static void define_cfa(struct machine *machine, uint8_t operation, const uint8_t **at)
{
    int64_t unit = machine->common->data_unit;
    uint64_t number = machine->row.cfa_register;
    if (operation == CFA || operation == CFA_SIGNED || operation == CFA_REGISTER)
        number = dwarf_unsigned(at);
    int64_t offset = machine->row.cfa_offset;
    if (operation == CFA || operation == CFA_OFFSET)
        offset = (int64_t)dwarf_unsigned(at);
    else if (operation == CFA_SIGNED || operation == CFA_OFFSET_SIGNED)
        offset = dwarf_signed(at) * unit;
    set_cfa(machine, number, offset);
}

/* Operations on one register other than the CFA. */
static void define_register(struct machine *machine, uint8_t operation, const uint8_t **at)
{
    int64_t unit = machine->common->data_unit;
    uint64_t reg = dwarf_unsigned(at);
    switch (operation) {
    case OFFSET_EXTENDED:
        set_offset(machine, reg, (int64_t)dwarf_unsigned(at) * unit);
        break;
    case OFFSET_EXTENDED_SIGNED:
        set_offset(machine, reg, dwarf_signed(at) * unit);
        break;
    case OFFSET_EXTENDED_NEGATIVE:
        set_offset(machine, reg, -(int64_t)dwarf_unsigned(at) * unit);
        break;
    case RESTORE_EXTENDED:
        if (reg == RBP)
            machine->row.fp = machine->initial.fp;
        break;
    case UNDEFINED:
        if (reg == RETURN_ADDRESS)
            machine->row.has_no_caller = true;
        break;
    case SAME_VALUE:
        if (reg == RBP)
            machine->row.fp = UNWIND_FP_UNCHANGED;
        break;
    default: /* REGISTER, VALUE_OFFSET and VALUE_OFFSET_SIGNED: what they say of rbp is not a place on the stack */
        dwarf_unsigned(at);
        if (reg == RBP)
            machine->row.fp = UNWIND_FP_UNKNOWN;
        break;
    }
}

/* An operation with a block of bytes. */
static void define_by_expression(struct machine *machine, uint8_t operation, const uint8_t **at)
{
    uint64_t reg = operation == CFA_EXPRESSION ? 0 : dwarf_unsigned(at);
    uint64_t length = dwarf_unsigned(at);
    if (operation == CFA_EXPRESSION)
        set_cfa_expression(machine, *at, length);
    else if (operation == EXPRESSION)
        set_expression(machine, reg, *at, length);
    else if (reg == RBP)
        machine->row.fp = UNWIND_FP_UNKNOWN;
    *at += length;
}

static bool move(struct machine *machine, uint8_t operation, const uint8_t **at)
{
    const uint8_t *operand = *at;
    switch (operation) {
    case ADVANCE_1:
        *at += 1;
        return advance(machine, *operand);
    case ADVANCE_2:
        *at += 2;
        return advance(machine, dwarf_u16(operand));
    case ADVANCE_4:
        *at += 4;
        return advance(machine, dwarf_u32(operand));
    default: /* SET_LOCATION */
        machine->location = dwarf_pointer(at, machine->common->pointer_encoding, 0);
        return machine->location <= machine->wanted;
    }
}

/* Keeps the row, or takes the one that was kept last. */
static void keep_row(struct machine *machine, uint8_t operation)
{
    if (operation == RECALL && machine->depth)
        machine->row = machine->remembered[--machine->depth];
    if (operation == RECALL)
        return;
    machine->is_understood = machine->is_understood && machine->depth < REMEMBERED;
    if (machine->depth < REMEMBERED)
        machine->remembered[machine->depth++] = machine->row;
}

/* An operation without an operand in its first byte. Returns false when the row is final. */
static bool run_extended(struct machine *machine, uint8_t operation, const uint8_t **at)
{
    switch (operation) {
    case NOP:
        return true;
    case SET_LOCATION:
    case ADVANCE_1:
    case ADVANCE_2:
    case ADVANCE_4:
        return move(machine, operation, at);
    case REMEMBER:
    case RECALL:
        keep_row(machine, operation);
        return true;
    case CFA:
    case CFA_REGISTER:
    case CFA_OFFSET:
    case CFA_SIGNED:
    case CFA_OFFSET_SIGNED:
        define_cfa(machine, operation, at);
        return true;
    case CFA_EXPRESSION:
    case EXPRESSION:
    case VALUE_EXPRESSION:
        define_by_expression(machine, operation, at);
        return true;
    case ARGUMENTS_SIZE:
        dwarf_unsigned(at);
        return true;
    case OFFSET_EXTENDED:
    case OFFSET_EXTENDED_SIGNED:
    case OFFSET_EXTENDED_NEGATIVE:
    case RESTORE_EXTENDED:
    case UNDEFINED:
    case SAME_VALUE:
    case REGISTER:
    case VALUE_OFFSET:
    case VALUE_OFFSET_SIGNED:
        define_register(machine, operation, at);
        return true;
    }
    machine->is_understood = false;
    return false;
}

/* Returns false when the row is final. */
static bool run_one(struct machine *machine, const uint8_t **at)
{
    uint8_t operation = *(*at)++, operand = operation & (uint8_t)~UPPER_BITS;
    switch (operation & UPPER_BITS) {
    case ADVANCE:
        return advance(machine, operand);
    case OFFSET:
        set_offset(machine, operand, (int64_t)dwarf_unsigned(at) * machine->common->data_unit);
        return true;
    case RESTORE:
        if (operand == RBP)
            machine->row.fp = machine->initial.fp;
        return true;
    }
    return run_extended(machine, operation, at);
}

static struct unwind_rule rule_of(const struct machine *machine)
{
    const struct row *row = &machine->row;
    struct unwind_rule rule = {.cfa = (int32_t)row->cfa_offset, .fp = row->fp, .kind = row->kind};
    if (rule.kind == UNWIND_UNKNOWN && row->cfa_register == RSP)
        rule.kind = UNWIND_BY_SP;
    if (rule.kind == UNWIND_UNKNOWN && row->cfa_register == RBP)
        rule.kind = UNWIND_BY_FP;
    if (row->has_no_caller)
        rule.kind = UNWIND_OUTERMOST;
    bool needs_fp = rule.kind != UNWIND_SIGNAL && rule.kind != UNWIND_OUTERMOST;
    bool is_known = machine->is_understood && rule.cfa == row->cfa_offset && !(needs_fp && row->fp == UNWIND_FP_UNKNOWN);
    return is_known ? rule : (struct unwind_rule){.kind = UNWIND_UNKNOWN};
}

struct unwind_rule frame_program_run(const struct eh_function *function, uintptr_t pc)
{
    struct machine machine = {
        .common = &function->common, .location = function->begin, .wanted = pc, .row = {.fp = UNWIND_FP_UNCHANGED}, .is_understood = true};
    bool runs = true;
    for (const uint8_t *at = function->common.program; runs && at < function->common.end;)
        runs = run_one(&machine, &at);
    machine.initial = machine.row;
    for (const uint8_t *at = function->program; runs && at < function->program_end;)
        runs = run_one(&machine, &at);
    return rule_of(&machine);
}
