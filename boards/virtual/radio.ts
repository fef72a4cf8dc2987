// The board's MQTT connection: requests in, answers out; retained, what is known of the board and whether it is there.
//
// What is known stays when it goes: only the word whether it is there is its last will. A request that the broker kept
// (the retain flag of what comes with a subscription) is nobody's any more, and would be carried out at every connection.

import { type Address, connectBroker, stateIn } from '../../host/links/mqtt.js';
import { type DeviceState, OFFLINE, ONLINE, topicsOf } from '../../host/links/topics.js';

export interface Radio {
  send(packet: Uint8Array): void;
  show(state: DeviceState): void; // what is not mentioned stays as it was shown
  close(): Promise<void>;
}

export async function connectRadio(
  { url, fleet, device }: Address,
  onPacket: (bytes: Uint8Array) => void,
  signal: AbortSignal | undefined,
): Promise<Radio> {
  const topics = topicsOf(fleet, device);
  const kept = { qos: 1, retain: true } as const;
  const client = await connectBroker(
    url,
    { will: { topic: topics.online, payload: Buffer.from(OFFLINE), ...kept } },
    signal,
  );
  let shown: DeviceState = {};
  let leaving = false;
  const publish = (topic: string, text: string) => client.publishAsync(topic, text, kept).catch(() => undefined);
  const arrive = () => publish(topics.online, ONLINE);

  const tell = () => void publish(topics.state, JSON.stringify(shown));

  client.on('message', (topic, payload, { retain }) => {
    if (topic === topics.request && !retain) onPacket(Uint8Array.from(payload));
    // What was known in an earlier life, until this one knows better.
    if (topic === topics.state && retain) know({ ...stateIn(payload), ...shown });
    // The will of a connection that the broker gave up only now, when there is a new one.
    if (topic === topics.online && payload.toString() === OFFLINE && !leaving) void arrive();
  });
  await client.subscribeAsync([topics.request, topics.online, topics.state], { qos: 1 });
  await arrive();
  // Connected again after the line was gone: the will has said so meanwhile, and what was shown may not have got out.
  client.on('connect', () => {
    void arrive();
    if (Object.keys(shown).length > 0) tell();
  });
  function know(next: DeviceState): void {
    if (JSON.stringify(next) === JSON.stringify(shown)) return;
    shown = next;
    tell();
  }

  return {
    send(packet) {
      client.publish(topics.response, Buffer.from(packet), { qos: 1 });
    },
    show: (state) => know({ ...shown, ...state }),
    async close() {
      // An orderly farewell leaves no will: it is our own word then.
      leaving = true;
      const there = client.connected;
      if (there) await publish(topics.online, OFFLINE);
      await client.endAsync(!there);
    },
  };
}
