/* RISC-V, 32 bits, machine mode: start-up, traps, reset, and the way into an application.
 *
 * RAM as cortexm.c draws it: the stack at the bottom, painted. There is no vector table: an image is entered at its first byte, with
 * interrupts off, as the agent is at a reset. Traps go to mtvec. It stays the agent's until the application writes it: a trap up to
 * then comes here, as one of the agent's does: record, MAILBOX_STAY, reset. From then on traps are the application's own.
 */
#include "chip.h"
#include "start.h"

const struct trap *chip_trap(void) {
    return trap_record();
}

void chip_trap_clear(void) {
    trap_clear();
}

uint32_t chip_mailbox(void) {
    return mailbox_take();
}

void chip_reset(void) {
    __asm volatile("fence" : : : "memory"); /* what was written to the mailbox is in RAM */
    board_reset();
    for (;;) {}
}

/* The bytes at that address have just been written: none of them may come from what was fetched before (fence.i). */
__attribute__((noinline)) void chip_start_image(uint32_t address) {
    __asm volatile(
        ".option arch, +zicsr, +zifencei\n"
        "csrw mie, zero\n"
        "csrci mstatus, 8\n" /* MIE */
        "fence.i\n"
        "jr %0\n"
        :
        : "r"(address)
        : "memory");
    __builtin_unreachable();
}

__attribute__((used)) static void start(void) {
    start_memory();
    port_main();
}

__attribute__((used, noreturn)) static void trapped(uint32_t pc, uint32_t return_address) {
    trap_note(pc, return_address);
    mailbox_put(MAILBOX_STAY);
    chip_reset();
}

/* The application may have left the stack pointer anywhere: the handler works on the agent's own stack. */
__attribute__((naked, aligned(4), used)) static void trap_entry(void) {
    __asm volatile(
        ".option arch, +zicsr\n"
        "csrr a0, mepc\n"
        "mv a1, ra\n"
        "la sp, stack_top\n"
        "j trapped\n");
}

/* The machine begins at the first byte of the program. RISC-V Privileged Architecture section 3.1.7: mtvec, direct. */
__attribute__((naked, used, section(".vectors"))) void reset_entry(void) {
    __asm volatile(
        ".option arch, +zicsr\n"
        "la t0, trap_entry\n"
        "csrw mtvec, t0\n"
        "la t0, stack_bottom\n"
        "la t1, stack_top\n"
        "mv sp, t1\n"
        "li t2, %0\n"
        "1: sw t2, 0(t0)\n"
        "addi t0, t0, 4\n"
        "bne t0, t1, 1b\n"
        "j start\n"
        :
        : "i"(STACK_PAINT));
}
