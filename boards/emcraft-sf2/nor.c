/* Commands and limits: Spansion S25FL128P data sheet, sections 9 (commands) and 17 (times). QEMU's part forgives a command that is given
 * without WREN, over the end of a page, or for a size of sector that this part does not have; silicon does not:
 * tests/port/nor.test.ts holds this file against a part that is as strict. */
#include "nor.h"
#include <string.h>
#include "../port/hal.h"
#include "layout.h"

enum { WREN = 0x06, RDSR = 0x05, READ = 0x03, PP = 0x02, SE = 0xd8 };
enum { STATUS_BUSY = 1, STATUS_ENABLED = 2 }; /* WIP, WEL */
enum { PAGE_BYTES = 256, ADDRESSED_BYTES = 4 };
enum { READ_BYTES_MAX = 32768 }; /* in one selection; the SPI counts frames in 16 bits */

/* Twice what the data sheet allows. */
enum { PROGRAM_MS_MAX = 6, ERASE_MS_MAX = 6000 };

static void addressed(uint8_t bytes[ADDRESSED_BYTES], uint8_t command, uint32_t at) {
    bytes[0] = command;
    bytes[1] = (uint8_t)(at >> 16);
    bytes[2] = (uint8_t)(at >> 8);
    bytes[3] = (uint8_t)at;
}

static uint32_t status(void) {
    uint8_t command = RDSR, now;
    spi_exchange(&command, 1, 0, 0, &now, 1);
    return now;
}

static int32_t ready(uint32_t limit_ms) {
    for (uint32_t began = hal_milliseconds(); status() & STATUS_BUSY;)
        if (hal_milliseconds() - began > limit_ms) return -1;
    return 0;
}

/* A part that is protected does not take it. */
static int32_t enable(void) {
    uint8_t command = WREN;
    spi_exchange(&command, 1, 0, 0, 0, 0);
    return status() & STATUS_ENABLED ? 0 : -1;
}

int32_t nor_start(void) {
    return ready(ERASE_MS_MAX);
}

int32_t nor_read(uint32_t at, void *to, uint32_t length) {
    uint8_t *bytes = to;
    for (uint32_t done = 0, piece; done < length; done += piece) {
        uint8_t command[ADDRESSED_BYTES];
        piece = length - done < READ_BYTES_MAX ? length - done : READ_BYTES_MAX;
        addressed(command, READ, at + done);
        spi_exchange(command, sizeof command, 0, 0, bytes + done, piece);
    }
    return 0;
}

/* Beyond the end of a page the part would begin again at its beginning. */
static int32_t program(uint32_t at, const uint8_t *from, uint32_t length) {
    uint8_t command[ADDRESSED_BYTES], back[PAGE_BYTES];
    addressed(command, PP, at);
    if (enable() < 0) return -1;
    spi_exchange(command, sizeof command, from, length, 0, 0);
    if (ready(PROGRAM_MS_MAX) < 0 || nor_read(at, back, length) < 0) return -1;
    return memcmp(back, from, length) ? -1 : 0;
}

int32_t nor_write(uint32_t at, const void *from, uint32_t length) {
    const uint8_t *bytes = from;
    for (uint32_t done = 0, piece; done < length; done += piece) {
        uint32_t room = PAGE_BYTES - (at + done) % PAGE_BYTES;
        piece = length - done < room ? length - done : room;
        if (program(at + done, bytes + done, piece) < 0) return -1;
    }
    return 0;
}

int32_t nor_erase(uint32_t at, uint32_t length) {
    for (uint32_t done = 0; done < length; done += NOR_SECTOR_BYTES) {
        uint8_t command[ADDRESSED_BYTES];
        addressed(command, SE, at + done);
        if (enable() < 0) return -1;
        spi_exchange(command, sizeof command, 0, 0, 0, 0);
        if (ready(ERASE_MS_MAX) < 0) return -1;
    }
    return 0;
}
