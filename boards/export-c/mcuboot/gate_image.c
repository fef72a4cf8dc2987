/* Judges an image by its hash alone: what operators say about it, or about its class and version. Whose it is, MCUboot checks. */
#include "gate_priv.h"

/* What says which of two images is newer: major.minor.revision, as MCUboot compares versions; the build number is no part of it. */
static uint64_t number(const struct image_version *version) {
    return (uint64_t)version->iv_major << 24 | (uint32_t)version->iv_minor << 16 | version->iv_revision;
}

struct judged gate_judge(const struct place *at) {
    struct judged judged;
    countersign_image(at->hash, number(&at->header.ih_ver));
    gate_consider();
    judged.verdict = countersign_decide();
    judged.reason = countersign_reason();
    judged.open = countersign_may_come();
    return judged;
}
