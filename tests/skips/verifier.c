/* Leaves out one instruction of a program that only computes: runs it once for each instruction (machine.h is the processor).
 *
 *   verifier ELF ENTRY REGION END SCENARIO RESULT NUMBER every|first|none    addresses in hex; NUMBER of the scenario
 *
 * Runs ENTRY to its end with the word at SCENARIO set to NUMBER. From the first call of the function from REGION to END until
 * it returns, each executed instruction outside of that function itself is left out once (every: each execution; first: the first
 * and the last execution of each address; none: nothing, which is the program as it is); what then
 * stands in the four words at RESULT is told: one line `ADDRESS STEP a b c d` for each run whose words differ from those of
 * the undisturbed one, `reference a b c d`, and at the end `steps N skips N faults N hangs N`.
 *
 * A fault ends a run, as it resets a device; so does a program that takes HANG times as long.
 */
#include "machine.h"

enum { STACK = RAM + RAM_BYTES, HANG = 3, STEPS_MAX = 200 * 1000 * 1000 };

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
    for (; m.r[15] != own && !m.stop && steps < STEPS_MAX; steps++) step(&m);
    if (m.stop || steps == STEPS_MAX) return 3;
    u32 back = m.r[14] & ~1u;
    /* The reference: how many steps, which address at each, and what comes out. */
    trial = m;
    u32 *trace = malloc(sizeof *trace * STEPS_MAX), n = 0;
    static u32 last[FLASH_BYTES / 2];
    for (; trial.r[15] != back && !trial.stop && n < STEPS_MAX; n++) {
        trace[n] = trial.r[15];
        last[trial.r[15] / 2] = n + 1;
        step(&trial);
    }
    u32 rest = 0;
    for (; trial.r[15] != END && !trial.stop && rest < STEPS_MAX; rest++) step(&trial);
    if (trial.stop) return 4;
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
            for (; trial.r[15] != END && !trial.stop && took < limit; took++) step(&trial);
            skips++;
            if (trial.stop) faults++;
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
