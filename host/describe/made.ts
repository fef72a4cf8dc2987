// What was made, and where it went: a package, a document of an operator, a countersignature, a change, a bootstrap document,
// and the requests and signatures of a ceremony. Each is told from the bytes themselves.
//
// `path` is what the caller names the result by: a file, a URL. `dryRun`: it would be made.

import { requestRows } from '../ceremony.js';
import type { Claims } from '../formats/approval.js';
import { viewBootstrap } from '../formats/bootstrap.js';
import type { Bytes } from '../formats/byte-source.js';
import { hex, uuidText } from '../formats/bytes.js';

import { type ChangeView, viewChange } from '../formats/change.js';
import { componentText } from '../formats/components.js';
import type { Envelope } from '../formats/envelope.js';
import { hexAddress } from '../formats/images/segments.js';
import type { KeyKind, PublicKey } from '../formats/keys.js';
import type { NextDocument } from '../formats/record.js';
import type { SigningRequest } from '../formats/signing-request.js';
import { claimsRows, entryText, packageRows, type Row, rows } from '../formats/wording.js';
import { reasonData } from '../json.js';
import type { Countersigned } from '../operator/countersign.js';
import type { Published } from '../operator/publish.js';
import { reasonOf } from '../reasons.js';
import type { MadePackage } from '../vendor/package.js';
import { changeData, changeRows } from './change.js';
import { claimsData, type Described } from './words.js';

/** Where it went. */
export interface Made {
  path: string;
  dryRun: boolean;
}

/** "wrote PATH (12 bytes)" */
export const wroteText = (path: string, dryRun: boolean, bytes?: number): string =>
  `${dryRun ? 'would write' : 'wrote'} ${path}${bytes === undefined ? '' : ` (${bytes} bytes)`}`;

const made = ({ path, dryRun }: Made, data: { bytes: number } & Described['data'], facts: readonly Row[]) => ({
  data: { output: path, written: !dryRun, ...data },
  lines: [wroteText(path, dryRun, data.bytes), ...rows(facts)],
});

/** A package, by what it says itself. */
export function packageMade(one: MadePackage, where: Made): Described {
  const { bytes, headBytes, digest, view, signer, image, others, detached, warnings } = one;
  const { sequence, vendorId, classId, uri } = view;
  const { version } = view.text;
  const address = image?.address === undefined ? undefined : hexAddress(image.address);
  const gapBytes = image?.gapBytes ?? 0;
  const data = {
    ...{ digest, sequence, firmwareVersion: version },
    ...{ vendorId: vendorId && uuidText(vendorId), classId: classId && uuidText(classId) },
    ...{ signer: signer.kid, bytes, headBytes, uri, detached },
    image: { kind: image?.kind, bytes: view.image.bytes, digest: view.image.digest, address, gapBytes },
    ...(view.images.length > 1 && {
      images: view.images.map(({ id, ...each }) => ({ component: componentText(id), ...each })),
    }),
    ...(warnings.length > 0 && { warnings }),
  };
  const from = `${image ? ` from ${image.kind}` : ''}${address ? ` at ${address}` : ''}`;
  return made(where, data, [
    ['package', hex(digest)],
    ['sequence', sequence],
    ['version', version],
    ['image', `${view.image.bytes} bytes${from}`],
    ...view.images
      .slice(1)
      .map(
        ({ id, bytes }, at): Row => [
          `image ${componentText(id)}`,
          `${bytes} bytes${others[at] ? ` from ${others[at].kind}` : ''}`,
        ],
      ),
    ['gaps', gapBytes > 0 ? `${gapBytes} bytes filled with 0xff` : undefined],
    ['signed by', hex(signer.kid)],
  ]);
}

/** A package with one more signature: the operator's. */
export const countersignatureMade = (
  { bytes, digest, signer: { kid }, signatures }: Countersigned<Bytes>,
  where: Made,
): Described =>
  made(where, { digest, signer: kid, signatures, bytes }, [
    ['approves', `package ${hex(digest)}, on any device, for good`],
    ['signed by', hex(kid)],
  ]);

/** What the next document says besides what was asked for: lines for whoever signs it, and further ones for who wants them. */
export const repeatedText = ({ repeated, dropped }: NextDocument): { lines: string[]; details: string[] } => ({
  lines: [
    ...(repeated.length > 0 ? [`repeating ${repeated.length} earlier entries (--only leaves them out)`] : []),
    ...dropped.map((entry) => `no longer said: ${entryText(entry)}`),
  ],
  details: repeated.map((entry) => `  ${entryText(entry)}`),
});

/** An operator's document, and what became of it on the broker. */
export function documentMade(
  { claims, repeated, dropped }: NextDocument,
  key: PublicKey,
  { bytes, published }: { bytes: number; published: Published | undefined },
  { path, dryRun }: Made,
): Described {
  return {
    data: {
      output: path,
      written: !dryRun,
      bytes,
      signer: key.kid,
      document: claimsData(claims),
      repeated: repeated.length,
      dropped: dropped.length,
      ...(published && { published }),
    },
    lines: [
      wroteText(path, dryRun, bytes),
      ...(published ? [publishedText(published, dryRun)] : []),
      ...documentLines(claims, key.kid),
    ],
  };
}

const documentLines = (claims: Claims, kid: Uint8Array | undefined): string[] =>
  rows([...claimsRows(claims), ['signed by', kid && hex(kid)]]);

function publishedText({ topic, broker, published, replaced }: Published, dryRun: boolean): string {
  const where = `${topic} on ${broker}`;
  if (!published && !dryRun) return `there already: ${where}`;
  const before = replaced === undefined ? '' : `, in place of document ${replaced}`;
  return `${dryRun ? 'would publish' : 'published'} ${where}${before}`;
}

/** A document that was there, brought to a broker. */
export const documentPublished = (
  { claims, kid }: { claims: Claims; kid: Uint8Array | undefined },
  published: Published,
  { path, dryRun }: Made,
): Described => ({
  data: { file: path, ...published, document: claimsData(claims), signer: kid },
  lines: [publishedText(published, dryRun), ...documentLines(claims, kid)],
});

/** A change of anchors, policy or groups, brought to a broker. */
export const changePublished = (view: ChangeView, published: Published, { path, dryRun }: Made): Described => ({
  data: { file: path, ...published, change: changeData(view) },
  lines: [publishedText(published, dryRun), ...rows(changeRows(view))],
});

/** The blocks of a package, brought to a broker. */
export function blocksPublished(
  envelope: Envelope<Bytes>,
  published: Omit<Published, 'replaced'> & { bytes: number; blocks: number },
  { path, dryRun }: Made,
): Described {
  const { topic, broker, fleet, published: done, bytes, blocks } = published;
  return {
    data: { file: path, broker, fleet, topic, published: done, digest: envelope.digest, bytes, blocks },
    lines: [
      publishedText({ ...published, replaced: undefined }, dryRun),
      ...rows([...packageRows(envelope, path), ['blocks', `${blocks} (${bytes} bytes)`]]),
    ],
  };
}

/** A change of anchors, policy or groups; `reason`: what a device would say of it, if that was asked for. */
export function changeMade(signed: Uint8Array, reason: number | undefined, where: Made): Described {
  const view = viewChange(signed, where.path);
  const taken = reason === undefined ? undefined : reason === 0 ? 'yes' : `not yet: ${reasonOf(reason).text}`;
  const data = {
    bytes: signed.length,
    ...changeData(view),
    reason: reason === undefined ? null : reasonData(reason),
  };
  return made(where, data, [...changeRows(view), ['would pass', taken]]);
}

/** A bootstrap document that the core has taken. */
export function bootstrapMade(bytes: Uint8Array, where: Made): Described {
  const { device, anchors } = viewBootstrap(bytes, where.path)!;
  const kids = anchors.map(({ role, name, key }) => ({ role, name, kid: key.kid }));
  const trusts = kids.map(({ role, name, kid }) => [role, hex(kid), name ?? ''].join(' ').trim());
  return made(where, { bytes: bytes.length, device, anchors: kids }, [
    ['device', hex(device)],
    ['trusts', trusts],
  ]);
}

/** Step 1 of a ceremony: a signing request, and the bytes to sign for other tools. */
export const requestMade = (request: SigningRequest, { path, dryRun }: Made, raw?: string): Described => ({
  data: { request: path, raw, written: !dryRun, form: request.form, signer: request.key.kid },
  lines: [
    wroteText([path, ...(raw === undefined ? [] : [raw])].join(', '), dryRun),
    ...rows(requestRows(request, path)),
  ],
});

/** Step 2: a signature. `from` names the request. */
export const signatureMade = (request: SigningRequest, from: string, { path, dryRun }: Made): Described => ({
  data: { signature: path, written: !dryRun, form: request.form, signer: request.key.kid },
  lines: [wroteText(path, dryRun), ...rows(requestRows(request, from))],
});

/** A key pair, in files or (`uri`) in a token. */
export function keyMade(
  made: { key: PublicKey | undefined; private: string; public: readonly string[] },
  { type, encrypted, uri }: { type: KeyKind; encrypted: boolean; uri: string | undefined },
  dryRun: boolean,
): Described {
  const kid = made.key?.kid;
  const how = `${type}${encrypted ? ', encrypted' : ''}${uri ? ', in a token' : ''}`;
  return {
    data: { kid, type, encrypted, private: made.private, public: made.public, written: !dryRun },
    lines: [
      ...(uri ? [`${dryRun ? 'would make' : 'made'} ${uri}`] : []),
      wroteText([...(uri ? [] : [made.private]), ...made.public].join(', '), dryRun),
      ...(kid ? [`key id ${hex(kid)} (${how})`] : []),
    ],
  };
}
