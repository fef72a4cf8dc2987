// A link over any byte stream (serial port, socket): SMP's console framing, or its raw one, with the text between the
// packets handed on.
//
// The stream is opened already, and closed by the function that comes with it: serial ports and sockets differ there.

import type { Duplex } from 'node:stream';
import { CountersignError } from '../errors.js';
import { CONSOLE_START, type ConsoleItem, decodeConsole, encodeConsole } from '../smp/console.js';
import { createListeners, type Link } from '../smp/link.js';
import { HEADER_BYTES } from '../smp/packet.js';
import { decodeRaw, type RawItem, resync } from '../smp/raw.js';
import { sleep } from '../wait.js';
import type { Framing } from './words.js';

const FRAMING_BYTES = 4; // length and checksum stand in the device's packet buffer (SMP over console)

// No packet has a pause in it as long as this; nor would anybody wait that long for the text behind a false start.
const RAW_SILENCE_MS = 1000;
// A server with raw framing forgets what it took for half a packet after 3 s (Zephyr, MCUboot); and some to be sure.
const RAW_FORGETS_MS = 3500;
const CONSOLE_TRIES = 2; // the first may only wake a board; behind these the two take turns

export interface Opening {
  untouched?: boolean; // what was said before is read, and nothing is written
  framing?: Framing;
}

const SILENCE: Record<Framing, string> = {
  console: 'check port, baud rate and power; a server with raw framing answers to --framing auto',
  raw: 'check port, baud rate and power; a server with console framing answers to --framing auto',
  auto: 'check port, baud rate and power; raw framing was tried only if there were three tries or more (--retries)',
};

type Item = ConsoleItem | RawItem;

export function streamLink(
  name: string,
  stream: Duplex,
  closeStream: () => Promise<void>,
  framing: Framing = 'console',
): Link {
  const { emit, listen, closed, end } = createListeners();
  const closing = new AbortController();
  let speaks = framing;
  let unanswered = 0;
  let written = 0; // when
  let rest = CONSOLE_START;
  let rawRest: Uint8Array = new Uint8Array();
  let silence: NodeJS.Timeout | undefined;

  function decode(chunk: Uint8Array): Item[] {
    if (speaks === 'raw') return raw(chunk);
    const [items, next] = decodeConsole(rest, chunk);
    rest = next;
    if (speaks === 'auto' && items.some(isPacket)) speaks = 'console';
    if (speaks === 'console') return items;
    // Not known yet: what is no console frame may be a raw packet.
    const found = items.flatMap((item): Item[] => (item.kind === 'text' ? raw(item.bytes) : [item]));
    if (found.some(isPacket)) speaks = 'raw';
    return found;
  }

  function raw(chunk: Uint8Array): RawItem[] {
    const [items, next] = decodeRaw(rawRest, chunk);
    rawRest = next;
    return items;
  }

  function hand(items: Item[]): void {
    for (const item of items) {
      if (item.kind === 'packet') emit.packet(item.bytes);
      else if (item.kind === 'text') emit.text(item.bytes);
      else emit.fault(item.why, item.bytes);
    }
  }

  stream.on('data', (chunk: Uint8Array) => {
    clearTimeout(silence);
    hand(decode(chunk));
    if (rawRest.length === 0) return;
    silence = setTimeout(() => {
      const half = rawRest;
      const [items, next] = resync(half);
      rawRest = next;
      if (half.length >= HEADER_BYTES) emit.fault('what looked like a packet was none, or only half of one', half);
      hand(items);
    }, RAW_SILENCE_MS);
    silence.unref();
  });
  stream.on('error', (cause) => end(new CountersignError('LinkLost', `link ${name}: ${cause.message}`, { cause })));
  stream.on('close', () => end(new CountersignError('LinkLost', `link ${name}: closed by the other side`)));

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
    if (speaks === 'auto') unanswered += 1;
    const turn = unanswered <= CONSOLE_TRIES || unanswered % 2 === 0;
    const asConsole = speaks === 'console' || (speaks === 'auto' && turn);
    if (asConsole) return write(Buffer.concat(encodeConsole(packet)));
    if (speaks === 'auto') await sleep(Math.max(0, written + RAW_FORGETS_MS - Date.now()), closing.signal);
    return write(packet);
  }

  return {
    name,
    silence: SILENCE[framing],
    get framingBytes() {
      return speaks === 'raw' ? 0 : FRAMING_BYTES;
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
