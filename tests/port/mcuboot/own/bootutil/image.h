/* The format of an image, and the iterator over its TLVs, as MCUboot declares them. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct flash_area;

#define IMAGE_MAGIC 0x96f3b83du
#define IMAGE_TLV_INFO_MAGIC 0x6907
#define IMAGE_TLV_PROT_INFO_MAGIC 0x6908
#define IMAGE_TLV_KEYHASH 0x01
#define IMAGE_TLV_SHA256 0x10
#define IMAGE_TLV_ECDSA_SIG 0x22
#define IMAGE_TLV_ANY 0xffff

struct image_version {
    uint8_t iv_major, iv_minor;
    uint16_t iv_revision;
    uint32_t iv_build_num;
};

struct image_header {
    uint32_t ih_magic, ih_load_addr;
    uint16_t ih_hdr_size, ih_protect_tlv_size;
    uint32_t ih_img_size, ih_flags;
    struct image_version ih_ver;
    uint32_t _pad1;
};

struct image_tlv_info {
    uint16_t it_magic, it_tlv_tot;
};

struct image_tlv {
    uint16_t it_type, it_len;
};

struct image_tlv_iter {
    const struct image_header *hdr;
    const struct flash_area *fap;
    uint16_t type;
    bool prot;
    uint32_t prot_end, tlv_off, tlv_end;
#if defined(MCUBOOT_SWAP_USING_OFFSET)
    uint32_t start_off;
#endif
};

int bootutil_tlv_iter_begin(struct image_tlv_iter *it, const struct image_header *hdr, const struct flash_area *fap, uint16_t type,
                            bool prot);
int bootutil_tlv_iter_next(struct image_tlv_iter *it, uint32_t *off, uint16_t *len, uint16_t *type);
int bootutil_tlv_iter_is_prot(struct image_tlv_iter *it, uint32_t off);
