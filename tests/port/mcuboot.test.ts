// The gate that `countersign export-c --mcuboot` writes, in boot loaders that run here: a small one of ours, and with MCUBOOT=FOLDER
// in the environment MCUboot's own bootutil from a checkout. Under sanitizers; power is cut at every erase and write.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reasons } from '../../host/reasons.js';
import { SCRIPT, VECTORS } from '../support/bare-metal.js';
import { makeBootstrap } from '../support/make.js';
import { have } from '../support/need.js';
import { buildBoard, exportGate, here, type Mode, type Run, sourcesOf, TLV } from './mcuboot/board.js';
import { cuts, revertCuts } from './mcuboot/cuts.js';
import { anchors, approve, bootstrap, bring, devices, type Kind, operator, release, says } from './mcuboot/device.js';
import { SCENES } from './mcuboot/scenes.js';

const MCUBOOT = process.env.MCUBOOT;
const COMPILING_MS = 600_000;
const IN_TLV = '-DCOUNTERSIGN_HEAD_IN_TLV=1';
/** Scenes that an emulated processor plays, too. */
const ON_ARM = /^(an approved image|what is not approved yet|who makes images alone|what an operator has denied)/;

const folder = mkdtempSync(join(tmpdir(), 'countersign-mcuboot-'));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const LOADERS: [name: string, checkout: string | undefined, modes: Mode[]][] = [
  ['the boot loader of own/', undefined, ['offset', 'overwrite']],
  ...(MCUBOOT
    ? ([['MCUboot', MCUBOOT, ['offset', 'move', 'scratch', 'overwrite']]] as [string, string, Mode[]][])
    : []),
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
    const fresh = devices(here(program), `${program}.flash`, kind);

    test.each(SCENES.filter(([, , only]) => only?.(kind) ?? true))('%s', (_name, play) => play(fresh(), fresh));

    test('power cuts: an installation, one that waits, and a way back', () => {
      const seen = [cuts(fresh, true), cuts(fresh, false), mode === 'overwrite' ? 0 : revertCuts(fresh)];
      console.log(`${program.split('/').at(-1)}: power was cut at ${seen.join(' + ')} operations`);
      expect(seen[0]).toBeGreaterThan(10);
    });
  });

  test('takes the head from a TLV of the image, if there is one and not two', { timeout: COMPILING_MS }, () => {
    const out = buildBoard({ ...{ mode: 'offset', gate: at('suit'), bootstrap, out: at('tlv') }, defines: [IN_TLV] });
    const scene = devices(here(out), `${out}.flash`, { mode: 'offset', suit: true })();
    const plain = release(2);
    approve(scene, release(1), plain);
    const withHeads = (...heads: Uint8Array[]) =>
      release(2, { more: heads.map((head): [number, Uint8Array] => [TLV.head, head]) });
    scene.board.flash.secondary(withHeads(plain.head, plain.head));
    expect(scene.board.boot()).toMatchObject({ boots: 1, told: [{ decision: 'waits' }, { decision: 'passes' }] });
    scene.board.flash.secondary(withHeads(release(3).head));
    expect(scene.board.boot().told[0]).toMatchObject({ decision: 'waits', reason: reasons.PayloadDigest.code });
    scene.board.flash.secondary(withHeads(plain.head));
    expect(scene.board.boot()).toMatchObject({ boots: 2 });
  });

  test('where the boot loader allows no TLV, heads come in the documents area', { timeout: COMPILING_MS }, () => {
    const allowList = ['-DMCUBOOT_USE_TLV_ALLOW_LIST'];
    const out = buildBoard({ ...{ mode: 'offset', gate: at('suit'), bootstrap, out: at('list') }, defines: allowList });
    const scene = devices(here(out), `${out}.flash`, { mode: 'offset', suit: true })();
    const next = release(2);
    approve(scene, release(1), next);
    bring(scene, next);
    scene.board.flash.secondary(release(2, { more: [[TLV.head, next.head]] }));
    expect(scene.board.boot()).toMatchObject({ boots: 1 }); // the boot loader itself refuses it
    scene.board.flash.secondary(next);
    expect(scene.board.boot()).toMatchObject({ boots: 2 });
  });

  test('asks the user where the policy says so, and takes nothing else for a yes', { timeout: COMPILING_MS }, () => {
    const asks = makeBootstrap({ anchors, policy: { unapproved: 1 } });
    for (const [gate, suit] of [
      ['suit', true],
      ['image', false],
    ] as const) {
      const out = buildBoard({ mode: 'overwrite', gate: at(gate), bootstrap: asks, out: at(`asks-${gate}`) });
      const scene = devices(here(out), `${out}.flash`, { mode: 'overwrite', suit })();
      const next = release(2);
      bring(scene, next);
      scene.board.flash.secondary(next);
      expect(scene.board.boot()).toMatchObject({ boots: 1, told: [{ decision: 'waits' }, { decision: 'passes' }] });
      scene.board.flash.mark('test');
      expect(scene.board.boot('--yes')).toMatchObject({ boots: 2 });
      expect(scene.board.boot()).toMatchObject({ boots: 2 }); // the yes is kept with the image
    }
  });

  test('an approval that has lapsed by the clock opens nothing', { timeout: COMPILING_MS }, () => {
    const out = at('own-overwrite-suit');
    buildBoard({ mode: 'overwrite', gate: at('suit'), bootstrap, out });
    const scene = devices(here(out), `${out}.flash`, { mode: 'overwrite', suit: true })();
    const next = release(2);
    bring(scene, next);
    scene.board.approval(says(1, scene.kind, [next], operator, { expires: 2_000_000_000 }));
    scene.board.flash.secondary(next);
    expect(scene.board.boot('--time', '2000000000').told[0]).toMatchObject({
      ...{ decision: 'waits', reason: reasons.ApprovalExpired.code },
    });
    scene.board.flash.mark('test');
    expect(scene.board.boot('--time', '1999999999')).toMatchObject({ boots: 2 });
  });

  test.each([
    [
      'MCUBOOT_USE_TLV_ALLOW_LIST beside a head in a TLV',
      ['-DMCUBOOT_USE_TLV_ALLOW_LIST', IN_TLV],
      /allow list refuses/,
    ],
    ['a mode in which MCUboot erases what waits', ['-DMCUBOOT_DIRECT_XIP'], /modes that swap or overwrite/],
    ['one slot', ['-DMCUBOOT_SINGLE_APPLICATION_SLOT'], /modes that swap or overwrite/],
    ['RAM loading', ['-DMCUBOOT_RAM_LOAD'], /modes that swap or overwrite/],
    ['signatures without a hash', ['-DMCUBOOT_SIGN_PURE'], /SHA-256 of the image/],
    ['another hash', ['-DMCUBOOT_SHA512'], /SHA-256 of the image/],
    ['compressed images', ['-DMCUBOOT_DECOMPRESS_IMAGES'], /SHA-256 of the image/],
    ['a primary slot that is not checked', ['-DNO_PRIMARY'], /starts unseen/],
    ['no hooks', ['-DPLAIN'], /MCUBOOT_IMAGE_ACCESS_HOOKS/],
    ['two images', ['-DMCUBOOT_IMAGE_NUMBER=2'], /for one image/],
  ])('is not compiled for %s', (_name, defines, why) => {
    const words = sourcesOf({ mode: 'overwrite', gate: at('suit'), bootstrap, out: at('refused'), defines });
    const { status, stderr } = spawnSync('cc', ['-std=gnu11', '-fsyntax-only', ...words], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([1, expect.stringMatching(why)]);
  });
});

/** docs/mcuboot.md names these for a Cortex-M0. */
const SMALLER = [
  ...['-fno-expensive-optimizations', '-fno-tree-loop-im', '-fno-tree-loop-ivcanon', '-fno-tree-tail-merge', '-fweb'],
  ...['-fno-move-loop-invariants', '-fno-tree-ch', '-fno-code-hoisting', '-frename-registers'],
];

describe.runIf(have('arm-none-eabi-gcc', 'qemu-system-arm'))('the gate as code for a Cortex-M0', () => {
  test.each(['suit', 'image'])('%s: decides on an emulated ARM as it does here', { timeout: COMPILING_MS }, (gate) => {
    const from = exportGate(at(`m0-${gate}`), '--cpu', 'm0', '--p256', ...(gate === 'image' ? ['--no-suit'] : []));
    const elf = at(`m0-${gate}.elf`);
    writeFileSync(at('vectors.c'), VECTORS);
    writeFileSync(at('semihosting.ld'), SCRIPT);
    execFileSync('arm-none-eabi-gcc', [
      ...['-mcpu=cortex-m0', '-mthumb', '-Os', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-fno-ivopts', ...SMALLER],
      ...sourcesOf({ mode: 'offset', gate: from, bootstrap, out: elf }),
      ...[join(from, 'countersign.c'), at('vectors.c'), '-T', at('semihosting.ld'), '--specs=rdimon.specs', '-o', elf],
    ]);
    const run: Run = (words) => {
      const all = ['boot', ...words].map((word) => `arg=${word}`).join(',');
      const machine = ['-M', 'mps2-an386', '-display', 'none', '-monitor', 'none', '-serial', 'none'];
      const semihosting = ['-semihosting-config', `enable=on,target=native,${all}`, '-kernel', elf];
      return spawnSync('qemu-system-arm', [...machine, ...semihosting], { encoding: 'utf8', timeout: 120_000 });
    };
    const kind: Kind = { mode: 'offset', suit: gate === 'suit' };
    const fresh = devices(run, `${elf}.flash`, kind);
    for (const [name, play] of SCENES.filter(([name]) => ON_ARM.test(name))) {
      console.log(`m0-${gate}: ${name}`);
      play(fresh(), fresh);
    }
  });
});
