// What protects the decision against an instruction that is left out, taken away: with these in force there have to be skips that
// install, or the tool sees nothing.

import type { Plant } from './modules.js';

/** A verdict by the table alone. */
export const VERIFIER_PLANTS: Plant[] = [
  {
    file: 'assembly/policy/judge.ts',
    line: 'const verdict = max(first, second); // the stricter one: Verdict grows with strictness',
    becomes: 'const verdict = first;',
  },
];

/** And nobody looks again before a swap. */
export const AGENT_PLANTS: Plant[] = [
  ...VERIFIER_PLANTS,
  {
    file: 'assembly/update/install.ts',
    line: 'if (judgeAgain() > (answer ? Verdict.Ask : Verdict.Install)) return Reason.Internal;',
    becomes: '',
  },
];
