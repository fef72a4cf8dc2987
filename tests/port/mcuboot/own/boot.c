/* A small boot loader that asks the gate where MCUboot does: for CI, which has no MCUboot. It swaps with an offset of one sector, or
 * overwrites; checks hash and signature by mcuboot_custom_crypto.h; resumes what lost power, and, as MCUboot, checks nothing then. */
#include <string.h>
#include "bootutil/boot_hooks.h"
#include "bootutil/bootutil.h"
#include "bootutil/bootutil_public.h"
#include "bootutil/image.h"
#include "mcuboot_config/mcuboot_config.h"
#include <flash_map_backend/flash_map_backend.h>
#include <sysflash/sysflash.h>

extern const uint8_t boot_key[91]; /* the vendor's, SubjectPublicKeyInfo */

#ifdef MCUBOOT_SWAP_USING_OFFSET
#define START_OF(it) ((it)->start_off)
#define SET_START(it, off) ((it).start_off = (off))
#define OFFSET SECTOR_BYTES
#else
#define START_OF(it) 0u
#define SET_START(it, off) ((void)(off))
#define OFFSET 0u
#endif

/* ---- TLVs: image.h ---- */

int bootutil_tlv_iter_begin(struct image_tlv_iter *it, const struct image_header *hdr, const struct flash_area *fap, uint16_t type,
                            bool prot) {
    struct image_tlv_info info;
    uint32_t off = START_OF(it) + hdr->ih_hdr_size + hdr->ih_img_size;
    if (flash_area_read(fap, off, &info, sizeof info)) return -1;
    if (info.it_magic == IMAGE_TLV_PROT_INFO_MAGIC) {
        if (hdr->ih_protect_tlv_size != info.it_tlv_tot || flash_area_read(fap, off + info.it_tlv_tot, &info, sizeof info)) return -1;
    } else if (hdr->ih_protect_tlv_size) return -1;
    if (info.it_magic != IMAGE_TLV_INFO_MAGIC) return -1;
    it->hdr = hdr, it->fap = fap, it->type = type, it->prot = prot;
    it->prot_end = off + hdr->ih_protect_tlv_size;
    it->tlv_end = it->prot_end + info.it_tlv_tot;
    it->tlv_off = off + sizeof info;
    return 0;
}

int bootutil_tlv_iter_next(struct image_tlv_iter *it, uint32_t *off, uint16_t *len, uint16_t *type) {
    while (it->tlv_off < it->tlv_end) {
        struct image_tlv tlv;
        uint32_t at = it->tlv_off;
        if (it->hdr->ih_protect_tlv_size && at == it->prot_end) {
            it->tlv_off += sizeof(struct image_tlv_info);
            continue;
        }
        if (it->tlv_end - at < sizeof tlv || flash_area_read(it->fap, at, &tlv, sizeof tlv)) return -1;
        if (tlv.it_len > it->tlv_end - at - sizeof tlv) return -1;
        it->tlv_off += sizeof tlv + tlv.it_len;
        if (it->type != IMAGE_TLV_ANY && it->type != tlv.it_type) continue;
        if (type) *type = tlv.it_type;
        *off = at + sizeof tlv;
        *len = tlv.it_len;
        return 0;
    }
    return 1;
}

int bootutil_tlv_iter_is_prot(struct image_tlv_iter *it, uint32_t off) { return off < it->prot_end; }

/* ---- The trailer: image_ok, copy_done and the like in units of 8 bytes before the magic ---- */

static const uint8_t magic[16] = {0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f, 0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80};
enum { IMAGE_OK = 24, COPY_DONE = 32, SWAP_INFO = 40, SWAP_SECTORS = 48 };

static const struct flash_area *area_of(int id) {
    const struct flash_area *area = NULL;
    flash_area_open((uint8_t)id, &area);
    return area;
}

static uint8_t trailer_byte(const struct flash_area *area, uint32_t before_end) {
    uint8_t value = 0;
    flash_area_read(area, area->fa_size - before_end, &value, 1);
    return value;
}

static void set_trailer(const struct flash_area *area, uint32_t before_end, uint8_t value) {
    uint8_t unit[8] = {value, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    if (trailer_byte(area, before_end) == 0xff) flash_area_write(area, area->fa_size - before_end, unit, sizeof unit);
}

static uint8_t flag_of(uint8_t value) { return value == 1 ? BOOT_FLAG_SET : value == 0xff ? BOOT_FLAG_UNSET : BOOT_FLAG_BAD; }

int boot_read_swap_state_by_id(int id, struct boot_swap_state *state) {
    const struct flash_area *area = area_of(id);
    uint8_t found[16], blank[16];
    memset(blank, 0xff, sizeof blank);
    flash_area_read(area, area->fa_size - 16, found, sizeof found);
    state->magic = !memcmp(found, magic, 16) ? BOOT_MAGIC_GOOD : !memcmp(found, blank, 16) ? BOOT_MAGIC_UNSET : BOOT_MAGIC_BAD;
    state->image_ok = flag_of(trailer_byte(area, IMAGE_OK));
    state->copy_done = flag_of(trailer_byte(area, COPY_DONE));
    state->swap_type = trailer_byte(area, SWAP_INFO) & 15;
    state->image_num = 0;
    return 0;
}

int boot_swap_type_multi(int image) {
    struct boot_swap_state first, second;
    boot_read_swap_state_by_id(FLASH_AREA_IMAGE_PRIMARY(image), &first);
    boot_read_swap_state_by_id(FLASH_AREA_IMAGE_SECONDARY(image), &second);
    if (second.magic == BOOT_MAGIC_GOOD) return second.image_ok == BOOT_FLAG_SET ? BOOT_SWAP_TYPE_PERM : BOOT_SWAP_TYPE_TEST;
    if (first.magic == BOOT_MAGIC_GOOD && first.image_ok == BOOT_FLAG_UNSET && first.copy_done == BOOT_FLAG_SET)
        return BOOT_SWAP_TYPE_REVERT;
    return BOOT_SWAP_TYPE_NONE;
}

/* ---- Is it an image of the vendor's ---- */

static struct image_header headers[2];
static uint32_t starts[2];

static int read_header(int slot, int swap_type) {
    const struct flash_area *area = area_of(slot ? AREA_SECONDARY : AREA_PRIMARY);
    starts[slot] = slot && swap_type != BOOT_SWAP_TYPE_REVERT ? OFFSET : 0;
    flash_area_read(area, starts[slot], &headers[slot], sizeof headers[slot]);
    if (slot && headers[slot].ih_magic != IMAGE_MAGIC) {
        starts[slot] = OFFSET - starts[slot];
        flash_area_read(area, starts[slot], &headers[slot], sizeof headers[slot]);
    }
    return headers[slot].ih_magic != IMAGE_MAGIC;
}

static int allowed(uint16_t type) {
#ifdef MCUBOOT_USE_TLV_ALLOW_LIST
    return type == IMAGE_TLV_KEYHASH || type == IMAGE_TLV_SHA256 || type == IMAGE_TLV_ECDSA_SIG;
#else
    return (void)type, 1;
#endif
}

static int check_image(int slot) {
    const struct flash_area *area = area_of(slot ? AREA_SECONDARY : AREA_PRIMARY);
    const struct image_header *header = &headers[slot];
    uint32_t bytes = header->ih_hdr_size + header->ih_img_size + header->ih_protect_tlv_size, off;
    struct image_tlv_iter it;
    uint8_t piece[128], hash[32];
    uint16_t length, type;
    int hashes = 0, signatures = 0, rc;
    bootutil_sha_context sha;
    bootutil_ecdsa_context ecdsa;
    if (bytes >= area->fa_size || bytes < header->ih_img_size) return -1;
    bootutil_sha_init(&sha);
    for (uint32_t at = 0, n; at < bytes; at += n) {
        n = bytes - at < sizeof piece ? bytes - at : sizeof piece;
        if (flash_area_read(area, starts[slot] + at, piece, n)) return -1;
        bootutil_sha_update(&sha, piece, n);
    }
    bootutil_sha_finish(&sha, hash);
    bootutil_sha_drop(&sha);
    SET_START(it, starts[slot]);
    if (bootutil_tlv_iter_begin(&it, header, area, IMAGE_TLV_ANY, false)) return -1;
    while (!(rc = bootutil_tlv_iter_next(&it, &off, &length, &type))) {
        if (!bootutil_tlv_iter_is_prot(&it, off) && !allowed(type)) return -1;
        if (type != IMAGE_TLV_SHA256 && type != IMAGE_TLV_ECDSA_SIG) continue;
        if (length > sizeof piece || flash_area_read(area, off, piece, length)) return -1;
        if (type == IMAGE_TLV_SHA256) {
            if (length != 32 || memcmp(piece, hash, 32)) return -1;
            hashes++;
        } else {
            uint8_t key[sizeof boot_key], *at = key;
            memcpy(key, boot_key, sizeof key);
            bootutil_ecdsa_init(&ecdsa);
            if (bootutil_ecdsa_parse_public_key(&ecdsa, &at, key + sizeof key)) return -1;
            if (!bootutil_ecdsa_verify(&ecdsa, at, key + sizeof key - at, hash, 32, piece, length)) signatures++;
            bootutil_ecdsa_drop(&ecdsa);
        }
    }
    return rc < 0 || !hashes || !signatures;
}

static fih_ret validate(int slot) {
    fih_ret rc = FIH_FAILURE;
    FIH_CALL(boot_image_check_hook, rc, 0, slot);
    if (FIH_EQ(rc, FIH_BOOT_HOOK_REGULAR)) rc = check_image(slot) ? FIH_FAILURE : FIH_SUCCESS;
    if (FIH_NOT_EQ(rc, FIH_SUCCESS) && slot != BOOT_SLOT_PRIMARY) {
        const struct flash_area *area = area_of(AREA_SECONDARY);
        flash_area_erase(area, 0, area->fa_size); /* as MCUboot: no more attempts with it */
    }
    return rc;
}

static void copy_sector(const struct flash_area *from, uint32_t at, const struct flash_area *to, uint32_t there) {
    uint8_t bytes[SECTOR_BYTES];
    flash_area_read(from, at * SECTOR_BYTES, bytes, sizeof bytes);
    flash_area_erase(to, there * SECTOR_BYTES, SECTOR_BYTES);
    flash_area_write(to, there * SECTOR_BYTES, bytes, sizeof bytes);
}

static uint32_t sectors_of(int slot) {
    const struct flash_area *area = area_of(slot ? AREA_SECONDARY : AREA_PRIMARY);
    struct image_tlv_iter it;
    SET_START(it, starts[slot]);
    if (headers[slot].ih_magic != IMAGE_MAGIC || bootutil_tlv_iter_begin(&it, &headers[slot], area, IMAGE_TLV_ANY, false)) return 0;
    return (it.tlv_end - START_OF(&it) + SECTOR_BYTES - 1) / SECTOR_BYTES;
}

#ifdef MCUBOOT_OVERWRITE_ONLY

static void update(int type) {
    const struct flash_area *primary = area_of(AREA_PRIMARY), *secondary = area_of(AREA_SECONDARY);
    (void)type, (void)sectors_of, (void)set_trailer;
    for (uint32_t i = 0; i < primary->fa_size / SECTOR_BYTES; i++) copy_sector(secondary, i, primary, i);
    flash_area_erase(secondary, 0, SECTOR_BYTES);
    flash_area_erase(secondary, secondary->fa_size - SECTOR_BYTES, SECTOR_BYTES);
}

static int resume(void) { return 0; }

#else

/* The last sector of the primary slot: a unit for each step from its start, then what the trailer has. */
static int steps_done(const struct flash_area *primary) {
    int done = 0;
    uint8_t unit;
    while (!flash_area_read(primary, primary->fa_size - SECTOR_BYTES + done * 8, &unit, 1) && unit != 0xff) done++;
    return done;
}

static void run(int done) {
    const struct flash_area *primary = area_of(AREA_PRIMARY), *secondary = area_of(AREA_SECONDARY);
    uint8_t type = trailer_byte(primary, SWAP_INFO) & 15, sectors = trailer_byte(primary, SWAP_SECTORS);
    static const uint8_t unit[8] = {1, 0, 0, 0, 0, 0, 0, 0};
    for (; done < 2 * sectors; done++) {
        uint32_t i = done / 2;
        if (type == BOOT_SWAP_TYPE_REVERT) {
            i = sectors - 1 - i;
            if (done % 2 == 0) copy_sector(primary, i, secondary, i + 1);
            else copy_sector(secondary, i, primary, i);
        } else if (done % 2 == 0) copy_sector(primary, i, secondary, i);
        else copy_sector(secondary, i + 1, primary, i);
        flash_area_write(primary, primary->fa_size - SECTOR_BYTES + done * 8, unit, sizeof unit);
    }
    if (type != BOOT_SWAP_TYPE_TEST) set_trailer(primary, IMAGE_OK, 1);
    set_trailer(primary, COPY_DONE, 1);
}

static void update(int type) {
    const struct flash_area *primary = area_of(AREA_PRIMARY), *secondary = area_of(AREA_SECONDARY);
    uint32_t first = sectors_of(0), second = sectors_of(1);
    struct boot_swap_state trailer;
    flash_area_erase(primary, primary->fa_size - SECTOR_BYTES, SECTOR_BYTES);
    set_trailer(primary, SWAP_INFO, (uint8_t)type);
    boot_read_swap_state_by_id(AREA_SECONDARY, &trailer);
    if (trailer.magic != BOOT_MAGIC_UNSET) flash_area_erase(secondary, secondary->fa_size - SECTOR_BYTES, SECTOR_BYTES);
    set_trailer(primary, SWAP_SECTORS, (uint8_t)(first > second ? first : second));
    flash_area_write(primary, primary->fa_size - 16, magic, sizeof magic);
    run(0);
}

/* Goes on with a swap that was begun. 0: none was. */
static int resume(void) {
    const struct flash_area *primary = area_of(AREA_PRIMARY);
    struct boot_swap_state trailer;
    boot_read_swap_state_by_id(AREA_PRIMARY, &trailer);
    if (trailer.copy_done == BOOT_FLAG_SET || trailer.magic != BOOT_MAGIC_GOOD || trailer_byte(primary, SWAP_SECTORS) == 0xff) return 0;
    run(steps_done(primary));
    return 1;
}

#endif

/* The type of a swap that was written down and lost power before anything moved. */
static int begun(void) {
    struct boot_swap_state trailer;
    boot_read_swap_state_by_id(AREA_PRIMARY, &trailer);
    int type = trailer.swap_type;
    return trailer.copy_done == BOOT_FLAG_UNSET && type >= BOOT_SWAP_TYPE_TEST && type <= BOOT_SWAP_TYPE_REVERT ? type : 0;
}

fih_ret boot_go(struct boot_rsp *rsp) {
    fih_ret rc = FIH_FAILURE;
    if (!resume()) {
        int type = boot_swap_type_multi(0);
        read_header(0, type);
        int none = read_header(1, begun() == BOOT_SWAP_TYPE_REVERT ? BOOT_SWAP_TYPE_REVERT : type);
        if (type == BOOT_SWAP_TYPE_NONE && begun()) type = begun();
        if (type != BOOT_SWAP_TYPE_NONE && !none) {
            FIH_CALL(validate, rc, BOOT_SLOT_SECONDARY);
            if (FIH_EQ(rc, FIH_SUCCESS) && boot_perform_update_hook(0, &headers[1], area_of(AREA_SECONDARY)) == BOOT_HOOK_REGULAR)
                update(type);
        }
    }
    if (read_header(0, BOOT_SWAP_TYPE_NONE)) FIH_RET(FIH_FAILURE);
    FIH_CALL(validate, rc, BOOT_SLOT_PRIMARY);
    rsp->br_hdr = &headers[0];
    rsp->br_flash_dev_id = 0;
    rsp->br_image_off = area_of(AREA_PRIMARY)->fa_off;
    FIH_RET(rc);
}
