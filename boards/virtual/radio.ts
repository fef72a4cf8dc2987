// The board's MQTT connection: requests in, answers out (QoS 0, as host/links/mqtt.ts explains); retained, what is known of
// the board and whether it is there.
//
// What is known stays when it goes: only the word whether it is there is its last will. A request that the broker kept
// (the retain flag of what comes with a subscription) is nobody's any more, and would be carried out at every connection.

import { type Address, acknowledged, connectBroker, endBroker, stateIn, subscribe } from '../../host/links/mqtt.js';
import { type DeviceState, OFFLINE, ONLINE, stateDocument, topicsOf } from '../../host/links/topics.js';

export interface Radio {
  send(packet: Uint8Array): void;
  show(state: DeviceState): void; // what is not mentioned stays as it was shown
  close(): Promise<void>;
}

const yes = () => true;
const no = () => false;

export async function connectRadio(
  { url, fleet, device }: Address,
  onPacket: (bytes: Uint8Array) => void,
  signal: AbortSignal | undefined,
): Promise<Radio> {
  const topics = topicsOf(fleet, device);
  const kept = { qos: 1, retain: true } as const;
  const will = { topic: topics.online, payload: Buffer.from(OFFLINE), ...kept };
  const client = await connectBroker(url, { will }, signal);
  let shown: DeviceState = {};
  let leaving = false;
  const publish = (topic: string, text: string) =>
    acknowledged(url, client.publishAsync(topic, text, kept), undefined).then(yes, no);
  const arrive = () => publish(topics.online, ONLINE);

  const tell = () => void publish(topics.state, stateDocument(shown));

  client.on('message', (topic, payload, { retain }) => {
    if (topic === topics.request && !retain) onPacket(Uint8Array.from(payload));
    // What was known in an earlier life, until this one knows better.
    if (topic === topics.state && retain) know({ ...stateIn(payload), ...shown });
    // The will of a connection that the broker gave up only now, when there is a new one.
    if (topic === topics.online && payload.toString() === OFFLINE && !leaving) void arrive();
  });
  try {
    await subscribe(client, url, topics.request, signal, 0);
    await subscribe(client, url, topics.online, signal);
    await subscribe(client, url, topics.state, signal);
    await acknowledged(url, client.publishAsync(topics.online, ONLINE, kept), signal);
  } catch (error) {
    await endBroker(client);
    throw error;
  }
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
      client.publish(topics.response, Buffer.from(packet), { qos: 0 });
    },
    show: (state) => know({ ...shown, ...state }),
    async close() {
      // An orderly farewell leaves no will: it is our own word then.
      leaving = true;
      const said = client.connected && (await publish(topics.online, OFFLINE));
      if (said) await acknowledged(url, client.endAsync(), undefined).catch(() => undefined);
      else await endBroker(client);
    },
  };
}
