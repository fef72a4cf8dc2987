/* A device's side of a broker, without the connection: requests of clients to its agent and the answers, what the device says of
 * itself, and what it fetches (papers, orders, blocks). docs/protocol.md, "MQTT", is its contract, and host/radio/ its older brother.
 *
 * It decides nothing: whatever comes from a broker the agent judges. It works on one message at a time, where MQTT left it; while
 * that waits for the agent it takes no more, and what comes meanwhile waits in TCP. So what it keeps is bounded without
 * a queue.
 */
#ifndef COUNTERSIGN_NET_RADIO_H
#define COUNTERSIGN_NET_RADIO_H
#include "mqtt.h"
#include "net.h"

void radio_start(const struct net_settings *, uint32_t (*random)(void));

/* A connection stands, or is gone. */
void radio_connected(void);
void radio_lost(void);

/* Bytes of the connection: how many were taken. What is left is given again. */
uint32_t radio_take(const uint8_t *bytes, uint32_t length);

/* What is to be sent, and that it is on its way. */
const uint8_t *radio_out(uint32_t *length);
void radio_sent(uint32_t bytes);

/* Time passes. 0: the connection is of no use any more. */
int radio_tick(uint32_t milliseconds);

/* Has the broker let us in? */
int radio_is_in(void);

/* Says good-bye; 1: all of that is in what is to be sent. Nothing is taken any more. */
int radio_leave(void);

/* As net.h has them. */
uint32_t radio_read(void *to, uint32_t capacity);
void radio_write(const void *packet, uint32_t length);
void radio_console(const void *text, uint32_t length);
#endif
