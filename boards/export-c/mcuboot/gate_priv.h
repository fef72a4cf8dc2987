/* What countersign_gate.c and the file that judges share. Exactly one of those is in the build: gate_suit.c, or gate_image.c in what
 * `countersign export-c --mcuboot --no-suit` writes. */
#ifndef COUNTERSIGN_GATE_PRIV_H
#define COUNTERSIGN_GATE_PRIV_H
#include <string.h>
#include "mcuboot_config/mcuboot_config.h"
#include "bootutil/bootutil.h"
#include "bootutil/bootutil_public.h"
#include "bootutil/boot_hooks.h"
#include "bootutil/fault_injection_hardening.h"
#include "bootutil/image.h"
#include <flash_map_backend/flash_map_backend.h>
#include <sysflash/sysflash.h>
#include "countersign.h"
#include "countersign_gate.h"

#define HASH_BYTES 32
#define DOCUMENT_BYTES_MAX 1024u

#ifndef COUNTERSIGN_HEAD_IN_TLV
#define COUNTERSIGN_HEAD_IN_TLV 0
#endif

/* An image where MCUboot will look for it. */
struct place {
    const struct flash_area *area;
    struct image_header header;
    uint32_t offset; /* in the area */
    uint8_t hash[HASH_BYTES]; /* that its TLVs state; MCUboot checks next that it is the image's */
};

/* An approval document, or one piece of a head. */
extern uint8_t gate_buffer[DOCUMENT_BYTES_MAX];

/* Offset in the area and length of the only unprotected TLV of a type; not 0: there is none, or more than one. */
int gate_tlv(const struct place *at, uint16_t type, uint32_t *offset, uint16_t *length);

/* Calls `each` for every record of a type in the documents area until it returns 1, and returns whether one did. */
int gate_documents(uint16_t type, int (*each)(const struct flash_area *area, uint32_t offset, uint16_t bytes));

/* Gives every approval document of the documents area to the verifier. */
void gate_consider(void);

struct judged {
    countersign_verdict verdict;
    int reason;
    int open; /* 1: what comes later could turn it into INSTALL */
};

/* The verdict about the image of this hash, by a verifier that knows device and floors. INSTALL and ASK are about this hash. */
struct judged gate_judge(const struct place *at);

#endif
