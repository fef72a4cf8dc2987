// What the devices of a fleet are compared with: bare mqtt.js clients that pull the same blocks with the same window, and do
// nothing with them.

import { connectAsync } from 'mqtt';

const WINDOW = 32; // blocks, as an agent has it: asked for anew when half of them are there
const CONNECTING = 50;

/** Clients that are connected, and pull when they are told to; `pull` ends when the last one has all. */
export async function startBare(count, url, topic) {
  const clients = [];
  for (let first = 0; first < count; first += CONNECTING) {
    const some = Array.from({ length: Math.min(CONNECTING, count - first) }, () => connectAsync(url));
    clients.push(...(await Promise.all(some)));
  }
  for (const client of clients) client.stream.setNoDelay(true);
  return {
    pull: () => Promise.all(clients.map((client) => pullAll(client, topic))),
    close: () => Promise.all(clients.map((client) => client.endAsync(true))),
  };
}

function pullAll(client, topic) {
  let blocks;
  let asked = 0;
  let got = 0;
  const over = [];
  const ask = () => {
    const end = Math.min(got + WINDOW, blocks);
    if (asked >= end || asked - got > WINDOW / 2) return;
    const names = Array.from({ length: end - asked }, (_, at) => topic(asked + at));
    asked = end;
    if (over.length > 0) client.unsubscribe(over.splice(0));
    client.subscribe(names, { qos: 0 });
  };
  return new Promise((resolve) => {
    client.on('message', (name, payload) => {
      if (name === topic('i')) blocks = JSON.parse(payload).count;
      else got += 1;
      over.push(name);
      if (got === blocks) resolve();
      else ask();
    });
    client.subscribe(topic('i'), { qos: 0 });
  });
}
