/* A small application for the Emcraft SmartFusion2 kit: what Countersign installs on it in its tests and in the story.
 *
 * It says its name and version on the UART, and answers two letters. What makes it a good citizen on a board with the agent is the
 * same as on every board (boards/microbit/app/main.c):
 *   - the knock: the bytes 06 09 open an SMP frame, so a client wants the agent. Leave MAILBOX_CONFIRM_STAY and reset.
 *   - confirm: MAILBOX_CONFIRM and a reset keep an image that is on trial.
 * It runs in DDR memory, where the agent has copied it, and takes no interrupts. VERSION comes from the command line.
 */
#include <stdint.h>
#include "../../port/mailbox.h"
#include "../m2s010.h"

#define KNOCK_FIRST 0x06
#define KNOCK_SECOND 0x09
#define SCB_AIRCR REGISTER(0xe000ed0c)
#define SCB_SYSRESETREQ 0x05fa0004u

static void print(const char *text) {
    for (; *text; text++) {
        while (!(UART_LSR & UART_LSR_ROOM)) {}
        UART_DATA = (uint8_t)*text;
    }
}

static uint8_t receive(void) {
    while (!(UART_LSR & UART_LSR_RECEIVED)) {}
    return (uint8_t)UART_DATA;
}

static void restart(uint32_t message) {
    mailbox_put(message);
    while (!(UART_LSR & UART_LSR_SENT)) {}
    __asm volatile("dsb" : : : "memory"); /* the message is in RAM */
    SCB_AIRCR = SCB_SYSRESETREQ;
    for (;;) {}
}

static void say_version(void) {
    print("demo-app " VERSION "\r\n");
}

extern uint32_t stack_top[], data_start[], data_end[], data_image[], bss_start[], bss_end[];

void reset(void) {
    for (uint32_t *to = data_start, *from = data_image; to < data_end;) *to++ = *from++;
    for (uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
    UART_FCR = UART_FCR_ENABLE_AND_CLEAR;
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

/* A fault goes through the agent's table, which stays in force: the agent records it and resets. */
__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {stack_top, (void *)reset};
