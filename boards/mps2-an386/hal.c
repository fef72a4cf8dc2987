/* As much of the HAL of Arm's MPS2 with the AN386 image (Cortex-M4) as the conformance firmware uses: its UART.
 *
 * For QEMU only, which holds back what is sent to the board until the data register is free. Silicon would drop it: a
 * board takes bytes in an interrupt, as boards/microbit/hal.c does.
 */
#include "../port/hal.h"

/* CMSDK APB UART 0, Cortex-M System Design Kit TRM section 4.3; address from Application Note AN386 */
#define REGISTER(address) (*(volatile uint32_t *)(address))
#define UART_DATA REGISTER(0x40004000)
#define UART_STATE REGISTER(0x40004004)
#define UART_STATE_TX_FULL 1u
#define UART_STATE_RX_FULL 2u
#define UART_CTRL REGISTER(0x40004008)
#define UART_CTRL_TX_RX 3u
#define UART_BAUDDIV REGISTER(0x40004010)
#define UART_BAUDDIV_LEAST 16u

/* No peripheral interrupts: the board's table that the port hands them to stays empty. */
void (*const board_interrupts[1])(void) = {0};

void hal_start(void) {
    UART_BAUDDIV = UART_BAUDDIV_LEAST;
    UART_CTRL = UART_CTRL_TX_RX;
}

void hal_link_write(int32_t link, const void *from, uint32_t length) {
    if (link != 0) return;
    const uint8_t *bytes = from;
    for (uint32_t i = 0; i < length; i++) {
        while (UART_STATE & UART_STATE_TX_FULL) {}
        UART_DATA = bytes[i];
    }
}

uint32_t hal_link_read(int32_t *link, void *to, uint32_t capacity) {
    uint8_t *bytes = to;
    uint32_t length = 0;
    while (length < capacity && UART_STATE & UART_STATE_RX_FULL) bytes[length++] = (uint8_t)UART_DATA;
    *link = 0;
    return length;
}

void hal_idle(void) {}
