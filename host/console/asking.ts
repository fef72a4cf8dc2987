// The device's question on its console: shown when the device says that it asks, answered by a line typed for it.
//
// The answer is typed as "yes" or "no", whole; it goes to the device as if typed on the line, and the device decides whether its
// policy takes answers from this line. What became of it is read back. Nothing else here ever answers.

import { questionLines, typedText } from '../describe/question.js';
import { readAsked, typeAnswer, untilOver } from '../device/question.js';
import type { Client } from '../smp/client.js';
import type { ConsoleKeyboard, ConsoleScreen } from './console.js';

/** The line by which the agent says that it asks (assembly/smp/notice.ts). */
export const NOTICE = /^Install .+, reason \d+\? yes\/no$/;

const answers: Record<string, 'yes' | 'no'> = { yes: 'yes', no: 'no' };

/** Shows the question and lets the person answer it; returns when it is over or was left. */
export async function askPerson(
  client: Client,
  screen: ConsoleScreen,
  keyboard: ConsoleKeyboard | undefined,
  signal: AbortSignal,
): Promise<void> {
  const asked = await readAsked(client, { signal });
  if (!asked) return screen.say('the device asks nothing', { event: 'no-question' });
  const { digest, name, version, from, left } = asked;
  const shown = { event: 'question', device: asked.device, name, firmwareVersion: version, from, digest, left };
  screen.say(['', ...questionLines(asked)].join('\n'), shown);
  if (!keyboard) return screen.say(`nobody can answer here (no terminal); the device waits ${left} s`);

  const over = new AbortController();
  const gone = AbortSignal.any([over.signal, signal]);
  const watching = untilOver(client, asked, gone).then(() => over.abort());
  const until = Date.now() + (asked.left ?? 0) * 1000;
  const prompt = () => `type yes or no, then Enter (${Math.max(0, Math.ceil((until - Date.now()) / 1000))} s left): `;
  let ended = false;
  for (;;) {
    const line = await keyboard.edit(prompt, gone);
    ended = over.signal.aborted;
    const answer = answers[line?.trim().toLowerCase() ?? ''];
    if (line === undefined || answer !== undefined) {
      const typed = answer && (await typeAnswer(client, asked, answer, { signal }));
      over.abort();
      await watching;
      if (!typed) break;
      const { event } = typed;
      return screen.say(typedText(answer!, typed), event === 'question-over' ? { event } : { event, answer });
    }
    if (line.trim() !== '') screen.say(`"${line.trim()}" is not an answer; type yes or no`);
  }
  if (signal.aborted) return;
  if (ended) screen.say('the question is over: answered elsewhere, or nobody did in time', { event: 'question-over' });
  else screen.say('left unanswered; Ctrl-T a asks again, and without an answer nothing is installed');
}
