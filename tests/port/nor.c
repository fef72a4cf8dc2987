/* A serial NOR as strict as its data sheet (Spansion S25FL128P), and the board's driver and seed against it, on this computer.
 *
 *   nor NAME [SEED]     does one of `cases`; ends 0 and silent, or says what the part was asked that it does not do
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include "../../boards/emcraft-sf2/nor.c"
#include "../../boards/emcraft-sf2/seed.c"

enum { BYTES = 16 << 20, FRAMES_MAX = 0xffff, PROGRAM_US = 1500, ERASE_US = 500000, FRAME_US = 1 };

static struct {
    uint8_t bytes[BYTES];
    int enabled, protects;
    uint64_t now_us, busy_until_us;
    uint32_t stuck; /* a byte that takes nothing; 0: none */
    uint32_t cut;   /* the power goes in the exchange of this number that changes something; 0: it does not */
    uint32_t programs, erases;
} part;
static jmp_buf power;
static uint32_t chance = 1;

static uint32_t random_below(uint32_t limit) {
    chance = chance * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)chance * limit >> 32);
}

static void demand(int good, const char *what) {
    if (good) return;
    printf("%s\n", what);
    exit(2);
}

uint32_t hal_milliseconds(void) {
    part.now_us += 10;
    return (uint32_t)(part.now_us / 1000);
}

/* ---- The part ---- */

static void program_page(uint32_t at, const uint8_t *data, uint32_t length, int torn) {
    demand(part.enabled, "a program without write enable");
    demand(length > 0 && length <= 256 && at % 256 + length <= 256, "a program across a page");
    for (uint32_t i = 0; i < length; i++) demand(part.bytes[at + i] == 0xff, "a program over bytes that are not erased");
    for (uint32_t i = 0; i < length; i++) {
        if (part.stuck == at + i && part.stuck) continue;
        part.bytes[at + i] = torn ? (uint8_t)(data[i] | random_below(256) | (random_below(2) ? 0xff : 0)) : data[i];
    }
    part.programs++;
    part.busy_until_us = part.now_us + PROGRAM_US;
}

static void erase_sector(uint32_t at, int torn) {
    demand(part.enabled, "an erase without write enable");
    demand(at % 0x10000 == 0, "an erase that begins in a sector");
    for (uint32_t i = 0; i < 0x10000; i++) part.bytes[at + i] = torn ? (uint8_t)random_below(256) : 0xff;
    part.erases++;
    part.busy_until_us = part.now_us + ERASE_US;
}

void spi_exchange(const void *command, uint32_t command_bytes, const void *out, uint32_t out_bytes, void *in, uint32_t in_bytes) {
    const uint8_t *bytes = command;
    uint8_t *to = in;
    uint32_t frames = command_bytes + out_bytes + in_bytes;
    demand(frames > 0 && frames <= FRAMES_MAX, "more frames than the SPI counts");
    part.now_us += frames * FRAME_US;
    int busy = part.now_us < part.busy_until_us, changes = bytes[0] != READ && bytes[0] != RDSR;
    int torn = part.cut && changes && --part.cut == 0;
    uint32_t at = command_bytes >= 4 ? (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3] : 0;
    if (bytes[0] == 0x05) {
        demand(command_bytes == 1 && in_bytes == 1 && !out_bytes, "RDSR of another length");
        to[0] = (uint8_t)(busy | part.enabled << 1);
    } else {
        demand(!busy, "a command while it is busy");
        switch (bytes[0]) {
        case 0x06:
            demand(frames == 1, "WREN of another length");
            part.enabled = !part.protects;
            break;
        case 0x03:
            demand(command_bytes == 4 && !out_bytes && at + in_bytes <= BYTES, "a read beyond its end");
            memcpy(to, part.bytes + at, in_bytes);
            break;
        case 0x02:
            demand(command_bytes == 4 && !in_bytes, "PP of another length");
            program_page(at, out, out_bytes, torn);
            part.enabled = 0;
            break;
        case 0xd8:
            demand(frames == 4, "SE of another length");
            erase_sector(at, torn);
            part.enabled = 0;
            break;
        default: demand(0, "a command that the part does not have");
        }
    }
    if (torn) longjmp(power, 1);
}

/* ---- The driver ---- */

static void is_like(const uint8_t *shadow, uint32_t from, uint32_t length) {
    static uint8_t back[BYTES];
    demand(nor_read(from, back, length) == 0 && memcmp(back, shadow + from, length) == 0, "it reads otherwise than it was written");
}

static void writes(void) {
    static uint8_t shadow[BYTES], data[4096];
    enum { FROM = 3 * 0x10000, TO = 7 * 0x10000 };
    memset(part.bytes, 0x5a, BYTES);
    memset(shadow, 0x5a, BYTES);
    for (uint32_t round = 0; round < 20; round++) {
        demand(nor_erase(FROM, TO - FROM) == 0, "an erase fails");
        memset(shadow + FROM, 0xff, TO - FROM);
        for (uint32_t at = FROM + 4 * random_below(100); at < TO;) {
            uint32_t length = 4 * (1 + random_below(random_below(8) ? 40 : 1000));
            if (length > TO - at) length = TO - at;
            for (uint32_t i = 0; i < length; i++) data[i] = (uint8_t)random_below(256);
            demand(nor_write(at, data, length) == 0, "a write fails");
            memcpy(shadow + at, data, length);
            is_like(shadow, at & ~3u, length);
            at += length + 4 * random_below(50);
        }
        is_like(shadow, FROM - 5, TO - FROM + 77);
    }
    is_like(shadow, 0, BYTES);
}

static void starts_busy(void) {
    uint8_t byte;
    part.busy_until_us = ERASE_US;
    demand(nor_start() == 0 && nor_read(0, &byte, 1) == 0, "it does not start");
}

static void is_protected(void) {
    static const uint32_t word = 0;
    memset(part.bytes, 0xff, BYTES);
    part.protects = 1;
    demand(nor_write(0, &word, 4) < 0, "a write to a protected part succeeds");
    demand(nor_erase(0, 0x10000) < 0, "an erase of a protected part succeeds");
    demand(part.programs + part.erases == 0, "it was written");
}

static void never_ready(void) {
    static const uint32_t word = 0;
    memset(part.bytes, 0xff, BYTES);
    part.busy_until_us = ~0ull;
    demand(nor_start() < 0, "a part that is never ready is");
    demand(part.now_us < 20000000, "it waits for longer than twenty seconds");
    part.busy_until_us = 0;
    part.stuck = 102;
    demand(nor_write(100, &word, 4) < 0, "a byte that was not written is");
}

/* ---- The seed ---- */

static void block(void) {
    static const uint32_t input[4] = {1, 0x09000000, 0x4a000000, 0}; /* RFC 8439 section 2.3.2 */
    static const uint32_t wanted[BLOCK_WORDS] = {0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033,
                                                 0x9aaa2204, 0x4e6cd4c3, 0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
                                                 0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};
    uint32_t with[KEY_WORDS], out[BLOCK_WORDS];
    for (uint32_t i = 0; i < KEY_WORDS; i++) with[i] = 0x03020100 + 0x04040404 * i;
    chacha20(out, with, input);
    demand(memcmp(out, wanted, sizeof out) == 0, "this is not ChaCha20");
}

static int in_order(const void *a, const void *b) {
    return memcmp(a, b, 16);
}

/* The same moment each time: what makes a start differ from the one before is the seed alone. */
static void starts(uint32_t cut_one_in) {
    enum { STARTS = 3000 };
    static uint8_t drawn[2 * STARTS][16];
    volatile uint32_t count = 0, cuts = 0;
    memset(part.bytes, 0x5a, BYTES);
    for (volatile uint32_t start = 0; start < STARTS; start++) {
        part.enabled = 0;
        part.now_us = part.busy_until_us = 0; /* the power was off */
        part.cut = cut_one_in && random_below(cut_one_in) == 0 ? 1 + random_below(4) : 0;
        memset(key, 0, sizeof key);
        if (setjmp(power)) {
            cuts++;
            continue;
        }
        demand(nor_start() == 0, "it does not start");
        seed_start(7);
        seed_random(drawn[count++], 16, 7);
        seed_random(drawn[count++], 16, 7);
    }
    demand(count > STARTS && (!cut_one_in || cuts > STARTS / 20), "too few of what this is about");
    qsort(drawn, count, 16, in_order);
    for (uint32_t i = 1; i < count; i++) demand(in_order(drawn[i - 1], drawn[i]) != 0, "the same number came twice");
    for (uint32_t i = 0; i < NOR_SEED; i++) demand(part.bytes[i] == 0x5a, "it writes outside its sectors");
    for (uint32_t i = NOR_SEED_END; i < BYTES; i++) demand(part.bytes[i] == 0x5a, "it writes outside its sectors");
}
static void starts_whole(void) { starts(0); }
static void starts_cut(void) { starts(2); }

/* ---- What the part refuses, asked for itself ---- */

static void ask(uint8_t command, uint32_t at, uint32_t out_bytes) {
    static uint8_t out[512], words[4];
    addressed(words, command, at);
    spi_exchange(words, 4, out, out_bytes, 0, 0);
}
static void without_enable(void) { memset(part.bytes, 0xff, BYTES), ask(PP, 0, 4); }
static void across(void) { memset(part.bytes, 0xff, BYTES), enable(), ask(PP, 252, 8); }
static void over(void) { enable(), ask(PP, 0, 4); }
static void too_early(void) { enable(), ask(SE, 0, 0), enable(); }
static void small_erase(void) { enable(), ask(0x20, 0, 0); }

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"writes", writes},           {"starts busy", starts_busy}, {"protected", is_protected},     {"never ready", never_ready},
    {"block", block},             {"starts", starts_whole},     {"starts, cut", starts_cut},     {"without enable", without_enable},
    {"across a page", across},    {"over", over},               {"too early", too_early},        {"4 KB", small_erase},
};

int main(int count, char **words) {
    if (count > 2) chance = (uint32_t)strtoul(words[2], 0, 10);
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (count < 2 || strcmp(cases[i].name, words[1])) continue;
        cases[i].run();
        return 0;
    }
    return 1;
}
