// A modem on a serial port, spoken to in AT commands (ITU-T V.250): one line out, lines in, until a final result.
//
// Only one command is under way at a time; what the modem says of its own accord (unsolicited results) is passed over
// unless it looks like the answer. An error of the modem keeps its text, since modems say more in words than in numbers.

import { SerialPort } from 'serialport';
import { CountersignError } from '../errors.js';
import type { ReasonName } from '../reasons.js';

const ANSWER_MS = 10_000; // a card behind a modem may take seconds to answer
const LINE_BYTES_MAX = 4096;

export interface Modem {
  readonly name: string;
  /** The lines of the answer before its OK, without echo. Throws ModemError for ERROR. */
  ask(command: string): Promise<string[]>;
  close(): Promise<void>;
}

/** The modem said ERROR, or +CME ERROR (3GPP TS 27.007 section 9.2): its number, if it gave one. */
export class ModemError extends CountersignError {
  readonly number: number | undefined;

  constructor(name: string, command: string, text: string) {
    const number = /^\+CME ERROR: *(\d+)$/.exec(text)?.[1];
    super(reasonOf(Number(number), text), `modem ${name}: ${command.replace(/=.*/, '')}: ${text}`);
    this.number = number === undefined ? undefined : Number(number);
  }
}

function reasonOf(number: number, text: string): ReasonName {
  if (number === 10 || /not inserted/i.test(text)) return 'CardAbsent';
  if (number === 13 || /SIM failure/i.test(text)) return 'CardRemoved';
  if (number === 14 || /SIM busy/i.test(text)) return 'LinkUnavailable';
  return 'CardRefused';
}

export async function openModem(path: string, baudRate: number, answerMs = ANSWER_MS): Promise<Modem> {
  const port = new SerialPort({ path, baudRate, autoOpen: false });
  await new Promise<void>((resolve, reject) => {
    port.open((cause) => {
      if (!cause) return resolve();
      reject(new CountersignError('LinkUnavailable', `modem ${path}: ${cause.message}`, { cause }));
    });
  });
  let rest = '';
  let hear: (line: string) => void = () => undefined;
  let lost: (error: Error) => void = () => undefined;
  port.on('data', (bytes: Buffer) => {
    const lines = (rest + bytes.toString('latin1')).split(/[\r\n]+/);
    rest = lines.pop()!.slice(-LINE_BYTES_MAX);
    for (const line of lines) if (line !== '') hear(line.trim());
  });
  for (const event of ['error', 'close']) {
    port.on(event, () => lost(new CountersignError('LinkLost', `modem ${path}: the port is gone`)));
  }

  const modem: Modem = {
    name: path,
    ask(command) {
      return new Promise<string[]>((resolve, reject) => {
        const lines: string[] = [];
        const end = (settle: () => void) => {
          clearTimeout(timer);
          hear = () => undefined;
          lost = () => undefined;
          settle();
        };
        const timer = setTimeout(() => {
          end(() => reject(new CountersignError('NoAnswer', `modem ${path}: no answer to ${command}`)));
        }, answerMs);
        lost = (error) => end(() => reject(error));
        hear = (line) => {
          if (line === command) return; // echo
          if (line === 'OK') end(() => resolve(lines));
          else if (/^(ERROR|\+CM[ES] ERROR:)/.test(line)) end(() => reject(new ModemError(path, command, line)));
          else lines.push(line);
        };
        port.write(`${command}\r`);
      });
    },
    close: () => new Promise((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve())),
  };
  try {
    await modem.ask('ATE0');
  } catch (error) {
    await modem.close();
    throw error;
  }
  return modem;
}
