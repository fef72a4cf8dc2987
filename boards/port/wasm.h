/* What a translated module (translate.ts) needs of C: its types, its memory and WebAssembly's operations.
 *
 * Included by the generated file alone, after MEMORY_BYTES, TABLES_BYTES, `tables` and memory_window(). The linear memory is
 * one static array of exactly the bytes that the module changes; every access is checked against that size and traps
 * beyond it, as the standard wants. The module's constant tables follow in its addresses, but lie in flash: a load
 * whose constant offset points into them, and memory.copy, read them there. Whatever else touches them traps.
 * Accesses are aligned: the module's sources never read a wide number from an odd address (Cortex-M0 would fault). 64 bits
 * stand at a multiple of 4, no more: the compiler makes such stores of memory.fill on records that begin there.
 * Little-endian machines only. WASM_TRAP() must not return; on Cortex-M and RISC-V the default is one undefined
 * instruction, whose address the fault handler then finds on the stack.
 */
#ifndef COUNTERSIGN_WASM_H
#define COUNTERSIGN_WASM_H
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "a translated module needs a little-endian machine"
#endif

#ifndef WASM_TRAP
#define WASM_TRAP() __builtin_trap()
#endif

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;

static u8 memory[MEMORY_BYTES] __attribute__((aligned(8)));

/* The address of length bytes at `at`, or a trap. */
static inline u8 *memory_at(u32 at, u32 length) {
    if (__builtin_expect(length > MEMORY_BYTES || at > MEMORY_BYTES - length, 0)) WASM_TRAP();
    return memory + at;
}

/* A pointer that the compiler does not take apart. ARMv6-M reaches 124 bytes beyond a register, and a static address only
 * by a literal of its own: without this, GCC folds every offset into a literal, behind it one serves all neighbours. Which
 * are neighbours says memory_window() of the generated file. */
#ifdef __ARM_ARCH_6M__
#define WHOLE(pointer) __asm("" : "+r"(pointer))
#else
#define WHOLE(pointer)
#define memory_window(at) (at)
#endif

/* Where an address that is not known when compiling lies. With WASM_BASE, a register that nothing else uses (-ffixed-...)
 * holds that of the memory: ARMv6-M adds it in one instruction of two bytes, where a literal takes eight. The program puts
 * it there by memory_begin(), before it calls a function that uses the module, and that it keeps from being inlined. */
#ifdef WASM_BASE
#define WASM_TEXT(word) #word
#define WASM_NAME(word) WASM_TEXT(word)
static inline void memory_begin(void) {
    __asm volatile("mov " WASM_NAME(WASM_BASE) ", %0" : : "r"(memory));
}
/* The same for a call from a program that uses the register itself, which gets it back. */
static inline u32 memory_enter(void) {
    u32 kept;
    __asm volatile("mov %0, " WASM_NAME(WASM_BASE) : "=r"(kept));
    memory_begin();
    return kept;
}
static inline void memory_leave(u32 kept) {
    __asm volatile("mov " WASM_NAME(WASM_BASE) ", %0" : : "r"(kept) : "memory");
}
static inline __attribute__((always_inline)) u8 *memory_from(u32 address) {
    __asm inline("add %0, " WASM_NAME(WASM_BASE) : "+l"(address));
    return (u8 *)address;
}
enum { BASE_IN_REGISTER = 1 };
#else
static inline void memory_begin(void) {}
static inline u32 memory_enter(void) { return 0; }
static inline void memory_leave(u32 kept) { (void)kept; }
#define memory_from(address) (memory + (address))
enum { BASE_IN_REGISTER = 0 };
#endif

/* One access of `bytes` at address + offset. Offset and bytes are constants at every use, so this is one comparison,
 * and none when the address is a constant too. The sum cannot wrap: it is never formed before the check. */
static inline __attribute__((always_inline)) void *memory_access(u32 address, u32 offset, u32 bytes) {
    if (offset > MEMORY_BYTES - bytes || __builtin_expect(address > MEMORY_BYTES - bytes - offset, 0)) WASM_TRAP();
    if (__builtin_constant_p(address)) {
        offset += address;
        address = memory_window(offset);
        offset -= address;
    } else if (BASE_IN_REGISTER || offset == 0) {
        return memory_from(address) + offset;
    }
    u8 *base = memory + address;
    WHOLE(base);
    return base + offset;
}

/* The same for a load, whose offset, or whole address if that is a constant, may point into the tables. */
static inline __attribute__((always_inline)) const void *memory_read(u32 address, u32 offset, u32 bytes) {
    if (__builtin_constant_p(address) && address >= MEMORY_BYTES && offset == 0) {
        offset = address;
        address = 0;
    }
    if (offset < MEMORY_BYTES) return memory_access(address, offset, bytes);
    if (TABLES_BYTES < bytes || offset - MEMORY_BYTES > TABLES_BYTES - bytes ||
        __builtin_expect(address > TABLES_BYTES - bytes - (offset - MEMORY_BYTES), 0))
        WASM_TRAP();
    return tables + (offset - MEMORY_BYTES) + address;
}

#define WASM_CELL(stored) typedef stored __attribute__((may_alias, aligned(sizeof(stored) < 4 ? sizeof(stored) : 4))) cell

#define WASM_LOAD(name, stored, widened, result)                                                       \
    static inline __attribute__((always_inline)) result name(u32 address, u32 offset) {                \
        WASM_CELL(stored);                                                                             \
        return (result)(widened) * (const cell *)memory_read(address, offset, sizeof(cell));           \
    }
#define WASM_STORE(name, stored, value_type)                                                           \
    static inline __attribute__((always_inline)) void name(u32 address, u32 offset, value_type value) { \
        WASM_CELL(stored);                                                                             \
        *(cell *)memory_access(address, offset, sizeof(cell)) = (stored)value;                         \
    }
WASM_LOAD(i32_load, u32, u32, u32)
WASM_LOAD(i32_load8_u, u8, u32, u32)
WASM_LOAD(i32_load8_s, s8, s32, u32)
WASM_LOAD(i32_load16_u, u16, u32, u32)
WASM_LOAD(i32_load16_s, s16, s32, u32)
WASM_LOAD(i64_load, u64, u64, u64)
WASM_LOAD(i64_load8_u, u8, u64, u64)
WASM_LOAD(i64_load8_s, s8, s64, u64)
WASM_LOAD(i64_load16_u, u16, u64, u64)
WASM_LOAD(i64_load16_s, s16, s64, u64)
WASM_LOAD(i64_load32_u, u32, u64, u64)
WASM_LOAD(i64_load32_s, s32, s64, u64)
WASM_STORE(i32_store, u32, u32)
WASM_STORE(i32_store8, u8, u32)
WASM_STORE(i32_store16, u16, u32)
WASM_STORE(i64_store, u64, u64)
WASM_STORE(i64_store8, u8, u64)
WASM_STORE(i64_store16, u16, u64)
WASM_STORE(i64_store32, u32, u64)

static inline void memory_copy(u32 to, u32 from, u32 length) {
    u32 table = from - MEMORY_BYTES;
    int is_table = from >= MEMORY_BYTES && length && length <= TABLES_BYTES && table <= TABLES_BYTES - length;
    memmove(memory_at(to, length), is_table ? tables + table : memory_at(from, length), length);
}
static inline void memory_fill(u32 to, u32 value, u32 length) {
    memset(memory_at(to, length), (int)value, length);
}

static inline u32 I32_ROTL(u32 x, u32 n) { return x << (n & 31) | x >> (-n & 31); }
static inline u32 I32_ROTR(u32 x, u32 n) { return x >> (n & 31) | x << (-n & 31); }
static inline u64 I64_ROTL(u64 x, u64 n) { return x << (n & 63) | x >> (-n & 63); }
static inline u64 I64_ROTR(u64 x, u64 n) { return x >> (n & 63) | x << (-n & 63); }
static inline u32 I32_CLZ(u32 x) { return x ? (u32)__builtin_clz(x) : 32; }
#ifdef __ARM_ARCH_6M__ /* one routine of libgcc's, which counts from above, serves both */
static inline u32 I32_CTZ(u32 x) { return x ? 31 - (u32)__builtin_clz(x & -x) : 32; }
#else
static inline u32 I32_CTZ(u32 x) { return x ? (u32)__builtin_ctz(x) : 32; }
#endif
static inline u32 I32_POPCNT(u32 x) { return (u32)__builtin_popcount(x); }
static inline u64 I64_POPCNT(u64 x) { return (u64)__builtin_popcountll(x); }
static inline u64 I64_CLZ(u64 x) { return x ? (u64)__builtin_clzll(x) : 64; }
static inline u64 I64_CTZ(u64 x) { return x ? (u64)__builtin_ctzll(x) : 64; }

#define UNREACHABLE WASM_TRAP()
#define WASM_NOT_ZERO(y) ((void)(__builtin_expect((y) == 0, 0) ? (WASM_TRAP(), 0) : 0))
#define DIV_U(x, y) (WASM_NOT_ZERO(y), (x) / (y))
#define REM_U(x, y) (WASM_NOT_ZERO(y), (x) % (y))
#define WASM_SIGNED_DIVISION(bits)                                                \
    static inline u##bits I##bits##_DIV_S(u##bits x, u##bits y) {                 \
        if (y == 0 || (x == (u##bits)1 << (bits - 1) && !(u##bits)~y)) WASM_TRAP(); \
        return (u##bits)((s##bits)x / (s##bits)y);                                \
    }                                                                             \
    static inline u##bits I##bits##_REM_S(u##bits x, u##bits y) {                 \
        if (y == 0) WASM_TRAP();                                                  \
        return !(u##bits)~y ? 0 : (u##bits)((s##bits)x % (s##bits)y);             \
    }
WASM_SIGNED_DIVISION(32)
WASM_SIGNED_DIVISION(64)
#endif
