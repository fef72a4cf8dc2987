// package: the vendor's side. A firmware image goes in, a signed SUIT envelope comes out.

import { z } from 'zod';
import { CountersignError } from '../../errors.js';
import { readBytes, writeBytes } from '../../files.js';
import { classIdOf, hex, uuidText, vendorIdOf } from '../../formats/bytes.js';
import { type Image, readImage } from '../../formats/images/image.js';
import { sameVersion } from '../../formats/images/mcuboot.js';
import { hexAddress } from '../../formats/images/segments.js';
import { buildPackage, INTEGRATED_URI } from '../../formats/suit.js';
import { command } from '../command.js';
import { rows } from '../show.js';
import { openSigningKey, signingOptions } from '../signing.js';
import { addressSchema, pathSchema, regionSchema, sequenceSchema, switchSchema } from '../values.js';

/** What is asked for with --ask-authorization; the draft leaves the scale to the application. */
const UPDATE_PRIORITY = 1;

export const packageCommand = command({
  name: 'package',
  summary: 'make a signed package of a firmware image',
  details: [
    'Takes a raw .bin, Intel HEX, ELF, UF2 or an MCUboot-signed .bin (kept whole). Kinds are told by content.',
    'A device refuses a package with a lower --sequence than it has.',
  ].join('\n'),
  arguments: { image: { text: 'firmware image', schema: pathSchema } },
  options: {
    key: {
      short: 'k',
      value: 'key',
      text: "the vendor's private key: a file, or a pkcs11: URI",
      schema: pathSchema,
      config: 'vendor-key',
      path: true,
    },
    vendor: { value: 'domain', text: 'domain of the vendor, or its UUID', schema: z.string().min(1), config: 'vendor' },
    class: { value: 'name', text: 'class of device, or its UUID', schema: z.string().min(1), config: 'class' },
    sequence: { short: 's', value: 'number', text: 'sequence number: only ever grows', schema: sequenceSchema },
    version: {
      value: 'text',
      text: 'version, shown to people; taken from the header of an MCUboot image',
      schema: z.string().min(1).optional(),
    },
    name: {
      value: 'text',
      text: 'name of the product or firmware',
      schema: z.string().min(1).optional(),
      config: 'name',
    },
    description: {
      value: 'text',
      text: 'what is new; shown when a user is asked',
      schema: z.string().min(1).optional(),
    },
    detached: { text: 'leave the firmware out of the package', schema: switchSchema },
    uri: { value: 'uri', text: 'where a device fetches a detached firmware', schema: z.url().optional() },
    askAuthorization: {
      text: 'have the device ask for authorization before it fetches (SUIT 27)',
      schema: switchSchema,
    },
    region: {
      value: 'start..end',
      text: 'take only these addresses of the image file',
      schema: regionSchema.optional(),
    },
    address: { value: 'address', text: 'refuse an image that does not start here', schema: addressSchema.optional() },
    output: {
      short: 'o',
      value: 'file',
      text: 'the package; default: IMAGE with .suit',
      schema: pathSchema.optional(),
    },
    ...signingOptions,
  },
  examples: [
    'countersign package app.hex -k vendor.pem --vendor example.com --class sensor -s 5 --version 1.2.0',
    'countersign package zephyr.signed.bin -k vendor.pem --vendor example.com --class sensor -s 6 -o release.suit',
  ],
  writes: true,
  async run({ arguments: { image: path }, options, terminal, dryRun }) {
    if (options.uri !== undefined && !options.detached) {
      throw new CountersignError('BadArgument', 'argument: --uri needs --detached');
    }
    const image = await readImage(await readBytes(path), path, { region: options.region });
    requireAddress(image, options.address, path);
    const version = agreedVersion(image, options.version, path);
    const key = await openSigningKey(options.key, options, terminal);
    const vendorId = vendorIdOf(options.vendor);
    const classId = classIdOf(vendorId, options.class);
    const built = buildPackage({
      image: image.bytes,
      vendorId,
      classId,
      sequence: options.sequence,
      version,
      name: options.name,
      description: options.description,
      detached: options.detached,
      uri: options.uri,
      askAuthorization: options.askAuthorization ? UPDATE_PRIORITY : undefined,
      key,
    });
    const output = options.output ?? path.replace(/(\.[^./\\]+)?$/, '.suit');
    await writeBytes(output, built.envelope, { dryRun });
    const address = image.address === undefined ? undefined : hexAddress(image.address);
    return {
      data: {
        output,
        written: !dryRun,
        digest: built.digest,
        sequence: options.sequence,
        version,
        vendorId: uuidText(vendorId),
        classId: uuidText(classId),
        signer: key.public.kid,
        bytes: built.envelope.length,
        headBytes: built.headBytes,
        image: {
          kind: image.kind,
          bytes: image.bytes.length,
          digest: built.imageDigest,
          address,
          gapBytes: image.gapBytes,
        },
        uri: options.detached ? (options.uri ?? INTEGRATED_URI) : INTEGRATED_URI,
        detached: options.detached,
      },
      lines: [
        `${dryRun ? 'would write' : 'wrote'} ${output} (${built.envelope.length} bytes)`,
        ...rows([
          ['package', hex(built.digest)],
          ['sequence', options.sequence],
          ['version', version],
          ['image', `${image.bytes.length} bytes from ${image.kind}${address ? ` at ${address}` : ''}`],
          ['gaps', image.gapBytes > 0 ? `${image.gapBytes} bytes filled with 0xff` : undefined],
          ['signed by', hex(key.public.kid)],
        ]),
      ],
    };
  },
});

function requireAddress(image: Image, wanted: number | undefined, path: string): void {
  if (wanted === undefined || image.address === wanted) return;
  const actual =
    image.address === undefined ? 'does not say where it starts' : `starts at ${hexAddress(image.address)}`;
  throw new CountersignError('BadArgument', `image: ${path} ${actual}, not at ${hexAddress(wanted)}`);
}

/** One version in two places drifts apart; they are compared before anything is signed. */
function agreedVersion(image: Image, typed: string | undefined, path: string): string | undefined {
  if (image.version === undefined || typed === undefined) return typed ?? image.version;
  if (sameVersion(typed, image.version)) return typed;
  throw new CountersignError(
    'VersionMismatch',
    `image: the header of ${path} says ${image.version}, --version ${typed}`,
    {
      hint: `leave --version out, or sign the image again as ${typed}`,
    },
  );
}
