/* Judges an image by its package: a SUIT envelope without its payload, whose manifest names the image by MCUboot's own hash of it. */
#include "gate_priv.h"

#if COUNTERSIGN_HEAD_IN_TLV && defined(MCUBOOT_USE_TLV_ALLOW_LIST)
#error "countersign: MCUboot's TLV allow list refuses images with a head: COUNTERSIGN_HEAD_IN_TLV=0, or no MCUBOOT_USE_TLV_ALLOW_LIST"
#endif

/* Heads of one image that are looked at: each costs the check of a signature, and anybody may write them. */
#define HEADS_MAX 4

static const struct place *judging;
static int heads;
static int last; /* reason of the last head that was about no image, or another */

/* 1 if this head is the image's: then the verifier holds it, and what it says decides. */
static int head(const struct flash_area *area, uint32_t offset, uint32_t bytes) {
    if (heads == HEADS_MAX) return 0;
    heads++;
    countersign_offer_begin();
    while (bytes) {
        uint32_t n = bytes < 128 ? bytes : 128;
        if (flash_area_read(area, offset, gate_buffer, n) || countersign_offer_push(gate_buffer, n) != n) break;
        offset += n;
        bytes -= n;
    }
    int reason = countersign_judge();
    if (countersign_image_is(judging->hash)) return 1;
    last = reason ? reason : COUNTERSIGN_PAYLOAD_DIGEST;
    return 0;
}

static int hinted(const struct flash_area *area, uint32_t offset, uint16_t bytes) {
    if (bytes < HASH_BYTES || flash_area_read(area, offset, gate_buffer, HASH_BYTES)) return 0;
    return !memcmp(gate_buffer, judging->hash, HASH_BYTES) && head(area, offset + HASH_BYTES, bytes - HASH_BYTES);
}

static int head_in_tlv(void) {
    uint32_t offset;
    uint16_t bytes;
    return COUNTERSIGN_HEAD_IN_TLV && !gate_tlv(judging, COUNTERSIGN_TLV, &offset, &bytes) && head(judging->area, offset, bytes);
}

struct judged gate_judge(const struct place *at) {
    struct judged judged = {COUNTERSIGN_REJECT, 0, 1};
    judging = at;
    heads = 0;
    last = COUNTERSIGN_NOT_APPROVED;
    countersign_set_slot(flash_area_get_size(at->area));
    if (!head_in_tlv() && !gate_documents(COUNTERSIGN_RECORD_HEAD, hinted)) {
        judged.reason = last; /* its own head may still come */
        return judged;
    }
    gate_consider();
    judged.verdict = countersign_decide();
    judged.reason = countersign_reason();
    judged.open = countersign_may_come();
    if (judged.verdict == COUNTERSIGN_REJECT || countersign_image_is(at->hash)) return judged;
    judged.verdict = COUNTERSIGN_REJECT;
    judged.reason = COUNTERSIGN_PAYLOAD_DIGEST;
    return judged;
}
