/* example BOOTSTRAP PACKAGE [APPROVAL...]: would this device install this package? Exit code 0: yes. */
#include <stdio.h>
#include "countersign.h"

static uint8_t buffer[1024]; /* a bootstrap or approval document fits whole; a package arrives in pieces */

static size_t read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    size_t length = file ? fread(buffer, 1, sizeof buffer, file) : 0;
    if (file) fclose(file);
    return length;
}

int main(int count, char **words) {
    FILE *package = count < 3 ? NULL : fopen(words[2], "rb");
    if (!package) return 2;
    countersign_start();
    countersign_provision(buffer, read_file(words[1]));
    countersign_set_installed(0);
    countersign_set_slot(85 * 1024);

    /* The head decides; the first piece usually holds all of it. */
    countersign_offer_begin();
    size_t length = 0, taken = 0;
    while (taken == length && (length = fread(buffer, 1, 256, package)) > 0) taken = countersign_offer_push(buffer, length);
    uint8_t rest[256]; /* what came behind the head waits for the verdict */
    for (size_t i = taken; i < length; i++) rest[i - taken] = buffer[i];
    size_t waiting = length - taken;
    countersign_judge();
    for (int i = 3; i < count; i++) countersign_consider(COUNTERSIGN_TREE, buffer, read_file(words[i]));
    countersign_verdict verdict = countersign_decide();
    printf("verdict %d, reason %d\n", verdict, countersign_reason());
    if (verdict != COUNTERSIGN_INSTALL) return 1;

    /* The firmware: hash each piece as it arrives, and write it to flash. */
    countersign_offer_accept();
    for (length = waiting; length > 0; length = fread(rest, 1, sizeof rest, package)) countersign_offer_push(rest, length);
    printf("%u bytes, phase %d\n", (unsigned)countersign_payload_bytes(), countersign_offer_phase());
    return countersign_offer_phase() == COUNTERSIGN_COMPLETE ? 0 : 1;
}
