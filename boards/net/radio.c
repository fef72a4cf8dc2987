/* A device's side of a broker: see radio.h. Here are the requests of clients, and what is said and subscribed to. */
#include "radio.h"
#include "station.h"

enum {
    KEEP_ALIVE_S = 30,
    REFRESH_MS = 60000, /* what the broker keeps is asked for anew: soon after each connection, then more seldom */
    REFRESH_MS_MAX = 3600000,
    QUIET_MS = 150, /* after the last packet of a client, before the device looks at itself */
    ALERT_BYTES = 512,
    LINE_BYTES = 40
};

/* Subscriptions, in the order in which they are made; behind them the groups. */
enum { SUB_REQUESTS, SUB_ONLINE, SUB_APPROVALS, SUB_CHANGES, SUB_ORDER, SUB_GROUPS };

/* Whose request the agent is working on, and what of the broker's waits for it. */
enum who { NOBODY, CLIENT, OWN };
enum held { NOTHING, REQUEST, BLOCK, PAPER };

struct mqtt station;
struct shown shown;

static const struct net_settings *settings;
static uint32_t (*chance)(void);
static int is_in, is_leaving;
static struct {
    uint8_t online, state, alert; /* to be said */
    uint16_t alert_id;            /* of one that is not acknowledged yet */
    uint32_t subscription;        /* the next one */
} to_say;
static enum held held;
static enum who waiting;
static uint8_t sequence;
static void (*own_answered)(const struct packet_view *);
static char client[NET_NAME_BYTES + 1];
static uint32_t client_bytes, capacity_seen;
static uint32_t refresh_in, refresh_next;
static uint8_t alert[ALERT_BYTES];
static uint32_t alert_bytes;
static char line[LINE_BYTES];
static uint32_t line_bytes;

uint32_t station_random(void) {
    return chance();
}

struct text station_topic(char *at, uint32_t capacity, const char *rest) {
    struct text t = text_in(at, capacity);
    text_put(&t, "cs/");
    text_put(&t, settings->fleet);
    text_put(&t, "/");
    text_put(&t, rest);
    return t;
}

/* A topic of this device. */
static struct text own_topic(char *at, uint32_t capacity, const char *rest) {
    struct text t = station_topic(at, capacity, "d/");
    text_put(&t, settings->device);
    text_put(&t, "/");
    text_put(&t, rest);
    return t;
}

static struct text filter_of(uint32_t number, char *at, uint32_t capacity) {
    switch (number) {
    case SUB_REQUESTS: return own_topic(at, capacity, "req/+");
    case SUB_ONLINE: return own_topic(at, capacity, "online");
    case SUB_APPROVALS: return station_topic(at, capacity, "approvals/+");
    case SUB_CHANGES: return station_topic(at, capacity, "changes/+");
    case SUB_ORDER: return own_topic(at, capacity, "order");
    }
    struct text t = station_topic(at, capacity, "g/");
    text_put(&t, shown.group[number - SUB_GROUPS]);
    text_put(&t, "/order");
    return t;
}

void station_shows(void) {
    to_say.state = 1;
}

/* The topics of orders are numbered by the groups: what stood on them is said again. */
void station_groups(void) {
    for (uint32_t i = 1; i <= GROUPS_MAX; i++) orders_heard(i, 0, 0, 1);
    if (to_say.subscription > SUB_GROUPS) to_say.subscription = SUB_GROUPS;
    to_say.state = 1;
}

void station_refresh(void) {
    if (is_in && to_say.subscription > SUB_APPROVALS) to_say.subscription = SUB_APPROVALS;
}

int station_is_idle(void) {
    return shown.state != STATE_DOWNLOADING && shown.state != STATE_READY && shown.state != STATE_UPDATING && shown.state != STATE_FAILED_HAVE_DATA &&
           shown.reason != REASON_AWAITING_USER && shown.reason != REASON_DEFERRED;
}

/* ---- What is said ---- */

static uint16_t publish(const char *rest, const void *payload, uint32_t bytes, int flags) {
    char at[MQTT_TOPIC_BYTES_MAX];
    struct text topic = own_topic(at, sizeof at, rest);
    return is_in && topic.whole ? mqtt_publish(&station, text_of(&topic), payload, bytes, flags) : 0;
}

/* All that there is to say, as far as there is room for it. */
static void pump(void) {
    static char json[SAYS_BYTES_MAX];
    char at[MQTT_TOPIC_BYTES_MAX];
    if (!is_in || is_leaving) return;
    for (; to_say.subscription < (uint32_t)SUB_GROUPS + shown.groups; to_say.subscription++) {
        struct text filter = filter_of(to_say.subscription, at, sizeof at);
        if (!mqtt_subscribe(&station, text_of(&filter), to_say.subscription == SUB_ONLINE)) return;
    }
    if (to_say.online && publish("online", "online", 6, MQTT_QOS1 | MQTT_RETAIN)) to_say.online = 0;
    if (to_say.alert && !to_say.alert_id && shown.known) {
        struct text t = says_alert(json, alert, alert_bytes);
        if (t.whole) to_say.alert_id = publish("alert", t.at, t.bytes, MQTT_QOS1);
        else to_say.alert = 0;
    }
    if (to_say.state && shown.known) {
        struct text t = says_state(json);
        if (!t.whole || publish("state", t.at, t.bytes, MQTT_QOS1 | MQTT_RETAIN)) to_say.state = 0;
    }
    blocks_pump();
}

/* ---- What comes ---- */

static int is_name(struct mqtt_text name) {
    if (!name.bytes || name.bytes > NET_NAME_BYTES) return 0;
    for (uint32_t i = 0; i < name.bytes; i++) {
        char c = name.at[i], small = c | 32;
        if (!(small >= 'a' && small <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != ':' && c != '-') return 0;
    }
    return 1;
}

static int is_request(const uint8_t *packet, uint32_t length) {
    return length >= PACKET_HEADER_BYTES && length <= capacity_seen && (packet[0] & 7) % 2 == 0 && (packet[0] & 7) <= OP_WRITE;
}

static enum held message(const struct mqtt_message *m) {
    char at[MQTT_TOPIC_BYTES_MAX];
    struct mqtt_text last;
    struct text topic = own_topic(at, sizeof at, "req/");
    if (text_below(m->topic, text_of(&topic), &last)) {
        if (m->retained || !is_name(last) || !is_request(m->payload, m->bytes)) return NOTHING;
        memcpy(client, last.at, client_bytes = last.bytes);
        return REQUEST;
    }
    topic = station_topic(at, sizeof at, "p/");
    if (m->topic.bytes > topic.bytes && !memcmp(m->topic.at, topic.at, topic.bytes)) {
        struct mqtt_text below = {m->topic.at + topic.bytes, m->topic.bytes - topic.bytes};
        return blocks_heard(below, m->payload, m->bytes) ? BLOCK : NOTHING;
    }
    for (int is_change = 0; is_change < 2; is_change++) {
        topic = station_topic(at, sizeof at, is_change ? "changes/" : "approvals/");
        if (text_below(m->topic, text_of(&topic), &last)) return papers_heard(is_change, m->payload, m->bytes) ? PAPER : NOTHING;
    }
    for (uint32_t i = SUB_ORDER; i < (uint32_t)SUB_GROUPS + shown.groups; i++) {
        topic = filter_of(i, at, sizeof at);
        if (m->topic.bytes == topic.bytes && !memcmp(m->topic.at, topic.at, topic.bytes)) orders_heard(i - SUB_ORDER, m->payload, m->bytes, m->retained);
    }
    topic = own_topic(at, sizeof at, "online");
    /* The will of a connection that the broker gave up only now, when there is a new one. */
    if (m->topic.bytes == topic.bytes && !memcmp(m->topic.at, topic.at, topic.bytes) && !m->retained && m->bytes == 7 && !memcmp(m->payload, "offline", 7))
        to_say.online = 1;
    return NOTHING;
}

uint32_t radio_take(const uint8_t *bytes, uint32_t length) {
    uint32_t taken = 0;
    while (held == NOTHING && !is_leaving) {
        enum mqtt_event event;
        taken += mqtt_take(&station, bytes + taken, length - taken, &event);
        if (event == MQTT_CONNECTED) {
            is_in = 1;
            to_say.subscription = 0;
            to_say.online = to_say.state = 1;
            to_say.alert_id = 0;
            refresh_in = refresh_next = REFRESH_MS;
        } else if (event == MQTT_MESSAGE) {
            held = message(&station.message);
        } else if (event == MQTT_ACKNOWLEDGED) {
            if (to_say.alert_id && station.id == to_say.alert_id) to_say.alert = 0, to_say.alert_id = 0;
        } else if (event != MQTT_SUBSCRIBED) {
            break;
        }
    }
    pump();
    return taken;
}

/* ---- The agent ---- */

void radio_console(const void *text, uint32_t length) {
    for (const char *at = text; length--; at++) {
        if (*at != '\n' && *at != '\r') {
            if (line_bytes < LINE_BYTES) line[line_bytes] = *at;
            if (line_bytes <= LINE_BYTES) line_bytes++;
            continue;
        }
        /* "state N, reason N" */
        struct mqtt_text said = {line, line_bytes < LINE_BYTES ? line_bytes : 0};
        line_bytes = 0;
        const char *comma = said.bytes ? memchr(said.at, ',', said.bytes) : 0;
        if (!comma || said.bytes < 6 || memcmp(said.at, "state ", 6)) continue;
        const char *number = comma + sizeof ", reason " - 1, *end = said.at + said.bytes;
        if (number >= end || memcmp(comma, ", reason ", sizeof ", reason " - 1)) continue;
        uint32_t state = text_value(said.at + 6, (uint32_t)(comma - said.at - 6)), reason = text_value(number, (uint32_t)(end - number));
        if (state > 255 || reason > 255) continue;
        if (state != (uint32_t)shown.state) shown.progress = -1;
        shown.state = (int32_t)state;
        shown.reason = (int32_t)reason;
        station_shows();
    }
}

static uint32_t own_request(void *to, uint32_t capacity) {
    static const struct {
        uint32_t (*ask)(void *, uint32_t, uint8_t);
        void (*answered)(const struct packet_view *);
    } parts[] = {{papers_ask, papers_answered}, {look_ask, look_answered}, {orders_ask, orders_answered}};
    for (uint32_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        uint32_t length = parts[i].ask(to, capacity, (uint8_t)(sequence + 1));
        if (!length) continue;
        sequence++;
        own_answered = parts[i].answered;
        waiting = OWN;
        return length;
    }
    return 0;
}

uint32_t radio_read(void *to, uint32_t capacity) {
    capacity_seen = capacity;
    if (waiting == OWN) own_answered(0); /* it answers while it is called, or not at all */
    if (held == PAPER && papers_done()) held = NOTHING;
    waiting = NOBODY;
    uint32_t length = 0;
    if (held == REQUEST) {
        length = station.message.bytes;
        memcpy(to, station.message.payload, length);
        waiting = CLIENT;
        look_soon(QUIET_MS);
    } else if (held == BLOCK) {
        length = blocks_packet(to, capacity, station.message.payload, station.message.bytes);
    }
    if (held != PAPER) held = NOTHING;
    return length ? length : own_request(to, capacity);
}

static void answer(const struct packet_view *view, const void *packet, uint32_t length) {
    if (waiting == CLIENT) {
        char rest[sizeof "rsp/" + NET_NAME_BYTES];
        struct text t = text_in(rest, sizeof rest - 1);
        text_put(&t, "rsp/");
        text_bytes(&t, client, client_bytes);
        rest[t.bytes] = 0;
        publish(rest, packet, length, 0); /* what finds no room is lost: the client asks again */
    } else if (waiting == OWN && view->sequence == sequence) {
        waiting = NOBODY;
        own_answered(view);
        if (held == PAPER && papers_done()) held = NOTHING;
    }
}

static void keep_alert(const struct packet_view *view, const void *packet, uint32_t length) {
    struct cbor_item correlator = packet_member(view, "corr"), reason = packet_member(view, "reason");
    if (length > ALERT_BYTES) return;
    memcpy(alert, packet, alert_bytes = length);
    to_say.alert = 1;
    to_say.alert_id = 0;
    int has = correlator.type == CBOR_TEXT && correlator.value <= CORRELATOR_BYTES_MAX;
    orders_told(correlator.bytes, has ? (uint32_t)correlator.value : 0, reason.type == CBOR_UINT ? (int32_t)reason.value : 0);
    look_soon(0);
}

void radio_write(const void *packet, uint32_t length) {
    struct packet_view view;
    if (!packet_read(packet, length, &view)) return;
    if (view.op == OP_READ_RESPONSE || view.op == OP_WRITE_RESPONSE) {
        answer(&view, packet, length);
    } else if (view.group == GROUP_OURS && view.op == OP_WRITE && view.command == OURS_ALERT) {
        keep_alert(&view, packet, length);
    } else if (view.group == GROUP_OURS && view.op == OP_READ && view.command == OURS_BLOCK) {
        struct cbor_item digest = packet_member(&view, "digest"), offset = packet_member(&view, "off"), bytes = packet_member(&view, "len");
        int named = digest.type == CBOR_BYTES && digest.value == DIGEST_BYTES;
        if (offset.type != CBOR_UINT || bytes.type != CBOR_UINT || offset.value > ~0u || bytes.value > ~0u) return;
        if (named) orders_fetches(digest.bytes);
        blocks_wanted(named ? digest.bytes : 0, (uint32_t)offset.value, (uint32_t)bytes.value, view.sequence);
    }
    pump();
}

/* ---- The connection ---- */

void radio_start(const struct net_settings *from, uint32_t (*random)(void)) {
    settings = from;
    chance = random;
    shown.state = shown.reason = shown.progress = -1;
    for (uint32_t i = 0; i < NET_GROUPS_MAX; i++)
        if (from->groups[i][0]) memcpy(shown.group[shown.groups++], from->groups[i], sizeof from->groups[i]);
    shown.fixed_groups = shown.groups;
    look_start();
}

void radio_connected(void) {
    static char will[MQTT_TOPIC_BYTES_MAX];
    char id[18] = {'c', 's'}; /* of letters and digits, and at most 23: what every broker takes (section 3.1.3.1) */
    struct text name = text_in(id + 2, sizeof id - 2), topic = own_topic(will, sizeof will, "online");
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t part = chance();
        text_hex(&name, (const uint8_t *)&part, sizeof part);
    }
    struct mqtt_options options = {
        .client = {id, sizeof id}, .will_topic = text_of(&topic), .will = text_word("offline"), .keep_alive_s = KEEP_ALIVE_S};
    if (settings->user[0]) {
        options.user = text_word(settings->user);
        options.password = text_word(settings->password);
    }
    mqtt_begin(&station, &options);
}

/* A request that is not handed in yet is nobody's any more: the client asks again. */
void radio_lost(void) {
    is_in = 0;
    held = NOTHING;
    papers_heard(0, 0, 0);
    blocks_lost();
}

const uint8_t *radio_out(uint32_t *length) {
    *length = station.out_bytes;
    return station.out;
}

void radio_sent(uint32_t bytes) {
    mqtt_sent(&station, bytes);
    pump();
}

int radio_is_in(void) {
    return is_in;
}

int radio_tick(uint32_t milliseconds) {
    look_tick(milliseconds);
    papers_tick(milliseconds);
    orders_tick(milliseconds);
    if (is_in && (refresh_in -= milliseconds < refresh_in ? milliseconds : refresh_in) == 0) {
        station_refresh();
        refresh_next = refresh_next < REFRESH_MS_MAX / 2 ? 2 * refresh_next : REFRESH_MS_MAX;
        refresh_in = refresh_next;
    }
    int alive = mqtt_tick(&station, milliseconds) != MQTT_BROKEN;
    pump();
    return alive;
}

int radio_leave(void) {
    static int said;
    if (!is_in) return 1;
    if (!is_leaving) said = 0;
    is_leaving = 1;
    if (!said && !(said = publish("online", "offline", 7, MQTT_QOS1 | MQTT_RETAIN) != 0)) return 0;
    return mqtt_disconnect(&station);
}
