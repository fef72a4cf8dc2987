/* MQTT over TCP and Ethernet: the radio (radio.h) on one TCP connection of lwIP's. See net.h.
 *
 *   address    until there is one: static at once, or from DHCP
 *   name       the broker's, by DNS, unless it is an address
 *   connects   TCP
 *   open       the radio speaks; what has come stays here until it is taken, and TCP's window closes meanwhile
 *   pauses     after whatever went wrong: half a second, then twice as long each time, up to a minute, and a little more by chance
 *
 * Every wait has a limit. A local port is random (lwIP's LWIP_RAND): after a reset, a broker and whatever translates addresses
 * on the way may still hold the last connection.
 */
#include "net.h"
#include "../port/hal.h"
#include "ethernet.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/init.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "netif.h"
#include "radio.h"

enum { ADDRESS, NAME, CONNECTS, OPEN, PAUSES };

enum {
    STEP_MS_MAX = 10000, /* name and connection */
    PAUSE_MS = 500,
    PAUSE_MS_MAX = 60000,
    LEAVE_MS = 300
};

static const struct net_settings *settings;
static int running, step;
static uint32_t then, left_ms, pause_ms;
static ip_addr_t broker;
static struct tcp_pcb *connection;
static struct {
    uint32_t first, bytes;
    uint8_t at[TCP_WND]; /* lwIP lets no more come */
} arrived;

uint32_t sys_now(void) {
    return hal_milliseconds();
}

uint32_t net_random(void) {
    uint32_t value;
    hal_random(&value, sizeof value);
    return value;
}

static void go(int to, uint32_t milliseconds) {
    step = to;
    left_ms = milliseconds;
}

static void pause(void) {
    if (step == OPEN) radio_lost();
    arrived.bytes = 0;
    go(PAUSES, pause_ms + net_random() % (pause_ms / 4));
    pause_ms = pause_ms < PAUSE_MS_MAX / 2 ? 2 * pause_ms : PAUSE_MS_MAX;
}

/* ---- TCP ---- */

/* Nothing comes from it any more, whatever it is in the middle of. */
static void forget(void) {
    if (!connection) return;
    tcp_arg(connection, 0);
    tcp_recv(connection, 0);
    tcp_err(connection, 0);
    connection = 0;
}

static void give_up(void) {
    struct tcp_pcb *c = connection;
    forget();
    if (c) tcp_abort(c);
    pause();
}

static err_t came(void *nothing, struct tcp_pcb *c, struct pbuf *p, err_t error) {
    (void)nothing, (void)c, (void)error;
    if (!p) { /* the broker has closed it */
        give_up();
        return ERR_ABRT;
    }
    /* Never more than the window has room for. */
    for (struct pbuf *part = p; part; part = part->next) {
        for (uint32_t i = 0; i < part->len && arrived.bytes < sizeof arrived.at; i++) {
            arrived.at[(arrived.first + arrived.bytes++) % sizeof arrived.at] = ((const uint8_t *)part->payload)[i];
        }
    }
    pbuf_free(p);
    return ERR_OK;
}

static void failed(void *nothing, err_t error) {
    (void)nothing, (void)error;
    connection = 0; /* lwIP has freed it */
    pause();
}

static err_t connected(void *nothing, struct tcp_pcb *c, err_t error) {
    (void)nothing, (void)c, (void)error;
    arrived.bytes = 0;
    radio_connected();
    go(OPEN, 0);
    return ERR_OK;
}

static void connect(void) {
    connection = tcp_new();
    if (!connection) {
        pause();
        return;
    }
    tcp_recv(connection, came);
    tcp_err(connection, failed);
    tcp_nagle_disable(connection);
    go(CONNECTS, STEP_MS_MAX);
    if (tcp_connect(connection, &broker, settings->port, connected) != ERR_OK) give_up();
}

static void send(void) {
    uint32_t length;
    const uint8_t *out = radio_out(&length);
    uint32_t room = tcp_sndbuf(connection);
    if (length > room) length = room;
    if (!length || tcp_write(connection, out, (u16_t)length, TCP_WRITE_FLAG_COPY) != ERR_OK) return; /* later */
    radio_sent(length);
    tcp_output(connection);
}

/* What came, to the radio: as much as it takes. */
static void receive(void) {
    while (arrived.bytes) {
        uint32_t piece = (uint32_t)sizeof arrived.at - arrived.first;
        uint32_t taken = radio_take(arrived.at + arrived.first, piece < arrived.bytes ? piece : arrived.bytes);
        if (!taken) return;
        arrived.first = (arrived.first + taken) % sizeof arrived.at;
        arrived.bytes -= taken;
        tcp_recved(connection, (u16_t)taken);
    }
}

/* ---- Steps ---- */

static void named(const char *name, const ip_addr_t *address, void *nothing) {
    (void)name, (void)nothing;
    if (step != NAME) return;
    if (!address) {
        pause();
        return;
    }
    broker = *address;
    connect();
}

static void find(void) {
    go(NAME, STEP_MS_MAX);
    err_t found = dns_gethostbyname(settings->broker, &broker, named, 0);
    if (found == ERR_OK) connect();
    else if (found != ERR_INPROGRESS) pause();
}

static void work(uint32_t milliseconds) {
    left_ms -= milliseconds < left_ms ? milliseconds : left_ms;
    int alive = radio_tick(milliseconds);
    switch (step) {
    case ADDRESS:
        if (netif_has_address()) find();
        break;
    case NAME:
        if (!left_ms) pause();
        break;
    case CONNECTS:
        if (!left_ms) give_up();
        break;
    case OPEN:
        if (!alive) {
            give_up();
            break;
        }
        receive();
        send();
        if (radio_is_in()) pause_ms = PAUSE_MS;
        break;
    case PAUSES:
        if (!left_ms) go(ADDRESS, 0);
        break;
    }
}

void net_poll(void) {
    if (!running) return;
    uint32_t now = hal_milliseconds(), passed = now - then;
    then = now;
    netif_poll_frames();
    sys_check_timeouts();
    work(passed);
}

void net_start(const struct net_settings *from) {
    settings = from;
    running = 1;
    pause_ms = PAUSE_MS;
    then = hal_milliseconds();
    lwip_init();
    radio_start(from, net_random);
    netif_start(from);
    go(ADDRESS, 0);
}

/* The words of good-bye leave in one go, unless the broker stands still: then its will is read out. */
void net_stop(void) {
    if (!running) return;
    uint32_t began = hal_milliseconds();
    int said = 0;
    while (step == OPEN && radio_is_in() && hal_milliseconds() - began < LEAVE_MS) {
        if (!said) said = radio_leave();
        net_poll();
        uint32_t length;
        radio_out(&length);
        if (said && !length && connection && !connection->unsent && !connection->unacked) break;
    }
    if (connection) {
        struct tcp_pcb *c = connection;
        forget();
        tcp_close(c);
    }
    netif_stop();
    running = 0;
}

void net_write(const void *packet, uint32_t length) {
    if (!running) return;
    radio_write(packet, length);
    if (step == OPEN && connection) send();
}

uint32_t net_read(void *to, uint32_t capacity) {
    if (!running) return 0;
    net_poll();
    return radio_read(to, capacity);
}

int net_waiting(void) {
    return running && ethernet_waiting();
}

void net_interrupt(void) {
    ethernet_interrupt();
}

void net_console(const void *text, uint32_t length) {
    if (running) radio_console(text, length);
}
