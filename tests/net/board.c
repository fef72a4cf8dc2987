/* The network link on the emulated emcraft-sf2 without an agent: a HAL of no more than it needs, and somebody in the agent's place who
 * answers an echo and nothing else. The settings stand in DDR, where QEMU puts a file at each reset. On the console it says what it
 * does; "s" there stops it as hal_stop would, and says so. */
#include "../../boards/emcraft-sf2/ethernet.h"
#include "../../boards/net/net.h"
#include "../../boards/net/packet.h"
#include "../../boards/net/settings.h"
#include "../../boards/port/chip.h"
#include "../../boards/port/hal.h"
#include <string.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
/* UART 0 (a 16550) and timers 1 and 2, as UG0331 has them */
#define UART_DATA REGISTER(0x40000000)
#define UART_LCR REGISTER(0x4000000c)
#define UART_LSR REGISTER(0x40000014)
#define UART_LSR_RECEIVED 1u
#define UART_LSR_ROOM (1u << 5)
#define TIMER1_VALUE REGISTER(0x40004000)
#define TIMER1_LOAD REGISTER(0x40004004)
#define TIMER1_CONTROL REGISTER(0x4000400c)
#define TIMER2_LOAD REGISTER(0x4000401c)
#define TIMER2_CONTROL REGISTER(0x40004024)
#define TIMER2_RAW_STATUS REGISTER(0x40004028)
#define TIMER_ENABLED 1u
#define TIMER_INTERRUPT 4u
#define NVIC_ISER REGISTER(0xe000e100)
#define SETTINGS 0xa0000000u

enum { IRQ_TIMER2 = 15, TICKS_A_MS = 100000 /* QEMU 7.2 counts so; silicon has 71 MHz here */, WAKE_TICKS = 10 * TICKS_A_MS };

static void timer_interrupt(void) {
    TIMER2_RAW_STATUS = 1;
}

void (*const board_interrupts[])(void) = {[ETHERNET_IRQ] = ethernet_interrupt, [IRQ_TIMER2] = timer_interrupt};

uint32_t hal_milliseconds(void) {
    static uint32_t last = ~0u, part, milliseconds;
    uint32_t now = TIMER1_VALUE;
    part += last - now;
    last = now;
    milliseconds += part / TICKS_A_MS;
    part %= TICKS_A_MS;
    return milliseconds;
}

/* Chance for a test: QEMU's clock makes each run another one, a fixed seed none. */
void hal_random(void *to, uint32_t length) {
    static uint32_t x = 1;
    for (uint8_t *at = to; length--;) {
#ifdef FIXED_CHANCE
        x = x * 1664525u + 1013904223u;
#else
        x = x * 1664525u + TIMER1_VALUE;
#endif
        *at++ = (uint8_t)(x >> 24);
    }
}

static void say(const char *text) {
    for (; *text; text++) {
        while (!(UART_LSR & UART_LSR_ROOM)) {}
        UART_DATA = (uint8_t)*text;
    }
}

static void say_number(uint32_t value) {
    char digits[11] = {0};
    uint32_t at = 10;
    do digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    say(digits + at);
}

/* {"d": text} comes back as {"r": text}; everything else is refused. */
static void answer(uint8_t *packet, uint32_t length) {
    static const uint8_t refused[] = {0xa1, 0x62, 'r', 'c', 8};
    if (packet[0] & 1) return;
    packet[0] |= 1;
    int is_echo = packet[5] == 0 && packet[7] == 0 && length > 11 && packet[8] == 0xa1 && packet[10] == 'd';
    if (is_echo) packet[10] = 'r';
    else memcpy(packet + PACKET_HEADER_BYTES, refused, length = sizeof refused), packet[2] = 0, packet[3] = sizeof refused, length += PACKET_HEADER_BYTES;
    net_write(packet, length);
}

void port_main(void) {
    static struct net_settings settings;
    static uint8_t packet[PACKET_BYTES_MAX];
    UART_LCR = 3;
    TIMER1_LOAD = ~0u;
    TIMER1_CONTROL = TIMER_ENABLED;
    TIMER2_LOAD = WAKE_TICKS;
    TIMER2_CONTROL = TIMER_ENABLED | TIMER_INTERRUPT;
    NVIC_ISER = 1u << IRQ_TIMER2;
    say("board: started\n");
    if (!settings_read((const uint8_t *)SETTINGS, &settings)) {
        say("board: no settings\n");
        for (;;) {}
    }
    net_start(&settings);
    net_console("state 100, reason 0\r\n", 21);
    for (uint32_t running = 1;;) {
        uint32_t length = running ? net_read(packet, sizeof packet) : 0;
        if (length) answer(packet, length);
        if (running && UART_LSR & UART_LSR_RECEIVED && UART_DATA == 's') {
            uint32_t began = hal_milliseconds();
            net_stop();
            running = 0;
            say("board: stopped after ms ");
            say_number(hal_milliseconds() - began);
            say("\n");
        }
        __asm volatile("cpsid i" : : : "memory");
        if (!length && !ethernet_waiting()) __asm volatile("wfi");
        __asm volatile("cpsie i" : : : "memory");
    }
}
