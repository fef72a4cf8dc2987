/* Countersign's gate in MCUboot: no image starts that neither the device's operator nor its user approved.
 *
 * countersign_gate.c implements MCUboot's image access hooks (MCUBOOT_IMAGE_ACCESS_HOOKS). It never says that an image is good: it
 * refuses, or lets MCUboot go on with its own check of hash and signature. What it lets pass is what it judged: both compare the same
 * hash of header, body and protected TLVs.
 *
 * From you:
 *   countersign_bootstrap, .._bytes        who the device is and whom it trusts: `countersign bootstrap device.yaml -o bootstrap.c`
 *   COUNTERSIGN_STATE_AREA                 id of a flash area of two erasable halves, each at least 192 bytes, for the gate alone
 *   COUNTERSIGN_DOCUMENTS_AREA             id of another one, which the application fills (countersign_documents.c); optional
 *   COUNTERSIGN_SECTOR_BYTES               size of a sector of the slots
 *   COUNTERSIGN_HEAD_IN_TLV                1: a package's head may also stand in an unprotected TLV of the image. MCUboot's allow list
 *                                          (MCUBOOT_USE_TLV_ALLOW_LIST) refuses such images: then 0
 * as -D, or as Kconfig's under Zephyr.
 *
 * The application must not be able to write the boot loader and the state area: who can, is the boot loader.
 */
#ifndef COUNTERSIGN_GATE_H
#define COUNTERSIGN_GATE_H
#include <stdint.h>

#if defined(CONFIG_COUNTERSIGN_GATE) || defined(CONFIG_COUNTERSIGN_DOCUMENTS)
#include "countersign_zephyr.h"
#endif

/* Type of the unprotected TLV with a package's head: a SUIT envelope without its payload, of MCUboot's range for vendors. */
#define COUNTERSIGN_TLV 0x43a0

/* A half of the documents area: countersign_half, then records. Each begins at a multiple of COUNTERSIGN_RECORD_ALIGN: a header,
 * then its bytes. The first header with an unknown type ends the half. */
#define COUNTERSIGN_RECORD_ALIGN 32u
#define COUNTERSIGN_HALF_MAGIC 0x31465343u /* "CSF1" */

struct countersign_half {
    uint32_t magic, generation; /* the half with the higher one is being filled */
    uint8_t unused[COUNTERSIGN_RECORD_ALIGN - 8];
};

struct countersign_record {
    uint16_t type, bytes;
};

enum {
    COUNTERSIGN_RECORD_APPROVAL = 1, /* an approval document */
    COUNTERSIGN_RECORD_HEAD = 2      /* the image's hash, 32 bytes, as a hint; then a package's head */
};

extern const uint8_t countersign_bootstrap[];
extern const uint32_t countersign_bootstrap_bytes;

/* Reason (countersign.h) of the last decision; 0: it passed. */
int countersign_gate_reason(void);

/* ---- The board's. Each has a weak default ---- */

/* Trusted Unix seconds. Default: 0, there is no trusted clock. */
uint64_t countersign_gate_time(void);

/* The verdict was ASK, and the user is here: 1 for an explicit yes, anything else is none. Default: nobody is here. Called once for
 * an image that waits; what it is about can be shown (countersign_manifest). */
int countersign_gate_ask(void);

/* What was decided about the image in a slot (0 primary, 1 secondary): 1 passes, 2 waits, 3 refused; and why. Default: nothing. */
void countersign_gate_told(int slot, int decision, int reason);

#endif
