// The manifest, member by member: what the profile takes, what it refuses, and severable members wherever they stand.
// Authenticity is not looked at here: manifestRead is called as policy/judge.ts does after it was established.

import { sha256Begin, sha256Finish, sha256Update } from '../../../assembly/crypto/sha256';
import { Section } from '../../../assembly/package/commands';
import { manifest, manifestRead } from '../../../assembly/package/manifest';
import {
  offerAccept,
  offerBegin,
  offerFault,
  offerPhase,
  offerPush,
  Phase,
  payloadBytes,
} from '../../../assembly/package/reader';
import { Reason } from '../../../assembly/reason';
import { array, bstr, clear, lay, map, repeat, sizeOf, toHex, uint } from '../support/bytes';

const VENDOR = 'fa6b4a53d5ad5fdfbe9de663e4d41ffe';
const CLASS = '1492af1425695e48bf429b2d51f2ab45';
const COMPONENT = '8141 00';
const IMAGE = '0102030405';
const URI = '236669726d77617265'; // "#firmware"

const state: usize = memory.data(128, 8);
const result: usize = memory.data(32, 8);

function sha256(hex: string): string {
  const at = lay(hex);
  sha256Begin(state);
  sha256Update(state, at, sizeOf(hex));
  sha256Finish(state, result);
  return toHex(result, 32);
}

function suitDigest(hex: string): string {
  return `822f5820${sha256(hex)}`;
}

function identity(): string {
  return map(['01', bstr(VENDOR), '02', bstr(CLASS), '03', bstr(suitDigest(IMAGE)), '0e', '05']);
}

function shared(): string {
  return array(['14', identity(), '01', '0f', '02', '0f']);
}

function common(): string {
  return map(['02', `81${COMPONENT}`, '04', bstr(shared())]);
}

const INSTALL: string = array(['14', map(['15', `69${URI}`]), '15', '02', '03', '0f']);
const VALIDATE: string = array(['03', '0f']);
const FETCH: string = array(['14', map(['181b', '05']), '181b', '0f']);
const TEXT: string = `a1 62656e a2 02 6131 ${COMPONENT} a4 01 6176 02 616e 05 6164 06 63312e30`;

// Keys and values in turn, the required ones before `more`.
function manifestOf(more: string[]): string {
  return map(['01', '01', '02', '07', '03', bstr(common())].concat(more));
}

function usual(): string {
  return manifestOf(['07', bstr(VALIDATE), '14', bstr(INSTALL)]);
}

// Offers an envelope of this manifest, further members, and the image; reads the manifest.
function read(hex: string, members: string[] = [], payload: string = `69${URI}${bstr(IMAGE)}`): i32 {
  const last = payload.length == 0 ? 0 : 1;
  const head = `d86b a${2 + members.length / 2 + last} 02 41aa 03 ${bstr(hex)}`;
  const envelope = `${head}${members.join('')}${payload}`;
  clear();
  const vendor = lay(VENDOR);
  const device = lay(CLASS);
  offerBegin();
  offerPush(lay(envelope), sizeOf(envelope));
  expect(offerPhase()).toBe(Phase.Judging);
  return manifestRead(vendor, device);
}

describe('a manifest', () => {
  it('of the usual form says what is to be installed', () => {
    expect(read(usual())).toBe(Reason.Ok);
    expect(manifest.read).toBe(true);
    expect(manifest.sequence).toBe(7);
    expect(manifest.imageBytes).toBe(5);
    expect(toHex(manifest.imageDigest, 32)).toBe(sha256(IMAGE));
    expect(toHex(manifest.uri, manifest.uriBytes)).toBe(URI);
    expect(manifest.asks).toBe(0);
    expect(manifest.name).toBe(0);
  });

  it('has a version that we know, and every required member', () => {
    expect(read(map(['01', '02', '02', '07', '03', bstr(common())]))).toBe(Reason.ManifestVersion);
    expect(read(map(['02', '07', '03', bstr(common()), '14', bstr(INSTALL)]))).toBe(Reason.MissingMember);
    expect(read(map(['01', '01', '03', bstr(common()), '14', bstr(INSTALL)]))).toBe(Reason.MissingMember);
    expect(read(map(['01', '01', '02', '07', '14', bstr(INSTALL)]))).toBe(Reason.MissingMember);
    expect(read('80')).toBe(Reason.WrongType);
    expect(read(`${usual()}00`)).toBe(Reason.TrailingBytes);
    expect(read(map(['02', '07', '01', '01', '03', bstr(common())]))).toBe(Reason.NotDeterministic);
  });

  it('has no member that we do not know', () => {
    for (let key = 5; key <= 30; key++) {
      if (key == 6 || key == 7 || key == 9 || key == 16 || key == 20 || key == 23) continue;
      expect(read(manifestOf([uint(key), '40']))).toBe(Reason.ManifestMember, `member ${key}`);
    }
  });

  it('may carry a reference, a version, and an invoke sequence that nobody runs here', () => {
    const version = bstr('83010203');
    const whole = ['04', '6161', '06', version, '07', bstr(VALIDATE), '09', bstr('821702'), '14', bstr(INSTALL)];
    expect(read(manifestOf(whole))).toBe(Reason.Ok);
    expect(toHex(manifest.version, manifest.versionBytes)).toBe('83010203');
    expect(read(manifestOf(['06', bstr('80'), '14', bstr(INSTALL)]))).toBe(Reason.OutOfRange);
    expect(read(manifestOf(['06', bstr('8701020304050607'), '14', bstr(INSTALL)]))).toBe(Reason.OutOfRange);
    expect(read(manifestOf(['06', bstr('8161 61'), '14', bstr(INSTALL)]))).toBe(Reason.WrongType);
    expect(read(manifestOf(['04', '40', '14', bstr(INSTALL)]))).toBe(Reason.WrongType);
    expect(read(manifestOf(['09', bstr('821502'), '14', bstr(INSTALL)]))).toBe(Reason.CommandPlace);
  });

  it('has one component and no dependencies', () => {
    const two = map(['02', `82${COMPONENT}${COMPONENT}`, '04', bstr(shared())]);
    expect(read(map(['01', '01', '02', '07', '03', bstr(two)]))).toBe(Reason.Components);
    const none = map(['02', '80', '04', bstr(shared())]);
    expect(read(map(['01', '01', '02', '07', '03', bstr(none)]))).toBe(Reason.Components);
    const dependent = map(['01', 'a0', '02', `81${COMPONENT}`, '04', bstr(shared())]);
    expect(read(map(['01', '01', '02', '07', '03', bstr(dependent)]))).toBe(Reason.ManifestMember);
    const bare = map(['02', `81${COMPONENT}`]);
    expect(read(map(['01', '01', '02', '07', '03', bstr(bare)]))).toBe(Reason.SharedSequenceMissing);
  });

  it('checks vendor and class in its shared sequence', () => {
    const half = array(['14', identity(), '01', '0f']);
    const lax = map(['02', `81${COMPONENT}`, '04', bstr(half)]);
    expect(read(map(['01', '01', '02', '07', '03', bstr(lax), '14', bstr(INSTALL)]))).toBe(Reason.NoIdentityCheck);
  });

  it('installs something', () => {
    expect(read(manifestOf(['07', bstr(VALIDATE)]))).toBe(Reason.NothingToInstall);
    expect(read(manifestOf(['14', bstr('80')]))).toBe(Reason.NothingToInstall);
    expect(manifest.read).toBe(false);
    const validateOnly = array(['03', '0f', '03', '0f']);
    expect(read(manifestOf(['07', bstr(validateOnly), '14', bstr(INSTALL)]))).toBe(Reason.Ok);
  });

  it('records where it asks for authorization', () => {
    expect(read(manifestOf(['10', bstr(FETCH), '14', bstr(INSTALL)]))).toBe(Reason.Ok);
    expect(manifest.asks).toBe(Section.PayloadFetch);
  });
});

describe('severable members', () => {
  it('may stand in the envelope, under their digest', () => {
    const install = ['14', suitDigest(bstr(INSTALL))];
    expect(read(manifestOf(install), ['14', bstr(INSTALL)])).toBe(Reason.Ok);
    expect(read(manifestOf(install), ['14', bstr(`${INSTALL}00`)])).toBe(Reason.SeveredDigest);
    const withoutHead = ['14', suitDigest(INSTALL)]; // the digest is over the byte string with its head
    expect(read(manifestOf(withoutHead), ['14', bstr(INSTALL)])).toBe(Reason.SeveredDigest);
    expect(read(manifestOf(['14', `823822 5820${repeat('00', 32)}`]), ['14', bstr(INSTALL)])).toBe(
      Reason.DigestAlgorithm,
    );
  });

  it('that are needed and absent are missed', () => {
    expect(read(manifestOf(['14', suitDigest(bstr(INSTALL))]))).toBe(Reason.SeveredMissing);
    expect(read(manifestOf(['10', suitDigest(bstr(FETCH)), '14', bstr(INSTALL)]))).toBe(Reason.SeveredMissing);
    expect(read(manifestOf(['10', suitDigest(bstr(FETCH)), '14', bstr(INSTALL)]), ['10', bstr(FETCH)])).toBe(Reason.Ok);
    expect(manifest.asks).toBe(Section.PayloadFetch);
  });

  it('of text may be absent', () => {
    expect(read(manifestOf(['14', bstr(INSTALL), '17', suitDigest(bstr(TEXT))]))).toBe(Reason.Ok);
    expect(manifest.name).toBe(0);
  });

  it('that the manifest does not name are nobody’s', () => {
    expect(read(usual(), ['17', bstr(TEXT)])).toBe(Reason.SeveredDigest);
    expect(read(usual(), ['14', bstr(INSTALL)])).toBe(Reason.SeveredDigest); // it has its own
    expect(read(usual(), ['10', bstr(FETCH)])).toBe(Reason.SeveredDigest);
    expect(read(usual(), ['10', '40'])).toBe(Reason.SeveredDigest);
  });
});

describe('text', () => {
  it('is read inline and severed', () => {
    for (let severed = 0; severed < 2; severed++) {
      const named = severed ? suitDigest(bstr(TEXT)) : bstr(TEXT);
      const carried: string[] = severed ? ['17', bstr(TEXT)] : [];
      expect(read(manifestOf(['14', bstr(INSTALL), '17', named]), carried)).toBe(Reason.Ok);
      expect(toHex(manifest.name, manifest.nameBytes)).toBe('6e');
      expect(toHex(manifest.description, manifest.descriptionBytes)).toBe('64');
      expect(toHex(manifest.versionText, manifest.versionTextBytes)).toBe('312e30');
    }
  });

  it('of another component or a second language is passed over', () => {
    const other = `a1 62656e a1 814101 a1 02 616e`;
    expect(read(manifestOf(['14', bstr(INSTALL), '17', bstr(other)]))).toBe(Reason.Ok);
    expect(manifest.name).toBe(0);
    const two = `a2 626465 a1 ${COMPONENT} a1 02 6164 62656e a1 ${COMPONENT} a1 02 6165`;
    expect(read(manifestOf(['14', bstr(INSTALL), '17', bstr(two)]))).toBe(Reason.Ok);
    expect(toHex(manifest.name, manifest.nameBytes)).toBe('64');
  });

  it('that is malformed spoils the package', () => {
    const bad = [
      '80',
      'a1 01 a0',
      `a1 62656e a1 ${COMPONENT} a1 02 40`,
      `a1 62656e a2 ${COMPONENT} a0 02 6131`,
      'a1 62656e a0 00',
    ];
    for (let i = 0; i < bad.length; i++) {
      expect(read(manifestOf(['14', bstr(INSTALL), '17', bstr(bad[i])]))).toBe(Reason.TextMalformed, bad[i]);
    }
  });
});

describe('the payload', () => {
  it('is the one that is fetched, of its size', () => {
    expect(read(usual(), [], `62 2361 ${bstr(IMAGE)}`)).toBe(Reason.PayloadUnexpected);
    expect(read(usual(), [], `69${repeat('23', 9)}${bstr(IMAGE)}`)).toBe(Reason.PayloadUnexpected);
    expect(read(usual(), [], `69${URI}${bstr(`${IMAGE}06`)}`)).toBe(Reason.PayloadSize);
    expect(read(usual(), [], `69${URI}40`)).toBe(Reason.PayloadSize);
  });

  it('passes byte by byte, and is complete only with its digest', () => {
    for (let detached = 0; detached < 2; detached++) {
      expect(read(usual(), [], detached ? '' : `69${URI}${bstr(IMAGE)}`)).toBe(Reason.Ok);
      expect(offerAccept()).toBe(Reason.Ok);
      const image = lay(IMAGE);
      for (let i: u32 = 0; i < 5; i++) {
        expect(offerPhase()).toBe(Phase.Payload);
        expect(offerPush(image + i, 1)).toBe(1);
        expect(payloadBytes()).toBe(i + 1);
      }
      expect(offerPhase()).toBe(Phase.Complete);
      expect(offerPush(image, 1)).toBe(0);
      expect(offerFault()).toBe(Reason.TrailingBytes);
    }
  });

  it('that is another is refused at its last byte', () => {
    read(usual());
    offerAccept();
    const other = lay('0102030406');
    expect(offerPush(other, 5)).toBe(5);
    expect(offerPhase()).toBe(Phase.Failed);
    expect(offerFault()).toBe(Reason.PayloadDigest);
  });

  it('is not taken beyond its size', () => {
    read(usual());
    offerAccept();
    expect(offerPush(lay(`${IMAGE}0000`), 7)).toBe(5);
    expect(offerPhase()).toBe(Phase.Complete);
  });

  it('stops when the manifest turns out to be worth nothing', () => {
    read(usual());
    offerAccept();
    manifest.read = false;
    expect(offerPush(lay(IMAGE), 5)).toBe(0);
    expect(offerFault()).toBe(Reason.WrongState);
  });
});
