/* The device's look at its own agent, by reads that anybody could make: what the broker is shown of it.
 *
 * A look follows a start, an alert, a paper that was taken, and what clients do; none follows a look. After a start it also keeps the
 * agent from leaving at once for the application: it stays ten seconds after each packet, and so it is heard on the broker first.
 */
#include "station.h"

enum { DOCUMENT_BYTES_MAX = 1024, RETRY_MS = 1000, TRIES_MAX = 5 };

/* In their order; the last two are read more than once. */
enum step { REST, DEVICE, STATE, INSTALLED, CHANGE, LIST, BOOTSTRAP, APPROVAL };
#define OURS "./FUMO/1/Ext/Countersign/"
static const char *const uris[] = {0, OURS "DeviceId", "./FUMO/1/State", OURS "Installed", OURS "Change", OURS "Approvals", OURS "Bootstrap"};

static enum step step;
static uint32_t due_in, is_due, tries;
static struct shown next;       /* what is read, until all of it is */
static int32_t state_before;    /* as it was shown when the look began: what the console says meanwhile is newer */
static uint32_t listed, which;  /* approvals of the device, a bit for each anchor that has one; the one that is read */
static uint8_t document[DOCUMENT_BYTES_MAX];
static uint32_t document_bytes;

void look_soon(uint32_t milliseconds) {
    is_due = 1;
    due_in = milliseconds;
    tries = 0;
}

void look_start(void) {
    look_soon(0);
}

void look_tick(uint32_t milliseconds) {
    due_in -= milliseconds < due_in ? milliseconds : due_in;
}

uint32_t look_ask(void *to, uint32_t capacity, uint8_t sequence) {
    if (step == REST) {
        if (!is_due || due_in) return 0;
        is_due = 0;
        step = DEVICE;
        next = shown;
        state_before = shown.state;
    }
    char at[sizeof OURS "Approvals/99"];
    struct text uri = text_in(at, sizeof at);
    text_put(&uri, uris[step == APPROVAL ? LIST : step]);
    if (step == APPROVAL) {
        text_put(&uri, "/");
        text_number(&uri, which);
    }
    struct packet p = packet_begin(to, capacity, OP_READ, OURS_GET, sequence, 2);
    packet_key(&p, "uri");
    packet_text(&p, uri.at, uri.bytes);
    packet_key(&p, "off");
    packet_uint(&p, step == BOOTSTRAP ? document_bytes : 0);
    return packet_end(&p);
}

/* ---- What is read ---- */

/* "/"-separated numbers of the anchors that have a document. */
static void read_list(struct cbor_item data) {
    const char *at = (const char *)data.bytes, *end = at + data.value;
    for (listed = 0; at < end;) {
        const char *stop = memchr(at, '/', (uint32_t)(end - at));
        if (!stop) stop = end;
        uint32_t number = text_value(at, (uint32_t)(stop - at));
        if (number < 32) listed |= 1u << number;
        at = stop + 1;
    }
}

/* COSE_Sign1 (RFC 9052 section 4.2): [protected, {4: kid}, payload, signature]; claim -70001 is the number of the document. Its end may
 * be missing: it is not needed. */
static void read_approval(const uint8_t *bytes, uint32_t length) {
    struct cbor c = cbor_in(bytes, length);
    if (next.approvals == APPROVALS_MAX) return;
    struct cbor_item item = cbor_next(&c);
    if (item.type == CBOR_TAG) item = cbor_next(&c);
    if (item.type != CBOR_ARRAY || item.value != 4) return;
    cbor_skip(&c);
    struct cbor_item map = cbor_next(&c), kid = {~0u, 0, 0};
    for (uint64_t left = map.type == CBOR_MAP ? map.value : 0; left && !c.fault; left--) {
        struct cbor_item name = cbor_next(&c);
        if (name.type == CBOR_UINT && name.value == 4) kid = cbor_next(&c);
        else cbor_skip(&c);
    }
    if (c.fault || kid.type != CBOR_BYTES || !kid.value || kid.value > KID_BYTES_MAX) return;
    cbor_enter(&c);
    map = cbor_next(&c);
    for (uint64_t left = map.type == CBOR_MAP ? map.value : 0; left && !c.fault; left--) {
        struct cbor_item name = cbor_next(&c);
        if (name.type != CBOR_NEGATIVE || name.value != 70000) {
            cbor_skip(&c);
            continue;
        }
        struct cbor_item number = cbor_next(&c);
        if (number.type != CBOR_UINT) return;
        next.approval[next.approvals].kid_bytes = (uint8_t)kid.value;
        memcpy(next.approval[next.approvals].kid, kid.bytes, (uint32_t)kid.value);
        next.approval[next.approvals++].sequence = number.value;
        return;
    }
}

static int has_group(const char *name, uint32_t bytes) {
    for (uint32_t i = 0; i < next.groups; i++)
        if (strlen(next.group[i]) == bytes && !memcmp(next.group[i], name, bytes)) return 1;
    return 0;
}

/* Member 8 of the bootstrap document; those of the settings come first, and stay. */
static void read_groups(void) {
    next.groups = next.fixed_groups;
    struct cbor c = cbor_in(document, document_bytes);
    struct cbor_item map = cbor_next(&c);
    for (uint64_t left = map.type == CBOR_MAP ? map.value : 0; left && !c.fault; left--) {
        struct cbor_item name = cbor_next(&c);
        if (name.type != CBOR_UINT || name.value != 8) {
            cbor_skip(&c);
            continue;
        }
        struct cbor_item list = cbor_next(&c);
        for (uint64_t i = list.type == CBOR_ARRAY ? list.value : 0; i && !c.fault && next.groups < GROUPS_MAX; i--) {
            struct cbor_item group = cbor_next(&c);
            if (group.type != CBOR_TEXT || !group.value || group.value > NET_NAME_BYTES || has_group((const char *)group.bytes, (uint32_t)group.value)) continue;
            memcpy(next.group[next.groups], group.bytes, (uint32_t)group.value);
            next.group[next.groups++][group.value] = 0;
        }
        return;
    }
}

/* The number under a key of a map of CBOR, and what is read of Installed: {1: number, 2: digest, 3: version}. */
static void read_map(struct cbor_item data) {
    struct cbor c = cbor_in(data.bytes, (uint32_t)data.value);
    struct cbor_item map = cbor_next(&c);
    if (step == CHANGE) next.change = 0;
    else next.digest_bytes = next.version_bytes = 0;
    for (uint64_t left = map.type == CBOR_MAP ? map.value : 0; left && !c.fault; left--) {
        struct cbor_item name = cbor_next(&c), value = cbor_next(&c);
        if (name.type != CBOR_UINT || c.fault) return;
        if (step == CHANGE && name.value == 1 && value.type == CBOR_UINT) next.change = value.value;
        if (step == CHANGE) continue;
        if (name.value == 2 && value.type == CBOR_BYTES && value.value == DIGEST_BYTES) memcpy(next.digest, value.bytes, next.digest_bytes = DIGEST_BYTES);
        if (name.value == 3 && value.type == CBOR_TEXT && value.value <= VERSION_BYTES_MAX)
            memcpy(next.version, value.bytes, next.version_bytes = (uint8_t)value.value);
    }
}

/* ---- From step to step ---- */

static void end(void) {
    if (shown.state != state_before) next.state = shown.state;
    next.reason = shown.reason;
    next.progress = next.state == STATE_DOWNLOADING ? shown.progress : -1;
    next.known = shown.known;
    int was = !memcmp(&next, &shown, sizeof next), blank = !shown.device_bytes, grown = next.groups != shown.groups || memcmp(next.group, shown.group, sizeof next.group);
    int other = next.change != shown.change || next.device_bytes != shown.device_bytes || memcmp(next.device, shown.device, sizeof next.device);
    step = REST;
    next.known = 1;
    if (was && shown.known) return;
    shown = next;
    if (other && (shown.change || blank)) papers_again();
    if (grown) station_groups();
    if (other) station_refresh();
    station_shows();
}

static void approvals(void) {
    while (which < 32 && !(listed >> which & 1)) which++;
    if (which == 32) end();
}

static void read_piece(struct cbor_item data, uint32_t whole) {
    if (document_bytes + data.value > DOCUMENT_BYTES_MAX) whole = document_bytes = 0; /* of no agent of ours */
    else memcpy(document + document_bytes, data.bytes, (uint32_t)data.value), document_bytes += (uint32_t)data.value;
    if (data.value && document_bytes < whole) return;
    read_groups();
    step = APPROVAL;
    which = 0;
    approvals();
}

void look_answered(const struct packet_view *answer) {
    if (!answer) { /* it is at something else */
        step = REST;
        if (!is_due && ++tries < TRIES_MAX) is_due = 1, due_in = RETRY_MS;
        if (tries == TRIES_MAX) shown.known = 1; /* then all is said that is */
        return;
    }
    struct cbor_item data = packet_member(answer, "data"), whole = packet_member(answer, "len");
    if (data.type != CBOR_BYTES && data.type != CBOR_TEXT) data = (struct cbor_item){CBOR_BYTES, 0, (const uint8_t *)""};
    uint32_t length = (uint32_t)data.value;
    switch (step) {
    case DEVICE:
        next.device_bytes = (uint8_t)(length > ID_BYTES_MAX ? 0 : length);
        memcpy(next.device, data.bytes, next.device_bytes);
        step = STATE;
        break;
    case STATE: {
        uint32_t state = text_value((const char *)data.bytes, length);
        if (state <= 255) next.state = (int32_t)state;
        step = INSTALLED;
        break;
    }
    case INSTALLED:
        read_map(data);
        step = CHANGE;
        break;
    case CHANGE:
        read_map(data);
        next.approvals = 0;
        step = LIST;
        break;
    case LIST:
        read_list(data);
        document_bytes = 0;
        step = BOOTSTRAP;
        break;
    case BOOTSTRAP: read_piece(data, whole.type == CBOR_UINT ? (uint32_t)whole.value : 0); break;
    case APPROVAL:
        read_approval(data.bytes, length);
        which++;
        approvals();
        break;
    case REST: break;
    }
}
