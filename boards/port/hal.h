/* The HAL of a C board: what the board writes, and all that it writes. assembly/hal.ts is the same page as the agent sees it.
 *
 * Ports contain no decisions: nothing here looks inside the bytes it moves, retries, or refuses on its own account.
 * Buffers belong to the caller and are valid only during the call. All calls come from the main loop, never from an
 * interrupt. Flash offsets count from the start of flash; the port has checked that they lie inside one region of
 * board.json before it calls. Results: 0 = done, -1 = failed, unless said otherwise.
 */
#ifndef COUNTERSIGN_HAL_H
#define COUNTERSIGN_HAL_H
#include <stdint.h>

/* Clocks, pins, timer, links: from the state after reset. Called once, first. */
void hal_start(void);

/* Puts the board back as a reset leaves it, as far as an application could notice: its interrupts off above all.
 * Bytes given to hal_link_write have left. Called before the image in the primary slot starts. */
void hal_stop(void);

/* Watches over the image that starts next: a reset unless it feeds the watchdog within so many seconds; 0: it starts without
 * one. A watchdog that cannot be stopped is left to bite here first: the reset that follows has none. A board that has no
 * watchdog does nothing. Called before hal_stop. */
void hal_watchdog(uint32_t seconds);

/* Reads any length at any offset and alignment. A page that was never erased may read as anything. */
int32_t hal_flash_read(uint32_t offset, void *to, uint32_t length);

/* Writes: from is a multiple of 4, offset and length are multiples of the write unit (writeBytes in board.json: 4, if it says nothing
 * else); each unit was erased and is written once, in ascending order. 0 only when all are in flash. The agent has put whole units
 * together: a port buffers nothing.
 * Power cut: some first units are written, the one in progress reads as anything, the rest is still erased. Serial NOR may tear
 * all that one call programs in a page: the agent for such boards counts on no more. */
int32_t hal_flash_write(uint32_t offset, const void *from, uint32_t length);

/* Erases whole pages of a slot, or a half of the state region, to 0xff (erasedTo in board.json): a chip may have to erase several
 * sectors for it.
 * Power cut: each page reads old, erased or noise. */
int32_t hal_flash_erase(uint32_t offset, uint32_t length);

/* Sends. Link 0 is the console, a byte stream; on a packet link (1 and up) one call is one packet. What cannot be sent
 * is lost; the client asks again. May take as long as the wire takes. */
void hal_link_write(int32_t link, const void *from, uint32_t length);

/* Takes what has arrived: up to capacity bytes of a stream, or one packet. Sets the link; 0 = nothing there. Must not
 * wait, and must keep what arrives between two calls (a UART at 115200 baud: 12 bytes a millisecond). A board with delta or large in
 * board.json keeps 3 KB of a stream, or 3 packets: clients send them ahead (buf_count). */
uint32_t hal_link_read(int32_t *link, void *to, uint32_t capacity);

/* Bytes that nobody outside the device can predict. */
void hal_random(void *to, uint32_t length);

/* ---- Abilities of board.json: a board has the functions of those that are true. ---- */

/* clock. Seconds since 1970 from a source that the maker trusts, 0 = it does not know. */
uint64_t hal_clock(void);

/* card. One APDU exchange with a smart card: length of the response, at most capacity; a negative number but -1 = nothing answered. */
int32_t hal_card(const void *command, uint32_t length, void *response, uint32_t capacity);

/* user. asking: 1 shows the person at the device that a question is pending, 0 stops it.
 * Returns what that person answered since the last call: 0 nothing, 1 yes, 2 no. Only a press that began while the
 * question was shown is an answer. */
int32_t hal_user(int32_t asking);

/* ---- Time ---- */

/* Milliseconds since some moment, wrapping at 2^32. Asked at least every minute. */
uint32_t hal_milliseconds(void);

/* Sleeps until something may have happened, at most 20 ms; at once when bytes wait in hal_link_read. May do nothing. */
void hal_idle(void);
#endif
