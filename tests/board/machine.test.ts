// The machine around the agent: resets, mailbox, knock, traps, panel. The agent here is a few lines of wasm that do one
// thing per byte they receive, so that each row shows the machine alone.

import { expect, it } from 'vitest';
import wabt from 'wabt';
import type { Flash } from '../../boards/virtual/flash.js';
import { createMachine, type Outside } from '../../boards/virtual/machine.js';
import { loadBoard } from '../../host/boards.js';

// 's' says what RAM and mailbox hold; 'u' polls the panel and says the answer; the rest is named below.
const AGENT = `(module
  (import "hal" "link_write" (func $link_write (param i32 i32 i32)))
  (import "hal" "mailbox" (func $mailbox (result i32)))
  (import "hal" "restart" (func $restart (param i32)))
  (import "hal" "user" (func $user (param i32) (result i32)))
  (import "hal" "flash_map" (func $flash_map (param i32) (result i32)))
  (import "hal" "flash_write" (func $flash_write (param i32 i32 i32) (result i32)))
  (import "hal" "clock" (func $clock (result i64)))
  (memory (export "memory") 1)
  (global $asking (mut i32) (i32.const 0))
  (global $work (mut i32) (i32.const 0))
  (func (export "input") (result i32) (i32.const 1024))
  (func (export "inputBytes") (result i32) (i32.const 4))
  (func (export "start") (i32.store8 (i32.const 1) (call $mailbox)))
  (func (export "busy") (result i32) (global.get $work))
  (func (export "tick") (param i32)
    (if (i32.eq (local.get 0) (i32.const 666)) (then unreachable))
    (global.set $work (i32.const 0)))
  (func $say (param $value i32)
    (i32.store8 (i32.const 0) (local.get $value))
    (call $link_write (i32.const 0) (i32.const 0) (i32.const 2)))
  (func $byte (param $link i32) (param $byte i32)
    (if (i32.eq (local.get $byte) (i32.const 0x73)) (then (call $say (i32.load8_u (i32.const 2)))))      ;; s
    (if (i32.eq (local.get $byte) (i32.const 0x2b)) (then                                                ;; + one more in RAM
      (i32.store8 (i32.const 2) (i32.add (i32.load8_u (i32.const 2)) (i32.const 1)))))
    (if (i32.eq (local.get $byte) (i32.const 0x72)) (then (call $restart (i32.const 0))))                ;; r
    (if (i32.eq (local.get $byte) (i32.const 0x61)) (then (call $restart (i32.const 1))))                ;; a
    (if (i32.eq (local.get $byte) (i32.const 0x74)) (then unreachable))                                  ;; t
    (if (i32.eq (local.get $byte) (i32.const 0x77)) (then (global.set $work (i32.const 1))))             ;; w
    (if (i32.eq (local.get $byte) (i32.const 0x3f)) (then (global.set $asking (i32.const 1))))           ;; ?
    (if (i32.eq (local.get $byte) (i32.const 0x2e)) (then (global.set $asking (i32.const 0))))           ;; .
    (if (i32.eq (local.get $byte) (i32.const 0x75)) (then (call $say (call $user (global.get $asking))))) ;; u
    (if (i32.eq (local.get $byte) (i32.const 0x6d)) (then (call $say (i32.shr_u (call $flash_map (i32.const 1)) (i32.const 12))))) ;; m
    (if (i32.eq (local.get $byte) (i32.const 0x66)) (then (call $say (call $flash_write (i32.const 0) (i32.const 0) (i32.const 4))))) ;; f the agent's own region
    (if (i32.eq (local.get $byte) (i32.const 0x67)) (then (call $say (call $flash_write (i32.const 65536) (i32.const 0) (i32.const 4))))) ;; g
    (if (i32.eq (local.get $byte) (i32.const 0x63)) (then (call $say (i64.eq (call $clock) (i64.const 99)))))) ;; c
  (func (export "receive") (param $link i32) (param $length i32)
    (local $at i32)
    (loop $next
      (if (i32.lt_u (local.get $at) (local.get $length)) (then
        (call $byte (local.get $link) (i32.load8_u (i32.add (i32.const 1024) (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next))))))`;

async function machine() {
  const { parseWat } = await wabt();
  const binary = parseWat('agent.wat', AGENT).toBinary({}).buffer;
  const said: string[] = [];
  const writes: number[] = [];
  const flash: Flash = {
    read: () => 0,
    write: (offset) => {
      writes.push(offset);
      return 0;
    },
    erase: () => 0,
    copy: () => flash,
    counts: { written: 0, erased: 0 },
    close: () => undefined,
  };
  const outside: Outside = {
    linkWrite: (_, bytes) => said.push(`${bytes[0]}/${bytes[1]}`),
    random: () => undefined,
    clock: () => 99n,
    card: () => 'none',
    asking: (now) => said.push(now ? 'asking' : 'quiet'),
    started: (what) => said.push(what),
    trapped: (why) => said.push(why.replace(/:.*;/, ';').replace(/^trap:.*/, 'trap')),
  };
  const { flash: map } = await loadBoard('virtual');
  const board = createMachine(new WebAssembly.Module(binary), map, flash, outside);
  board.reset();
  const type = (text: string, link = 0) => board.receive(link, Buffer.from(text, 'latin1'));
  return { board, said, type, writes };
}

// "n/m": n from the agent, m = what stood in the mailbox when it started.
const rows: [description: string, typed: string[], said: string[]][] = [
  ['a reset loses RAM', ['++s', 'r', 's'], ['agent', '2/0', 'agent', '0/0']],
  ['bytes behind a restart in one piece are lost with it', ['+r++s', 's'], ['agent', 'agent', '0/0']],
  ['the application says nothing and hears no bytes', ['a', 's', '+s'], ['agent', 'application']],
  ['the knock leaves 3 in the mailbox and resets', ['a', '\x06\x09', 's'], ['agent', 'application', 'agent', '0/3']],
  ['a knock in two pieces, behind other bytes', ['a', 'xy\x06', '\x09', 's'], ['agent', 'application', 'agent', '0/3']],
  ['06 06 09 is a knock', ['a', '\x06\x06\x09', 's'], ['agent', 'application', 'agent', '0/3']],
  ['06 x 09 is none', ['a', '\x06x\x09', 's'], ['agent', 'application']],
  ['the mailbox is read once', ['a', '\x06\x09', 'r', 's'], ['agent', 'application', 'agent', 'agent', '0/0']],
  ['a trap resets', ['+', 't', 's'], ['agent', 'trap', 'agent', '0/0']],
  [
    'three traps in a row stop it',
    ['t', 't', 't', 's'],
    ['agent', 'trap', 'agent', 'trap', 'agent', 'trap; stopped until the next reset'],
  ],
  ['the flash map is that of board.json', ['m'], ['agent', '16/0']],
  ['the agent’s own flash cannot be written', ['f', 'g'], ['agent', '255/0', '0/0']],
  ['the clock is 64 bits', ['c'], ['agent', '1/0']],
];
it.each(rows)('%s', async (_, typed, wanted) => {
  const { said, type } = await machine();
  for (const text of typed) type(text);
  expect(said).toEqual(wanted);
});

it('any packet is a knock on a packet link; one that does not fit is dropped', async () => {
  const { said, type } = await machine();
  type('a');
  type('hello', 1);
  type('s');
  type('sssss', 1);
  expect(said).toEqual(['agent', 'application', 'agent', '0/3']);
});

it('traps with work between them are not in a row', async () => {
  const { board, said, type } = await machine();
  for (let round = 0; round < 5; round++) {
    type('t');
    board.tick(1);
  }
  expect(said.filter((line) => line.includes('stopped'))).toEqual([]);
  expect(board.running).toBe('agent');
});

it('a stopped machine starts again by its button', async () => {
  const { board, said, type } = await machine();
  for (let round = 0; round < 3; round++) type('t');
  expect(board.running).toBe('stopped');
  board.tick(1);
  board.reset();
  type('s');
  expect([board.running, said.at(-1)]).toEqual(['agent', '0/0']);
});

it('a trap in tick resets too', async () => {
  const { board, said } = await machine();
  board.tick(666);
  expect(said).toEqual(['agent', 'trap', 'agent']);
});

it('busy is what the agent says, and never that of an application', async () => {
  const { board, type } = await machine();
  expect(board.busy()).toBe(false);
  type('w');
  expect(board.busy()).toBe(true);
  type('a');
  expect(board.busy()).toBe(false);
});

it('an answer counts once, only while the question is shown, and not for the next one', async () => {
  const { board, said, type } = await machine();
  board.answer('yes'); // pressed before anything was asked
  type('u');
  type('?u'); // none yet
  board.answer('yes');
  type('uu');
  board.answer('no'); // pressed, and then the question goes away
  type('.u');
  type('?u');
  expect(said).toEqual(['agent', '0/0', 'asking', '0/0', '1/0', '0/0', 'quiet', '0/0', 'asking', '0/0']);
});

it('a reset takes the question from the panel', async () => {
  const { said, type } = await machine();
  type('?u');
  type('r');
  expect(said).toEqual(['agent', 'asking', '0/0', 'quiet', 'agent']);
});
