// Keys by name, through the library: a passphrase is asked for when a key file wants one, and never otherwise.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as library from 'countersign';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const key = library.generateKey('ed25519');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'named-key-'));
  await writeFile(join(folder, 'plain.pem'), key.toPem());
  await writeFile(join(folder, 'locked.pem'), key.toPem('open sesame'));
  await writeFile(join(folder, 'raw'), key.public.bytes);
});
afterAll(() => rm(folder, { recursive: true }));

function secrets(passphrase: string): library.KeySecrets & { asked: string[] } {
  const asked: string[] = [];
  const answer = async (what: string) => {
    asked.push(what);
    return passphrase;
  };
  return { asked, passphrase: answer, pin: answer };
}

describe('a key by its name', () => {
  it.each([
    ['plain.pem', []],
    ['locked.pem', ['locked.pem']],
  ])('%s: signs, having asked for %j', async (name, wanted) => {
    const path = join(folder, name);
    const mine = secrets('open sesame');
    const found = await library.openNamedKey(path, mine);
    const message = new Uint8Array(9);
    expect(found.sign(message)).toEqual(key.sign(message));
    expect(await library.openNamedPublicKey(path, mine)).toEqual(key.public);
    expect(mine.asked).toEqual([...wanted, ...wanted].map((one) => join(folder, one)));
  });

  it('says why it does not open', async () => {
    const code = (name: library.ReasonName) => ({ name: 'CountersignError', code: library.reasons[name].code });
    const open = (name: string) => library.openNamedKey(name, secrets('wrong'));
    await expect(open(join(folder, 'locked.pem'))).rejects.toMatchObject(code('PassphraseWrong'));
    await expect(open(join(folder, 'none.pem'))).rejects.toMatchObject(code('FileNotFound'));
    await expect(open(`raw-public:${join(folder, 'raw')}`)).rejects.toMatchObject(code('KeyWrong'));
    await expect(open('pkcs11:token=a;colour=red')).rejects.toMatchObject(code('BadArgument'));
    const raw = await library.openNamedPublicKey(`raw-public:${join(folder, 'raw')}`, secrets(''));
    expect(raw).toEqual(key.public);
  });
});
