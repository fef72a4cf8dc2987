/* As much of the HAL of QEMU's RISC-V virt machine as the conformance firmware uses: its UART, a 16550. QEMU holds back
 * what is sent to the board until the FIFO has room, so nothing needs an interrupt. */
#include "../port/hal.h"

/* National Semiconductor PC16550D, section 8; addresses from QEMU's device tree of the machine */
#define REGISTER(address) (*(volatile uint8_t *)(address))
#define UART_DATA REGISTER(0x10000000)
#define UART_FCR REGISTER(0x10000002)
#define UART_FCR_ENABLE 1u
#define UART_LSR REGISTER(0x10000005)
#define UART_LSR_DATA_READY 1u
#define UART_LSR_THR_EMPTY 0x20u

void hal_start(void) {
    UART_FCR = UART_FCR_ENABLE;
}

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

void hal_idle(void) {}
