/* The board's Ethernet as lwIP's network interface: see netif.h. Frames are copied in and out; the MAC has its own buffers. */
#include "lwip/netif.h"
#include "ethernet.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "netif/ethernet.h"
#include "../netif.h"
#include <string.h>

enum { FRAMES_AT_ONCE = 8 }; /* then everything else gets its turn, however much comes */

static struct netif board;

static err_t output(struct netif *netif, struct pbuf *p) {
    (void)netif;
    if (p->tot_len > ETHERNET_SENT_BYTES_MAX) return ERR_BUF;
    pbuf_copy_partial(p, ethernet_room(), p->tot_len, 0);
    ethernet_send(p->tot_len);
    return ERR_OK;
}

static err_t begin(struct netif *netif) {
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = ETHERNET_SENT_BYTES_MAX - SIZEOF_ETH_HDR; /* ours are never longer: TCP_MSS is 536 */
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    netif->output = etharp_output;
    netif->linkoutput = output;
    return ERR_OK;
}

static ip4_addr_t address_of(const uint8_t at[4]) {
    ip4_addr_t address;
    IP4_ADDR(&address, at[0], at[1], at[2], at[3]);
    return address;
}

void netif_start(const struct net_settings *settings) {
    ip4_addr_t address = address_of(settings->address), mask = address_of(settings->mask), gateway = address_of(settings->gateway), dns = address_of(settings->dns);
    board.hwaddr_len = ETH_HWADDR_LEN;
    memcpy(board.hwaddr, settings->mac, ETH_HWADDR_LEN);
    netif_add(&board, &address, &mask, &gateway, 0, begin, netif_input);
    memcpy(board.hwaddr, settings->mac, ETH_HWADDR_LEN);
    ethernet_start(settings->mac);
    netif_set_default(&board);
    netif_set_up(&board);
    if (ip4_addr_isany_val(address)) dhcp_start(&board);
    else dns_setserver(0, &dns);
}

void netif_stop(void) {
    ethernet_stop();
}

int netif_has_address(void) {
    return !ip4_addr_isany_val(*netif_ip4_addr(&board));
}

void netif_poll_frames(void) {
    uint32_t length;
    const uint8_t *frame;
    for (uint32_t i = 0; i < FRAMES_AT_ONCE && (frame = ethernet_receive(&length)); i++) {
        struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_POOL);
        if (!p) continue; /* lost, as on the wire */
        pbuf_take(p, frame, (u16_t)length);
        if (board.input(p, &board) != ERR_OK) pbuf_free(p);
    }
}
