// consent: shows a consenter what a device asks, and signs the consenter's answer.
//
// Everything shown comes from the device: from the manifest that it verified. A link is not authenticated, but the answer
// is bound to the manifest's digest, the device and its nonce: compare digest or fingerprint with the package, or give
// the package with --package, which is then compared here. The answer is typed as a whole word on a terminal. Without
// one, the only way is a flag that names the whole manifest digest; there is no -y, and nothing is ever presumed.

import { answerGiven, questionLines } from '../../describe/question.js';
import { awaitAsked, giveAnswer, requireAbout } from '../../device/question.js';
import { CountersignError } from '../../errors.js';
import { type Answer, signConsent } from '../../formats/consent.js';
import { fingerprint } from '../../formats/fingerprint.js';
import { hexSchema } from '../../formats/typed.js';
import { readPackageDigest } from '../../local/document-file.js';
import { openSigningKey } from '../../local/secrets.js';
import { command } from '../command.js';
import { withDevice } from '../connection.js';
import { connectionOptions, file, keyOption, option, signingOptions, waitOption } from '../options.js';

const DIGEST_BYTES = 32;

const digestSchema = hexSchema.refine(({ length }) => length === DIGEST_BYTES, 'is not a whole manifest digest');
const digestOption = (text: string, not: string) => option('digest', text, digestSchema.optional(), { not: [not] });

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
    iConsentToManifest: digestOption(
      'answer YES without a prompt, if the question is about this manifest',
      'iRefuseManifest',
    ),
    iRefuseManifest: digestOption(
      'answer no without a prompt, if the question is about this manifest',
      'iConsentToManifest',
    ),
  },
  examples: [
    'countersign consent -k consenter.pem --broker mqtt://localhost --device sensor-7 --package release.suit',
    'countersign consent -k consenter.pem -p /dev/ttyACM0 --wait 600',
  ],
  writes: true,
  async run({ options, ...around }) {
    const { terminal, dryRun, signal } = around;
    const { iConsentToManifest: yes, iRefuseManifest: no, package: path, wait = 0 } = options;
    const wanted = path === undefined ? undefined : await readPackageDigest(path);
    const key = await openSigningKey(options.key, options, terminal);
    return withDevice(options, around, async ({ client }) => {
      if (wait > 0) terminal.note(`waiting up to ${wait} s for a question`);
      const asked = await awaitAsked(client, wait * 1000, { signal });
      if (!asked) throw new CountersignError('NothingAsked', `consent: ${client.link.name} asks nothing`);
      terminal.note('', ...questionLines(asked));
      requireAbout(asked, wanted, path ?? '');
      requireAbout(asked, yes ?? no, 'the flag');
      const prompt = `Install ${fingerprint(asked.digest)}? Type yes or no (${asked.left} s left)`;
      const ask = () => terminal.yesOrNo(prompt, '--i-consent-to-manifest or --i-refuse-manifest');
      const answer: Answer = yes ? 'yes' : no ? 'no' : await ask();
      if (signal.aborted) throw new CountersignError('Cancelled', 'consent: stopped');
      const document = signConsent(key, { answer, ...asked });
      if (!dryRun) await giveAnswer(client, asked, document, { signal });
      return answerGiven(asked, answer, key.public, dryRun);
    });
  },
});
