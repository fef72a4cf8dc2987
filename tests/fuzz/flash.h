/* The flash of the fuzzed agent: as strict as tests/support/flash.ts, with power cuts and failing operations.
 *
 * A word that is written twice without an erase between, an unaligned address, and a place outside of the regions end the
 * run as a fault of the agent. Only pages that were touched are put back between two runs.
 */
enum {
    PAGE = 1024,
    PRIMARY = 0x10000,
    SLOT = 87 * PAGE,
    SECONDARY = 0x25c00,
    STATE = 0x3c000,
    STATE_BYTES = 16 * PAGE,
    FLASH_END = STATE + STATE_BYTES,
    FLASH_BYTES = FLASH_END - PRIMARY,
    PAGES = FLASH_BYTES / PAGE,
};

struct flash {
    u8 bytes[FLASH_BYTES];
    u8 writable[FLASH_BYTES / 4];
};
static struct flash flash, kept_flash;
static u8 touched[PAGES];

enum { FAIL_NEVER, FAIL_CALL, FAIL_POWER };
static struct {
    u32 how, left, noise; /* at the operation `left` from now */
} trouble;

static void power_cut(void);

static u32 noise(void) { return trouble.noise = trouble.noise * 1664525u + 1013904223u; }

static void flash_keep(void) {
    kept_flash = flash;
    memset(touched, 0, sizeof touched);
}

static void flash_restore(void) {
    for (u32 page = 0; page < PAGES; page++) {
        if (!touched[page]) continue;
        memcpy(flash.bytes + page * PAGE, kept_flash.bytes + page * PAGE, PAGE);
        memcpy(flash.writable + page * PAGE / 4, kept_flash.writable + page * PAGE / 4, PAGE / 4);
        touched[page] = 0;
    }
}

static void flash_demand(int good) {
    if (!good) abort();
}

static void flash_inside(u32 offset, u32 length) {
    u32 end = offset < SECONDARY ? PRIMARY + SLOT : offset < STATE ? STATE : FLASH_END;
    flash_demand(offset >= PRIMARY && offset <= end && length <= end - offset);
}

/* Whether the trouble of this run is due now. */
static u32 due(void) {
    if (trouble.how == FAIL_NEVER || trouble.left--) return FAIL_NEVER;
    u32 how = trouble.how;
    trouble.how = FAIL_NEVER;
    return how;
}

static u32 import_flash_read(u32 offset, u32 to, u32 length) {
    u8 *at = memory_at(to, length);
    flash_inside(offset, length);
    u32 how = due();
    if (how == FAIL_CALL) return ~0u;
    if (how == FAIL_POWER) power_cut();
    memcpy(at, flash.bytes + (offset - PRIMARY), length);
    return 0;
}

static u32 import_flash_write(u32 offset, u32 from, u32 length) {
    const u8 *at = memory_at(from, length);
    flash_inside(offset, length);
    flash_demand(((offset | from | length) & 3) == 0);
    u32 how = due(), words = length / 4, first = (offset - PRIMARY) / 4;
    if (how == FAIL_CALL) return ~0u;
    u32 torn = how == FAIL_POWER && words ? noise() % words : words;
    for (u32 i = 0; i < words; i++) {
        flash_demand(flash.writable[first + i]);
        touched[(first + i) * 4 / PAGE] = 1;
        if (i > torn) continue;
        flash.writable[first + i] = 0;
        memcpy(flash.bytes + 4 * (first + i), at + 4 * i, 4);
        if (i == torn)
            for (u32 k = 0; k < 4; k++) flash.bytes[4 * (first + i) + k] |= (u8)(noise() >> 24);
    }
    if (how == FAIL_POWER) power_cut();
    return 0;
}

static u32 import_flash_erase(u32 offset, u32 length) {
    flash_inside(offset, length);
    flash_demand(offset % PAGE == 0 && length % PAGE == 0);
    u32 how = due();
    if (how == FAIL_CALL) return ~0u;
    u32 pages = length / PAGE, first = (offset - PRIMARY) / PAGE;
    u32 torn = how == FAIL_POWER && pages ? noise() % pages : pages;
    for (u32 i = first; i < first + pages && i <= first + torn; i++) {
        touched[i] = 1;
        memset(flash.bytes + i * PAGE, 0xff, PAGE);
        memset(flash.writable + i * PAGE / 4, i < first + torn, PAGE / 4);
        if (i == first + torn)
            for (u32 k = 0, to = noise() % PAGE; k < to; k++) flash.bytes[i * PAGE + k] = (u8)(noise() >> 24);
    }
    if (how == FAIL_POWER) power_cut();
    return 0;
}

static u32 import_flash_map(u32 what) {
    static const u32 map[] = {PAGE, PRIMARY, SLOT, SECONDARY, SLOT + PAGE, STATE, STATE_BYTES};
    return what < sizeof map / sizeof *map ? map[what] : 0;
}
