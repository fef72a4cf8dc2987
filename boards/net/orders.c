/* Orders to fetch a package, which the broker keeps for this device or its groups: put to the agent as Exec with the digest of the
 * package, as anybody else would.
 *
 *   what happens                                   then
 *   it has a time, and this board has no clock     is left alone: it might be outside of it
 *   somewhere in its spread                        waits
 *   the package runs, or the user said no          is over
 *   after a reset                                  once more, unless an update is under way or the package runs
 *   a newer approval or change was kept            once more
 *   somebody says it once more, now                once more, unless the package runs
 *   the agent cannot just now                      later, then twice as long each time, up to an hour
 *   another order has taken its place              once more after a moment, then later and later
 *
 * An order is a hint of somebody untrusted: what becomes of it, the agent decides.
 */
#include "json.h"
#include "station.h"

enum {
    ORDERS_MAX = 1 + GROUPS_MAX, /* one stands on each topic */
    JSON_BYTES_MAX = 2048,
    TRIES_MAX = 16,
    FIRST_MS = 300, /* what is retained comes one by one, and papers go first */
    PAUSE_MS = 2000,
    LATER_MS = 60000,
    LATER_MS_MAX = 3600000,
    SPREAD_S_MAX = 4000000, /* in milliseconds it fits a word */
    DOWNLOAD_AND_UPDATE = 3
};

/* Reasons that pass (docs/reasons.md): FlashRead, FlashWrite, FlashErase, TooOften */
static const uint8_t passing[] = {146, 147, 148, 159};

enum { NONE, WAITS, PUT, ENDED };

static struct order {
    uint8_t state, tries, told, correlator_bytes;
    uint32_t due_in, later_ms;
    uint8_t digest[DIGEST_BYTES];
    char correlator[CORRELATOR_BYTES_MAX];
} orders[ORDERS_MAX];
static struct order *asked;

static int runs(const struct order *o) {
    return shown.digest_bytes == DIGEST_BYTES && !memcmp(o->digest, shown.digest, DIGEST_BYTES);
}

static void wait_for(struct order *o, uint32_t milliseconds) {
    o->state = WAITS;
    o->due_in = milliseconds;
}

static void postpone(struct order *o) {
    wait_for(o, o->later_ms);
    o->later_ms = o->later_ms < LATER_MS_MAX / 2 ? 2 * o->later_ms : LATER_MS_MAX;
}

/* docs/protocol.md, "Orders". False: it is none that this board can take. */
static int read_order(const uint8_t *bytes, uint32_t length, struct order *o, uint32_t *spread) {
    struct json j = json_in(bytes, length);
    struct json_member m;
    uint32_t version = 0, timed = 0, digest = 0, raw = 0;
    *spread = 0;
    memset(o, 0, sizeof *o);
    while (json_next(&j, &m)) {
        if (text_same(m.name, "version")) version = json_number(&m);
        if (text_same(m.name, "digest")) digest = m.type == JSON_STRING && text_unhex(m.value.at, m.value.bytes, o->digest, DIGEST_BYTES);
        if (text_same(m.name, "encoding")) raw = m.type == JSON_STRING && text_same(m.value, "raw");
        if (text_same(m.name, "correlator")) o->correlator_bytes = (uint8_t)json_word(&m, o->correlator, CORRELATOR_BYTES_MAX);
        if (text_same(m.name, "notBefore") || text_same(m.name, "deadline")) timed = 1;
        if (text_same(m.name, "spread")) *spread = json_number(&m);
    }
    return !j.fault && version == 1 && digest && raw && o->correlator_bytes && !timed && *spread <= SPREAD_S_MAX;
}

void orders_heard(uint32_t topic, const uint8_t *bytes, uint32_t length, int retained) {
    static struct order heard;
    uint32_t spread;
    if (topic >= ORDERS_MAX) return;
    struct order *o = &orders[topic];
    if (length > JSON_BYTES_MAX || !read_order(bytes, length, &heard, &spread)) {
        o->state = NONE;
        return;
    }
    int same = o->state != NONE && o->correlator_bytes == heard.correlator_bytes && !memcmp(o->correlator, heard.correlator, heard.correlator_bytes) &&
               !memcmp(o->digest, heard.digest, DIGEST_BYTES);
    if (same) {
        /* To an agent that is at it already it is the same order. */
        if (!retained && o->tries && o->tries < TRIES_MAX && o->state != WAITS && !runs(o)) wait_for(o, 0);
        return;
    }
    *o = heard;
    o->later_ms = LATER_MS;
    wait_for(o, FIRST_MS + (spread ? station_random() % (spread * 1000) : 0));
}

uint32_t orders_ask(void *to, uint32_t capacity, uint8_t sequence) {
    if (!shown.known || shown.state == STATE_UPDATING) return 0;
    for (uint32_t i = 0; i < ORDERS_MAX; i++) {
        struct order *o = &orders[i];
        if (o->state != WAITS || o->due_in) continue;
        if (runs(o)) {
            o->state = ENDED;
            continue;
        }
        struct packet p = packet_begin(to, capacity, OP_WRITE, OURS_EXEC, sequence, 3);
        packet_key(&p, "uri");
        packet_key(&p, "./FUMO/1/DownloadAndUpdate");
        packet_key(&p, "corr");
        packet_text(&p, o->correlator, o->correlator_bytes);
        packet_key(&p, "hash");
        packet_bytes(&p, o->digest, DIGEST_BYTES);
        o->tries++;
        o->told = 0;
        o->state = PUT;
        asked = o;
        return packet_end(&p);
    }
    return 0;
}

static void settle(struct order *o, int32_t reason) {
    if (reason == REASON_OK || reason == REASON_UNCHANGED || reason == REASON_USER_REFUSED) o->state = ENDED;
    else if (memchr(passing, reason, sizeof passing)) postpone(o);
}

void orders_answered(const struct packet_view *answer) {
    if (asked->state != PUT) return; /* another one stands there now */
    int32_t refusal = answer ? packet_refusal(answer) : -1;
    if (refusal >= 0) settle(asked, refusal);
    else if (!answer && asked->tries >= TRIES_MAX) postpone(asked);
    else if (!answer) wait_for(asked, PAUSE_MS);
    look_soon(0);
}

/* Another order has taken the place of ours, it seems. While something is under way, its end is waited for. */
static void displaced(void) {
    if (!station_is_idle()) return;
    for (uint32_t i = 0; i < ORDERS_MAX; i++) {
        struct order *o = &orders[i];
        if (o->state != PUT || o->told) continue;
        if (o->tries >= TRIES_MAX) postpone(o);
        else wait_for(o, (uint32_t)PAUSE_MS << (o->tries < 10 ? o->tries : 10));
    }
}

void orders_told(const uint8_t *correlator, uint32_t length, int32_t reason) {
    int ours = 0;
    for (uint32_t i = 0; i < ORDERS_MAX; i++) {
        struct order *o = &orders[i];
        if (o->state == NONE || o->correlator_bytes != length || memcmp(o->correlator, correlator, length)) continue;
        ours = 1;
        o->told = 1;
        if (o->state != ENDED) settle(o, reason);
    }
    if (!ours) displaced();
}

void orders_fetches(const uint8_t digest[DIGEST_BYTES]) {
    for (uint32_t i = 0; i < ORDERS_MAX; i++)
        if (orders[i].state != NONE && !memcmp(orders[i].digest, digest, DIGEST_BYTES)) return;
    displaced();
}

/* What an operator signed has come: nothing of what was counted against strangers holds. */
void orders_again(void) {
    for (uint32_t i = 0; i < ORDERS_MAX; i++) {
        struct order *o = &orders[i];
        if (o->state != PUT && (o->state != WAITS || !o->tries)) continue;
        o->tries = 0;
        o->later_ms = LATER_MS;
        wait_for(o, FIRST_MS);
    }
}

void orders_tick(uint32_t milliseconds) {
    for (uint32_t i = 0; i < ORDERS_MAX; i++) orders[i].due_in -= milliseconds < orders[i].due_in ? milliseconds : orders[i].due_in;
}
