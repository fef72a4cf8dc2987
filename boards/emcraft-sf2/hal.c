/* The HAL of the Emcraft SmartFusion2 kit (M2S010, Cortex-M3): UART, Ethernet, serial NOR behind the SPI, timers. There are no buttons: a
 * question is answered on the console.
 *
 * The agent runs in the chip's own flash (eNVM), which nothing here writes. An image runs in DDR memory, where the port has
 * copied it; hal_start makes that memory executable, and an application finds it so.
 */
#include "../net/net.h"
#include "../net/settings.h"
#include "../port/hal.h"
#include "board.h"
#include "layout.h"
#include "m2s010.h"
#include "nor.h"
#include "seed.h"

_Static_assert(BOARD_PRIMARY_OFFSET >= BOARD_NOR_OFFSET && BOARD_STATE_OFFSET >= BOARD_NOR_OFFSET &&
                   BOARD_STATE_OFFSET + BOARD_STATE_BYTES - BOARD_NOR_OFFSET <= NOR_SEED,
               "the agent's regions lie in the NOR, before the board's own");

enum {
    RECEIVED_BYTES = 4096, /* a packet sent ahead in console framing (hal.h): what comes while one is worked on. A power of two */
    WAKE_HZ = 100          /* how often a timer ends a sleep */
};

enum { LINK_CONSOLE = 0, LINK_NETWORK = 1 }; /* as in board.json */

static struct {
    volatile uint32_t in, out;
    uint8_t bytes[RECEIVED_BYTES];
} received;

static struct {
    uint32_t counts, part, milliseconds;
} time;

/* ---- Interrupts ---- */

/* A full buffer drops what comes: a frame with a hole fails its checksum and is sent again. */
static void uart_interrupt(void) {
    while (UART_LSR & UART_LSR_RECEIVED) {
        uint8_t byte = (uint8_t)UART_DATA;
        if (received.in - received.out < RECEIVED_BYTES) received.bytes[received.in++ % RECEIVED_BYTES] = byte;
    }
}

static void timer_interrupt(void) {
    TIMER2_RIS = 1;
}

void (*const board_interrupts[])(void) = { /* up to the last that is enabled */
    [IRQ_MMUART0] = uart_interrupt,
    [IRQ_MAC] = net_interrupt,
    [IRQ_TIMER2] = timer_interrupt,
};

/* ---- Start and stop ---- */

/* That memory is a device to the processor unless the MPU says otherwise, and code in a device does not run. */
static void make_executable(void) {
    MPU_RNR = 0;
    MPU_RBAR = DDR_ADDRESS;
    MPU_RASR = MPU_RASR_FULL_ACCESS | MPU_RASR_WRITE_THROUGH | MPU_RASR_64_MB | MPU_RASR_ENABLE;
    MPU_CTRL = MPU_CTRL_ENABLE_WITH_DEFAULT;
    __asm volatile("dsb\n isb" : : : "memory");
}

/* Whoever made the board wrote its settings: without them there is no network. */
static void start_network(void) {
    static struct net_settings settings;
    static uint8_t page[SETTINGS_BYTES];
    if (!nor_read(NOR_NETWORK, page, sizeof page) && settings_read(page, &settings)) net_start(&settings);
}

void hal_start(void) {
    SOFT_RESET_CR &= ~(SOFT_RESET_TIMER | SOFT_RESET_MMUART0 | SOFT_RESET_SPI0);
    make_executable();

    TIMER1_LOAD = ~0u;
    TIMER1_CONTROL = TIMER_ENABLE;
    time.counts = TIMER1_VALUE;
    TIMER2_LOAD = APB_HZ / WAKE_HZ;
    TIMER2_CONTROL = TIMER_ENABLE | TIMER_INTERRUPT;

    UART_LCR = UART_LCR_8N1 | UART_LCR_DIVISOR;
    UART_DMR = UART_DIVISOR(115200u) >> 8;
    UART_DLR = UART_DIVISOR(115200u) & 0xff;
    UART_LCR = UART_LCR_8N1;
    UART_FCR = UART_FCR_ENABLE_AND_CLEAR;
    UART_IER = UART_IER_RECEIVED;

    SPI_CONTROL = 0;
    SPI_FRAME_BITS = 8;
    SPI_CLK_GEN = SPI_18_MHZ;
    SPI_SELECT = 1;
    nor_start();
    seed_start(TIMER1_VALUE);
    NVIC_ISER = 1u << IRQ_MMUART0 | 1u << IRQ_TIMER2;
    start_network();
}

void hal_stop(void) {
    net_stop();
    NVIC_ICER = ~0u;
    while (!(UART_LSR & UART_LSR_SENT)) {}
    UART_IER = 0;
    UART_FCR = 0;
    TIMER1_CONTROL = 0;
    TIMER2_CONTROL = 0;
    TIMER2_RIS = 1;
    SPI_SELECT = 0;
    __asm volatile("dsb\n isb" : : : "memory"); /* the copy is in memory, and nothing of what was there before is in the pipeline */
}

/* The one of the chip is set up with its design and cannot be started by a program. */
void hal_watchdog(uint32_t seconds) {
    (void)seconds;
}

/* ---- Flash ---- */

void spi_exchange(const void *command, uint32_t command_bytes, const void *out, uint32_t out_bytes, void *in, uint32_t in_bytes) {
    const uint8_t *first = command, *then = out;
    uint8_t *to = in;
    uint32_t sent = command_bytes + out_bytes, frames = sent + in_bytes;
    uint32_t control = SPI_CONTROL_MASTER | SPI_CONTROL_SPS | SPI_CONTROL_CLKMODE | SPI_CONTROL_BIGFIFO | SPI_CONTROL_FRAMES(frames);
    SPI_CONTROL = control;
    SPI_CONTROL = control | SPI_CONTROL_ENABLE;
    for (uint32_t i = 0; i < frames; i++) {
        SPI_TX = i < command_bytes ? first[i] : i < sent ? then[i - command_bytes] : 0;
        while (SPI_STATUS & SPI_STATUS_RX_EMPTY) {}
        uint8_t byte = (uint8_t)SPI_RX;
        if (i >= sent) to[i - sent] = byte;
    }
    SPI_CONTROL = control;
}

int32_t hal_flash_read(uint32_t offset, void *to, uint32_t length) {
    return nor_read(offset - BOARD_NOR_OFFSET, to, length);
}

int32_t hal_flash_write(uint32_t offset, const void *from, uint32_t length) {
    return nor_write(offset - BOARD_NOR_OFFSET, from, length);
}

int32_t hal_flash_erase(uint32_t offset, uint32_t length) {
    return nor_erase(offset - BOARD_NOR_OFFSET, length);
}

/* ---- UART and network ---- */

void hal_link_write(int32_t link, const void *from, uint32_t length) {
    if (link == LINK_NETWORK) net_write(from, length);
    if (link != LINK_CONSOLE) return;
    net_console(from, length);
    const uint8_t *bytes = from;
    for (uint32_t i = 0; i < length; i++) {
        while (!(UART_LSR & UART_LSR_ROOM)) {}
        UART_DATA = bytes[i];
    }
}

uint32_t hal_link_read(int32_t *link, void *to, uint32_t capacity) {
    uint8_t *bytes = to;
    uint32_t length = 0;
    while (length < capacity && received.out != received.in) bytes[length++] = received.bytes[received.out++ % RECEIVED_BYTES];
    *link = length ? LINK_CONSOLE : LINK_NETWORK;
    return length ? length : net_read(to, capacity);
}

/* ---- Chance, time ---- */

void hal_random(void *to, uint32_t length) {
    seed_random(to, length, TIMER1_VALUE);
}

/* The timer counts down, and goes round in 60.5 s. */
uint32_t hal_milliseconds(void) {
    uint32_t now = TIMER1_VALUE;
    time.part += time.counts - now;
    time.counts = now;
    time.milliseconds += time.part / (APB_HZ / 1000);
    time.part %= APB_HZ / 1000;
    return time.milliseconds;
}

/* Interrupts are held back between the look and the sleep; a pending one wakes all the same. */
void hal_idle(void) {
    __asm volatile("cpsid i" : : : "memory");
    if (received.in == received.out && !net_waiting()) __asm volatile("wfi");
    __asm volatile("cpsie i" : : : "memory");
}
