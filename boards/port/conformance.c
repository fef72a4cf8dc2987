/* Plays a script of calls on the translated core and prints one digest over all answers: the same script gives the same
 * digest on every machine that runs the core right, in whatever form (tests/port/conformance.test.ts).
 *
 * The script is not part of the firmware, so its length is not bound by flash. The board asks for it block by block: it
 * sends '?' and gets a length byte and as many bytes, which wait in the UART's buffer until they are read. After the end
 * it prints `digest D calls N bytes N`. Numbers are little-endian:
 *
 *   0                                   end
 *   1  offset u16  length u16  bytes    bytes into the core's window
 *   2  number u8  wide u8  count u8     a call: as many arguments, u64 where a bit of `wide` is set, else u32
 *   3                                   the core's output becomes part of the answers
 *   4                                   the core as it starts
 *
 * The digest is FNV-1a of 64 bits over every result (as u64; of a function without one, 0) and every output: not a hash
 * of the core's own, which may be what is wrong. call() is generated from the core's exports (conformance.ts).
 */
#include "chip.h"
#include "hal.h"
#include "core.wasm.c"
#include "calls.h"

enum { OP_END, OP_PUT, OP_CALL, OP_OUTPUT, OP_RESET };
enum { BLOCK_BYTES_MAX = 200, ARGUMENTS_MAX = 4 };

static struct {
    u8 bytes[BLOCK_BYTES_MAX];
    u32 length, at;
} block;

static struct {
    u64 digest;
    u32 calls, bytes;
} played;

static void print(const char *text) {
    hal_link_write(0, text, (u32)strlen(text));
}

static void print_number(u64 value, u32 base, u32 digits_least) {
    char text[21];
    u32 at = sizeof text - 1;
    text[at] = 0;
    for (u32 n = 0; value || n < digits_least; n++, value /= base) text[--at] = "0123456789abcdef"[value % base];
    print(text + at);
}

static __attribute__((noreturn)) void stop(const char *why) {
    print(why);
    print("\n");
    for (;;) hal_idle();
}

static void receive(u8 *to, u32 length) {
    for (s32 link; length;) {
        u32 taken = hal_link_read(&link, to, length);
        if (!taken) hal_idle();
        to += taken;
        length -= taken;
    }
}

static u8 next(void) {
    if (block.at == block.length) {
        u8 length;
        print("?");
        receive(&length, 1);
        if (length == 0 || length > BLOCK_BYTES_MAX) stop("block too long");
        receive(block.bytes, length);
        block.length = length;
        block.at = 0;
    }
    played.bytes++;
    return block.bytes[block.at++];
}

static u64 number(u32 bytes) {
    u64 value = 0;
    for (u32 i = 0; i < bytes; i++) value |= (u64)next() << 8 * i;
    return value;
}

static void answer(u8 byte) {
    const u64 prime = 0x100000001b3;
    played.digest = (played.digest ^ byte) * prime;
}

static void answer_number(u64 value) {
    for (u32 i = 0; i < 8; i++) answer((u8)(value >> 8 * i));
}

static void put(void) {
    u32 offset = (u32)number(2), length = (u32)number(2);
    if (offset > core_inputBytes() || length > core_inputBytes() - offset) stop("outside of the window");
    u8 *to = memory_at(core_input() + offset, length);
    for (u32 i = 0; i < length; i++) to[i] = next();
}

static void make_call(void) {
    u64 arguments[ARGUMENTS_MAX] = {0};
    u8 which = next(), wide = next(), count = next();
    if (which >= CALLS || count > ARGUMENTS_MAX) stop("no such call");
    for (u32 i = 0; i < count; i++) arguments[i] = number(wide >> i & 1 ? 8 : 4);
    answer_number(call(which, arguments));
    played.calls++;
}

static void output(void) {
    u32 length = core_outputBytes();
    const u8 *from = memory_at(core_output(), length);
    answer_number(length);
    for (u32 i = 0; i < length; i++) answer(from[i]);
}

static __attribute__((noinline, noreturn)) void run(void) {
    if (chip_trap()->count) stop("fault");
    core_reset();
    played.digest = 0xcbf29ce484222325;
    for (;;) {
        switch (next()) {
        case OP_PUT: put(); break;
        case OP_CALL: make_call(); break;
        case OP_OUTPUT: output(); break;
        case OP_RESET: core_reset(); break;
        case OP_END:
            print("digest ");
            print_number(played.digest, 16, 16);
            print(" calls ");
            print_number(played.calls, 10, 1);
            print(" bytes ");
            print_number(played.bytes, 10, 1);
            stop("");
        default: stop("no such step");
        }
    }
}

void port_main(void) {
    hal_start();
    memory_begin();
    run();
}
