/* The fuzz target "verifier": any calls on the exports of core-small.wasm, in any order, on any bytes.
 *
 * Besides what the sanitizers say, held here: a verdict is one of three; a payload is taken only after one that is not
 * "reject"; a core that nobody provisioned rejects; what is offered as output lies in the memory. Input: seeds.ts.
 */
#include "core.wasm.c"
#include "fixtures.h"
#include "fuzz.h"

enum { INSTALL = 1, ASK = 2, REJECT = 3 };
enum { NOW = 1800000000, CALLS_MAX = 200 };

static void hold(int holds) {
    if (!holds) abort();
}

/* As much of the blob as the window takes; the length is told as it is, too large or not. */
static u32 put(const u8 *from, u32 length) {
    u32 most = core_inputBytes();
    memcpy(memory_at(core_input(), length < most ? length : most), from, length < most ? length : most);
    return length;
}

static void read_output(void) {
    volatile u8 sum = 0;
    u32 length = core_outputBytes();
    for (const u8 *at = memory_at(core_output(), length); length; length--) sum = (u8)(sum + *at++);
}

static void offer(void) {
    u32 piece = byte() + 1, most = byte() ? ~0u : 64;
    blob_read();
    for (u32 at = 0, took = 1; at < blob.length && took && most; at += took, most--) {
        u32 length = blob.length - at < piece ? blob.length - at : piece;
        took = core_offerPush(put(blob.bytes + at, length));
        hold(took <= length);
    }
}

static int provisioned, rejected = 1;

static void step(void) {
    static const u64 times[] = {0, NOW - 1, NOW, NOW + 1, NOW + 86400, 1, ~0ull, 1000000};
    static const u32 slots[] = {0, 63, 64, 65, 1024, 1 << 16, 1u << 31, ~0u};
    u32 which = byte(), n;
    switch (which % 22) {
    case 0:
        blob_read();
        if (core_provision(put(blob.bytes, blob.length)) == 0) provisioned = 1;
        rejected = 1;
        break;
    case 1:
        blob_read();
        n = core_change(put(blob.bytes, blob.length));
        rejected = 1;
        if (n == 0) read_output();
        break;
    case 2: core_setTime(times[byte() & 7]); break;
    case 3: core_setTimeFloor(times[byte() & 7]); break;
    case 4: core_setInstalled(byte()); break;
    case 5: core_setSlotBytes(slots[byte() & 7]); break;
    case 6:
        n = byte();
        core_setOperatorFloor(n, byte());
        core_operatorFloor(n);
        break;
    case 7:
        core_offerBegin();
        rejected = 1;
        offer();
        break;
    case 8: offer(); break;
    case 9:
        core_judge();
        rejected = 1;
        break;
    case 10:
        n = byte();
        blob_read();
        core_consider(n & 0x80 ? n : n % 6, put(blob.bytes, blob.length));
        rejected = 1;
        break;
    case 11: core_unreachable(byte() % 6); break;
    case 12:
        n = core_decide();
        hold(n == INSTALL || n == ASK || n == REJECT);
        hold(n == REJECT || provisioned);
        hold((n == INSTALL) == (core_verdictReason() == 0));
        rejected = n == REJECT;
        read_output();
        break;
    case 13:
        n = core_offerAccept();
        hold(n != 0 || !rejected);
        break;
    case 14:
        if (core_manifestText(byte() % 7)) read_output();
        core_imageBytes();
        core_payloadBytes();
        core_offerPhase();
        core_offerFault();
        core_offerHeadBytes();
        core_timeFloor();
        break;
    case 15:
        blob_read();
        core_sha256Begin();
        core_sha256Update(put(blob.bytes, blob.length));
        core_sha256Finish();
        read_output();
        break;
    case 16:
        blob_read();
        core_sha512Begin();
        core_sha512Update(put(blob.bytes, blob.length));
        core_sha512Finish();
        read_output();
        break;
    case 17:
        blob_read();
        put(blob.bytes, blob.length);
        n = half();
        core_sign1Verify(n, half(), half(), half());
        break;
    case 18: /* as it begins: nobody's */
        restore();
        provisioned = 0;
        rejected = 1;
        break;
    case 20:
        core_forgetComponents();
        rejected = 1;
        break;
    case 21:
        blob_read();
        n = byte();
        core_addComponent(put(blob.bytes, blob.length), n & 3, slots[n >> 2 & 7]);
        rejected = 1;
        for (n = 0; n < 5; n++) {
            if (core_componentText(n, byte() % 5)) read_output();
            core_componentBytes(n);
            core_componentOrigin(n);
        }
        core_payloadComponent();
        break;
    default: /* a whole judgement */
        core_offerBegin();
        offer();
        core_judge();
        n = core_decide();
        hold(n == REJECT || provisioned);
        rejected = n == REJECT;
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    core_reset();
    import_guard(0, FIRST_BYTES);
    core_guards();
    keep();
    return 0;
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t length) {
    input.at = bytes;
    input.end = bytes + length;
    restore();
    provisioned = 0;
    rejected = 1;
    for (u32 calls = 0; !is_over() && calls < CALLS_MAX; calls++) step();
    return 0;
}
