// What a board that needs no hardware and whoever starts it have to do with each other.
//
// The board's folder names the module in its board.json (`runner`); the module exports `start`. The panel is given: a board
// in this process or in an emulator has no buttons of its own, so what it asks its user is shown and answered by whoever
// started it. A board takes its answers from there, and decides nothing about them.
//
// A board of which many run in one process exports `startMany`, too (`many`): a fleet at which nobody sits.

import type { Answer } from '../formats/consent.js';
import type { BrokerUrl } from '../links/mqtt-url.js';
import type { DeviceState } from '../links/topics.js';
import type { Question } from '../smp/commands.js';

export interface StartOptions {
  /** Path of the flash file; made when absent. */
  flash: string;
  /** Where it is on a broker, for boards with a radio. */
  radio: { broker?: BrokerUrl; fleet: string; name: string; groups?: readonly string[] };
  /** Reader of smart cards, for boards with a card slot. */
  card: string | undefined;
  panel: BoardPanel;
}

/** A board takes one of the two, answers or buttons. */
export interface BoardPanel {
  /** There is a person. */
  readonly interactive: boolean;
  /** What the board says, a line. */
  heard(line: string): void;
  /** What happens at the panel, a line. */
  note(line: string): void;
  warn(line: string): void;
  /** A person who is shown questions, and answers them. */
  answers(): Answers;
  /** Buttons, by one letter each, until the result is called. */
  buttons(buttons: Record<string, () => void>): () => void;
}

export interface Answers {
  /** The signal ends when the question is gone; undefined: nobody answered. */
  ask(question: Question, gone: AbortSignal): Promise<Answer | undefined>;
  close(): void;
}

export interface StartedBoard {
  /** For every command that takes a --port. */
  port: string;
  /** Rejects when the board ends by itself. */
  ended: Promise<never>;
  /** All of its flash, as it stands now. */
  readFlash(): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** What a runner exports as `start`. */
export type StartBoard = (options: StartOptions) => Promise<StartedBoard>;

/** What a runner exports as `buildApplication`, where the board runs an application of its own: its image in a version. */
export type BuildApplication = (version: string) => Promise<Uint8Array>;

export interface StartManyOptions {
  count: number;
  /** `name` is what theirs begin with: NAME-1, NAME-2 and so on. */
  radio: { broker: BrokerUrl; fleet: string; name: string; groups?: readonly string[] };
  /** Path of a folder for their flash files; undefined: their flash is gone when they close. */
  flash?: string | undefined;
  /** The bootstrap document of the device of this number, from 1; one that has its own already keeps it. */
  bootstrap?: ((number: number) => Uint8Array) | undefined;
  signal?: AbortSignal | undefined;
}

export interface StartedBoards {
  /** What each of them last said of itself. */
  states(): DeviceState[];
  close(): Promise<void>;
}

/** What a runner of many exports as `startMany`. */
export type StartBoards = (options: StartManyOptions) => Promise<StartedBoards>;
