// Packages of several components, made from the draft alone, right by default; each way of making one wrong is an option.

import {
  CLASS_ID,
  cbor,
  concat,
  type Fields,
  makeBootstrap,
  makeEnvelope,
  makeKey,
  makeManifest,
  map,
  mapAsGiven,
  ROLE,
  sha256,
  type TestKey,
  tagHead,
  VENDOR_ID,
} from './make.js';

/** Of the device: four, of which the second is installed into slot 1. */
export const componentId = (at: number): Uint8Array[] => [Uint8Array.of(at)];
export const COMPONENTS = Array.from({ length: 4 }, (_, at) => ({ id: componentId(at), slot: at === 1 ? 1 : 0 }));

export const IMAGES = Array.from({ length: 4 }, (_, at) =>
  Uint8Array.from({ length: 60 + 40 * at }, (_, i) => i * (at + 3)),
);
export const imageOf = (at: number): Uint8Array => IMAGES[at]!;

export const uriOf = (at: number): string => (at === 0 ? '#firmware' : `#firmware-${at}`);

export const vendor = makeKey('p256', 'vendor');
export const operator = makeKey('ed25519', 'operator');

/** Of a device that trusts one vendor and one operator. */
export const BOOTSTRAP = makeBootstrap({
  anchors: [
    { role: ROLE.vendor, key: vendor },
    { role: ROLE.operator, key: operator },
  ],
});

/** [name, what is made, reason] in the order in which a title names them. */
export const titled = <P, R>(cases: [string, P, R][]): [string, R, P][] =>
  cases.map(([name, parts, reason]) => [name, reason, parts]);

const digest = (image: Uint8Array) => cbor([-16, sha256(image)]);
const REPORT_ALL = 15;
const REPORT_FAILURE = 2;
const image = (at: number): [number, unknown][] => [
  [3, digest(imageOf(at))],
  [14, imageOf(at).length],
];

/** override-parameters; a digest may be given as the list that it is. */
const override = (fields: Fields): unknown[] => [
  20,
  map(fields.map(([key, value]) => [key, key === 3 && Array.isArray(value) ? cbor(value) : value])),
];
const fetch = [21, REPORT_FAILURE];
const match = [3, REPORT_ALL];
const parameters = {
  identity: [
    [1, VENDOR_ID],
    [2, CLASS_ID],
  ] as [number, unknown][],
  image,
  uri: (at: number): [number, unknown][] => [[21, uriOf(at)]],
};

/** Commands as the draft's templates have them. */
export const SHARED = {
  override,
  fetch,
  match,
  parameters,
  /** Fetches the first `count`. */
  images: (count: number, uris: readonly string[] = []): unknown[] =>
    Array.from({ length: count }, (_, at) => [
      12,
      at,
      ...override([[21, uris[at] ?? uriOf(at)]]),
      ...fetch,
      ...match,
    ]).flat(),
  copy: (to: number, from: number): unknown[] => [12, to, ...override([[22, from]]), 22, REPORT_FAILURE, ...match],
};

export interface Parts {
  count?: number;
  /** Component list instead of the first `count`. */
  list?: unknown;
  shared?: unknown[];
  payloadFetch?: unknown[];
  install?: unknown[];
  validate?: unknown[];
  load?: unknown[];
  invoke?: unknown[];
  uris?: string[];
  /** Every component has the image of the first. */
  sameImage?: boolean;
  /** Images in the envelope, in this order; the others follow it, in theirs. */
  carried?: number[];
  keys?: (string | number)[];
  payloads?: unknown[];
  /** Nothing follows the envelope. */
  cut?: boolean;
  behind?: Uint8Array;
  signers?: TestKey[];
}

/** try-each holds sequences as byte strings. */
function encoded(commands: unknown[]): unknown[] {
  return commands.map((word, at) =>
    commands[at - 1] === 15 && at % 2 === 1 && Array.isArray(word)
      ? word.map((branch) => (Array.isArray(branch) ? cbor(encoded(branch)) : branch))
      : word,
  );
}

/** The package, with the images that are not in it behind it. */
export function bundle(parts: Parts = {}): Uint8Array {
  const { count = 2, signers = [vendor, operator], keys = [], uris = [], behind = new Uint8Array() } = parts;
  const all = Array.from({ length: count }, (_, at) => at);
  const own = (at: number) => (parts.sameImage ? 0 : at);
  const shared =
    parts.shared ??
    all.flatMap((at) => [
      ...[12, at, ...override([...(at === 0 ? parameters.identity : []), ...image(own(at))])],
      ...(at === 0 ? [1, REPORT_ALL, 2, REPORT_ALL] : []),
    ]);
  const sequence = (key: number, commands: unknown[] | undefined): [number, unknown] => [
    key,
    commands && cbor(encoded(commands)),
  ];
  const install = parts.install ?? SHARED.images(count, uris);
  const manifest = makeManifest({
    commands: { shared: encoded(shared), 7: encoded(parts.validate ?? [12, true, ...match]), 20: encoded(install) },
    commonMembers: [[2, parts.list ?? all.map(componentId)]],
    members: [sequence(8, parts.load), sequence(9, parts.invoke), sequence(16, parts.payloadFetch)],
  });
  const carried = parts.carried ?? all;
  const { bytes } = makeEnvelope({ manifest, signers, detached: true });
  const payloads = carried.map((at, n): [string | number, unknown] => [
    keys[n] ?? uris[at] ?? uriOf(at),
    parts.payloads?.[at] ?? imageOf(at),
  ]);
  const head = mapAsGiven(payloads);
  const inside = bytes.slice(tagHead(107).length);
  inside[0]! += payloads.length; // the map's head: few members
  const rest = parts.cut
    ? []
    : all.filter((at) => !carried.includes(at) && (parts.install === undefined || at < 0)).map(imageOf);
  return concat(tagHead(107), inside, head.slice(1), ...rest, behind);
}
