/* The least board that MCUboot links for: its flash is memory, which nobody writes. Only the size of the program is looked at. */
#include <string.h>
#include "bootutil/bootutil.h"
#include "bootutil/fault_injection_hardening.h"
#include "bootutil/sign_key.h"
#include <flash_map_backend/flash_map_backend.h>
#include <sysflash/sysflash.h>

static const struct flash_area areas[AREAS] = {[AREA_PRIMARY] = {AREA_PRIMARY, 0, 0, 0x8000, 0x10000},
                                               [AREA_SECONDARY] = {AREA_SECONDARY, 0, 0, 0x18000, 0x10400},
                                               [AREA_STATE] = {AREA_STATE, 0, 0, 0x30000, 0x800},
                                               [AREA_DOCUMENTS] = {AREA_DOCUMENTS, 0, 0, 0x31000, 0x2000}};

const unsigned char key[91] = {1};
const unsigned int key_bytes = sizeof key;
const struct bootutil_key bootutil_keys[] = {{key, &key_bytes}};
const int bootutil_key_cnt = 1;
const uint8_t countersign_bootstrap[4] = {0};
const uint32_t countersign_bootstrap_bytes = 4;

int flash_area_open(uint8_t id, const struct flash_area **area) { return *area = &areas[id], 0; }
void flash_area_close(const struct flash_area *area) { (void)area; }
int flash_area_read(const struct flash_area *area, uint32_t off, void *to, uint32_t length) {
    memcpy(to, (const void *)(uintptr_t)(area->fa_off + off), length);
    return 0;
}
int flash_area_write(const struct flash_area *area, uint32_t off, const void *from, uint32_t length) {
    memcpy((void *)(uintptr_t)(area->fa_off + off), from, length);
    return 0;
}
int flash_area_erase(const struct flash_area *area, uint32_t off, uint32_t length) {
    memset((void *)(uintptr_t)(area->fa_off + off), 0xff, length);
    return 0;
}
uint32_t flash_area_align(const struct flash_area *area) { return (void)area, 8; }
uint8_t flash_area_erased_val(const struct flash_area *area) { return (void)area, 0xff; }
int flash_area_get_sectors(int id, uint32_t *count, struct flash_sector *sectors) {
    for (*count = 0; *count < areas[id].fa_size / 1024; ++*count) sectors[*count] = (struct flash_sector){*count * 1024, 1024};
    return 0;
}
int flash_area_get_sector(const struct flash_area *area, uint32_t off, struct flash_sector *sector) {
    *sector = (struct flash_sector){off / 1024 * 1024, 1024};
    return (void)area, 0;
}
int flash_area_id_from_image_slot(int slot) { return slot == 0 ? AREA_PRIMARY : AREA_SECONDARY; }
int flash_area_id_from_multi_image_slot(int image, int slot) { return (void)image, flash_area_id_from_image_slot(slot); }
int flash_area_id_to_multi_image_slot(int image, int id) { return (void)image, id == AREA_PRIMARY ? 0 : 1; }
void __assert_func(const char *file, int line, const char *function, const char *what) {
    (void)file, (void)line, (void)function, (void)what;
    for (;;) {
    }
}

int main(void) {
    struct boot_rsp rsp;
    fih_ret rc = FIH_FAILURE;
    FIH_CALL(boot_go, rc, &rsp);
    return FIH_EQ(rc, FIH_SUCCESS) ? (int)rsp.br_image_off : -1;
}
