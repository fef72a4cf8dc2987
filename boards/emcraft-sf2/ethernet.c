/* The Ethernet MAC of the SmartFusion2: see ethernet.h. The PHY negotiates by itself after a reset. */
#include "ethernet.h"
#include "m2s010.h"
#include <string.h>

enum { RECEIVING = 4, FRAME_BYTES = 1520 /* the largest, in whole words */, FRAME_BYTES_MIN = 60 };

struct descriptor {
    volatile uint32_t address, length, next;
};

static struct descriptor receiving[RECEIVING], sending;
static uint8_t received[RECEIVING][FRAME_BYTES] __attribute__((aligned(4)));
static uint8_t sent[ETHERNET_SENT_BYTES_MAX] __attribute__((aligned(4)));
static uint32_t at;    /* the descriptor that is filled next */
static uint32_t taken; /* 1: the frame before it is still being read */

static uint32_t address_of(volatile void *p) {
    return (uint32_t)(uintptr_t)p;
}

void ethernet_start(const uint8_t mac[6]) {
    SOFT_RESET_CR &= ~SOFT_RESET_MAC;
    MAC_CFG1 = MAC_CFG1_RESET;
    MAC_CFG1 = 0;
    MAC_STATION_1 = (uint32_t)mac[0] << 24 | (uint32_t)mac[1] << 16 | (uint32_t)mac[2] << 8 | mac[3];
    MAC_STATION_2 = (uint32_t)mac[4] << 24 | (uint32_t)mac[5] << 16;
    for (uint32_t i = 0; i < RECEIVING; i++) {
        receiving[i].address = address_of(received[i]);
        receiving[i].length = DESCRIPTOR_EMPTY;
        receiving[i].next = address_of(&receiving[(i + 1) % RECEIVING]);
    }
    sending.address = address_of(sent);
    sending.length = DESCRIPTOR_EMPTY;
    sending.next = address_of(&sending);
    at = taken = 0;
    MAC_CFG1 = MAC_CFG1_TX_EN | MAC_CFG1_RX_EN;
    DMA_IRQ_MASK = DMA_IRQ_RECEIVED;
    DMA_RX_DESC = address_of(receiving);
    DMA_RX_CTRL = DMA_ENABLE;
    NVIC_ISER = 1u << IRQ_MAC;
}

void ethernet_stop(void) {
    NVIC_ICER = 1u << IRQ_MAC;
    DMA_IRQ_MASK = 0;
    DMA_RX_CTRL = 0;
    DMA_TX_CTRL = 0;
    MAC_CFG1 = MAC_CFG1_RESET;
}

/* The line stays up until the frame is taken: held back until then. Its only use is to end a sleep. */
void ethernet_interrupt(void) {
    NVIC_ICER = 1u << IRQ_MAC;
}

/* Silicon is still at the last one for 51 us at most; the emulated MAC never is. */
uint8_t *ethernet_room(void) {
    while (!(sending.length & DESCRIPTOR_EMPTY)) {}
    return sent;
}

void ethernet_send(uint32_t length) {
    if (length > ETHERNET_SENT_BYTES_MAX) return;
    if (length < FRAME_BYTES_MIN) {
        memset(sent + length, 0, FRAME_BYTES_MIN - length);
        length = FRAME_BYTES_MIN;
    }
    sending.length = length;
    DMA_TX_DESC = address_of(&sending);
    DMA_TX_CTRL = DMA_ENABLE;
    DMA_TX_STATUS = DMA_TX_STATUS_SENT | DMA_TX_STATUS_UNDERRUN;
}

static void give_back(void) {
    if (!taken) return;
    taken = 0;
    receiving[(at + RECEIVING - 1) % RECEIVING].length = DESCRIPTOR_EMPTY;
    DMA_RX_STATUS = DMA_RX_STATUS_RECEIVED;
    if (DMA_RX_CTRL & DMA_ENABLE) return;
    /* All were full, and it has stopped: it goes on where we are. */
    DMA_RX_STATUS = DMA_RX_STATUS_OVERFLOW;
    uint32_t next = at;
    while (!(receiving[next].length & DESCRIPTOR_EMPTY)) next = (next + 1) % RECEIVING;
    DMA_RX_DESC = address_of(&receiving[next]);
    DMA_RX_CTRL = DMA_ENABLE;
}

int ethernet_waiting(void) {
    return !(receiving[at].length & DESCRIPTOR_EMPTY);
}

const uint8_t *ethernet_receive(uint32_t *length) {
    give_back();
    if (!ethernet_waiting()) {
        NVIC_ISER = 1u << IRQ_MAC;
        return 0;
    }
    *length = receiving[at].length & DESCRIPTOR_LENGTH;
    const uint8_t *frame = received[at];
    at = (at + 1) % RECEIVING;
    taken = 1;
    return frame;
}
