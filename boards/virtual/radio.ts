// The board's MQTT connection: requests in, answers out, its state retained, and a last will for when it goes without
// a word.

import { type Address, connectBroker } from '../../host/links/mqtt.js';
import { type DeviceState, topicsOf } from '../../host/links/topics.js';

export interface Radio {
  send(packet: Uint8Array): void;
  show(state: Omit<DeviceState, 'online'>): void; // what is not mentioned stays as it was shown
  close(): Promise<void>;
}

const OFFLINE: DeviceState = { online: false };

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
    client.publishAsync(topics.state, JSON.stringify(state), { qos: 1, retain: true }).catch(() => undefined);

  client.on('message', (topic, payload) => {
    if (topic === topics.request) onPacket(Uint8Array.from(payload));
  });
  await client.subscribeAsync(topics.request, { qos: 1 });
  await publish(shown);
  // Connected again after the line was gone: the will has said "offline" meanwhile.
  client.on('connect', () => void publish(shown));

  return {
    send(packet) {
      client.publish(topics.response, Buffer.from(packet), { qos: 1 });
    },
    show(state) {
      const next = { ...shown, ...state };
      if (JSON.stringify(next) === JSON.stringify(shown)) return;
      shown = next;
      void publish(shown);
    },
    async close() {
      // An orderly farewell leaves no will: what was last shown is then our own word.
      const there = client.connected;
      if (there) await publish(OFFLINE);
      await client.endAsync(!there);
    },
  };
}
