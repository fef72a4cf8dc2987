// What a vendor does with files of this machine: an image becomes a signed package, in one step or in three (signing-steps.ts).

import { VENDOR_FORMS } from '../ceremony.js';
import { packageMade } from '../describe/made.js';
import type { Described } from '../describe/words.js';
import { CountersignError } from '../errors.js';
import { writeBytes } from '../files.js';
import { type Bytes, wholeOf } from '../formats/byte-source.js';
import { join } from '../formats/bytes.js';
import { type ImageOptions, readImage } from '../formats/images/image.js';
import { withHead } from '../formats/images/mcuboot.js';
import { withFiles } from '../open-file.js';
import {
  acceptRelease,
  draftRelease,
  type MadePackage,
  type NamedImage,
  type Release,
  requestRelease,
  signRelease,
} from '../vendor/package.js';
import type { Doing, Person } from './person.js';
import { attachStep, openKeys, prepareStep, type SigningSteps, signStep } from './signing-steps.js';

export interface Packaging
  extends SigningSteps,
    Omit<ImageOptions, 'raw'>,
    Omit<Release, 'vendor' | 'class' | 'sequence' | 'now'> {
  /** Paths of the images, one for each component; not for `sign`. */
  images?: readonly string[] | undefined;
  /** Take the image as it is: no doubt about it is told. */
  insists: boolean;
  /** Path of the image with the package's head in it; for `mcuboot`. */
  tlv?: string | undefined;
  /** Not for `sign` and `attach`, which take them from the request. */
  vendor?: string | undefined;
  class?: string | undefined;
  sequence?: bigint | undefined;
}

/** `path`: the package; of a step before the last one there is none. */
export type Packaged = Described & { path?: string };

/** Throws what the steps throw, and vendor/package.ts. */
export async function packageFile(options: Packaging, person: Person, doing: Doing): Promise<Packaged> {
  const { images: paths = [], insists } = options;
  if (options.sign !== undefined) return signStep(options.sign, VENDOR_FORMS, options, person, doing);

  /** The images are there until `use` has ended. */
  const withImages = (use: (image: NamedImage, others: NamedImage[]) => Promise<Packaged>) =>
    withFiles(paths, async (files) => {
      requireForAll(options, paths);
      const images: NamedImage[] = [];
      for (const [at, name] of paths.entries()) {
        const image = { path: name, ...(await readImage(files[at]!, name, { ...options, raw: insists })) };
        noteDoubts(image, insists, person);
        images.push(image);
      }
      const [image, ...others] = images;
      return use(image!, others);
    });
  const write = async (output: string, made: MadePackage<Bytes>): Promise<Packaged> => {
    await writeBytes(output, made.parts, { dryRun: doing.dryRun });
    if (options.tlv !== undefined) await writeHead(options.tlv, made, doing);
    return { ...packageMade(made, { path: output, dryRun: doing.dryRun }), path: output };
  };

  if (options.attach !== undefined) {
    const attached = await attachStep(options.attach, VENDOR_FORMS, options, person);
    const { detached, address } = options;
    const finish = async (image?: NamedImage, others: NamedImage[] = []) => {
      const made = await acceptRelease(attached, image, { detached, address, others });
      return write(options.output ?? `${attached.base}.suit`, made);
    };
    return paths.length === 0 ? finish() : withImages(finish);
  }
  const { vendor, class: name, sequence } = options;
  if (paths.length === 0) throw new CountersignError('BadArgument', 'argument: <image>: is required');
  if (vendor === undefined || name === undefined || sequence === undefined) {
    throw new CountersignError('BadArgument', 'argument: vendor, class and sequence are required');
  }
  return withImages(async (image, others) => {
    const release = { ...options, vendor, class: name, sequence, now: Math.floor(Date.now() / 1000) };
    const draft = await draftRelease(image, release, others);
    const base = image.path.replace(/\.[^./\\]+$/, '');
    const { signer, key } = await openKeys(options, person);
    if (!signer) return prepareStep(requestRelease(key, draft), base, options, person, doing);
    return write(options.output ?? `${base}.suit`, signRelease(signer, draft));
  });
}

/** Which part of a file is the image cannot be said of several. */
function requireForAll({ region, family }: Packaging, { length }: readonly string[]): void {
  if (length < 2 || (region === undefined && family === undefined)) return;
  const which = region === undefined ? 'family' : 'region';
  throw new CountersignError('BadArgument', `argument: --${which} is for a package of one image`);
}

/** The image that MCUboot gets, with the package's head in a TLV that its signature is not about. */
async function writeHead(path: string, { image, parts }: MadePackage<Bytes>, { dryRun }: Doing): Promise<void> {
  if (!image?.mcuboot) throw new CountersignError('BadArgument', 'argument: --tlv needs the image that imgtool signed');
  const head = join(await Promise.all(parts.map(wholeOf)));
  await writeBytes(path, withHead(image.bytes, image.mcuboot, head, image.path), { dryRun });
}

/** For other files than a raw image `insists` is something else: it takes them as they are. */
function noteDoubts({ doubts, kind, path }: NamedImage, insists: boolean, person: Person): void {
  const silenced = kind === 'bin' && !insists ? ' (--raw: no doubt about it)' : '';
  person.note(...doubts.map((doubt) => `warning: ${path}: ${doubt}${silenced}`));
}
