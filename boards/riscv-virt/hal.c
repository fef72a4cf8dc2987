/* The HAL of QEMU's RISC-V virt machine: UART, NOR flash with the common flash interface, entropy device, real-time clock, timer.
 *
 * The agent runs in the first flash device, and everything that it writes lies in the second one: a device that is being written
 * answers with its status, and code that runs in it would be gone. No interrupt is taken; what is pending ends a sleep.
 * QEMU holds back what is sent to the board until the UART's FIFO has room, so it needs no buffer.
 */
#include "../port/hal.h"
#include "../port/chip.h"
#include <string.h>
#include "board.h"
#include "virt.h"

enum { SLEEP_MS = 10 };

/* ---- Start and stop ---- */

static void interrupts(uint32_t which) {
    __asm volatile(".option arch, +zicsr\n csrw mie, %0" : : "r"(which));
}

/* The FIFO begins empty, and a byte that came before is gone. QEMU sends no other until it sees one being read. */
void hal_start(void) {
    UART_FCR = UART_FCR_ENABLE;
    if (!(UART_LSR & UART_LSR_DATA_READY)) (void)UART_DATA;
    UART_IER = UART_IER_RECEIVED;
    PLIC_PRIORITY(IRQ_UART) = 1;
    PLIC_ENABLE = 1u << IRQ_UART;
    interrupts(MIE_TIMER | MIE_EXTERNAL);
}

/* The FIFO stays as it is: what has arrived is the application's, which may be about to be asked for the agent. */
void hal_stop(void) {
    while (!(UART_LSR & UART_LSR_ALL_SENT)) {}
    interrupts(0);
    UART_IER = 0;
    PLIC_ENABLE = 0;
    PLIC_PRIORITY(IRQ_UART) = 0;
    CLINT_MTIMECMP_HIGH = ~0u;
    CLINT_MTIMECMP_LOW = ~0u;
}

void board_reset(void) {
    FINISHER = FINISHER_RESET;
}

/* The machine has none. */
void hal_watchdog(uint32_t seconds) {
    (void)seconds;
}

/* ---- Flash ---- */

/* Both devices follow one another in memory, and the image runs where it stands. */
#define FLASH_BASE (BOARD_IMAGE - BOARD_PRIMARY_OFFSET)
#define FLASH(offset) REGISTER(FLASH_BASE + (offset))

static const void *flash_at(uint32_t offset) {
    return (const void *)(FLASH_BASE + offset);
}

/* Waits for both chips, which answer with their status after a command. What they complain about stays until it is cleared. */
static int32_t flash_done(uint32_t offset) {
    uint32_t status;
    do status = FLASH(offset);
    while ((status & CFI_READY) != CFI_READY);
    if (!(status & CFI_FAILED)) return 0;
    FLASH(offset) = CFI_CLEAR_STATUS;
    return -1;
}

int32_t hal_flash_read(uint32_t offset, void *to, uint32_t length) {
    memcpy(to, flash_at(offset), length);
    return 0;
}

int32_t hal_flash_write(uint32_t offset, const void *from, uint32_t length) {
    const uint32_t *words = from;
    int32_t failed = 0;
    for (uint32_t at = 0; at < length && !failed; at += 4) {
        FLASH(offset + at) = CFI_PROGRAM;
        FLASH(offset + at) = words[at / 4];
        failed = flash_done(offset + at);
    }
    FLASH(offset) = CFI_READ_ARRAY;
    return failed || memcmp(flash_at(offset), from, length) ? -1 : 0;
}

int32_t hal_flash_erase(uint32_t offset, uint32_t length) {
    int32_t failed = 0;
    for (uint32_t sector = offset; sector < offset + length && !failed; sector += BOARD_ERASE_BYTES) {
        FLASH(sector) = CFI_ERASE;
        FLASH(sector) = CFI_CONFIRM;
        failed = flash_done(sector);
    }
    FLASH(offset) = CFI_READ_ARRAY;
    return failed;
}

/* ---- UART ---- */

void hal_link_write(int32_t link, const void *from, uint32_t length) {
    if (link != 0) return;
    const uint8_t *bytes = from;
    for (uint32_t i = 0; i < length; i++) {
        while (!(UART_LSR & UART_LSR_THR_EMPTY)) {}
        UART_DATA = bytes[i];
    }
}

uint32_t hal_link_read(int32_t *link, void *to, uint32_t capacity) {
    uint8_t *bytes = to;
    uint32_t length = 0;
    while (length < capacity && UART_LSR & UART_LSR_DATA_READY) bytes[length++] = UART_DATA;
    *link = 0;
    return length;
}

/* ---- Chance ---- */

/* A split virtqueue with one buffer, VIRTIO v1.1, section 2.6. */
static struct {
    struct {
        uint64_t address;
        uint32_t length;
        uint16_t flags, next;
    } buffer;
    struct {
        uint16_t flags, index, ring[1], event;
    } available;
    volatile struct {
        uint16_t flags, index;
        struct {
            uint32_t buffer, length;
        } ring[1];
        uint16_t event;
    } used;
} queue __attribute__((aligned(16)));
enum { BUFFER_DEVICE_WRITES = 2 };

static uint32_t address_of(const volatile void *place) {
    return (uint32_t)(uintptr_t)place;
}

/* Section 3.1.1. A machine without the device stops here: there is no other source of chance. */
static uint32_t entropy_start(void) {
    uint32_t number = 0;
    while (VIRTIO_DEVICE_ID(VIRTIO_SLOT(number)) != VIRTIO_ENTROPY)
        if (++number == VIRTIO_SLOTS) __builtin_trap();
    uint32_t slot = VIRTIO_SLOT(number);
    memset((void *)&queue, 0, sizeof queue);
    VIRTIO_STATUS(slot) = VIRTIO_RESET;
    uint32_t status = VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER;
    VIRTIO_STATUS(slot) = status;
    VIRTIO_DRIVER_FEATURES_SEL(slot) = 0;
    VIRTIO_DRIVER_FEATURES(slot) = 0;
    VIRTIO_DRIVER_FEATURES_SEL(slot) = 1;
    VIRTIO_DRIVER_FEATURES(slot) = VIRTIO_VERSION_1;
    VIRTIO_STATUS(slot) = status |= VIRTIO_FEATURES_OK;
    if (!(VIRTIO_STATUS(slot) & VIRTIO_FEATURES_OK)) __builtin_trap();
    VIRTIO_QUEUE_SEL(slot) = 0;
    VIRTIO_QUEUE_NUM(slot) = 1;
    VIRTIO_QUEUE_DESC_LOW(slot) = address_of(&queue.buffer);
    VIRTIO_QUEUE_DESC_HIGH(slot) = 0;
    VIRTIO_QUEUE_DRIVER_LOW(slot) = address_of(&queue.available);
    VIRTIO_QUEUE_DRIVER_HIGH(slot) = 0;
    VIRTIO_QUEUE_DEVICE_LOW(slot) = address_of(&queue.used);
    VIRTIO_QUEUE_DEVICE_HIGH(slot) = 0;
    VIRTIO_QUEUE_READY(slot) = 1;
    VIRTIO_STATUS(slot) = status | VIRTIO_DRIVER_OK;
    return slot;
}

/* The device may give fewer bytes than it is asked for, but one at least. It is started for each call and reset behind it, so that
 * it writes into no memory that an application has meanwhile. */
void hal_random(void *to, uint32_t length) {
    uint8_t *bytes = to;
    uint32_t slot = entropy_start();
    while (length) {
        queue.buffer.address = address_of(bytes);
        queue.buffer.length = length;
        queue.buffer.flags = BUFFER_DEVICE_WRITES;
        __asm volatile("fence" : : : "memory");
        queue.available.index++;
        __asm volatile("fence" : : : "memory");
        VIRTIO_QUEUE_NOTIFY(slot) = 0;
        while (queue.used.index != queue.available.index) {}
        __asm volatile("fence" : : : "memory");
        uint32_t given = queue.used.ring[0].length;
        if (given == 0 || given > length) __builtin_trap();
        bytes += given;
        length -= given;
    }
    VIRTIO_STATUS(slot) = VIRTIO_RESET;
}

/* ---- Time ---- */

uint64_t hal_clock(void) {
    uint64_t low = RTC_TIME_LOW;
    return ((uint64_t)RTC_TIME_HIGH << 32 | low) / RTC_HZ;
}

static uint64_t ticks(void) {
    uint32_t high, low;
    do {
        high = CLINT_MTIME_HIGH;
        low = CLINT_MTIME_LOW;
    } while (high != CLINT_MTIME_HIGH);
    return (uint64_t)high << 32 | low;
}

uint32_t hal_milliseconds(void) {
    return (uint32_t)(ticks() / CLINT_TICKS_PER_MS);
}

/* An interrupt that is pending ends wfi, or keeps it from beginning, also while none is taken. */
void hal_idle(void) {
    uint64_t until = ticks() + SLEEP_MS * CLINT_TICKS_PER_MS;
    CLINT_MTIMECMP_HIGH = ~0u; /* not for a moment in the past */
    CLINT_MTIMECMP_LOW = (uint32_t)until;
    CLINT_MTIMECMP_HIGH = (uint32_t)(until >> 32);
    if (!(UART_LSR & UART_LSR_DATA_READY)) __asm volatile("wfi");
    PLIC_CLAIM = PLIC_CLAIM;
}
