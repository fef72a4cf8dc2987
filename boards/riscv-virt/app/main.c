/* A small application for QEMU's RISC-V virt machine: what Countersign installs on it in its tests.
 *
 * It says its name and version on the UART, and answers two letters. What makes it a good citizen on a board with the agent is the
 * same as on every board (boards/microbit/app/main.c):
 *   - the knock: the bytes 06 09 open an SMP frame, so a client wants the agent. Leave MAILBOX_CONFIRM_STAY and reset.
 *   - confirm: MAILBOX_CONFIRM and a reset keep an image that is on trial.
 * The machine has no watchdog. It takes no interrupt, and leaves mtvec to the agent, which records a trap and resets. VERSION comes
 * from the command line.
 */
#include <stdint.h>
#include "../../port/mailbox.h"
#include "../virt.h"

#define KNOCK_FIRST 0x06
#define KNOCK_SECOND 0x09

static void print(const char *text) {
    for (; *text; text++) {
        while (!(UART_LSR & UART_LSR_THR_EMPTY)) {}
        UART_DATA = (uint8_t)*text;
    }
}

/* Sleeps until the UART's interrupt is pending; none is taken. */
static uint8_t receive(void) {
    while (!(UART_LSR & UART_LSR_DATA_READY)) {
        __asm volatile("wfi");
        PLIC_CLAIM = PLIC_CLAIM;
    }
    return UART_DATA;
}

static void uart_start(void) {
    UART_FCR = UART_FCR_ENABLE;
    UART_IER = UART_IER_RECEIVED;
    PLIC_PRIORITY(IRQ_UART) = 1;
    PLIC_ENABLE = 1u << IRQ_UART;
    __asm volatile(".option arch, +zicsr\n csrw mie, %0" : : "r"(MIE_EXTERNAL));
}

static void restart(uint32_t message) {
    mailbox_put(message);
    while (!(UART_LSR & UART_LSR_ALL_SENT)) {}
    __asm volatile("fence" : : : "memory"); /* the message is in RAM */
    FINISHER = FINISHER_RESET;
    for (;;) {}
}

static void say_version(void) {
    print("demo-app " VERSION "\r\n");
}

extern uint32_t data_start[], data_end[], data_image[], bss_start[], bss_end[];

__attribute__((used, noreturn)) static void run(void) {
    for (uint32_t *to = data_start, *from = data_image; to < data_end;) *to++ = *from++;
    for (uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
    uart_start();
    say_version();
    for (uint8_t before = 0, byte;; before = byte) {
        byte = receive();
        if (before == KNOCK_FIRST && byte == KNOCK_SECOND) restart(MAILBOX_CONFIRM_STAY);
        if (byte == 'v') say_version();
        if (byte == 'c') {
            print("confirmed, restarting\r\n");
            restart(MAILBOX_CONFIRM);
        }
    }
}

/* The agent enters an image at its first byte. */
__attribute__((naked, used, section(".entry"))) void reset(void) {
    __asm volatile("la sp, stack_top\n j run\n");
}
