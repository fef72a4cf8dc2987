/* A QEMU plugin that counts what a Cortex-M program really does: executed instructions between two markers, and memory
 * accesses that are not aligned to their size.
 *
 * A Cortex-M0 faults on those, and not every QEMU does: a count of zero over a whole run is the proof that the firmware is
 * fit for the chip. Counts are exact and repeatable: every executed instruction is counted by itself.
 * Markers, without effect: mov r9, r9 begins, mov r10, r10 ends; the n-th pair prints `region n instructions N`.
 * At the end of the run: `unaligned N`, and `first ADDRESS at PC` if there was one. Everything goes to stderr.
 *
 *   cc -O2 -shared -fPIC -o count.so count.c        qemu-system-arm ... -plugin count.so
 *
 * With -plugin count.so,instructions=off only accesses are looked at, which slows the emulator far less.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "qemu-plugin.h"

enum { MARK_BEGIN = 0x46c9, MARK_END = 0x46d2 };
enum { WORD = 4 }; /* LDM, STM, PUSH and 64-bit accesses need words only */

static uint64_t instructions, unaligned, first_address, first_pc;
static unsigned region;
static bool counting, only_accesses;

static void on_instruction(unsigned cpu, void *what) {
    (void)cpu;
    uintptr_t mark = (uintptr_t)what;
    if (mark == MARK_BEGIN) {
        counting = true;
        instructions = 0;
    } else if (mark == MARK_END && counting) {
        counting = false;
        fprintf(stderr, "region %u instructions %" PRIu64 "\n", region++, instructions);
    } else if (counting) {
        instructions++;
    }
}

static void on_access(unsigned cpu, uint32_t info, uint64_t address, void *pc) {
    (void)cpu;
    uint64_t bytes = 1u << qemu_plugin_mem_size_shift(info);
    if (bytes > WORD) bytes = WORD;
    if (address % bytes == 0) return;
    if (unaligned++ == 0) {
        first_address = address;
        first_pc = (uintptr_t)pc;
    }
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        const uint8_t *code = qemu_plugin_insn_data(instruction);
        uintptr_t mark = qemu_plugin_insn_size(instruction) == 2 ? code[0] | (uintptr_t)code[1] << 8 : 0;
        if (mark != MARK_BEGIN && mark != MARK_END) mark = 0;
        if (!only_accesses) qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_instruction, NO_REGISTERS, (void *)mark);
        qemu_plugin_register_vcpu_mem_cb(instruction, on_access, NO_REGISTERS, READ_AND_WRITE,
                                         (void *)(uintptr_t)qemu_plugin_insn_vaddr(instruction));
    }
}

static void on_end(qemu_plugin_id_t id, void *unused) {
    (void)id, (void)unused;
    fprintf(stderr, "unaligned %" PRIu64 "\n", unaligned);
    if (unaligned) fprintf(stderr, "first %08" PRIx64 " at %08" PRIx64 "\n", first_address, first_pc);
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                                                                char **argv) {
    (void)info;
    for (int i = 0; i < argc; i++) only_accesses |= !strcmp(argv[i], "instructions=off");
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_end, 0);
    return 0;
}
