/* The fuzz target "lz": one code, of a piece of any place and length, with a source of any length. Held here: what is asked of the
 * source lies in it, what is to be written in the piece, nothing of the memory behind the piece changes, and each call gets further.
 *
 * Input: flags u8 (bit 0: delta), place u32, length u16, limit u32, and the code. */
#include "lz.wasm.c"
#include "fixtures.h"
#include "fuzz.h"

enum { WHOLE, READ, REFUSED };
enum { PIECE_BYTES_MAX = 512, CODE_BYTES_MAX = 640, BEHIND_BYTES = 64, SPOILED = 0xa5 };

static void hold(int holds) {
    if (!holds) abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    lz_reset();
    import_guard(0, FIRST_BYTES);
    lz_guards();
    keep();
    return 0;
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t length) {
    input.at = bytes;
    input.end = bytes + length;
    restore();
    u32 delta = byte() & 1, place = word(), size = half() % PIECE_BYTES_MAX + 1, limit = word();
    u32 code = (u32)(input.end - input.at);
    if (code > CODE_BYTES_MAX) code = CODE_BYTES_MAX;
    u32 from = lz_input(), piece = lz_piece();
    memcpy(memory_at(from, code), input.at, code);
    memset(memory_at(piece + size, BEHIND_BYTES), SPOILED, BEHIND_BYTES);
    lz_lzBegin(from, code, place, size, limit, delta);
    u32 done = 0, next;
    while ((next = lz_lzNext()) == READ) {
        u32 asked = lz_lzAsked(), to = lz_lzTo();
        hold(asked > 0 && lz_lzPlace() <= limit && asked <= limit - lz_lzPlace());
        hold(to >= piece + done && to + asked <= piece + size);
        memset(memory_at(to, asked), (int)asked, asked);
        done = to + asked - piece;
    }
    hold(next == WHOLE || next == REFUSED);
    for (u32 i = 0; i < BEHIND_BYTES; i++) hold(*memory_at(piece + size + i, 1) == SPOILED);
    return 0;
}
