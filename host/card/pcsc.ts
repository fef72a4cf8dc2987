// Cards in readers, through PC/SC (PC/SC Workgroup Specifications part 5): the system's own library, called in place.
//
// A connection is shared with other programs, but holds a transaction while it is open: nobody selects another file
// between two of our commands. The synchronous transmit is what the HAL of a board needs (a chip waits for its card,
// too); everybody else waits in a thread. The types are those of pcsc-lite on Linux; macOS and Windows have others.

import { CountersignError } from '../errors.js';
import { type CType, foreign, type Library, openLibrary } from '../native.js';
import type { ReasonName } from '../reasons.js';
import { INS } from './apdu.js';
import type { CardChannel } from './channel.js';

export interface Reader {
  name: string;
  /** Answer to reset of the card in it; none: no card. */
  atr: Uint8Array | undefined;
}

export interface PcscCard extends CardChannel {
  transmitNow(command: Uint8Array): Uint8Array;
  closeNow(): void;
}

export interface Pcsc {
  readers(): Reader[];
  connect(reader: string): PcscCard;
  close(): void;
}

const LIBRARY = 'libpcsclite.so.1';

const SCOPE_SYSTEM = 2;
const SHARE_SHARED = 2;
const PROTOCOL_T0 = 1;
const PROTOCOL_ANY = 3; // T=0 or T=1
const LEAVE_CARD = 0;
const RESET_CARD = 1; // the card forgets the PIN: the next program has to present it anew
const NAMES_BYTES_MAX = 4096;
const ATR_BYTES_MAX = 33;
const STATE_PRESENT = 0x20;
const RESPONSE_BYTES_MAX = 65538;

const STATUS_BYTES = 2;

const NO_CARD = 0x8010000c;
const NOT_TRANSACTED = 0x80100016;
const NO_READERS = 0x8010002e;

const EXCLUSIVE = 0x8010000b;
const NO_SERVICE = 0x8010001d;
const STOPPED = 0x8010001e;

/** Where the table of reasons cannot know the cause. */
const START = 'start it: `systemctl start pcscd` (apt-get install pcscd)';
const ADVICE = new Map([
  [EXCLUSIVE, 'end the program that uses the card (gpg-agent, a browser, a card manager), or wait until it is done'],
  [NO_SERVICE, START],
  [STOPPED, START],
]);

const FAILURES = new Map<number, [ReasonName, string]>([
  [NO_CARD, ['CardAbsent', 'no card in it']],
  [0x80100009, ['NotFound', 'no such reader']], // SCARD_E_UNKNOWN_READER
  [EXCLUSIVE, ['LinkUnavailable', 'another program has the card for itself']], // SCARD_E_SHARING_VIOLATION
  [0x80100013, ['CardRemoved', 'the card does not answer any more']], // SCARD_F_COMM_ERROR
  [0x80100016, ['CardRemoved', 'the card does not answer any more']], // SCARD_E_NOT_TRANSACTED
  [0x80100017, ['CardRemoved', 'the reader is gone']], // SCARD_E_READER_UNAVAILABLE
  [NO_SERVICE, ['LinkUnavailable', 'pcscd does not run']], // SCARD_E_NO_SERVICE
  [STOPPED, ['LinkUnavailable', 'pcscd was stopped']], // SCARD_E_SERVICE_STOPPED
  [0x80100066, ['CardRefused', 'the card does not answer to reset']], // SCARD_W_UNRESPONSIVE_CARD
  [0x80100067, ['CardRemoved', 'the card has no power']], // SCARD_W_UNPOWERED_CARD
  [0x80100068, ['CardRemoved', 'another program has reset the card']], // SCARD_W_RESET_CARD
  [0x80100069, ['CardRemoved', 'the card was pulled out']], // SCARD_W_REMOVED_CARD
]);

/** An error of PC/SC by its number. */
export function failure(what: string, code: number): CountersignError {
  const [reason, text] = FAILURES.get(code) ?? ['Fault', `PC/SC error ${code.toString(16)}`];
  const hint = ADVICE.get(code);
  return new CountersignError(reason, `${what}: ${text}`, hint === undefined ? {} : { hint });
}

/** Opens the PC/SC of this machine. */
export async function openPcsc(): Promise<Pcsc> {
  return pcscOf(await openLibrary([LIBRARY], 'apt-get install pcscd libpcsclite1'), await foreign());
}

function pcscOf(library: Library, koffi: Awaited<ReturnType<typeof foreign>>): Pcsc {
  const request = koffi.struct({ protocol: 'ulong', length: 'ulong' });
  const state = koffi.struct({
    reader: 'str',
    user: 'void *',
    current: 'ulong',
    event: 'ulong',
    atrBytes: 'ulong',
    atr: koffi.array('uint8', ATR_BYTES_MAX, 'Typed'),
  });
  const call = (name: string, ...types: CType[]) => library.func(name, 'long', types);

  const establish = call('SCardEstablishContext', 'ulong', 'void *', 'void *', '_Out_ long *');
  const release = call('SCardReleaseContext', 'long');
  const listReaders = call('SCardListReaders', 'long', 'void *', 'void *', '_Inout_ ulong *');
  const getStatus = call('SCardGetStatusChange', 'long', 'ulong', koffi.inout(koffi.pointer(state)), 'ulong');
  const connect = call('SCardConnect', 'long', 'str', 'ulong', 'ulong', '_Out_ long *', '_Out_ ulong *');
  const disconnect = call('SCardDisconnect', 'long', 'ulong');
  const begin = call('SCardBeginTransaction', 'long');
  const end = call('SCardEndTransaction', 'long', 'ulong');
  const transmit = call(
    'SCardTransmit',
    'long',
    koffi.pointer(request),
    'void *',
    'ulong',
    'void *',
    'void *',
    '_Inout_ ulong *',
  );

  const check = (what: string, code: number) => {
    if (code !== 0) throw failure(what, code >>> 0);
  };

  const opened = [0];
  check('card: PC/SC', establish(SCOPE_SYSTEM, null, null, opened));
  const context = opened[0];

  function readerNames(): string[] {
    const names = Buffer.alloc(NAMES_BYTES_MAX);
    const length = [names.length];
    const code = listReaders(context, null, names, length) >>> 0;
    if (code === NO_READERS) return [];
    check('card: list of readers', code);
    return names.toString('utf8', 0, length[0]!).split('\0').filter(Boolean);
  }

  /** What the daemon knows of a reader, without waking the card. */
  function atrOf(reader: string): Uint8Array | undefined {
    const states = [{ reader, user: null, current: 0, event: 0, atrBytes: 0, atr: new Uint8Array(ATR_BYTES_MAX) }];
    check(`card: ${reader}`, getStatus(context, 0, states, states.length));
    const [{ event, atrBytes, atr }] = states as [(typeof states)[number]];
    return event & STATE_PRESENT ? atr.slice(0, atrBytes) : undefined;
  }

  function open(reader: string): { handle: number; protocol: number } {
    const card = [0];
    const protocol = [0];
    check(`card: ${reader}`, connect(context, reader, SHARE_SHARED, PROTOCOL_ANY, card, protocol));
    return { handle: card[0]!, protocol: protocol[0]! };
  }

  function connected(reader: string): PcscCard {
    const card = open(reader);
    const began = begin(card.handle) >>> 0;
    if (began !== 0) {
      disconnect(card.handle, LEAVE_CARD);
      throw failure(`card: ${reader}`, began);
    }
    const head = { protocol: card.protocol || PROTOCOL_T0, length: koffi.sizeof(request) };
    // pcscd takes no transmission of another program while ours is under way.
    let afterwards = LEAVE_CARD;
    const prepare = (command: Uint8Array) => {
      if (command[1] === INS.verify) afterwards = RESET_CARD;
      const response = Buffer.alloc(RESPONSE_BYTES_MAX);
      const length = [response.length];
      return {
        words: [card.handle, head, Buffer.from(command), command.length, null, response, length] as const,
        received(code: number): Uint8Array {
          check(`card: ${reader}`, code);
          // What some reader drivers make of a card that went away while it was asked.
          if (length[0]! < STATUS_BYTES) throw failure(`card: ${reader}`, NOT_TRANSACTED);
          return Uint8Array.from(response.subarray(0, length[0]));
        },
      };
    };
    let held = true;
    const closeNow = () => {
      if (!held) return;
      held = false;
      end(card.handle, LEAVE_CARD);
      disconnect(card.handle, afterwards);
    };
    return {
      name: reader,
      transmitNow(command) {
        const { words, received } = prepare(command);
        return received(transmit(...words));
      },
      transmit(command) {
        const { words, received } = prepare(command);
        return new Promise((resolve, reject) => {
          transmit.async(...words, (error: Error | null, code: number) => {
            try {
              if (error) throw error;
              resolve(received(code));
            } catch (thrown) {
              reject(thrown);
            }
          });
        });
      },
      closeNow,
      close: async () => closeNow(),
    };
  }

  return {
    readers: () => readerNames().map((name) => ({ name, atr: atrOf(name) })),
    connect: connected,
    close: () => void release(context),
  };
}

/** The reader that was meant: one whose name holds `wanted`, or the only one with a card in it. */
export function chooseReader(readers: readonly Reader[], wanted: string | undefined): string {
  const named = wanted === undefined ? readers : readers.filter(({ name }) => name.includes(wanted));
  const list = readers.map(({ name }) => name).join(', ');
  if (named.length === 0) {
    const what = wanted === undefined ? 'there is no card reader' : `no reader is called "${wanted}"`;
    throw new CountersignError('NotFound', `card: ${what}`, { hint: list ? `there are: ${list}` : 'connect one' });
  }
  const filled = named.filter(({ atr }) => atr !== undefined);
  const [only, second] = named.length === 1 ? named : filled;
  if (only === undefined) throw new CountersignError('CardAbsent', `card: no card in ${list}`);
  if (second === undefined) return only.name;
  throw new CountersignError('BadArgument', 'card: there is more than one card', {
    hint: `choose with --reader: ${filled.map(({ name }) => name).join(', ')}`,
  });
}
