/* The device's side of a broker (boards/net/radio.c and its parts) on this machine, for tests/net/radio.test.ts.
 *
 *   settings         a page of settings on stdin: prints what it says, or "none"
 *   flood SEED N     N strangers leave papers on the broker: prints the seconds until the agent is given the one behind them
 *   fuzz SEED N      N connections with a hostile broker, and an agent that says anything: nothing is read or written beyond its
 *                    bounds (the sanitizers look), no packet is larger than asked for, and it stays of use
 */
#include "../../boards/net/packet.h"
#include "../../boards/net/radio.h"
#include "../../boards/net/settings.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY = 2176, STREAM_BYTES_MAX = 8192, STEPS = 400 };

static uint32_t seed = 1;
static struct net_settings settings;

static uint32_t next(void) {
    seed ^= seed << 13, seed ^= seed >> 17, seed ^= seed << 5;
    return seed;
}

static uint32_t chance(uint32_t below) {
    return next() % below;
}

static void fail(const char *what) {
    printf("%s\n", what);
    exit(1);
}

/* ---- A broker ---- */

static uint8_t stream[STREAM_BYTES_MAX];
static uint32_t stream_bytes;

static void put(const void *bytes, uint32_t length) {
    memcpy(stream + stream_bytes, bytes, length);
    stream_bytes += length;
}

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
static const char *const topics[] = {
    "cs/plant/d/pump/req/c1", "cs/plant/d/pump/req/c 1", "cs/plant/d/pump/online", "cs/plant/d/pump/order", "cs/plant/g/cellar/order", "cs/plant/approvals/anna",
    "cs/plant/changes/7", "cs/plant/p/" DIGEST "/raw/i", "cs/plant/p/" DIGEST "/raw/0", "cs/plant/p/" DIGEST "/raw/1", "cs/plant/p/" DIGEST "/raw/4000000000", "cs/plant/p/", "x",
};
static const char *const payloads[] = {
    "{\"version\":1,\"digest\":\"" DIGEST "\",\"encoding\":\"raw\",\"correlator\":\"order-1\",\"spread\":1}",
    "{\"version\":1,\"digest\":\"" DIGEST "\",\"encoding\":\"raw\",\"correlator\":\"a\\\"\\\\b\",\"more\":{\"a\":[1,\"}\"]}}",
    "{\"version\":1,\"bytes\":1000,\"blockBytes\":512,\"count\":2}", "{\"version\":1,\"bytes\":16777216,\"blockBytes\":512,\"count\":32768}",
    "{\"version\":1,\"digest\":\"" DIGEST DIGEST DIGEST "\",\"encoding\":\"raw\",\"correlator\":\"" DIGEST "\"}",
    "offline", "{", "{\"a\":", "[[[[[[[[[[", "{\"version\":1}",
};

static void message(void) {
    static uint8_t payload[3000];
    const char *topic = topics[chance(sizeof topics / sizeof *topics)];
    uint32_t length = chance(3) ? chance(700) : chance(2) ? 512 : 2000 + chance(900), qos = chance(3) == 0, bytes = (uint32_t)strlen(topic);
    for (uint32_t i = 0; i < length; i++) payload[i] = (uint8_t)next();
    if (chance(2)) {
        const char *known = payloads[chance(sizeof payloads / sizeof *payloads)];
        memcpy(payload, known, length = (uint32_t)strlen(known));
        if (chance(2)) payload[chance(length)] = (uint8_t)next();
    } else if (length >= 8 && chance(2)) { /* a packet of SMP */
        payload[0] = (uint8_t)(8 | (chance(2) ? 0 : 2));
        payload[2] = (uint8_t)((length - 8) >> 8);
        payload[3] = (uint8_t)(length - 8);
    }
    uint32_t whole = 2 + bytes + (qos ? 2 : 0) + length;
    if (stream_bytes + whole + 8 > sizeof stream) return;
    uint8_t head[] = {(uint8_t)(0x30 | qos << 1 | chance(2)), (uint8_t)(whole & 127) | 128, (uint8_t)(whole >> 7 & 127) | 128, (uint8_t)(whole >> 14), (uint8_t)(bytes >> 8), (uint8_t)bytes};
    put(head, sizeof head);
    put(topic, bytes);
    if (qos) put("\0\7", 2);
    put(payload, length);
}

static void broker_says(void) {
    static const uint8_t puback[] = {0x40, 2, 0, 9}, suback[] = {0x90, 3, 0, 1, 0}, pingresp[] = {0xd0, 0};
    uint32_t which = chance(12);
    if (which == 0) put(puback, sizeof puback);
    else if (which == 1) put(suback, sizeof suback);
    else if (which == 2) put(pingresp, sizeof pingresp);
    else message();
    if (chance(200) == 0 && stream_bytes) stream[chance(stream_bytes)] ^= (uint8_t)(1u << chance(8));
}

/* ---- An agent ---- */

/* Of nodes of its tree: a list, the number of a change, what is installed, an approval, groups in a bootstrap document, much. */
static const struct value {
    const char *at;
    uint32_t bytes;
} values[] = {
    {"0/3/31/77", 9},
    {"100", 3},
    {"\xa1\1\x1b\xff\xff\xff\xff\xff\xff\xff\xff", 11},
    {"\xa3\1\5\2\x58\x20" "00112233445566778899aabbccddeeff" "\3\x65" "1.2.3", 45},
    {"\xd2\x84\x43\xa1\1\x26\xa1\4\x42kk\x58\xff\xa2\1\x61z\x3a\0\1\x11\x70\x18\x63", 24},
    {"\xa2\1\1\x8\x83\x65" "attic\x66" "cellar\x61" "b", 20},
    {DIGEST DIGEST DIGEST DIGEST DIGEST DIGEST DIGEST DIGEST, 512},
};

static void agent_says(const uint8_t *asked, uint32_t length) {
    static uint8_t packet[700];
    uint8_t digest[32];
    for (uint32_t i = 0; i < sizeof digest; i++) digest[i] = (uint8_t)(i % 16 * 0x11);
    struct packet p;
    uint32_t bytes;
    switch (length && asked[5] == 64 && chance(8) ? 2 : chance(6)) {
    case 0: /* blocks */
        p = packet_begin(packet, sizeof packet, OP_READ, OURS_BLOCK, (uint8_t)next(), 3);
        packet_key(&p, "digest"), packet_bytes(&p, digest, 32);
        packet_key(&p, "off"), packet_uint(&p, chance(8) ? chance(4) * 512 : next());
        packet_key(&p, "len"), packet_uint(&p, chance(8) ? (1 + chance(32)) * 512 : next());
        break;
    case 1: /* an alert */
        p = packet_begin(packet, sizeof packet, OP_WRITE, OURS_ALERT, 0, 3);
        packet_key(&p, "n"), packet_uint(&p, next());
        packet_key(&p, "reason"), packet_uint(&p, chance(2) ? 159 : next());
        packet_key(&p, "corr"), packet_text(&p, "order-1", 7);
        break;
    case 2: /* a value, or where a put goes on */
        if (length && (asked[0] & 1)) return;
        p = packet_begin(packet, sizeof packet, length && (asked[0] & 7) == 2 ? 3 : 1, length ? asked[7] : 0, length ? asked[6] : 0, 3);
        packet_key(&p, "off"), packet_uint(&p, chance(2) ? next() : 512);
        const struct value *value = &values[chance(sizeof values / sizeof *values)];
        packet_key(&p, "len"), packet_uint(&p, chance(4) ? value->bytes : next());
        packet_key(&p, "data"), packet_bytes(&p, value->at, chance(4) ? value->bytes : chance(value->bytes + 1));
        break;
    case 3: /* a refusal */
        p = packet_begin(packet, sizeof packet, 3, length ? asked[7] : 0, length ? asked[6] : 0, 1);
        packet_key(&p, "rc"), packet_uint(&p, chance(170));
        break;
    default: return;
    }
    bytes = packet_end(&p);
    if (chance(8) == 0) packet[8 + chance(bytes - 8)] = (uint8_t)next();
    uint8_t *copy = malloc(bytes);
    memcpy(copy, packet, bytes);
    radio_write(copy, bytes);
    free(copy);
}

static void drain(void) {
    uint32_t length;
    radio_out(&length);
    if (length > MQTT_OUT_BYTES) fail("more to send than there is room");
    if (length) radio_sent(1 + chance(length));
}

static void live(void) {
    static const uint8_t connack[] = {0x20, 2, 0, 0};
    static const char console[] = "state 30, reason 0\r\nstate 999, reason\r\n, reason 5\nstate 5\n";
    uint8_t *packet = malloc(CAPACITY);
    int in = 0;
    for (uint32_t step = 0; step < STEPS; step++) {
        if (!in) {
            radio_connected();
            stream_bytes = 0;
            put(connack, sizeof connack);
            in = 1;
        }
        if (stream_bytes < 4000) broker_says();
        uint8_t *copy = malloc(stream_bytes);
        uint32_t piece = chance(stream_bytes + 1);
        memcpy(copy, stream, piece);
        uint32_t taken = radio_take(copy, piece);
        free(copy);
        if (taken > piece) fail("more taken than was there");
        memmove(stream, stream + taken, stream_bytes -= taken);
        uint32_t length = radio_read(packet, CAPACITY);
        if (length > CAPACITY || (length && length < PACKET_HEADER_BYTES)) fail("no packet");
        agent_says(packet, length);
        radio_console(console, chance(sizeof console));
        drain();
        if (!radio_tick(chance(4) ? 10 : 40000 * chance(2)) || chance(100) == 0) {
            radio_lost();
            in = 0;
        }
    }
    /* After all of that somebody asks, and is answered. */
    if (in) radio_lost();
    radio_connected();
    static const uint8_t echo[] = "\x30\x23\0\x16" "cs/plant/d/pump/req/c1" "\x0a\0\0\3\0\0\x77\0\xa1\x61z";
    stream_bytes = 0;
    put(connack, sizeof connack);
    put(echo, sizeof echo - 1);
    for (uint32_t turn = 0, taken = 0; turn < 4000; turn++) {
        taken += radio_take(stream + taken, stream_bytes - taken);
        uint32_t length = radio_read(packet, CAPACITY);
        if (length == 11 && packet[6] == 0x77) break;
        uint32_t waiting;
        radio_out(&waiting);
        radio_sent(waiting);
        if (turn == 3999) fail("a request does not reach the agent");
    }
    radio_lost();
    free(packet);
}

/* ---- Strangers' papers ---- */

static void retained_paper(uint32_t number) {
    static const char topic[] = "cs/plant/approvals/a";
    uint8_t paper[] = {'p', (uint8_t)(number >> 8), (uint8_t)number};
    uint8_t head[] = {0x31, 2 + sizeof topic - 1 + sizeof paper, 0, sizeof topic - 1};
    put(head, sizeof head);
    put(topic, sizeof topic - 1);
    put(paper, sizeof paper);
}

/* So many strangers' papers stand on the broker before the one that counts: the seconds until the agent is given that. */
static uint32_t seconds_until_given(uint32_t strangers) {
    static uint8_t sent[MQTT_OUT_BYTES];
    static const uint8_t connack[] = {0x20, 2, 0, 0};
    uint8_t packet[CAPACITY];
    uint32_t counts = ~0u;
    radio_connected();
    put(connack, sizeof connack);
    for (uint32_t tenths = 0, seconds = 0; seconds < 36000; seconds += tenths++ % 10 == 0) {
        for (uint32_t taken = 1; taken;) {
            taken = radio_take(stream, stream_bytes);
            memmove(stream, stream + taken, stream_bytes -= taken);
            uint32_t length = radio_read(packet, sizeof packet);
            int is_put = length > 40 && (packet[0] & 7) == OP_WRITE && packet[length - 3] == 'p';
            if (is_put && (uint32_t)(packet[length - 2] << 8 | packet[length - 1]) == strangers) return seconds;
            if (length) { /* the agent takes none of them, and says nothing else */
                struct packet p = packet_begin(packet, sizeof packet, (packet[0] & 7) | 1, packet[7], packet[6], 1);
                packet_key(&p, "rc"), packet_uint(&p, 27);
                radio_write(packet, packet_end(&p));
            }
            if (counts < strangers + 1 && stream_bytes < STREAM_BYTES_MAX - 100) retained_paper(counts++), taken = 1;
        }
        uint32_t length;
        const uint8_t *out = radio_out(&length);
        memcpy(sent, out, length);
        for (uint32_t i = 0; i + 11 < length; i++)
            if (!memcmp(sent + i, "approvals/+", 11) && counts > strangers) counts = 0; /* it asks for all that is kept */
        radio_sent(length);
        radio_tick(100);
    }
    return ~0u;
}

int main(int count, char **words) {
    if (count == 2 && !strcmp(words[1], "settings")) {
        uint8_t page[SETTINGS_BYTES] = {0};
        fread(page, 1, sizeof page, stdin);
        if (!settings_read(page, &settings)) return printf("none\n"), 0;
        const struct net_settings *s = &settings;
        printf("%02x%02x %s %u %s %s %s %s \n", s->mac[0], s->mac[5], s->broker, s->port, s->fleet, s->device, s->user, s->password);
        printf("%u.%u.%u.%u %u %u %u %s %s\n", s->address[0], s->address[1], s->address[2], s->address[3], s->mask[0], s->gateway[3], s->dns[3], s->groups[0], s->groups[1]);
        return 0;
    }
    if (count != 4) return 2;
    seed = (uint32_t)atoi(words[2]) * 2654435761u | 1;
    strcpy(settings.fleet, "plant"), strcpy(settings.device, "pump"), strcpy(settings.groups[0], "cellar");
    radio_start(&settings, next);
    if (!strcmp(words[1], "flood")) return printf("%u\n", seconds_until_given((uint32_t)atoi(words[3]))), 0;
    for (int i = atoi(words[3]); i; i--) live();
    printf("ok\n");
    return 0;
}
