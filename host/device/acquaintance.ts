// Whether who answers on a line that came back is who answered before: another board may be on it now.
//
// A device is known by the id that its bootstrap document gave it, which is asked for behind the first answer of our agent.
// Blank devices, and boards without our agent, have nothing that tells them apart: what is written there is read back. The
// device decides all the same; this keeps one device's answers from being taken for another's.

import { CountersignError } from '../errors.js';
import { type Client, type ClientOptions, createClient } from '../smp/client.js';
import type { Link } from '../smp/link.js';
import { GROUP } from '../smp/packet.js';
import { isSilence } from './follow.js';
import { readDeviceId } from './identity.js';

export interface Acquaintance {
  /** The same client; it learns who the device is when our agent has answered for the first time. */
  learning(client: Client): Client;
  /** False if nobody answers. Throws OtherDevice. */
  same(link: Link): Promise<boolean>;
}

/** Only one try each time: whoever asks for more tries asks again. */
export function makeAcquaintance({ timeoutMs }: Pick<ClientOptions, 'timeoutMs'> = {}): Acquaintance {
  let known: string | undefined;
  return {
    learning(client) {
      const request: Client['request'] = async (wanted) => {
        const response = await client.request(wanted);
        const ofAgent =
          wanted.group === GROUP.countersign && (response.ok || response.error.group === GROUP.countersign);
        // One that cannot be asked now is asked behind the next answer.
        if (ofAgent && !known) known = await readDeviceId(client, { signal: wanted.signal }).catch(() => undefined);
        return response;
      };
      return Object.create(client, { request: { value: request } });
    },

    async same(link) {
      if (!known) return true;
      const client = createClient(
        { ...link, close: async () => undefined },
        { retries: 0, ...(timeoutMs && { timeoutMs }) },
      );
      const now = await readDeviceId(client)
        .then((id) => (id === undefined ? 'a blank one' : `device ${id}`))
        .catch((error: unknown) => {
          if (isSilence(error)) return undefined;
          if (error instanceof CountersignError && ['DeviceRefused', 'NoAgent'].includes(error.reason.name))
            return 'a board without our agent';
          throw error;
        })
        .finally(() => client.close());
      if (now === undefined) return false;
      if (now === `device ${known}`) return true;
      throw new CountersignError('OtherDevice', `device: on ${link.name} there was device ${known}, and is ${now} now`);
    },
  };
}
