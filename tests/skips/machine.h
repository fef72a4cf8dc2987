/* An interpreter of ARMv6-M, with the memory of a micro:bit (nRF51822) and of its devices the flash controller and the reset.
 *
 * Whoever includes it steps it. What stops a step stands in `stop`: FAULT (undefined instruction, access outside of memory or not
 * aligned, a store to flash that the controller was not told of), RESET (asked of the system control block), BREAK + n
 * (undefined instruction number n: what the includer put in place of one), IN_PAGES (an instruction came from the writable
 * pages, which are all flash that programs change: that is no fault). No interrupts. QEMU is the other reading of the same
 * manual: the tests hold the two against each other.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

enum { FLASH_BYTES = 1 << 18, RAM = 0x20000000, RAM_BYTES = 1 << 15, END = 0xfffffffe };
enum { PAGES = 0x10000, PAGES_BYTES = 0x7400, PAGE_BYTES = 1024 };
enum { FAULT = 1, RESET = 2, IN_PAGES = 4, BREAK = 8, BREAK_MASK = 0xff * BREAK };
enum { NVMC_READY = 0x4001e400, NVMC_CONFIG = 0x4001e504, NVMC_ERASEPAGE = 0x4001e508, NVMC_WRITE = 1, NVMC_ERASE = 2 };
#define SCB_AIRCR 0xe000ed0cu
#define SCB_SYSRESETREQ 0x05fa0004u
#define NVIC 0xe000e100u

static u8 flash[FLASH_BYTES]; /* but for the writable pages */

struct machine {
    u32 r[16]; /* 15: address of the next instruction */
    u32 n, z, c, v;
    u32 stop;
    u32 nvmc; /* what the flash controller may do */
    u8 ram[RAM_BYTES];
    u8 pages[PAGES_BYTES];
};

#ifndef WATCH
#define WATCH(m, at, bytes, writing)
#endif

static void device(struct machine *m, u32 at, u32 *value, int writing) {
    if (!writing) *value = at == NVMC_READY;
    else if (at == NVMC_CONFIG) m->nvmc = *value;
    else if (at == SCB_AIRCR && *value == SCB_SYSRESETREQ) m->stop |= RESET;
    else if (at == NVMC_ERASEPAGE && m->nvmc == NVMC_ERASE && *value - PAGES < PAGES_BYTES) {
        u32 page = (*value - PAGES) / PAGE_BYTES * PAGE_BYTES;
        WATCH(m, PAGES + page, PAGE_BYTES, 1);
        memset(m->pages + page, 0xff, PAGE_BYTES);
    } else if (at - NVIC >= 0x200) m->stop |= FAULT;
}

/* 0: there is no such memory. */
static u8 *place(struct machine *m, u32 at, u32 bytes) {
    if (at % bytes) return NULL;
    if (at - RAM < RAM_BYTES) return m->ram + (at - RAM);
    if (at - PAGES < PAGES_BYTES) return m->pages + (at - PAGES);
    return at < FLASH_BYTES ? flash + at : NULL;
}
static u32 load(struct machine *m, u32 at, u32 bytes) {
    const u8 *from = place(m, at, bytes);
    u32 value = 0;
    WATCH(m, at, bytes, 0);
    if (from) return bytes == 4 ? *(const u32 *)(const void *)from : bytes == 2 ? *(const u16 *)(const void *)from : *from;
    if (at >= 0x40000000 && bytes == 4) device(m, at, &value, 0);
    else m->stop |= FAULT;
    return value;
}
static void store(struct machine *m, u32 at, u32 bytes, u32 value) {
    if (at - RAM < RAM_BYTES && at % bytes == 0) {
        u8 *to = m->ram + (at - RAM);
        WATCH(m, at, bytes, 1);
        if (bytes == 4) *(u32 *)(void *)to = value;
        else if (bytes == 2) *(u16 *)(void *)to = (u16)value;
        else *to = (u8)value;
    } else if (at - PAGES < PAGES_BYTES && at % 4 == 0 && bytes == 4 && m->nvmc == NVMC_WRITE) {
        WATCH(m, at, bytes, 0); /* bits only fall: what stood there counts */
        *(u32 *)(void *)(m->pages + (at - PAGES)) &= value;
    } else if (at >= 0x40000000 && bytes == 4 && at % 4 == 0) device(m, at, &value, 1);
    else m->stop |= FAULT;
}

static u32 nz(struct machine *m, u32 value) {
    m->n = value >> 31;
    m->z = value == 0;
    return value;
}
static u32 add(struct machine *m, u32 x, u32 y, u32 carry) {
    uint64_t sum = (uint64_t)x + y + carry;
    u32 result = (u32)sum;
    m->c = (u32)(sum >> 32);
    m->v = (~(x ^ y) & (x ^ result)) >> 31;
    return nz(m, result);
}
static u32 subtract(struct machine *m, u32 x, u32 y) { return add(m, x, ~y, 1); }

/* kind 0 LSL, 1 LSR, 2 ASR, 3 ROR, by 0..255 */
static u32 shifted(struct machine *m, u32 kind, u32 value, u32 by) {
    if (by == 0) return nz(m, value);
    if (kind == 3) {
        value = by & 31 ? value >> (by & 31) | value << (32 - (by & 31)) : value;
        m->c = value >> 31;
    } else if (kind == 0) {
        m->c = by <= 32 ? value >> (32 - by) & 1 : 0;
        value = by < 32 ? value << by : 0;
    } else if (kind == 1) {
        m->c = by <= 32 ? value >> (by - 1) & 1 : 0;
        value = by < 32 ? value >> by : 0;
    } else {
        u32 sign = value >> 31 ? ~0u : 0;
        m->c = by < 32 ? value >> (by - 1) & 1 : sign & 1;
        value = by < 32 ? value >> by | (by ? sign << (32 - by) : 0) : sign;
    }
    return nz(m, value);
}

static int holds(const struct machine *m, u32 condition) {
    int is;
    switch (condition >> 1) {
    case 0: is = m->z; break;
    case 1: is = m->c; break;
    case 2: is = m->n; break;
    case 3: is = m->v; break;
    case 4: is = m->c && !m->z; break;
    case 5: is = m->n == m->v; break;
    default: is = !m->z && m->n == m->v;
    }
    return is != (int)(condition & 1);
}

static void jump(struct machine *m, u32 to) {
    if (!(to & 1) && to != END) m->stop |= FAULT; /* no ARM state here */
    m->r[15] = to & ~1u;
}

static u32 width(u32 half) { return half >= 0xe800 ? 4 : 2; }
/* The half-word to execute at `at`. Code in the writable pages is an image's, and told of. */
static u32 code_at(struct machine *m, u32 at) {
    if (!(at & 1)) {
        if (at - PAGES < PAGES_BYTES) {
            m->stop |= IN_PAGES;
            return m->pages[at - PAGES] | m->pages[at - PAGES + 1] << 8;
        }
        if (at <= FLASH_BYTES - 4) return *(u16 *)(flash + at);
    }
    m->stop |= FAULT;
    return 0xde00;
}

static void data_processing(struct machine *m, u32 op, u32 *d, u32 s) {
    switch (op) {
    case 0: *d = nz(m, *d & s); break;
    case 1: *d = nz(m, *d ^ s); break;
    case 2: *d = shifted(m, 0, *d, s & 0xff); break;
    case 3: *d = shifted(m, 1, *d, s & 0xff); break;
    case 4: *d = shifted(m, 2, *d, s & 0xff); break;
    case 5: *d = add(m, *d, s, m->c); break;
    case 6: *d = add(m, *d, ~s, m->c); break;
    case 7: *d = shifted(m, 3, *d, s & 0xff); break;
    case 8: nz(m, *d & s); break;
    case 9: *d = subtract(m, 0, s); break;
    case 10: subtract(m, *d, s); break;
    case 11: add(m, *d, s, 0); break;
    case 12: *d = nz(m, *d | s); break;
    case 13: *d = nz(m, *d * s); break;
    case 14: *d = nz(m, *d & ~s); break;
    default: *d = nz(m, ~s);
    }
}

static void multiple(struct machine *m, u32 base, u32 list, int loads) {
    u32 at = m->r[base];
    for (u32 i = 0; i < 8; i++) {
        if (!(list >> i & 1)) continue;
        if (loads) m->r[i] = load(m, at, 4);
        else store(m, at, 4, m->r[i]);
        at += 4;
    }
    if (!loads || !(list >> base & 1)) m->r[base] = at;
}

static void miscellaneous(struct machine *m, u32 i) {
    u32 d = i & 7, s = i >> 3 & 7;
    switch (i >> 8 & 15) {
    case 0: m->r[13] += i & 0x80 ? -((i & 0x7f) << 2) : (i & 0x7f) << 2; break;
    case 2:
        switch (i >> 6 & 3) {
        case 0: m->r[d] = (u32)(int16_t)m->r[s]; break;
        case 1: m->r[d] = (u32)(int8_t)m->r[s]; break;
        case 2: m->r[d] = (u16)m->r[s]; break;
        default: m->r[d] = (u8)m->r[s];
        }
        break;
    case 4: case 5: { /* PUSH */
        u32 list = i & 0xff, at = m->r[13] - 4 * (u32)(__builtin_popcount(list) + (i >> 8 & 1));
        m->r[13] = at;
        for (u32 k = 0; k < 8; k++)
            if (list >> k & 1) store(m, at, 4, m->r[k]), at += 4;
        if (i >> 8 & 1) store(m, at, 4, m->r[14]);
        break;
    }
    case 12: case 13: { /* POP */
        u32 at = m->r[13];
        for (u32 k = 0; k < 8; k++)
            if (i >> k & 1) m->r[k] = load(m, at, 4), at += 4;
        if (i >> 8 & 1) jump(m, load(m, at, 4)), at += 4;
        m->r[13] = at;
        break;
    }
    case 10:
        if ((i >> 6 & 3) == 0) m->r[d] = __builtin_bswap32(m->r[s]);
        else if ((i >> 6 & 3) == 1) m->r[d] = (m->r[s] & 0xff00ff) << 8 | (m->r[s] >> 8 & 0xff00ff);
        else if ((i >> 6 & 3) == 3) m->r[d] = (u32)(int16_t)__builtin_bswap16((u16)m->r[s]);
        else m->stop |= FAULT;
        break;
    case 15: break; /* hints */
    default: m->stop |= FAULT;
    }
}

/* Barriers, and what start-up code does with the stack pointer and the number of the exception: no other has one here. */
static void special(struct machine *m, u32 i, u32 low) {
    if (i >> 4 == 0xf38 && low == 0x8808) m->r[13] = m->r[i & 15];
    else if (i == 0xf3ef && (low & 0xf0ff) == 0x8008) m->r[low >> 8 & 15] = m->r[13];
    else if (i != 0xf3bf) m->stop |= FAULT;
}

/* One instruction, `i`, as if it stood at r15. */
static void execute(struct machine *m, u32 i) {
    u32 pc = m->r[15], d = i & 7, s = i >> 3 & 7, wide = i >> 6 & 31, h = i >> 8 & 7;
    m->r[15] = pc + width(i);
    switch (i >> 11) {
    case 0: case 1: case 2: m->r[d] = shifted(m, i >> 11, m->r[s], wide == 0 && i >> 11 ? 32 : wide); break;
    case 3: {
        u32 by = i & 0x400 ? i >> 6 & 7 : m->r[i >> 6 & 7];
        m->r[d] = i & 0x200 ? subtract(m, m->r[s], by) : add(m, m->r[s], by, 0);
        break;
    }
    case 4: m->r[h] = nz(m, i & 0xff); break;
    case 5: subtract(m, m->r[h], i & 0xff); break;
    case 6: m->r[h] = add(m, m->r[h], i & 0xff, 0); break;
    case 7: m->r[h] = subtract(m, m->r[h], i & 0xff); break;
    case 8:
        if (!(i & 0x400)) data_processing(m, i >> 6 & 15, &m->r[d], m->r[s]);
        else {
            u32 to = d | (i >> 4 & 8), from = i >> 3 & 15, value = from == 15 ? pc + 4 : m->r[from];
            switch (i >> 8 & 3) {
            case 0:
                if (to == 15) m->r[15] = (pc + 4 + value) & ~1u;
                else m->r[to] += value;
                break;
            case 1: subtract(m, m->r[to], value); break;
            case 2:
                if (to == 15) m->r[15] = value & ~1u;
                else m->r[to] = value;
                break;
            default:
                if (i & 0x80) m->r[14] = m->r[15] | 1;
                jump(m, value);
            }
        }
        break;
    case 9: m->r[h] = load(m, ((pc + 4) & ~3u) + ((i & 0xff) << 2), 4); break;
    case 10: case 11: {
        u32 at = m->r[s] + m->r[i >> 6 & 7];
        switch (i >> 9 & 7) {
        case 0: store(m, at, 4, m->r[d]); break;
        case 1: store(m, at, 2, m->r[d]); break;
        case 2: store(m, at, 1, m->r[d]); break;
        case 3: m->r[d] = (u32)(int8_t)load(m, at, 1); break;
        case 4: m->r[d] = load(m, at, 4); break;
        case 5: m->r[d] = load(m, at, 2); break;
        case 6: m->r[d] = load(m, at, 1); break;
        default: m->r[d] = (u32)(int16_t)load(m, at, 2);
        }
        break;
    }
    case 12: store(m, m->r[s] + (wide << 2), 4, m->r[d]); break;
    case 13: m->r[d] = load(m, m->r[s] + (wide << 2), 4); break;
    case 14: store(m, m->r[s] + wide, 1, m->r[d]); break;
    case 15: m->r[d] = load(m, m->r[s] + wide, 1); break;
    case 16: store(m, m->r[s] + (wide << 1), 2, m->r[d]); break;
    case 17: m->r[d] = load(m, m->r[s] + (wide << 1), 2); break;
    case 18: store(m, m->r[13] + ((i & 0xff) << 2), 4, m->r[h]); break;
    case 19: m->r[h] = load(m, m->r[13] + ((i & 0xff) << 2), 4); break;
    case 20: m->r[h] = ((pc + 4) & ~3u) + ((i & 0xff) << 2); break;
    case 21: m->r[h] = m->r[13] + ((i & 0xff) << 2); break;
    case 22: case 23: miscellaneous(m, i); break;
    case 24: multiple(m, h, i & 0xff, 0); break;
    case 25: multiple(m, h, i & 0xff, 1); break;
    case 26: case 27:
        if ((i >> 8 & 15) >= 14) m->stop |= (i >> 8) == 0xde && i & 0xff ? (i & 0xff) * BREAK : FAULT; /* UDF, SVC */
        else if (holds(m, i >> 8 & 15)) m->r[15] = pc + 4 + (u32)((int8_t)(i & 0xff) * 2);
        break;
    case 28: m->r[15] = pc + 4 + ((i & 0x7ff) << 1 | (i & 0x400 ? 0xfffff000 : 0)); break;
    case 30: {
        u32 low = code_at(m, pc + 2);
        if ((low & 0xd000) != 0xd000) {
            special(m, i, low);
            break;
        }
        u32 sign = i >> 10 & 1, i1 = !((low >> 13 & 1) ^ sign), i2 = !((low >> 11 & 1) ^ sign);
        u32 to = (i & 0x3ff) << 12 | (low & 0x7ff) << 1 | i1 << 23 | i2 << 22 | (sign ? 0xff000000 : 0);
        m->r[14] = (pc + 4) | 1;
        m->r[15] = pc + 4 + to;
        break;
    }
    default: m->stop |= FAULT;
    }
}

static void step(struct machine *m) { execute(m, code_at(m, m->r[15])); }

static void load_elf(struct machine *m, const char *name) {
    FILE *file = fopen(name, "rb");
    static u8 bytes[1 << 22];
    if (!file || fread(bytes, 1, sizeof bytes, file) < 52 || memcmp(bytes, "\177ELF\1\1", 6)) exit(2);
    fclose(file);
    u32 at = *(u32 *)(bytes + 28), size = *(u16 *)(bytes + 42), count = *(u16 *)(bytes + 44);
    for (u32 i = 0; i < count; i++, at += size) {
        const u32 *header = (const u32 *)(bytes + at); /* type, offset, vaddr, paddr, filesz, memsz */
        if (header[0] != 1) continue;
        u8 *to = header[3] >= RAM ? m->ram + (header[3] - RAM) : flash + header[3];
        memcpy(to, bytes + header[1], header[4]);
    }
}

