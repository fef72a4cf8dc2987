/* MQTT 3.1.1: see mqtt.h. */
#include "mqtt.h"
#include <string.h>

/* Control packets: section 2.2.1, in the upper half of the first byte */
enum {
    CONNECT = 1,
    CONNACK = 2,
    PUBLISH = 3,
    PUBACK = 4,
    SUBSCRIBE = 8,
    SUBACK = 9,
    UNSUBSCRIBE = 10,
    UNSUBACK = 11,
    PINGREQ = 12,
    PINGRESP = 13,
    DISCONNECT = 14
};

enum { WAITS_FOR_CONNACK, WAITS_FOR_HEADER, READS_LENGTH, READS_BODY, BROKEN };

/* Connect flags: section 3.1.2.3 */
enum { CLEAN_SESSION = 2, WILL = 4, WILL_QOS1 = 8, WILL_RETAIN = 32, HAS_PASSWORD = 64, HAS_USER = 128 };

enum {
    LENGTH_SHIFT_MAX = 21, /* four bytes of seven bits: section 2.2.3 */
    RESERVED = 64          /* of `out`, for acknowledgements and pings: a full queue does not keep them from going out */
};

/* ---- What is sent ---- */

static uint32_t length_bytes(uint32_t length) {
    return length < 128 ? 1 : length < 16384 ? 2 : 3;
}

static void put_byte(struct mqtt *m, uint32_t byte) {
    m->out[m->out_bytes++] = (uint8_t)byte;
}

static void put_word(struct mqtt *m, uint32_t word) {
    put_byte(m, word >> 8);
    put_byte(m, word);
}

static void put_bytes(struct mqtt *m, const void *bytes, uint32_t length) {
    if (length) memcpy(m->out + m->out_bytes, bytes, length);
    m->out_bytes += length;
}

static void put_text(struct mqtt *m, struct mqtt_text text) {
    put_word(m, text.bytes);
    put_bytes(m, text.at, text.bytes);
}

/* Header and length of a packet, if there is room for all of it. */
static int put_header(struct mqtt *m, uint32_t header, uint32_t length, uint32_t reserved) {
    uint32_t whole = 1 + length_bytes(length) + length;
    if (m->state == BROKEN || whole > MQTT_OUT_BYTES - m->out_bytes || MQTT_OUT_BYTES - m->out_bytes - whole < reserved) return 0;
    put_byte(m, header);
    for (; length > 127; length >>= 7) put_byte(m, (length & 127) | 128);
    put_byte(m, length);
    m->sent_ms = 0;
    return 1;
}

/* 0 is no id (section 2.3.1). */
static uint16_t next_id(struct mqtt *m) {
    if (++m->last_id == 0) m->last_id = 1;
    return m->last_id;
}

void mqtt_begin(struct mqtt *m, const struct mqtt_options *options) {
    m->state = WAITS_FOR_CONNACK;
    m->header = m->shift = 0;
    m->length = m->got = m->out_bytes = m->sent_ms = 0;
    m->waits_ms = 1;
    m->keep_alive_ms = options->keep_alive_s * 1000u;
    static const uint8_t protocol[] = {0, 4, 'M', 'Q', 'T', 'T', 4}; /* section 3.1.2.1 */
    uint32_t flags = CLEAN_SESSION | WILL | WILL_QOS1 | WILL_RETAIN | (options->user.at ? HAS_USER : 0) | (options->password.at ? HAS_PASSWORD : 0);
    uint32_t length = sizeof protocol + 3 + 2 + options->client.bytes + 2 + options->will_topic.bytes + 2 + options->will.bytes;
    if (options->user.at) length += 2 + options->user.bytes;
    if (options->password.at) length += 2 + options->password.bytes;
    if (!put_header(m, CONNECT << 4, length, RESERVED)) {
        m->state = BROKEN;
        return;
    }
    put_bytes(m, protocol, sizeof protocol);
    put_byte(m, flags);
    put_word(m, options->keep_alive_s);
    put_text(m, options->client);
    put_text(m, options->will_topic);
    put_text(m, options->will);
    if (options->user.at) put_text(m, options->user);
    if (options->password.at) put_text(m, options->password);
}

void mqtt_sent(struct mqtt *m, uint32_t bytes) {
    m->out_bytes -= bytes;
    memmove(m->out, m->out + bytes, m->out_bytes);
}

uint32_t mqtt_room(const struct mqtt *m) {
    enum { AROUND = 1 + 3 + 2 + 2 + RESERVED }; /* header, length, length of the topic, id */
    uint32_t free = MQTT_OUT_BYTES - m->out_bytes;
    return m->state == BROKEN || free < AROUND ? 0 : free - AROUND;
}

uint16_t mqtt_publish(struct mqtt *m, struct mqtt_text topic, const void *payload, uint32_t bytes, int flags) {
    if (bytes > MQTT_OUT_BYTES || topic.bytes > MQTT_TOPIC_BYTES_MAX) return 0;
    uint32_t once = flags & MQTT_QOS1;
    if (!put_header(m, PUBLISH << 4 | (uint32_t)flags, 2 + topic.bytes + (once ? 2 : 0) + bytes, RESERVED)) return 0;
    put_text(m, topic);
    if (once) put_word(m, next_id(m));
    put_bytes(m, payload, bytes);
    return once ? m->last_id : 1;
}

uint16_t mqtt_subscribe(struct mqtt *m, struct mqtt_text filter, uint8_t qos) {
    if (filter.bytes > MQTT_TOPIC_BYTES_MAX || !put_header(m, SUBSCRIBE << 4 | 2, 2 + 2 + filter.bytes + 1, RESERVED)) return 0;
    put_word(m, next_id(m));
    put_text(m, filter);
    put_byte(m, qos);
    return m->last_id;
}

uint16_t mqtt_unsubscribe(struct mqtt *m, struct mqtt_text filter) {
    if (filter.bytes > MQTT_TOPIC_BYTES_MAX || !put_header(m, UNSUBSCRIBE << 4 | 2, 2 + 2 + filter.bytes, RESERVED)) return 0;
    put_word(m, next_id(m));
    put_text(m, filter);
    return m->last_id;
}

int mqtt_disconnect(struct mqtt *m) {
    return put_header(m, DISCONNECT << 4, 0, 0);
}

enum mqtt_event mqtt_tick(struct mqtt *m, uint32_t milliseconds) {
    if (m->state == BROKEN) return MQTT_BROKEN;
    m->sent_ms += milliseconds;
    if (m->waits_ms && (m->waits_ms += milliseconds) > MQTT_ANSWER_MS) {
        m->state = BROKEN;
        return MQTT_BROKEN;
    }
    /* At half of the time: what goes out late on the way is still early enough. */
    if (!m->waits_ms && m->keep_alive_ms && m->sent_ms >= m->keep_alive_ms / 2 && put_header(m, PINGREQ << 4, 0, 0)) m->waits_ms = 1;
    return MQTT_NOTHING;
}

/* ---- What comes ---- */

static uint32_t word_at(const uint8_t *at) {
    return (uint32_t)at[0] << 8 | at[1];
}

static enum mqtt_event broken(struct mqtt *m) {
    m->state = BROKEN;
    return MQTT_BROKEN;
}

/* Section 3.3: topic, id with QoS 1, payload. Of one that is too large only the front is here. */
static enum mqtt_event published(struct mqtt *m) {
    uint32_t here = m->length < MQTT_IN_BYTES ? m->length : MQTT_IN_BYTES;
    uint32_t qos = m->header >> 1 & 3, at = 2;
    if (m->length < 2) return broken(m);
    uint32_t topic = word_at(m->in);
    uint32_t front = 2 + topic + (qos ? 2 : 0);
    if (front > m->length || topic == 0 || qos > 1) return broken(m); /* QoS 2 was never asked for */
    int readable = m->length <= MQTT_IN_BYTES;
    if (qos && front <= here) {
        at = 2 + topic;
        uint32_t id = word_at(m->in + at);
        if (id == 0 || !put_header(m, PUBACK << 4, 2, 0)) return broken(m);
        put_word(m, id);
    }
    if (!readable) return MQTT_NOTHING;
    m->message.topic.at = (const char *)m->in + 2;
    m->message.topic.bytes = topic;
    m->message.payload = m->in + front;
    m->message.bytes = m->length - front;
    m->message.retained = m->header & MQTT_RETAIN;
    return MQTT_MESSAGE;
}

static enum mqtt_event packet(struct mqtt *m) {
    uint32_t type = m->header >> 4, flags = m->header & 15;
    if (type == PUBLISH) return published(m);
    if (flags) return broken(m); /* section 2.2.2 */
    switch (type) {
    case CONNACK: /* read only where it is the first */
        if (m->length != 2 || m->in[0]) return broken(m); /* a session that is clean has nothing present */
        m->code = m->in[1];
        if (m->code) return broken(m);
        m->waits_ms = 0;
        return MQTT_CONNECTED;
    case PUBACK:
        if (m->length != 2) return broken(m);
        m->id = (uint16_t)word_at(m->in);
        return MQTT_ACKNOWLEDGED;
    case SUBACK: /* one code: each SUBSCRIBE has one filter */
        if (m->length != 3) return broken(m);
        m->id = (uint16_t)word_at(m->in);
        m->code = m->in[2];
        return MQTT_SUBSCRIBED;
    case UNSUBACK: return m->length == 2 ? MQTT_NOTHING : broken(m);
    case PINGRESP:
        if (m->length) return broken(m);
        m->waits_ms = 0;
        return MQTT_NOTHING;
    default: return broken(m); /* nothing else comes from a broker */
    }
}

/* A whole packet has come: the next one is a new one, whatever this one is. */
static enum mqtt_event ended(struct mqtt *m) {
    m->state = WAITS_FOR_HEADER;
    return packet(m);
}

/* One byte of header or length. */
static enum mqtt_event header_byte(struct mqtt *m, uint8_t byte) {
    if (m->state != READS_LENGTH) {
        if ((m->state == WAITS_FOR_CONNACK) != (byte >> 4 == CONNACK)) return broken(m); /* section 3.2 */
        m->header = byte;
        m->shift = 0;
        m->length = m->got = 0;
        m->state = READS_LENGTH;
        return MQTT_NOTHING;
    }
    m->length |= (byte & 127u) << m->shift;
    if (byte & 128) {
        if (m->shift == LENGTH_SHIFT_MAX) return broken(m); /* section 2.2.3: no fifth byte */
        m->shift = (uint8_t)(m->shift + 7);
        return MQTT_NOTHING;
    }
    m->state = READS_BODY;
    return m->length ? MQTT_NOTHING : ended(m);
}

uint32_t mqtt_take(struct mqtt *m, const uint8_t *bytes, uint32_t length, enum mqtt_event *event) {
    enum { PUBACK_BYTES = 4 };
    uint32_t at = 0;
    *event = m->state == BROKEN ? MQTT_BROKEN : MQTT_NOTHING;
    while (at < length && *event == MQTT_NOTHING) {
        if (m->state != READS_BODY) {
            *event = header_byte(m, bytes[at++]);
            continue;
        }
        uint32_t rest = m->length - m->got, part = length - at < rest ? length - at : rest;
        if (part == rest && MQTT_OUT_BYTES - m->out_bytes < PUBACK_BYTES) return at; /* it may have to be acknowledged */
        if (m->got < MQTT_IN_BYTES) memcpy(m->in + m->got, bytes + at, part < MQTT_IN_BYTES - m->got ? part : MQTT_IN_BYTES - m->got);
        m->got += part;
        at += part;
        if (m->got == m->length) *event = ended(m);
    }
    return at;
}
