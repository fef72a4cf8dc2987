// The alphabet: everything that may happen to the explored device. An event that cannot happen now says false.
//
// Topics: events beyond the basic ones, for policies that are explored with them; all at once would be too many states.

import { decode } from 'cborg';
import { ask, exec, goOn, junk, offerBlocks, order, put, refused, serve, serveOne, upload } from './client.js';
import { addResident } from './resident.js';
import { NONCE_OLD, nonceOf } from './sight.js';
import type { Watch } from './watch.js';
import { CLOCKS, changes, consent, DOCUMENTS, document, type Name, OFFERS, type OfferName } from './world.js';

export type Topic = 'embedded' | 'clock' | 'change' | 'recall' | 'two operators' | 'pull' | 'lost' | 'resident';

export interface Event {
  name: string;
  where: 'agent' | 'image' | 'anywhere';
  happen(watch: Watch): unknown; // false: it cannot happen now
}

const DOCUMENTS_OF: Record<Topic | 'basic', readonly number[]> = {
  basic: [1, 2, 3],
  'two operators': [5, 6],
  recall: [4],
  clock: [7, 8],
  change: [5],
  embedded: [],
  pull: [],
  lost: [],
  resident: [],
};

/** The alphabet for these topics, under a policy. */
export function alphabet(topics: readonly Topic[], policy: Watch['policy'], only?: RegExp): Event[] {
  const events: Event[] = [];
  const add = (name: string, happen: Event['happen'], where: Event['where'] = 'agent') => {
    if (!only || only.test(name)) events.push({ name, happen, where });
  };
  const names: OfferName[] = ['A', 'B', 'C'];
  if (topics.includes('embedded')) names.push('A embedding approval', 'A countersigned');
  for (const link of [0, 1]) {
    for (const name of names) add(`offer ${name} link ${link}`, (watch) => upload(watch, link, name));
    add(`part of A link ${link}`, (watch) => upload(watch, link, 'A', OFFERS.A.head.length + 280));
    add(`rest of A link ${link}`, (watch) => goOn(watch, link, 'A'));
    add(`junk link ${link}`, (watch) => junk(watch, link));
    for (const node of ['Update', 'DownloadAndUpdate']) {
      add(`Exec ${node} link ${link}`, (watch) => exec(watch, link, node));
    }
  }
  if (topics.includes('pull')) addPull(add);
  if (topics.includes('lost')) addLost(add);
  if (topics.includes('resident')) addResident(add);
  addAnswers(add);
  const documents = [
    ...(topics.includes('clock') ? [] : DOCUMENTS_OF.basic),
    ...topics.flatMap((t) => DOCUMENTS_OF[t]),
  ];
  for (const number of documents) addDocument(add, number);
  if (topics.includes('change')) addChanges(add, policy);
  if (topics.includes('clock')) {
    for (const [name, seconds] of Object.entries(CLOCKS)) {
      add(`clock ${name}`, ({ device }) => {
        if (device.clock === seconds) return false;
        device.setClock(seconds);
      });
    }
  }
  add('clear', (watch) => ask(watch, 1, 1, 5, {}));
  add('confirm by SMP', (watch) => ask(watch, 1, 1, 0, { confirm: true }));
  addTime(add);
  return events;
}

export type Add = (name: string, happen: Event['happen'], where?: Event['where']) => void;

// What the device fetches for itself, on a line with a person at it and on one without.
function addPull(add: Add): void {
  for (const link of [0, 1]) {
    add(`order A link ${link}`, (watch) => order(watch, link, 'A'));
    add(`blocks of A link ${link}`, (watch) => serve(watch, link, 'A'));
  }
  add('offered A link 0', (watch) => offerBlocks(watch, 0, 'A'));
  add('order B link 1', (watch) => order(watch, 1, 'B'));
  add('one block of A link 1', (watch) => serve(watch, 1, 'A', { most: 1 }));
  add('blocks of B link 1', (watch) => serve(watch, 1, 'B'));
}

// The same where blocks get lost: those behind them come early, and they come late, or twice. Fetched by the device over the
// console, or pushed in part and then asked for.
function addLost(add: Add): void {
  add('order L link 0', (watch) => order(watch, 0, 'L'));
  add('head of L link 0', (watch) => serve(watch, 0, 'L', { headOnly: true }));
  add('blocks of L link 0', (watch) => serve(watch, 0, 'L'));
  for (const n of [0, 1, 2]) add(`block ${n} of L link 0`, (watch) => serveOne(watch, 0, 'L', n));
  add('part of L link 1', (watch) => upload(watch, 1, 'L', OFFERS.L.head.length + 24));
  add('rest of L link 1', (watch) => goOn(watch, 1, 'L'));
  add('offered L link 0', (watch) => offerBlocks(watch, 0, 'L'));
  add('pause', (watch) => pass(watch, 9000, 3000));
}

function addAnswers(add: Add): void {
  for (const yes of [true, false]) {
    const word = yes ? 'yes' : 'no';
    add(`typed ${word}`, (watch) => {
      if (!watch.before?.question) return false;
      watch.answers(yes, { by: 'typed', line: 0 });
      watch.device.receive(0, Buffer.from(`${word}\r`));
    });
    add(`button ${word}`, (watch) => {
      if (!watch.before?.question) return false;
      watch.answers(yes, { by: 'button' });
      watch.device.press = yes ? 1 : 2;
      watch.device.tick(1);
      watch.device.press = 0;
    });
    for (const name of ['A', 'B'] as const) {
      add(`signed ${word} ${name}`, (watch) => {
        if (!watch.before?.question) return false;
        watch.answers(yes, { by: 'signed' }, name);
        signed(watch, name, yes, nonceOf(watch.device));
      });
    }
  }
  add('signed yes A, of an earlier question', (watch) => {
    if (!watch.before?.question) return false;
    watch.answersNothing();
    signed(watch, 'A', true, NONCE_OLD);
  });
}

const consents = new Map<string, Uint8Array>();

function signed(watch: Watch, name: Name, yes: boolean, nonce: Buffer): void {
  const key = `${name} ${yes} ${nonce.toString('hex')}`;
  let answer = consents.get(key);
  if (!answer) {
    answer = consent(name, yes ? 1 : 2, nonce);
    consents.set(key, answer);
  }
  ask(watch, 1, 64, 4, { answer });
}

function addDocument(add: Add, number: number): void {
  const { title, operator, sequence } = DOCUMENTS[number]!;
  const bytes = document(number);
  add(`document ${number} ${title}`, (watch) => {
    if (refused(put(watch, 'Approvals', bytes))) return;
    const { documents } = watch.ghost;
    if (sequence > DOCUMENTS[documents[operator]!]!.sequence) documents[operator] = number;
  });
}

function addChanges(add: Add, policy: Watch['policy']): void {
  for (const [number, bytes] of Object.entries(changes(policy))) {
    add(`change ${number}`, (watch) => {
      // Where a call of the flash failed, it may be in force although it was answered with that.
      if (refused(put(watch, 'Change', bytes)) && changeInForce(watch) !== Number(number)) return;
      watch.ghost.changes |= Number(number);
      if (watch.ghost.changes & 2) watch.ghost.documents[0] = 0;
    });
  }
}

/** The number of the last change, as the device tells it. */
function changeInForce(watch: Watch): number | undefined {
  const data = ask(watch, 1, 64, 0, { uri: './FUMO/1/Ext/Countersign/Change' }, false)?.data;
  return data instanceof Uint8Array ? (decode(data, { useMaps: true }) as Map<number, number>).get(1) : undefined;
}

function pass({ device }: Watch, ms: number, step: number): void {
  for (let t = 0; t < ms && device.running === 'agent'; t += step) {
    device.tick(step);
    device.drain();
  }
}

function addTime(add: Add): void {
  add('short time', (watch) => pass(watch, 300, 100));
  add('11 s', (watch) => pass(watch, 11_000, 1000));
  add('601 s', (watch) => {
    pass(watch, 1, 1);
    pass(watch, 601_000, 601_000);
    pass(watch, 1, 1);
  });
  add('reset', ({ device }) => device.boot(), 'anywhere');
  add('reset by SMP', (watch) => {
    ask(watch, 1, 0, 5, {});
    watch.device.tick(150);
  });
  const boot = (mailbox: number) => (watch: Watch) => {
    watch.device.mailbox = mailbox;
    watch.device.boot();
  };
  add('app confirms, knock', boot(3), 'image');
  add('app confirms, reset', boot(2), 'image');
  add('knock', boot(1), 'image');
}
