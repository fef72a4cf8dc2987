// The gdb side of a running QEMU: memory written while the machine stands still, and one place of the program at which it
// stops for a look. QEMU lets gdb write flash as well. No more of the protocol than that takes.
//
// QEMU ends itself when the processor locks up, which on silicon is a reset. What its flash held then is gone with it: so
// the flash is looked at where the agent hands over to an application, behind everything that it wrote.

import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { CountersignError } from '../../host/errors.js';
import { withResolvers } from '../../host/wait.js';

const WRITE_BYTES = 1024; // two digits a byte and a head must fit QEMU's packet of 4096
const TRAP = 'T05'; // stopped at a breakpoint, or after a step; T02 is a stop that QMP asked for

export interface Debugger {
  /** The machine must stand still. */
  write(address: number, bytes: Uint8Array): Promise<void>;
  /** Before the machine runs. `look` is called each time, while it stands still there. */
  stopAt(address: number, look: () => Promise<void>): Promise<void>;
}

export function openDebugger(socket: Socket): Debugger {
  let received = '';
  let answer: ((packet: string) => void) | undefined;
  let looking: (() => Promise<void>) | undefined;

  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    for (let found = next(); found; found = next()) {
      received = received.slice(found.index + found[0].length);
      socket.write('+');
      take(found[1]!);
    }
  });
  const next = () => /\$([^#]*)#[0-9a-f]{2}/.exec(received);

  function take(packet: string): void {
    const isStop = /^[TS]\d/.test(packet);
    if (answer && (!isStop || packet.startsWith(TRAP))) {
      const give = answer;
      answer = undefined;
      give(packet);
    } else if (packet.startsWith(TRAP)) void atBreak();
  }

  function send(body: string): void {
    const sum = Buffer.from(body).reduce((total, byte) => (total + byte) & 0xff, 0);
    socket.write(`$${body}#${sum.toString(16).padStart(2, '0')}`);
  }

  function ask(body: string): Promise<string> {
    const { promise, resolve } = withResolvers<string>();
    answer = resolve;
    send(body);
    return promise;
  }

  async function must(body: string): Promise<void> {
    const said = await ask(body);
    if (said !== 'OK') throw new CountersignError('Fault', `qemu: gdb's ${body.slice(0, 1)} was answered "${said}"`);
  }

  async function atBreak(): Promise<void> {
    await looking?.().catch(() => undefined); // the emulator is being ended
    await ask('s'); // over the breakpoint
    send('c');
  }

  return {
    async write(address, bytes) {
      for (let at = 0; at < bytes.length; at += WRITE_BYTES) {
        const piece = bytes.subarray(at, at + WRITE_BYTES);
        const hex = Buffer.from(piece).toString('hex');
        await must(`M${(address + at).toString(16)},${piece.length.toString(16)}:${hex}`);
      }
    },
    async stopAt(address, look) {
      looking = look;
      await must(`Z1,${address.toString(16)},2`);
    },
  };
}

/** The address of a function in a 32-bit ELF file, without the bit that says Thumb. */
export function addressOf(elf: string, name: string): number {
  const file = readFileSync(elf);
  const sections = file.readUInt32LE(0x20);
  const [size, count] = [file.readUInt16LE(0x2e), file.readUInt16LE(0x30)];
  const section = (index: number) => {
    const at = sections + index * size;
    const [type, offset, bytes, link] = [0x04, 0x10, 0x14, 0x18].map((field) => file.readUInt32LE(at + field));
    return { type: type!, offset: offset!, bytes: bytes!, link: link! };
  };
  for (let index = 0; index < count; index++) {
    const { type, offset, bytes, link } = section(index);
    if (type !== SYMBOL_TABLE) continue;
    const names = section(link).offset;
    for (let at = offset; at < offset + bytes; at += SYMBOL_BYTES) {
      const from = names + file.readUInt32LE(at);
      if (file.toString('latin1', from, file.indexOf(0, from)) === name) return file.readUInt32LE(at + 4) & ~1;
    }
  }
  throw new CountersignError('FileMalformed', `microbit: ${elf} has no function ${name}`);
}

const SYMBOL_TABLE = 2;
const SYMBOL_BYTES = 16;
