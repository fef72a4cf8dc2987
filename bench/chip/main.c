/* Runs one primitive on a Cortex-M under QEMU, between the marks of count.c, and says through semihosting what came
 * out and how deep the stack went. WHAT chooses: 0 nothing, the size to subtract; 1 SHA-256; 2 SHA-512; 3 Ed25519;
 * 4 P-256; 5 SHA-256 as C written by hand, which does not go through WebAssembly.
 */
#include <stdint.h>
#include <string.h>
#include MODULE
#include "vectors.h"

extern uint32_t stack_top[], bss_start[], bss_end[];

static int semihosting(int operation, const void *argument) {
    register int r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}
static void say(const char *text) { semihosting(4, text); }
static void number(uint32_t value) {
    char text[12];
    int at = sizeof text - 1;
    text[at] = 0;
    do text[--at] = (char)('0' + value % 10); while (value /= 10);
    say(text + at);
}
__attribute__((noreturn)) static void stop(void) {
    for (;;) semihosting(0x18, (void *)0x20026);
}
static void fault(void) {
    say("fault\n");
    stop();
}

#define BEGIN() __asm volatile("mov r9, r9" ::: "memory")
#define END() __asm volatile("mov r10, r10" ::: "memory")

static u32 result;

#if WHAT == 1 || WHAT == 2
#if WHAT == 1
#define HASH(step) bench_sha256##step
#else
#define HASH(step) bench_sha512##step
#endif
/* Regions 0 and 1 differ by 1024 bytes of message, so their difference has no padding in it. */
static void measured(void) {
    u32 at = bench_area();
    HASH(Begin)(at);
    BEGIN();
    HASH(Update)(at, at + 512, 128);
    END();
    BEGIN();
    HASH(Update)(at, at + 512, 128 + 1024);
    END();
    HASH(Finish)(at, at + 448);
    result = i32_load(at + 448, 0);
}
#elif WHAT == 5
#include "sha256.c"
static sha256 state;
static void measured(void) {
    const uint8_t *from = memory + bench_area() + 512;
    uint32_t digest[8];
    sha256_begin(&state);
    BEGIN();
    sha256_update(&state, from, 128);
    END();
    BEGIN();
    sha256_update(&state, from, 128 + 1024);
    END();
    sha256_finish(&state, (uint8_t *)digest);
    result = digest[0];
}
#elif WHAT == 3
static void measured(void) {
    u32 at = bench_area();
    memcpy(memory + at, ed25519_key, 32);
    memcpy(memory + at + 32, ed25519_signature, 64);
    memcpy(memory + at + 96, message, sizeof message);
    BEGIN();
    bench_ed25519Begin(at, at + 32);
    bench_ed25519Update(at + 96, sizeof message);
    result = bench_ed25519Finish();
    END();
}
#elif WHAT == 4
static void measured(void) {
    u32 at = bench_area();
    memcpy(memory + at, p256_key, 64);
    memcpy(memory + at + 64, p256_signature, 64);
    memcpy(memory + at + 128, p256_digest, 32);
    BEGIN();
    result = bench_p256Verify(at, at + 128, at + 64);
    END();
}
#else
static void measured(void) {
    memcpy(memory + bench_area(), message, sizeof message);
    memset(memory, 0, 4);
    result = 1;
}
#endif

/* Bytes of stack below the caller's: painted, then looked for. */
static uint32_t stack_of(void (*run)(void)) {
    uint32_t *top;
    __asm volatile("mov %0, sp" : "=r"(top));
    for (uint32_t *word = bss_end; word < top - 16; word++) *word = 0xC0DEC0DE;
    run();
    uint32_t *word = bss_end;
    while (*word == 0xC0DEC0DE) word++;
    return (uint32_t)((char *)top - (char *)word);
}

__attribute__((noreturn)) void reset(void) {
    memset(bss_start, 0, (size_t)((char *)bss_end - (char *)bss_start));
    bench_reset();
    uint32_t stack = stack_of(measured);
    say("result ");
    number(result);
    say(" stack ");
    number(stack);
    say(" memory ");
    number(MEMORY_BYTES);
    say("\n");
    stop();
}

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {
    stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault};
