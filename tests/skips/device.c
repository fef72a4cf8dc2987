/* The board that the agent runs on while an instruction is left out: the micro:bit's flash, and a conversation that stands in
 * the program instead of a line and a person (script.h, made by path.ts).
 *
 * Each call of hal_link_read is a turn: it hands over the next bytes, or lets time pass, or resets the board. Where the conversation
 * stands survives resets, as the world around a board does. What the agent sends is only summed up. At its end QEMU is told that
 * sum and one of flash, by semihosting (SYS_WRITE0, SYS_EXIT); the interpreter (path.c) stops at `finished`.
 */
#define hal_start microbit_start
#define hal_stop microbit_stop
#define hal_link_write microbit_link_write
#define hal_link_read microbit_link_read
#define hal_random microbit_random
#define hal_clock microbit_clock
#define hal_card microbit_card
#define hal_user microbit_user
#define hal_milliseconds microbit_milliseconds
#define hal_idle microbit_idle
#define hal_watchdog microbit_watchdog
#include "../../boards/microbit/hal.c" /* its flash is taken as it is */
#undef hal_start
#undef hal_stop
#undef hal_link_write
#undef hal_link_read
#undef hal_random
#undef hal_clock
#undef hal_card
#undef hal_user
#undef hal_milliseconds
#undef hal_idle
#undef hal_watchdog

#include "board.h"
#include "chip.h"
#include "mailbox.h"

enum { BYTES, WAIT, RESET, PRESS, MARK, FINISH };
struct event {
    uint32_t kind, count; /* bytes; turns to wait; what the person answers from now on */
    const uint8_t *bytes;
};
#define SCRIPT __attribute__((section(".script"), used))
#include "script.h"

/* Which of the conversations: written before the start by path.c, or by QEMU's loader. */
#define SCENARIO (*(const volatile uint32_t *)0x20003f80)
enum { TURN_MS = 500 };

/* A reset leaves it; a board that was never on has zeros. */
struct world {
    uint32_t turn, event, waited, milliseconds, pressed, chance, said;
};
__attribute__((noinit)) struct world world;

__attribute__((noinline, used)) void marked(void) { __asm volatile(""); }

static uint32_t semihosting(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t sum(uint32_t before, const uint8_t *from, uint32_t length) {
    for (uint32_t i = 0; i < length; i++) before = (before << 5 | before >> 27) ^ from[i];
    return before;
}

__attribute__((noinline, used)) void finished(void) {
    static char text[] = "00000000 00000000 00000000\n";
    const uint32_t words[] = {world.turn, world.said,
                              sum(0, (const uint8_t *)BOARD_PRIMARY_OFFSET, BOARD_STATE_OFFSET + BOARD_STATE_BYTES - BOARD_PRIMARY_OFFSET)};
    for (uint32_t i = 0; i < 24; i++) text[i + i / 8] = "0123456789abcdef"[words[i / 8] >> (28 - 4 * (i % 8)) & 15];
    semihosting(0x04, text);
    semihosting(0x18, (const void *)0x20026);
    for (;;) {}
}

uint32_t hal_link_read(int32_t *link, void *to, uint32_t capacity) {
    world.turn++;
    *link = 0;
    for (;;) {
        const struct event *event = scripts[SCENARIO] + world.event;
        switch (event->kind) {
        case WAIT:
            world.milliseconds += TURN_MS;
            if (++world.waited >= event->count) world.waited = 0, world.event++;
            return 0;
        case FINISH: finished();
        }
        world.event++;
        if (event->kind == BYTES && event->count <= capacity) {
            for (uint32_t i = 0; i < event->count; i++) ((uint8_t *)to)[i] = event->bytes[i];
            return event->count;
        }
        if (event->kind == RESET) chip_reset();
        if (event->kind == PRESS) world.pressed = event->count;
        if (event->kind == MARK) marked();
    }
}

/* An image that ran (it says that it works) has ended what was waited for. */
void hal_start(void) {
    const struct event *event = scripts[SCENARIO] + world.event;
    if (mailbox.message != (MAILBOX_MAGIC | MAILBOX_CONFIRM)) return;
    world.waited = 0;
    if (event->kind == WAIT) event++, world.event++;
    if (event->kind == RESET) event++, world.event++;
    if (event->kind == FINISH) finished();
}

void hal_stop(void) {}
void hal_idle(void) {}
void hal_watchdog(uint32_t seconds) {
    (void)seconds;
}

void hal_link_write(int32_t link, const void *from, uint32_t length) {
    world.said = sum(world.said ^ (uint32_t)link, from, length);
}

void hal_random(void *to, uint32_t length) {
    for (uint32_t i = 0; i < length; i++) ((uint8_t *)to)[i] = (uint8_t)(world.chance = world.chance * 75 + 74);
}

uint64_t hal_clock(void) {
    return 0;
}

int32_t hal_card(const void *command, uint32_t length, void *response, uint32_t capacity) {
    return microbit_card(command, length, response, capacity);
}

int32_t hal_user(int32_t asking) {
    return asking ? (int32_t)world.pressed : 0;
}

uint32_t hal_milliseconds(void) {
    return world.milliseconds;
}
