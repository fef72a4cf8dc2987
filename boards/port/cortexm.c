/* Cortex-M: vector table, start-up, faults, reset, and the way into an application. For ARMv6-M and ARMv7-M.
 *
 * RAM, from its first byte: stack, .data, .bss, ..., mailbox. The stack stands at the bottom so that an overflow runs
 * out of RAM and faults, rather than into data. It is painted at power-on: its deepest use can be read from any board that
 * runs (bench/sizes.mjs does).
 *
 * ARMv6-M has no vector table register, so the agent's table stays in force while an application runs: it hands
 * every interrupt on to the table named in mailbox.vectors. Faults stay here: record, MAILBOX_STAY, reset.
 */
#include "chip.h"
#include "start.h"

#define SCB_AIRCR (*(volatile uint32_t *)0xe000ed0c)
#define SCB_AIRCR_SYSRESETREQ 0x05fa0004u
#define NVIC_ICER (*(volatile uint32_t *)0xe000e180)
#define NVIC_ICPR (*(volatile uint32_t *)0xe000e280)

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
    __asm volatile("dsb" : : : "memory"); /* what was written to the mailbox is in RAM */
    SCB_AIRCR = SCB_AIRCR_SYSRESETREQ;
    for (;;) {}
}

/* Stack pointer and entry are the first two words of its table, as at a reset. */
__attribute__((noinline)) void chip_start_image(uint32_t address) {
    const uint32_t *table = (const uint32_t *)address;
    NVIC_ICER = ~0u;
    NVIC_ICPR = ~0u;
    mailbox.vectors = address;
    __asm volatile("msr msp, %0\n bx %1" : : "r"(table[0]), "r"(table[1]) : "memory");
    __builtin_unreachable();
}

/* frame: r0 r1 r2 r3 r12 lr pc xpsr, as the processor stacked them. */
__attribute__((used)) static void fault(const uint32_t *frame) {
    trap_note(frame[6], frame[5]);
    mailbox_put(MAILBOX_STAY);
    chip_reset();
}

/* The application may have left the stack pointer anywhere: the handler works on the agent's own stack. */
__attribute__((naked)) static void fault_entry(void) {
    __asm volatile(
        "mrs r0, msp\n"
        "ldr r1, =stack_top\n"
        "mov sp, r1\n"
        "bl fault\n");
}

/* To the application's handler while one runs, else to the board's. The return state stays in lr for it. */
__attribute__((naked)) static void interrupt(void) {
    __asm volatile(
        "ldr r0, =mailbox\n"
        "ldr r0, [r0, #8]\n"
        "cmp r0, #0\n"
        "bne 1f\n"
        "ldr r0, =board_interrupts - 64\n" /* the first 16 entries are the core's */
        "1: mrs r1, ipsr\n"
        "lsls r1, r1, #2\n"
        "ldr r0, [r0, r1]\n"
        "bx r0\n");
}

__attribute__((used)) static void start(void) {
    start_memory();
    port_main();
}

/* Paints the stack before any C runs on it; once, so that the mark of what came before a reset stays readable. */
__attribute__((naked)) void reset_entry(void) {
    __asm volatile(
        "ldr r0, =stack_bottom\n"
        "ldr r1, =stack_top\n"
        "ldr r2, =%c0\n"
        "ldr r3, [r0]\n"
        "cmp r3, r2\n"
        "beq 2f\n"
        "1: str r2, [r0]\n"
        "adds r0, #4\n"
        "cmp r0, r1\n"
        "bne 1b\n"
        "2: bl start\n"
        :
        : "i"(STACK_PAINT));
}

/* The 16 entries of the core and 32 of the chip: all that ARMv6-M has. */
__attribute__((section(".vectors"), used)) static const void *const vectors[48] = {
    stack_top,
    (void *)reset_entry,
    (void *)fault_entry, /* NMI */
    (void *)fault_entry, /* HardFault */
    [4 ... 10] = (void *)fault_entry,
    [11] = (void *)interrupt, /* SVCall */
    [12 ... 13] = (void *)fault_entry,
    [14 ... 47] = (void *)interrupt, /* PendSV, SysTick, then the chip's */
};
