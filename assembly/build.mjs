// Builds targets of asconfig.json: `node assembly/build.mjs core`. What asc says goes through, but for one line about its
// last round of optimizing, which changed nothing and which nobody can act upon.

import asc from 'assemblyscript/asc';

/** What becomes C (boards/export-c): both processors, of packages and of images, with both curves and with P-256 alone. */
const VERIFIERS = ['core', 'image'].flatMap((program) =>
  ['small', 'm4'].flatMap((profile) => ['', '-p256'].map((curves) => `${program}-${profile}${curves}`)),
);
/** The agent of most boards, and those of boards with the abilities `delta` and `large`. */
const AGENTS = ['agent', 'agent-delta', 'agent-large'];
const NAMED = { verifiers: VERIFIERS, agents: AGENTS };
const NO_NEWS = 'Last converge was suboptimal.';

/** core-small-p256 is core.ts in another profile; the verifier without SUIT is a program of its own. */
const entryOf = (target) => {
  const [program] = target.split('-');
  return program === 'image' ? 'core-image' : program;
};

const [wanted] = process.argv.slice(2);
for (const target of NAMED[wanted] ?? [wanted]) {
  const { error } = await asc.main([`assembly/${entryOf(target)}.ts`, '--target', target], {
    stdout: process.stdout,
    stderr: { write: (text) => void (text.trim() === NO_NEWS || process.stderr.write(text)) },
  });
  if (error) process.exitCode = 1;
}
