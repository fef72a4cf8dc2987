/* The boot loader itself. */
#pragma once
#include <stdint.h>
#include "bootutil/fault_injection_hardening.h"

struct image_header;

struct boot_rsp {
    const struct image_header *br_hdr;
    uint8_t br_flash_dev_id;
    uint32_t br_image_off;
};

fih_ret boot_go(struct boot_rsp *rsp);
