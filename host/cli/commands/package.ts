// package: the vendor's side. A firmware image goes in, a signed SUIT envelope comes out.
//
// Can be signed in three steps on two machines (../ceremony.ts), and gives the same bytes then as in one, if the signature
// is one of the kind that always comes out the same (Ed25519).

import { z } from 'zod';
import { VENDOR_FORMS } from '../../ceremony.js';
import { CountersignError } from '../../errors.js';
import { writeBytes } from '../../files.js';
import { hex, uuidText } from '../../formats/bytes.js';
import { readImage } from '../../formats/images/image.js';
import { hexAddress } from '../../formats/images/segments.js';
import { UF2_FAMILIES } from '../../formats/images/uf2.js';
import type { Row } from '../../formats/wording.js';
import { withFile } from '../../open-file.js';
import {
  acceptRelease,
  draftRelease,
  type MadePackage,
  type NamedImage,
  requestRelease,
  signRelease,
} from '../../vendor/package.js';
import { attach, checkSteps, openKeys, prepare, sign } from '../ceremony.js';
import { command, flagOf, type Result } from '../command.js';
import { ceremonyOptions, file, flag, keyOption, option, signingOptions, text } from '../options.js';
import { written } from '../result.js';
import type { Terminal } from '../terminal.js';
import { addressSchema, familySchema, pathSchema, regionSchema, sequenceSchema } from '../values.js';

/** Left out only by the steps that take it from the request. */
const LATER = { unless: ['sign', 'attach'] };

export const packageCommand = command({
  name: 'package',
  summary: 'make a signed package of a firmware image',
  details: [
    'Takes raw .bin, Intel HEX, S-records, ELF, UF2, or a signed MCUboot .bin, which stays as it is. The content',
    'decides, not the file name. Keys, archives and other files that are not firmware are refused. Files that only',
    'look unusual cause a warning; --raw takes them without. A device refuses a package whose --sequence is lower',
    'than the one it has. To sign on an offline machine: --prepare here, --sign there, --attach here, again with the',
    'image.',
  ].join('\n'),
  arguments: { image: { text: 'firmware image', schema: pathSchema.optional(), unless: ['sign', 'attach', 'raw'] } },
  options: {
    key: keyOption("the vendor's private key: a file or a pkcs11: URI", 'vendor-key'),
    vendor: text('domain', 'vendor: a domain or a UUID; required unless --sign or --attach', {
      config: 'vendor',
      ...LATER,
    }),
    class: text('name', 'device class: a name or a UUID; required unless --sign or --attach', {
      config: 'class',
      ...LATER,
    }),
    sequence: option(
      'number',
      'sequence number, higher with every release; required unless --sign or --attach',
      sequenceSchema.optional(),
      { short: 's', ...LATER },
    ),
    force: flag('accept a --sequence that is far ahead'),
    version: text('text', 'version to show to people; default: from the header of an MCUboot image'),
    name: text('text', 'product or firmware name to show to people', { config: 'name' }),
    description: text('text', 'what is new; shown to the user who is asked'),
    detached: flag('do not put the firmware into the package'),
    uri: option('uri', 'where devices download a detached firmware', z.url().optional()),
    askAuthorization: flag('require authorization before the download (SUIT command 27)'),
    region: option('start..end', 'use only this address range of the image', regionSchema.optional()),
    family: option(
      'family',
      `which family of a UF2 file to use: a number, or ${Object.keys(UF2_FAMILIES).join(', ')}`,
      familySchema.optional(),
    ),
    address: option('address', 'fail unless the image starts at this address', addressSchema.optional()),
    output: file('output file; default: IMAGE with the ending .suit', { short: 'o' }),
    ...ceremonyOptions,
    raw: option(
      '[file]',
      'use the image file as it is, without warnings; with --prepare and FILE: also write the bytes to sign',
      z.union([z.literal(true), pathSchema]).optional(),
    ),
    ...signingOptions,
  },
  examples: [
    'countersign package app.hex -k vendor.pem --vendor example.com --class sensor -s 5 --version 1.2.0',
    'countersign package zephyr.signed.bin -k vendor.pem --vendor example.com --class sensor -s 6 -o release.suit',
    'countersign package app.hex -k vendor.pub.pem --vendor example.com --class sensor -s 5 --prepare',
    'countersign package app.hex -k vendor.pub.pem --attach app.sig',
  ],
  writes: true,
  async run({ arguments: { image: argument }, options: given, ...around }) {
    const { terminal, dryRun } = around;
    const { raw, insists, path } = readRaw(given.raw, given.prepare, argument);
    const options = { ...given, raw };
    checkSteps(options, terminal);
    if (options.sign !== undefined) return sign(options.sign, VENDOR_FORMS, options, around);
    if (options.uri !== undefined && !options.detached) throw wrong('--uri needs --detached');

    /** The image is there until `use` has ended. */
    const withImage = (name: string, use: (image: NamedImage) => Promise<Result>) =>
      withFile(name, async (content) => {
        const image = { path: name, ...(await readImage(content, name, { ...options, raw: insists })) };
        noteDoubts(image, insists, terminal);
        return use(image);
      });

    if (options.attach !== undefined) {
      const beside = SIGNED.find((key) => options[key] !== undefined && options[key] !== false);
      if (beside) throw wrong(`--attach does not go with ${flagOf(beside)}`, 'what was signed says it');
      const attached = await attach(options.attach, VENDOR_FORMS, options, terminal);
      const finish = async (image?: NamedImage) =>
        write(options.output ?? `${attached.base}.suit`, await acceptRelease(attached, image, options), dryRun);
      return path === undefined ? finish() : withImage(path, finish);
    }
    return withImage(needed('<image>', path), async (image) => {
      const draft = await draftRelease(image, {
        ...options,
        sequence: needed('--sequence', options.sequence),
        vendor: needed('--vendor', options.vendor),
        class: needed('--class', options.class),
        now: Math.floor(Date.now() / 1000),
      });
      const base = image.path.replace(/\.[^./\\]+$/, '');
      const { signer, key } = await openKeys(options, terminal);
      if (!signer) return prepare(requestRelease(key, draft), base, options, dryRun);
      return write(options.output ?? `${base}.suit`, signRelease(signer, draft), dryRun);
    });
  },
});

/** At the last step of a ceremony, what was signed says all of this. */
const SIGNED = ['sequence', 'version', 'description', 'uri', 'askAuthorization'] as const;

const wrong = (what: string, hint?: string) =>
  new CountersignError('BadArgument', `argument: ${what}`, hint === undefined ? {} : { hint });

function needed<T>(what: string, value: T | undefined): T {
  if (value === undefined) throw wrong(`${what}: is required`);
  return value;
}

/** --raw alone is about the image; with a value it is about --prepare, or in front of the image itself. */
function readRaw(given: string | true | undefined, prepares: boolean, argument: string | undefined) {
  const value = typeof given === 'string' ? given : undefined;
  if (value !== undefined && !prepares && argument === undefined) return { raw: undefined, insists: true, path: value };
  return { raw: value, insists: given === true, path: argument };
}

/** For other files than a raw image --raw is something else: it takes them as they are. */
function noteDoubts({ doubts, kind, path }: NamedImage, insists: boolean, terminal: Terminal): void {
  const silenced = kind === 'bin' && !insists ? ' (--raw: no doubt about it)' : '';
  terminal.note(...doubts.map((doubt) => `warning: ${path}: ${doubt}${silenced}`));
}

/** Writes the package, and says what it is from its own bytes. */
async function write(path: string, made: MadePackage, dryRun: boolean): Promise<Result> {
  const { parts, bytes, headBytes, digest, view, signer, image, detached, warnings } = made;
  await writeBytes(path, parts, { dryRun });
  const { sequence, vendorId, classId, uri } = view;
  const { version } = view.text;
  const address = image?.address === undefined ? undefined : hexAddress(image.address);
  const gaps = image?.gapBytes ?? 0;
  const data = {
    ...{ digest, sequence, firmwareVersion: version },
    ...{ vendorId: vendorId && uuidText(vendorId), classId: classId && uuidText(classId) },
    ...{ signer: signer.kid, bytes, headBytes, uri, detached },
    image: { kind: image?.kind, bytes: view.image.bytes, digest: view.image.digest, address, gapBytes: gaps },
    ...(warnings.length > 0 && { warnings }),
  };
  const facts: Row[] = [
    ['package', hex(digest)],
    ['sequence', sequence],
    ['version', version],
    ['image', `${view.image.bytes} bytes${image ? ` from ${image.kind}` : ''}${address ? ` at ${address}` : ''}`],
    ['gaps', gaps > 0 ? `${gaps} bytes filled with 0xff` : undefined],
    ['signed by', hex(signer.kid)],
  ];
  return written(path, dryRun, data, facts, ['approve', path]);
}
