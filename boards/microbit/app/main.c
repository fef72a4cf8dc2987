/* A small application for the BBC micro:bit: what Countersign installs in its demonstrations and tests.
 *
 * It says its name and version on the UART (115200 baud, 8N1), blinks, and answers one-letter commands. Three things make
 * it a good citizen on a board with the agent, and any application can do the same in ten lines:
 *   - the knock: the bytes 06 09 open an SMP frame, so a client wants the agent. Leave MAILBOX_CONFIRM_STAY and reset;
 *     the client's next try reaches the agent. An application that came as far as reading its UART is confirmed by it.
 *   - confirm: after an update the agent boots an image on trial. MAILBOX_CONFIRM and a reset keep it.
 *   - the watchdog: on trial it runs, and resets whatever hangs; WDT_RR0 feeds it, more often than every 30 seconds.
 * It takes no interrupts and no heap. VERSION and BLINK_MS come from build.sh.
 */
#include <stddef.h>
#include <stdint.h>
#include "../../port/mailbox.h"
#include "../nrf51.h"

#define KNOCK_FIRST 0x06
#define KNOCK_SECOND 0x09

enum { RECEIVED_BYTES = 16 }; /* what may arrive while one line is being printed */

static uint8_t received[RECEIVED_BYTES];
static uint32_t received_in, received_out;
static uint32_t microseconds, milliseconds, presses;

static void restart(void) {
    SCB_AIRCR = SCB_SYSRESETREQ;
    for (;;) {}
}

/* The UART keeps six bytes: looked at often, also while printing, it loses none. */
static void uart_listen(void) {
    while (UART_RXDRDY) {
        UART_RXDRDY = 0;
        uint8_t byte = (uint8_t)UART_RXD;
        if (received_in - received_out < RECEIVED_BYTES) received[received_in++ % RECEIVED_BYTES] = byte;
    }
}

static int uart_take(void) {
    uart_listen();
    return received_in == received_out ? -1 : received[received_out++ % RECEIVED_BYTES];
}

static void uart_put(char c) {
    UART_TXDRDY = 0;
    UART_TXD = (uint8_t)c;
    while (!UART_TXDRDY) uart_listen();
}

static void print(const char *text) {
    while (*text) uart_put(*text++);
}

static void print_number(uint32_t value, uint32_t digits_min) {
    char digits[10]; /* 4294967295 */
    uint32_t count = 0;
    do digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) || count < digits_min);
    while (count) uart_put(digits[--count]);
}

static void uart_start(void) {
    GPIO_OUTSET = 1u << PIN_TXD; /* idle level, before the pin drives */
    GPIO_DIRSET = 1u << PIN_TXD;
    GPIO_PIN_CNF(PIN_RXD) = GPIO_INPUT;
    UART_INTENCLR = ~0u;
    UART_PSELTXD = PIN_TXD;
    UART_PSELRXD = PIN_RXD;
    UART_BAUDRATE = UART_BAUD_115200;
    UART_ENABLE = UART_ENABLED;
    UART_RXDRDY = 0;
    UART_STARTTX = 1;
    UART_STARTRX = 1;
}

static void timer_start(void) {
    TIMER0_STOP = 1;
    TIMER0_MODE = 0;
    TIMER0_BITMODE = TIMER_32_BITS;
    TIMER0_PRESCALER = TIMER_1_MHZ;
    TIMER0_CLEAR = 1;
    TIMER0_START = 1;
}

/* Called far more often than the 71 minutes in which the timer goes round. */
static void timer_follow(void) {
    TIMER0_CAPTURE0 = 1;
    uint32_t passed = (TIMER0_CC0 - microseconds) / 1000;
    microseconds += passed * 1000;
    milliseconds += passed;
}

static void led_follow(void) {
    if (milliseconds / BLINK_MS & 1) GPIO_OUTSET = 1u << PIN_LED_ROW;
    else GPIO_OUTCLR = 1u << PIN_LED_ROW;
}

static void button_follow(void) {
    static uint32_t was_down, changed;
    uint32_t down = !(GPIO_IN >> PIN_BUTTON_A & 1);
    if (down == was_down || milliseconds - changed < 20) return; /* contacts bounce for some milliseconds */
    was_down = down;
    changed = milliseconds;
    presses += down;
}

static void say_version(void) {
    print("demo-app " VERSION "\r\n");
}

static void say_uptime(void) {
    uint32_t seconds = milliseconds / 1000;
    print("up ");
    print_number(seconds / 3600, 1);
    print(":");
    print_number(seconds / 60 % 60, 2);
    print(":");
    print_number(seconds % 60, 2);
    print("\r\n");
}

static void say_presses(void) {
    print("button A pressed ");
    print_number(presses, 1);
    print(" times\r\n");
}

static void confirm(void) {
    print("confirmed, restarting\r\n");
    mailbox_put(MAILBOX_CONFIRM);
    restart();
}

static void help(void);

static const struct {
    char letter;
    void (*run)(void);
    const char *text;
} commands[] = {
    {'v', say_version, "version"},
    {'u', say_uptime, "time since start"},
    {'b', say_presses, "presses of button A"},
    {'c', confirm, "confirm: this version works, keep it"},
    {'?', help, "this list"},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void help(void) {
    for (uint32_t i = 0; i < COMMANDS; i++) {
        uart_put(commands[i].letter);
        print("  ");
        print(commands[i].text);
        print("\r\n");
    }
}

static void obey(int byte) {
    static int before;
    if (before == KNOCK_FIRST && byte == KNOCK_SECOND) {
        mailbox_put(MAILBOX_CONFIRM_STAY);
        restart();
    }
    before = byte;
    for (uint32_t i = 0; i < COMMANDS; i++)
        if (commands[i].letter == byte) commands[i].run();
}

void reset(void);
extern uint32_t stack_top[], data_start[], data_end[], data_image[], bss_start[], bss_end[];

void reset(void) {
    for (uint32_t *to = data_start, *from = data_image; to < data_end;) *to++ = *from++;
    for (uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
    GPIO_DIRSET = 1u << PIN_LED_ROW | 1u << PIN_LED_COLUMN;
    GPIO_OUTCLR = 1u << PIN_LED_COLUMN;
    GPIO_PIN_CNF(PIN_BUTTON_A) = GPIO_INPUT | GPIO_PULL_UP;
    timer_start();
    uart_start();
    say_version();
    for (;;) {
        WDT_RR0 = WDT_RELOAD;
        timer_follow();
        led_follow();
        button_follow();
        int byte = uart_take();
        if (byte >= 0) obey(byte);
    }
}

/* All an application without interrupts needs. A fault goes through the agent's table (ARMv6-M has one table, at 0):
 * the agent records it and resets, and an image on trial is reverted. */
__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {stack_top, (void *)reset};
