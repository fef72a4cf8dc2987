/* A QEMU plugin that writes down what an nRF51 would have to do, turn by turn: a turn is what the processor does between two sleeps (WFI).
 *
 * A line a turn, of those in which anything was received, sent, erased or written, or that took long:
 *   turn CYCLES INSTRUCTIONS RECEIVED SENT ERASES WORDS NAPS IDLE      bytes of the UART, pages, words of flash
 * Before it were so many short turns in which nothing was done, NAPS, of so many cycles together, IDLE. When the processor comes to
 * the address of a `mark`, a line `mark ADDRESS` follows the turn so far: a turn begins there.
 *
 *   cc -O2 -shared -fPIC -o turns.so turns.c        qemu-system-arm ... -plugin turns.so,out=FILE,mark=HEX,mark=HEX
 *
 * Instructions are counted one by one. Cycles are those of ARM's table for a Cortex-M0 (r0p0, DDI 0432C, 3.3) with the multiplier of
 * one cycle and no wait states; interrupts are not in it.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "qemu-plugin.h"

/* Of the nRF51 (boards/microbit/nrf51.h). */
enum { FLASH_BYTES = 0x40000, UART_RXD = 0x40002518, UART_TXD = 0x4000251c, NVMC_ERASEPAGE = 0x4001e508 };

enum { SHORT_CYCLES = 16000 }; /* a millisecond */

/* ---- Cycles ---- */

enum { TAKEN = 2 }; /* more, of a conditional branch that is taken */

struct instruction {
    uint64_t address;
    uint8_t size, cycles;
    bool conditional, sleep, mark;
};

static unsigned ones(unsigned bits) { return (unsigned)__builtin_popcount(bits); }

static void decode(struct instruction *one, const uint8_t *code) {
    unsigned a = code[0] | code[1] << 8;
    one->cycles = 1;
    if (one->size == 4) {
        unsigned b = code[2] | code[3] << 8;
        one->cycles = (b & 0xd000) == 0xd000 ? 4 : 3; /* BL; barriers, MRS and MSR take three or four */
        return;
    }
    one->sleep = a == 0xbf30;
    if ((a & 0xf000) == 0xd000 && (a & 0x0f00) < 0x0e00) one->conditional = true;       /* B<c> */
    else if ((a & 0xf800) == 0xe000) one->cycles = 3;                                    /* B */
    else if ((a & 0xff00) == 0x4700) one->cycles = 3;                                    /* BX, BLX */
    else if ((a & 0xff87) == 0x4687 || (a & 0xff87) == 0x4487) one->cycles = 3;          /* MOV, ADD to PC */
    else if ((a & 0xfe00) == 0xb400) one->cycles = 1 + ones(a & 0x1ff);                  /* PUSH */
    else if ((a & 0xfe00) == 0xbc00) one->cycles = (a & 0x100 ? 4 : 1) + ones(a & 0xff); /* POP */
    else if ((a & 0xf000) == 0xc000) one->cycles = 1 + ones(a & 0xff);                   /* LDM, STM */
    else if ((a & 0xf800) == 0x4800 || (a & 0xf000) == 0x5000 || (a & 0xe000) == 0x6000 || (a & 0xe000) == 0x8000)
        one->cycles = 2; /* loads and stores */
}

/* ---- Turns ---- */

static struct {
    uint64_t cycles, instructions, received, sent, erases, words;
} turn;
enum { MARKS_MAX = 4 };
static uint64_t naps, idle, marks[MARKS_MAX];
static unsigned mark_count;
static const struct instruction *before;
static FILE *out;

static void end_turn(bool marked) {
    bool works = turn.received || turn.sent || turn.erases || turn.words || turn.cycles > SHORT_CYCLES;
    if (works || marked) {
        fprintf(out, "turn %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, turn.cycles, turn.instructions, turn.received, turn.sent);
        fprintf(out, " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", turn.erases, turn.words, naps, idle);
        naps = idle = 0;
    } else {
        naps++;
        idle += turn.cycles;
    }
    memset(&turn, 0, sizeof turn);
}

static void on_instruction(unsigned cpu, void *what) {
    (void)cpu;
    const struct instruction *one = what;
    if (before && before->conditional && one->address != before->address + before->size) turn.cycles += TAKEN;
    before = one;
    turn.cycles += one->cycles;
    turn.instructions++;
    if (one->mark) {
        end_turn(true);
        fprintf(out, "mark %" PRIx64 "\n", one->address);
    }
    if (one->sleep) end_turn(false);
}

static void on_access(unsigned cpu, uint32_t info, uint64_t address, void *unused) {
    (void)cpu, (void)unused;
    bool stores = qemu_plugin_mem_is_store(info);
    turn.words += stores && address < FLASH_BYTES;
    turn.erases += stores && address == NVMC_ERASEPAGE;
    turn.sent += stores && address == UART_TXD;
    turn.received += !stores && address == UART_RXD;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    (void)id;
    size_t count = qemu_plugin_tb_n_insns(block);
    struct instruction *all = calloc(count, sizeof *all); /* kept: blocks are few, and never told to be gone */
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        all[i].address = qemu_plugin_insn_vaddr(instruction);
        all[i].size = (uint8_t)qemu_plugin_insn_size(instruction);
        for (unsigned m = 0; m < mark_count; m++) all[i].mark |= all[i].address == marks[m];
        decode(&all[i], qemu_plugin_insn_data(instruction));
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_instruction, NO_REGISTERS, &all[i]);
        qemu_plugin_register_vcpu_mem_cb(instruction, on_access, NO_REGISTERS, READ_AND_WRITE, 0);
    }
}

static void on_end(qemu_plugin_id_t id, void *unused) {
    (void)id, (void)unused;
    end_turn(false);
    fclose(out);
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                                                                char **argv) {
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "out=", 4)) out = fopen(argv[i] + 4, "w");
        if (!strncmp(argv[i], "mark=", 5) && mark_count < MARKS_MAX) marks[mark_count++] = strtoull(argv[i] + 5, 0, 16);
    }
    if (!out) return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_end, 0);
    return 0;
}
