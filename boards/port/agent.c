/* The agent on a board: the translated module between the HAL of the board and the chip's start-up code.
 *
 * Here an address of the module becomes a pointer (checked), a flash offset is held against the map of board.json, and
 * the main loop feeds the module. No decision is taken here; board.h is generated from board.json.
 */
#include "board.h"
#include "chip.h"
#include "hal.h"
#include "service.h"
#include "start.h"
#include "agent.wasm.c"

/* ---- The module's imports, those that it happens not to use included ---- */
#pragma GCC diagnostic ignored "-Wunused-function"

/* Set by each call of an application, so that nothing it wrote into this memory before can make it the boot agent. */
static u32 resident;
static const struct agent_host *application;

/* Only the three regions of the map: whatever asks for another place, the agent's own code stays as it is. An application's
 * calls change the first one alone. */
static int in_a_region(u32 offset, u32 length, u32 changes) {
    static const struct {
        u32 offset, bytes;
    } regions[] = {
        {BOARD_SECONDARY_OFFSET, BOARD_SECONDARY_BYTES},
        {BOARD_PRIMARY_OFFSET, BOARD_PRIMARY_BYTES},
        {BOARD_STATE_OFFSET, BOARD_STATE_BYTES},
    };
    for (u32 i = 0; i < (changes & resident ? 1 : sizeof regions / sizeof *regions); i++) {
        u32 inside = offset - regions[i].offset;
        if (offset >= regions[i].offset && inside <= regions[i].bytes && length <= regions[i].bytes - inside) return 1;
    }
    return 0;
}

static u32 import_flash_read(u32 offset, u32 to, u32 length) {
    void *at = memory_at(to, length);
    return in_a_region(offset, length, 0) ? (u32)hal_flash_read(offset, at, length) : ~0u;
}

static u32 import_flash_write(u32 offset, u32 from, u32 length) {
    void *at = memory_at(from, length);
    if (from & 3 || (offset | length) & (BOARD_WRITE_BYTES - 1)) return ~0u;
    return in_a_region(offset, length, 1) ? (u32)hal_flash_write(offset, at, length) : ~0u;
}

static u32 import_flash_erase(u32 offset, u32 length) {
    if (offset % BOARD_ERASE_BYTES || length % BOARD_ERASE_BYTES) return ~0u;
    return in_a_region(offset, length, 1) ? (u32)hal_flash_erase(offset, length) : ~0u;
}

static u32 import_flash_map(u32 what) {
    static const u32 map[] = {BOARD_PAGE_BYTES,       BOARD_PRIMARY_OFFSET,  BOARD_PRIMARY_BYTES, BOARD_SECONDARY_OFFSET,
                              BOARD_SECONDARY_BYTES, BOARD_STATE_OFFSET,    BOARD_STATE_BYTES,
#if BOARD_LARGE
                              BOARD_WRITE_BYTES,     BOARD_ERASED_TO_ZERO,  BOARD_OVERWRITES
#endif
    };
    return what < sizeof map / sizeof *map ? map[what] : 0;
}

/* Of a board that copies its image, the copy: what is not asked for here is never copied, and what was copied is what is
 * answered. */
static u32 import_image_read(u32 at, u32 to, u32 length) {
    void *piece = memory_at(to, length);
    if (resident || length > BOARD_PRIMARY_BYTES || at > BOARD_PRIMARY_BYTES - length) return ~0u;
    void *image = (u8 *)BOARD_IMAGE + at;
    /* Nothing of an image before stands behind a shorter one: where that has no code, it faults, as in erased flash. */
    if (BOARD_COPIES && !at) memset(image, 0xff, BOARD_PRIMARY_BYTES);
    if (BOARD_COPIES && hal_flash_read(BOARD_PRIMARY_OFFSET + at, image, length) < 0) return ~0u;
    memcpy(piece, image, length);
    return 0;
}

static void import_link_write(u32 link, u32 from, u32 length) {
    (resident ? application->link_write : hal_link_write)((s32)link, memory_at(from, length), length);
}

static void import_random(u32 to, u32 length) {
    hal_random(memory_at(to, length), length);
}

/* A board without these abilities has no such functions (hal.h): known to the compiler, who leaves out what hangs on them. */
static u64 import_clock(void) {
    return BOARD_CLOCK ? hal_clock() : 0;
}

static u32 import_card(u32 command, u32 length, u32 response, u32 capacity) {
    if (!BOARD_CARD) return ~0u;
    return (u32)hal_card(memory_at(command, length), length, memory_at(response, capacity), capacity);
}

static u32 import_user(u32 asking) {
    return BOARD_USER && !resident ? (u32)hal_user((s32)asking) : 0;
}

static u32 import_mailbox(void) {
    return chip_mailbox();
}

static void import_watchdog(u32 seconds) {
    hal_watchdog(seconds);
}

static void import_restart(u32 into) {
    (resident ? application->stop : hal_stop)();
    if (into && !resident) chip_start_image(BOARD_IMAGE);
    chip_reset();
}

/* ---- Main loop ---- */

static void print(const char *text) {
    hal_link_write(0, text, (u32)strlen(text));
}

static void print_hex(u32 value) {
    char digits[8];
    for (u32 i = 0; i < 8; i++) digits[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
    hal_link_write(0, digits, sizeof digits);
}

/* After TRAPS_MAX faults in a row the module is not started any more: nothing is written or run until the next reset. */
enum { TRAPS_MAX = 3, TRAP_FREE_MS = 1000 };

static void report_trap(const struct trap *trap) {
    print("\r\nagent: fault at ");
    print_hex(trap->pc);
    print(" called from ");
    print_hex(trap->lr);
    if (trap->count < TRAPS_MAX) {
        print("\r\n");
        return;
    }
    print(", stopped\r\n");
    chip_trap_clear();
    for (;;) hal_idle();
}

static __attribute__((noinline, noreturn)) void run(void) {
    const struct trap *trap = chip_trap();
    if (trap->count) report_trap(trap);
    agent_reset();
    agent_start();
    u32 began = hal_milliseconds(), then = began;
    for (;;) {
        s32 link;
        u32 input = agent_input(), capacity = agent_inputBytes();
        u32 length = hal_link_read(&link, memory_at(input, capacity), capacity);
        if (length) agent_receive((u32)link, length);
        u32 now = hal_milliseconds();
        agent_tick(now - then);
        then = now;
        if (trap->count && now - began > TRAP_FREE_MS) chip_trap_clear();
        if (!length && !agent_busy()) hal_idle();
    }
}

void port_main(void) {
    hal_start();
    memory_begin();
    run();
}

/* ---- The same agent, called by the application that runs (service.h) ---- */

enum { START, RECEIVE, TICK };

static __attribute__((noinline)) void serve(u32 what, u32 number, u32 length) {
    if (what == RECEIVE) agent_receive(number, length);
    if (what == TICK) agent_tick(number);
    if (what != START) return;
    agent_reset();
    agent_reside();
    agent_start();
}

/* One call at a time: what comes while one is under way is dropped. */
static u32 call(u32 what, u32 number, const void *from, u32 length) {
    static u32 inside;
    if (what == START) {
        start_variables();
        application = from;
    } else if (inside || !application) {
        return 0;
    }
    resident = inside = 1;
    if (length > agent_inputBytes()) length = agent_inputBytes();
    memcpy(memory_at(agent_input(), length), from, length);
    u32 kept = memory_enter();
    serve(what, number, length);
    memory_leave(kept);
    inside = 0;
    return length;
}

static void service_start(const struct agent_host *host) {
    call(START, 0, host, 0);
}

static uint32_t service_receive(int32_t link, const void *from, uint32_t length) {
    return call(RECEIVE, (u32)link, from, length);
}

static void service_tick(uint32_t milliseconds) {
    call(TICK, milliseconds, 0, 0);
}

__attribute__((section(".service"), used)) static const struct agent_service service = {
    AGENT_SERVICE_MAGIC, AGENT_SERVICE_VERSION, data_start, bss_end, service_start, service_receive, service_tick};
