// Which constant addresses of a translated module share a base in a register. ARMv6-M reaches 124 bytes beyond one, and the
// base is a literal of each function that needs it: memory is divided so that the functions need few, all told.
//
// A wrong guess costs bytes and nothing else: wherever a window begins, the access goes to its address.

const REACH_BYTES = 124;

/** Beginnings of windows, ascending from 0. `bodies`: the functions in wasm2c's C, as translate.ts has made them plain. */
export function windowsOf(bodies: string[], memoryBytes: number): number[] {
  const users = new Map<number, Set<number>>();
  for (const [user, body] of bodies.entries())
    for (const at of constantAccesses(body))
      if (at < memoryBytes) users.set(at, (users.get(at) ?? new Set()).add(user));
  const addresses = [...users.keys()].sort((a, b) => a - b);
  // best[n]: the cheapest windows for the first n addresses. A window costs a literal in each function that uses it.
  const best = [{ literals: 0, windows: [0] }];
  for (let end = 1; end <= addresses.length; end++) {
    const using = new Set<number>();
    let cheapest = { literals: Infinity, windows: [0] };
    for (let first = end - 1; first >= 0 && addresses[end - 1]! - addresses[first]! < REACH_BYTES; first--) {
      for (const user of users.get(addresses[first]!)!) using.add(user);
      const before = best[first]!;
      const literals = before.literals + using.size;
      if (literals < cheapest.literals) cheapest = { literals, windows: [...before.windows, addresses[first]!] };
    }
    best.push(cheapest);
  }
  return [...new Set(best.at(-1)!.windows)];
}

/** Addresses of loads and stores whose address was made a constant by a line before. */
function* constantAccesses(body: string): Generator<number> {
  const constants = new Map<string, number>();
  for (const line of body.split('\n')) {
    for (const [, name, offset] of line.matchAll(/_(?:load|store)\w*\((var_\w+), (\d+)u/g)) {
      const address = constants.get(name!);
      if (address !== undefined) yield address + Number(offset);
    }
    const [, name, constant] = /^\s*(var_\w+) \S*=(?: (\d+)u;)?/.exec(line) ?? [];
    if (name === undefined) continue;
    if (constant === undefined) constants.delete(name);
    else constants.set(name, Number(constant));
  }
}
