/* MCUboot's flash map, as its PORTING.md has it, over a file: flash.c. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct flash_area {
    uint8_t fa_id, fa_device_id;
    uint16_t pad16;
    uint32_t fa_off, fa_size;
};
struct flash_sector {
    uint32_t fs_off, fs_size;
};

static inline uint8_t flash_area_get_id(const struct flash_area *area) { return area->fa_id; }
static inline uint8_t flash_area_get_device_id(const struct flash_area *area) { return area->fa_device_id; }
static inline uint32_t flash_area_get_off(const struct flash_area *area) { return area->fa_off; }
static inline uint32_t flash_area_get_size(const struct flash_area *area) { return area->fa_size; }
static inline uint32_t flash_sector_get_off(const struct flash_sector *sector) { return sector->fs_off; }
static inline uint32_t flash_sector_get_size(const struct flash_sector *sector) { return sector->fs_size; }

int flash_area_open(uint8_t id, const struct flash_area **area);
void flash_area_close(const struct flash_area *area);
int flash_area_read(const struct flash_area *area, uint32_t off, void *to, uint32_t length);
int flash_area_write(const struct flash_area *area, uint32_t off, const void *from, uint32_t length);
int flash_area_erase(const struct flash_area *area, uint32_t off, uint32_t length);
uint32_t flash_area_align(const struct flash_area *area);
uint8_t flash_area_erased_val(const struct flash_area *area);
int flash_area_get_sectors(int id, uint32_t *count, struct flash_sector *sectors);
int flash_area_get_sector(const struct flash_area *area, uint32_t off, struct flash_sector *sector);
int flash_area_id_from_multi_image_slot(int image, int slot);
int flash_area_id_from_image_slot(int slot);
int flash_area_id_to_multi_image_slot(int image, int id);

/* flash.c: reads and writes the file, and ends the program at the n-th erase or write, which it leaves half done. */
void flash_from(const char *path, long cut);
void flash_keep(void);
long flash_operations(void);
/* The state area takes no erase and no write any more. */
void flash_wear_out(void);
