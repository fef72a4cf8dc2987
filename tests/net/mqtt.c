/* boards/net/mqtt.c on this machine, for tests/net/mqtt.test.ts.
 *
 *   read             a stream of a broker on stdin: prints what it tells, and fails if that hangs on how it was cut up
 *   fuzz SEED N      the same, N times, with a stream that was damaged by chance
 *   write            prints, in hex, all that it can send
 *   quiet            prints what time alone does
 */
#include "../../boards/net/mqtt.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM_BYTES_MAX = 1 << 20, TOLD_BYTES_MAX = 1 << 22, LAST_SPLITS = 600 };

static uint8_t stream[STREAM_BYTES_MAX], damaged[STREAM_BYTES_MAX];
static struct told {
    char text[TOLD_BYTES_MAX];
    size_t bytes;
} whole, parts;
static struct mqtt m;
static uint32_t seed = 1;

static uint32_t chance(uint32_t below) {
    seed ^= seed << 13, seed ^= seed >> 17, seed ^= seed << 5;
    return seed % below;
}

static void tell(struct told *to, const char *format, ...) {
    va_list words;
    va_start(words, format);
    to->bytes += (size_t)vsnprintf(to->text + to->bytes, TOLD_BYTES_MAX - to->bytes, format, words);
    va_end(words);
    if (to->bytes >= TOLD_BYTES_MAX) exit(3);
}

static void tell_hex(struct told *to, const uint8_t *bytes, uint32_t length) {
    for (uint32_t i = 0; i < length; i++) tell(to, "%02x", bytes[i]);
}

static struct mqtt_text text(const char *word) {
    return (struct mqtt_text){word, (uint32_t)strlen(word)};
}

static void begin(int with_user) {
    struct mqtt_options options = {.client = text("cs0123456789abcdef"), .will_topic = text("cs/plant/d/pump/online"), .will = text("offline"), .keep_alive_s = 30};
    if (with_user) options.user = text("pump"), options.password = text("secret");
    mqtt_begin(&m, &options);
}

/* What was to be sent goes into the log as one, at the end: when it goes out hangs on the cuts. */
static void drain(struct told *sent) {
    tell_hex(sent, m.out, m.out_bytes);
    mqtt_sent(&m, m.out_bytes);
}

static void feed(struct told *to, const uint8_t *bytes, uint32_t length, uint32_t (*cut)(uint32_t left)) {
    static struct told sent;
    sent.bytes = to->bytes = 0;
    memset(&m, 0xa5, sizeof m);
    begin(0);
    mqtt_sent(&m, m.out_bytes);
    for (uint32_t at = 0; at < length;) {
        uint32_t piece = cut(length - at);
        /* A copy of its own: what is read beyond it is found out. */
        uint8_t *copy = malloc(piece);
        memcpy(copy, bytes + at, piece);
        for (uint32_t done = 0; done < piece;) {
            enum mqtt_event event;
            uint32_t taken = mqtt_take(&m, copy + done, piece - done, &event);
            if (event == MQTT_MESSAGE) {
                tell(to, "message %.*s %d ", (int)m.message.topic.bytes, m.message.topic.at, m.message.retained != 0);
                tell_hex(to, m.message.payload, m.message.bytes);
                tell(to, "\n");
            }
            if (event == MQTT_CONNECTED) tell(to, "connected\n");
            if (event == MQTT_ACKNOWLEDGED) tell(to, "acknowledged %u\n", m.id);
            if (event == MQTT_SUBSCRIBED) tell(to, "subscribed %u %u\n", m.id, m.code);
            if (event == MQTT_BROKEN) {
                tell(to, "broken\n");
                at = length;
            }
            drain(&sent);
            if (event == MQTT_BROKEN) break;
            if (!taken && event == MQTT_NOTHING) exit(4); /* it stands still */
            done += taken;
        }
        free(copy);
        if (at < length) at += piece;
    }
    tell(to, "sent %.*s\n", (int)sent.bytes, sent.text);
}

static uint32_t first_cut;
static int is_first;
static uint32_t all(uint32_t left) { return left; }
static uint32_t each(uint32_t left) { return left ? 1 : 0; }
static uint32_t once(uint32_t left) {
    uint32_t piece = is_first && first_cut < left ? first_cut : left;
    is_first = 0;
    return piece;
}
static uint32_t any(uint32_t left) {
    uint32_t piece = 1 + chance(chance(2) ? 8 : 600);
    return piece < left ? piece : left;
}

static void compare(const char *how, uint32_t where) {
    if (whole.bytes == parts.bytes && !memcmp(whole.text, parts.text, whole.bytes)) return;
    printf("%s %u: tells\n%.*s\nnot\n%.*s\n", how, where, (int)parts.bytes, parts.text, (int)whole.bytes, whole.text);
    exit(1);
}

static void every_way(const uint8_t *bytes, uint32_t length, uint32_t splits, uint32_t ways) {
    feed(&whole, bytes, length, all);
    feed(&parts, bytes, length, each);
    compare("byte by byte", 0);
    for (uint32_t i = 0; i < ways; i++) {
        uint32_t before = seed;
        feed(&parts, bytes, length, any);
        compare("cut by chance", before);
    }
    for (uint32_t at = 1; at < length && at <= splits; at++) {
        is_first = 1;
        first_cut = at;
        feed(&parts, bytes, length, once);
        compare("cut at", at);
    }
}

static void fuzz(uint32_t length, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        memcpy(damaged, stream, length);
        uint32_t end = chance(4) ? length : 1 + chance(length);
        for (uint32_t n = 1 + chance(6); n; n--) {
            uint32_t at = chance(chance(2) ? end : end < 64 ? end : 64);
            damaged[at] = (uint8_t)(chance(2) ? chance(256) : damaged[at] ^ 1u << chance(8));
        }
        every_way(damaged, end, 0, 2);
    }
}

static void write_all(void) {
    struct mqtt_text topic = text("cs/plant/d/pump/state");
    uint8_t large[1500];
    memset(large, 'x', sizeof large);
    begin(1);
    drain(&whole);
    mqtt_publish(&m, topic, "{}", 2, 0);
    mqtt_publish(&m, topic, "{}", 2, MQTT_QOS1 | MQTT_RETAIN);
    mqtt_publish(&m, topic, large, sizeof large, MQTT_QOS1);
    drain(&whole);
    mqtt_publish(&m, topic, "", 0, MQTT_RETAIN);
    mqtt_subscribe(&m, text("cs/plant/approvals/+"), 1);
    mqtt_unsubscribe(&m, text("cs/plant/approvals/+"));
    drain(&whole);
    /* Full: nothing more is queued, but the end has room. */
    uint32_t queued = 0;
    while (mqtt_publish(&m, topic, large, 100, 0)) queued++;
    if (mqtt_publish(&m, topic, large, mqtt_room(&m) - topic.bytes, 0) != 1 || mqtt_room(&m) || !mqtt_disconnect(&m)) exit(5);
    drain(&whole);
    printf("%u %.*s\n", queued, (int)whole.bytes, whole.text);
    /* The numbers go round, and 0 is none. */
    for (uint32_t i = 0, before = m.last_id; i < 65600; i++) {
        uint16_t id = mqtt_subscribe(&m, text("a"), 0);
        mqtt_sent(&m, m.out_bytes);
        if (id == 0 || id != (before == 65535 ? 1 : before + 1)) exit(6);
        before = id;
    }
}

static void quiet(void) {
    static const uint8_t connack[] = {0x20, 2, 0, 0}, pingresp[] = {0xd0, 0};
    enum mqtt_event event;
    uint32_t ms = 0;
    begin(0);
    while (mqtt_tick(&m, 100) != MQTT_BROKEN) ms += 100;
    printf("no answer to CONNECT: broken after %u\n", ms);
    for (int answered = 2; answered >= 0; answered--) {
        if (answered == 2) {
            begin(0);
            mqtt_sent(&m, m.out_bytes);
            mqtt_take(&m, connack, sizeof connack, &event);
        }
        for (ms = 0; !m.out_bytes; ms += 100) mqtt_tick(&m, 100);
        printf("%02x%02x after %u\n", m.out[0], m.out[1], ms);
        mqtt_sent(&m, m.out_bytes);
        if (answered) mqtt_take(&m, pingresp, sizeof pingresp, &event);
    }
    for (ms = 0; mqtt_tick(&m, 100) != MQTT_BROKEN;) ms += 100;
    printf("no answer to a ping: broken after %u\n", ms);
    printf("then nothing is queued: %u, and nothing read: %u\n", mqtt_publish(&m, text("a"), "", 0, 0), mqtt_take(&m, connack, 4, &event));
}

int main(int count, char **words) {
    uint32_t length = 0;
    if (count > 1 && (!strcmp(words[1], "read") || !strcmp(words[1], "fuzz"))) length = (uint32_t)fread(stream, 1, sizeof stream, stdin);
    if (count == 2 && !strcmp(words[1], "read")) {
        every_way(stream, length, LAST_SPLITS, 40);
        printf("%.*s", (int)whole.bytes, whole.text);
    } else if (count == 4 && !strcmp(words[1], "fuzz")) {
        seed = (uint32_t)atoi(words[2]) * 2654435761u | 1;
        fuzz(length, (uint32_t)atoi(words[3]));
        printf("ok\n");
    } else if (count == 2 && !strcmp(words[1], "write")) {
        write_all();
    } else if (count == 2 && !strcmp(words[1], "quiet")) {
        quiet();
    } else {
        return 2;
    }
    return 0;
}
