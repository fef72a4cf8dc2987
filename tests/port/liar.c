/* A serial NOR that tells the truth once after each reset: from its second reading on, the primary slot begins with another program.
 * Linked in front of the board's HAL by --wrap=hal_flash_read (tests/port/emcraft-sf2.test.ts), with that program in liar.h. */
#include "board.h"
#include "hal.h"
#include "liar.h"

int32_t __real_hal_flash_read(uint32_t offset, void *to, uint32_t length);

static uint8_t was_read[sizeof other_program];

int32_t __wrap_hal_flash_read(uint32_t offset, void *to, uint32_t length) {
    int32_t failed = __real_hal_flash_read(offset, to, length);
    for (uint32_t i = 0; i < length; i++) {
        uint32_t at = offset + i - BOARD_PRIMARY_OFFSET;
        if (at >= sizeof other_program) continue;
        if (was_read[at]) ((uint8_t *)to)[i] = other_program[at];
        was_read[at] = 1;
    }
    return failed;
}
