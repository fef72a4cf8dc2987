// board.json: the boards that are here are sound, and each promise about the flash map is held.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadAgent, startVirtualBoard } from '../../boards/virtual/board.js';
import { agentName, deviceOf, listBoards, listRunners, loadBoard, parseBoard } from '../../host/boards.js';
import { makeBootstrap, makeKey, ROLE } from '../support/make.js';

it('every board that is here has a sound board.json', async () => {
  const names = await listBoards();
  expect(names).toContain('virtual');
  for (const name of names) expect((await loadBoard(name)).name).toBe(name);
});

it('a board has the agent of its abilities', async () => {
  const virtual = await loadBoard('virtual');
  expect(agentName(virtual)).toBe('agent-delta');
  expect(agentName({ ...virtual, abilities: { ...virtual.abilities, large: true } })).toBe('agent-large');
  for (const flash of [
    { writeBytes: 8 },
    { erasedTo: 0 },
    { overwrites: true },
    { state: { offset: 0x3c000, bytes: 0x8000 } },
  ] as const)
    expect(agentName({ ...virtual, flash: { ...virtual.flash, ...flash } })).toBe('agent-large');
  expect(agentName(await loadBoard('microbit'))).toBe('agent'); // which has no room for more
  const agents = await Promise.all(
    ['agent', 'agent-delta'].map((name) =>
      loadAgent(readFileSync(`build/${name}.wasm`)).then(WebAssembly.Module.exports),
    ),
  );
  expect(agents[0]).toEqual(agents[1]); // so whoever runs one runs the other
});

it('a board of a map that leaves out what most flash has is one of words', async () => {
  const { bytes, pageBytes, agent, primary, secondary, state } = (await loadBoard('virtual')).flash;
  const map = { bytes, pageBytes, agent, primary, secondary, state };
  const board = await startVirtualBoard({ map, serial: false, wasm: readFileSync('build/agent-large.wasm') });
  const vendor = { role: ROLE.vendor, key: makeKey('ed25519', 'vendor') };
  const operator = { role: ROLE.operator, key: makeKey('p256', 'operator') };
  await board.provision(makeBootstrap({ deviceId: Uint8Array.of(1), anchors: [vendor, operator] }));
  await board.close();
  await expect(startVirtualBoard({ map: { ...map, pageBytes: 1000 }, serial: false })).rejects.toThrow('power of two');
});

it('an unknown name says which there are', async () => {
  await expect(loadBoard('toaster')).rejects.toMatchObject({ hint: expect.stringContaining('virtual') });
  await expect(loadBoard('../virtual')).rejects.toThrow('no board');
});

describe('a board is a folder', () => {
  it.each(listRunners())('$name: its board.json names what starts it', async ({ name, module }) => {
    const { start } = await import(new URL(`../../boards/${name}/${module}.ts`, import.meta.url).href);
    expect(start).toBeTypeOf('function');
  });

  it('what needs nothing installed comes first', () => {
    expect(listRunners()[0]).toMatchObject({ name: 'virtual', needs: [] });
  });

  it.each(['../virtual/runner', 'runner.js', ''])(
    'a runner is a module of its own folder: not "%s"',
    async (module) => {
      const board = structuredClone(await loadBoard('virtual'));
      board.runner!.module = module;
      expect(() => parseBoard(board, 'test')).toThrow('runner.module');
    },
  );

  it('host/ imports none, by name or by import()', () => {
    const files = execFileSync('git', ['ls-files', 'host'], { encoding: 'utf8' }).trim().split('\n');
    expect(files.filter((file) => /['"`](\.\.\/)+boards\/[a-z]/.test(readFileSync(file, 'utf8')))).toEqual([]);
  });
});

describe('a broken flash map is refused', () => {
  type Map = Awaited<ReturnType<typeof loadBoard>>['flash'];
  const cases: [string, (map: Map) => void, string][] = [
    ['page size', (map) => (map.pageBytes = 1000), 'power of two'],
    ['half a page', (map) => (map.state.bytes -= 512), 'state is made of whole pages'],
    ['overlap', (map) => (map.secondary.offset -= 1024), 'secondary begins after'],
    ['too large', (map) => (map.bytes -= 1024), 'fit the flash'],
    ['slots of one size', (map) => (map.secondary.bytes -= 1024), 'one page larger'],
    ['odd state', (map) => (map.state.bytes -= 1024), 'even number'],
    ['a stranger', (map) => Object.assign(map, { scratch: 1 }), 'scratch'],
  ];
  // Sectors as an STM32F407 has them: four of 16 KB, one of 64 KB, seven of 128 KB.
  const F4: Partial<Map> = {
    bytes: 0x100000,
    pageBytes: 0x20000,
    sectors: [
      { count: 4, bytes: 0x4000 },
      { count: 1, bytes: 0x10000 },
      { count: 7, bytes: 0x20000 },
    ],
    agent: { offset: 0x10000, bytes: 0x10000 },
    primary: { offset: 0x20000, bytes: 0x60000 },
    secondary: { offset: 0x80000, bytes: 0x80000 },
    state: { offset: 0x8000, bytes: 0x8000 },
  };
  it('large sectors, and the state before the agent', async () => {
    const board = structuredClone(await loadBoard('virtual'));
    Object.assign(board.flash, F4);
    expect(parseBoard(board, 'test').flash).toMatchObject({ ...F4, writeBytes: 4 });
  });
  const large: [string, (map: Map) => void, string][] = [
    [
      'slots of sectors of two sizes',
      ({ primary }) => Object.assign(primary, { offset: 0, bytes: 0x10000 }),
      'the sectors of primary',
    ],
    ['a state that is no two halves', (map) => (map.state.bytes = 0x4000), 'an even number of sectors'],
    [
      'a state with no room',
      (map) => Object.assign(map, { sectors: [{ count: 0x400, bytes: 0x400 }], state: { offset: 0, bytes: 0x1000 } }),
      'each half of state',
    ],
    ['half a sector', (map) => (map.secondary.bytes -= 0x1000), 'secondary is made of whole sectors'],
    ['written over, and a sector too many', (map) => (map.overwrites = true), 'as large as primary'],
    ['too many sectors', (map) => (map.sectors![0]!.count = 100_000), 'too many sectors'],
    ['units that are none', (map) => Object.assign(map, { writeBytes: 6 }), 'writeBytes'],
  ];
  it.each(large)('large sectors: %s', async (_, spoil, message) => {
    const board = structuredClone(await loadBoard('virtual'));
    Object.assign(board.flash, structuredClone(F4));
    spoil(board.flash);
    expect(() => parseBoard(board, 'test')).toThrow(message);
  });
  // The agent in memory, the rest on a part that is none: its image runs from a copy.
  const TWO: Partial<Map> = {
    bytes: 0x120000,
    pageBytes: 0x10000,
    devices: [
      { name: 'rom', offset: 0, bytes: 0x20000, address: 0x8000000 },
      { name: 'nor', offset: 0x20000, bytes: 0x100000 },
    ],
    copiedTo: { address: 0x20000000, bytes: 0x40000 },
    agent: { offset: 0, bytes: 0x20000 },
    primary: { offset: 0x20000, bytes: 0x40000 },
    secondary: { offset: 0x60000, bytes: 0x50000 },
    state: { offset: 0xb0000, bytes: 0x20000 },
  };
  const two = async (spoil: (map: Map) => void = () => undefined) => {
    const board = structuredClone(await loadBoard('virtual'));
    Object.assign(board.flash, structuredClone(TWO));
    board.ram = { offset: 0x30000000, bytes: 0x10000 };
    spoil(board.flash);
    return parseBoard(board, 'test');
  };
  it('two devices, and an image that is copied: the agent that knows it', async () => {
    const board = await two();
    expect(agentName(board)).toBe('agent-large');
    expect([deviceOf(board.flash, board.flash.agent)?.name, deviceOf(board.flash, board.flash.state)?.name]).toEqual([
      'rom',
      'nor',
    ]);
  });
  const apart: [string, (map: Map) => void, string][] = [
    ['a region in two devices', (map) => (map.agent.bytes = 0x30000), 'agent lies in one device'],
    ['a region in none', (map) => (map.devices![1]!.bytes = 0x80000), 'state lies in one device'],
    ['devices that overlap', (map) => (map.devices![1]!.offset = 0x10000), 'device nor begins after'],
    ['a device that is too large', (map) => (map.devices![1]!.bytes = 0x200000), 'the devices fit the flash'],
    ['an agent that is no memory', (map) => delete map.devices![0]!.address, 'the device of agent has an address'],
    ['an image that can run nowhere', (map) => delete map.copiedTo, 'copiedTo is there if'],
    ['a copy of what runs in place', (map) => (map.devices![1]!.address = 0x9000000), 'copiedTo is there if'],
    [
      'an image that its memory does not hold',
      (map) => (map.copiedTo!.bytes = 0x30000),
      'copiedTo has room for primary',
    ],
    [
      'a copy over the memory of the agent',
      (map) => (map.copiedTo!.address = 0x2fff0000),
      'ram lies apart from copiedTo',
    ],
    ['a copy over the agent', (map) => (map.copiedTo!.address = 0x8010000), 'copiedTo lies apart from rom'],
    ['a copy beyond all addresses', (map) => (map.copiedTo!.address = 0xffff0000), 'copiedTo ends below 4 GiB'],
    ['a copy at an odd address', (map) => (map.copiedTo!.address = 0x20000001), 'copiedTo begins with a whole word'],
    ['two devices of one name', (map) => (map.devices![1]!.name = 'rom'), 'device rom is there once'],
    [
      'a device with the name of a region',
      (map) => (map.devices![1]!.name = 'primary'),
      'device primary has a name of its own',
    ],
    ['flash without end', (map) => (map.bytes = 2 ** 45), 'too many sectors'],
    ['a device whose name C does not take', (map) => Object.assign(map.devices![0]!, { name: '../nor' }), 'name'],
  ];
  it.each(apart)('devices: %s', async (_, spoil, message) => {
    await expect(two(spoil)).rejects.toThrow(message);
  });
  it.each(cases)('%s', async (_, spoil, message) => {
    const board = structuredClone(await loadBoard('virtual'));
    spoil(board.flash);
    expect(() => parseBoard(board, 'test')).toThrow(message);
  });
});
