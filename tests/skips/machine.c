/* A Cortex-M0 that leaves out one instruction: an interpreter of ARMv6-M, run over a program once for each instruction.
 *
 *   machine ELF ENTRY REGION END SCENARIO RESULT NUMBER every|first|none     addresses in hex; NUMBER of the scenario
 *
 * Runs ENTRY to its end with the word at SCENARIO set to NUMBER. From the first call of the function from REGION to END until
 * it returns, each executed instruction outside of that function itself is left out once (every: each execution; first: the first
 * and the last execution of each address; none: nothing, which is the program as it is); what then
 * stands in the four words at RESULT is told: one line `ADDRESS STEP a b c d` for each run whose words differ from those of
 * the undisturbed one, `reference a b c d`, and at the end `steps N skips N faults N hangs N`.
 *
 * A fault (undefined instruction, access outside of memory or not aligned) ends a run, as it resets a device; so does a
 * program that takes HANG times as long. No interrupts, no devices: the program only computes.
 * Held against QEMU by the test: the same program gives the same words there.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

enum { FLASH_BYTES = 1 << 17, RAM = 0x20000000, RAM_BYTES = 1 << 15, STACK = RAM + RAM_BYTES, END = 0xfffffffe, HANG = 3 };
enum { STEPS_MAX = 200 * 1000 * 1000 };

static u8 flash[FLASH_BYTES];

struct machine {
    u32 r[16]; /* 15: address of the next instruction */
    u32 n, z, c, v;
    int fault;
    u8 ram[RAM_BYTES];
};

static void *place(struct machine *m, u32 at, u32 bytes, int writing) {
    static u32 nowhere;
    if (at % bytes == 0) {
        if (at >= RAM && at - RAM < RAM_BYTES) return m->ram + (at - RAM);
        if (at < FLASH_BYTES && !writing) return flash + at;
    }
    m->fault = 1;
    nowhere = 0;
    return &nowhere;
}
static u32 load(struct machine *m, u32 at, u32 bytes) {
    void *from = place(m, at, bytes, 0);
    return bytes == 4 ? *(u32 *)from : bytes == 2 ? *(u16 *)from : *(u8 *)from;
}
static void store(struct machine *m, u32 at, u32 bytes, u32 value) {
    void *to = place(m, at, bytes, 1);
    if (bytes == 4) *(u32 *)to = value;
    else if (bytes == 2) *(u16 *)to = (u16)value;
    else *(u8 *)to = (u8)value;
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
    if (!(to & 1) && to != END) m->fault = 1; /* no ARM state here */
    m->r[15] = to & ~1u;
}

static u32 width(u32 half) { return half >= 0xe800 ? 4 : 2; }
static u32 code_at(struct machine *m, u32 at) {
    if (at & 1 || at > FLASH_BYTES - 4) {
        m->fault = 1;
        return 0xde00;
    }
    return *(u16 *)(flash + at);
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
        else m->fault = 1;
        break;
    case 15: break; /* hints */
    default: m->fault = 1;
    }
}

static void step(struct machine *m) {
    u32 pc = m->r[15], i = code_at(m, pc), d = i & 7, s = i >> 3 & 7, wide = i >> 6 & 31, h = i >> 8 & 7;
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
        if ((i >> 8 & 15) >= 14) m->fault = 1; /* UDF, SVC */
        else if (holds(m, i >> 8 & 15)) m->r[15] = pc + 4 + (u32)((int8_t)(i & 0xff) * 2);
        break;
    case 28: m->r[15] = pc + 4 + ((i & 0x7ff) << 1 | (i & 0x400 ? 0xfffff000 : 0)); break;
    case 30: {
        u32 low = code_at(m, pc + 2);
        if ((low & 0xd000) != 0xd000) { /* barriers and MRS, MSR: nothing here uses them */
            m->fault = 1;
            break;
        }
        u32 sign = i >> 10 & 1, i1 = !((low >> 13 & 1) ^ sign), i2 = !((low >> 11 & 1) ^ sign);
        u32 to = (i & 0x3ff) << 12 | (low & 0x7ff) << 1 | i1 << 23 | i2 << 22 | (sign ? 0xff000000 : 0);
        m->r[14] = (pc + 4) | 1;
        m->r[15] = pc + 4 + to;
        break;
    }
    default: m->fault = 1;
    }
}

static void load_elf(struct machine *m, const char *name) {
    FILE *file = fopen(name, "rb");
    static u8 bytes[1 << 22];
    if (!file || fread(bytes, 1, sizeof bytes, file) < 52 || memcmp(bytes, "\177ELF\1\1", 6)) exit(2);
    fclose(file);
    u32 at = *(u32 *)(bytes + 28), size = *(u16 *)(bytes + 42), count = *(u16 *)(bytes + 44);
    for (u32 i = 0; i < count; i++, at += size) {
        const u32 *header = (const u32 *)(bytes + at); /* type, offset, vaddr, paddr, filesz, memsz */
        if (header[0] != 1) continue;
        u8 *to = header[2] >= RAM ? m->ram + (header[2] - RAM) : flash + header[2];
        memcpy(to, bytes + header[1], header[4]);
    }
}

static u32 hex(const char *text) { return (u32)strtoul(text, NULL, 16); }

int main(int argc, char **argv) {
    static struct machine m, trial;
    if (argc != 9) return 2;
    u32 entry = hex(argv[2]), own = hex(argv[3]), own_end = hex(argv[4]), scenario = hex(argv[5]), result = hex(argv[6]);
    load_elf(&m, argv[1]);
    store(&m, scenario, 4, (u32)strtoul(argv[7], NULL, 10));
    int every = !strcmp(argv[8], "every"), none = !strcmp(argv[8], "none");
    m.r[13] = STACK;
    m.r[14] = END | 1;
    m.r[15] = entry & ~1u;
    u32 steps = 0;
    for (; m.r[15] != own && !m.fault && steps < STEPS_MAX; steps++) step(&m);
    if (m.fault || steps == STEPS_MAX) return 3;
    u32 back = m.r[14] & ~1u;
    /* The reference: how many steps, which address at each, and what comes out. */
    trial = m;
    u32 *trace = malloc(sizeof *trace * STEPS_MAX), n = 0;
    static u32 last[FLASH_BYTES / 2];
    for (; trial.r[15] != back && !trial.fault && n < STEPS_MAX; n++) {
        trace[n] = trial.r[15];
        last[trial.r[15] / 2] = n + 1;
        step(&trial);
    }
    u32 rest = 0;
    for (; trial.r[15] != END && !trial.fault && rest < STEPS_MAX; rest++) step(&trial);
    if (trial.fault) return 4;
    u32 expected[4];
    for (u32 i = 0; i < 4; i++) expected[i] = load(&trial, result + 4 * i, 4);
    printf("reference %u %u %u %u\n", expected[0], expected[1], expected[2], expected[3]);
    static u8 seen[FLASH_BYTES / 2];
    u32 skips = 0, faults = 0, hangs = 0;
    for (u32 k = 0; k < n && !none; k++) {
        u32 pc = trace[k];
        int inside = pc >= own && pc < own_end;
        int chosen = every || !seen[pc / 2] || last[pc / 2] == k + 1;
        seen[pc / 2] = 1;
        if (!inside && chosen) {
            trial = m;
            trial.r[15] = pc + width(code_at(&m, pc));
            u32 limit = HANG * (n + rest) + 10000, took = 0;
            for (; trial.r[15] != END && !trial.fault && took < limit; took++) step(&trial);
            skips++;
            if (trial.fault) faults++;
            else if (took == limit) hangs++;
            else {
                u32 got[4];
                for (u32 i = 0; i < 4; i++) got[i] = load(&trial, result + 4 * i, 4);
                if (memcmp(got, expected, sizeof got)) printf("%x %u %u %u %u %u\n", pc, k, got[0], got[1], got[2], got[3]);
            }
        }
        step(&m);
    }
    printf("steps %u skips %u faults %u hangs %u\n", n, skips, faults, hangs);
    return 0;
}
