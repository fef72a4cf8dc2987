// A link over any byte stream (serial port, socket): SMP's console, cobs or raw framing, with the text between the packets
// handed on.
//
// Console and cobs framing stand on one line, told apart by their first bytes: both are heard where either is spoken. An
// answer that only our agent gives shows that cobs may be understood; whether it is, and passes this line unharmed, an echo
// shows that is sent once in it, before anything else is. No other server ever hears one.
//
// The stream is opened already, and closed by the function that comes with it: serial ports and sockets differ there.

import type { Duplex } from 'node:stream';
import { CountersignError } from '../errors.js';
import { type CobsItem, decodeCobs, encodeCobs, resyncCobs } from '../smp/cobs.js';
import { CONSOLE_START, type ConsoleItem, decodeConsole, encodeConsole } from '../smp/console.js';
import { createListeners, type Link } from '../smp/link.js';
import { HEADER_BYTES } from '../smp/packet.js';
import { decodeRaw, type RawItem, resync } from '../smp/raw.js';
import { sleep } from '../wait.js';
import { isOfAgent, makeTrial } from './cobs-trial.js';
import type { Framing } from './words.js';

const FRAMING_BYTES = 4; // length and checksum stand in the device's packet buffer (SMP over console)

// No packet has a pause in it as long as this; nor would anybody wait that long for the text behind a false start.
const SILENCE_MS = 1000;
// A server with raw framing forgets what it took for half a packet after 3 s (Zephyr, MCUboot); and some to be sure.
const RAW_FORGETS_MS = 3500;
const CONSOLE_TRIES = 2; // the first may only wake a board; behind these the two take turns
const COBS_TRIES = 3; // without a frame in it, while console is answered: another board is there
// After 10 s without a packet our agent starts the application, which wakes it for a console frame only. So does a device that
// was reset: every second try is a console frame.
const AWAKE_MS = 8000;

export interface Opening {
  untouched?: boolean; // what was said before is read, and nothing is written
  /** agent: as auto, but never raw; for who talks to our agents alone. */
  framing?: Framing | 'agent';
}

const SILENCE: Record<Framing | 'agent', string> = {
  console: 'check port, baud rate and power; a server with raw framing answers to --framing auto',
  cobs: 'check port, baud rate and power; a server with console framing answers to --framing auto',
  raw: 'check port, baud rate and power; a server with console framing answers to --framing auto',
  auto: 'check port, baud rate and power; raw framing was tried only if there were three tries or more (--retries)',
  agent: 'check port, baud rate and power',
};

type Item = ConsoleItem | RawItem;

/**
 * What ends a half line or half a frame of somebody before. On a raw line a bare header comes first, and this would be taken
 * for its beginning.
 */
export function cleanLine(framing: Opening['framing']): Uint8Array | undefined {
  if (framing === 'raw') return undefined;
  return Uint8Array.of(framing === 'cobs' ? 0 : 0x0a);
}

export function streamLink(
  name: string,
  stream: Duplex,
  closeStream: () => Promise<void>,
  framing: NonNullable<Opening['framing']> = 'agent',
): Link {
  const { emit, listen, closed, end } = createListeners();
  const closing = new AbortController();
  const mayTry = framing === 'auto' || framing === 'agent';
  let speaks: Framing = framing === 'agent' ? 'console' : framing;
  let unanswered = 0;
  let written = 0; // when
  let heard = 0; // when a packet was
  let missed = 0; // requests in cobs since a frame in it was heard
  let rest = CONSOLE_START;
  let cobsRest: Uint8Array = new Uint8Array();
  let rawRest: Uint8Array = new Uint8Array();
  let silence: NodeJS.Timeout | undefined;
  let asked = false; // on a line that others share, answers to them are heard, too
  const trial = makeTrial((bytes) => write(bytes));

  function decode(chunk: Uint8Array): Item[] {
    if (speaks === 'raw') return raw(chunk);
    if (speaks !== 'auto') {
      const [items, next] = decodeCobs(cobsRest, chunk);
      cobsRest = next;
      return items.flatMap(beside);
    }
    const items = consoleItems(chunk);
    if (items.some(isPacket)) speaks = 'console';
    if (speaks === 'console') return items;
    // Not known yet: what is no console frame may be a raw packet.
    const found = items.flatMap((item): Item[] => (item.kind === 'text' ? raw(item.bytes) : [item]));
    if (found.some(isPacket)) speaks = 'raw';
    return found;
  }

  // No line of the console framing has a byte in it that a cobs frame begins with.
  function beside(item: CobsItem): Item[] {
    if (item.kind === 'text') {
      const items = consoleItems(item.bytes);
      if (items.some(isPacket) && framing !== 'cobs' && missed > COBS_TRIES) speaks = 'console';
      return items;
    }
    if (item.kind === 'packet') missed = 0;
    if (item.kind === 'damaged' || !trial.isAnswer(item.bytes)) return [item];
    speaks = 'cobs';
    return [];
  }

  function consoleItems(chunk: Uint8Array): ConsoleItem[] {
    const [items, next] = decodeConsole(rest, chunk);
    rest = next;
    return items;
  }

  function raw(chunk: Uint8Array): RawItem[] {
    const [items, next] = decodeRaw(rawRest, chunk);
    rawRest = next;
    return items;
  }

  function hand(items: Item[]): void {
    for (const item of items) {
      if (item.kind === 'packet') hear(item.bytes);
      else if (item.kind === 'text') emit.text(item.bytes);
      else emit.fault(item.why, item.bytes);
    }
  }

  function hear(packet: Uint8Array): void {
    unanswered = 0;
    heard = Date.now();
    if (mayTry && asked && speaks === 'console' && isOfAgent(packet)) trial.begin();
    emit.packet(packet);
  }

  stream.on('data', (chunk: Uint8Array) => {
    clearTimeout(silence);
    hand(decode(chunk));
    if (rawRest.length + cobsRest.length === 0) return;
    silence = setTimeout(fallSilent, SILENCE_MS);
    silence.unref();
  });
  stream.on('error', (cause) => end(new CountersignError('LinkLost', `link ${name}: ${cause.message}`, { cause })));
  stream.on('close', () => end(new CountersignError('LinkLost', `link ${name}: closed by the other side`)));

  function fallSilent(): void {
    const half = Math.max(rawRest.length, cobsRest.length);
    const items = [...resync(rawRest)[0], ...resyncCobs(cobsRest).flatMap(beside)];
    if (half >= HEADER_BYTES) emit.fault(`of ${half} bytes that looked like a packet the rest did not come`, rawRest);
    rawRest = new Uint8Array();
    cobsRest = new Uint8Array();
    hand(items);
  }

  // One write each: what is typed stands between frames, never in one.
  const write = (bytes: Uint8Array): Promise<void> => {
    written = Date.now();
    return new Promise((resolve, reject) => {
      stream.write(bytes, (cause) => {
        if (!cause) return resolve();
        reject(new CountersignError('LinkLost', `link ${name}: ${cause.message}`, { cause }));
      });
    });
  };

  async function send(packet: Uint8Array): Promise<void> {
    await trial.over();
    asked = true;
    // Blocks that a device asked for are no requests: many go out before anything is heard.
    if (isRequest(packet)) unanswered += 1;
    const turn = unanswered % 2 === 0;
    switch (speaks) {
      case 'raw':
        return write(packet);
      case 'cobs':
        if (framing !== 'cobs' && ((isRequest(packet) && turn) || Date.now() - heard > AWAKE_MS)) return lined(packet);
        if (isRequest(packet)) missed += 1;
        return write(encodeCobs(packet));
      case 'console':
        return lined(packet);
      case 'auto':
        if (unanswered <= CONSOLE_TRIES || turn) return lined(packet);
        await sleep(Math.max(0, written + RAW_FORGETS_MS - Date.now()), closing.signal);
        return write(packet);
    }
  }

  const lined = (packet: Uint8Array) => write(Buffer.concat(encodeConsole(packet)));

  return {
    name,
    silence: SILENCE[framing],
    get framingBytes() {
      return speaks === 'raw' || speaks === 'cobs' ? 0 : FRAMING_BYTES;
    },
    listen,
    closed,
    send,
    type: write,
    async close() {
      clearTimeout(silence);
      closing.abort();
      end();
      await closeStream();
    },
  };
}

const isPacket = ({ kind }: Item): boolean => kind === 'packet';
/** Operations of requests are even (SMP, header). */
const isRequest = ([first = 1]: Uint8Array): boolean => (first & 1) === 0;
