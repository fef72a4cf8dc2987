/* The flash of a board that runs here: a file. Stricter than silicon: it writes whole units, and each once after an erase. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <flash_map_backend/flash_map_backend.h>
#include <sysflash/sysflash.h>

#define UNIT 8u
#define CUT 9 /* exit code: power was cut */

#ifdef MCUBOOT_SWAP_USING_OFFSET
#define SECONDARY_SECTORS 11u
#else
#define SECONDARY_SECTORS 10u
#endif

static uint8_t bytes[0xc000];
static const char *file;
static long operations, cut_at;
static int worn;

static const struct flash_area areas[AREAS] = {
    [AREA_PRIMARY] = {AREA_PRIMARY, 0, 0, 0x4000, 10 * SECTOR_BYTES},
    [AREA_SECONDARY] = {AREA_SECONDARY, 0, 0, 0x8000, SECONDARY_SECTORS * SECTOR_BYTES},
    [AREA_STATE] = {AREA_STATE, 0, 0, 0, 2 * SECTOR_BYTES},
    [AREA_DOCUMENTS] = {AREA_DOCUMENTS, 0, 0, 0x800, 8 * SECTOR_BYTES},
    [AREA_SCRATCH] = {AREA_SCRATCH, 0, 0, 0x7000, 2 * SECTOR_BYTES},
};

void flash_from(const char *path, long cut) {
    FILE *from = fopen(file = path, "rb");
    if (!from || fread(bytes, 1, sizeof bytes, from) != sizeof bytes) exit(2);
    fclose(from);
    cut_at = cut;
}

void flash_keep(void) {
    FILE *to = fopen(file, "wb");
    if (!to || fwrite(bytes, 1, sizeof bytes, to) != sizeof bytes || fclose(to)) exit(2);
}

long flash_operations(void) { return operations; }
void flash_wear_out(void) { worn = 1; }

static int cut(void) { return ++operations == cut_at; }

static void gone(void) {
    printf("cut\n");
    flash_keep();
    exit(CUT);
}

static void fault(const char *what, const struct flash_area *area, uint32_t off) {
    printf("flash: %s, area %d at %x\n", what, area->fa_id, (unsigned)off);
    exit(3);
}

static uint8_t *at(const struct flash_area *area, uint32_t off, uint32_t length) {
    if (off > area->fa_size || length > area->fa_size - off) fault("outside", area, off);
    return bytes + area->fa_off + off;
}

int flash_area_open(uint8_t id, const struct flash_area **area) {
    if (id == 0 || id >= AREAS) return -1;
    *area = &areas[id];
    return 0;
}

void flash_area_close(const struct flash_area *area) { (void)area; }

int flash_area_read(const struct flash_area *area, uint32_t off, void *to, uint32_t length) {
    if (off > area->fa_size || length > area->fa_size - off) return -1;
    memcpy(to, at(area, off, length), length);
    return 0;
}

int flash_area_write(const struct flash_area *area, uint32_t off, const void *from, uint32_t length) {
    uint8_t *to = at(area, off, length);
    if (worn && area->fa_id == AREA_STATE) return -1;
    if (off % UNIT || length % UNIT) fault("not a whole unit", area, off);
    for (uint32_t i = 0; i < length; i++)
        if (to[i] != 0xff) fault("written twice", area, off + i);
    int last = cut();
    memcpy(to, from, last ? length / 2 : length);
    if (last) gone();
    return 0;
}

int flash_area_erase(const struct flash_area *area, uint32_t off, uint32_t length) {
    uint8_t *to = at(area, off, length);
    if (worn && area->fa_id == AREA_STATE) return -1;
    if (off % SECTOR_BYTES || length % SECTOR_BYTES) fault("not a whole sector", area, off);
    int last = cut();
    memset(to, 0xff, last ? length / 2 : length);
    if (last) gone();
    return 0;
}

uint32_t flash_area_align(const struct flash_area *area) { return (void)area, UNIT; }
uint8_t flash_area_erased_val(const struct flash_area *area) { return (void)area, 0xff; }

int flash_area_get_sectors(int id, uint32_t *count, struct flash_sector *sectors) {
    uint32_t n = areas[id].fa_size / SECTOR_BYTES;
    if (n > *count) return -1;
    for (uint32_t i = 0; i < n; i++) sectors[i] = (struct flash_sector){i * SECTOR_BYTES, SECTOR_BYTES};
    *count = n;
    return 0;
}

int flash_area_get_sector(const struct flash_area *area, uint32_t off, struct flash_sector *sector) {
    if (off >= area->fa_size) return -1;
    *sector = (struct flash_sector){off / SECTOR_BYTES * SECTOR_BYTES, SECTOR_BYTES};
    return 0;
}

int flash_area_id_from_image_slot(int slot) { return slot == 0 ? AREA_PRIMARY : AREA_SECONDARY; }
int flash_area_id_from_multi_image_slot(int image, int slot) { return (void)image, flash_area_id_from_image_slot(slot); }
int flash_area_id_to_multi_image_slot(int image, int id) { return (void)image, id == AREA_PRIMARY ? 0 : 1; }
