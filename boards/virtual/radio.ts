// The board's MQTT connection: requests in, answers out (QoS 0, as host/links/mqtt.ts explains), its state retained, and a
// last will for when it goes without a word.

import { type Address, acknowledged, connectBroker, endBroker, subscribe } from '../../host/links/mqtt.js';
import { type DeviceState, topicsOf } from '../../host/links/topics.js';

export interface Radio {
  send(packet: Uint8Array): void;
  show(state: Omit<DeviceState, 'online'>): void; // what is not mentioned stays as it was shown
  close(): Promise<void>;
}

const OFFLINE: DeviceState = { online: false };
const yes = () => true;
const no = () => false;

export async function connectRadio(
  { url, fleet, device }: Address,
  onPacket: (bytes: Uint8Array) => void,
  signal: AbortSignal | undefined,
): Promise<Radio> {
  const topics = topicsOf(fleet, device);
  const will = { topic: topics.state, payload: Buffer.from(JSON.stringify(OFFLINE)), qos: 1, retain: true } as const;
  const client = await connectBroker(url, { will }, signal);
  let shown: DeviceState = { online: true };
  const publish = (state: DeviceState) =>
    acknowledged(url, client.publishAsync(topics.state, JSON.stringify(state), { qos: 1, retain: true }), undefined);

  client.on('message', (topic, payload) => {
    if (topic === topics.request) onPacket(Uint8Array.from(payload));
  });
  try {
    await subscribe(client, url, topics.request, signal, 0);
    await publish(shown);
  } catch (error) {
    await endBroker(client);
    throw error;
  }
  const tell = () => void publish(shown).catch(() => undefined); // what is shown next goes out all the same
  // Connected again after the line was gone: the will has said "offline" meanwhile.
  client.on('connect', tell);

  return {
    send(packet) {
      client.publish(topics.response, Buffer.from(packet), { qos: 0 });
    },
    show(state) {
      const next = { ...shown, ...state };
      if (JSON.stringify(next) === JSON.stringify(shown)) return;
      shown = next;
      tell();
    },
    async close() {
      // An orderly farewell leaves no will: what was last shown is then our own word.
      const said = client.connected && (await publish(OFFLINE).then(yes, no));
      if (said) await acknowledged(url, client.endAsync(), undefined).catch(() => undefined);
      else await endBroker(client);
    },
  };
}
