// consent: shows a consenter what a device asks, and signs the consenter's answer.
//
// Everything shown comes from the device: from the manifest that it verified. A link is not authenticated, but the answer
// is bound to the manifest's digest, the device and its nonce: compare digest or fingerprint with the package, or give
// the package with --package, which is then compared here. The answer is typed as a whole word on a terminal. Without
// one, the only way is a flag that names the whole manifest digest; there is no -y, and nothing is ever presumed.

import { questionLines } from '../../describe/question.js';
import { type Asked, awaitAsked, giveAnswer, readAsked } from '../../device/question.js';
import { CountersignError } from '../../errors.js';
import { hex, same } from '../../formats/bytes.js';
import { type Answer, signConsent } from '../../formats/consent.js';
import { openEnvelope } from '../../formats/envelope.js';
import { fingerprint } from '../../formats/fingerprint.js';
import { requireWhole } from '../../formats/manifest.js';
import { withFile } from '../../open-file.js';
import type { Client } from '../../smp/client.js';
import { command } from '../command.js';
import { type Surroundings, withDevice } from '../connection.js';
import { connectionOptions, file, keyOption, option, signingOptions, waitOption } from '../options.js';
import { openSigningKey } from '../secrets.js';
import { askYesOrNo } from '../terminal.js';
import { hexSchema } from '../values.js';

const DIGEST_BYTES = 32;

const digestOption = (text: string) =>
  option(
    'digest',
    text,
    hexSchema.refine(({ length }) => length === DIGEST_BYTES, 'is not a whole manifest digest').optional(),
  );

export const consent = command({
  name: 'consent',
  summary: 'answer the question of a device, signed, as its consenter',
  details: [
    'The device must trust the key as a consenter, and its policy must accept remote answers (consent-channels:',
    'remote). On a terminal you type the whole word. A script names the package: --i-consent-to-manifest or',
    '--i-refuse-manifest.',
  ].join('\n'),
  arguments: {},
  options: {
    ...connectionOptions,
    key: keyOption("the consenter's private key: a file or a pkcs11: URI", 'consenter-key'),
    ...signingOptions,
    package: file('fail unless the question is about this package'),
    wait: waitOption('wait this long for a question'),
    iConsentToManifest: digestOption('answer YES without a prompt, if the question is about this manifest'),
    iRefuseManifest: digestOption('answer no without a prompt, if the question is about this manifest'),
  },
  examples: [
    'countersign consent -k consenter.pem --broker mqtt://localhost --device sensor-7 --package release.suit',
    'countersign consent -k consenter.pem -p /dev/ttyACM0 --wait 600',
  ],
  writes: true,
  async run({ options, ...around }) {
    const { terminal, dryRun, signal } = around;
    const { iConsentToManifest: yes, iRefuseManifest: no } = options;
    if (yes && no) throw new CountersignError('BadArgument', 'argument: both an answer and its opposite');
    const wanted = options.package === undefined ? undefined : await digestOf(options.package);
    const key = await openSigningKey(options.key, options, terminal);
    return withDevice(options, around, async ({ client }) => {
      const asked = await awaitQuestion(client, options.wait, around);
      const { device, digest, left } = asked;
      terminal.note('', ...questionLines(asked));
      requireSame(asked, wanted, options.package);
      requireSame(asked, yes ?? no, 'the flag');
      const prompt = `Install ${fingerprint(digest)}? Type yes or no (${left} s left)`;
      const ask = () => askYesOrNo(terminal, prompt, '--i-consent-to-manifest or --i-refuse-manifest');
      const answer: Answer = yes ? 'yes' : no ? 'no' : await ask();
      if (signal.aborted) throw new CountersignError('Cancelled', 'consent: stopped');
      const document = signConsent(key, { answer, ...asked });
      if (!dryRun) await giveAnswer(client, asked, document, { signal });
      const { kid } = key.public;
      const told = `would answer ${answer}, signed with key ${hex(kid)}`;
      return {
        data: { device, digest, fingerprint: fingerprint(digest), answer, consenter: kid, given: !dryRun },
        lines: [dryRun ? told : `answered ${answer}; the device took it`],
      };
    });
  },
});

async function digestOf(path: string): Promise<Uint8Array> {
  const envelope = await withFile(path, (opened) => openEnvelope(opened, path));
  requireWhole(envelope, path);
  return envelope.digest;
}

async function awaitQuestion(
  client: Client,
  seconds: number | undefined,
  { terminal, signal }: Surroundings,
): Promise<Asked> {
  const first = await readAsked(client, { signal });
  if (first) return first;
  if (seconds !== undefined) terminal.note(`waiting up to ${seconds} s for a question`);
  const asked = seconds === undefined ? undefined : await awaitAsked(client, seconds * 1000, { signal });
  if (asked) return asked;
  throw new CountersignError('NothingAsked', `consent: ${client.link.name} asks nothing`);
}

function requireSame(asked: Asked, digest: Uint8Array | undefined, what: string | undefined): void {
  if (digest === undefined || same(digest, asked.digest)) return;
  throw new CountersignError(
    'ConsentOther',
    `consent: the device asks about manifest ${hex(asked.digest)}, ${what} is about ${hex(digest)}`,
    { hint: 'look at what is asked before you answer it' },
  );
}
