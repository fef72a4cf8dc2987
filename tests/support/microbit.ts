// The emulated micro:bit for tests: firmware built once a run from the module at hand, its UART as raw text, and nothing left running.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EmulatorOptions, type MicrobitEmulator, startEmulator } from '../../boards/microbit/qemu.js';
import { buildFirmware } from '../../boards/port/build.js';
import { have } from './need.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Everything that building and running the board takes. */
export const canRunMicrobit = (): boolean => have('qemu-system-arm', 'arm-none-eabi-gcc', 'sh');

/** Compiles AssemblyScript with the options of asconfig.json. */
export function compileModule(entry: string, wasm: string): void {
  const { options } = JSON.parse(readFileSync(join(ROOT, 'asconfig.json'), 'utf8')) as { options: object };
  const flags = Object.entries(options).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : value === false ? [] : [`--${name}`, String(value)],
  );
  const asc = join(createRequire(import.meta.url).resolve('assemblyscript/package.json'), '../bin/asc.js');
  execFileSync(process.execPath, ['--liftoff-only', asc, entry, ...flags, '-o', wasm], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

export interface Bench {
  /** The firmware's ELF. */
  firmware: string;
  start(options?: Partial<EmulatorOptions>): Promise<MicrobitEmulator>;
  end(): Promise<void>;
}

/** @param wasm the module in the agent's place; build/agent.wasm without it */
export async function microbitBench(wasm?: (folder: string) => string): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-microbit-'));
  const firmware = await buildFirmware('microbit', { folder, ...(wasm ? { wasm: wasm(folder) } : {}) });
  const running = new Set<MicrobitEmulator>();
  return {
    firmware,
    async start(options = {}) {
      const emulator = await startEmulator({ firmware, ...options });
      running.add(emulator);
      void emulator.exited.then(() => running.delete(emulator));
      return emulator;
    },
    async end() {
      await Promise.all([...running].map((emulator) => emulator.close()));
      rmSync(folder, { recursive: true });
    },
  };
}

export interface Terminal {
  /** Everything received since the last `take`. */
  readonly text: string;
  /** Sends, waits for `pattern` in what comes back, and returns all up to and including it. */
  ask(bytes: string, pattern: RegExp, timeoutMs?: number): Promise<string>;
  close(): void;
}

/** The UART as a person's terminal shows it: bytes as latin1 text. */
export async function openTerminal(url: string): Promise<Terminal> {
  const socket: Socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  let text = '';
  const heard = new Set<() => void>();
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    for (const listener of heard) listener();
  });
  return {
    get text() {
      return text;
    },
    ask(bytes, pattern, timeoutMs = 10_000) {
      socket.write(Buffer.from(bytes, 'latin1'));
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          heard.delete(look);
          reject(new Error(`no ${pattern} within ${timeoutMs} ms; heard ${JSON.stringify(text)}`));
        }, timeoutMs);
        const look = (): void => {
          const found = pattern.exec(text);
          if (!found) return;
          clearTimeout(timer);
          heard.delete(look);
          const end = found.index + found[0].length;
          resolve(text.slice(0, end));
          text = text.slice(end);
        };
        heard.add(look);
        look();
      });
    },
    close: () => socket.destroy(),
  };
}
