/* What the port asks of a processor family: start-up, reset, and the words that survive a reset (mailbox.h).
 * cortexm.c is the one for Cortex-M, riscv.c for RISC-V. A board chooses the file, it writes none of this. */
#ifndef COUNTERSIGN_CHIP_H
#define COUNTERSIGN_CHIP_H
#include <stdint.h>

/* The record of a fault, in mailbox.trap. The fault handler leaves MAILBOX_STAY with it. */
struct trap {
    uint32_t check;  /* TRAP_MAGIC + pc + lr + count: tells a record from noise */
    uint32_t count;  /* faults in a row, 0 = none */
    uint32_t pc, lr; /* where, and the return address of the function it was in */
};

/* The last fault; count 0 when there is none. */
const struct trap *chip_trap(void);
void chip_trap_clear(void);

/* The message in the mailbox, cleared by reading. */
uint32_t chip_mailbox(void);

/* Start-up code calls this once memory is set up; it does not return. */
void port_main(void);

void chip_reset(void) __attribute__((noreturn));

/* RISC-V has no reset of its own: riscv.c asks this of the board's HAL. What is in RAM stays. */
void board_reset(void);

/* Starts the program that stands at this address, as a reset would: by its vector table, or where there is none (RISC-V) at its
 * first byte. */
void chip_start_image(uint32_t address) __attribute__((noreturn));
#endif
