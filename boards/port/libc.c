/* The little that a translated module and its compiler want of the C library, small rather than fast: newlib's and
 * libgcc's own take a kilobyte of a Cortex-M0's flash. What is long and hot, an aligned copy, goes by words.
 *
 * Linked before the library, so these are taken in its place. Division by 0 does not come here: wasm.h traps before.
 */
#include <stddef.h>
#include <stdint.h>

/* GCC would see what the loops do, and call the function that they are in. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")

typedef uint32_t word __attribute__((may_alias));

void *memmove(void *to, const void *from, size_t bytes) {
    uint8_t *t = to;
    const uint8_t *f = from;
    if ((uintptr_t)t - (uintptr_t)f < bytes) { /* the end of `from` lies where the first bytes go */
        while (bytes--) t[bytes] = f[bytes];
    } else if ((((uintptr_t)t | (uintptr_t)f | bytes) & 3) == 0) {
        for (size_t i = 0; i < bytes; i += 4) *(word *)(void *)(t + i) = *(const word *)(const void *)(f + i);
    } else {
        for (size_t i = 0; i < bytes; i++) t[i] = f[i];
    }
    return to;
}

void *memcpy(void *to, const void *from, size_t bytes) __attribute__((alias("memmove")));

void *memset(void *to, int value, size_t bytes) {
    uint8_t *t = to;
    while (bytes--) t[bytes] = (uint8_t)value;
    return to;
}

int memcmp(const void *one, const void *other, size_t bytes) {
    const uint8_t *a = one, *b = other;
    for (size_t i = 0; i < bytes; i++)
        if (a[i] != b[i]) return a[i] - b[i];
    return 0;
}

size_t strlen(const char *text) {
    size_t length = 0;
    while (text[length]) length++;
    return length;
}

#ifdef __ARM_ARCH_6M__
/* Bit by bit. The quotient in r0 and the remainder in r1 are one return value of 64 bits (Run-time ABI for the Arm
 * Architecture, section 5.3.1). */
uint64_t __aeabi_uidivmod(uint32_t dividend, uint32_t divisor) {
    uint32_t quotient = 0, bit = 1;
    while (divisor < dividend && !(divisor >> 31)) {
        divisor <<= 1;
        bit <<= 1;
    }
    for (; bit; bit >>= 1, divisor >>= 1) {
        if (dividend < divisor) continue;
        dividend -= divisor;
        quotient |= bit;
    }
    return (uint64_t)dividend << 32 | quotient;
}

uint64_t __aeabi_uidiv(uint32_t dividend, uint32_t divisor) __attribute__((alias("__aeabi_uidivmod")));
uint64_t __udivsi3(uint32_t dividend, uint32_t divisor) __attribute__((alias("__aeabi_uidivmod")));
#endif
