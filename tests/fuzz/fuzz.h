/* What both targets share: the input as a stream of choices, byte strings to hand to the module, guards, and a snapshot.
 *
 * Included by a target after the translated module and fixtures.h. An input never ends early: behind its end every byte is
 * 0, and a target stops there. A byte string of an input is either a fixture (seeds.ts) with a few bytes altered, or
 * literal bytes; so one altered byte of an input is one altered byte of a package that is otherwise sound.
 */
#include <sanitizer/asan_interface.h>
#include <stdlib.h>

static struct {
    const u8 *at, *end;
} input;

static int is_over(void) { return input.at == input.end; }
static u32 byte(void) { return is_over() ? 0 : *input.at++; }
static u32 half(void) {
    u32 low = byte();
    return low | byte() << 8;
}
static u32 word(void) {
    u32 low = half();
    return low | half() << 16;
}

/* ---- Byte strings ---- */

enum { BLOB_BYTES_MAX = 4096, LITERAL = 0xff };

static struct {
    u8 *bytes; /* of exactly its length, from malloc: what reads behind it is found */
    u32 length;
} blob;

static void blob_take(const u8 *from, u32 length) {
    free(blob.bytes);
    blob.bytes = malloc(length ? length : 1);
    memcpy(blob.bytes, from, length);
    blob.length = length;
}

/* fixture u8, edits u8 (low 3 bits), then per edit: offset u16, xor u8; or LITERAL, length u16, bytes. */
static void blob_read(void) {
    u32 which = byte();
    if (which == LITERAL) {
        u32 length = half() % BLOB_BYTES_MAX, left = (u32)(input.end - input.at);
        if (length > left) length = left;
        blob_take(input.at, length);
        input.at += length;
        return;
    }
    which %= FIXTURES;
    blob_take(fixture_bytes + fixture_at[which], fixture_at[which + 1] - fixture_at[which]);
    for (u32 edits = byte() & 7; edits; edits--) {
        u32 offset = half();
        u8 with = (u8)byte();
        if (offset == 0xffff) blob.length = blob.length ? blob.length - 1 : 0;
        else if (blob.length) blob.bytes[offset % blob.length] ^= with;
    }
}

/* ---- Guards ---- */

enum { GUARDS_MAX = 128, FIRST_BYTES = 16 /* nothing lies at address 0: asconfig.json, memoryBase */ };

static struct {
    u32 at, length;
} guard[GUARDS_MAX];
static u32 guards;

static void import_guard(u32 at, u32 length) {
    if (guards == GUARDS_MAX) abort();
    guard[guards].at = at;
    guard[guards].length = length + (-(at + length) & 7); /* the next buffer begins at a multiple of 8 */
    guards++;
}

static void forbid(void) {
    for (u32 i = 0; i < guards; i++) ASAN_POISON_MEMORY_REGION(memory + guard[i].at, guard[i].length);
}

static void allow(void) { ASAN_UNPOISON_MEMORY_REGION(memory, sizeof memory); }

/* ---- Snapshot: of memory and globals ---- */

static u8 kept_memory[MEMORY_BYTES], kept_globals[sizeof globals];

static void keep(void) {
    allow();
    memcpy(kept_memory, memory, sizeof memory);
    memcpy(kept_globals, &globals, sizeof globals);
    forbid();
}

static void restore(void) {
    allow();
    memcpy(memory, kept_memory, sizeof memory);
    memcpy(&globals, kept_globals, sizeof globals);
    forbid();
}
