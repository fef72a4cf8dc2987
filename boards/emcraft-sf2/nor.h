/* The board's serial NOR, a Spansion S25FL128P with sectors of 64 KB: 16 MB in pages of 256 bytes.
 *
 * Results: 0 = done, -1 = failed. Addresses count from the part's first byte; what is asked lies inside it.
 */
#ifndef COUNTERSIGN_NOR_H
#define COUNTERSIGN_NOR_H
#include <stdint.h>

/* A reset of the chip does not reset the part: waits until it has ended what it was doing. Call it once, before the others. */
int32_t nor_start(void);

/* Any bytes. */
int32_t nor_read(uint32_t at, void *to, uint32_t length);

/* Bytes that were erased; 0 only if all of them read as they were meant. A cut tears all that one page was given. */
int32_t nor_write(uint32_t at, const void *from, uint32_t length);

/* Whole sectors. */
int32_t nor_erase(uint32_t at, uint32_t length);

/* Of the board: one selection of the part, in which `command` and `out` are sent, and then `in` is received. */
void spi_exchange(const void *command, uint32_t command_bytes, const void *out, uint32_t out_bytes, void *in, uint32_t in_bytes);
#endif
