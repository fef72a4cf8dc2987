// One board of a gateway, from the moment when its line is open until it is gone: it is asked once who it is, and joined to the
// fleet as a board with a radio of its own is, by the same radio.
//
// What wakes a board whose application runs, besides that one question: a request of a client, a document that it has not been
// given since it was joined, and an order whose time has come. Nothing is polled. Who a board says it is, nobody here can check:
// that names it on the broker, where its requests and answers go. But no two boards are the same device: who says so second is
// not joined, as long as the first one is there.

import { STATE } from '../device/identity.js';
import { asCountersignError, CountersignError } from '../errors.js';
import { topicNameSchema } from '../formats/topic-name.js';
import type { BrokerUrl } from '../links/mqtt-url.js';
import type { DeviceState } from '../links/topics.js';
import type { BlockSource } from '../radio/blocks.js';
import { readDevice } from '../radio/look.js';
import { isUnderWay } from '../radio/orders.js';
import { connectRadio, newRadioMemory, type Radio, type RadioMemory } from '../radio/radio.js';
import { type Client, createClient } from '../smp/client.js';
import type { Alert } from '../smp/commands.js';
import type { Link } from '../smp/link.js';
import { follower, orAbort, orNothing, sleep, withResolvers } from '../wait.js';
import { PACE, watchLine } from './gateway-line.js';

const TRY_MS = 2000; // before whoever does not answer is asked again, then twice as long each time
const TRY_MS_MAX = 60_000;
const REJOIN_MS = 1000;
const NAME_CHARACTERS_MAX = 64;
const MOMENT_MS = 60_000; // away for less, a board is taken for the one that was there

export type BoardEvent =
  | { event: 'joined'; port: string; device: string; state: DeviceState }
  | { event: 'left'; port: string; device: string; why: CountersignError | undefined }
  | { event: 'ended'; port: string; device: string; alert: Alert }
  | { event: 'waiting'; port: string; why: CountersignError }
  | { event: 'dropped'; device?: string; digest?: string; why: string };

export interface BoardPlace {
  port: string;
  /** On the broker; default: the device's id, or what the port is called. */
  name?: string | undefined;
  url: BrokerUrl;
  fleet: string;
  groups?: readonly string[] | undefined;
  blocks: BlockSource;
  told(event: BoardEvent): void;
  /** What is known of who was on this port, and since when it is away. */
  known: { board: Known | undefined };
  /** Names and device ids that are in use, with the port: two boards with one would answer for each other. */
  names: Map<string, string>;
  ids: Map<string, string>;
}

interface Known {
  device: string;
  state: DeviceState;
  radio: RadioMemory;
  left: number;
}

/** Until the signal ends it. The link stays open: it is another's. */
export async function serveBoard(link: Link, place: BoardPlace, signal: AbortSignal): Promise<void> {
  let pauseMs = TRY_MS;
  let told = false; // that nobody answers
  while (!signal.aborted) {
    try {
      await joinOnce(link, place, signal, () => {
        pauseMs = TRY_MS;
        told = false;
      });
    } catch (error) {
      if (signal.aborted) return;
      if (!told) place.told({ event: 'waiting', port: place.port, why: asCountersignError(error) });
      told = true;
    }
    await somethingHeard(link, pauseMs, signal);
    pauseMs = Math.min(2 * pauseMs, TRY_MS_MAX);
  }
}

/** A board that gets its power says something, most of them. */
async function somethingHeard(link: Link, ms: number, signal: AbortSignal): Promise<void> {
  const ending = follower(signal);
  const early = () =>
    void sleep(REJOIN_MS, ending.signal).then(
      () => ending.abort(),
      () => undefined,
    );
  const stop = link.listen({ packet: early, text: early });
  await sleep(ms, ending.signal).catch(() => undefined);
  stop();
  ending.abort();
}

/** Returns when the board has to be joined anew; throws when it cannot be, or is gone. */
async function joinOnce(link: Link, place: BoardPlace, signal: AbortSignal, joined: () => void): Promise<void> {
  const { port, told, names, ids, known } = place;
  const before = known.board;
  known.board = undefined;
  // A board with USB takes its port along when its application starts: to ask it then would reset it, for ever.
  const again = before && isQuiet(before) ? before : undefined;
  const state = again?.state ?? (await lookFirst(link, signal));
  const device = again?.device ?? nameOf(place, state);
  const board: Known = { device, state, radio: again?.radio ?? newRadioMemory(), left: 0 };
  requireOnlyOne(place, state.device);
  if (names.has(device)) {
    const hint = 'another board of this gateway has that name: give this one another, --name PORT=NAME';
    throw new CountersignError('BadArgument', `gateway: ${port} would be ${device}`, { hint });
  }
  names.set(device, port);
  if (state.device !== undefined) ids.set(state.device, port);
  try {
    const why = await beOnBroker(link, place, board, again !== undefined, signal, () => {
      joined();
      told({ event: 'joined', port, device, state });
    });
    told({ event: 'left', port, device, why });
    if (why?.reason.name === 'LinkLost') known.board = { ...board, left: Date.now() };
  } finally {
    names.delete(device);
    for (const [id, on] of ids) if (on === port) ids.delete(id);
  }
}

function requireOnlyOne({ ids, port }: BoardPlace, id: string | undefined): void {
  const other = id === undefined ? undefined : ids.get(id);
  if (other === undefined || other === port) return;
  const what = `gateway: the board on ${port} says that it is device ${id}, as the one on ${other} does`;
  throw new CountersignError('DeviceTwice', what, { hint: `one of them is not: look at ${port} and at ${other}` });
}

/** Away for a moment, with nothing under way that it might need us for. */
const isQuiet = ({ left, state, radio }: Known): boolean =>
  Date.now() - left < MOMENT_MS && state.state !== STATE.downloading && !isUnderWay(radio.orders);

async function beOnBroker(
  link: Link,
  place: BoardPlace,
  board: Known,
  again: boolean,
  signal: AbortSignal,
  joined: () => void,
): Promise<CountersignError | undefined> {
  const { port, name, url, fleet, groups, blocks, told, ids } = place;
  const { device, state, radio: memory } = board;
  const { promise: over, resolve: leave } = withResolvers<CountersignError | undefined>();
  let radio: Radio | undefined;
  let updating = false;
  let seen = state;
  let renamed = false; // it was blank, and has got an id
  const look = inTurn(async () => {
    const now = await readDevice(looking!, { signal }, seen).catch(() => undefined); // the next one will be answered
    if (!now) return;
    if (state.device !== undefined && now.device !== state.device) return leave(undefined); // another board
    seen = now;
    updating = now.state === STATE.updating;
    try {
      requireOnlyOne(place, now.device);
    } catch (error) {
      return leave(asCountersignError(error)); // it was blank
    }
    if (now.device !== undefined) ids.set(now.device, port);
    board.state = now;
    radio?.show(now);
    renamed = name === undefined && now.device !== state.device;
  });
  const line = watchLine(
    link,
    {
      packet: (packet) => radio?.send(packet),
      alert(alert) {
        radio?.alert(alert);
        told({ event: 'ended', port, device, alert });
      },
      state(now) {
        updating = now.state === STATE.updating;
        board.state = { ...board.state, ...now };
        radio?.show(now);
      },
      started(what) {
        radio?.started(what);
        if (what === 'application' && renamed) leave(undefined); // whoever gave it the id has read it back
        if (what === 'agent' && again && !updating) look(); // another board may be there now
      },
      // An image on trial starts only if the device is left alone.
      look: (ended) => {
        if (ended || !updating) look();
      },
      silent: () => leave(new CountersignError('NoAnswer', `gateway: no answer from ${port}`)),
    },
    { answered: !again },
  );
  let complained = false;
  const refused = () => {
    if (!complained) told({ event: 'dropped', device, why: 'requests: more than its line can carry' });
    complained = true;
  };
  let looking: Client | undefined;
  try {
    const station = { url, fleet, device, groups, blocks, earlier: state, memory, refused };
    radio = await connectRadio(station, line.agent, signal);
    looking = createClient(radio.link('own board'), PACE);
    joined();
    if (again) radio.resumed();
    else radio.started('agent');
    const why = await orAbort(Promise.race([over, link.closed]), signal).catch(() => undefined);
    return why ?? (await orNothing(link.closed, 0));
  } finally {
    line.close();
    await looking?.close();
    await radio?.close();
  }
}

/** The only question that a board is asked just to be known. */
async function lookFirst(link: Link, signal: AbortSignal): Promise<DeviceState> {
  const client = createClient({ ...link, framingBytes: link.framingBytes, close: async () => undefined }, PACE);
  try {
    return await readDevice(client, { signal });
  } finally {
    await client.close();
  }
}

function nameOf({ name, port }: BoardPlace, { device }: DeviceState): string {
  if (name !== undefined) return name;
  if (device !== undefined) return device.slice(0, NAME_CHARACTERS_MAX);
  const last = port.split(/[\\/]/).at(-1)!;
  return topicNameSchema.parse(last.replace(/[^A-Za-z0-9._:-]/g, '_').slice(0, NAME_CHARACTERS_MAX) || 'board');
}

/** One at a time, and one more if it was wanted meanwhile. */
function inTurn(work: () => Promise<void>): () => void {
  let running = false;
  let wanted = false;
  return async function start(): Promise<void> {
    wanted = true;
    if (running) return;
    running = true;
    while (wanted) {
      wanted = false;
      await work();
    }
    running = false;
  };
}
