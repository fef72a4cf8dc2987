/* What MCUboot tells of a swap. */
#pragma once
#include <stdint.h>

#define BOOT_SWAP_TYPE_NONE 1
#define BOOT_SWAP_TYPE_TEST 2
#define BOOT_SWAP_TYPE_PERM 3
#define BOOT_SWAP_TYPE_REVERT 4
#define BOOT_MAGIC_GOOD 1
#define BOOT_MAGIC_BAD 2
#define BOOT_MAGIC_UNSET 3
#define BOOT_FLAG_SET 1
#define BOOT_FLAG_BAD 2
#define BOOT_FLAG_UNSET 3
#define BOOT_HOOK_REGULAR 1

enum boot_slot { BOOT_SLOT_PRIMARY = 0, BOOT_SLOT_SECONDARY = 1 };

struct boot_swap_state {
    uint8_t magic, swap_type, copy_done, image_ok, image_num;
};

int boot_swap_type_multi(int image_index);
int boot_read_swap_state_by_id(int flash_area_id, struct boot_swap_state *state);
