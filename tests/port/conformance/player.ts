// Plays a script of calls (boards/port/conformance.c has its format) where WebAssembly runs as it is: Node and browsers.
// Nothing of Node's is used here; a browser loads this very file (machines.ts).

import { callable } from '../../../boards/port/conformance.js';

const OP = { end: 0, put: 1, call: 2, output: 3, reset: 4 } as const;

export interface Played {
  /** 64-bit FNV-1a over all answers, in hexadecimal. */
  digest: string;
  calls: number;
  /** Of the script. */
  bytes: number;
}

type Exports = { memory: WebAssembly.Memory } & Record<string, (...args: (number | bigint)[]) => unknown>;

export function play(module: WebAssembly.Module, script: Uint8Array): Played {
  const view = new DataView(script.buffer, script.byteOffset, script.byteLength);
  let at = 0;
  let calls = 0;
  let digest = 0xcbf29ce484222325n;
  let core = start(module);

  const answer = (byte: number): void => {
    digest = BigInt.asUintN(64, (digest ^ BigInt(byte)) * 0x100000001b3n);
  };
  const answerNumber = (value: bigint): void => {
    for (let i = 0n; i < 64n; i += 8n) answer(Number((value >> i) & 0xffn));
  };
  const take = (bytes: number): number => {
    at += bytes;
    return at - bytes;
  };
  const byte = (): number => view.getUint8(take(1));

  function put(): void {
    const offset = view.getUint16(take(2), true);
    const length = view.getUint16(take(2), true);
    core.memory.set(script.subarray(at, at + length), core.window + offset);
    take(length);
  }

  function call(): void {
    const name = core.names[byte()]!;
    const wide = byte();
    const args = Array.from({ length: byte() }, (_, i) =>
      (wide >> i) & 1 ? view.getBigUint64(take(8), true) : view.getUint32(take(4), true),
    );
    const result = core.exports[name]!(...args);
    const width = typeof result === 'bigint' ? 64 : 32;
    answerNumber(BigInt.asUintN(width, BigInt((result ?? 0) as number | bigint)));
    calls++;
  }

  function output(): void {
    const from = Number(core.exports.output!());
    const length = Number(core.exports.outputBytes!());
    answerNumber(BigInt(length));
    for (const each of core.memory.subarray(from, from + length)) answer(each);
  }

  for (;;) {
    const op = byte();
    if (op === OP.put) put();
    else if (op === OP.call) call();
    else if (op === OP.output) output();
    else if (op === OP.reset) core = start(module);
    else if (op === OP.end) return { digest: digest.toString(16).padStart(16, '0'), calls, bytes: at };
    else throw new Error(`conformance: no such step: ${op}`);
  }
}

function start(module: WebAssembly.Module) {
  const exports = new WebAssembly.Instance(module).exports as unknown as Exports;
  const names = callable(Object.keys(exports).filter((name) => name !== 'memory'));
  return { exports, names, memory: new Uint8Array(exports.memory.buffer), window: Number(exports.input!()) };
}

/** Writes a script of calls of this module's exports. */
export function scriptWriter(module: WebAssembly.Module) {
  const numbers = new Map(start(module).names.map((name, number) => [name, number]));
  const bytes: number[] = [];
  const number = (value: number | bigint, width: number): void => {
    for (let i = 0, rest = BigInt.asUintN(8 * width, BigInt(value)); i < width; i++, rest >>= 8n)
      bytes.push(Number(rest & 0xffn));
  };
  return {
    put(piece: Uint8Array): void {
      bytes.push(OP.put);
      number(0, 2);
      number(piece.length, 2);
      bytes.push(...piece);
    },
    /** A bigint is an argument of 64 bits. */
    call(name: string, args: readonly (number | bigint)[]): void {
      const which = numbers.get(name);
      if (which === undefined) return; // an address: a matter of the build
      const wide = args.reduce<number>((mask, value, i) => mask | (typeof value === 'bigint' ? 1 << i : 0), 0);
      bytes.push(OP.call, which, wide, args.length);
      for (const value of args) number(value, typeof value === 'bigint' ? 8 : 4);
      if (GIVES_OUTPUT.has(name)) bytes.push(OP.output);
    },
    reset: (): void => void bytes.push(OP.reset),
    end: (): Uint8Array => Uint8Array.from([...bytes, OP.end]),
  };
}

const GIVES_OUTPUT = new Set(['decide', 'manifestText', 'sha256Finish', 'sha512Finish']);
