// Options of those who sign: what a document is about, how it is issued and published, and a signature on two machines.

import { z } from 'zod';
import { topicNameSchema } from '../formats/topic-name.js';
import { hexSchema, momentSchema, sequenceRangeSchema, sequenceSchema } from '../formats/typed.js';
import { placeSchema } from '../links/broker-place.js';
import { NO_RECORD } from '../local/settings.js';
import { grouped } from './command.js';
import {
  accessOptions,
  brokerOptions,
  file,
  flag,
  keyOption,
  option,
  output,
  signingOptions,
  text,
  textSchema,
  waitOption,
} from './options.js';

/** For commands that make a document: the broker where it is published besides. */
export const publishOptions = {
  ...grouped('Publishing', {
    publish: option(
      'url',
      'also publish the document, retained, on this broker: mqtt://host/fleet',
      placeSchema.optional(),
      { config: 'publish' },
    ),
    publishAs: option(
      'name',
      "the operator's name in the topic; default: the issuer or the key id",
      topicNameSchema.optional(),
      { config: 'publish-as' },
    ),
    wait: { ...waitOption('wait this long until all online devices have taken it'), needs: 'publish' },
    fleet: brokerOptions.fleet,
  }),
  ...accessOptions,
};

/** By which an entry of a document says what it is about. */
export const selectorOptions = grouped('What it is about', {
  package: file('exactly this package', { not: ['file'] }),
  digest: option('hex', 'exactly the package with this manifest digest', hexSchema.optional()),
  imageHash: option('hex', "the image with this hash of MCUboot's", hexSchema.optional()),
  class: text('name', 'packages for this device class: a name (with --vendor) or a UUID'),
  vendor: text('domain', 'the vendor that the class name belongs to', { config: 'vendor' }),
  range: option(
    'low..high',
    'only these sequence numbers; needs --class or --vendor-kid',
    sequenceRangeSchema.optional(),
  ),
  vendorKid: option('hex', 'packages signed with the vendor key of this id', hexSchema.optional()),
  device: option('hex', 'only on the device with this id', z.array(hexSchema).min(1).optional(), {
    short: 'd',
    repeat: true,
  }),
});
/** All that makes an entry, but for the package itself: it says nothing beside a document or a request that is finished. */
export const SELECTING = [
  'class',
  'range',
  'vendorKid',
  'device',
  'digest',
  'imageHash',
  'expires',
  'notBefore',
  'confirm',
];

export const validityOptions = {
  expires: option('moment', 'end of validity: 2027-01-31, or 30d', momentSchema.optional()),
  notBefore: option('moment', 'start of validity', momentSchema.optional()),
};

/** Of signing and recording a document. */
export const issuingOptions = {
  key: keyOption("the operator's private key: a file or a pkcs11: URI", 'operator-key'),
  issuer: text('name', "the operator's name in the document; default: as in the last one, or the key id", {
    config: 'issuer',
  }),
  sequence: option(
    'number',
    'number of the document; default: above the last one, and at least the current time',
    sequenceSchema.optional(),
    { short: 's' },
  ),
  force: flag('accept a --sequence that is far ahead'),
  only: flag('do not repeat the entries of the last document'),
  lift: flag('end denials in the last document of packages that this one does not name'),
  record: file(`where the last document is recorded, or "${NO_RECORD}"; default: next to the key`, {
    config: 'record',
    path: true,
  }),
  output: output('output file', { short: 'o' }),
  ...publishOptions,
  ...signingOptions,
};

/** What a finished document or package says already. */
const SAID = ['from', 'sequence', 'version', 'description', 'uri', 'askAuthorization'];

/** A signature in three steps on two machines (local/signing-steps.ts). */
export const ceremonyOptions = grouped('Signing on another machine', {
  prepare: flag('write a signing request for another machine; -k is the public key', { not: ['sign', 'attach'] }),
  raw: output('with --prepare: also write the bytes to sign, for other signing tools', { needs: 'prepare' }),
  sign: option('request', 'sign this request; only -k is needed', textSchema.optional(), {
    file: 'read',
    not: ['attach'],
  }),
  attach: option('signature', 'finish with this signature; -k is the public key', textSchema.optional(), {
    file: 'read',
    not: [...SELECTING, ...SAID],
    why: 'what was signed says it',
  }),
  request: file('with --attach: the request; default: next to the signature', { needs: 'attach' }),
});
