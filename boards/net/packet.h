/* SMP packets (docs/protocol.md): requests that this side makes of the agent, and what is in its answers. CBOR, as much of it as
 * they have: definite lengths, text keys. A reader never leaves its bytes; the first fault stays. */
#ifndef COUNTERSIGN_NET_PACKET_H
#define COUNTERSIGN_NET_PACKET_H
#include <stdint.h>

enum { PACKET_BYTES_MAX = 640, PACKET_HEADER_BYTES = 8 };

enum { OP_READ = 0, OP_READ_RESPONSE = 1, OP_WRITE = 2, OP_WRITE_RESPONSE = 3 };
enum { GROUP_OURS = 64 };
enum { OURS_GET = 0, OURS_PUT = 1, OURS_EXEC = 3, OURS_ALERT = 6, OURS_BLOCK = 7 };

/* ---- Writing ---- */

struct packet {
    uint8_t *at;
    uint32_t bytes, capacity;
};

/* A body is one map of so many members, which follow. */
struct packet packet_begin(void *to, uint32_t capacity, uint8_t op, uint8_t command, uint8_t sequence, uint32_t members);
void packet_text(struct packet *, const char *text, uint32_t bytes);
void packet_key(struct packet *, const char *key);
void packet_bytes(struct packet *, const void *bytes, uint32_t length);
void packet_uint(struct packet *, uint32_t value);
/* Its length with the header made whole; 0: it did not fit. */
uint32_t packet_end(struct packet *);

/* ---- Reading ---- */

struct cbor {
    const uint8_t *at, *end;
    int fault;
};

enum { CBOR_UINT = 0, CBOR_NEGATIVE = 1, CBOR_BYTES = 2, CBOR_TEXT = 3, CBOR_ARRAY = 4, CBOR_MAP = 5, CBOR_TAG = 6, CBOR_SIMPLE = 7 };

struct cbor_item {
    uint32_t type;
    uint64_t value;       /* of a number; the count of what is in an array or a map, the length of a string */
    const uint8_t *bytes; /* of a string */
};

struct cbor cbor_in(const void *bytes, uint32_t length);
/* The next item; what is in an array or a map comes after it. */
struct cbor_item cbor_next(struct cbor *);
/* Past the next item and all that is in it. */
void cbor_skip(struct cbor *);

/* Into the byte string that comes next: what is in it is read as if it stood here. */
void cbor_enter(struct cbor *);

struct packet_view {
    uint8_t op, version, sequence, command;
    uint16_t group;
    struct cbor body;
};

/* False: it is no packet. */
int packet_read(const uint8_t *packet, uint32_t length, struct packet_view *);
/* A member of the body; type ~0: it is not there. */
struct cbor_item packet_member(const struct packet_view *, const char *key);
/* The number of the refusal in it, -1: it is none. */
int32_t packet_refusal(const struct packet_view *);
#endif
