/* lwIP as this link uses it: one TCP connection by raw calls from the main loop, DHCP, DNS; no operating system, and memory of a
 * fixed size. What is not named here is as lwIP has it (its opt.h). */
#ifndef COUNTERSIGN_LWIPOPTS_H
#define COUNTERSIGN_LWIPOPTS_H

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0 /* nothing of it is called from an interrupt */
#define LWIP_SOCKET 0
#define LWIP_NETCONN 0
#define LWIP_STATS 0
#define LWIP_NOASSERT 1

#define LWIP_DHCP 1
#define DHCP_DOES_ARP_CHECK 0 /* half a second at each start; who runs a DHCP server keeps its addresses apart */
#define LWIP_DNS 1
#define DNS_TABLE_SIZE 1
#define DNS_MAX_NAME_LENGTH 64
#define DNS_MAX_SERVERS 1
#define LWIP_DHCP_MAX_DNS_SERVERS 1
#define LWIP_RAW 0
#define LWIP_ICMP 0 /* a ping is not answered: it is what the flash of emcraft-sf2 has no room for */
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define IP_OPTIONS_ALLOWED 0
#define ARP_TABLE_SIZE 4
#define ETHARP_TABLE_MATCH_NETIF 0
#define LWIP_CHKSUM_ALGORITHM 1 /* the smallest */

/* A window that the receive buffer of net.c holds, in segments that need no fragments anywhere (RFC 9293 section 3.7.1). */
#define TCP_MSS 536
#define TCP_WND (4 * TCP_MSS)
#define TCP_SND_BUF (3 * TCP_MSS)
#define TCP_SND_QUEUELEN 8
#define TCP_QUEUE_OOSEQ 0
#define TCP_CALCULATE_EFF_SEND_MSS 0
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port) ((void)(local), net_random())

#define MEM_ALIGNMENT 4
#define MEM_SIZE 3584          /* what is sent and not acknowledged yet, and a request of DHCP */
#define MEMP_NUM_PBUF 4
#define MEMP_NUM_TCP_PCB 3     /* the connection, and earlier ones that are still ending */
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define MEMP_NUM_TCP_SEG TCP_SND_QUEUELEN
#define MEMP_NUM_UDP_PCB 2     /* DHCP, DNS */
#define PBUF_POOL_SIZE 3       /* one frame of the largest size: each is worked on before the next one is taken */
#define PBUF_POOL_BUFSIZE 640
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1 /* it wants a window's worth in the pool: ours is in net.c */
#define LWIP_NETIF_TX_SINGLE_PBUF 1
#endif
