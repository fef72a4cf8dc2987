// The card behind a modem, by whichever of three ways the modem has (3GPP TS 27.007), tried in this order:
//
//   CCHO, CGLA, CCHC   a logical channel that the modem opens: its session id is handed back as it came, the class byte
//                      goes without channel number, the application is selected by opening
//   CSIM               the same by hand: MANAGE CHANNEL, and the number in every class byte
//   CRSM               whole file commands; the modem selects. Reaches the PKCS#15 application by its usual path, if at all
//
// Lengths are of hex digits, both ways. Numbers of CRSM are decimal.

import { CountersignError } from '../errors.js';
import { fromHex, hex, join } from '../formats/bytes.js';
import { commandBytes, INS, responseOf, STATUS } from './apdu.js';
import type { CardChannel } from './channel.js';
import { APPLICATION_ID, FILE } from './layout.js';
import { type Modem, ModemError } from './modem.js';
import { u16 } from './tlv.js';

const BY_NAME = 0x04;
const BY_ID = 0x00;
const FROM_MASTER = 0x08;
const MASTER_FILE = '3f00';
const CRSM = { read: 176, getResponse: 192, update: 214 } as const;

export async function modemChannel(modem: Modem): Promise<CardChannel> {
  const ways = [byLogicalChannel, byCsim, byCrsm];
  let refused: unknown;
  for (const way of ways) {
    try {
      return await way(modem);
    } catch (error) {
      if (!(error instanceof ModemError) || error.reason.name === 'CardAbsent') throw error;
      refused = error;
    }
  }
  throw refused;
}

const isSelectByName = (command: Uint8Array) => command[1] === INS.select && command[2] === BY_NAME;
const ok = (data: Uint8Array = new Uint8Array(0)) => join([data, u16(STATUS.ok)]);

async function byLogicalChannel(modem: Modem): Promise<CardChannel> {
  const application = hex(APPLICATION_ID).toUpperCase();
  const session = value(await modem.ask(`AT+CCHO="${application}"`), 'CCHO') ?? '';
  if (session === '') throw new CountersignError('CardRefused', `modem ${modem.name}: it names no session`);
  return {
    name: modem.name,
    async transmit(command) {
      // Opening has selected the application, and many modems forbid to select another.
      if (isSelectByName(command)) return ok();
      const digits = hex(command).toUpperCase();
      return digitsOf(await asked(modem, `AT+CGLA=${session},${digits.length},"${digits}"`), 'CGLA', modem);
    },
    async close() {
      await modem.ask(`AT+CCHC=${session}`).catch(() => undefined);
      await modem.close();
    },
  };
}

async function byCsim(modem: Modem): Promise<CardChannel> {
  const send = async (command: Uint8Array) => {
    const digits = hex(command).toUpperCase();
    return digitsOf(await modem.ask(`AT+CSIM=${digits.length},"${digits}"`), 'CSIM', modem);
  };
  const { status, data } = responseOf(await send(commandBytes({ ins: INS.manageChannel, wanted: 1 })));
  const number = data[0];
  if (status !== STATUS.ok || number === undefined || number < 1 || number > 3) {
    throw new ModemError(modem.name, 'AT+CSIM', 'no logical channel');
  }
  return {
    name: modem.name,
    transmit: (command) => gone(send(Uint8Array.of(command[0]! | number, ...command.slice(1)))),
    async close() {
      const last = commandBytes({ ins: INS.manageChannel, p1: 0x80, p2: number }, number);
      await send(last).catch(() => undefined);
      await modem.close();
    },
  };
}

/** Makes of SELECT, READ BINARY and UPDATE BINARY the file commands that the modem has instead. */
async function byCrsm(modem: Modem): Promise<CardChannel> {
  const root = hex(u16(FILE.application));
  let file = '';
  let folder = '';

  async function run(command: number, p1: number, p2: number, p3: number, data = ''): Promise<Uint8Array> {
    const words = [command, Number.parseInt(file, 16), p1, p2, p3, data ? `"${data}"` : '', `"${folder}"`];
    const answer = value(await asked(modem, `AT+CRSM=${words.join(',')}`), 'CRSM') ?? '';
    const [, high, low, digits = ''] = /^(\d+) *, *(\d+)(?: *, *"?([0-9a-f]*)"?)?$/i.exec(answer) ?? [];
    if (high === undefined) throw new CountersignError('CardRefused', `modem ${modem.name}: +CRSM: ${answer}`);
    return join([fromHex(digits), Uint8Array.of(Number(high), Number(low))]);
  }

  function select(path: string): Promise<Uint8Array> {
    file = path.slice(-4);
    folder = path.slice(0, -4).toUpperCase();
    return run(CRSM.getResponse, 0, 0, 0);
  }

  const channel: CardChannel = {
    name: modem.name,
    async transmit(command) {
      const [, ins, p1 = 0, p2 = 0, length = 0] = command;
      const data = hex(command.slice(5, 5 + length));
      if (isSelectByName(command)) return select(`${root}${hex(u16(FILE.objects))}`);
      if (ins === INS.select && p1 === FROM_MASTER) return select(data);
      if (ins === INS.select && p1 === BY_ID && data !== MASTER_FILE) return select(`${root}${data}`);
      if (ins === INS.readBinary) return run(CRSM.read, p1, p2, length);
      if (ins === INS.updateBinary) return run(CRSM.update, p1, p2, length, data);
      return fromHex(ins === INS.select ? '6a82' : '6d00');
    },
    close: () => modem.close(),
  };
  await modem.ask('AT+CRSM=?');
  return channel;
}

/** The text behind "+NAME: ", or the one line of a modem that prints it bare. */
function value(lines: readonly string[], name: string): string | undefined {
  const marked = lines.find((line) => line.startsWith(`+${name}:`));
  return marked ? marked.slice(name.length + 2).trim() : lines.find((line) => /^[0-9a-f]+$/i.test(line));
}

function digitsOf(lines: readonly string[], name: string, modem: Modem): Uint8Array {
  const answer = value(lines, name) ?? '';
  const [, length, digits = ''] = /^(\d+) *, *"?([0-9a-f]*)"?$/i.exec(answer) ?? [];
  if (length !== undefined && digits.length === Number(length) && digits.length % 2 === 0) return fromHex(digits);
  throw new CountersignError('CardRefused', `modem ${modem.name}: +${name}: ${answer}`);
}

const asked = (modem: Modem, command: string): Promise<string[]> => gone(modem.ask(command));

/** In the middle of the work, a card that is not there any more was pulled out. */
async function gone<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ModemError) || error.reason.name !== 'CardAbsent') throw error;
    throw new CountersignError('CardRemoved', error.message, { cause: error });
  }
}
