/* The image access hooks, as MCUboot's boot_hooks.h and boot_public_hooks.h document them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "bootutil/bootutil.h"

struct boot_swap_state;
struct flash_area;

int boot_read_image_header_hook(int img_index, int slot, struct image_header *img_head);
fih_ret boot_image_check_hook(int img_index, int slot);
int boot_perform_update_hook(int img_index, struct image_header *img_head, const struct flash_area *area);
int boot_copy_region_post_hook(int img_index, const struct flash_area *area, size_t size);
int boot_serial_uploaded_hook(int img_index, const struct flash_area *area, size_t size);
int boot_reset_request_hook(bool force);
int boot_read_swap_state_primary_slot_hook(int image_index, struct boot_swap_state *state);
