// package: the vendor's side. A firmware image goes in, a signed SUIT envelope comes out.
//
// Can be signed in three steps on two machines (local/packaging.ts), and gives the same bytes then as in one, if the signature
// is one of the kind that always comes out the same (Ed25519).

import { z } from 'zod';
import { CountersignError } from '../../errors.js';
import { UF2_FAMILIES } from '../../formats/images/uf2.js';
import { addressSchema, familySchema, regionSchema, sequenceSchema } from '../../formats/typed.js';
import { packageFile } from '../../local/packaging.js';
import { command } from '../command.js';
import { file, fileArguments, flag, keyOption, option, output, signingOptions, text, textSchema } from '../options.js';
import { ceremonyOptions } from '../signing-options.js';

/** Left out only by the steps that take it from the request. */
const LATER = { unless: ['sign', 'attach'] };

export const packageCommand = command({
  name: 'package',
  summary: 'make a signed package of a firmware image, or of several',
  details: [
    'Takes raw .bin, Intel HEX, S-records, ELF, UF2, or a signed MCUboot .bin, which stays as it is. The content',
    'decides, not the file name. Keys, archives and other files that are not firmware are refused. Files that only',
    'look unusual cause a warning; --raw takes them without. A device refuses a package whose --sequence is lower',
    'than the one it has. To sign on an offline machine: --prepare here, --sign there, --attach here, again with the',
    'images. Several images (application and radio core, say) are the components 0, 1, 2 and 3 of one package, which is',
    'approved or denied as a whole. Boards do not install such a package yet; `guard` does, by your own programs.',
  ].join('\n'),
  arguments: {
    image: fileArguments('firmware image; up to four, for components 0 to 3', textSchema.array().optional(), {
      many: true,
      unless: ['sign', 'attach', 'raw'],
    }),
  },
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
    mcuboot: flag("name the image by MCUboot's hash, for boot loaders with the gate of export-c --mcuboot", {
      not: ['raw', 'region'],
      why: 'the image goes into MCUboot as imgtool has signed it',
    }),
    tlv: file('also write the image with the package in a TLV of it', { needs: 'mcuboot', file: 'written' }),
    uri: option('uri', 'where devices download a detached firmware', z.url().optional(), { needs: 'detached' }),
    askAuthorization: flag('require authorization before the download (SUIT command 27)'),
    region: option('start..end', 'use only this address range of the image', regionSchema.optional()),
    family: option(
      'family',
      `which family of a UF2 file to use: a number, or ${Object.keys(UF2_FAMILIES).join(', ')}`,
      familySchema.optional(),
    ),
    address: option('address', 'fail unless the image starts at this address', addressSchema.optional()),
    output: output('output file; default: IMAGE with the ending .suit', { short: 'o' }),
    ...ceremonyOptions,
    raw: option(
      '[file]',
      'use the image file as it is, without warnings; with --prepare and FILE: also write the bytes to sign',
      z.union([z.literal(true), textSchema]).optional(),
      { file: 'written' },
    ),
    ...signingOptions,
  },
  examples: [
    'countersign package app.hex -k vendor.pem --vendor example.com --class sensor -s 5 --version 1.2.0',
    'countersign package zephyr.signed.bin -k vendor.pem --vendor example.com --class sensor -s 6 -o release.suit',
    'countersign package app.hex radio.hex -k vendor.pem --vendor example.com --class sensor -s 7 -o release.suit',
    'countersign package zephyr.signed.bin --mcuboot -k vendor.pem --vendor example.com --class sensor -s 6',
    'countersign package app.hex -k vendor.pub.pem --vendor example.com --class sensor -s 5 --prepare',
    'countersign package app.hex -k vendor.pub.pem --attach app.sig',
  ],
  writes: true,
  async run({ arguments: { image: images }, options: given, terminal, ...around }) {
    const options = { ...given, ...readRaw(given.raw, given.prepare, images) };
    const { path, ...made } = await packageFile(options, terminal, around);
    return { ...made, next: path === undefined ? undefined : ['approve', path] };
  },
});

/** --raw alone is about the images; with a value it is about --prepare, or in front of the first image itself. */
function readRaw(given: string | true | undefined, prepares: boolean, images: string[] | undefined) {
  const value = typeof given === 'string' ? given : undefined;
  if (value === undefined || prepares) return { raw: value, insists: given === true, images };
  if (images === undefined) return { raw: undefined, insists: true, images: [value] };
  throw new CountersignError('BadArgument', 'argument: --raw FILE needs --prepare');
}
