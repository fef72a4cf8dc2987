// consent: shows a consenter what a device asks, and signs the consenter's answer.
//
// Everything shown comes from the device: from the manifest that it verified. A link is not authenticated, but the answer
// is bound to the manifest's digest, the device and its nonce: compare digest or fingerprint with the package, or give
// the package with --package, which is then compared here. The answer is typed as a whole word on a terminal. Without
// one, the only way is a flag that names the whole manifest digest; there is no -y, and nothing is ever presumed.

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
import { connectionOptions } from '../connection-options.js';
import { questionLines } from '../describe/question.js';
import { openSigningKey, signingOptions } from '../signing.js';
import type { Terminal } from '../terminal.js';
import { hexSchema, pathSchema, secondsSchema } from '../values.js';

const DIGEST_BYTES = 32;

const digestSchema = hexSchema.refine(({ length }) => length === DIGEST_BYTES, 'is not a whole manifest digest');

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
    key: {
      short: 'k',
      value: 'file',
      text: "the consenter's private key: a file or a pkcs11: URI",
      schema: pathSchema,
      config: 'consenter-key',
      path: true,
    },
    ...signingOptions,
    package: { value: 'file', text: 'fail unless the question is about this package', schema: pathSchema.optional() },
    wait: { value: 'seconds', text: 'wait this long for a question', schema: secondsSchema.optional() },
    iConsentToManifest: {
      value: 'digest',
      text: 'answer YES without a prompt, if the question is about this manifest',
      schema: digestSchema.optional(),
    },
    iRefuseManifest: {
      value: 'digest',
      text: 'answer no without a prompt, if the question is about this manifest',
      schema: digestSchema.optional(),
    },
  },
  examples: [
    'countersign consent -k consenter.pem --broker mqtt://localhost --device sensor-7 --package release.suit',
    'countersign consent -k consenter.pem -p /dev/ttyACM0 --wait 600',
  ],
  writes: true,
  async run({ options, terminal, dryRun, signal }) {
    const { iConsentToManifest: yes, iRefuseManifest: no } = options;
    if (yes && no) throw new CountersignError('BadArgument', 'argument: both an answer and its opposite');
    const wanted = options.package === undefined ? undefined : await digestOf(options.package);
    const key = await openSigningKey(options.key, options, terminal);
    const { connect } = await import('../connection.js');
    const connection = await connect(options, terminal, signal);
    const { client } = connection;
    try {
      const asked = await awaitQuestion(client, options.wait, terminal, signal);
      const said = { device: asked.device, digest: asked.digest, fingerprint: fingerprint(asked.digest) };
      terminal.note('', ...questionLines(asked));
      requireSame(asked, wanted, options.package);
      requireSame(asked, yes ?? no, 'the flag');
      const answer: Answer = yes ? 'yes' : no ? 'no' : await askConsenter(asked, terminal, signal);
      const document = signConsent(key, { answer, ...asked });
      if (!dryRun) await giveAnswer(client, asked, document, { signal });
      return {
        data: { ...said, answer, consenter: key.public.kid, given: !dryRun },
        lines: [
          dryRun
            ? `would answer ${answer}, signed with key ${hex(key.public.kid)}`
            : `answered ${answer}; the device took it`,
        ],
      };
    } finally {
      await connection.close();
    }
  },
});

async function digestOf(path: string): Promise<Uint8Array> {
  const envelope = await withFile(path, (file) => openEnvelope(file, path));
  requireWhole(envelope, path);
  return envelope.digest;
}

async function awaitQuestion(
  client: Client,
  seconds: number | undefined,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Asked> {
  const first = await readAsked(client, { signal });
  if (first) return first;
  const nothing = () => new CountersignError('NothingAsked', `consent: ${client.link.name} asks nothing`);
  if (seconds === undefined) throw nothing();
  terminal.note(`waiting up to ${seconds} s for a question`);
  const asked = await awaitAsked(client, seconds * 1000, { signal });
  if (asked) return asked;
  throw nothing();
}

function requireSame(asked: Asked, digest: Uint8Array | undefined, what: string | undefined): void {
  if (digest === undefined || same(digest, asked.digest)) return;
  throw new CountersignError(
    'ConsentOther',
    `consent: the device asks about manifest ${hex(asked.digest)}, ${what} is about ${hex(digest)}`,
    { hint: 'look at what is asked before you answer it' },
  );
}

async function askConsenter(asked: Asked, terminal: Terminal, signal: AbortSignal): Promise<Answer> {
  const question = `Install ${fingerprint(asked.digest)}? Type yes or no (${asked.left} s left)`;
  const typed = await terminal.text(question, '--i-consent-to-manifest or --i-refuse-manifest', (line) =>
    /^(yes|no)$/i.test(line.trim()) ? undefined : 'type the whole word: yes or no',
  );
  if (signal.aborted) throw new CountersignError('Cancelled', 'consent: stopped');
  return typed.trim().toLowerCase() === 'yes' ? 'yes' : 'no';
}
