// A link to one device: packets in, packets out, and the text that shares the line with them.
//
// A link moves whole SMP packets and decides nothing; it neither retries nor matches. What it cannot read (a damaged
// frame) it reports as a fault, which explains a time-out and is otherwise harmless. After `closed` nothing more is
// delivered.

import type { CountersignError } from '../errors.js';
import { withResolvers } from '../wait.js';

export interface LinkListener {
  packet?(bytes: Uint8Array): void;
  text?(bytes: Uint8Array): void; // as it came, in pieces of any size
  fault?(why: string, bytes: Uint8Array): void;
}

export interface Link {
  readonly name: string; // what a person calls it: a port's path, a URL, a device on a broker
  readonly silence?: string; // what to do when nobody answers, where the table's advice does not fit
  readonly framingBytes: number; // of the device's buffer, used by the framing around a packet
  send(packet: Uint8Array): Promise<void>;
  type?(text: Uint8Array): Promise<void>; // text beside the frames; only lines have it, never inside a frame
  listen(listener: LinkListener): () => void; // the result ends the listening
  readonly closed: Promise<CountersignError | undefined>; // the error that ended it, or none when close() was called
  close(): Promise<void>;
}

// The listeners of a link, and the one promise of its end; every kind of link has these.
export function createListeners(): {
  emit: Required<LinkListener>;
  listen: Link['listen'];
  closed: Link['closed'];
  end(error?: CountersignError): void;
} {
  const listeners = new Set<LinkListener>();
  let ended = false;
  const { promise: closed, resolve } = withResolvers<CountersignError | undefined>();
  const each = (call: (listener: LinkListener) => void): void => {
    if (!ended) for (const listener of [...listeners]) call(listener);
  };
  return {
    emit: {
      packet: (bytes) => each((listener) => listener.packet?.(bytes)),
      text: (bytes) => each((listener) => listener.text?.(bytes)),
      fault: (why, bytes) => each((listener) => listener.fault?.(why, bytes)),
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    closed,
    end(error) {
      ended = true;
      listeners.clear();
      resolve(error);
    },
  };
}

const LINE_CHARACTERS_MAX = 64 * 1024; // a board that never ends its line

export interface LineReader {
  (bytes: Uint8Array): void;
  /** Hands on what is unfinished: no more comes. */
  end(): void;
}

// Bytes that come in pieces, handed on as whole lines. A pause does not end a line: `onOpen` is shown what is unfinished
// after `idleMs` (a prompt has no newline), and the whole line comes all the same.
export function lines(
  onLine: (line: string) => void,
  onOpen: (text: string) => void = () => undefined,
  idleMs = 500,
): LineReader {
  const decoder = new TextDecoder();
  let open = '';
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hand = (line: string) => onLine(line.replace(/\r$/, ''));
  const take = (bytes: Uint8Array): void => {
    clearTimeout(timer);
    open += decoder.decode(bytes, { stream: true });
    const whole = open.split('\n');
    open = whole.pop()!;
    for (const line of whole) hand(line);
    if (open.length > LINE_CHARACTERS_MAX) {
      hand(open);
      open = '';
    }
    if (open === '') return;
    timer = setTimeout(() => onOpen(open), idleMs);
    timer.unref?.(); // in a page it is a number
  };
  const end = (): void => {
    clearTimeout(timer);
    if (open !== '') hand(open);
    open = '';
  };
  return Object.assign(take, { end });
}
