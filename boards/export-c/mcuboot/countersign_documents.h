/* Writes documents for the gate, from the application: approval documents that came later, and the heads of packages.
 *
 * Nothing here is checked and nothing has to be: the documents prove themselves, and the gate believes no byte of the area. It has
 * two halves that are filled in turn, so the oldest documents go first. A power cut costs at most the document that was written. */
#ifndef COUNTERSIGN_DOCUMENTS_H
#define COUNTERSIGN_DOCUMENTS_H
#include <stddef.h>
#include <stdint.h>

/* An approval document (.cose). Not 0: it was not written. */
int countersign_documents_approval(const void *document, size_t length);

/* The head of a package, made by `countersign package --mcuboot`, for the image of this hash (32 bytes, of MCUboot). */
int countersign_documents_head(const uint8_t hash[32], const void *head, size_t length);

#endif
