/* The fuzz target "agent": a whole device, whose input is a list of events.
 *
 * Packets arrive with headers, base64 and checksums in order, so that they get in; time passes, buttons are pressed, a card
 * answers, the power goes, flash operations fail. Besides what the sanitizers say, held here: what flash.h demands, the
 * HAL's contract, an agent that comes to rest, and an echo that is answered at the end of every run. Input: seeds.ts.
 */
#include "agent.wasm.c"
#include "fixtures.h"
#include "fuzz.h"
#include "flash.h"
#include "packet.h"
#include <setjmp.h>

enum { EVENTS_MAX = 120, BUSY_MAX = 20000, RESETS_MAX = 20, PIECE_MAX = 480, BLANK = 1 };

static struct {
    jmp_buf end; /* of the call into the agent that resets the board */
    int runs;    /* 0: off, or an image runs */
    u32 mailbox, press, link_bytes, card, card_at;
    u64 clock;
    u32 chance;
    u8 sent[4096]; /* the last packet on a packet link */
    u8 *card_bytes;
    u32 card_length;
} board;

static void leave(void) {
    board.runs = 0;
    longjmp(board.end, 1);
}
static void power_cut(void) { leave(); }

static void import_link_write(u32 link, u32 from, u32 length) {
    const u8 *at = memory_at(from, length);
    flash_demand(length <= sizeof board.sent);
    if (link) {
        memcpy(board.sent, at, length);
        board.link_bytes = length;
    } else {
        volatile u8 sum = 0;
        for (u32 i = 0; i < length; i++) sum = (u8)(sum + at[i]);
    }
}

static void import_random(u32 to, u32 length) {
    u8 *at = memory_at(to, length);
    for (u32 i = 0; i < length; i++) at[i] = (u8)(board.chance = board.chance * 75 + 74);
}

static u64 import_clock(void) { return board.clock; }

/* The card is a list of answers: length u8, bytes; again from its beginning when it is at its end. */
static u32 import_card(u32 command, u32 length, u32 response, u32 capacity) {
    volatile u8 sum = 0;
    const u8 *at = memory_at(command, length);
    for (u32 i = 0; i < length; i++) sum = (u8)(sum + at[i]);
    memory_at(response, capacity);
    if (board.card == 0) return ~0u;
    if (board.card == 1 || board.card_length == 0) return ~1u;
    if (board.card_at >= board.card_length) board.card_at = 0;
    u32 bytes = board.card_bytes[board.card_at++];
    if (bytes > board.card_length - board.card_at) bytes = board.card_length - board.card_at;
    if (bytes > capacity) bytes = capacity;
    memcpy(memory_at(response, bytes), board.card_bytes + board.card_at, bytes);
    board.card_at += bytes;
    return bytes;
}

static u32 import_user(u32 asking) {
    (void)asking;
    u32 pressed = board.press;
    board.press = 0;
    return pressed;
}
static u32 import_mailbox(void) {
    u32 mail = board.mailbox;
    board.mailbox = 0;
    return mail;
}
static void import_watchdog(u32 seconds) {
    (void)seconds;
}

static void import_restart(u32 into) {
    flash_demand(into <= 1);
    board.runs = 0;
    longjmp(board.end, 2);
}

/* ---- The board ---- */

static void start(void) {
    allow();
    agent_reset();
    guards = 0;
    import_guard(0, FIRST_BYTES);
    agent_guards();
    forbid();
    board.runs = 1;
    if (setjmp(board.end) == 0) agent_start();
}

/* A reset of the agent's own, or a power cut, is followed by the next start. */
static void restart_if_off(void) {
    for (u32 i = 0; !board.runs; i++) {
        flash_demand(i < RESETS_MAX);
        start();
    }
}

static void receive(u32 link, const u8 *bytes, u32 length) {
    if (!board.runs) return;
    u32 room = agent_inputBytes();
    for (u32 at = 0; (at < length || at == 0) && board.runs; at += room) {
        u32 piece = length - at < room ? length - at : room;
        memcpy(memory_at(agent_input(), piece), bytes + at, piece);
        if (setjmp(board.end) == 0) agent_receive(link, piece);
    }
}

static void tick(u32 milliseconds) {
    if (!board.runs) return;
    if (setjmp(board.end) == 0) agent_tick(milliseconds);
    for (u32 i = 0; board.runs && agent_busy(); i++) {
        flash_demand(i < BUSY_MAX);
        if (setjmp(board.end) == 0) agent_tick(i % 64 == 63 ? 50 : 0); /* as on a board, time passes meanwhile */
    }
}

/* ---- What is sent to it ---- */

/* Link 0 is the console: lines of base64 with markers. */
static void send(u32 link) {
    u32 body = packet.length - 8;
    packet.bytes[2] = (u8)(body >> 8);
    packet.bytes[3] = (u8)body;
    board.link_bytes = 0;
    if (link) {
        receive(link, packet.bytes, packet.length);
        return;
    }
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static u8 raw[PACKET_MAX + 32], line[130];
    u32 crc = crc16(packet.bytes, packet.length), total = packet.length + 4;
    raw[0] = (u8)((packet.length + 2) >> 8);
    raw[1] = (u8)(packet.length + 2);
    memcpy(raw + 2, packet.bytes, packet.length);
    raw[total - 2] = (u8)(crc >> 8);
    raw[total - 1] = (u8)crc;
    memset(raw + total, 0, 3);
    for (u32 at = 0; at < total; at += 93) {
        u32 length = 0, end = total - at < 93 ? total : at + 93;
        line[length++] = at ? 4 : 6;
        line[length++] = at ? 0x14 : 9;
        for (u32 i = at; i < end; i += 3) {
            u32 bits = (u32)raw[i] << 16 | (u32)(i + 1 < end ? raw[i + 1] : 0) << 8 | (i + 2 < end ? raw[i + 2] : 0);
            for (u32 k = 0; k < 4; k++)
                line[length++] = i + k > end ? '=' : (u8)letters[bits >> (18 - 6 * k) & 63];
        }
        line[length++] = '\n';
        receive(0, line, length);
    }
}

/* What stands behind a key of the last answer: an unsigned number, or the address of a string's bytes. */
static const u8 *answered(const char *key, u32 *value) {
    u32 length = (u32)strlen(key);
    for (u32 at = 8; at + length + 2 < board.link_bytes; at++) {
        if (board.sent[at] != (u8)(0x60 | length) || memcmp(board.sent + at + 1, key, length)) continue;
        const u8 *to = board.sent + at + 1 + length, *end = board.sent + board.link_bytes;
        u32 more = *to & 31;
        *value = more;
        if (more == 24 && end - to > 1) *value = to[1];
        if (more == 25 && end - to > 2) *value = (u32)to[1] << 8 | to[2];
        return to + 1 + (more == 24 ? 1 : more == 25 ? 2 : 0);
    }
    return NULL;
}

static const char *const uris[] = {
    "./FUMO/1/Ext/Countersign/Bootstrap", "./FUMO/1/Ext/Countersign/Approvals", "./FUMO/1/Ext/Countersign/Change",
    "./FUMO/1/Ext/Countersign/Consent",   "./FUMO/1/Update/PkgData",            "./FUMO/1/Download/PkgURL",
    "./FUMO/1/DownloadAndUpdate/PkgURL",  "./FUMO/1/Update",                    "./FUMO/1/Download",
    "./FUMO/1/DownloadAndUpdate",         "./FUMO/1/Ext/Countersign/Verdict",   "./FUMO/1/Ext/Countersign/Log",
    "./FUMO/1/Ext/Countersign/Anchors",   "./FUMO/1/Ext/Countersign/Policy",    "./FUMO/1/State",
    "./FUMO/1/PkgName",
};
enum { URIS = sizeof uris / sizeof *uris };

/* A value, or with uri NULL a package, in pieces, to its end or the first that is not taken. */
static void deliver(u32 link, const char *uri, u32 from, u32 until) {
    u32 next = from;
    for (u32 i = 0; i < 32 && board.runs && next <= blob.length && (next < until || i == 0); i++) {
        u32 piece = blob.length - next < PIECE_MAX ? blob.length - next : PIECE_MAX;
        packet_begin(uri ? 64 : 1, 1, 1);
        head(5, (uri ? 3u : 2u) + (next == 0));
        if (uri) {
            text("uri");
            text(uri);
        }
        number("off", next);
        if (next == 0) number("len", blob.length);
        string("data", blob.bytes + next, piece);
        send(link);
        u32 off;
        if (!link) next += piece; /* nobody reads the console here */
        else if (!answered("off", &off) || off <= next) return;
        else next = off;
    }
}

static void exec(u32 link, const char *uri, u32 correlated, const u8 *named) {
    packet_begin(64, 3, 1);
    head(5, 1 + !!correlated + !!named);
    if (named) string("hash", named, 32);
    text("uri");
    text(uri);
    if (correlated) {
        text("corr");
        text("order-1");
    }
    send(link);
}

/* A package that the device is to fetch, and blocks of it: whole and in order, or as the input says. */
static void fetch(u32 link, u32 how) {
    const u8 *named = NULL;
    for (u32 i = 0; !named && i + 32 <= blob.length; i++) /* the digest in its wrapper: [-16, bytes .size 32] */
        if (i > 2 && blob.bytes[i - 3] == 0x2f && blob.bytes[i - 2] == 0x58 && blob.bytes[i - 1] == 0x20)
            named = blob.bytes + i;
    if (how & 1) exec(link, "./FUMO/1/DownloadAndUpdate", 1, named);
    for (u32 at = how & 2 ? half() & ~511u : 0, i = 0; at < blob.length && i < 64 && board.runs; at += 512, i++) {
        u32 piece = blob.length - at < 512 ? blob.length - at : 512;
        if (how & 4) tick(50);
        packet_begin(64, 7, 0);
        packet.bytes[0] |= 1;
        head(5, 3);
        number("off", at);
        number("len", how & 8 ? half() : blob.length);
        string("data", blob.bytes + at, piece);
        send(link);
    }
}

/* The consent of seeds.ts with what the question says in its places. */
static void answer(u32 how, u32 link) {
    packet_begin(64, 4, 0);
    head(5, 0);
    send(1);
    u32 bytes;
    u8 digest[32], nonce[16];
    memset(digest, 0, sizeof digest);
    memset(nonce, 0, sizeof nonce);
    const u8 *at = answered("digest", &bytes);
    if (at && bytes == 32) memcpy(digest, at, 32);
    at = answered("nonce", &bytes);
    if (at && bytes == 16) memcpy(nonce, at, 16);
    u32 which = how & 1 ? FIXTURE_CONSENT_YES : FIXTURE_CONSENT_NO;
    blob_take(fixture_bytes + fixture_at[which], fixture_at[which + 1] - fixture_at[which]);
    for (u32 i = 0; i + 32 <= blob.length; i++) {
        if (blob.bytes[i] == 0xd1 && blob.bytes[i + 31] == 0xd1) memcpy(blob.bytes + i, digest, 32);
        if (blob.bytes[i] == 0xe2 && blob.bytes[i + 15] == 0xe2) memcpy(blob.bytes + i, nonce, 16);
    }
    if (how & 2) blob.bytes[byte() % blob.length] ^= (u8)byte();
    packet_begin(64, 4, 1);
    head(5, 1);
    string("answer", blob.bytes, blob.length);
    send(link);
}

static void event(void) {
    static const u32 times[] = {0, 50, 100, 1000, 10000, 60000, 600000, 86400000};
    static const u64 clocks[] = {0, 1800000000, 1800000001, 1800086400, 1000000000, 1, ~0ull, 1799999999};
    u32 which = byte(), link = which >> 6, n;
    switch (which & 15) {
    case 0:
        n = byte();
        tick(times[n & 7]);
        if (n & 8) { /* and the device fetches */
            blob_read();
            fetch(link, n >> 4);
        }
        break;
    case 1: /* bytes as they are */
        blob_read();
        receive(link, blob.bytes, blob.length);
        break;
    case 2: /* any command with any body */
        n = byte();
        packet_begin(n & 0x80 ? 64 : n >> 5 & 3, n & 15, n >> 4 & 1);
        blob_read();
        add(blob.bytes, blob.length);
        send(link);
        break;
    case 3: /* a package, or a part of it */
        n = byte();
        blob_read();
        deliver(link, NULL, n & 0x80 ? half() : 0, n & 0x40 ? half() % 2048 : ~0u);
        break;
    case 4: /* a value of the tree */
        n = byte();
        blob_read();
        deliver(link, uris[n % URIS], 0, ~0u);
        break;
    case 5:
        n = byte();
        exec(link, uris[(n & 15) % URIS], n >> 4 & 1, NULL);
        break;
    case 6: /* read a node */
        packet_begin(64, 0, 0);
        head(5, 2);
        text("uri");
        n = byte();
        text(uris[n % URIS]);
        number("off", n >> 4);
        send(link);
        break;
    case 7: answer(byte(), link); break;
    case 8: board.press = byte() & 3; break;
    case 9: /* a reset from outside, whatever goes on */
        board.mailbox = byte() & 3;
        board.runs = 0;
        restart_if_off();
        break;
    case 10:
        trouble.how = byte() % 3;
        trouble.left = half() % 1024;
        trouble.noise = word();
        break;
    case 11: board.clock = clocks[byte() & 7]; break;
    case 12:
        board.card = byte() % 3;
        blob_read();
        free(board.card_bytes);
        board.card_bytes = malloc(blob.length + 1);
        memcpy(board.card_bytes, blob.bytes, blob.length);
        board.card_length = blob.length;
        board.card_at = 0;
        break;
    case 13: /* a word at the console */
        n = byte();
        receive(0, (const u8 *)(n & 1 ? "yes\n" : "no\n"), n & 1 ? 4 : 3);
        break;
    case 14: /* whatever runs comes to an end */
        for (u32 i = 0; i < 40 && board.runs; i++) tick(50);
        if (!board.runs) {
            board.mailbox = byte() & 3;
            restart_if_off();
        }
        break;
    default: /* the state of the images, the log, the alert, the question */
        n = byte();
        packet_begin(n & 4 ? 1 : 64, n & 4 ? 0 : n & 2 ? 4 : n & 1 ? 6 : 5, 0);
        head(5, 0);
        send(link);
    }
    restart_if_off();
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    for (u32 i = 0; i < FLASH_BYTES; i++) flash.bytes[i] = (u8)(noise() >> 24);
    board.mailbox = BLANK;
    start();
    keep();
    flash_keep();
    return 0;
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t length) {
    input.at = bytes;
    input.end = bytes + length;
    flash_restore();
    restore();
    free(board.card_bytes);
    memset(&board, 0, sizeof board);
    memset(&trouble, 0, sizeof trouble);
    board.runs = 1;
    for (u32 events = 0; !is_over() && events < EVENTS_MAX; events++) event();
    trouble.how = FAIL_NEVER;
    board.mailbox = 3; /* confirm and stay: it has to answer, whatever was */
    board.runs = 0;
    restart_if_off();
    packet_begin(0, 0, 1);
    head(5, 1);
    text("d");
    text("still there");
    send(1);
    flash_demand(!board.runs || board.link_bytes > 8);
    return 0;
}
