/* What lwIP asks of a compiler and its board. Its assertions are off (lwipopts.h): what it would print goes nowhere. */
#ifndef COUNTERSIGN_NET_CC_H
#define COUNTERSIGN_NET_CC_H
#include <stdint.h>

uint32_t net_random(void);

#define LWIP_NO_UNISTD_H 1
#define LWIP_NO_CTYPE_H 1 /* its own few are smaller than a table */
#define LWIP_PLATFORM_DIAG(message)
#define LWIP_PLATFORM_ASSERT(message)
#define LWIP_RAND() net_random()
#endif
