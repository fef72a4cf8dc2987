// Tab in real shells: commands, options, values that have a list, file names. The scripts are made from the list of commands, and
// start no program.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flagOf } from '../../host/cli/command.js';
import { commands } from '../../host/cli/commands/index.js';
import { makePlace, type Place } from '../support/command.js';
import { have } from '../support/need.js';
import { openWindow } from '../support/tmux.js';

let place: Place;
beforeAll(async () => {
  place = await makePlace();
  for (const shell of ['bash', 'zsh', 'fish']) {
    writeFileSync(place.path(`c.${shell}`), (await place.must('completion', shell)).stdout);
  }
  writeFileSync(place.path('my release.suit'), '');
});
afterAll(() => place.remove());

it('an unknown shell is a wrong argument', async () => expect((await place.run('completion', 'ksh')).code).toBe(4));

describe.skipIf(!have('bash'))('what bash is offered', () => {
  /** The words of the line so far; the last one is being typed. */
  const offered = (...words: string[]) => {
    const script = `source c.bash; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _countersign x "\${@: -1}" "\${@: -2:1}"; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script, '-', 'countersign', ...words], {
      cwd: place.folder,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return stdout.split('\n').filter(Boolean);
  };

  it.each([
    ['commands', ['pack'], ['package']],
    ['aliases', ['dump'], ['dumpinfo']],
    ['options of the program', ['--v'], ['--version']],
    ['topics of help', ['help', 'ex'], ['export-c', 'exit-codes']],
    ['options', ['package', '--de'], ['--description', '--detached']],
    ['options behind others', ['package', 'app.bin', '-k', 'v.pem', '--dry'], ['--dry-run']],
    ['the dry run only where there is one', ['check', '--dry'], []],
    ['values of an option', ['keygen', '--type', ''], ['ed25519', 'p256']],
    ['of a short one', ['keygen', 'x', '-t', 'p'], ['p256']],
    ['behind =, as bash splits it', ['keygen', '--type', '=', 'e'], ['ed25519']],
    ['right behind =', ['keygen', '--type', '='], ['ed25519', 'p256']],
    ['values of one that may be repeated', ['check', 'x', '--unreachable', 'c'], ['card']],
    ['values of an argument', ['tree', 'w'], ['watch']],
    ['boards', ['board', 'v'], ['virtual']],
    ['shells', ['completion', ''], ['bash', 'zsh', 'fish']],
    ['nothing of ours for a file', ['package', '--key', ''], []],
    ['nothing of ours for a file of an argument', ['approve', ''], []],
  ])('%s: %j', (_, words, found) => expect(offered(...words).sort()).toEqual([...found].sort()));

  it.each(commands.map((one) => [one.name, one] as const))('%s: every option', (name, one) =>
    expect(offered(name, '--')).toEqual(expect.arrayContaining(Object.keys(one.options).map(flagOf))),
  );
});

describe.skipIf(!have('tmux'))('Tab', () => {
  const SHELLS: [shell: string, words: string[], start: string][] = [
    ['bash', ['bash', '--norc', '-i'], 'source ./c.bash'],
    ['zsh', ['zsh', '-f', '-i'], 'source ./c.zsh'],
    ['fish', ['fish', '--no-config', '-i'], 'source ./c.fish'],
  ];
  it.each(SHELLS.filter(([shell]) => have(shell)))('in %s', { timeout: 120_000 }, async (_, words, start) => {
    const window = openWindow(words, { HOME: place.folder, PS1: '$ ' });
    try {
      window.text(`cd ${place.folder}; ${start}; echo rea""dy`);
      window.press('Enter');
      await window.until('ready');
      for (const [typed, becomes] of [
        ['countersign appro', 'countersign approve'],
        ['countersign keygen --ty', 'countersign keygen --type'],
        ['countersign keygen x --type p2', 'countersign keygen x --type p256'],
        ['countersign inspect my', 'countersign inspect my\\ release.suit'],
        ['countersign package --key my', 'countersign package --key my\\ release.suit'],
      ] as const) {
        window.text(typed);
        window.press('Tab');
        await window.until(becomes);
        window.press('C-u'); // not C-c: it would drop what is typed right behind it
      }
    } finally {
      window.close();
    }
  });
});
