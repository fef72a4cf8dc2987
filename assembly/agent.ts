// The agent: what a board calls, and the only place besides flash/ that calls the board (hal.ts).
//
//   start()                  once after a reset, on fresh memory, before anything else
//   receive(link, length)    `length` bytes stand at input(): any piece of the console's stream (link 0), or one whole
//                            packet of a packet link (1 and up)
//   reside()                 before start: an application runs, and calls us (update/resident.ts)
//   tick(milliseconds)       time since the last tick; does the waiting work
//   busy()                   1: call tick again at once, there is work

import './scratch'; // first: the order of addresses is that of imports

import {
  FRAME_INPUT,
  FRAME_PACKET,
  Frame,
  frameInPlace,
  frameNextLine,
  framePacketBytes,
  framePass,
  frameReceive,
  frameSend,
  PACKET_BYTES_MAX,
} from './codec/frame';
import { storeDetach, storeDetached } from './flash/store';
import { clock, link_write, mailbox, random, restart, user, watchdog } from './hal';
import { Answer, answerOf, NONCE_BYTES, questionOpen } from './policy/consent';
import { facts } from './policy/facts';
import { smpAnswer } from './smp/dispatch';
import { NOTICE, noticePackage, noticeQuestion, noticeState, Typed, typed, typedForget } from './smp/notice';
import { alertPacket, blockRequest } from './smp/ours';
import { REPLY } from './smp/reply';
import { alertTakeUnsent } from './update/alert';
import { bootMount, bootStay, bootTick, reasonToTell } from './update/boot';
import { downloadTick } from './update/download';
import { getShow, NONCE, nonceTakeSpent, refusalTake, restartWanted, Show, setShow } from './update/effects';
import { hand, question } from './update/hand';
import { installBusy, installStep, onTrial } from './update/install';
import { fumoState } from './update/machine';
import { orderTick } from './update/order';
import { pullTick } from './update/pull';
import { answerFrom, questionEnded, questionPass } from './update/question';
import { residentTake } from './update/resident';
import { reviewTick } from './update/review';
import { inputBegin, inputIsLost } from './update/rooms';
import { wearTick } from './update/wear';

const CONSOLE: i32 = 0;
const NO_LINK: i32 = -1;
const RESTART_DELAY_MS: u32 = 100; // the answer leaves the UART first

const LINE: usize = NOTICE; // a line of a frame, or of text

// How long the board has heard "not asking" before another question is shown: a finger on its way to the button for what
// was asked before comes to nothing. Longer than a person takes to see that the light went out.
const CALM_MS: u32 = 1000;

// What an image on trial that hangs gets, on a board with a watchdog: then its next start, or the image before.
const TRIAL_SECONDS: u32 = 30;

let calmMs: u32 = 1000; // CALM_MS; since the board last heard "asking" (a literal: a module has no start)
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

export function reside(): void {
  storeDetach();
}

export function start(): void {
  delayMs = RESTART_DELAY_MS;
  enter();
  if (storeDetached()) bootMount(0);
  else {
    bootMount(mailbox());
    residentTake();
  }
  if (questionOpen(question) || questionEnded()) calmMs = 0; // it may have been shown until the reset
  shownState = hand.state;
  shownReason = hand.reason; // what is wrong besides is told after each reset
}

// What every call of ours needs of the board.
function enter(): void {
  facts.trustedTime = clock();
  if (nonceTakeSpent()) random(NONCE, NONCE_BYTES);
}

export function receive(link: i32, length: u32): void {
  if (left || length > PACKET_BYTES_MAX) return;
  enter();
  inputBegin();
  if (link !== CONSOLE) {
    answer(link, FRAME_INPUT, length);
    return;
  }
  for (let i: u32 = 0; i < length && !inputIsLost(); i++) {
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

// A typed line counts only while something is asked, and only if all of it was typed since that was shown.
function type(character: u32): void {
  const word = typed(character);
  if (word === Typed.Nothing || !questionOpen(question) || getShow() !== Show.Shown) return;
  answerFrom(CONSOLE, word === Typed.Yes ? Answer.Yes : Answer.No);
}

// On the console in the framing in which the last packet came there, so that what is sent unasked is understood, too.
function send(link: i32, packet: usize, length: u32): void {
  const whole = link === CONSOLE ? frameInPlace(packet, length) : length;
  if (whole) {
    link_write(link, packet, whole);
    return;
  }
  frameSend(packet, length);
  for (let bytes = frameNextLine(LINE); bytes; bytes = frameNextLine(LINE)) link_write(CONSOLE, LINE, bytes);
}

// What a tick does, the first line that fits:
//
//   handed over to the image            nothing more in this life
//   a reset is wanted                   waits until the answer is out, then resets
//   a swap is under way                 one step of it
//   otherwise, in this order            the person's answer or time, an order that waits, a review that is wanted
//
// Then what became known is told, and blocks are asked for; and where nothing is under way, the image is started when its time has come.
export function tick(milliseconds: u32): void {
  if (left) return;
  enter();
  framePass(milliseconds);
  wearTick(milliseconds);
  downloadTick(milliseconds);
  if (restartWanted()) {
    delayMs = delayMs > milliseconds ? delayMs - milliseconds : 0;
    if (delayMs === 0) leave(0);
    return;
  }
  const swaps = installBusy();
  if (swaps) installStep();
  if (!installBusy()) {
    ask(milliseconds);
    orderTick(milliseconds);
    reviewTick();
  }
  tell();
  const line = pullTick(milliseconds);
  if (line >= 0) send(line, REPLY, blockRequest());
  if (!storeDetached() && !restartWanted() && !installBusy() && bootTick(milliseconds, swaps)) {
    watchdog(onTrial() ? TRIAL_SECONDS : 0);
    leave(1);
  }
}

function leave(into: i32): void {
  left = true;
  restart(into);
}

// A question that is new is shown first: the board hears "not asking", so that a finger that is on the button already, or
// half a line that was typed, answers nothing.
function ask(milliseconds: u32): void {
  const asking = questionOpen(question) && getShow() === Show.Shown;
  const pressed = user(asking ? 1 : 0);
  if (asking && pressed !== 0) answerFrom(NO_LINK, answerOf(pressed));
  questionPass(milliseconds);
  calmMs = asking ? 0 : min(calmMs + milliseconds, CALM_MS);
  if (asking || getShow() !== Show.New) return;
  typedForget();
  if (calmMs === CALM_MS) setShow(Show.Quiet);
}

// What became known since the last tick, for people and for whoever ordered it.
function tell(): void {
  const refused = refusalTake();
  const reason = reasonToTell();
  if (refused || hand.state !== shownState || reason !== shownReason) {
    shownState = hand.state;
    shownReason = reason;
    link_write(CONSOLE, NOTICE, noticeState(fumoState(hand.state), refused ? refused : shownReason));
  }
  if (questionOpen(question) && getShow() === Show.Quiet) {
    link_write(CONSOLE, NOTICE, noticePackage());
    link_write(CONSOLE, NOTICE, noticeQuestion(hand.why));
    setShow(Show.Shown);
  }
  const link = alertTakeUnsent();
  if (link >= 0) send(link, REPLY, alertPacket());
}

export function busy(): i32 {
  return !left && installBusy() ? 1 : 0;
}
