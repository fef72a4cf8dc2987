// Where an approval document lies on a card: a PKCS#15 data object, found by its application's object identifier, else
// by its label. The device has the same constants (assembly/flash/card.ts); a test holds the two together.
//
// The identifier is in the arc of RFC 5612, which IANA keeps for examples: this project has none of its own. (An arc
// made of a UUID, 2.25, is open to everybody, but OpenSC keeps arcs in an int and would refuse the whole directory.) A
// clash costs nothing: the document proves itself.

import { fromHex } from '../formats/bytes.js';

/** AID of PKCS#15 (RID of RSA, "PKCS-15"). */
export const APPLICATION_ID = fromHex('a000000063504b43532d3135');

/** File ids of PKCS#15 inside its application. */
export const FILE = { application: 0x5015, directory: 0x2f00, objects: 0x5031, tokenInfo: 0x5032 } as const;

/** What our data object is called on a card. */
export const OBJECT = {
  label: 'Countersign approval',
  application: 'Countersign',
  /** 1.3.6.1.4.1.32473.107.1, the content of its DER. */
  oid: fromHex('2b0601040181fd596b01'),
} as const;
