/* One start of a board whose flash is a file:  boot FLASH [--cut N] [--yes] [--worn] [--time SECONDS]
 *
 * Prints what the gate decided (told SLOT DECISION REASON), and at last "boots REVISION" or "stops". With --put, an application's
 * work: --put FILE writes an approval document, --head HASH-AND-HEAD-FILE a head. Exit codes: 9 power was cut, 3 a fault of flash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bootutil/bootutil.h"
#include "bootutil/fault_injection_hardening.h"
#include "bootutil/image.h"
#include "countersign.h"
#include "countersign_documents.h"
#include "countersign_gate.h"
#include <flash_map_backend/flash_map_backend.h>

static int yes;
static uint64_t seconds;

uint64_t countersign_gate_time(void) { return seconds; }
int countersign_gate_ask(void) { return yes; }
void countersign_gate_told(int slot, int decision, int reason) { printf("told %d %d %d\n", slot, decision, reason); }

static int put(const char *path, int is_head) {
    static uint8_t bytes[4096];
    FILE *file = fopen(path, "rb");
    size_t length = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file) fclose(file);
    int failed = is_head ? countersign_documents_head(bytes, bytes + 32, length - 32) : countersign_documents_approval(bytes, length);
    printf(failed ? "not put\n" : "put\n");
    return failed;
}

int main(int count, char **words) {
    const char *document = NULL, *head = NULL;
    long cut = 0;
    if (count < 2) return 2;
    for (int i = 2; i < count; i++) {
        if (!strcmp(words[i], "--yes")) yes = 1;
        else if (!strcmp(words[i], "--worn")) flash_wear_out();
        else if (i + 1 == count) return 2;
        else if (!strcmp(words[i], "--cut")) cut = atol(words[++i]);
        else if (!strcmp(words[i], "--time")) seconds = strtoull(words[++i], NULL, 10);
        else if (!strcmp(words[i], "--put")) document = words[++i];
        else if (!strcmp(words[i], "--head")) head = words[++i];
        else return 2;
    }
    flash_from(words[1], cut);
    if (document || head) {
        if (document) put(document, 0);
        if (head) put(head, 1);
    } else {
        struct boot_rsp rsp;
        fih_ret rc = FIH_FAILURE;
        FIH_CALL(boot_go, rc, &rsp);
        if (FIH_EQ(rc, FIH_SUCCESS)) printf("boots %u\n", rsp.br_hdr->ih_ver.iv_revision);
        else printf("stops\n");
    }
    printf("operations %ld\n", flash_operations());
    flash_keep();
    return 0;
}
