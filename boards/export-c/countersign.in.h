//@suit
/* Countersign: may this firmware be installed? The verifier of operator-approved updates as one C file.
 *
 * It judges a SUIT envelope as it arrives: the vendor's signature, whether the package is for this device, newer than what
 * is installed and small enough, and whether the device's operator approves of it. It stores, sends and allocates nothing.
 *
 *   countersign_start                      once, first
 *   countersign_provision                  who the device is and whom it trusts: its bootstrap document
 *   countersign_set_...                    facts that the firmware keeps: what is installed, room, time, floors
 *   countersign_offer_begin, .._push       the package, in pieces of any length, up to phase JUDGING
 *   countersign_judge, .._consider         the package itself; then approval documents found elsewhere
 *   countersign_decide                     INSTALL, ASK the user, or REJECT; .._reason says why
 *   countersign_offer_accept, .._push      the payload, hashed as it passes; phase COMPLETE: it is what was signed
 *
//@end
//@image
/* Countersign: may this image run? The verifier of operator-approved updates as one C file, for boot loaders that check by
 * themselves whose image it is.
 *
 * It answers whether the device's operator approves of an image, by the hash that the boot loader has of it, and whether it
 * is no older than what is installed. It stores, sends and allocates nothing.
 *
 *   countersign_start                      once, first
 *   countersign_provision                  who the device is and whom it trusts: its bootstrap document
 *   countersign_set_..., .._state_load     facts that the firmware keeps: what is installed, time, floors
 *   countersign_image, .._consider         the image; then approval documents, wherever they were found
 *   countersign_decide                     INSTALL, ASK the user, or REJECT; .._reason says why
 *
//@end
 * One device, one package at a time: all state is static. Nothing here may be called from two threads or an interrupt.
 * RAM: @RAM@ bytes static. Stack: at most @STACK@ bytes (GCC 12, @FLAGS@). Little-endian processors, GCC or Clang.
 * GCC 12 needs -fno-ivopts: without it, it miscompiles stores to static memory.
 *
 * Every access to the verifier's memory is checked. If one leads outside, by a fault of this file or of your RAM, the
 * processor meets an undefined instruction, or whatever you compile with -D'COUNTERSIGN_TRAP()=...': it must not return.
 *
 * Signatures: @CURVES@. Version @VERSION@. Written by `countersign export-c` from the same source as the WebAssembly module: do not edit.
 */
#ifndef COUNTERSIGN_H
#define COUNTERSIGN_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Why. Numbers are permanent; COUNTERSIGN_OK is 0. */
enum {
@REASONS@
};

typedef enum {
    COUNTERSIGN_INSTALL = 1,
    COUNTERSIGN_ASK = 2, /* only after an explicit yes of the user: then go on as after INSTALL */
    COUNTERSIGN_REJECT = 3
} countersign_verdict;

//@suit
typedef enum {
    COUNTERSIGN_EMPTY = 0,    /* nothing was offered */
    COUNTERSIGN_HEAD = 1,     /* what is signed is arriving, at most 2 KB */
    COUNTERSIGN_JUDGING = 2,  /* the head is whole; nothing more is taken before countersign_offer_accept */
    COUNTERSIGN_PAYLOAD = 3,  /* firmware is arriving */
    COUNTERSIGN_COMPLETE = 4, /* it is the firmware that the manifest names, to the last bit */
    COUNTERSIGN_FAILED = 5    /* countersign_offer_fault says why */
} countersign_phase;
//@end

/* Where an approval document was found. The verdict names it, and the device's policy may not listen to all. */
typedef enum {
    COUNTERSIGN_PACKAGE = 1, /* documents inside the package are considered without being asked for */
    COUNTERSIGN_CARD = 2,
    COUNTERSIGN_BOOTSTRAP = 3, /* likewise */
    COUNTERSIGN_TREE = 4
} countersign_source;

//@suit
typedef enum {
    COUNTERSIGN_NAME = 1, /* texts are UTF-8 and the vendor's: for people, never for decisions */
    COUNTERSIGN_VERSION = 2,
    COUNTERSIGN_DESCRIPTION = 3,
    COUNTERSIGN_URI = 4,
    COUNTERSIGN_IMAGE_DIGEST = 5 /* 32 bytes, SHA-256 of the payload */
} countersign_field;
//@end

/* ---- The device ---- */

void countersign_start(void);

/* The device's bootstrap document, at most 1024 bytes, copied. Anything but OK: the device belongs to nobody and rejects
 * every package. */
int countersign_provision(const void *bootstrap, size_t length);

void countersign_set_installed(uint64_t sequence); /* sequence number of what is installed: older ones are refused */
//@suit
void countersign_set_slot(uint32_t bytes);         /* room for an image; 0, as after the start, takes none */
//@end
void countersign_set_time(uint64_t seconds);       /* trusted Unix time, 0: there is no trusted clock */

/* What only ever rises: the newest time seen in an authentic document, and the highest document number of each operator
 * (by its place among the anchors, 0 to 7). Keep them over a reset, or an old approval may count again. */
uint64_t countersign_time_floor(void);
void countersign_set_time_floor(uint64_t seconds);
uint64_t countersign_operator_floor(uint32_t anchor);
void countersign_set_operator_floor(uint32_t anchor, uint64_t sequence);

/* The same, and what is installed, as bytes to keep: save after countersign_decide, load before the next one. Nothing guards
 * them: who keeps them adds a checksum, and writes them so that a power cut leaves the old ones or the new. */
#define COUNTERSIGN_STATE_BYTES 80
void countersign_state_save(uint8_t state[COUNTERSIGN_STATE_BYTES]);
void countersign_state_load(const uint8_t state[COUNTERSIGN_STATE_BYTES]);

//@suit
/* ---- The package ---- */

void countersign_offer_begin(void);

/* Returns how many bytes were taken: fewer than given at the end of the head, at the end of the package, and after a
 * fault. Push the rest again after countersign_offer_accept. */
size_t countersign_offer_push(const void *bytes, size_t length);

countersign_phase countersign_offer_phase(void);
int countersign_offer_fault(void);
uint32_t countersign_payload_bytes(void); /* taken so far */

/* Refused (not OK) unless the last verdict was INSTALL, or ASK and the user has said yes. */
int countersign_offer_accept(void);
//@end

//@image
/* ---- The image ---- */

/* SHA-256 of what the boot loader calls the image (MCUboot: header, body and protected TLVs), and the number that says which of two
 * is newer. A reason, which is also what countersign_decide will reject for. */
int countersign_image(const uint8_t hash[32], uint64_t sequence);

//@end
/* ---- The verdict ---- */

//@suit
/* The package by itself, in phase JUDGING. A reason, which is also what countersign_decide will reject for. */
int countersign_judge(void);

//@end
/* An approval document, at most 1024 bytes. Its own reason; a document that is no good is no vote, and no fault. */
int countersign_consider(countersign_source source, const void *document, size_t length);

/* A source that should have answered and did not. */
void countersign_unreachable(countersign_source source);

countersign_verdict countersign_decide(void);
int countersign_reason(void);

/* 1 if what comes later (a document, a person's yes) could turn the last verdict into INSTALL: keep what was refused. 0 if
 * nothing can, or an operator has denied. */
int countersign_may_come(void);

//@suit
/* The last verdict with its evidence as CBOR, for a log: valid until the next one. */
const uint8_t *countersign_record(size_t *length);

/* ---- What the manifest says; nothing before countersign_judge found it authentic ---- */

uint32_t countersign_image_bytes(void);

/* Valid until the next call, without a final zero; NULL if the manifest says nothing. */
const uint8_t *countersign_manifest(countersign_field field, size_t *length);

//@end
/* The number that says what is newer, of what the last verdict is about; 0: nothing. */
uint64_t countersign_sequence(void);

/* 1 if this SHA-256 is that of the image which the last verdict is about. */
int countersign_image_is(const uint8_t hash[32]);

/* ---- Primitives, as they are here anyway. One hash at a time; a package's hash is another ---- */

void countersign_sha256_begin(void);
void countersign_sha256_update(const void *bytes, size_t length);
void countersign_sha256_finish(uint8_t digest[32]);

/* 1 if the key made the signature, else 0. P-256 over a SHA-256 digest, numbers big-endian; Ed25519 as in RFC 8032. */
//@ed25519
int countersign_ed25519_verify(const uint8_t key[32], const uint8_t signature[64], const void *message, size_t length);
//@end
int countersign_p256_verify(const uint8_t key[64], const uint8_t signature[64], const uint8_t digest[32]);

#ifdef __cplusplus
}
#endif
#endif
