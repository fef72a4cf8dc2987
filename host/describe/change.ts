// What a change of anchors, policy or groups says, for `inspect`, for whoever signs one, and for whoever brings it to devices.

import { hex } from '../formats/bytes.js';
import type { ChangeView } from '../formats/change.js';
import { anchorData, anchorText, groupsText, momentText, policyTexts, signatureText } from './words.js';

export const changeRows = ({
  sequence,
  issuedAt,
  devices,
  anchors,
  policy,
  groups,
  signers,
}: ChangeView): [string, unknown][] => [
  ['number', sequence],
  ['issued', momentText(issuedAt)],
  ['devices', devices?.map(hex) ?? 'all that it comes to'],
  ['anchors', anchors?.map(anchorText)],
  ['policy', policy && policyTexts(policy)],
  ['groups', groups && groupsText(groups)],
  ['signed', signers.map(signatureText)],
];

export const changeData = ({ sequence, issuedAt, devices, anchors, policy, groups, signers }: ChangeView) => ({
  sequence,
  issuedAt: momentText(issuedAt),
  devices,
  anchors: anchors?.map(anchorData),
  policy,
  groups,
  signers: signers.map(({ kid }) => kid ?? null),
});
