/* The board's Ethernet as lwIP's network interface. */
#ifndef COUNTERSIGN_NET_NETIF_H
#define COUNTERSIGN_NET_NETIF_H
#include "net.h"

/* With the address of the settings, or with DHCP. lwip_init comes before. */
void netif_start(const struct net_settings *);
void netif_stop(void);
int netif_has_address(void);
/* Hands in all frames that have come. */
void netif_poll_frames(void);
#endif
