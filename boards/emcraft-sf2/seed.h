/* Chance for a board that has no source of it: a seed in flash that is replaced at every start before anything is made of it,
 * mixed with the moments at which it is asked.
 *
 * Good for numbers that must not come twice and that nobody guesses who has not read the flash: nonces of questions, numbers of
 * sessions. Not for keys. Whoever makes the board writes the first record, with 32 random bytes (board.ts does for the emulated
 * one); without it, the moments alone are all there is, and a reset may well bring the same ones again.
 */
#ifndef COUNTERSIGN_SEED_H
#define COUNTERSIGN_SEED_H
#include <stdint.h>

/* Once, behind nor_start. `moment`: a timer that counts fast. */
void seed_start(uint32_t moment);

void seed_random(void *to, uint32_t length, uint32_t moment);
#endif
