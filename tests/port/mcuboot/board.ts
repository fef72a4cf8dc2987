// Boards whose flash is a file, with a boot loader in front that asks the gate of `countersign export-c --mcuboot`: the small one of
// own/, and MCUboot's own bootutil where the environment names a checkout (MCUBOOT=FOLDER). Compiled for this machine under sanitizers.

import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { concat, der, makeKey, sha256, type TestKey, unhex } from '../../support/make.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const HERE = fileURLToPath(new URL('.', import.meta.url));

export const MODES = {
  offset: 'MCUBOOT_SWAP_USING_OFFSET',
  move: 'MCUBOOT_SWAP_USING_MOVE',
  scratch: 'MCUBOOT_SWAP_USING_SCRATCH',
  overwrite: 'MCUBOOT_OVERWRITE_ONLY',
};
export type Mode = keyof typeof MODES;
export const SECTOR = 1024;
const AREAS = { state: 0, documents: 0x800, primary: 0x4000, secondary: 0x8000 };
const PRIMARY_BYTES = 10 * SECTOR;
const FLASH_BYTES = 0xc000;

// --- what MCUboot checks: the maker's key and the images that it signs ---

export const maker = makeKey('p256', 'maker');
const MAGIC = Buffer.from('77c295f360d2ef7f3552500f2cb67980', 'hex');
export const TLV = { keyhash: 0x01, sha256: 0x10, signature: 0x22, head: 0x43a0, counter: 0x50 };

export interface ImageOptions {
  revision?: number;
  bytes?: number;
  /** Unprotected, behind those of imgtool, or before them all. */
  more?: [type: number, value: Uint8Array][];
  first?: [type: number, value: Uint8Array][];
  /** Somebody else's signature. */
  key?: TestKey;
  /** What is made of the signature, DER. */
  signature?: (signature: Uint8Array) => Uint8Array;
}

const tlvArea = (magic: number, tlvs: [type: number, value: Uint8Array][]): Uint8Array => {
  const parts = tlvs.map(([type, value]) => {
    const head = Buffer.alloc(4);
    head.writeUInt16LE(type, 0);
    head.writeUInt16LE(value.length, 2);
    return concat(head, value);
  });
  const body = concat(...parts);
  const info = Buffer.alloc(4);
  info.writeUInt16LE(magic, 0);
  info.writeUInt16LE(body.length + 4, 2);
  return concat(info, body);
};

/** SubjectPublicKeyInfo (RFC 5480) of a P-256 key. */
const SPKI = unhex('3059301306072a8648ce3d020106082a8648ce3d03010703420004');
const spki = ({ x, y }: TestKey): Uint8Array => concat(SPKI, x, y!);

export interface SignedImage {
  bytes: Uint8Array;
  /** What the hash is over: header, body, protected TLVs. */
  region: Uint8Array;
  hash: Uint8Array;
  revision: number;
}

/** As imgtool signs it. */
export function makeSigned({
  revision = 1,
  bytes = 3000,
  more = [],
  first = [],
  key = maker,
  signature = (same) => same,
}: ImageOptions = {}): SignedImage {
  const body = new Uint8Array(bytes).map((_, i) => (i * 7 + revision * 31) & 0xff);
  const signed = tlvArea(0x6908, [[TLV.counter, Uint8Array.of(revision, 0, 0, 0)]]);
  const header = Buffer.alloc(32);
  header.writeUInt32LE(0x96f3b83d, 0);
  header.writeUInt16LE(32, 8);
  header.writeUInt16LE(signed.length, 10);
  header.writeUInt32LE(bytes, 12);
  header.writeUInt16LE(revision, 22);
  const region = concat(header, body, signed);
  const hash = sha256(region);
  const plain = tlvArea(0x6907, [
    ...first,
    [TLV.sha256, hash],
    [TLV.keyhash, sha256(spki(key))],
    [TLV.signature, signature(der(key.sign(region)))],
    ...more,
  ]);
  return { bytes: concat(region, plain), region, hash, revision };
}

// --- the flash ---

/** A flash that a test writes to as serial recovery, an application or a programmer does. */
export class Flash {
  readonly bytes = Buffer.alloc(FLASH_BYTES, 0xff);
  readonly mode: Mode;
  constructor(mode: Mode) {
    this.mode = mode;
  }
  get secondaryBytes(): number {
    return (this.mode === 'offset' ? 11 : 10) * SECTOR;
  }
  private put(at: number, bytes: number, content: Uint8Array): void {
    this.bytes.fill(0xff, at, at + bytes);
    this.bytes.set(content, at);
  }
  /** Straight into the slot that runs, its trailer with it: serial recovery. */
  primary({ bytes }: SignedImage): this {
    this.put(AREAS.primary, PRIMARY_BYTES, bytes);
    return this;
  }
  /** Where MCUboot looks for a new image; marked for a swap. */
  secondary({ bytes }: { bytes: Uint8Array }, mark: 'test' | 'perm' | 'none' = 'test', at?: number): this {
    this.put(AREAS.secondary, this.secondaryBytes, new Uint8Array());
    this.bytes.set(bytes, AREAS.secondary + (at ?? (this.mode === 'offset' ? SECTOR : 0)));
    return this.mark(mark);
  }
  mark(mark: 'test' | 'perm' | 'none'): this {
    if (mark === 'none') return this;
    const end = AREAS.secondary + this.secondaryBytes;
    this.bytes.set(MAGIC, end - 16);
    if (mark === 'perm') this.bytes[end - 24] = 1;
    this.bytes[end - 40] = mark === 'perm' ? 3 : 2;
    return this;
  }
  /** The application: this image works. */
  confirm(): this {
    this.bytes[AREAS.primary + PRIMARY_BYTES - 24] = 1;
    return this;
  }
  /** Whoever can write the trailer of the slot that runs asks for the earlier image. */
  forgeRevert(): this {
    const end = AREAS.primary + PRIMARY_BYTES;
    this.bytes.fill(0xff, end - SECTOR, end);
    this.bytes.set(MAGIC, end - 16);
    this.bytes[end - 32] = 1;
    return this;
  }
  slot(name: 'primary' | 'secondary'): Buffer {
    const bytes = name === 'primary' ? PRIMARY_BYTES : this.secondaryBytes;
    return this.bytes.subarray(AREAS[name], AREAS[name] + bytes);
  }
  get state(): Buffer {
    return this.bytes.subarray(AREAS.state, AREAS.state + 2 * SECTOR);
  }
  get documents(): Buffer {
    return this.bytes.subarray(AREAS.documents, AREAS.documents + 8 * SECTOR);
  }
}

// --- the programs ---

export interface Told {
  slot: 'primary' | 'secondary';
  decision: 'passes' | 'waits' | 'refused';
  reason: number;
}

export interface Outcome {
  told: Told[];
  /** Revision of the image that starts; undefined: none does, or power was cut. */
  boots: number | undefined;
  cut: boolean;
  /** Erases and writes. */
  operations: number;
}

export interface BuildOptions {
  mode: Mode;
  gate: string; // the folder that export-c wrote
  /** The document, or the path of the C that `countersign bootstrap` wrote. */
  bootstrap: Uint8Array | string;
  out: string;
  /** A checkout of MCUboot; without it the boot loader of own/. */
  mcuboot?: string;
  defines?: string[];
}

const BOOTUTIL = [
  ...['bootutil_misc', 'bootutil_public', 'loader', 'swap_misc', 'swap_move', 'swap_scratch', 'swap_offset', 'tlv'],
  ...['image_validate', 'image_ecdsa', 'bootutil_img_hash', 'bootutil_find_key', 'fault_injection_hardening'],
  ...['bootutil_area', 'bootutil_loader', 'bootutil_img_security_cnt', 'caps'],
];

const array = (name: string, bytes: Uint8Array) => `const uint8_t ${name}[] = {${bytes.join(',')}};`;

function keysFile(path: string, bootstrap: Uint8Array | string, real: boolean): void {
  const key = spki(maker);
  const lines = [
    '#include <stdint.h>',
    ...(typeof bootstrap === 'string'
      ? [`#include "${bootstrap}"`]
      : [
          array('countersign_bootstrap', bootstrap),
          `const uint32_t countersign_bootstrap_bytes = ${bootstrap.length};`,
        ]),
    array('boot_key', key),
    ...(real
      ? [
          '#include "bootutil/sign_key.h"',
          `const unsigned int boot_key_bytes = ${key.length};`,
          'const struct bootutil_key bootutil_keys[] = {{boot_key, &boot_key_bytes}};',
          'const int bootutil_key_cnt = 1;',
        ]
      : []),
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
}

const STRICT = ['-std=gnu11', '-Wall', '-Wextra', '-Werror'];
const NATIVE = ['-g', '-O1', '-fno-ivopts', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
/** countersign.c takes longest to compile, and is the same for every board of a gate. */
const objects = new Map<string, string>();

function verifierOf(gate: string): string {
  const known = objects.get(gate);
  if (known !== undefined) return known;
  const object = join(gate, 'countersign.o');
  execFileSync('cc', [...STRICT, ...NATIVE, '-c', join(gate, 'countersign.c'), '-o', object]);
  objects.set(gate, object);
  return object;
}

/** What the compiler is given besides the verifier: options and files. */
export function sourcesOf({ mode, gate, bootstrap, out, mcuboot, defines = [] }: BuildOptions): string[] {
  const keys = `${out}-keys.c`;
  keysFile(keys, bootstrap, mcuboot !== undefined);
  const bootutil = mcuboot === undefined ? undefined : join(mcuboot, 'boot/bootutil');
  const loader = bootutil ? BOOTUTIL.map((name) => join(bootutil, 'src', `${name}.c`)) : [join(HERE, 'own/boot.c')];
  const folders = bootutil ? [join(bootutil, 'include'), join(bootutil, 'src')] : [join(HERE, 'own')];
  const own = readdirSync(gate).filter((name) => name.endsWith('.c') && name !== 'countersign.c');
  return [
    ...[`-D${MODES[mode]}`, '-DCOUNTERSIGN_STATE_AREA=3', '-DCOUNTERSIGN_DOCUMENTS_AREA=4'],
    ...['-DCOUNTERSIGN_SECTOR_BYTES=SECTOR_BYTES', ...defines],
    ...[join(HERE, 'port'), ...folders, gate].flatMap((folder) => ['-I', folder]),
    ...['-include', join(gate, 'mcuboot_custom_crypto.h')],
    ...own.map((name) => join(gate, name)),
    ...[join(HERE, 'flash.c'), join(HERE, 'main.c'), keys, ...loader],
  ];
}

/** Compiles a board for this machine; returns its program. */
export function buildBoard(options: BuildOptions): string {
  // MCUboot's own files are not held to our warnings.
  const warnings = options.mcuboot === undefined ? STRICT : ['-std=gnu11', '-w'];
  execFileSync('cc', [...warnings, ...NATIVE, ...sourcesOf(options), verifierOf(options.gate), '-o', options.out], {
    stdio: 'pipe',
  });
  return options.out;
}

export function exportGate(folder: string, ...words: string[]): string {
  const command = join(ROOT, 'dist/bin/countersign.js');
  const cpu = words.includes('--cpu') ? [] : ['--cpu', 'm4'];
  execFileSync(process.execPath, [command, 'export-c', '--mcuboot', '-o', folder, ...cpu, ...words]);
  return folder;
}

const DECISIONS = ['passes', 'waits', 'refused'] as const;

/** How a program is started: this machine, or an emulated one. */
export type Run = (words: string[]) => { stdout: string; stderr: string; status: number | null };
export const here =
  (program: string): Run =>
  (words) =>
    spawnSync(program, words, { encoding: 'utf8' });

export class Board {
  readonly run: Run;
  readonly file: string;
  readonly flash: Flash;
  constructor(run: Run, file: string, mode: Mode) {
    this.run = run;
    this.file = file;
    this.flash = new Flash(mode);
  }
  private command(words: string[]): Outcome {
    writeFileSync(this.file, this.flash.bytes);
    const { stdout, stderr, status } = this.run([this.file, ...words]);
    if (stderr !== '' || (status !== 0 && status !== 9)) throw new Error(`board: ended ${status}\n${stdout}${stderr}`);
    this.flash.bytes.set(readFileSync(this.file));
    const told = Array.from(
      stdout.matchAll(/^told (\d) (\d) (\d+)$/gm),
      ([, slot, decision, reason]): Told => ({
        slot: slot === '0' ? 'primary' : 'secondary',
        decision: DECISIONS[Number(decision) - 1]!,
        reason: Number(reason),
      }),
    );
    const revision = /^boots (\d+)$/m.exec(stdout)?.[1];
    if (status === 0 && !/^(boots \d+|stops|put|not put)$/m.test(stdout)) throw new Error(`board: said ${stdout}`);
    return {
      told,
      boots: revision === undefined ? undefined : Number(revision),
      cut: status === 9,
      operations: Number(/^operations (\d+)$/m.exec(stdout)?.[1] ?? 0),
    };
  }
  boot(...words: string[]): Outcome {
    return this.command(words);
  }
  /** The application brings a document, or the head of a package. */
  approval(document: Uint8Array, ...more: string[]): Outcome {
    writeFileSync(`${this.file}-document`, document);
    return this.command(['--put', `${this.file}-document`, ...more]);
  }
  head({ hash }: { hash: Uint8Array }, head: Uint8Array): Outcome {
    writeFileSync(`${this.file}-document`, concat(hash, head));
    return this.command(['--head', `${this.file}-document`]);
  }
}
