/* The words that an application and the agent leave for each other in RAM, and that a reset does not touch.
 *
 * They are the last MAILBOX_BYTES of RAM, outside .data, .bss and stack of both programs; the linker scripts give the
 * address as `mailbox`. After power-on RAM holds noise: a message counts only together with its complement, and the
 * agent clears it as it reads it. A fixed layout, for programs built years apart: append, never move.
 *
 *      +0  message       MAILBOX_MAGIC | number, written last
 *      +4  complement    ~message
 *      +8  vectors       address of the vector table that interrupts go to; 0 = the agent's own (see start.c)
 *     +12  trap          what the processor last faulted on, kept for the next start (chip.h)
 */
#ifndef COUNTERSIGN_MAILBOX_H
#define COUNTERSIGN_MAILBOX_H
#include <stdint.h>

#define MAILBOX_BYTES 32
#define MAILBOX_MAGIC 0x6d626f00u /* "mbo": tells a message from noise */

enum {
    MAILBOX_NONE = 0,
    MAILBOX_STAY = 1,    /* the knock: stay in the agent, a client wants to talk */
    MAILBOX_CONFIRM = 2, /* the running image works: keep it */
    MAILBOX_CONFIRM_STAY = 3
};

struct mailbox {
    volatile uint32_t message, complement, vectors;
    uint32_t trap[5];
};
extern struct mailbox mailbox;

static inline void mailbox_put(uint32_t number) {
    mailbox.complement = ~(MAILBOX_MAGIC | number);
    mailbox.message = MAILBOX_MAGIC | number;
}

/* Reads and clears: a message counts for one reset. */
static inline uint32_t mailbox_take(void) {
    uint32_t message = mailbox.message, complement = mailbox.complement;
    mailbox.message = mailbox.complement = 0;
    if (message != ~complement || (message & ~0xffu) != MAILBOX_MAGIC) return MAILBOX_NONE;
    message &= 0xff;
    return message <= MAILBOX_CONFIRM_STAY ? message : MAILBOX_NONE;
}
#endif
