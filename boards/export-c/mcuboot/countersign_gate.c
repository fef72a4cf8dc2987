/* The gate of countersign_gate.h: MCUboot's image access hooks.
 *
 * What may start is written down before it is swapped: the hash of the image that runs, and of the one that was let in and is not
 * confirmed yet (the candidate). The primary slot is held against these two at every start, whatever brought the image there: a swap,
 * one that was resumed, a revert, serial recovery, a programmer. What is neither is judged where it stands.
 *
 *   slot       | hash is             | swap type     |
 *   -----------+---------------------+---------------+----------------------------------------------------------------------
 *   primary    | running             | any           | passes. Nothing to swap: the candidate, if any, had its trial, and is forgotten
 *   primary    | candidate           | any           | passes. Confirmed: it runs now, and its number is the floor
 *   secondary  | running             | any           | passes: the way back is no new decision, and MCUboot goes it under any type (a
 *              |                     |               | revert that lost power as it began is none, or in swap-using-move perm)
 *   secondary  | candidate           | revert, none  | passes: a swap that lost power as it began
 *   any        | another             | any           | is judged: passes and is the candidate; or waits; or is refused
 *
 * "Waits" is for the secondary slot alone: MCUboot erases what its hook refuses, so it goes on with its own check, and the update
 * hook then does nothing. The swap is unmarked, so that other images can be uploaded; where the mark shares a sector with the
 * image it stays, and each start judges anew.
 */
#include "gate_priv.h"

#ifndef MCUBOOT_IMAGE_ACCESS_HOOKS
#error "countersign: the gate is MCUboot's image access hooks: MCUBOOT_IMAGE_ACCESS_HOOKS (CONFIG_BOOT_IMAGE_ACCESS_HOOKS)"
#endif
#ifndef MCUBOOT_VALIDATE_PRIMARY_SLOT
#error "countersign: without MCUBOOT_VALIDATE_PRIMARY_SLOT (CONFIG_BOOT_VALIDATE_SLOT0) what a resumed swap or recovery wrote starts unseen"
#endif
#if defined(MCUBOOT_DIRECT_XIP) || defined(MCUBOOT_RAM_LOAD) || defined(MCUBOOT_SINGLE_APPLICATION_SLOT) || \
    defined(MCUBOOT_SINGLE_APPLICATION_SLOT_RAM_LOAD) || defined(MCUBOOT_FIRMWARE_LOADER)
#error "countersign: the gate is for the modes that swap or overwrite: elsewhere MCUboot does not ask, or erases what has to wait"
#endif
#if defined(MCUBOOT_SIGN_PURE) || defined(MCUBOOT_SIGN_EC384) || defined(MCUBOOT_SHA512) || defined(MCUBOOT_DECOMPRESS_IMAGES)
#error "countersign: the gate compares MCUboot's SHA-256 of the image as it stands in the primary slot"
#endif
#if defined(MCUBOOT_IMAGE_NUMBER) && MCUBOOT_IMAGE_NUMBER > 1
#error "countersign: the gate is for one image"
#endif
#ifndef COUNTERSIGN_STATE_AREA
#error "countersign: COUNTERSIGN_STATE_AREA is missing (countersign_gate.h)"
#endif
#ifndef COUNTERSIGN_SECTOR_BYTES
#error "countersign: COUNTERSIGN_SECTOR_BYTES is missing (countersign_gate.h)"
#endif

#ifndef COUNTERSIGN_DOCUMENTS_AREA
#define COUNTERSIGN_DOCUMENTS_AREA (-1)
#endif

uint8_t gate_buffer[DOCUMENT_BYTES_MAX];

__attribute__((weak)) uint64_t countersign_gate_time(void) { return 0; }
__attribute__((weak)) int countersign_gate_ask(void) { return 0; }
__attribute__((weak)) void countersign_gate_told(int slot, int decision, int reason) { (void)slot, (void)decision, (void)reason; }

static int reason;
int countersign_gate_reason(void) { return reason; }

/* Far from each other, so that one instruction that is left out does not make one into another. */
enum { PASSES = 0x3a5c, WAITS = 0x5a36, REFUSED = 0x6593 };

/* ---- What survives a reset: twice, in two halves. A cut leaves the old state or the new one in one of them, and damage to one leaves
 * the other: never an older state. Each start makes the second one, if it is not there ---- */

#define STATE_MAGIC 0x32474343u /* "CCG2" */

struct state {
    uint32_t magic, count;
    uint8_t verifier[COUNTERSIGN_STATE_BYTES]; /* floors, and the number of what runs */
    uint64_t candidate_number;
    uint8_t running[HASH_BYTES], candidate[HASH_BYTES]; /* MCUboot's hashes; zeros: none */
    uint8_t check[HASH_BYTES]; /* SHA-256 of all before */
};

typedef char state_is_whole_write_units[sizeof(struct state) == 192 ? 1 : -1];

static struct state state, kept; /* as it is to be, and as it stands in flash */
static int half;                 /* where `kept` stands, and TWICE if in the other one, too */
enum { TWICE = 2, NONE = -1, DAMAGED = -2 }; /* nothing is written for a state that is as if there were none */

static void state_check(uint8_t digest[HASH_BYTES]) {
    countersign_sha256_begin();
    countersign_sha256_update(&state, offsetof(struct state, check));
    countersign_sha256_finish(digest);
}

static void state_load(void) {
    const struct flash_area *area;
    uint8_t digest[HASH_BYTES];
    int broken = 0;
    half = NONE;
    memset(&kept, 0, sizeof kept);
    if (flash_area_open(COUNTERSIGN_STATE_AREA, &area)) broken = 2;
    else {
        for (int i = 0; i < 2; i++) {
            if (flash_area_read(area, i ? flash_area_get_size(area) / 2 : 0, &state, sizeof state) || state.magic != STATE_MAGIC) continue;
            state_check(digest);
            if (memcmp(digest, state.check, HASH_BYTES)) broken++;
            else if (state.count > kept.count) {
                kept = state;
                half = i;
            } else if (state.count == kept.count) half |= TWICE;
        }
        flash_area_close(area);
    }
    if (broken == 2) half = DAMAGED; /* a cut breaks the half that was being written, never both */
    state = kept;
    countersign_state_load(state.verifier);
}

static int half_write(const struct flash_area *area) {
    uint32_t bytes = flash_area_get_size(area) / 2, at = half & 1 ? 0 : bytes; /* NONE is odd */
    if (flash_area_erase(area, at, bytes) || flash_area_write(area, at, &state, sizeof state) ||
        flash_area_read(area, at, &kept, sizeof kept) || memcmp(&kept, &state, sizeof state)) return 1;
    half = ~half & 1;
    return 0;
}

/* Not 0: it does not stand in flash. Nothing is written if nothing changed: who may not change anything costs no erase. */
static int state_save(void) {
    const struct flash_area *area;
    int changed = memcmp(&state, &kept, sizeof state);
    if (half == DAMAGED || (!changed && half & TWICE) || flash_area_open(COUNTERSIGN_STATE_AREA, &area)) return changed;
    if (changed) {
        state.magic = STATE_MAGIC;
        state.count++;
        state_check(state.check);
    }
    int failed = half_write(area);
    if (!failed && (!changed || !half_write(area))) half |= TWICE;
    flash_area_close(area);
    return failed;
}

/* Whether a hash is one that was written down. Compared twice: one instruction that is left out lets nothing pass. Zeros are nobody's
 * hash: MCUboot checks next that it is the image's. */
static int is(const uint8_t *known, const uint8_t *hash) {
    volatile int differ = memcmp(known, hash, HASH_BYTES);
    return !differ && !memcmp(hash, known, HASH_BYTES);
}

/* ---- Where the image stands ---- */

/* MCUboot does not tell its hooks. In swap-using-offset a new image begins one sector up and an old one at the start, and if there
 * is no header MCUboot takes the other place. */
#ifdef MCUBOOT_SWAP_USING_OFFSET
#define PLACES 2
#define TLV_START(it, offset) ((it).start_off = (offset))
#else
#define PLACES 1
#define TLV_START(it, offset) ((void)(offset))
#endif

static int header_at(struct place *at) {
    return flash_area_read(at->area, at->offset, &at->header, sizeof at->header) || at->header.ih_magic != IMAGE_MAGIC;
}

int gate_tlv(const struct place *at, uint16_t type, uint32_t *offset, uint16_t *length) {
    struct image_tlv_iter it;
    uint32_t next;
    uint16_t bytes;
    int found = 0, failed;
    TLV_START(it, at->offset);
    if (bootutil_tlv_iter_begin(&it, &at->header, at->area, type, false)) return -1;
    while (!(failed = bootutil_tlv_iter_next(&it, &next, &bytes, NULL))) {
        if (bootutil_tlv_iter_is_prot(&it, next)) continue;
        *offset = next;
        *length = bytes;
        found++;
    }
    return failed < 0 || found != 1;
}

/* MCUboot compares every hash TLV with the image: here one that differs from the others is no hash. */
static int hash_at(struct place *at) {
    struct image_tlv_iter it;
    uint32_t offset;
    uint16_t bytes;
    uint8_t hash[HASH_BYTES];
    int found = 0, failed;
    TLV_START(it, at->offset);
    if (bootutil_tlv_iter_begin(&it, &at->header, at->area, IMAGE_TLV_SHA256, false)) return -1;
    while (!(failed = bootutil_tlv_iter_next(&it, &offset, &bytes, NULL))) {
        if (bytes != HASH_BYTES || flash_area_read(at->area, offset, hash, HASH_BYTES)) return -1;
        if (found++ && memcmp(hash, at->hash, HASH_BYTES)) return -1;
        memcpy(at->hash, hash, HASH_BYTES);
    }
    return failed < 0 || !found;
}

/* The images that MCUboot may mean by a slot: their number. In the secondary slot it takes the first, or the other one. */
static int places(struct place at[PLACES], int slot, const struct flash_area *area, int swap_type) {
    int found = 0, old = swap_type == BOOT_SWAP_TYPE_REVERT;
    for (int i = 0; i < (slot == BOOT_SLOT_PRIMARY ? 1 : PLACES); i++) {
        at[found].area = area;
        at[found].offset = PLACES == 2 && slot != BOOT_SLOT_PRIMARY && old == i ? COUNTERSIGN_SECTOR_BYTES : 0;
        if (!header_at(&at[found]) && !hash_at(&at[found])) found++;
    }
    return found;
}

/* ---- The documents area: nothing in it is trusted, everything in it is bounded by its size ---- */

static int half_documents(const struct flash_area *area, uint32_t from, uint32_t end, uint16_t type,
                          int (*each)(const struct flash_area *, uint32_t, uint16_t)) {
    struct countersign_half head;
    struct countersign_record record;
    if (end - from < sizeof head || flash_area_read(area, from, &head, sizeof head) || head.magic != COUNTERSIGN_HALF_MAGIC) return 0;
    uint32_t at = from + sizeof head;
    while (end - at >= sizeof record && !flash_area_read(area, at, &record, sizeof record)) {
        if (record.type != COUNTERSIGN_RECORD_APPROVAL && record.type != COUNTERSIGN_RECORD_HEAD) break;
        uint32_t whole = (sizeof record + record.bytes + COUNTERSIGN_RECORD_ALIGN - 1) & ~(COUNTERSIGN_RECORD_ALIGN - 1);
        if (whole > end - at) break;
        if (record.type == type && each(area, at + sizeof record, record.bytes)) return 1;
        at += whole;
    }
    return 0;
}

int gate_documents(uint16_t type, int (*each)(const struct flash_area *, uint32_t, uint16_t)) {
    const struct flash_area *area;
    if (COUNTERSIGN_DOCUMENTS_AREA < 0 || flash_area_open(COUNTERSIGN_DOCUMENTS_AREA, &area)) return 0;
    uint32_t bytes = flash_area_get_size(area) / 2;
    int found = half_documents(area, 0, bytes, type, each) || half_documents(area, bytes, 2 * bytes, type, each);
    flash_area_close(area);
    return found;
}

static int approval(const struct flash_area *area, uint32_t offset, uint16_t bytes) {
    if (bytes <= sizeof gate_buffer && !flash_area_read(area, offset, gate_buffer, bytes))
        countersign_consider(COUNTERSIGN_TREE, gate_buffer, bytes);
    return 0;
}

void gate_consider(void) { gate_documents(COUNTERSIGN_RECORD_APPROVAL, approval); }

/* ---- The decision ---- */

static void forget_candidate(void) { memset(state.candidate, 0, HASH_BYTES); }

/* Judges, and writes down what passes before it does. What cannot be written down passes only where it stands already: there each
 * start judges it anew. */
static int judge(const struct place *at, int slot) {
    struct judged judged = gate_judge(at);
    volatile int yes = judged.verdict == COUNTERSIGN_INSTALL || (judged.verdict == COUNTERSIGN_ASK && countersign_gate_ask() == 1);
    reason = judged.reason;
    countersign_state_save(state.verifier); /* what the documents raised, whatever the verdict */
    if (yes && judged.verdict != COUNTERSIGN_REJECT) {
        state.candidate_number = countersign_sequence();
        memcpy(state.candidate, at->hash, HASH_BYTES);
    } else if (is(state.candidate, at->hash)) forget_candidate(); /* let in at an earlier start, and denied since */
    int unwritten = state_save();
    if (yes && is(state.candidate, at->hash) && (!unwritten || slot == BOOT_SLOT_PRIMARY)) {
        reason = COUNTERSIGN_OK;
        return PASSES;
    }
    if (!yes) return judged.open ? WAITS : REFUSED;
    reason = half == DAMAGED ? COUNTERSIGN_STORE_DAMAGED : COUNTERSIGN_FLASH_WRITE;
    return WAITS;
}

/* In overwrite mode there is no way back, and no trial. */
static int confirmed(void) {
#ifdef MCUBOOT_OVERWRITE_ONLY
    return 1;
#else
    struct boot_swap_state trailer;
    if (boot_read_swap_state_by_id(FLASH_AREA_IMAGE_PRIMARY(0), &trailer)) return 0;
    return trailer.magic != BOOT_MAGIC_GOOD || trailer.image_ok == BOOT_FLAG_SET;
#endif
}

static int primary(const struct flash_area *area, int swap_type) {
    struct place at[PLACES];
    if (!places(at, BOOT_SLOT_PRIMARY, area, swap_type)) return REFUSED;
    if (is(state.running, at[0].hash)) {
        if (swap_type == BOOT_SWAP_TYPE_NONE) forget_candidate();
        state_save(); /* it runs already: a page that cannot be written does not stop it */
        return PASSES;
    }
    if (!is(state.candidate, at[0].hash)) {
        int decision = judge(&at[0], BOOT_SLOT_PRIMARY);
        if (decision != PASSES) return decision;
    }
    if (confirmed()) {
        memcpy(state.running, state.candidate, HASH_BYTES);
        countersign_set_installed(state.candidate_number);
        countersign_state_save(state.verifier);
        forget_candidate();
        state_save(); /* if not: at the next start it is the candidate still */
    }
    return PASSES;
}

static int secondary(const struct flash_area *area, int swap_type) {
    struct place at[PLACES];
    int found = places(at, BOOT_SLOT_SECONDARY, area, swap_type);
    int goes_on = swap_type == BOOT_SWAP_TYPE_REVERT || swap_type == BOOT_SWAP_TYPE_NONE;
    if (!found) return REFUSED; /* no hash, or several: MCUboot would refuse it, too */
    int known = is(state.running, at[0].hash) || (goes_on && is(state.candidate, at[0].hash));
    int decision = known ? PASSES : judge(&at[0], BOOT_SLOT_SECONDARY);
    /* Whichever of the two MCUboot takes, it is let in. */
    if (found > 1 && !is(state.running, at[found - 1].hash) && !is(state.candidate, at[found - 1].hash)) return REFUSED;
    return decision;
}

/* ---- MCUboot's hooks ---- */

static volatile int incoming = REFUSED; /* the decision about what stands in the secondary slot */

fih_ret boot_image_check_hook(int image, int slot) {
    const struct flash_area *area;
    volatile int decision = WAITS;
    int swap_type = boot_swap_type_multi(image);
    countersign_start();
    reason = countersign_provision(countersign_bootstrap, countersign_bootstrap_bytes);
    countersign_set_time(countersign_gate_time());
    state_load();
    if (reason == COUNTERSIGN_OK) {
        if (flash_area_open(slot == BOOT_SLOT_PRIMARY ? FLASH_AREA_IMAGE_PRIMARY(0) : FLASH_AREA_IMAGE_SECONDARY(0), &area))
            FIH_RET(FIH_FAILURE);
        decision = slot == BOOT_SLOT_PRIMARY ? primary(area, swap_type) : secondary(area, swap_type);
        flash_area_close(area);
    }
    if (slot != BOOT_SLOT_PRIMARY) incoming = decision;
    countersign_gate_told(slot, decision == PASSES ? 1 : decision == WAITS ? 2 : 3, reason);
    /* What waits is not refused, or it would be erased: the update hook stops it, and the check of the primary slot whatever else moves it. */
    if (decision == PASSES || (slot != BOOT_SLOT_PRIMARY && decision == WAITS)) FIH_RET(FIH_BOOT_HOOK_REGULAR);
    FIH_RET(FIH_FAILURE);
}

/* Erases the mark of the swap, if no image reaches into its sector. */
static void unmark(const struct flash_area *area) {
    struct place at[PLACES];
    uint32_t last = flash_area_get_size(area) - COUNTERSIGN_SECTOR_BYTES;
    int found = places(at, BOOT_SLOT_SECONDARY, area, BOOT_SWAP_TYPE_TEST);
    for (int i = 0; i < found; i++) {
        struct image_tlv_iter it;
        TLV_START(it, at[i].offset);
        if (bootutil_tlv_iter_begin(&it, &at[i].header, area, IMAGE_TLV_ANY, false) || it.tlv_end > last) return;
    }
    flash_area_erase(area, last, COUNTERSIGN_SECTOR_BYTES);
}

int boot_perform_update_hook(int image, struct image_header *header, const struct flash_area *area) {
    (void)image, (void)header;
    if (incoming == PASSES) return BOOT_HOOK_REGULAR;
    unmark(area);
    return 0; /* as if it were done */
}

int boot_read_image_header_hook(int image, int slot, struct image_header *header) {
    (void)image, (void)slot, (void)header;
    return BOOT_HOOK_REGULAR;
}

int boot_copy_region_post_hook(int image, const struct flash_area *area, size_t size) {
    (void)image, (void)area, (void)size;
    return 0;
}

int boot_read_swap_state_primary_slot_hook(int image, struct boot_swap_state *trailer) {
    (void)image, (void)trailer;
    return BOOT_HOOK_REGULAR;
}

/* Serial recovery's, where it is built in. */
int boot_serial_uploaded_hook(int image, const struct flash_area *area, size_t size) {
    (void)image, (void)area, (void)size;
    return 0; /* what was written is judged at the next start, wherever it stands */
}

int boot_reset_request_hook(bool force) {
    (void)force;
    return 0;
}
