/* What an application finds below it: the agent in flash, to be called while the application runs. It downloads, judges and
 * takes orders meanwhile; what it decides is decided again, by the agent that starts at the next reset
 * (assembly/update/resident.ts).
 *
 *   const struct agent_service *agent = agent_service();
 *   if (agent->magic == AGENT_SERVICE_MAGIC) agent->start(&host);
 *   for (;;) { ...; agent->receive(0, bytes, count); agent->tick(milliseconds_since_the_last_tick); }
 *
 * - RAM from `ram` to `ram_end` is the agent's from start() to the next reset. Its stack is the caller's: STACK_BYTES of
 *   board.json suffice. What the application writes there by mistake can break a download, and nothing else.
 * - All calls come from one place, the main loop: a receive or tick that comes while another call is under way does nothing.
 *   start() comes once. Interrupts are never held back, and find r9 of the agent in a call. How long one takes: docs/port.md.
 * - The agent uses the flash controller, the random source and, if the board has one, the card reader, and no other peripheral.
 * - The application confirms itself as before: mailbox.h. On trial, nothing is downloaded.
 * - A fault in a call is recorded and resets, as a fault of the application does.
 *
 * A fixed layout, for programs built years apart: append, never move. `version` counts what was appended.
 */
#ifndef COUNTERSIGN_SERVICE_H
#define COUNTERSIGN_SERVICE_H
#include <stdint.h>

#define AGENT_SERVICE 0xc0u /* behind the 48 vectors, from the start of flash */
#define AGENT_SERVICE_MAGIC 0x43537672u
#define AGENT_SERVICE_VERSION 1

/* Of the application; stays where it is as long as the agent is called. */
struct agent_host {
    /* Sends bytes of the agent on the link, as hal_link_write does. */
    void (*link_write)(int32_t link, const void *from, uint32_t length);
    /* Something is to be installed: the chip resets as soon as this returns. */
    void (*stop)(void);
};

struct agent_service {
    uint32_t magic, version;
    const void *ram, *ram_end;
    /* Once after a reset, before anything else. */
    void (*start)(const struct agent_host *host);
    /* Bytes that arrived: any piece of the console's stream (link 0), or one whole packet. Returns how many it took; the rest
     * is to be offered again. */
    uint32_t (*receive)(int32_t link, const void *from, uint32_t length);
    /* Time that has passed since the last tick; does the waiting work. At least every 20 ms while something comes. */
    void (*tick)(uint32_t milliseconds);
};

static inline const struct agent_service *agent_service(void) {
    uintptr_t at = AGENT_SERVICE;
    __asm("" : "+r"(at)); /* a compiler takes a small constant for a null pointer with an offset */
    return (const struct agent_service *)at;
}
#endif
