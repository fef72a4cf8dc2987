// Times programs side by side: short turns, one after the other, again and again, and the median of each. What slows the
// machine for a while slows all of them, so their ratios hold where a single figure would not. The time is the processor's,
// of this process: what others run meanwhile does not count.

const TURN_MS = 40;
const ROUNDS = 21;

async function milliseconds(run, times) {
  const start = process.cpuUsage();
  for (let i = 0; i < times; i++) await run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e3;
}

/** How often `run` fits a turn. The first calls are slow: they compile. */
async function timesPerTurn(run) {
  let times = 1;
  for (;;) {
    const took = await milliseconds(run, times);
    if (took >= TURN_MS / 2) return Math.max(1, Math.round((times * TURN_MS) / took));
    times *= 2;
  }
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** { name: function, async or not } -> { name: calls per second } */
export async function sideBySide(contenders) {
  const entries = [];
  for (const [name, run] of Object.entries(contenders)) {
    entries.push({ name, run, times: await timesPerTurn(run), rates: [] });
  }
  for (const { run, times } of entries) await milliseconds(run, times); // the optimizing compilers are done by now
  for (let round = 0; round < ROUNDS; round++) {
    for (const { run, times, rates } of entries) rates.push((times * 1000) / (await milliseconds(run, times)));
  }
  return Object.fromEntries(entries.map(({ name, rates }) => [name, median(rates)]));
}
