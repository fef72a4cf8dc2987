// The MQTT codec of boards/net on this machine, with the sanitizers: what a broker says comes out the same however it is cut up, what is
// no MQTT ends the connection, and what it sends an independent parser (mqtt-packet, a part of MQTT.js) reads.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import mqttPacket, { type Packet } from 'mqtt-packet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { have } from '../support/need.js';

const { generate, parser } = mqttPacket;

const IN_BYTES = 2560; // MQTT_IN_BYTES in boards/net/mqtt.h
const OUT_BYTES = 2048;
const FUZZ_ROUNDS = 1500;

const TOPIC = 'cs/plant/d/pump/req/c1';
const connack = generate({ cmd: 'connack', returnCode: 0, sessionPresent: false });
const message = (
  payload: string | Buffer,
  more: Partial<{ topic: string; qos: 0 | 1; retain: boolean; id: number }> = {},
) => {
  const { topic = TOPIC, qos = 0, retain = false, id = 7 } = more;
  return generate({ cmd: 'publish', topic, payload, qos, retain, dup: false, ...(qos && { messageId: id }) } as Packet);
};
const puback = (id: number) => generate({ cmd: 'puback', messageId: id } as Packet);
const hex = (text: string) => Buffer.from(text).toString('hex');
const told = (payload: string, retained = 0, topic = TOPIC) => `message ${topic} ${retained} ${hex(payload)}`;
/** A message of exactly so many bytes behind its length. */
const sized = (bytes: number, more: Parameters<typeof message>[1] = {}) =>
  message(Buffer.alloc(bytes - 2 - TOPIC.length - (more.qos ? 2 : 0), 'y'), more);

const GOOD = Buffer.concat([
  connack,
  generate({ cmd: 'suback', messageId: 1, granted: [0] } as Packet),
  generate({ cmd: 'suback', messageId: 2, granted: [128] } as Packet),
  message('one'),
  message('kept', { retain: true, topic: 'cs/plant/approvals/anna' }),
  message('once', { qos: 1, id: 0x1234 }),
  generate({ cmd: 'pingresp' } as Packet),
  message(''),
  generate({ cmd: 'unsuback', messageId: 3 } as Packet),
  message('x'.repeat(300)),
  puback(9),
]);

describe.skipIf(!have('cc'))('the MQTT codec of the boards', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-mqtt-'));
  const program = join(folder, 'mqtt');
  const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
  const run = (words: string[], input: Buffer = Buffer.alloc(0)) =>
    execFileSync(program, words, { input, encoding: 'utf8', maxBuffer: 2 ** 26, timeout: 60_000 });
  const lines = (...stream: Buffer[]) => run(['read'], Buffer.concat(stream)).trimEnd().split('\n');

  beforeAll(() => {
    const flags = ['-std=gnu11', '-g', '-O1', '-Wall', '-Wextra', '-Werror', '-fsanitize=address,undefined'];
    const sources = ['tests/net/mqtt.c', 'boards/net/mqtt.c'].map(at);
    execFileSync('cc', [...flags, '-fno-sanitize-recover=all', ...sources, '-o', program], { stdio: 'inherit' });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('tells what a broker says, however it is cut up', () => {
    expect(lines(GOOD)).toEqual([
      'connected',
      'subscribed 1 0',
      'subscribed 2 128',
      told('one'),
      told('kept', 1, 'cs/plant/approvals/anna'),
      told('once'),
      told(''),
      told('x'.repeat(300)),
      'acknowledged 9',
      `sent ${puback(0x1234).toString('hex')}`,
    ]);
  });

  test('skips a message that is too large, and reads what comes behind it', () => {
    const [largest, before] = [sized(IN_BYTES), told('before')];
    expect(lines(connack, largest)[1]).toMatch(/^message .* (79)+$/);
    expect(lines(connack, message('before'), sized(IN_BYTES + 1), message('behind')).slice(1)).toEqual([
      before,
      told('behind'),
      'sent',
    ]);
    expect(lines(connack, sized(70_000, { qos: 1, id: 21 }), message('behind')).slice(1)).toEqual([
      told('behind'),
      `sent ${puback(21).toString('hex')}`, // or the broker would send it for ever
    ]);
  });

  const publish = (flags: number, ...rest: number[]) => Buffer.from([0x30 | flags, rest.length, ...rest]);
  test.each([
    ['a fifth byte of a length', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01])],
    ['a packet that only clients send', generate({ cmd: 'pingreq' } as Packet)],
    ['a reserved packet', Buffer.from([0xf0, 0])],
    ['flags where none may be', Buffer.from([0xd1, 0])],
    ['a second CONNACK', connack],
    ['a message without a topic', publish(0, 0, 0)],
    ['a message shorter than the length of its topic', publish(0, 0)],
    ['a topic longer than its message', publish(0, 0, 9, 97)],
    ['a message with QoS 1 and no number', publish(2, 0, 1, 97)],
    ['a message with QoS 1 and the number 0', publish(2, 0, 1, 97, 0, 0)],
    ['a message with QoS 2', publish(4, 0, 1, 97, 0, 1)],
    ['a message with QoS 3', publish(6, 0, 1, 97, 0, 1)],
    ['a PUBACK of three bytes', Buffer.from([0x40, 3, 0, 1, 0])],
    ['a SUBACK for two filters', Buffer.from([0x90, 4, 0, 1, 0, 0])],
    ['an UNSUBACK without a number', Buffer.from([0xb0, 0])],
    ['a PINGRESP with something in it', Buffer.from([0xd0, 1, 0])],
    ['a SUBACK larger than the buffer', Buffer.concat([Buffer.from([0x90, 0xff, 0x7f]), Buffer.alloc(16383)])],
  ])('gives up a broker that sends %s', (_, bytes) => {
    expect(lines(connack, message('before'), bytes, message('behind'))).toEqual([
      'connected',
      told('before'),
      'broken',
      'sent',
    ]);
  });

  test.each([
    ['says something before CONNACK', message('early')],
    ['does not let it in', generate({ cmd: 'connack', returnCode: 5, sessionPresent: false })],
    ['remembers a session that was to be clean', generate({ cmd: 'connack', returnCode: 0, sessionPresent: true })],
    ['sends a CONNACK of one byte', Buffer.from([0x20, 1, 0])],
  ])('gives up a broker that %s', (_, bytes) => {
    expect(lines(bytes, connack)).toEqual(['broken', 'sent']);
  });

  test('sends what another parser reads', () => {
    const [queued, sent] = run(['write']).trim().split(' ');
    const packets: Packet[] = [];
    parser({ protocolVersion: 4 })
      .on('packet', (packet) => packets.push(packet))
      .parse(Buffer.from(sent!, 'hex'));
    const state = 'cs/plant/d/pump/state';
    const [connect, once, kept, large, empty, subscribe, unsubscribe, ...full] = packets as unknown as Record<
      string,
      unknown
    >[];
    expect(connect).toMatchObject({
      ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 30 },
      ...{ clientId: 'cs0123456789abcdef', username: 'pump', password: Buffer.from('secret') },
      will: { topic: 'cs/plant/d/pump/online', payload: Buffer.from('offline'), qos: 1, retain: true },
    });
    expect(once).toMatchObject({ cmd: 'publish', topic: state, payload: Buffer.from('{}'), qos: 0, retain: false });
    expect(kept).toMatchObject({ topic: state, qos: 1, retain: true, messageId: 1 });
    expect(large).toMatchObject({ topic: state, payload: Buffer.alloc(1500, 'x'), qos: 1, messageId: 2 });
    expect(empty).toMatchObject({ topic: state, payload: Buffer.alloc(0), qos: 0, retain: true });
    const filter = 'cs/plant/approvals/+';
    expect(subscribe).toMatchObject({ cmd: 'subscribe', subscriptions: [{ topic: filter, qos: 1 }], messageId: 3 });
    expect(unsubscribe).toMatchObject({ cmd: 'unsubscribe', unsubscriptions: [filter], messageId: 4 });
    expect(full.map(({ cmd }) => cmd)).toEqual([...Array(Number(queued) + 1).fill('publish'), 'disconnect']);
    const bytes = full.reduce((sum, packet) => sum + generate(packet as unknown as Packet).length, 0);
    expect(bytes).toBeLessThanOrEqual(OUT_BYTES);
  });

  test('waits for no broker without end', () => {
    expect(run(['quiet']).trim().split('\n')).toEqual([
      'no answer to CONNECT: broken after 9900',
      'c000 after 15000',
      'c000 after 15000',
      'c000 after 15000',
      'no answer to a ping: broken after 9900',
      'then nothing is queued: 0, and nothing read: 0',
    ]);
  });

  test(`${FUZZ_ROUNDS} damaged streams, each cut up three ways`, () => {
    const seed = `${process.env.COUNTERSIGN_SEED ?? Date.now() % 100_000}`;
    const corpus = Buffer.concat([GOOD, sized(IN_BYTES + 40, { qos: 1 }), message('end')]);
    expect(run(['fuzz', seed, `${FUZZ_ROUNDS}`], corpus), `seed ${seed}`).toBe('ok\n');
  });
});
