/* The Ethernet MAC of the SmartFusion2: whole frames, without their checksum, to and from the descriptors that its DMA follows. */
#ifndef COUNTERSIGN_ETHERNET_H
#define COUNTERSIGN_ETHERNET_H
#include <stdint.h>

enum { ETHERNET_FRAME_BYTES_MAX = 1518 };

/* From the state after a reset; frames come in from here on. The board's interrupt table has net_interrupt (net.h). */
void ethernet_start(const uint8_t mac[6]);

/* Back to that state: the DMA writes nowhere any more. */
void ethernet_stop(void);

/* Where the next frame is written that is sent; at most so long as ethernet_send takes. */
enum { ETHERNET_SENT_BYTES_MAX = 640 };
uint8_t *ethernet_room(void);
void ethernet_send(uint32_t length);

/* A frame that has come, 0: none. It stays readable until the next call. */
const uint8_t *ethernet_receive(uint32_t *length);

/* Is there one? For hal_idle, which must not sleep then. */
int ethernet_waiting(void);

/* For the interrupt of the MAC. */
void ethernet_interrupt(void);
#endif
