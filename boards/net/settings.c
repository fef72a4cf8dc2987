/* The settings of the link: see settings.h.
 *
 *   0  magic "CSN1"      4  bytes of what follows, 676      8  what follows      684  its CRC-32 (IEEE 802.3)
 *
 * All numbers are little-endian. Text has a fixed place, and zeros behind it.
 */
#include "settings.h"
#include <string.h>

enum { BODY_BYTES = SETTINGS_BYTES - 12 };

static uint32_t word_at(const uint8_t *at) {
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t crc32(const uint8_t *bytes, uint32_t length) {
    uint32_t crc = ~0u;
    while (length--) {
        crc ^= *bytes++;
        for (uint32_t i = 0; i < 8; i++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static const uint8_t *take(const uint8_t **at, uint32_t bytes) {
    const uint8_t *here = *at;
    *at += bytes;
    return here;
}

/* Its last byte is 0: it ends where it has to. */
static void take_text(const uint8_t **at, char *to, uint32_t bytes) {
    memcpy(to, take(at, bytes), bytes);
    to[bytes - 1] = 0;
}

/* As names of topics are: docs/protocol.md, "MQTT". */
static int is_name(const char *name) {
    if (!*name) return 0;
    for (; *name; name++) {
        char small = *name | 32;
        if (!(small >= 'a' && small <= 'z') && !(*name >= '0' && *name <= '9') && *name != '.' && *name != '_' && *name != ':' && *name != '-') return 0;
    }
    return 1;
}

int settings_read(const uint8_t page[SETTINGS_BYTES], struct net_settings *to) {
    if (word_at(page) != SETTINGS_MAGIC || word_at(page + 4) != BODY_BYTES || word_at(page + 8 + BODY_BYTES) != crc32(page + 8, BODY_BYTES)) return 0;
    const uint8_t *at = page + 8;
    memcpy(to->mac, take(&at, sizeof to->mac), sizeof to->mac);
    to->port = (uint16_t)(at[0] | at[1] << 8);
    take(&at, 2);
    memcpy(to->address, take(&at, 4), 4);
    memcpy(to->mask, take(&at, 4), 4);
    memcpy(to->gateway, take(&at, 4), 4);
    memcpy(to->dns, take(&at, 4), 4);
    take_text(&at, to->broker, sizeof to->broker);
    take_text(&at, to->fleet, sizeof to->fleet);
    take_text(&at, to->device, sizeof to->device);
    take_text(&at, to->user, sizeof to->user);
    take_text(&at, to->password, sizeof to->password);
    for (uint32_t i = 0; i < NET_GROUPS_MAX; i++) {
        take_text(&at, to->groups[i], sizeof to->groups[i]);
        if (to->groups[i][0] && !is_name(to->groups[i])) return 0;
    }
    return to->port && to->broker[0] && is_name(to->fleet) && is_name(to->device) && !(to->mac[0] & 1);
}
