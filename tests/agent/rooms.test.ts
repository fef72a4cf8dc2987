// The map of memory that several parts share is made from the sources: assembly/update/rooms.ts shows all of it, always.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const ROOMS = 'assembly/update/rooms.ts';
const OWNERS = ['FRAME_INPUT', 'HEAD', 'SCRATCH', 'PIECE'];

// Every constant address that is made from another one: `name  file  = expression`, below the area that it lies in.
function shared(): string[] {
  const found = new Map<string, { file: string; from: string; of: string }>();
  const files = execFileSync('git', ['ls-files', 'assembly'], { encoding: 'utf8' }).trim().split('\n');
  const sources = files.filter((file) => !file.startsWith('assembly/crypto/') && file !== 'assembly/core.ts');
  const declared = sources.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/^(?:export )?const (\w+)(?:: usize)? = ([A-Z_]+)\b([^;(]*);/gm)].map(
      ([, name, of, rest]) => ({ name: name!, of: of!, from: `${of}${rest}`, file: file.slice('assembly/'.length) }),
    ),
  );
  for (let grew = true; grew; ) {
    grew = false;
    for (const { name, of, from, file } of declared) {
      const owner = OWNERS.includes(of) ? of : found.get(of)?.of;
      const key = `${name} ${file}`;
      if (!owner || found.has(key)) continue;
      found.set(key, { file, from, of: owner });
      found.set(name, { file, from, of: owner });
      grew = true;
    }
  }
  return OWNERS.flatMap((owner) => [
    `//   ${owner}`,
    ...[...found]
      .filter(([key, { of }]) => of === owner && key.includes(' '))
      .map(([key, { file, from }]) => `//     ${key.split(' ')[0]!.padEnd(12)} ${file.padEnd(18)} ${from}`)
      .sort(),
  ]);
}

it('shows every area that lies in another one', () => {
  const lines = readFileSync(ROOMS, 'utf8').split('\n');
  const begin = lines.indexOf('//   FRAME_INPUT');
  const end = lines.indexOf('//', begin);
  expect(lines.slice(begin, end)).toEqual(shared());
});
