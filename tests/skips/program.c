/* What is run with an instruction left out: the verifier on a package, as an application calls it (boards/export-c/example.c).
 *
 * Everything up to the judgement is before the region; in it the package is judged, a document is considered, and the verdict taken. What
 * comes out: the verdict; whether the core would take the payload then; the reason; that the end was reached.
 */
#include "core.wasm.c"
#include "scenarios.h"

/* Behind all that the program has, written before the start: by verifier.c, or by QEMU's loader. */
#define SCENARIO (*(const volatile u32 *)0x20003ffc)
volatile u32 result[4];

static u32 put(const u8 *bytes, u32 length) {
    memcpy(memory_at(core_input(), length), bytes, length);
    return length;
}

/* By pointers, so that each export stays a function of its own. */
static u32 (*volatile judge)(void) = core_judge;
static u32 (*volatile consider)(u32, u32) = core_consider;
static u32 (*volatile decide)(void) = core_decide;
static u32 (*volatile accept)(void) = core_offerAccept;

__attribute__((noinline, used)) void judged(const struct scenario *s) {
    judge();
    if (s->document_bytes) consider(4, s->document_bytes);
    result[0] = decide();
    result[1] = accept() == 0;
}

/* Not inlined: see memory_begin. */
static __attribute__((noinline)) int run(void) {
    const struct scenario *s = scenarios + SCENARIO;
    core_reset();
    core_provision(put(s->bootstrap, s->bootstrap_bytes));
    core_setInstalled(0);
    core_setSlotBytes(1 << 16);
    core_setTime(1800000000);
    core_offerBegin();
    for (u32 at = 0; at < s->package_bytes;) {
        u32 left = s->package_bytes - at, took = core_offerPush(put(s->package + at, left < 64 ? left : 64));
        if (!took) break;
        at += took;
    }
    put(s->document, s->document_bytes); /* before the region: a byte copied wrong is what a signature is for */
    judged(s);
    result[2] = core_verdictReason();
    result[3] = 0x600d;
    return 0;
}

int main(void) {
    memory_begin();
    return run();
}

/* ---- Under QEMU, which starts from a vector table and is told by semihosting (SYS_WRITE0, SYS_EXIT) ---- */

static u32 semihosting(u32 operation, const void *argument) {
    register u32 r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

__attribute__((used)) void reset(void) {
    static char text[] = "00000000 00000000 00000000 00000000\n";
    main();
    for (u32 i = 0; i < 32; i++) text[i + i / 8] = "0123456789abcdef"[result[i / 8] >> (28 - 4 * (i % 8)) & 15];
    semihosting(0x04, text);
    semihosting(0x18, (const void *)0x20026);
    for (;;) {}
}
__attribute__((section(".vectors"), used)) const void *const vectors[2] = {(void *)0x20003ff0, (void *)reset};
