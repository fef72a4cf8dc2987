// A link over a serial port, real or pseudo. Opening flushes what the board said before, and ends a half-typed line of
// a shell on it with one newline, so that the first frame starts on a clean line. A console, which is there for the
// text, asks for the port untouched.

import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { CountersignError, systemCode } from '../errors.js';
import { BAUD_DEFAULT } from '../smp/defaults.js';
import type { Link } from '../smp/link.js';
import { abortError, throwIfAborted } from '../wait.js';
import { cleanLine, type Opening, streamLink } from './stream.js';

/** When a port is wanted: who has none does not wait for its forty files. */
const library = () => import('serialport');

// A read of a line that has hung up is empty, and serialport tries it over and over, for ever. Asked for its signals, such a line
// is an error of its own (EIO); one that has no signals, as a pseudo-terminal, says something else.
const HUNG_UP = /input\/output error/i;
const WATCH_MS = 1000;

const STABLE_NAMES = '/dev/serial/by-id'; // udev's, by maker and serial number

// serialport hands on the system's words, without its code.
const ADVICE: [RegExp, string][] = [
  [/permission denied/i, 'join the group that may use serial ports, often dialout or uucp, and log in anew'],
  [/cannot lock port|busy/i, 'another program has the port open: end that one'],
  [
    /inappropriate ioctl|not implemented/i,
    'this is not a serial port: `countersign devices` lists the ports of this machine',
  ],
];

export interface PortInfo {
  path: string;
  about?: string; // maker and serial number, as far as the system knows them
}

/**
 * A link over a serial port, with console framing, and cobs with an agent that answers it. `baudRate` in bits per second.
 * Throws LinkUnavailable.
 */
export async function openSerial(
  path: string,
  baudRate = BAUD_DEFAULT,
  opening: Opening = {},
  signal?: AbortSignal,
): Promise<Link> {
  throwIfAborted(signal);
  const { SerialPort } = await library();
  const port = new SerialPort({ path, baudRate, autoOpen: false });
  const call = (action: (done: (cause: Error | null | undefined) => void) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      action((cause) => {
        if (!cause) return resolve();
        const message = cause.message.replace(/^Error:? /, '');
        const advice = ADVICE.find(([what]) => what.test(message))?.[1];
        reject(
          new CountersignError('LinkUnavailable', `serial ${path}: ${message}`, {
            cause,
            ...(advice && { hint: advice }),
          }),
        );
      });
    });
  const close = async () => {
    if (port.isOpen) await call((done) => port.close(done));
  };
  await call((done) => port.open(done));
  if (signal?.aborted) {
    await close();
    throw abortError(signal);
  }
  const clean = cleanLine(opening.framing);
  if (!opening.untouched) {
    await call((done) => port.flush(done));
    if (clean) await call((done) => port.write(clean, undefined, done));
  }
  const watch = setInterval(() => port.get((cause) => cause && HUNG_UP.test(cause.message) && port.close()), WATCH_MS);
  watch.unref();
  port.once('close', () => clearInterval(watch));
  return streamLink(path, port, close, opening.framing);
}

/** The serial ports of this machine. */
export async function listPorts(): Promise<PortInfo[]> {
  const { SerialPort } = await library();
  try {
    const found = await SerialPort.list();
    return found.map(({ path, manufacturer, serialNumber }) => {
      const about = [manufacturer, serialNumber].filter(Boolean).join(' ');
      return about ? { path, about } : { path };
    });
  } catch (cause) {
    // serialport asks udevadm, which small systems lack, or keep from us: then the names that adapters and boards get have to do.
    if (!['ENOENT', 'EACCES'].includes(systemCode(cause) ?? ''))
      throw new CountersignError('Fault', 'serial: ports cannot be listed', { cause });
    const names = await readdir('/dev').catch(() => []);
    return names.filter((name) => /^tty(USB|ACM|AMA)\d+$/.test(name)).map((name) => ({ path: `/dev/${name}` }));
  }
}

/**
 * A name by which the same adapter or board is found again when it comes back: numbers are given anew (ttyACM0, ttyACM1),
 * and another board may get the old one.
 */
export async function lastingName(path: string, names = STABLE_NAMES): Promise<string> {
  const target = await realpath(path).catch(() => undefined);
  for (const name of await readdir(names).catch(() => [])) {
    const stable = join(names, name);
    if (target !== undefined && (await realpath(stable).catch(() => undefined)) === target) return stable;
  }
  return path;
}
