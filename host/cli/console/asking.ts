// The device's question on its console: shown when the device says that it asks, answered by a line typed for it.
//
// The answer is typed as "yes" or "no", whole, on a terminal; it goes to the device as if typed on the line, and the
// device decides whether its policy takes answers from this line. What became of it is read back. Nothing else here ever
// answers. Until the device has said on the line that it asks, nothing is sent: a request would stop an application.

import { readBootstrap } from '../../device/identity.js';
import { type Asked, readAsked, sameQuestion } from '../../device/question.js';
import { viewBootstrap } from '../../formats/bootstrap.js';
import { readQuestion } from '../../smp/commands.js';
import { sleep } from '../../wait.js';
import { questionLines } from '../describe/question.js';
import type { Keyboard } from './keyboard.js';
import type { Screen } from './screen.js';
import type { Session } from './session.js';

/** The line by which the agent says that it asks (assembly/smp/notice.ts). */
export const NOTICE = /^Install .+, reason \d+\? yes\/no$/;

const POLL_MS = 1000;
const TAKEN_MS = 3000; // an answer that counts is acted upon at once; a slow core reads its flash first
const CLEAR_LINE = ' \n'; // ends what was typed on the device's line before, so that it can be no part of an answer

const answers: Record<string, 'yes' | 'no'> = { yes: 'yes', no: 'no' };

/** Shows the question and lets the person answer it; returns when it is over or was left. */
export async function askPerson(
  session: Session,
  screen: Screen,
  keyboard: Keyboard | undefined,
  signal: AbortSignal,
): Promise<void> {
  const asked = await readAsked(session.client, { signal });
  if (!asked) return screen.say('the device asks nothing', { event: 'no-question' });
  const { digest, name, version, from, left } = asked;
  const shown = { event: 'question', device: asked.device, name, version, from, digest, left };
  screen.say(['', ...questionLines(asked)].join('\n'), shown);
  if (!keyboard) return screen.say(`nobody can answer here (no terminal); the device waits ${left} s`);

  const over = new AbortController();
  const gone = AbortSignal.any([over.signal, signal]);
  const watching = watch(session, asked, over, gone);
  const until = Date.now() + (asked.left ?? 0) * 1000;
  const prompt = () => `type yes or no, then Enter (${Math.max(0, Math.ceil((until - Date.now()) / 1000))} s left): `;
  for (;;) {
    const line = await keyboard.edit(prompt, gone);
    if (line === undefined) break;
    const answer = answers[line.trim().toLowerCase()];
    if (answer) {
      await give(session, asked, answer, screen, signal);
      over.abort();
      await watching;
      return;
    }
    if (line.trim() !== '') screen.say(`"${line.trim()}" is no answer: the device waits for yes or no`);
  }
  const ended = over.signal.aborted;
  over.abort();
  await watching;
  if (signal.aborted) return;
  if (ended) screen.say('the question is over: answered elsewhere, or nobody did in time', { event: 'question-over' });
  else screen.say('left unanswered; Ctrl-T a asks again, and without an answer nothing is installed');
}

// Ends the editing when the device does not ask this any more.
async function watch(session: Session, asked: Asked, over: AbortController, gone: AbortSignal): Promise<void> {
  while (!gone.aborted) {
    await sleep(POLL_MS, gone).catch(() => undefined);
    if (gone.aborted) return;
    // A line that is lost ends the session, and this with it; silence of a busy device ends nothing.
    const now = await readQuestion(session.client, { signal: gone }).catch(() => undefined);
    if (now && !sameQuestion(asked, now)) over.abort();
  }
}

async function give(
  session: Session,
  asked: Asked,
  answer: 'yes' | 'no',
  screen: Screen,
  signal: AbortSignal,
): Promise<void> {
  await session.link.type?.(Buffer.from(`${CLEAR_LINE}${answer}\n`));
  for (const until = Date.now() + TAKEN_MS; ; ) {
    const now = await readQuestion(session.client, { signal });
    if (!sameQuestion(asked, now))
      return screen.say(`the device took the answer: ${answer}`, { event: 'answer', answer });
    if (Date.now() > until) break;
    await sleep(POLL_MS / 4, signal);
  }
  const channels = await channelsOf(session, signal);
  const text = `the device did not take the answer: its policy takes answers from ${channels}, not from this line`;
  screen.say(text, { event: 'answer-not-taken', answer });
}

// In words; what a policy leaves out has the core's cautious default.
async function channelsOf({ client }: Session, signal: AbortSignal): Promise<string> {
  const bootstrap = await readBootstrap(client, { signal });
  const channels = bootstrap && viewBootstrap(bootstrap, 'bootstrap')?.policy['consent-channels'];
  return Array.isArray(channels) ? channels.join(', ') : 'its own button or a line that does not deliver the package';
}
