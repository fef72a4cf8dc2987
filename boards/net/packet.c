/* SMP packets and their CBOR: see packet.h. */
#include "packet.h"
#include <string.h>

enum { DEPTH_MAX = 8 };

/* ---- Writing ---- */

static void put(struct packet *p, const void *bytes, uint32_t length) {
    if (p->bytes > p->capacity || length > p->capacity - p->bytes) {
        p->bytes = p->capacity + 1; /* stays so */
        return;
    }
    if (length) memcpy(p->at + p->bytes, bytes, length);
    p->bytes += length;
}

/* The shortest head of an item: RFC 8949 section 3. */
static void put_head(struct packet *p, uint32_t type, uint32_t value) {
    uint8_t head[5] = {(uint8_t)(type << 5), (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    uint32_t skipped = value < 24 ? 4 : value < 0x100 ? 3 : value < 0x10000 ? 2 : 0;
    head[skipped] = (uint8_t)(type << 5 | (value < 24 ? value : value < 0x100 ? 24 : value < 0x10000 ? 25 : 26));
    put(p, head + skipped, 5 - skipped);
}

struct packet packet_begin(void *to, uint32_t capacity, uint8_t op, uint8_t command, uint8_t sequence, uint32_t members) {
    struct packet p = {to, 0, capacity};
    uint8_t header[PACKET_HEADER_BYTES] = {(uint8_t)(1 << 3 | op), 0, 0, 0, 0, GROUP_OURS, sequence, command};
    put(&p, header, sizeof header);
    put_head(&p, CBOR_MAP, members);
    return p;
}

void packet_text(struct packet *p, const char *text, uint32_t bytes) {
    put_head(p, CBOR_TEXT, bytes);
    put(p, text, bytes);
}

void packet_key(struct packet *p, const char *key) {
    packet_text(p, key, (uint32_t)strlen(key));
}

void packet_bytes(struct packet *p, const void *bytes, uint32_t length) {
    put_head(p, CBOR_BYTES, length);
    put(p, bytes, length);
}

void packet_uint(struct packet *p, uint32_t value) {
    put_head(p, CBOR_UINT, value);
}

uint32_t packet_end(struct packet *p) {
    if (p->bytes > p->capacity) return 0;
    p->at[2] = (uint8_t)((p->bytes - PACKET_HEADER_BYTES) >> 8);
    p->at[3] = (uint8_t)(p->bytes - PACKET_HEADER_BYTES);
    return p->bytes;
}

/* ---- Reading ---- */

struct cbor cbor_in(const void *bytes, uint32_t length) {
    return (struct cbor){bytes, (const uint8_t *)bytes + length, 0};
}

static struct cbor_item nothing(struct cbor *c) {
    c->fault = 1;
    c->at = c->end;
    return (struct cbor_item){~0u, 0, 0};
}

static struct cbor_item head_of(struct cbor *c) {
    if (c->at == c->end) return nothing(c);
    uint32_t head = *c->at++, size = head & 31;
    struct cbor_item item = {head >> 5, size, 0};
    if (size > 27) return nothing(c); /* 28 to 30 are reserved, 31 has no length */
    if (size > 23) {
        uint32_t bytes = 1u << (size - 24);
        if ((uint32_t)(c->end - c->at) < bytes) return nothing(c);
        for (item.value = 0; bytes; bytes--) item.value = item.value << 8 | *c->at++;
    }
    return item;
}

void cbor_enter(struct cbor *c) {
    if (head_of(c).type != CBOR_BYTES) nothing(c);
}

struct cbor_item cbor_next(struct cbor *c) {
    struct cbor_item item = head_of(c);
    if (item.type == CBOR_BYTES || item.type == CBOR_TEXT) {
        if (item.value > (uint64_t)(c->end - c->at)) return nothing(c);
        item.bytes = c->at;
        c->at += item.value;
    }
    return item;
}

static void skip(struct cbor *c, uint32_t depth) {
    struct cbor_item item = cbor_next(c);
    uint64_t inside = item.type == CBOR_ARRAY ? item.value : item.type == CBOR_MAP ? 2 * item.value : item.type == CBOR_TAG;
    if (inside && depth == DEPTH_MAX) nothing(c);
    for (; inside && !c->fault; inside--) skip(c, depth + 1);
}

void cbor_skip(struct cbor *c) {
    skip(c, 0);
}

int packet_read(const uint8_t *packet, uint32_t length, struct packet_view *view) {
    if (length < PACKET_HEADER_BYTES) return 0;
    uint32_t body = (uint32_t)packet[2] << 8 | packet[3];
    if (body != length - PACKET_HEADER_BYTES) return 0;
    view->op = packet[0] & 7;
    view->version = packet[0] >> 3 & 3;
    view->group = (uint16_t)(packet[4] << 8 | packet[5]);
    view->sequence = packet[6];
    view->command = packet[7];
    view->body = cbor_in(packet + PACKET_HEADER_BYTES, body);
    return 1;
}

static struct cbor_item member(struct cbor c, const char *key, struct cbor *inside) {
    struct cbor_item map = cbor_next(&c);
    uint32_t length = (uint32_t)strlen(key);
    for (uint64_t left = map.type == CBOR_MAP ? map.value : 0; left && !c.fault; left--) {
        struct cbor_item name = cbor_next(&c);
        int found = name.type == CBOR_TEXT && name.value == length && !memcmp(name.bytes, key, length);
        if (found && inside) *inside = c;
        if (found) return cbor_next(&c);
        cbor_skip(&c);
    }
    return (struct cbor_item){~0u, 0, 0};
}

struct cbor_item packet_member(const struct packet_view *view, const char *key) {
    return member(view->body, key, 0);
}

int32_t packet_refusal(const struct packet_view *view) {
    struct cbor inside = view->body;
    struct cbor_item code = packet_member(view, "rc");
    if (member(view->body, "err", &inside).type == CBOR_MAP) code = member(inside, "rc", 0);
    return code.type == CBOR_UINT && code.value ? (int32_t)(code.value & 0xffff) : -1;
}
