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
import { hexAddress, type Region } from '../../formats/images/segments.js';
import { UF2_FAMILIES } from '../../formats/images/uf2.js';
import { withFile } from '../../open-file.js';
import {
  acceptRelease,
  draftRelease,
  type MadePackage,
  type NamedImage,
  requestRelease,
  signRelease,
} from '../../vendor/package.js';
import { attach, ceremonyOptions, checkSteps, prepare, sign } from '../ceremony.js';
import { command, flagOf, type Result } from '../command.js';
import { rows } from '../show.js';
import { openPublicKey, openSigningKey, type SigningOptions, signingOptions } from '../signing.js';
import type { Terminal } from '../terminal.js';
import { addressSchema, familySchema, pathSchema, regionSchema, sequenceSchema, switchSchema } from '../values.js';

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
    key: {
      short: 'k',
      value: 'key',
      text: "the vendor's private key: a file or a pkcs11: URI",
      schema: pathSchema,
      config: 'vendor-key',
      path: true,
    },
    vendor: {
      value: 'domain',
      text: 'vendor: a domain or a UUID; required unless --sign or --attach',
      schema: z.string().min(1).optional(),
      unless: ['sign', 'attach'],
      config: 'vendor',
    },
    class: {
      value: 'name',
      text: 'device class: a name or a UUID; required unless --sign or --attach',
      schema: z.string().min(1).optional(),
      unless: ['sign', 'attach'],
      config: 'class',
    },
    sequence: {
      short: 's',
      value: 'number',
      text: 'sequence number, higher with every release; required unless --sign or --attach',
      schema: sequenceSchema.optional(),
      unless: ['sign', 'attach'],
    },
    force: { text: 'accept a --sequence that is far ahead', schema: switchSchema },
    version: {
      value: 'text',
      text: 'version to show to people; default: from the header of an MCUboot image',
      schema: z.string().min(1).optional(),
    },
    name: {
      value: 'text',
      text: 'product or firmware name to show to people',
      schema: z.string().min(1).optional(),
      config: 'name',
    },
    description: {
      value: 'text',
      text: 'what is new; shown to the user who is asked',
      schema: z.string().min(1).optional(),
    },
    detached: { text: 'do not put the firmware into the package', schema: switchSchema },
    uri: { value: 'uri', text: 'where devices download a detached firmware', schema: z.url().optional() },
    askAuthorization: {
      text: 'require authorization before the download (SUIT command 27)',
      schema: switchSchema,
    },
    region: {
      value: 'start..end',
      text: 'use only this address range of the image',
      schema: regionSchema.optional(),
    },
    family: {
      value: 'family',
      text: `which family of a UF2 file to use: a number, or ${Object.keys(UF2_FAMILIES).join(', ')}`,
      schema: familySchema.optional(),
    },
    address: {
      value: 'address',
      text: 'fail unless the image starts at this address',
      schema: addressSchema.optional(),
    },
    output: {
      short: 'o',
      value: 'file',
      text: 'output file; default: IMAGE with the ending .suit',
      schema: pathSchema.optional(),
    },
    ...ceremonyOptions,
    raw: {
      value: '[file]',
      text: 'use the image file as it is, without warnings; with --prepare and FILE: also write the bytes to sign',
      schema: z.union([z.literal(true), pathSchema]).optional(),
    },
    ...signingOptions,
  },
  examples: [
    'countersign package app.hex -k vendor.pem --vendor example.com --class sensor -s 5 --version 1.2.0',
    'countersign package zephyr.signed.bin -k vendor.pem --vendor example.com --class sensor -s 6 -o release.suit',
    'countersign package app.hex -k vendor.pub.pem --vendor example.com --class sensor -s 5 --prepare',
    'countersign package app.hex -k vendor.pub.pem --attach app.sig',
  ],
  writes: true,
  async run({ arguments: { image: argument }, options: given, terminal, dryRun }) {
    const { raw, insists, path } = readRaw(given.raw, given.prepare, argument);
    const options = { ...given, raw, insists };
    checkSteps(options, terminal);
    if (options.sign !== undefined) return sign(options.sign, VENDOR_FORMS, options, options, terminal, dryRun);
    if (options.uri !== undefined && !options.detached) {
      throw new CountersignError('BadArgument', 'argument: --uri needs --detached');
    }
    if (options.attach !== undefined) return finish(path, options.attach, options, terminal, dryRun);
    return withImage(needed('<image>', path), options, terminal, async (image) => {
      const release = {
        ...options,
        sequence: needed('--sequence', options.sequence),
        vendor: needed('--vendor', options.vendor),
        class: needed('--class', options.class),
        now: Math.floor(Date.now() / 1000),
      };
      const draft = await draftRelease(image, release);
      const base = image.path.replace(/\.[^./\\]+$/, '');
      if (options.prepare) {
        const key = await openPublicKey(options.key, options, terminal);
        return prepare(requestRelease(key, draft), base, options, dryRun);
      }
      const key = await openSigningKey(options.key, options, terminal);
      return write(options.output ?? `${base}.suit`, signRelease(key, draft), dryRun);
    });
  },
});

interface Finishing extends SigningOptions {
  key: string;
  output?: string | undefined;
  prepare: boolean;
  detached: boolean;
  request?: string | undefined;
  region?: Region | undefined;
  address?: number | undefined;
  family?: number | undefined;
  insists: boolean;
}

/** --raw alone is about the image; with a value it is about --prepare, or in front of the image itself. */
function readRaw(given: string | true | undefined, prepares: boolean, argument: string | undefined) {
  const value = typeof given === 'string' ? given : undefined;
  if (value !== undefined && !prepares && argument === undefined) return { raw: undefined, insists: true, path: value };
  return { raw: value, insists: given === true, path: argument };
}

/** The last step of a ceremony: what was signed says all but the firmware itself. */
async function finish(
  path: string | undefined,
  signature: string,
  options: Finishing & Record<string, unknown>,
  terminal: Terminal,
  dryRun: boolean,
): Promise<Result> {
  const beside = ['sequence', 'version', 'description', 'uri', 'askAuthorization'].find(
    (key) => options[key] !== undefined && options[key] !== false,
  );
  if (beside !== undefined) {
    throw new CountersignError('BadArgument', `argument: --attach does not go with ${flagOf(beside)}`, {
      hint: 'what was signed says it',
    });
  }
  const attached = await attach(signature, VENDOR_FORMS, options, options, terminal);
  const output = options.output ?? `${attached.base}.suit`;
  if (path === undefined) return write(output, await acceptRelease(attached, undefined, options), dryRun);
  return withImage(path, options, terminal, async (image) =>
    write(output, await acceptRelease(attached, image, options), dryRun),
  );
}

/** The image is there until `use` has ended. */
function withImage(
  path: string,
  { region, family, insists }: Pick<Finishing, 'region' | 'family' | 'insists'>,
  terminal: Terminal,
  use: (image: NamedImage) => Promise<Result>,
): Promise<Result> {
  return withFile(path, async (file) => {
    const image = { path, ...(await readImage(file, path, { region, family, raw: insists })) };
    // For other files --raw is something else: it takes them as they are.
    const silenced = image.kind === 'bin' && !insists ? ' (--raw: no doubt about it)' : '';
    for (const doubt of image.doubts) terminal.note(`warning: ${path}: ${doubt}${silenced}`);
    return use(image);
  });
}

function needed<T>(what: string, value: T | undefined): T {
  if (value !== undefined) return value;
  throw new CountersignError('BadArgument', `argument: ${what}: is required`);
}

/** Writes the package, and says what it is from its own bytes. */
async function write(path: string, made: MadePackage, dryRun: boolean): Promise<Result> {
  const { parts, bytes, headBytes, digest, view, signer, image, detached, warnings } = made;
  await writeBytes(path, parts, { dryRun });
  const { sequence, vendorId, classId, uri } = view;
  const { version } = view.text;
  const address = image?.address === undefined ? undefined : hexAddress(image.address);
  const gaps = image?.gapBytes ?? 0;
  return {
    data: {
      output: path,
      written: !dryRun,
      digest,
      sequence,
      version,
      vendorId: vendorId && uuidText(vendorId),
      classId: classId && uuidText(classId),
      signer: signer.kid,
      bytes,
      headBytes,
      image: { kind: image?.kind, bytes: view.image.bytes, digest: view.image.digest, address, gapBytes: gaps },
      uri,
      detached,
      ...(warnings.length > 0 && { warnings }),
    },
    lines: [
      `${dryRun ? 'would write' : 'wrote'} ${path} (${bytes} bytes)`,
      ...rows([
        ['package', hex(digest)],
        ['sequence', sequence],
        ['version', version],
        ['image', `${view.image.bytes} bytes${image ? ` from ${image.kind}` : ''}${address ? ` at ${address}` : ''}`],
        ['gaps', gaps > 0 ? `${gaps} bytes filled with 0xff` : undefined],
        ['signed by', hex(signer.kid)],
      ]),
    ],
    next: ['approve', path],
  };
}
