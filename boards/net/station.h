/* What the parts of the radio share: names of topics, the connection, and what is known of the device. */
#ifndef COUNTERSIGN_NET_STATION_H
#define COUNTERSIGN_NET_STATION_H
#include "net.h"
#include "packet.h"
#include "text.h"

enum { DIGEST_BYTES = 32, CORRELATOR_BYTES_MAX = 32, GROUPS_MAX = 16, APPROVALS_MAX = 8, KID_BYTES_MAX = 32, ID_BYTES_MAX = 32, VERSION_BYTES_MAX = 24 };

/* FUMO states and reasons that mean something here */
enum { STATE_DOWNLOADING = 30, STATE_READY = 50, STATE_UPDATING = 60, STATE_FAILED_HAVE_DATA = 70 };
enum { REASON_OK = 0, REASON_SUPERSEDED = 88, REASON_AWAITING_USER = 120, REASON_USER_REFUSED = 121, REASON_DEFERRED = 122, REASON_UNCHANGED = 158 };

/* What the agent has said of itself. */
struct shown {
    uint8_t known; /* it has been looked at: before, nothing is said of it */
    uint8_t device_bytes, digest_bytes, version_bytes, approvals, groups;
    uint8_t fixed_groups; /* the first of them: of the settings */
    int32_t state, reason, progress; /* -1: not said */
    uint64_t change;
    uint8_t device[ID_BYTES_MAX], digest[DIGEST_BYTES];
    char version[VERSION_BYTES_MAX];
    struct {
        uint8_t kid_bytes, kid[KID_BYTES_MAX];
        uint64_t sequence;
    } approval[APPROVALS_MAX];
    char group[GROUPS_MAX][NET_NAME_BYTES + 1];
};

extern struct shown shown;
extern struct mqtt station;

/* What is shown has changed: the broker is told. */
void station_shows(void);
/* The packages and orders of these groups are for us from now on. */
void station_groups(void);
/* Asks the broker once more for what it keeps of papers and orders. */
void station_refresh(void);
uint32_t station_random(void);

/* The documents of a state and of an alert; the packet of the alert is given. */
enum { SAYS_BYTES_MAX = 1536 };
struct text says_state(char at[SAYS_BYTES_MAX]);
struct text says_alert(char at[SAYS_BYTES_MAX], const uint8_t *packet, uint32_t length);

/* A topic of this fleet: "cs/FLEET/" and the rest. */
struct text station_topic(char *at, uint32_t capacity, const char *rest);

/* May the state and reason that are shown be disturbed by another order? */
int station_is_idle(void);

/* ---- The parts. Each `ask` puts a request to the agent into `to`: its length, 0: it has nothing to ask. Each `answered` gets the
 * answer, or 0: there was none. ---- */

uint32_t look_ask(void *to, uint32_t capacity, uint8_t sequence);
void look_answered(const struct packet_view *);
void look_soon(uint32_t milliseconds);
void look_tick(uint32_t milliseconds);
void look_start(void);

/* 1: this paper is to be handed in, and stays where it is until papers_done. */
int papers_heard(int is_change, const uint8_t *bytes, uint32_t length);
uint32_t papers_ask(void *to, uint32_t capacity, uint8_t sequence);
void papers_answered(const struct packet_view *);
int papers_done(void);
void papers_tick(uint32_t milliseconds);
/* Who the device is, or whom it trusts, is another than before: what was refused may count. */
void papers_again(void);

/* What stands on the topic of orders with this number, 0: the device's own; length 0: nothing any more. */
void orders_heard(uint32_t topic, const uint8_t *bytes, uint32_t length, int retained);
uint32_t orders_ask(void *to, uint32_t capacity, uint8_t sequence);
void orders_answered(const struct packet_view *);
void orders_tick(uint32_t milliseconds);
void orders_told(const uint8_t *correlator, uint32_t length, int32_t reason);
void orders_fetches(const uint8_t digest[DIGEST_BYTES]);
void orders_again(void);

/* The agent asks for blocks of a package; digest 0: of the same one as before. */
void blocks_wanted(const uint8_t *digest, uint32_t offset, uint32_t length, uint8_t sequence);
/* 1: it is one that was waited for; blocks_packet makes the packet of it. */
int blocks_heard(struct mqtt_text below, const uint8_t *bytes, uint32_t length);
uint32_t blocks_packet(void *to, uint32_t capacity, const uint8_t *bytes, uint32_t length);
void blocks_pump(void);
void blocks_lost(void);
#endif
