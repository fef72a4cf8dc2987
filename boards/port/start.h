/* What the start-up code of every processor family has in common: memory as C expects it, and the record of a fault, which
 * lies in the mailbox and so survives a reset. The symbols are the linker script's (board.ld). */
#ifndef COUNTERSIGN_START_H
#define COUNTERSIGN_START_H
#include "chip.h"
#include "mailbox.h"

#define TRAP_MAGIC 0x74726170u
#define STACK_PAINT 0x5aa55aa5u

extern uint32_t stack_bottom[], stack_top[], data_start[], data_end[], data_image[], bss_start[], bss_end[];

static inline struct trap *trap_record(void) {
    return (struct trap *)(void *)mailbox.trap;
}

static inline uint32_t trap_check(const struct trap *trap) {
    return TRAP_MAGIC + trap->pc + trap->lr + trap->count;
}

static inline void trap_clear(void) {
    trap_record()->count = 0;
    trap_record()->check = 0;
}

/* One more fault in a row. */
static inline void trap_note(uint32_t pc, uint32_t lr) {
    struct trap *trap = trap_record();
    trap->count = trap->check == trap_check(trap) ? trap->count + 1 : 1;
    trap->pc = pc;
    trap->lr = lr;
    trap->check = trap_check(trap);
}

static inline void start_variables(void) {
    for (uint32_t *to = data_start, *from = data_image; to < data_end;) *to++ = *from++;
    for (uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
}

static inline void start_memory(void) {
    start_variables();
    mailbox.vectors = 0;
    if (trap_record()->check != trap_check(trap_record())) trap_clear();
}
#endif
