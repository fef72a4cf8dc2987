// The agent: what a board calls, and the only place besides flash/ that calls the board (hal.ts).
//
//   start()                  once after a reset, on fresh memory, before anything else
//   receive(link, length)    `length` bytes stand at input(): any piece of the console's stream (link 0), or one whole
//                            packet of a packet link (1 and up)
//   tick(milliseconds)       time since the last tick; does the waiting work
//   busy()                   1: call tick again at once, there is work

import './scratch'; // first: the order of addresses is that of imports

import {
  FRAME_INPUT,
  FRAME_PACKET,
  Frame,
  frameNextLine,
  framePacketBytes,
  frameReceive,
  frameSend,
  PACKET_BYTES_MAX,
} from './codec/frame';
import { storeDamaged } from './flash/store';
import { clock, link_write, mailbox, random, restart, user } from './hal';
import { Answer, NONCE_BYTES, questionPending } from './policy/consent';
import { facts } from './policy/facts';
import { smpAnswer } from './smp/dispatch';
import { NOTICE, noticePackage, noticeQuestion, noticeState, Typed, typed } from './smp/notice';
import { alertPacket } from './smp/ours';
import { REPLY } from './smp/reply';
import { alertTakeUnsent } from './update/alert';
import { answerFrom, answerTick } from './update/answer';
import { bootMount, bootStay, bootTick } from './update/boot';
import { announcementTake, NONCE, nonceTakeSpent, refusalTake, restartWanted } from './update/effects';
import { installBusy, installStep } from './update/install';
import { orderMount, orderTick } from './update/order';
import { questionWhy } from './update/question';
import { reviewTick } from './update/review';
import { inputTakeLost } from './update/rooms';
import { status } from './update/status';

const CONSOLE: i32 = 0;
const NO_LINK: i32 = -1;
const RESTART_DELAY_MS: u32 = 100; // the answer leaves the UART first

const LINE: usize = NOTICE; // a line of a frame, or of text

let left: bool = false; // the agent has handed over: nothing more happens in this life
let delayMs: u32 = 0;
let shownState: u32 = 0;
let shownReason: u32 = 0;

// The last of the top level: after it come only the tables that functions make by memory.data([...]).
const VARIABLES_END: usize = memory.data(1, 16); // a byte that nobody uses: the least there is

export function input(): usize {
  return FRAME_INPUT;
}

export function inputBytes(): u32 {
  return PACKET_BYTES_MAX;
}

// For C boards (boards/port/translate.ts): variables end here, and constant tables, which stay in flash, end there.
export function memoryBytes(): usize {
  return VARIABLES_END;
}

export function tablesEnd(): usize {
  return (__heap_base + 7) & ~7;
}

export function start(): void {
  delayMs = RESTART_DELAY_MS;
  enter();
  bootMount(mailbox());
  orderMount();
  shownState = status.state;
  shownReason = storeDamaged() ? 0 : status.reason; // that it is damaged is told after each reset
}

// What every call of ours needs of the board.
function enter(): void {
  facts.trustedTime = clock();
  if (nonceTakeSpent()) random(NONCE, NONCE_BYTES);
}

export function receive(link: i32, length: u32): void {
  if (left || length > PACKET_BYTES_MAX) return;
  enter();
  if (link !== CONSOLE) {
    answer(link, FRAME_INPUT, length);
    return;
  }
  inputTakeLost();
  for (let i: u32 = 0; i < length && !inputTakeLost(); i++) {
    const byte: u32 = load<u8>(FRAME_INPUT + i);
    switch (frameReceive(byte)) {
      case Frame.Packet:
        answer(CONSOLE, FRAME_PACKET, framePacketBytes());
        break;
      case Frame.Text:
        type(byte);
        break;
      default:
    }
  }
}

function answer(link: i32, packet: usize, length: u32): void {
  const bytes = smpAnswer(link, packet, length);
  if (bytes === 0) return;
  bootStay();
  send(link, REPLY, bytes);
}

// A typed line counts only while something is asked.
function type(character: u32): void {
  const word = typed(character);
  if (word === Typed.Nothing || !questionPending()) return;
  answerFrom(CONSOLE, word === Typed.Yes ? Answer.Yes : Answer.No);
}

function send(link: i32, packet: usize, length: u32): void {
  if (link !== CONSOLE) {
    link_write(link, packet, length);
    return;
  }
  frameSend(packet, length);
  for (let bytes = frameNextLine(LINE); bytes; bytes = frameNextLine(LINE)) link_write(CONSOLE, LINE, bytes);
}

export function tick(milliseconds: u32): void {
  if (left) return;
  enter();
  if (restartWanted()) {
    delayMs = delayMs > milliseconds ? delayMs - milliseconds : 0;
    if (delayMs === 0) leave(0);
    return;
  }
  if (installBusy()) {
    installStep();
  } else {
    ask(milliseconds);
    orderTick(milliseconds);
    reviewTick();
  }
  tell();
  if (!restartWanted() && !installBusy() && bootTick(milliseconds)) leave(1);
}

function leave(into: i32): void {
  left = true;
  restart(into);
}

function ask(milliseconds: u32): void {
  const pressed = user(questionPending() ? 1 : 0);
  if (questionPending() && (pressed === Answer.Yes || pressed === Answer.No)) answerFrom(NO_LINK, pressed);
  answerTick(milliseconds);
}

// What became known since the last tick, for people and for whoever ordered it.
function tell(): void {
  const refused = refusalTake();
  if (refused || status.state !== shownState || status.reason !== shownReason) {
    shownState = status.state;
    shownReason = status.reason;
    link_write(CONSOLE, NOTICE, noticeState(refused ? refused : shownReason));
  }
  if (announcementTake()) {
    link_write(CONSOLE, NOTICE, noticePackage());
    link_write(CONSOLE, NOTICE, noticeQuestion(questionWhy()));
  }
  if (alertTakeUnsent()) send(status.link, REPLY, alertPacket());
}

export function busy(): i32 {
  return !left && installBusy() ? 1 : 0;
}
