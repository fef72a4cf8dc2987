// The gate that `countersign export-c --mcuboot` writes, in boot loaders that run here: a small one of ours, and with MCUBOOT=FOLDER
// in the environment MCUboot's own bootutil from a checkout. Under sanitizers; power is cut at every erase and write.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { have } from '../support/need.js';
import { buildBoard, exportGate, here, type Mode, sourcesOf } from './mcuboot/board.js';
import { bootstrap, cuts, device, type Kind, type Release, release, revertCuts, SCENES } from './mcuboot/scenes.js';

const MCUBOOT = process.env.MCUBOOT;
const COMPILING_MS = 600_000;

const folder = mkdtempSync(join(tmpdir(), 'countersign-mcuboot-'));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const LOADERS: [name: string, checkout: string | undefined, modes: Mode[]][] = [
  ['the boot loader of own/', undefined, ['offset', 'overwrite']],
  ...(MCUBOOT ? ([['MCUboot', MCUBOOT, ['offset', 'move', 'overwrite']]] as [string, string, Mode[]][]) : []),
];
const BOARDS = LOADERS.flatMap(([name, mcuboot, modes]) =>
  modes.flatMap((mode) => [true, false].map((suit) => ({ name, mcuboot, mode, suit, gate: suit ? 'suit' : 'image' }))),
);

describe.runIf(have('cc'))('a boot loader with the gate', () => {
  beforeAll(() => {
    exportGate(at('suit'));
    exportGate(at('image'), '--no-suit', '--p256');
  }, COMPILING_MS);

  describe.each(BOARDS)('$name, $mode, suit: $suit', ({ mcuboot, mode, suit, gate }) => {
    const kind: Kind = { mode, suit };
    const program = at(`${mcuboot ? 'mcuboot' : 'own'}-${mode}-${gate}`);
    beforeAll(() => {
      buildBoard({ mode, gate: at(gate), bootstrap, out: program, ...(mcuboot && { mcuboot }) });
    }, COMPILING_MS);
    const fresh = (first?: Release) => device(here(program), `${program}.flash`, kind, first);

    test.each(SCENES.filter(([, , only]) => only?.(kind) ?? true))('%s', (_name, play) => play(fresh(), fresh));

    test('power cuts: an installation, one that waits, and a way back', () => {
      const seen = [cuts(fresh, true), cuts(fresh, false), mode === 'overwrite' ? 0 : revertCuts(fresh)];
      console.log(`${program.split('/').at(-1)}: power was cut at ${seen.join(' + ')} operations`);
      expect(seen[0]).toBeGreaterThan(10);
    });
  });
});

void [execFileSync, spawnSync, sourcesOf, release];
