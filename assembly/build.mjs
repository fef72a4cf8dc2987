// Builds one target of asconfig.json: `node assembly/build.mjs core`. What asc says goes through, but for one line about its
// last round of optimizing, which changed nothing and which nobody can act upon.

import asc from 'assemblyscript/asc';

const [target] = process.argv.slice(2);
const NO_NEWS = 'Last converge was suboptimal.';

const { error } = await asc.main([`assembly/${target.split('-')[0]}.ts`, '--target', target], {
  stdout: process.stdout,
  stderr: { write: (text) => void (text.trim() === NO_NEWS || process.stderr.write(text)) },
});
if (error) process.exitCode = 1;
