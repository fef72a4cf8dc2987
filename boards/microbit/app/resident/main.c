/* An application for the BBC micro:bit that goes on working while the agent below it downloads (boards/port/service.h).
 *
 * It owns UART, timer and LED: an interrupt keeps each byte that arrives, the main loop blinks and hands the bytes to the agent.
 * What anybody else would write in its place are the lines with `agent`. With 's' it says how it fared: how often its loop came
 * round, the longest time that a call took and that the LED was late, and how many bytes the UART lost.
 *
 *   arm-none-eabi-gcc -mcpu=cortex-m0 -mthumb -Os -ffreestanding -nostdlib -DVERSION='"1"' -T resident.ld main.c -lgcc -o app.elf
 */
#include <stddef.h>
#include <stdint.h>
#include "../../../port/mailbox.h"
#include "../../../port/service.h"
#include "../../nrf51.h"

enum {
    RING = 1024, /* 89 ms at 115200 baud: longer than a page takes to erase. A power of two */
    PIECE = 128,
    BLINK_MS = 250
};

extern uint32_t stack_top[], ram_begin[], data_start[], data_end[], data_image[], bss_start[], bss_end[];
void reset(void);

static uint8_t ring[RING];
static volatile uint32_t ring_in, ring_out, lost;
static uint32_t microseconds, milliseconds, loops, longest_call, longest_gap, looked;

static uint32_t now(void) {
    TIMER0_CAPTURE0 = 1;
    return TIMER0_CC0;
}

static void uart_interrupt(void) {
    while (UART_RXDRDY) {
        UART_RXDRDY = 0;
        uint8_t byte = (uint8_t)UART_RXD;
        if (ring_in - ring_out < RING) ring[ring_in++ % RING] = byte;
        else lost++;
    }
    if (UART_ERROR) {
        UART_ERROR = 0;
        UART_ERRORSRC = ~0u;
    }
}

static void put(uint8_t byte) {
    UART_TXDRDY = 0;
    UART_TXD = byte;
    while (!UART_TXDRDY) {}
}

static void print(const char *text) {
    while (*text) put((uint8_t)*text++);
}

static void print_number(const char *what, uint32_t value) {
    char digits[10];
    uint32_t count = 0;
    print(what);
    do digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count) put((uint8_t)digits[--count]);
}

static void say(void) {
    print_number("application " VERSION ": loops ", loops);
    print_number(", ms ", milliseconds);
    print_number(", longest call us ", longest_call);
    print_number(", longest gap us ", longest_gap);
    print_number(", bytes lost ", lost);
    print("\r\n");
    loops = longest_call = longest_gap = 0;
}

/* ---- What the agent asks of it ---- */

static void link_write(int32_t link, const void *from, uint32_t length) {
    const uint8_t *bytes = from;
    if (link == 0)
        while (length--) put(*bytes++);
}

static void stop(void) {
    say();
    print("application: restarting\r\n");
}

static const struct agent_host host = {link_write, stop};

/* ---- Its own work ---- */

static void blink(void) {
    uint32_t at = now(), passed = (at - microseconds) / 1000;
    microseconds += passed * 1000;
    milliseconds += passed;
    if (at - looked > longest_gap) longest_gap = at - looked;
    looked = at;
    loops++;
    if (milliseconds / BLINK_MS & 1) GPIO_OUTSET = 1u << PIN_LED_ROW;
    else GPIO_OUTCLR = 1u << PIN_LED_ROW;
}

static void begin(void) {
    for (uint32_t *to = data_start, *from = data_image; to < data_end;) *to++ = *from++;
    for (uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
    GPIO_OUTSET = 1u << PIN_TXD;
    GPIO_DIRSET = 1u << PIN_TXD | 1u << PIN_LED_ROW | 1u << PIN_LED_COLUMN;
    GPIO_OUTCLR = 1u << PIN_LED_COLUMN;
    GPIO_PIN_CNF(PIN_RXD) = GPIO_INPUT;
    TIMER0_BITMODE = TIMER_32_BITS;
    TIMER0_PRESCALER = TIMER_1_MHZ;
    TIMER0_CLEAR = 1;
    TIMER0_START = 1;
    UART_PSELTXD = PIN_TXD;
    UART_PSELRXD = PIN_RXD;
    UART_BAUDRATE = UART_BAUD_115200;
    UART_ENABLE = UART_ENABLED;
    UART_RXDRDY = 0;
    UART_INTENSET = UART_INT_RXDRDY | UART_INT_ERROR;
    UART_STARTTX = 1;
    UART_STARTRX = 1;
    RNG_CONFIG = RNG_CORRECTED; /* the agent draws from it */
    NVIC_ISER = 1u << IRQ_UART;
}

void reset(void) {
    const struct agent_service *agent = agent_service();
    begin();
    print("application " VERSION "\r\n");
    if (agent->magic != AGENT_SERVICE_MAGIC || agent->ram_end > (const void *)ram_begin) {
        print("application: no agent that it could call\r\n");
        for (;;) {}
    }
    agent->start(&host);
    uint32_t before = milliseconds;
    for (;;) {
        uint8_t piece[PIECE];
        uint32_t count = 0;
        blink();
        while (count < PIECE && ring_out != ring_in) piece[count++] = ring[ring_out++ % RING];
        if (count == 1 && piece[0] == 's') say();
#ifdef TAMPER /* an application that is out of its mind, for tests: words of the agent's memory are others before each call */
        static uint32_t chance = 1;
        uint32_t *ram = (uint32_t *)(uintptr_t)agent->ram, words = (uint32_t)((const uint8_t *)agent->ram_end - (const uint8_t *)ram) / 4;
        for (uint32_t n = 0; n < 4; n++) {
            chance = chance * 1664525 + 1013904223;
            ram[(chance >> 8) % words] = chance & 0x10000000 ? 0 : chance >> 28;
        }
#endif
        uint32_t began = now();
        if (count) agent->receive(0, piece, count);
        agent->tick(milliseconds - before);
        before = milliseconds;
        if (now() - began > longest_call) longest_call = now() - began;
    }
}

__attribute__((section(".vectors"), used)) static const void *const vectors[48] = {
    stack_top, (void *)reset, [16 + IRQ_UART] = (void *)uart_interrupt};
