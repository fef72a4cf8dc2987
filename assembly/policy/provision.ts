// Makes a device out of a bootstrap document: identity, anchors and policy, all of it or nothing.
//
// Provisioned means: a vendor anchor, at least as many operator anchors as the threshold asks for, and a sound policy.
// Everything else is "not provisioned", which installs nothing. There are no stand-in keys for a device without owner.

import { anchorsOf, Role } from '../approval/anchors';
import { bootstrapBytes, bootstrapForget, bootstrapRead, identity } from '../approval/bootstrap';
import { Reason } from '../reason';
import { verdictForget } from './explain';
import { policy, policyRead } from './policy';

// Locking the device afterwards is up to whoever stores the document.
export function provision(from: usize, length: u32): Reason {
  verdictForget(); // it was by other anchors
  const fault = read(from, length);
  if (fault !== Reason.Ok) bootstrapForget();
  return fault;
}

export function provisioned(): bool {
  return bootstrapBytes() !== 0;
}

function read(from: usize, length: u32): Reason {
  const fault = bootstrapRead(from, length);
  if (fault !== Reason.Ok) return fault;
  const failed = policyRead(identity.policy, identity.policyBytes);
  if (failed !== Reason.Ok) return failed;
  const enough = anchorsOf(Role.Vendor) !== 0 && anchorsOf(Role.Operator) >= policy.threshold;
  return enough ? Reason.Ok : Reason.AnchorsTooFew;
}
