// The oracle itself, row by row: it judges the agent, so its own table is looked at first.
import { describe, expect, it } from 'vitest';
import { answerFault, type Decision, objection, type Policy, recallObjection, type Words, wordsOf } from './oracle.js';

const PROMPT: Policy = { unapproved: 1, askBeforeDownload: 0, threshold: 1, channels: 3, denied: 0, trialBoots: 1 };
const REJECT: Policy = { ...PROMPT, unapproved: 0 };
const nobody: Words = { approvals: 0, denied: false, confirm: false };
const one: Words = { ...nobody, approvals: 1 };
const yes = { to: 'A', fault: '' };

const decision = (more: Partial<Decision>): Decision => ({
  policy: PROMPT,
  words: nobody,
  name: 'A',
  sequence: 2,
  floor: 2,
  installYes: undefined,
  downloadYes: undefined,
  ...more,
});

describe('what may run', () => {
  it.each<[string, Partial<Decision>, string | undefined]>([
    ['approved', { words: one }, undefined],
    ['approved, reject', { words: one, policy: REJECT }, undefined],
    ['approved, but to be asked', { words: { ...one, confirm: true } }, 'installed without a question'],
    ['approved, asked and agreed', { words: { ...one, confirm: true }, installYes: yes }, undefined],
    [
      'approved by too few',
      { words: one, policy: { ...REJECT, threshold: 2 } },
      'unapproved package installed under reject',
    ],
    [
      'a threshold of 0',
      { words: one, policy: { ...REJECT, threshold: 0 } },
      'unapproved package installed under reject',
    ],
    ['unapproved, reject, a yes', { policy: REJECT, installYes: yes }, 'unapproved package installed under reject'],
    ['unapproved, prompt', {}, 'installed without a question'],
    ['unapproved, prompt, a yes', { installYes: yes }, undefined],
    ['a yes to another', { installYes: { to: 'B', fault: '' } }, 'yes to another package'],
    ['a yes that does not count', { installYes: { to: 'A', fault: 'why' } }, 'why'],
    ['unapproved, a yes to its download only', { downloadYes: yes }, 'installed without a question'],
    ['approved, a yes to its download', { words: { ...one, confirm: true }, downloadYes: yes }, undefined],
    ['denied, whoever else says yes', { words: { ...one, denied: true }, installYes: yes }, 'denied package installed'],
    ['older', { words: one, floor: 3 }, 'lower sequence installed'],
  ])('%s', (_, more, expected) => expect(objection(decision(more))).toBe(expected));

  it('comes back by itself unless it is denied', () => {
    expect(recallObjection(nobody)).toBeUndefined();
    expect(recallObjection({ ...one, denied: true })).toBe('denied package recalled');
  });
});

describe('which answer counts', () => {
  it.each([
    ['button', 1, { by: 'button' }, 0b11, ''],
    ['button, remote answers only', 2, { by: 'button' }, 0, 'local yes that policy does not take'],
    ['typed on another line', 1, { by: 'typed', line: 0 }, 0b10, ''],
    ['typed on the delivering line', 3, { by: 'typed', line: 0 }, 0b11, 'yes over a line that delivered it'],
    ['typed there, a person sits there', 4, { by: 'typed', line: 0 }, 0b01, ''],
    ['signed', 2, { by: 'signed' }, 0b11, ''],
    ['signed, local answers only', 1, { by: 'signed' }, 0, 'signed yes that policy does not take'],
  ] as const)('%s', (_, channels, how, delivered, expected) => {
    expect(answerFault({ ...PROMPT, channels }, how, delivered)).toBe(expected);
  });
});

describe('what operators say', () => {
  const said = (says: 'approve' | 'confirm' | 'deny' | 'nothing', expires?: number, countersigned = false) => ({
    statement: { says, ...(expires === undefined ? {} : { expires }) },
    countersigned,
  });
  it.each([
    ['nothing', [said('nothing')], nobody],
    ['one of two', [said('approve'), said('nothing')], one],
    ['both', [said('approve'), said('confirm')], { approvals: 2, denied: false, confirm: true }],
    ['the same operator twice', [said('approve', undefined, true)], one],
    ['expired', [said('approve', 100)], nobody],
    ['a denial does not expire', [said('deny', 1)], { ...nobody, denied: true }],
    ['countersigned, and denied since', [said('deny', undefined, true)], { ...one, denied: true }],
  ])('%s', (_, statements, expected) => expect(wordsOf(statements, 100)).toEqual(expected));
});
