/* Approvals and changes that the broker keeps, handed to the agent by the puts that anybody else would use.
 *
 *   the agent answers                          then
 *   Ok, or why it will never take it           settled, until the next reset
 *   a refusal, and later another anchor        handed in once more, with all others
 *   it cannot just now, or nothing             again, when the broker is asked once more
 *
 * One is worked on at a time, where MQTT left it. Which ones are settled is known by a keyed hash, so that nobody can make a paper
 * that is taken for another one. Of what strangers leave, only so much is handed in in a time. Whose a paper is, is not known
 * here: to prove it takes the agent's arithmetic.
 */
#include "station.h"

enum {
    SETTLED_MAX = 64,
    BYTES_MAX = 1792,    /* of a change; an approval has at most 1024 */
    PIECE_BYTES = 512,   /* of one put: the agent's packets have room for it */
    AT_ONCE_MAX = 32,    /* papers without a pause; then one in REGAIN_MS */
    REGAIN_MS = 10000,
    RETRY_MS = 2000,     /* after an answer that says nothing of the paper, then twice as long each time */
    RETRY_MS_MAX = 60000
};

static const char *const uris[] = {"./FUMO/1/Ext/Countersign/Approvals", "./FUMO/1/Ext/Countersign/Change"};
/* Answers that say nothing of the paper (docs/reasons.md): WrongState, WrongOffset, FlashRead, FlashWrite, FlashErase, TooOften */
static const uint8_t passing[] = {140, 145, 146, 147, 148, 159};

static struct {
    uint64_t hash;
    uint8_t used, accepted;
} settled[SETTLED_MAX];
static uint32_t settled_next;
static uint64_t key[2];
/* Papers that are not settled, since the broker was last asked, and how many of those that come next are passed over: where there
 * are more than may be handed in, chance says which, and none is left out for ever. */
static uint32_t open_now, passed_over;
static uint32_t spent, regained_ms, retry_in, retry_ms = RETRY_MS;

static struct {
    const uint8_t *at; /* 0: none is handed in */
    uint32_t bytes, offset;
    uint64_t hash;
    int is_change;
} paper;

/* ---- SipHash-2-4: J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF" (2012), section 2 ---- */

static uint64_t turn(uint64_t x, uint32_t bits) {
    return x << bits | x >> (64 - bits);
}

static void rounds(uint64_t v[4], uint32_t count) {
    while (count--) {
        v[0] += v[1], v[1] = turn(v[1], 13) ^ v[0], v[0] = turn(v[0], 32);
        v[2] += v[3], v[3] = turn(v[3], 16) ^ v[2];
        v[0] += v[3], v[3] = turn(v[3], 21) ^ v[0];
        v[2] += v[1], v[1] = turn(v[1], 17) ^ v[2], v[2] = turn(v[2], 32);
    }
}

static uint64_t hash_of(const uint8_t *bytes, uint32_t length) {
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du, key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
    for (uint32_t at = 0; at <= length; at += 8) {
        uint64_t word = length - at < 8 ? (uint64_t)length << 56 : 0;
        for (uint32_t i = 0; i < 8 && at + i < length; i++) word |= (uint64_t)bytes[at + i] << 8 * i;
        v[3] ^= word;
        rounds(v, 2);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- Papers ---- */

int papers_heard(int is_change, const uint8_t *bytes, uint32_t length) {
    paper.at = 0;
    if (!length || length > BYTES_MAX) return 0;
    while (!key[0]) key[0] = (uint64_t)station_random() << 32 | station_random(), key[1] = (uint64_t)station_random() << 32 | station_random();
    uint64_t hash = hash_of(bytes, length) ^ (uint64_t)is_change;
    for (uint32_t i = 0; i < SETTLED_MAX; i++)
        if (settled[i].used && settled[i].hash == hash) return 0;
    open_now++;
    if (passed_over || spent >= AT_ONCE_MAX) {
        if (passed_over) passed_over--;
        if (!retry_in) retry_in = REGAIN_MS;
        return 0;
    }
    spent++;
    paper.at = bytes;
    paper.bytes = length;
    paper.offset = 0;
    paper.hash = hash;
    paper.is_change = is_change;
    return 1;
}

int papers_done(void) {
    return !paper.at;
}

uint32_t papers_ask(void *to, uint32_t capacity, uint8_t sequence) {
    if (!paper.at) return 0;
    uint32_t piece = paper.bytes - paper.offset < PIECE_BYTES ? paper.bytes - paper.offset : PIECE_BYTES;
    struct packet p = packet_begin(to, capacity, OP_WRITE, OURS_PUT, sequence, paper.offset ? 3 : 4);
    packet_key(&p, "uri");
    packet_key(&p, uris[paper.is_change]);
    packet_key(&p, "off");
    packet_uint(&p, paper.offset);
    if (!paper.offset) {
        packet_key(&p, "len");
        packet_uint(&p, paper.bytes);
    }
    packet_key(&p, "data");
    packet_bytes(&p, paper.at + paper.offset, piece);
    return packet_end(&p);
}

static void settle(int accepted) {
    settled[settled_next].hash = paper.hash;
    settled[settled_next].used = 1;
    settled[settled_next].accepted = (uint8_t)accepted;
    settled_next = (settled_next + 1) % SETTLED_MAX;
    paper.at = 0;
    retry_ms = RETRY_MS;
    if (!accepted) return;
    /* Others may follow from it: of changes the next one, and whatever the new anchors signed. */
    if (paper.is_change) {
        papers_again();
        retry_in = 1;
    }
    orders_again();
    look_soon(0);
}

static void later(void) {
    paper.at = 0;
    retry_in = retry_ms;
    retry_ms = retry_ms < RETRY_MS_MAX / 2 ? 2 * retry_ms : RETRY_MS_MAX;
}

void papers_answered(const struct packet_view *answer) {
    if (!paper.at) return; /* the connection that it came over is gone */
    if (!answer) {
        later();
        return;
    }
    int32_t refusal = packet_refusal(answer);
    struct cbor_item offset = packet_member(answer, "off");
    if (refusal < 0 && offset.type == CBOR_UINT && offset.value > paper.offset) {
        paper.offset = offset.value < paper.bytes ? (uint32_t)offset.value : paper.bytes;
        if (paper.offset == paper.bytes) settle(1);
    } else if (refusal < 0 || memchr(passing, refusal, sizeof passing)) {
        later();
    } else {
        settle(0);
    }
}

void papers_again(void) {
    for (uint32_t i = 0; i < SETTLED_MAX; i++)
        if (!settled[i].accepted) settled[i].used = 0;
}

void papers_tick(uint32_t milliseconds) {
    for (regained_ms += milliseconds; regained_ms >= REGAIN_MS; regained_ms -= REGAIN_MS)
        if (spent) spent--;
    if (!retry_in) return;
    retry_in -= milliseconds < retry_in ? milliseconds : retry_in;
    if (retry_in) return;
    passed_over = spent + 1 >= AT_ONCE_MAX && open_now ? station_random() % open_now : 0;
    open_now = 0;
    station_refresh();
}
