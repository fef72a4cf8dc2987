/* RISC-V, 32 bits, machine mode: start-up and traps, as far as the conformance firmware needs them. What starts an
 * application and keeps messages over a reset (chip.h) is missing: the agent does not run on this family yet.
 *
 * RAM as cortexm.c draws it: the stack at the bottom, painted. A trap leaves its record and starts the program again.
 */
#include "chip.h"
#include "start.h"

const struct trap *chip_trap(void) {
    return trap_record();
}

__attribute__((used)) static void start(void) {
    start_memory();
    port_main();
}

/* On a fresh stack; what ran before is lost. */
__attribute__((used, noreturn)) static void trapped(uint32_t pc, uint32_t return_address) {
    trap_note(pc, return_address);
    start();
    __builtin_unreachable();
}

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
