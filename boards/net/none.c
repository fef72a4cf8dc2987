/* In place of all other files here where lwIP is not at hand: a board that has no network, and is otherwise the same. */
#include "net.h"
#include "settings.h"

int settings_read(const uint8_t page[SETTINGS_BYTES], struct net_settings *to) {
    (void)page, (void)to;
    return 0;
}

void net_start(const struct net_settings *settings) {
    (void)settings;
}

void net_poll(void) {}

void net_stop(void) {}

void net_write(const void *packet, uint32_t length) {
    (void)packet, (void)length;
}

uint32_t net_read(void *to, uint32_t capacity) {
    (void)to, (void)capacity;
    return 0;
}

int net_waiting(void) {
    return 0;
}

void net_interrupt(void) {}

void net_console(const void *text, uint32_t length) {
    (void)text, (void)length;
}
