/* The documents area is written here and read in countersign_gate.c; its format is in countersign_gate.h. */
#include "countersign_documents.h"
#include <string.h>
#include "countersign_gate.h"
#ifdef CONFIG_COUNTERSIGN_DOCUMENTS
#include <zephyr/storage/flash_map.h>
#else
#include <flash_map_backend/flash_map_backend.h>
#endif

#define ALIGN COUNTERSIGN_RECORD_ALIGN
#define PARTS 2
#define LENGTH_MAX 4096u /* a package's head has at most 2 KB */

struct part {
    const uint8_t *bytes;
    size_t length;
};

static uint32_t rounded(uint32_t length) { return (length + ALIGN - 1) & ~(ALIGN - 1); }

static uint32_t generation_of(const struct flash_area *area, uint32_t from) {
    struct countersign_half head;
    return flash_area_read(area, from, &head, sizeof head) || head.magic != COUNTERSIGN_HALF_MAGIC ? 0 : head.generation;
}

/* Where the records of a half end: its end, if what follows is not erased. */
static uint32_t free_from(const struct flash_area *area, uint32_t from, uint32_t end) {
    struct countersign_record record;
    uint32_t at = from + sizeof(struct countersign_half);
    while (end - at >= ALIGN && !flash_area_read(area, at, &record, sizeof record)) {
        if (record.type == COUNTERSIGN_RECORD_APPROVAL || record.type == COUNTERSIGN_RECORD_HEAD) {
            uint32_t whole = rounded(sizeof record + record.bytes);
            if (whole > end - at) return end;
            at += whole;
            continue;
        }
        for (uint32_t i = at; i < end; i += ALIGN) { /* a write that was cut */
            uint8_t line[ALIGN];
            if (flash_area_read(area, i, line, ALIGN)) return end;
            for (uint32_t k = 0; k < ALIGN; k++)
                if (line[k] != flash_area_erased_val(area)) return end;
        }
        return at;
    }
    return end;
}

/* The bytes first and the header last: a cut leaves a record that is not there. */
static int write_record(const struct flash_area *area, uint32_t at, uint16_t type, const struct part parts[PARTS], uint32_t length) {
    uint8_t first[ALIGN], line[ALIGN];
    uint32_t filled = sizeof(struct countersign_record), to = at;
    const struct countersign_record record = {type, (uint16_t)length};
    memset(line, 0, ALIGN);
    memcpy(line, &record, sizeof record);
    for (int p = 0; p < PARTS; p++) {
        for (size_t i = 0; i < parts[p].length; i++) {
            line[filled++] = parts[p].bytes[i];
            if (filled < ALIGN) continue;
            if (to == at) memcpy(first, line, ALIGN);
            else if (flash_area_write(area, to, line, ALIGN)) return -1;
            to += ALIGN;
            filled = 0;
            memset(line, 0, ALIGN);
        }
    }
    if (filled && to == at) memcpy(first, line, ALIGN);
    else if (filled && flash_area_write(area, to, line, ALIGN)) return -1;
    return flash_area_write(area, at, first, ALIGN);
}

static int put_in(const struct flash_area *area, uint16_t type, const struct part parts[PARTS]) {
    uint32_t length = (uint32_t)(parts[0].length + parts[1].length), half = flash_area_get_size(area) / 2;
    uint32_t generations[2] = {generation_of(area, 0), generation_of(area, half)};
    uint32_t now = generations[1] > generations[0] ? half : 0;
    uint32_t newest = generations[now ? 1 : 0], whole = rounded(sizeof(struct countersign_record) + length);
    if (whole > half - sizeof(struct countersign_half)) return -1;
    uint32_t at = newest ? free_from(area, now, now + half) : now + half;
    if (now + half - at < whole) {
        struct countersign_half head;
        if (newest) now = now ? 0 : half;
        memset(&head, 0, sizeof head);
        head.magic = COUNTERSIGN_HALF_MAGIC;
        head.generation = newest + 1;
        if (flash_area_erase(area, now, half) || flash_area_write(area, now, &head, sizeof head)) return -1;
        at = now + sizeof head;
    }
    return write_record(area, at, type, parts, length);
}

static int put(uint16_t type, const struct part parts[PARTS]) {
    const struct flash_area *area;
    if (parts[0].length > LENGTH_MAX || parts[1].length > LENGTH_MAX) return -1;
    if (flash_area_open(COUNTERSIGN_DOCUMENTS_AREA, &area)) return -1;
    int failed = put_in(area, type, parts);
    flash_area_close(area);
    return failed ? -1 : 0;
}

int countersign_documents_approval(const void *document, size_t length) {
    const struct part parts[PARTS] = {{document, length}, {NULL, 0}};
    return put(COUNTERSIGN_RECORD_APPROVAL, parts);
}

int countersign_documents_head(const uint8_t hash[32], const void *head, size_t length) {
    const struct part parts[PARTS] = {{hash, 32}, {head, length}};
    return put(COUNTERSIGN_RECORD_HEAD, parts);
}
