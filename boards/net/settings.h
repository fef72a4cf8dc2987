/* The settings of the link as they stand in flash: docs/port.md, "Settings of the network", has the layout. */
#ifndef COUNTERSIGN_NET_SETTINGS_H
#define COUNTERSIGN_NET_SETTINGS_H
#include "net.h"

enum { SETTINGS_BYTES = 688, SETTINGS_MAGIC = 0x314e5343 /* "CSN1" */ };

/* 0: they are none, or not whole, or no name in them could be one: then there is no network. */
int settings_read(const uint8_t page[SETTINGS_BYTES], struct net_settings *);
#endif
