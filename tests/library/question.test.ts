// An answer that is typed on a device's line carries no digest: it is typed only while the device asks what was shown.

import { expect, it } from 'vitest';
import { type Asked, typeAnswer } from '../../host/device/question.js';
import type { Client } from '../../host/smp/client.js';

const bytes = (fill: number) => new Uint8Array(32).fill(fill);
const question = (nonce: number) => ({
  pending: true,
  ...{ digest: bytes(nonce), nonce: bytes(nonce), device: bytes(1), left: 60 },
});

/** A device that asks these, one at each reading; the last one on and on. */
function deviceThatAsks(...nonces: (number | undefined)[]) {
  const typed: string[] = [];
  const client = {
    link: { name: 'line', type: async (text: Uint8Array) => void typed.push(new TextDecoder().decode(text)) },
    async request() {
      const nonce = nonces.length > 1 ? nonces.shift() : nonces[0];
      return { ok: true, body: nonce === undefined ? { pending: false } : question(nonce) };
    },
  } as unknown as Client;
  return { client, typed };
}
const shown = question(7) as unknown as Asked;

it('the question that was shown is answered', async () => {
  const { client, typed } = deviceThatAsks(7, undefined);
  expect(await typeAnswer(client, shown, 'yes')).toEqual({ event: 'answer' });
  expect(typed.join('')).toMatch(/yes\n$/);
});

it.each<[string, number | undefined]>([
  ['another question took its place', 8],
  ['it is over', undefined],
])('%s: nothing is typed', async (_, now) => {
  const { client, typed } = deviceThatAsks(now);
  expect(await typeAnswer(client, shown, 'yes')).toEqual({ event: 'question-over' });
  expect(typed).toEqual([]);
});
