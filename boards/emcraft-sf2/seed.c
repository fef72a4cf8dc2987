/* Two sectors (layout.h) of records, each in a place of 64 bytes, one behind the other; when one sector is full, the other is
 * erased and begun:
 *
 *      +0  number        of the record, from 1; it counts on over both sectors
 *      +4  complement    ~number
 *      +8  seed          32 bytes
 *     +40  check         CRC-32 of what stands before it
 *
 * Key erasure: each block of ChaCha20 is made with the key, and its first half is the next key, so that what is given away says
 * nothing of what comes. At a start the seed is the key, and the first half is the next seed. */
#include "seed.h"
#include <stddef.h>
#include <string.h>
#include "layout.h"
#include "nor.h"

enum { KEY_WORDS = 8, BLOCK_WORDS = 16, PLACE_WORDS = 16 };

struct record {
    uint32_t number, complement, seed[KEY_WORDS], check;
};

static uint32_t key[KEY_WORDS];

/* ---- ChaCha20: RFC 8439 section 2.3; the four words of counter and nonce are `input` ---- */

static uint32_t turn(uint32_t x, uint32_t by) {
    return x << by | x >> (32 - by);
}

static void quarter(uint32_t x[BLOCK_WORDS], uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    x[a] += x[b], x[d] = turn(x[d] ^ x[a], 16);
    x[c] += x[d], x[b] = turn(x[b] ^ x[c], 12);
    x[a] += x[b], x[d] = turn(x[d] ^ x[a], 8);
    x[c] += x[d], x[b] = turn(x[b] ^ x[c], 7);
}

static void chacha20(uint32_t block[BLOCK_WORDS], const uint32_t with[KEY_WORDS], const uint32_t input[4]) {
    uint32_t first[BLOCK_WORDS] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memcpy(first + 4, with, 4 * KEY_WORDS);
    memcpy(first + 12, input, 16);
    memcpy(block, first, sizeof first);
    for (uint32_t i = 0; i < 10; i++) {
        for (uint32_t k = 0; k < 4; k++) quarter(block, k, 4 + k, 8 + k, 12 + k);
        for (uint32_t k = 0; k < 4; k++) quarter(block, k, 4 + (k + 1) % 4, 8 + (k + 2) % 4, 12 + (k + 3) % 4);
    }
    for (uint32_t i = 0; i < BLOCK_WORDS; i++) block[i] += first[i];
}

/* ---- Records ---- */

/* CRC-32 of IEEE 802.3, as zlib's */
static uint32_t check_of(const struct record *record) {
    const uint8_t *bytes = (const void *)record;
    uint32_t sum = ~0u;
    for (uint32_t i = 0; i < offsetof(struct record, check); i++) {
        sum ^= bytes[i];
        for (uint32_t bit = 0; bit < 8; bit++) sum = sum >> 1 ^ (sum & 1 ? 0xedb88320u : 0);
    }
    return ~sum;
}

/* What a cut tore may end in erased bytes, and is no place to write to. */
static int is_erased(const uint32_t place[PLACE_WORDS]) {
    for (uint32_t i = 0; i < PLACE_WORDS; i++)
        if (place[i] != ~0u) return 0;
    return 1;
}

/* The newest record that is whole (number 0: there is none), and where in its sector the next one goes: behind all that was
 * ever written there, or to the beginning of the other sector, which is erased first. */
static uint32_t newest(struct record *found) {
    uint32_t next = NOR_SEED;
    found->number = 0;
    for (uint32_t sector = NOR_SEED; sector < NOR_SEED_END; sector += NOR_SECTOR_BYTES) {
        int is_here = 0;
        uint32_t at = sector, place[PLACE_WORDS];
        for (; at < sector + NOR_SECTOR_BYTES; at += sizeof place) {
            const struct record *here = (const void *)place;
            nor_read(at, place, sizeof place);
            if (is_erased(place)) break;
            if (here->number != ~here->complement || here->check != check_of(here) || here->number <= found->number) continue;
            *found = *here;
            is_here = 1;
        }
        if (is_here) next = at < NOR_SEED_END ? at : NOR_SEED;
    }
    return next;
}

static void keep(const struct record *record, uint32_t at) {
    if (at % NOR_SECTOR_BYTES == 0) nor_erase(at, NOR_SECTOR_BYTES);
    nor_write(at, record, sizeof *record);
}

void seed_start(uint32_t moment) {
    struct record record;
    uint32_t block[BLOCK_WORDS], next = newest(&record);
    if (!record.number) memset(record.seed, 0, sizeof record.seed);
    chacha20(block, record.seed, (uint32_t[]){record.number, moment, 0, 0});
    record.number++;
    record.complement = ~record.number;
    memcpy(record.seed, block, sizeof record.seed);
    record.check = check_of(&record);
    keep(&record, next);
    memcpy(key, block + KEY_WORDS, sizeof key);
}

void seed_random(void *to, uint32_t length, uint32_t moment) {
    uint8_t *bytes = to;
    for (uint32_t done = 0, piece; done < length; done += piece) {
        uint32_t block[BLOCK_WORDS];
        piece = length - done < sizeof key ? length - done : sizeof key;
        chacha20(block, key, (uint32_t[]){0, moment, 0, 1});
        memcpy(key, block, sizeof key);
        memcpy(bytes + done, block + KEY_WORDS, piece);
    }
}
