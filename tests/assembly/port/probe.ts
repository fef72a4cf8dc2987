// A program in the agent's place that does what single letters on the console ask: every function of the HAL, one by one.
// Compiled and translated like the agent (tests/port/hal.test.ts), so it shows what a board does and not what the agent makes of it.

import {
  card,
  clock,
  flash_erase,
  flash_map,
  flash_read,
  flash_write,
  image_read,
  link_write,
  mailbox,
  random,
  restart,
  user,
  watchdog,
} from '../../../assembly/hal';

const INPUT: usize = memory.data(64, 16);
const BYTES: usize = memory.data(64, 16);
const LINE: usize = memory.data(16, 16);
const VARIABLES_END: usize = memory.data(1, 16);
const PRIMARY: i32 = 1;

let asking: i32 = 0;
let passed: u32 = 0;

export function input(): usize {
  return INPUT;
}

export function inputBytes(): u32 {
  return 64;
}

export function memoryBytes(): usize {
  return VARIABLES_END;
}

export function tablesEnd(): usize {
  return VARIABLES_END;
}

export function reside(): void {}

export function start(): void {
  say(0x6d, mailbox()); // m
}

export function busy(): i32 {
  return 0;
}

export function tick(milliseconds: u32): void {
  passed += milliseconds;
  const answer = user(asking);
  if (answer) {
    asking = 0;
    say(0x61, answer); // a
  }
}

export function receive(link: i32, length: u32): void {
  for (let i: u32 = 0; i < length; i++) obey(link, load<u8>(INPUT + i));
}

function obey(link: i32, letter: u32): void {
  const at = flash_map(PRIMARY);
  switch (letter) {
    case 0x65: // e: erase the first two pages of the primary slot
      say(letter, flash_erase(at, 2 * flash_map(0)));
      break;
    case 0x77: // w: write eight bytes across nothing in particular
      store<u64>(BYTES, 0x8877665544332211);
      say(letter, flash_write(at + 8, BYTES, 8));
      break;
    case 0x72: // r: read unaligned
      say(letter, flash_read(at + 7, BYTES + 1, 10));
      show(BYTES + 1, 10);
      break;
    case 0x69: // i: the same as it is when it starts, and beyond the end of its slot
      say(letter, image_read(flash_map(PRIMARY + 1) - 2, BYTES, 4));
      say(letter, image_read(7, BYTES + 1, 10));
      show(BYTES + 1, 10);
      break;
    case 0x6f: // o: outside of every region, or not whole words and pages: each must fail
      say(letter, flash_read(at - 1, BYTES, 4));
      say(letter, flash_erase(0, flash_map(0)));
      say(letter, flash_write(at - 4, BYTES, 8));
      say(letter, flash_write(at + 6, BYTES, 4));
      say(letter, flash_write(at + 16, BYTES, 6));
      say(letter, flash_erase(at + 4, flash_map(0)));
      say(letter, flash_erase(at, 4));
      say(letter, flash_read(0xfffffffc, BYTES, 8));
      say(letter, flash_read(at, BYTES, 0)); // nothing at all is allowed
      break;
    case 0x6e: // n: random bytes
      random(BYTES + 1, 16);
      show(BYTES + 1, 16);
      break;
    case 0x6d: // m: the map
      for (let i: i32 = 0; i < 8; i++) say(letter, flash_map(i));
      break;
    case 0x63: // c: clock and card
      say(letter, <i32>clock());
      say(letter, card(BYTES, 4, BYTES, 64));
      break;
    case 0x71: // q: ask the person
      asking = 1;
      break;
    case 0x64: // d: done asking
      asking = 0;
      break;
    case 0x74: // t: time since start
      say(letter, <i32>passed);
      break;
    case 0x6c: // l: the link it came by
      say(letter, link);
      break;
    case 0x68: // h: two seconds, or what hangs is reset
      watchdog(2);
      say(letter, 0);
      break;
    case 0x7a: // z: reset
      restart(0);
      break;
    case 0x78: // x: start the application
      restart(1);
      break;
    case 0x21: // !: a trap
      store<u8>(<usize>0xfffffff0, 1);
      break;
    default:
  }
}

// "<letter><8 digits>\n"
function say(letter: u32, value: u32): void {
  store<u8>(LINE, letter);
  for (let i: u32 = 0; i < 8; i++) store<u8>(LINE + 1 + i, digit((value >> (28 - 4 * i)) & 15));
  store<u8>(LINE, 0x0a, 9);
  link_write(0, LINE, 10);
}

function show(from: usize, length: u32): void {
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(from + i);
    store<u8>(LINE, digit(byte >> 4));
    store<u8>(LINE, digit(byte & 15), 1);
    link_write(0, LINE, 2);
  }
  store<u8>(LINE, 0x0a);
  link_write(0, LINE, 1);
}

function digit(value: u32): u32 {
  return value < 10 ? 0x30 + value : 0x57 + value;
}
