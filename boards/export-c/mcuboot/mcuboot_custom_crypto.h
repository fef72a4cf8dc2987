/* MCUboot's hash and its P-256 signatures by the verifier that is linked anyway: no other cryptography in the boot loader.
 *
 * With MCUBOOT_USE_CUSTOM_CRYPTO, MCUBOOT_SIGN_EC256 and `-include mcuboot_custom_crypto.h`. One hash is open at a time, as MCUboot
 * works; the verifier keeps its own apart. */
#ifndef MCUBOOT_CUSTOM_CRYPTO_H
#define MCUBOOT_CUSTOM_CRYPTO_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "countersign.h"

#define MCUBOOT_ECDSA_NEED_ASN1_SIG

typedef struct {
    char none;
} bootutil_sha_context;

static inline int bootutil_sha_init(bootutil_sha_context *context) {
    (void)context;
    countersign_sha256_begin();
    return 0;
}

static inline int bootutil_sha_drop(bootutil_sha_context *context) {
    (void)context;
    return 0;
}

static inline int bootutil_sha_update(bootutil_sha_context *context, const void *data, uint32_t length) {
    (void)context;
    countersign_sha256_update(data, length);
    return 0;
}

static inline int bootutil_sha_finish(bootutil_sha_context *context, uint8_t *output) {
    (void)context;
    countersign_sha256_finish(output);
    return 0;
}

typedef struct {
    char none;
} bootutil_ecdsa_context;

static inline void bootutil_ecdsa_init(bootutil_ecdsa_context *context) { (void)context; }
static inline void bootutil_ecdsa_drop(bootutil_ecdsa_context *context) { (void)context; }

/* SubjectPublicKeyInfo of an uncompressed P-256 key (RFC 5480) has one form: these bytes, then x and y. */
#define COUNTERSIGN_SPKI_BYTES 27

static inline int bootutil_ecdsa_parse_public_key(bootutil_ecdsa_context *context, uint8_t **at, uint8_t *end) {
    static const uint8_t before[COUNTERSIGN_SPKI_BYTES] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                                           0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                                           0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
    (void)context;
    if (end - *at != COUNTERSIGN_SPKI_BYTES + 64 || memcmp(*at, before, sizeof before)) return -1;
    *at += COUNTERSIGN_SPKI_BYTES;
    return 0;
}

/* A DER INTEGER that is not negative, of at most 256 bits, as 32 bytes. */
static inline int countersign_der_number(const uint8_t **at, const uint8_t *end, uint8_t number[32]) {
    const uint8_t *from = *at;
    if (end - from < 3 || from[0] != 0x02) return -1;
    uint32_t length = from[1];
    from += 2;
    if (length == 0 || length > 33 || (uint32_t)(end - from) < length || (from[0] & 0x80)) return -1;
    if (length > 1 && from[0] == 0 && !(from[1] & 0x80)) return -1; /* longer than needed */
    *at = from + length;
    if (length == 33 && *from) return -1;
    if (length == 33) from++, length--;
    memset(number, 0, 32 - length);
    memcpy(number + 32 - length, from, length);
    return 0;
}

/* 0 if the key made the signature, SEQUENCE { r, s }, of this SHA-256. What follows it is padding: imgtool's --pad-sig. */
static inline int bootutil_ecdsa_verify(bootutil_ecdsa_context *context, uint8_t *key, size_t key_bytes, uint8_t *hash,
                                        size_t hash_bytes, uint8_t *signature, size_t signature_bytes) {
    uint8_t numbers[64];
    (void)context;
    if (key_bytes != 64 || hash_bytes != 32 || signature_bytes < 8) return -1;
    if (signature[0] != 0x30 || signature[1] > signature_bytes - 2 || (signature[1] & 0x80)) return -1;
    const uint8_t *at = signature + 2, *end = at + signature[1];
    if (countersign_der_number(&at, end, numbers) || countersign_der_number(&at, end, numbers + 32) || at != end) return -1;
    return countersign_p256_verify(key, numbers, hash) ? 0 : -1;
}

#endif
