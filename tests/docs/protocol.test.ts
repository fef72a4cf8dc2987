// docs/protocol.md names every SMP command, key, node, state and topic of the code, and no other.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { STATE } from '../../host/device/identity.js';
import {
  approvalTopic,
  blockTopic,
  changeTopic,
  deviceStateSchema,
  exchangeTopics,
  groupOrderTopic,
  OFFLINE,
  ONLINE,
  topicsOf,
} from '../../host/links/topics.js';
import { packageVersion } from '../../host/root.js';
import { get, provisionedBoard } from '../support/agent-world.js';
import { type Board, bench } from '../support/bench-hal.js';
import { ask, type Body } from '../support/smp.js';
import { splitCode, tableBelow } from './markdown.js';

const page = readFileSync('docs/protocol.md', 'utf8');
const read = (file: string) => readFileSync(`assembly/${file}`, 'utf8');
/** The members of the question stand there. */
const both = page + readFileSync('docs/formats.md', 'utf8');
const plain = (cell: string | undefined) => cell!.replaceAll('`', '');

describe('SMP', () => {
  const GROUPS = [
    [0, '### Group 0: OS'],
    [1, '### Group 1: image'],
    [64, '### Group 64: Countersign'],
  ] as const;
  const inCode = [...read('smp/dispatch.ts').matchAll(/case \((\d+) << 9\) \| \((\d+) << 1\) \| (\d):/g)];

  it.each(GROUPS)('group %i has these commands', (group, heading) => {
    const code = inCode
      .filter(([, of]) => Number(of) === group)
      .map(([, , command, write]) => `${command} ${write === '1' ? 'write' : 'read'}`);
    const written = tableBelow(page, heading).flatMap(([command, operations]) =>
      operations!.split(', ').map((operation) => `${command!.split(' ')[0]} ${operation}`),
    );
    expect(written.sort()).toEqual(code.sort());
  });

  it('every word of the agent is named', () => {
    const words = [...read('smp/words.ts').matchAll(/\/\/ [A-Z_]+: (.+)$/gm)].map(([, word]) => word!);
    expect(words.length).toBeGreaterThan(50);
    const AS_TEXT = [packageVersion, 'WASM', 'wasm'];
    const missing = words.filter(
      (word) => !AS_TEXT.includes(word) && !both.includes(`"${word}"`) && !both.includes(`\`${word}`),
    );
    expect(missing).toEqual([]);
  });

  it('every answer of the agent has the members of its row, and no other', () => {
    const board = provisionedBoard();
    const CALLS: [heading: string, row: string, write: boolean, body: Body][] = [
      ['### Group 0: OS', '0 echo', false, { d: 'x' }],
      ['### Group 0: OS', '6 parameters', false, {}],
      ['### Group 0: OS', '7 information', false, {}],
      ['### Group 1: image', '0 state', false, {}],
      ['### Group 1: image', '5 erase', true, {}],
      ['### Group 1: image', '6 slots', false, {}],
      ['### Group 64: Countersign', '0 get', false, { uri: './FUMO/1/State' }],
      ['### Group 64: Countersign', '5 log', false, {}],
    ];
    for (const [heading, name, write, body] of CALLS) {
      const group = Number(/\d+/.exec(heading)![0]);
      const answer = ask(board, { group, id: Number(name.split(' ')[0]), write, body });
      const [, , , row] = tableBelow(page, heading).find(([command]) => command === name)!;
      const keys = [...row!.replace(/\[.*\]/, '').matchAll(/"([\w-]+)"/g)].map(([, key]) => key!);
      expect([name, Object.keys(answer).sort()]).toEqual([name, keys.sort()]);
    }
  });

  it('a packet is as large as the page says', () => {
    const { buf_size: size, buf_count: count } = ask(bench(), { group: 0, id: 6 });
    expect(page).toContain(`{"buf_size": ${size}, "buf_count": ${count}}`);
    expect(page).toContain(`largest packet of the agent has ${size} bytes`);
  });
});

describe('the management tree', () => {
  const rows = tableBelow(page, '## Management tree');
  const COMMANDS: Record<string, string> = { GET: 'get', PUT: 'put', DELETE: 'delete', EXEC: 'exec' };
  const inCode = new Map(
    [...read('tree/nodes.ts').matchAll(/\/\/ (\w+): (\w+), (\w+), ([A-Z| ]+), "(.*)"$/gm)].map(
      ([, node, parent, format, commands, name]) => [
        node!,
        { parent: parent!, name: name!, format: format!, commands: commands! },
      ],
    ),
  );
  const uriOf = (node: string): string => {
    const { parent, name } = inCode.get(node)!;
    const own = name || '<n>';
    return parent === 'None' ? own : `${uriOf(parent)}/${own}`;
  };

  it('is that of the agent', () => {
    const code = [...inCode].map(([node, { format, commands }]) => [
      uriOf(node),
      format.toLowerCase(),
      commands
        .split(' | ')
        .map((one) => COMMANDS[one])
        .sort()
        .join(', '),
    ]);
    const written = rows.map(([uri, format, commands]) => [
      plain(uri),
      format,
      commands!.split(', ').sort().join(', '),
    ]);
    expect(written.sort()).toEqual(code.sort());
  });

  it('is what the agent gives', () => {
    const board: Board = provisionedBoard();
    for (const [uri, format, commands] of rows) {
      if (!commands!.includes('get') || uri!.includes('<n>')) continue;
      expect([uri, ask(board, { group: 64, id: 0, body: { uri: plain(uri) } }).fmt]).toEqual([uri, format]);
    }
    const children = Buffer.from(get(board, './FUMO/1')).toString().split('/');
    const written = rows.map(([uri]) => /^\.\/FUMO\/1\/(\w+)$/.exec(plain(uri))?.[1]).filter(Boolean);
    expect(children.sort()).toEqual(written.sort());
  });
});

describe('states', () => {
  const named = tableBelow(page, '## States').map(([state]) => Number(state));

  it('are those of FUMO', () => expect(named).toEqual(Object.values(STATE)));

  it('40 and 90 are shown by no state of the agent', () => {
    const shown = tableBelow(page, '## States')
      .filter(([, , meaning]) => !meaning!.startsWith('never shown'))
      .map(([state]) => Number(state));
    // fumoState of assembly/update/machine.ts, for its states 0 to 9
    expect(shown).toEqual([10, 20, 30, 50, 60, 70, 80, 100]);
  });

  it('move as the table of the machine says', () => {
    const machine = read('update/machine.ts');
    const states = [
      'Idle',
      'DownloadFailed',
      'Downloading',
      'Ready',
      'SwapIn',
      'Trial',
      'SwapOut',
      'FailedHaveData',
      'FailedNoData',
      'Successful',
    ];
    const FUMO: Record<string, number> = Object.fromEntries(
      states.map((name, at) => [name, [10, 20, 30, 50, 60, 60, 60, 70, 80, 100][at]!]),
    );
    const FROM: Record<string, string[]> = {
      '(ANY & ~SIXTY)': states.filter((name) => FUMO[name] !== 60),
      LOADING: ['Downloading'],
      HOLDS: ['Ready', 'FailedHaveData'],
      IN: ['SwapIn'],
      TRIAL: ['Trial'],
      OUT: ['SwapOut'],
      '(IN | TRIAL | (1 << State.Successful))': ['SwapIn', 'Trial', 'Successful'],
    };
    const rows = [...machine.matchAll(/<< 16\) \| \((?:State\.)?(\w+) << 12\) \| (.+), \/\/ \w+$/gm)];
    expect(rows).toHaveLength(15);
    const code = new Set(
      rows
        .filter(([, to]) => to !== 'SAME')
        .flatMap(([, to, from]) => FROM[from!]!.map((start) => `${FUMO[start]} ${FUMO[to!]}`)),
    );
    const ALL = states.map((name) => FUMO[name]!).filter((state) => state !== 60);
    const written = new Set(
      [
        ...page
          .split('What moves the state:')[1]!
          .split('\n\n')[1]!
          .matchAll(/^\| ([^|]+) \| (\d+) \|/gm),
      ].flatMap(([, from, to]) => {
        const starts = from === 'every state but 60' ? ALL : from!.split(', ').map(Number);
        return starts.map((start) => `${start} ${to}`);
      }),
    );
    // A step inside 60 is no move of the number.
    expect([...code].filter((move) => move !== '60 60' && !written.has(move))).toEqual([]);
    expect([...written].filter((move) => move !== '60 60' && !code.has(move))).toEqual([]);
  });
});

describe('MQTT', () => {
  it('has these topics', () => {
    const written = tableBelow(page, '## MQTT').map(([topic]) => plain(topic));
    const code = [
      ...Object.values(exchangeTopics('FLEET', 'DEVICE', 'CLIENT')),
      ...Object.values(topicsOf('FLEET', 'DEVICE')),
      groupOrderTopic('FLEET', 'GROUP'),
      approvalTopic('FLEET', 'OPERATOR'),
      changeTopic('FLEET', 'NUMBER' as never),
      blockTopic('FLEET', 'DIGEST', 'N' as never),
      blockTopic('FLEET', 'DIGEST', 'i'),
    ];
    expect(written.sort()).toEqual(code.sort());
    expect(page).toContain(`\`${ONLINE}\` or \`${OFFLINE}\``);
  });

  it('the state has these members, and the example is one', () => {
    const table = page.slice(page.indexOf('`state` is [a JSON document]'));
    expect(tableBelow(table).map(([member]) => plain(member))).toEqual(Object.keys(deviceStateSchema.shape));
    const [example] = splitCode(page).blocks.filter(({ language }) => language === 'json');
    const state = JSON.parse(example!.text) as object;
    expect(deviceStateSchema.parse(state)).toEqual(state);
    for (const member of Object.keys(state)) expect(Object.keys(deviceStateSchema.shape)).toContain(member);
  });
});
