// The scene of the fleet: twenty devices on a broker. The operator approves once and orders once, and all of them fetch and install by
// themselves; it revokes once, and all of them go back. Only boards of which many run in one process play it.

import {
  CountersignError,
  type DeviceState,
  type Entry,
  hex,
  listRunners,
  openShelf,
  type Package,
  placeOrder,
  publishPackage,
  startBoards,
  startBroker,
} from '../index.js';
import type { People } from './people.js';

const COUNT = 20;
const FLEET = 'wards';
const GROUP = 'all';
const OPERATOR = 'hospital';
const POLICY = { unapproved: 'reject', 'when-denied': 'revert', 'trial-boots': 0 } as const;
const LOOK_MS = 50;
const PATIENCE_MS = 60_000;

export const hasFleet = (board: string): boolean => listRunners().some(({ name, many }) => name === board && many);

/** True: it ended as it should. */
export async function playFleet(
  board: string,
  people: People,
  tell: (who: string, text: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const broker = await startBroker();
  const place = { url: broker.url, fleet: FLEET };
  const radio = { broker: broker.url, fleet: FLEET, name: 'bed', groups: [GROUP] };
  const bootstrap = (number: number) => people.bootstrap(idOf(number), POLICY);
  const boards = await startBoards(board, { count: COUNT, radio, bootstrap, signal }).catch(async (error) => {
    await broker.close();
    throw error;
  });
  const shelf = await openShelf(broker.url, FLEET, signal);
  const order = ({ digest }: Package, correlator: string) =>
    placeOrder(place, { group: GROUP }, { digest: hex(digest), encoding: 'raw', correlator }, signal);
  const allRun = (version: string) =>
    untilAll(boards.states, ({ firmwareVersion }) => firmwareVersion === version, signal);
  try {
    const [older, newer] = [
      people.release({ version: '1.0.0', sequence: 1n }),
      people.release({ version: '1.1.0', sequence: 2n }),
    ];
    for (const { digest, envelope } of [older, newer]) await publishPackage(place, digest, envelope, { signal });
    await shelf.put(OPERATOR, people.issue(approve(older), approve(newer)));
    tell('operator', `two releases are approved, once, for ${COUNT} devices; their blocks stand on the broker`);
    await order(older, 'first');
    await allRun('1.0.0');
    await order(newer, 'second');
    await allRun('1.1.0');
    tell('fleet', `${COUNT} devices fetched and installed 1.0.0 by one order, then 1.1.0 by another`);
    await shelf.put(OPERATOR, people.issue(approve(older), { verdict: 'deny', digest: newer.digest }));
    tell('operator', '1.1.0 is revoked, once');
    await allRun('1.0.0');
    tell('fleet', `${COUNT} devices went back to 1.0.0`);
    return true;
  } finally {
    await shelf.close();
    await boards.close();
    await broker.close();
  }
}

const approve = ({ digest }: Package): Entry => ({ verdict: 'approve', digest });
const idOf = (number: number): string => number.toString(16).padStart(16, '0');

async function untilAll(
  states: () => DeviceState[],
  wanted: (state: DeviceState) => boolean,
  signal: AbortSignal,
): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !states().every(wanted); ) {
    signal.throwIfAborted();
    if (Date.now() > end) throw new CountersignError('TimedOut', 'story: not all of the fleet did as it should');
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
}
