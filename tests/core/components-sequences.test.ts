// What the commands of a package for several components may say, and what each one that is wrong is refused for: indexes, digests
// that are left out, exchanged or compared too late, copies, and branches that leave something behind (assembly/package/sequences.ts).

import { describe, expect, it } from 'vitest';
import type { reasons } from '../../host/reasons.js';
import {
  BOOTSTRAP,
  bundle,
  COMPONENTS,
  IMAGES,
  operator,
  type Parts,
  SHARED,
  titled,
  vendor,
} from '../support/components.js';
import { sha256 } from '../support/make.js';
import { INSTALL, nameOf, PHASE, REJECT, rawCore } from '../support/rawcore.js';

const core = rawCore();
type Reason = keyof typeof reasons;
const deliver = (parts: Parts) =>
  core.deliver({ bootstrap: BOOTSTRAP, facts: { components: COMPONENTS }, package: bundle(parts) });

describe('sequences', () => {
  const { override, fetch, match, parameters, images } = SHARED;
  const digestOf = (at: number) => [-16, sha256(IMAGES[at]!)];
  const install = (...more: unknown[]) => [...images(2), ...more];
  const identity = [12, 0, ...override(parameters.identity), 1, 15, 2, 15];
  const described = [0, 1].flatMap((at) => [12, at, ...override(parameters.image(at))]);

  it.each(
    titled<Parts, Reason | 'Ok'>([
      // set-component-index
      ['an index beyond the last', { install: [12, 2, ...install()] }, 'CommandArgument'],
      ['a huge index', { install: [12, 2 ** 40, ...install()] }, 'CommandArgument'],
      ['a negative index', { install: [12, -1, ...install()] }, 'CommandArgument'],
      ['index false', { install: [12, false, ...install()] }, 'CommandArgument'],
      ['index null', { install: [12, null, ...install()] }, 'WrongType'],
      ['index as text', { install: [12, '0', ...install()] }, 'CommandArgument'],
      ['no index in a list', { install: [12, [], ...install()] }, 'CommandArgument'],
      ['one index twice in a list', { validate: [12, [0, 0, 1], ...match] }, 'CommandArgument'],
      ['a list that goes down', { validate: [12, [1, 0], ...match] }, 'CommandArgument'],
      ['a list with more than there are', { validate: [12, [0, 1, 2], ...match] }, 'CommandArgument'],
      ['a list with true', { validate: [12, [0, true], ...match] }, 'CommandArgument'],
      ['a list', { validate: [12, [0, 1], ...match] }, 'Ok'],
      ['all', { validate: [12, true, ...match] }, 'Ok'],
      ['none chosen at first', { validate: match }, 'CommandPlace'],
      ['none chosen at first, for what the shared sequence chose', { install: [...fetch, ...match] }, 'CommandPlace'],
      // digests
      [
        'a component without digest',
        { shared: [...identity, 12, 0, ...override(parameters.image(0))] },
        'ParameterMissing',
      ],
      [
        'a component that is never fetched',
        { install: [12, 0, ...override(parameters.uri(0)), ...fetch, ...match] },
        'CommandPlace',
      ],
      ['the same, and not validated', { install: images(1), validate: [12, 0, ...match] }, 'ComponentUnchecked'],
      [
        'a component that is never compared',
        { install: [...images(1), 12, 1, ...override(parameters.uri(1)), ...fetch], validate: [12, 0, ...match] },
        'ComponentUnchecked',
      ],
      [
        'one that is compared in validate alone',
        { install: [...images(1), 12, 1, ...override(parameters.uri(1)), ...fetch] },
        'Ok',
      ],
      [
        'fetched with the digest of another',
        {
          install: [
            ...images(1),
            12,
            1,
            ...override([[3, digestOf(0)], ...parameters.uri(1)]),
            ...fetch,
            ...override([[3, digestOf(1)]]),
            ...match,
          ],
        },
        'PayloadDigest',
      ],
      [
        'fetched with the size of another',
        {
          install: [
            ...images(1),
            12,
            1,
            ...override([[14, 5], ...parameters.uri(1)]),
            ...fetch,
            ...override([[14, IMAGES[1]!.length]]),
            ...match,
          ],
        },
        'PayloadSize',
      ],
      [
        'the digest of another once it is fetched',
        { install: [...install(), 12, 1, ...override([[3, digestOf(0)]]), ...match] },
        'PayloadDigest',
      ],
      [
        'validated with what was fetched, shared says otherwise',
        {
          install: [
            ...images(1),
            12,
            1,
            ...override([[3, digestOf(0)], [14, IMAGES[0]!.length], ...parameters.uri(1)]),
            ...fetch,
            ...match,
          ],
        },
        'PayloadDigest',
      ],
      ['fetched twice', { install: install(12, 0, ...override([[21, '#again']]), ...fetch) }, 'CommandPlace'],
      ['nothing is fetched', { install: [], validate: [] }, 'NothingToInstall'],
      // copies
      ['a copy', { install: [...images(1), ...SHARED.copy(1, 0)], sameImage: true, carried: [0] }, 'Ok'],
      [
        'a copy of what has another digest',
        { install: [...images(1), ...SHARED.copy(1, 0)], carried: [0] },
        'PayloadDigest',
      ],
      [
        'a copy that is not compared',
        {
          install: [...images(1), 12, 1, ...override([[22, 0]]), 22, 2],
          validate: [12, 0, ...match],
          sameImage: true,
          carried: [0],
        },
        'ComponentUnchecked',
      ],
      [
        'a copy of what is not compared',
        {
          install: [12, 0, ...override(parameters.uri(0)), ...fetch, ...SHARED.copy(1, 0)],
          sameImage: true,
          carried: [0],
        },
        'ComponentUnchecked',
      ],
      [
        'a copy before the fetch',
        { install: [...SHARED.copy(1, 0), ...images(1)], sameImage: true, carried: [0] },
        'ComponentUnchecked',
      ],
      ['a copy of itself', { install: [...images(1), ...SHARED.copy(1, 1)], carried: [0] }, 'ComponentUnchecked'],
      ['a copy of one beyond the last', { install: [...images(1), ...SHARED.copy(1, 2)], carried: [0] }, 'OutOfRange'],
      ['a copy from nowhere', { install: [...images(1), 12, 1, 22, 2], carried: [0] }, 'ParameterMissing'],
      ['a copy over what was fetched', { install: install(...SHARED.copy(1, 0)) }, 'CommandPlace'],
      ['a load over what was fetched', { load: SHARED.copy(1, 0) }, 'CommandPlace'],
      [
        'a load that is not compared',
        {
          count: 3,
          install: images(2),
          validate: [12, [0, 1], ...match],
          load: [12, 2, ...override([[22, 0]]), 22, 2],
          carried: [0, 1],
        },
        'ComponentUnchecked',
      ],
      [
        'a load',
        {
          count: 3,
          install: images(2),
          validate: [12, [0, 1], ...match],
          load: SHARED.copy(2, 0),
          carried: [0, 1],
          invoke: [12, 2, 23, 2],
        },
        'Ok',
      ],
      [
        'a load of what is loaded',
        {
          count: 4,
          install: images(2),
          validate: [12, [0, 1], ...match],
          load: [...SHARED.copy(2, 0), ...SHARED.copy(3, 2)],
          carried: [0, 1],
        },
        'ComponentUnchecked',
      ],
      ['a copy in validate', { validate: SHARED.copy(1, 0) }, 'CommandPlace'],
      ['a fetch in load', { load: [12, 0, ...fetch] }, 'CommandPlace'],
      // try-each
      [
        'a branch for no slot',
        { install: [12, 0, 15, [[...override([[5, 7]]), 5, 15]], ...install()] },
        'ComponentSlot',
      ],
      [
        'a branch for no slot, or none',
        { install: [12, 0, 15, [[...override([[5, 7]]), 5, 15], null], ...install()] },
        'Ok',
      ],
      ['none first', { install: [12, 0, 15, [null, [5, 15]], ...install()] }, 'WrongType'],
      ['none alone', { install: [12, 0, 15, [null], ...install()] }, 'WrongType'],
      ['no branch', { install: [12, 0, 15, [], ...install()] }, 'CommandArgument'],
      [
        'five branches',
        { install: [12, 0, 15, Array(5).fill([...override([[5, 0]]), 5, 15]), ...install()] },
        'CommandArgument',
      ],
      ['a branch without its slot', { install: [12, 0, 15, [[5, 15]], ...install()] }, 'ParameterMissing'],
      [
        'a slot left by a branch before',
        {
          install: [
            12,
            0,
            15,
            [
              [
                ...override([
                  [5, 0],
                  [1, new Uint8Array(16)],
                ]),
                5,
                15,
                1,
                15,
              ],
              [5, 15],
            ],
            ...install(),
          ],
        },
        'ParameterMissing',
      ],
      [
        'a digest left by a branch that failed',
        {
          shared: [
            ...identity,
            ...described.slice(0, 4),
            12,
            1,
            15,
            [[...override([...parameters.image(1), [5, 7]]), 5, 15], null],
          ],
        },
        'ParameterMissing',
      ],
      [
        'a digest left by a branch behind the one that held',
        {
          install: [
            12,
            1,
            15,
            [
              [...override([[5, 1]]), 5, 15],
              [
                ...override([
                  [5, 1],
                  [3, digestOf(0)],
                ]),
                5,
                15,
              ],
            ],
            ...install(),
          ],
        },
        'Ok',
      ],
      [
        'a branch that fails, for what is unknown behind it',
        { install: [12, 0, 15, [[...override([[5, 7]]), 5, 15, 99, 15], null], ...install()] },
        'CommandUnsupported',
      ],
      [
        'a branch that holds, for one that is malformed behind it',
        { install: [12, 0, 15, [[...override([[5, 0]]), 5, 15], [20]], ...install()] },
        'CommandArgument',
      ],
      [
        'a fetch in a branch',
        { install: [12, 0, 15, [[...override(parameters.uri(0)), ...fetch]], ...install()] },
        'CommandPlace',
      ],
      ['another component in a branch', { install: [12, 0, 15, [[12, 1]], ...install()] }, 'CommandPlace'],
      ['try-each in a branch', { install: [12, 0, 15, [[15, [[1, 15]]]], ...install()] }, 'CommandPlace'],
      ['try-each for two', { install: [12, true, 15, [[1, 15]], ...install()] }, 'CommandPlace'],
      ['a slot outside of try-each', { install: [12, 1, ...override([[5, 0]]), 5, 15, ...install()] }, 'ComponentSlot'],
      // identity
      ['vendor and class nowhere', { shared: described }, 'NoIdentityCheck'],
      [
        'vendor and class in a branch that failed',
        {
          shared: [
            ...described,
            12,
            0,
            15,
            [[...override([...parameters.identity, [5, 7]]), 1, 15, 2, 15, 5, 15], null],
          ],
        },
        'NoIdentityCheck',
      ],
      [
        'another vendor',
        {
          shared: [
            12,
            0,
            ...override([
              [1, new Uint8Array(16)],
              [2, new Uint8Array(16)],
            ]),
            1,
            15,
            2,
            15,
            ...described,
          ],
        },
        'VendorId',
      ],
      [
        'another class for the second',
        { install: [12, 1, ...override([[2, new Uint8Array(16)]]), 2, 15, ...install()] },
        'ClassId',
      ],
      // the rest
      [
        'started though never installed',
        {
          count: 3,
          install: images(2),
          validate: [12, [0, 1], ...match],
          load: [],
          invoke: [12, 2, 23, 2],
          carried: [0, 1],
        },
        'ComponentUnchecked',
      ],
      ['an unknown command', { install: [12, 0, 32, 0, ...install()] }, 'CommandUnsupported'],
      ['an unknown parameter', { install: [12, 0, ...override([[12, false]]), ...install()] }, 'ParameterUnsupported'],
      ['an argument without bounds', { validate: [12, true, 3, 16] }, 'CommandArgument'],
      ['a command without argument', { validate: [12, true, 3] }, 'CommandArgument'],
      ['authorization without priority', { install: [12, 0, 27, 15, ...install()] }, 'ParameterMissing'],
      ['authorization', { install: [12, 0, ...override([[27, 1]]), 27, 15, ...install()] }, 'Ok'],
    ]),
  )('%s: %s', (_, reason, parts) => {
    const outcome = deliver(parts);
    expect(nameOf(outcome.reason)).toBe(reason);
    expect(outcome.verdict).toBe(reason === 'Ok' ? INSTALL : REJECT);
    if (reason === 'Ok') expect(outcome).toMatchObject({ phase: PHASE.complete, payloadFault: 0 });
  });

  it('one manifest digest is approved for all of it, and an operator alone approves nothing', () => {
    expect(nameOf(deliver({ signers: [vendor] }).reason)).toBe('NotApproved');
    expect(nameOf(deliver({ signers: [operator] }).reason)).toBe('VendorSignature');
  });
});
