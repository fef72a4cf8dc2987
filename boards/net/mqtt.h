/* MQTT 3.1.1 for a device: the codec and what a connection has to remember, in one buffer each way. Bytes in, bytes out: it knows
 * nothing of TCP, has no heap and calls nobody back. Section numbers are those of the OASIS standard MQTT 3.1.1.
 *
 * Whoever has a connection hands in what has come, as it was cut up on the way, and is told of one event at a time. What a message
 * says stays readable until the next call of mqtt_take, so a message can be worked on for as long as that takes: what comes behind it
 * waits where it is.
 *
 *   larger than the buffer   a message is skipped whole, and acknowledged; what comes behind it is read as ever
 *   not MQTT                 the connection is over (MQTT_BROKEN), and stays so until mqtt_begin
 *   no room to send          the call says so, and nothing was queued
 *
 * It publishes and subscribes with QoS 0 and 1, always begins a clean session, and repeats nothing: after a loss of the
 * connection its user says everything anew.
 */
#ifndef COUNTERSIGN_NET_MQTT_H
#define COUNTERSIGN_NET_MQTT_H
#include <stdint.h>

enum {
    MQTT_IN_BYTES = 2560,     /* the largest packet that is read: a change (1792) or an order (2048), and a topic of 256 */
    MQTT_OUT_BYTES = 2048,    /* what waits to be sent: a state document and its topic */
    MQTT_ANSWER_MS = 10000,   /* the broker answers within this, or is given up */
    MQTT_TOPIC_BYTES_MAX = 256
};

struct mqtt_text {
    const char *at;
    uint32_t bytes;
};

struct mqtt_options {
    struct mqtt_text client, user, password; /* no user: at is 0 */
    struct mqtt_text will_topic, will;       /* retained, QoS 1 */
    uint16_t keep_alive_s;
};

enum mqtt_event {
    MQTT_NOTHING,      /* all that was handed in is read, and there is nothing to tell */
    MQTT_CONNECTED,    /* the broker has let us in */
    MQTT_MESSAGE,      /* in message */
    MQTT_ACKNOWLEDGED, /* what was published with `id` */
    MQTT_SUBSCRIBED,   /* what was asked with `id`: `code` is the QoS, or MQTT_REFUSED */
    MQTT_BROKEN        /* the other side does not speak MQTT, does not let us in (code), or says nothing */
};

enum { MQTT_REFUSED = 0x80 };

struct mqtt_message {
    struct mqtt_text topic;
    const uint8_t *payload;
    uint32_t bytes;
    int retained; /* it came with a subscription: it was said before */
};

struct mqtt {
    struct mqtt_message message;
    uint16_t id;  /* of MQTT_ACKNOWLEDGED and MQTT_SUBSCRIBED */
    uint8_t code; /* of MQTT_SUBSCRIBED, and of a CONNACK that lets nobody in */

    uint8_t state, header, shift; /* of the packet that is being read */
    uint32_t length, got;         /* its remaining length, and how much of it has come */
    uint16_t last_id;
    uint32_t keep_alive_ms, sent_ms, waits_ms; /* since something was sent; since an answer is waited for, 0: none is */
    uint32_t out_bytes;
    uint8_t in[MQTT_IN_BYTES], out[MQTT_OUT_BYTES];
};

/* A connection stands: from here on, `out` begins with CONNECT. */
void mqtt_begin(struct mqtt *, const struct mqtt_options *);

/* Reads from bytes until there is something to tell; returns how many were read, and what it is in *event. */
uint32_t mqtt_take(struct mqtt *, const uint8_t *bytes, uint32_t length, enum mqtt_event *event);

/* Time passes: keeps the connection alive. MQTT_BROKEN when the broker has left an answer out. */
enum mqtt_event mqtt_tick(struct mqtt *, uint32_t milliseconds);

/* So many bytes at the front of `out` are on their way. */
void mqtt_sent(struct mqtt *, uint32_t bytes);

/* How many bytes of topic and payload a message may have now. */
uint32_t mqtt_room(const struct mqtt *);

/* Queues a message. Returns its id (QoS 1) or 1 (QoS 0); 0: there is no room. */
enum { MQTT_RETAIN = 1, MQTT_QOS1 = 2 };
uint16_t mqtt_publish(struct mqtt *, struct mqtt_text topic, const void *payload, uint32_t bytes, int flags);

/* Asks for what is said under a filter, or no more for it. Returns the id; 0: there is no room. */
uint16_t mqtt_subscribe(struct mqtt *, struct mqtt_text filter, uint8_t qos);
uint16_t mqtt_unsubscribe(struct mqtt *, struct mqtt_text filter);

/* The end, in good order: the broker forgets the will. 0: there is no room. */
int mqtt_disconnect(struct mqtt *);
#endif
