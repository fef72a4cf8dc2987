// The commands that are found in what pages show: none is missed, none is taken apart in the wrong place.

import { expect, it } from 'vitest';
import { countersignsIn } from './shell.js';

it.each<[shell: string, found: string[][]]>([
  [
    'countersign keygen vendor && countersign keygen operator',
    [
      ['keygen', 'vendor'],
      ['keygen', 'operator'],
    ],
  ],
  ['countersign board virtual &   # no hardware', [['board', 'virtual']]],
  ['$ countersign log > log.txt 2>&1', [['log']]],
  ['A=1 countersign log </dev/null | grep x; echo countersign', [['log']]],
  [
    "countersign approve a.suit \\\n  -k 'pkcs11:token=T;object=o'",
    [['approve', 'a.suit', '-k', 'pkcs11:token=T;object=o']],
  ],
  ['D=$(countersign inspect a --json | jq -r .digest)', [['inspect', 'a', '--json']]],
  ['x "y $(countersign log)"', [['log']]],
  ['for f in *; do countersign lint "$f"; done', [['lint', '$f']]],
  ['if ! countersign check a; then exit 1; fi', [['check', 'a']]],
  ['cat > a.yaml <<EOF\ncountersign: "no command\nEOF\ncountersign bootstrap a.yaml', [['bootstrap', 'a.yaml']]],
  ['# countersign nothing\nnode dist/bin/countersign.js tree get .', [['tree', 'get', '.']]],
  ['(cd x && countersign log)', [['log']]],
])('%s', (shell, found) => {
  expect(countersignsIn(shell)).toEqual(found);
});
