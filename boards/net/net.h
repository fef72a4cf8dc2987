/* MQTT over TCP and Ethernet as a packet link of a board: what its HAL calls. The topics are those of docs/protocol.md, "MQTT".
 *
 * The board gives ethernet.h, hal_milliseconds and hal_random. All calls come from its main loop, none waits (but net_stop, briefly),
 * and no memory is taken while it runs. There is no TLS: whoever is on the way can read and change all of it, the password
 * included. What is installed does not hang on that: documents are signed, and the agent checks them.
 */
#ifndef COUNTERSIGN_NET_H
#define COUNTERSIGN_NET_H
#include <stdint.h>

enum { NET_NAME_BYTES = 64, NET_PASSWORD_BYTES = 128, NET_GROUPS_MAX = 4 };

/* Text ends with a 0, which it has room for; so settings_read leaves it (settings.h). */
struct net_settings {
    uint8_t mac[6];
    uint16_t port;                     /* of the broker */
    char broker[NET_NAME_BYTES + 1];   /* IPv4 address or host name */
    char fleet[NET_NAME_BYTES + 1];
    char device[NET_NAME_BYTES + 1];   /* its name in the fleet */
    char user[NET_NAME_BYTES + 1];     /* empty: none, and no password */
    char password[NET_PASSWORD_BYTES + 1];
    char groups[NET_GROUPS_MAX][NET_NAME_BYTES + 1]; /* whose orders are for it, too; empty ones are none */
    uint8_t address[4];                /* 0.0.0.0: from DHCP, and the next three with it */
    uint8_t mask[4], gateway[4], dns[4];
};

/* They stay where they are as long as it runs. */
void net_start(const struct net_settings *);

/* Lets it work, from the main loop: at least every 20 ms. */
void net_poll(void);

/* Takes leave of the broker, and quiets the MAC: takes 300 ms at most. */
void net_stop(void);

/* One SMP packet of the agent: an answer, an alert, or what it asks for. */
void net_write(const void *packet, uint32_t length);

/* One packet for the agent; 0: there is none. Whatever it says to it has been written when this is called again. */
uint32_t net_read(void *to, uint32_t capacity);

/* Has something come? For hal_idle, which must not sleep then. */
int net_waiting(void);

/* For the interrupt of the MAC: its only use is to end a sleep. */
void net_interrupt(void);

/* What the agent writes on its console: the broker is told of the state in it. */
void net_console(const void *text, uint32_t length);
#endif
