/* The blocks that the agent asks for: each is a retained message of its own, and exactly those are subscribed to that are wanted.
 *
 *   the agent asks           subscribed to                      handed in
 *   for a package first      how many blocks there are, once    nothing yet
 *   for blocks               these, in their order              each as it comes
 *   for some of them again   these once more                    the same
 *   for another package      that one; of the last one nothing  nothing any more of the last one
 *
 * A broker sends what is retained in the order in which it was subscribed to, which is the order that the agent takes it in: nothing
 * is kept here. A block that was not waited for, or has a wrong length, is dropped; the agent hashes the rest.
 */
#include "json.h"
#include "station.h"

enum {
    BLOCK_BYTES = 512,
    BLOCKS_MAX = 64,                    /* two windows of an agent */
    PACKAGE_BYTES_MAX = 16 * 1024 * 1024,
    OVER_AT_ONCE = 16,                  /* are given up together */
    PROGRESS_BLOCKS = 64                /* between two words of how much has come */
};

enum { FREE, WANTED, WAITED, OVER };
#define INFO ~0u /* the number of the topic that tells how many there are */

static uint8_t digest[DIGEST_BYTES];
static struct {
    uint32_t number;
    uint8_t state;
} blocks[BLOCKS_MAX];
static uint8_t asked; /* the sequence number of the last request */
static int pulling;
static uint32_t bytes, told;              /* of the package, 0: not known yet; blocks when progress was last told */
static uint32_t early_offset, early_bytes; /* asked for before that was known; 0 bytes: nothing */
static uint32_t due;                      /* the number of the block that is handed in */

static struct text topic_of(uint32_t number, char *at, uint32_t capacity) {
    struct text t = station_topic(at, capacity, "p/");
    text_hex(&t, digest, DIGEST_BYTES);
    text_put(&t, "/raw/");
    if (number == INFO) text_put(&t, "i");
    else text_number(&t, number);
    return t;
}

static void want(uint32_t number) {
    uint32_t place = BLOCKS_MAX;
    for (uint32_t i = 0; i < BLOCKS_MAX; i++) {
        if (blocks[i].state != FREE && blocks[i].number == number) place = i;
        if (blocks[i].state == FREE && place == BLOCKS_MAX) place = i;
    }
    if (place == BLOCKS_MAX) return; /* the agent asks again */
    blocks[place].number = number;
    blocks[place].state = WANTED;
}

static uint32_t block_bytes(uint32_t number) {
    uint32_t from = number * BLOCK_BYTES;
    return from >= bytes ? 0 : bytes - from < BLOCK_BYTES ? bytes - from : BLOCK_BYTES;
}

static void want_all(uint32_t offset, uint32_t length) {
    for (uint32_t at = offset; at < offset + length && at < bytes; at += BLOCK_BYTES) want(at / BLOCK_BYTES);
}

/* Ends what is subscribed to, while the topics can still be named. */
static void end(void) {
    char at[MQTT_TOPIC_BYTES_MAX];
    for (uint32_t i = 0; i < BLOCKS_MAX; i++) {
        if (blocks[i].state == WAITED || blocks[i].state == OVER) {
            struct text topic = topic_of(blocks[i].number, at, sizeof at);
            mqtt_unsubscribe(&station, text_of(&topic)); /* where there is no room, a message comes that nobody waits for */
        }
        blocks[i].state = FREE;
    }
}

void blocks_wanted(const uint8_t *wanted, uint32_t offset, uint32_t length, uint8_t sequence) {
    if (length > BLOCKS_MAX / 2 * BLOCK_BYTES || (offset | length) % BLOCK_BYTES || offset > PACKAGE_BYTES_MAX) return;
    if (wanted ? !pulling || memcmp(wanted, digest, DIGEST_BYTES) : !pulling) {
        if (!wanted) return;
        end();
        memcpy(digest, wanted, DIGEST_BYTES);
        pulling = 1;
        bytes = told = early_bytes = 0;
    }
    asked = sequence;
    if (bytes) {
        want_all(offset, length);
        return;
    }
    early_offset = offset;
    early_bytes = length;
    want(INFO);
}

static void info_heard(const uint8_t *text, uint32_t length) {
    struct json j = json_in(text, length);
    struct json_member m;
    uint32_t version = 0, package = 0, block = 0, count = 0;
    while (json_next(&j, &m)) {
        if (text_same(m.name, "version")) version = json_number(&m);
        if (text_same(m.name, "bytes")) package = json_number(&m);
        if (text_same(m.name, "blockBytes")) block = json_number(&m);
        if (text_same(m.name, "count")) count = json_number(&m);
    }
    if (j.fault || version != 1 || !package || package > PACKAGE_BYTES_MAX || block != BLOCK_BYTES) return;
    if (count != (package + BLOCK_BYTES - 1) / BLOCK_BYTES || bytes) return;
    bytes = package;
    want_all(early_offset, early_bytes);
}

int blocks_heard(struct mqtt_text below, const uint8_t *payload, uint32_t length) {
    enum { NAMED = 2 * DIGEST_BYTES, RAW = sizeof "/raw/" - 1 };
    uint8_t named[DIGEST_BYTES];
    if (!pulling || below.bytes <= NAMED + RAW || memcmp(below.at + NAMED, "/raw/", RAW)) return 0;
    if (!text_unhex(below.at, NAMED, named, DIGEST_BYTES) || memcmp(named, digest, DIGEST_BYTES)) return 0;
    struct mqtt_text last = {below.at + NAMED + RAW, below.bytes - NAMED - RAW};
    uint32_t number = text_same(last, "i") ? INFO : text_value(last.at, last.bytes);
    for (uint32_t i = 0; i < BLOCKS_MAX; i++) {
        if (blocks[i].state != WAITED || blocks[i].number != number) continue;
        if (number == INFO) {
            blocks[i].state = OVER;
            info_heard(payload, length);
            return 0;
        }
        if (!bytes || length != block_bytes(number)) return 0;
        blocks[i].state = OVER;
        due = number;
        return 1;
    }
    return 0;
}

uint32_t blocks_packet(void *to, uint32_t capacity, const uint8_t *payload, uint32_t length) {
    struct packet p = packet_begin(to, capacity, OP_READ_RESPONSE, OURS_BLOCK, asked, 3);
    packet_key(&p, "off");
    packet_uint(&p, due * BLOCK_BYTES);
    packet_key(&p, "len");
    packet_uint(&p, bytes);
    packet_key(&p, "data");
    packet_bytes(&p, payload, length);
    if (shown.state == STATE_DOWNLOADING && due + 1 >= told + PROGRESS_BLOCKS) {
        told = due + 1;
        shown.progress = (int32_t)((uint64_t)told * BLOCK_BYTES * 100 / bytes);
        if (shown.progress > 100) shown.progress = 100;
        station_shows();
    }
    return packet_end(&p);
}

void blocks_pump(void) {
    char at[MQTT_TOPIC_BYTES_MAX];
    uint32_t over = 0, waited = 0, wanted = 0;
    for (uint32_t i = 0; i < BLOCKS_MAX; i++) {
        over += blocks[i].state == OVER;
        waited += blocks[i].state == WAITED;
        wanted += blocks[i].state == WANTED;
    }
    /* What is over makes room for what is wanted; else it is given up with others, or when nothing else is on its way. */
    int give_up = over >= OVER_AT_ONCE || (over && !waited && !wanted);
    for (uint32_t i = 0; i < BLOCKS_MAX && give_up; i++) {
        if (blocks[i].state != OVER) continue;
        struct text topic = topic_of(blocks[i].number, at, sizeof at);
        if (!mqtt_unsubscribe(&station, text_of(&topic))) return;
        blocks[i].state = FREE;
    }
    while (wanted--) {
        uint32_t next = BLOCKS_MAX;
        for (uint32_t i = 0; i < BLOCKS_MAX; i++)
            if (blocks[i].state == WANTED && (next == BLOCKS_MAX || blocks[i].number < blocks[next].number)) next = i;
        if (next == BLOCKS_MAX) return;
        struct text topic = topic_of(blocks[next].number, at, sizeof at);
        if (!mqtt_subscribe(&station, text_of(&topic), 0)) return;
        blocks[next].state = WAITED;
    }
}

/* The next connection begins without subscriptions: what is waited for is wanted anew. */
void blocks_lost(void) {
    for (uint32_t i = 0; i < BLOCKS_MAX; i++) blocks[i].state = blocks[i].state == WAITED || blocks[i].state == WANTED ? WANTED : FREE;
}
