// Where lwIP is fetched from: the entries of this machine's apt sources that serve Debian's own packages, in both styles.

import { expect, test } from 'vitest';
import { ofDebian, readDeb822, readOneLine, toDebSrc } from '../../boards/net/lwip/lwip.js';

const HERE = 'http://packages.example/debian';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

test('entries of one line', () => {
  const text = [
    `deb ${HERE} bookworm main contrib`,
    `deb [arch=amd64 signed-by=${KEYRING}] ${HERE} bookworm main # ours`,
    `# deb ${HERE} bookworm main`,
    `deb ${HERE} bookworm contrib`,
    `deb-src ${HERE} bookworm-updates main`,
    '',
  ].join('\n');
  expect(readOneLine(text)).toEqual([
    { uri: HERE, suite: 'bookworm', signedBy: undefined },
    { uri: HERE, suite: 'bookworm', signedBy: KEYRING },
    { uri: HERE, suite: 'bookworm-updates', signedBy: undefined },
  ]);
});

test('entries of paragraphs', () => {
  const text = `Types: deb
# http://snapshot.example
URIs: ${HERE} ${HERE}2
Suites: bookworm bookworm-updates
Components: main
Signed-By: ${KEYRING}

Types: deb
URIs: http://other.example
Suites: bookworm
Components: contrib

Enabled: no
Types: deb
URIs: ${HERE}
Suites: bookworm
Components: main
`;
  expect(readDeb822(text).map(({ uri, suite }) => `${uri} ${suite}`)).toEqual([
    `${HERE} bookworm`,
    `${HERE} bookworm-updates`,
    `${HERE}2 bookworm`,
    `${HERE}2 bookworm-updates`,
  ]);
});

test('only Debian’s own, of the release that we know, and as sources', () => {
  const entries = [
    { uri: HERE, suite: 'bookworm', signedBy: KEYRING },
    { uri: HERE, suite: 'bookworm-security', signedBy: KEYRING },
    { uri: 'http://somebody.example', suite: 'bookworm', signedBy: '/etc/apt/keyrings/somebody.gpg' },
    { uri: HERE, suite: 'trixie', signedBy: undefined },
  ];
  expect(toDebSrc(ofDebian(entries))).toBe(
    `Types: deb-src\nURIs: ${HERE}\nSuites: bookworm\nComponents: main\nSigned-By: ${KEYRING}\n`,
  );
});
