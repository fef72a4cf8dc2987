/* The HAL of the BBC micro:bit (nRF51822): UART, NVMC flash controller, random number generator, timer, two buttons, a LED.
 *
 * Link 0 is the UART behind the board's USB interface chip. The question to the person at the device is shown by the LED
 * in the upper left corner; button A says yes, button B no.
 */
#include "../port/hal.h"
#include <string.h>
#include "nrf51.h"

enum {
    RECEIVED_BYTES = 256, /* two frames of the SMP console: what comes while one is worked on. A power of two */
    WAKE_US = 10000       /* how often the timer ends a sleep and looks at the buttons */
};

enum { YES = 1, NO = 2 }; /* what hal_user returns */

static struct {
    volatile uint32_t in, out;
    uint8_t bytes[RECEIVED_BYTES];
} received;

static struct {
    uint32_t microseconds, milliseconds;
} time;

static struct {
    uint32_t seen, down;
    volatile uint32_t pressed;
    volatile int32_t asking;
} buttons;

/* ---- Interrupts ---- */

/* A full buffer drops what comes: a frame with a hole fails its checksum and is sent again. */
static void uart_interrupt(void) {
    while (UART_RXDRDY) {
        UART_RXDRDY = 0;
        uint8_t byte = (uint8_t)UART_RXD;
        if (received.in - received.out < RECEIVED_BYTES) received.bytes[received.in++ % RECEIVED_BYTES] = byte;
    }
    if (UART_ERROR) { /* break, framing, overrun: nothing to do but to clear it */
        UART_ERROR = 0;
        UART_ERRORSRC = ~0u;
    }
}

/* Wakes hal_idle, and looks at the buttons, so that no press is lost while a signature is checked. Contacts bounce for
 * some milliseconds: what two looks in a row show is so. */
static void timer_interrupt(void) {
    TIMER1_COMPARE0 = 0;
    uint32_t down = (!(GPIO_IN >> PIN_BUTTON_A & 1) ? YES : 0) | (!(GPIO_IN >> PIN_BUTTON_B & 1) ? NO : 0);
    if (down == buttons.seen) {
        if (buttons.asking) buttons.pressed |= down & ~buttons.down;
        buttons.down = down;
    }
    buttons.seen = down;
}

void (*const board_interrupts[])(void) = { /* up to the last that is enabled */
    [IRQ_UART] = uart_interrupt,
    [IRQ_TIMER1] = timer_interrupt,
};

/* ---- Start and stop ---- */

void hal_start(void) {
    GPIO_OUTSET = 1u << PIN_TXD; /* idle level, before the pin drives */
    GPIO_DIRSET = 1u << PIN_TXD | 1u << PIN_LED_ROW | 1u << PIN_LED_COLUMN;
    GPIO_OUTCLR = 1u << PIN_LED_ROW | 1u << PIN_LED_COLUMN;
    GPIO_PIN_CNF(PIN_RXD) = GPIO_INPUT;
    GPIO_PIN_CNF(PIN_BUTTON_A) = GPIO_INPUT | GPIO_PULL_UP;
    GPIO_PIN_CNF(PIN_BUTTON_B) = GPIO_INPUT | GPIO_PULL_UP;

    TIMER0_BITMODE = TIMER_32_BITS;
    TIMER0_PRESCALER = TIMER_1_MHZ;
    TIMER0_CLEAR = 1;
    TIMER0_START = 1;

    /* It goes round by itself: a compare set anew for each sleep could be late for its moment, and come an hour after. */
    TIMER1_PRESCALER = TIMER_1_MHZ;
    TIMER1_CC0 = WAKE_US;
    TIMER1_SHORTS = TIMER_COMPARE0_CLEAR;
    TIMER1_INTENSET = TIMER_INT_COMPARE0;
    TIMER1_CLEAR = 1;
    TIMER1_START = 1;

    UART_PSELTXD = PIN_TXD;
    UART_PSELRXD = PIN_RXD;
    UART_BAUDRATE = UART_BAUD_115200;
    UART_ENABLE = UART_ENABLED;
    UART_RXDRDY = 0;
    UART_INTENSET = UART_INT_RXDRDY | UART_INT_ERROR;
    UART_STARTTX = 1;
    UART_STARTRX = 1;

    RNG_CONFIG = RNG_CORRECTED;
    NVIC_ISER = 1u << IRQ_UART | 1u << IRQ_TIMER1;
}

void hal_stop(void) {
    NVIC_ICER = ~0u;
    UART_INTENCLR = ~0u;
    UART_STOPRX = 1;
    UART_STOPTX = 1;
    UART_ENABLE = 0;
    TIMER0_STOP = 1;
    TIMER0_CLEAR = 1;
    TIMER1_STOP = 1;
    TIMER1_CLEAR = 1;
    TIMER1_INTENCLR = ~0u;
    TIMER1_SHORTS = 0;
    TIMER1_COMPARE0 = 0;
    RNG_STOP = 1;
    GPIO_OUTCLR = 1u << PIN_LED_ROW;
}

/* Once started it runs through every reset but its own, and nothing of it can be changed. The agent feeds
 * it (hal_milliseconds), and what was on trial before finds it running after a reset, fed anew. */
void hal_watchdog(uint32_t seconds) {
    while (!seconds && WDT_RUNSTATUS) {}
    if (!seconds) return;
    WDT_CRV = seconds * WDT_HZ - 1;
    WDT_START = 1;
}

/* ---- Flash ---- */

static void nvmc(uint32_t mode) {
    while (!NVMC_READY) {}
    NVMC_CONFIG = mode;
}

int32_t hal_flash_read(uint32_t offset, void *to, uint32_t length) {
    memcpy(to, (const void *)offset, length);
    return 0;
}

int32_t hal_flash_write(uint32_t offset, const void *from, uint32_t length) {
    const uint32_t *words = from;
    nvmc(NVMC_WRITE);
    for (uint32_t at = 0; at < length; at += 4) {
        REGISTER(offset + at) = words[at / 4];
        while (!NVMC_READY) {}
    }
    nvmc(NVMC_READ);
    return memcmp((const void *)offset, from, length) ? -1 : 0;
}

int32_t hal_flash_erase(uint32_t offset, uint32_t length) {
    nvmc(NVMC_ERASE);
    for (uint32_t page = offset; page < offset + length; page += NVMC_PAGE_BYTES) {
        NVMC_ERASEPAGE = page;
        while (!NVMC_READY) {}
    }
    nvmc(NVMC_READ);
    return 0;
}

/* ---- UART ---- */

void hal_link_write(int32_t link, const void *from, uint32_t length) {
    if (link != 0) return;
    const uint8_t *bytes = from;
    for (uint32_t i = 0; i < length; i++) {
        UART_TXDRDY = 0;
        UART_TXD = bytes[i];
        while (!UART_TXDRDY) {}
    }
}

uint32_t hal_link_read(int32_t *link, void *to, uint32_t capacity) {
    uint8_t *bytes = to;
    uint32_t length = 0;
    while (length < capacity && received.out != received.in) bytes[length++] = received.bytes[received.out++ % RECEIVED_BYTES];
    *link = 0;
    return length;
}

/* ---- Chance, time, card, person ---- */

void hal_random(void *to, uint32_t length) {
    uint8_t *bytes = to;
    RNG_START = 1;
    for (uint32_t i = 0; i < length; i++) {
        RNG_VALRDY = 0;
        while (!RNG_VALRDY) {}
        bytes[i] = (uint8_t)RNG_VALUE;
    }
    RNG_STOP = 1;
}

int32_t hal_user(int32_t asking) {
    if (asking) GPIO_OUTSET = 1u << PIN_LED_ROW;
    else GPIO_OUTCLR = 1u << PIN_LED_ROW;
    if (asking != buttons.asking) buttons.pressed = 0;
    buttons.asking = asking;
    uint32_t pressed = buttons.pressed;
    if (pressed) buttons.pressed = 0;
    return pressed & NO ? NO : (int32_t)pressed;
}

/* The timer counts microseconds and goes round in 71 minutes. */
uint32_t hal_milliseconds(void) {
    WDT_RR0 = WDT_RELOAD; /* the main loop comes by here; nothing in it takes seconds */
    TIMER0_CAPTURE0 = 1;
    uint32_t passed = (TIMER0_CC0 - time.microseconds) / 1000;
    time.microseconds += passed * 1000;
    return time.milliseconds += passed;
}

/* Interrupts are held back between the look and the sleep; a pending one wakes all the same. */
void hal_idle(void) {
    __asm volatile("cpsid i" : : : "memory");
    if (received.in == received.out) __asm volatile("wfi");
    __asm volatile("cpsie i" : : : "memory");
}
