/* Leaves out one instruction of the whole agent: runs its conversation (device.c) once for each instruction of it.
 *
 *   path ELF SYMBOLS SCENARIO IMAGE BYTES every|first|find|none SHARD SHARDS
 *
 * SYMBOLS: addresses in hex, with commas: hal_link_read, hal_flash_read, marked, finished, sha256_block, world, then pairs
 * from, to of what is not left out (the board around the agent). IMAGE: address in flash of what may run, of BYTES. From the call
 * of `marked` to that of `finished` each executed instruction is left out once (every: each execution; first: the first and the
 * last execution of each address; find: the same, up to the first that installs; none), of these every SHARDS-th. A run has
 * INSTALLED if anything is executed in a slot while the primary slot does not hold IMAGE, over all the resets that its
 * conversation goes on for; LIES if the primary slot holds something else at the end.
 *
 *   `ADDRESS STEP installed|lies TURNS` for each of these, TURNS after the skip; `reference TURN SAID FLASH` (sums) at the end
 *   of the undisturbed run, and `steps N skips N installed N lies N faults N hangs N`
 *
 * A fault goes to the agent's own handler, which resets; a second one in it, and a program that does not come to its next turn
 * in HANG times the longest of the reference, is reset from outside. After it the conversation goes on. A run whose conversation is
 * lost (its record in RAM was written over) and takes more than TURNS times the reference's turns ends as it is.
 *
 * Most runs are not followed to their end. One that stands, at a turn or at a read of flash, where the undisturbed one stood, but for
 * bytes that this one never reads again before it writes them, goes on in the same way; one that comes to a turn or a reset in
 * exactly the state of an earlier run ends as that did.
 */
static int watching;
static void watch(unsigned at, unsigned bytes, int writing);
#define WATCH(m, at, bytes, writing)                  \
    do {                                              \
        if (watching) watch(at, bytes, writing);      \
    } while (0)
#include "machine.h"
#include "hash.c"

enum { TURN = 1, READ, MARK, FINISH, HASH, BREAKS }; /* undefined instructions put at the first of these functions */
enum { STEPS_MAX = 300 * 1000 * 1000, HANG = 2, RESETS_MAX = 40, TURNS = 4 };
enum { SCENARIO = 0x20003f80, MAILBOX = 0x20003fe0, TRAP_MAGIC = 0x74726170, TOLD_RAM = 1 << 14 }; /* as the programs have it */
enum { RAN = 1, REACHED_END, STUCK, LIED, REACHED_MARK, CAME_TO_TURN, CAME_TO_READ };
enum { PLACES_MAX = 4000, PLACE_STEPS = 10000 };

static u32 breaks[BREAKS], originals[BREAKS], world, image, image_bytes;

struct run {
    struct machine m;
    u32 handling, faults, hangs, resets;
    u32 reads; /* of flash in this turn */
};

static int forgets = 1; /* what the agent said */

/* RAM reads as 0 after it, but for what is meant to survive: the conversation, and the mailbox, whose record of a fault is
 * made that of a fault anywhere. So runs that come to the same do so in all their bytes. */
static void reset(struct run *run) {
    struct machine *m = &run->m;
    u32 kept[7], word, mailbox[8];
    memcpy(kept, m->ram + world - RAM, sizeof kept);
    word = load(m, SCENARIO, 4);
    memcpy(mailbox, m->ram + MAILBOX - RAM, sizeof mailbox);
    if (forgets) kept[6] = 0;
    if (mailbox[4]) mailbox[3] = TRAP_MAGIC + mailbox[4], mailbox[5] = mailbox[6] = 0;
    mailbox[2] = mailbox[7] = 0;
    memset(m->ram, 0, RAM_BYTES);
    memcpy(m->ram + world - RAM, kept, sizeof kept);
    store(m, SCENARIO, 4, word);
    memcpy(m->ram + MAILBOX - RAM, mailbox, sizeof mailbox);
    m->nvmc = 0;
    m->stop = 0;
    m->r[13] = *(u32 *)flash;
    m->r[15] = *(u32 *)(flash + 4) & ~1u;
    run->handling = 0;
    run->resets++;
}

/* Exception entry: eight words on the stack, and the handler. */
static void fault(struct run *run) {
    struct machine *m = &run->m;
    u32 sp = (m->r[13] - 32) & ~7u;
    m->stop = 0;
    run->faults++;
    if (run->handling || sp - RAM > RAM_BYTES - 32) {
        reset(run);
        return;
    }
    const u32 frame[8] = {m->r[0], m->r[1], m->r[2], m->r[3], m->r[12], m->r[14], m->r[15], 0};
    for (u32 i = 0; i < 8; i++) store(m, sp + 4 * i, 4, frame[i]);
    m->r[13] = sp;
    m->r[14] = 0xfffffff9;
    m->r[15] = *(u32 *)(flash + 12) & ~1u;
    run->handling = 1;
}

static int is_allowed(const struct machine *m) { return !memcmp(m->pages, flash + image, image_bytes); }

/* The hash, by the registers of its call: 0 where an address is none. */
static int hash(struct machine *m) {
    u8 *state = place(m, m->r[0], 4), *block = place(m, m->r[1], 1);
    if (m->r[0] - RAM > RAM_BYTES - 32 || m->r[1] - RAM > RAM_BYTES - 64 || !state || !block) return 0;
    WATCH(m, m->r[0], 32, 0);
    WATCH(m, m->r[1], 64, 0);
    sha256_block((uint32_t *)(void *)state, block);
    m->r[15] = m->r[14] & ~1u;
    return 1;
}

/* What stopped the last step. 0: go on. */
static int handled(struct run *run) {
    struct machine *m = &run->m;
    u32 number = (m->stop & BREAK_MASK) / BREAK;
    if (m->stop & IN_PAGES) {
        if (!is_allowed(m)) return RAN;
        m->stop &= ~(u32)IN_PAGES;
        if (!m->stop) return 0;
    }
    if (m->stop & RESET) {
        reset(run);
        return 0;
    }
    if (!number || number >= BREAKS || m->r[15] - 2 != breaks[number]) {
        fault(run);
        return 0;
    }
    m->stop = 0;
    m->r[15] -= 2;
    if (number == TURN) {
        run->reads = 0;
        if (forgets) *(u32 *)(void *)place(m, world + 24, 4) = 0;
        return CAME_TO_TURN;
    }
    if (number == READ) {
        run->reads++;
        return CAME_TO_READ;
    }
    if (number == MARK) return REACHED_MARK;
    if (number == FINISH) return REACHED_END;
    if (!hash(m)) fault(run);
    return 0;
}

/* From a stop at a break on. */
static void pass(struct run *run, u32 number) { execute(&run->m, originals[number]); }

/* ---- Where the undisturbed run stood, at turns and at reads of flash, and what it still read then ---- */

enum { TOLD = TOLD_RAM + PAGES_BYTES };
struct snapshot {
    u32 turn, reads;
    u32 r[16];
    u8 ram[TOLD_RAM], pages[PAGES_BYTES];
    u8 live[TOLD]; /* 0xff where a byte is read before it is written; RAM, then pages */
};
static struct snapshot *snapshots[PLACES_MAX];
static u32 taken;
static u16 since[TOLD]; /* the first snapshot after the last write that is not marked yet */

static void watch(u32 at, u32 bytes, int writing) {
    u32 index;
    if (at - RAM < TOLD_RAM) index = at - RAM;
    else if (at - PAGES < PAGES_BYTES) index = TOLD_RAM + at - PAGES;
    else return;
    for (; bytes; bytes--, index++) {
        if (!writing)
            for (u32 i = since[index]; i < taken; i++) snapshots[i]->live[index] = 0xff;
        since[index] = (u16)taken;
    }
}

static u32 turn_of(struct machine *m) { return *(u32 *)(void *)place(m, world, 4); }

static void note(struct run *run) {
    if (taken == PLACES_MAX) exit(5);
    struct snapshot *s = calloc(1, sizeof *s);
    s->turn = turn_of(&run->m);
    s->reads = run->reads;
    memcpy(s->r, run->m.r, sizeof s->r);
    memcpy(s->ram, run->m.ram, TOLD_RAM);
    memcpy(s->pages, run->m.pages, PAGES_BYTES);
    snapshots[taken++] = s;
}

static int equal_where_live(const u8 *one, const u8 *other, const u8 *mask, u32 bytes) {
    if (!memcmp(one, other, bytes)) return 1;
    for (u32 i = 0; i < bytes; i += 8) {
        uint64_t a, b, m;
        memcpy(&a, one + i, 8), memcpy(&b, other + i, 8), memcpy(&m, mask + i, 8);
        if ((a ^ b) & m) return 0;
    }
    return 1;
}

/* `next`: where to look on; what comes before was passed. */
static int same(struct run *run, u32 *next) {
    struct machine *m = &run->m;
    u32 turn = turn_of(m);
    const struct snapshot *s = NULL;
    for (; *next < taken; ++*next) {
        s = snapshots[*next];
        if (s->turn > turn || (s->turn == turn && s->reads >= run->reads)) break;
    }
    if (*next == taken) return 0;
    if (s->turn != turn || s->reads != run->reads || m->nvmc || run->handling) return 0;
    for (u32 i = 0; i < 16; i++) /* r3 and r12 are the callee's */
        if (i != 3 && i != 12 && m->r[i] != s->r[i]) return 0;
    return equal_where_live(m->ram, s->ram, s->live, TOLD_RAM) &&
           equal_where_live(m->pages, s->pages, s->live + TOLD_RAM, PAGES_BYTES);
}

/* ---- What runs came to that stood at a place before ---- */

enum { KNOWN = 1 << 20, VISITED_MAX = 4096 };
static uint64_t known[KNOWN]; /* the outcome in the lowest bits */
static uint64_t visited[VISITED_MAX];
static u32 visits;

static uint64_t mix(uint64_t sum, const u8 *from, u32 bytes) {
    for (u32 i = 0; i < bytes; i += 8) {
        uint64_t word;
        memcpy(&word, from + i, 8);
        sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
        sum ^= sum >> 29;
    }
    return sum;
}

/* The outcome from here on, 0 if this is new; it is noted as visited. */
static u32 recall(const struct run *run) {
    const struct machine *m = &run->m;
    uint64_t sum = mix(run->handling + 1, (const u8 *)m->r, sizeof m->r);
    sum = mix(sum, m->ram, TOLD_RAM);
    sum = mix(sum, m->pages, PAGES_BYTES) & ~(uint64_t)7;
    for (u32 at = (u32)(sum >> 8) % KNOWN, i = 0; i < 64 && known[at]; at = (at + 1) % KNOWN, i++)
        if ((known[at] & ~(uint64_t)7) == sum) return known[at] & 7;
    if (visits < VISITED_MAX) visited[visits++] = sum;
    return 0;
}

static void learn(u32 outcome) {
    for (; visits; visits--) {
        uint64_t sum = visited[visits - 1];
        u32 at = (u32)(sum >> 8) % KNOWN;
        for (u32 i = 0; i < 64 && known[at]; i++) at = (at + 1) % KNOWN;
        if (!known[at]) known[at] = sum | outcome;
    }
}

/* ---- Left out ---- */

static u32 longest; /* steps between two turns of the undisturbed run */
static u32 turns;   /* of it, from the blank board on */

/* From where it stands to its end: RAN, LIED, STUCK or REACHED_END. */
static u32 follow(struct run *run, u32 next) {
    for (u32 took = 0, resets = run->resets;; took++) {
        if (took > HANG * longest) {
            run->hangs++;
            reset(run);
        }
        step(&run->m);
        int what = run->m.stop ? handled(run) : 0;
        if (what == RAN) return RAN;
        if (what == REACHED_END) return is_allowed(&run->m) ? REACHED_END : LIED;
        if (run->resets != resets || what == CAME_TO_TURN) {
            u32 outcome = recall(run);
            if (outcome) return outcome;
            resets = run->resets;
            took = 0;
            if (resets >= RESETS_MAX || turn_of(&run->m) > TURNS * turns) return STUCK;
        }
        if ((what == CAME_TO_TURN || what == CAME_TO_READ) && same(run, &next)) return REACHED_END;
        if (what == REACHED_MARK) pass(run, MARK);
        if (what == CAME_TO_TURN) pass(run, TURN);
        if (what == CAME_TO_READ) pass(run, READ);
    }
}

/* As device.c has it. */
static u32 sum_of(const u8 *from, u32 length) {
    u32 sum = 0;
    for (u32 i = 0; i < length; i++) sum = (sum << 5 | sum >> 27) ^ from[i];
    return sum;
}

static u32 hex(const char *text) { return (u32)strtoul(text, NULL, 16); }

int main(int argc, char **argv) {
    static struct run run, trial;
    static u32 ranges[64], last[FLASH_BYTES / 2];
    static u8 seen[FLASH_BYTES / 2], fixed[FLASH_BYTES / 2];
    u32 count = 0;
    if (argc != 9) return 2;
    memset(run.m.pages, 0xff, PAGES_BYTES);
    load_elf(&run.m, argv[1]);
    for (char *word = strtok(argv[2], ","); word && count < 64; word = strtok(NULL, ",")) ranges[count++] = hex(word);
    for (u32 i = TURN; i < BREAKS; i++) {
        breaks[i] = ranges[i - 1] & ~1u;
        originals[i] = *(u16 *)(flash + breaks[i]);
        *(u16 *)(flash + breaks[i]) = (u16)(0xde00 | i);
    }
    world = ranges[BREAKS - 1];
    for (u32 i = BREAKS; i + 1 < count; i += 2)
        for (u32 at = ranges[i] & ~1u; at < ranges[i + 1]; at += 2) fixed[at / 2] = 1;
    store(&run.m, SCENARIO, 4, (u32)strtoul(argv[3], NULL, 10));
    image = hex(argv[4]);
    image_bytes = (u32)strtoul(argv[5], NULL, 10);
    int every = !strcmp(argv[6], "every"), none = !strcmp(argv[6], "none"), find = !strcmp(argv[6], "find");
    u32 shard = (u32)strtoul(argv[7], NULL, 10), shards = (u32)strtoul(argv[8], NULL, 10);

    /* Up to the mark. */
    forgets = !none;
    reset(&run);
    for (u32 steps = 0;; steps++) {
        if (steps == STEPS_MAX) return 3;
        step(&run.m);
        if (!run.m.stop) continue;
        int what = handled(&run);
        if (run.faults || what == RAN || what == REACHED_END) return 4;
        if (what == REACHED_MARK) break;
        if (what == CAME_TO_TURN) pass(&run, TURN);
        if (what == CAME_TO_READ) pass(&run, READ);
    }
    if (!is_allowed(&run.m)) return 6;
    pass(&run, MARK);

    /* The undisturbed run. */
    trial = run;
    u32 *trace = malloc(sizeof *trace * STEPS_MAX), n = 0;
    watching = 1;
    for (u32 since_turn = 0, since_place = 0, resets = trial.resets;; n++, since_turn++, since_place++) {
        u32 pc = trial.m.r[15];
        if (n == STEPS_MAX) return 3;
        trace[n] = pc;
        last[pc / 2 % (FLASH_BYTES / 2)] = n + 1;
        step(&trial.m);
        if (since_turn > longest) longest = since_turn;
        if (!trial.m.stop) continue;
        int what = handled(&trial);
        if (what == RAN || trial.faults) return 7;
        if (what == REACHED_END) break;
        if (what == CAME_TO_TURN) since_turn = 0;
        if (what == CAME_TO_TURN || trial.resets != resets) recall(&trial);
        resets = trial.resets;
        if (what == CAME_TO_TURN || (what == CAME_TO_READ && since_place >= PLACE_STEPS)) {
            note(&trial);
            since_place = 0;
        }
        if (what == CAME_TO_TURN) pass(&trial, TURN);
        if (what == CAME_TO_READ) pass(&trial, READ);
    }
    watching = 0;
    turns = turn_of(&trial.m);
    if (!is_allowed(&trial.m)) return 9;
    learn(REACHED_END);
    printf("reference %u %x %x\n", turn_of(&trial.m), load(&trial.m, world + 24, 4), sum_of(trial.m.pages, PAGES_BYTES));

    u32 next = 0, skips = 0, chosen = 0, installed = 0, lies = 0, faults = 0, hangs = 0;
    for (u32 k = 0; k < n && !none && !(find && installed); k++) {
        u32 pc = trace[k], at = pc / 2;
        int inside = pc - PAGES < PAGES_BYTES || fixed[at];
        int is_break = 0;
        for (u32 i = TURN; i < BREAKS; i++) is_break |= pc == breaks[i];
        if (!inside && !is_break && (every || !seen[at] || last[at] == k + 1) && chosen++ % shards == shard) {
            trial = run;
            trial.faults = trial.hangs = trial.resets = 0;
            trial.m.r[15] = pc + width(code_at(&trial.m, pc));
            u32 what = follow(&trial, next), turn = turn_of(&trial.m) - turn_of(&run.m);
            learn(what);
            skips++;
            faults += trial.faults != 0;
            hangs += trial.hangs != 0;
            if (what == RAN) installed++, printf("%x %u installed %u\n", pc, k, turn);
            if (what == LIED) lies++, printf("%x %u lies %u\n", pc, k, turn);
        }
        if (!inside) seen[at] = 1;
        step(&run.m);
        if (!run.m.stop) continue;
        int what = handled(&run);
        if (what == CAME_TO_TURN || what == CAME_TO_READ) {
            same(&run, &next);
            pass(&run, what == CAME_TO_TURN ? TURN : READ);
        }
    }
    printf("steps %u skips %u installed %u lies %u faults %u hangs %u\n", n, skips, installed, lies, faults, hangs);
    return 0;
}
