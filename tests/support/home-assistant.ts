// Home Assistant, as far as a device's update entity goes, for tests: what its MQTT integration reads, what it drops, and when it lets
// somebody press "Install". Templates are rendered by Jinja itself, in its sandbox.
//
// As in its sources (components mqtt and update): a topic that its pattern does not know is no entity, an empty document ends one; of
// a rendered state a member that its schema does not have, or that is null, drops the message whole.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { MqttClient } from 'mqtt';
import * as z from 'zod';
import { connectBroker, endBroker } from '../../host/links/mqtt.js';

const TOPIC = /^homeassistant\/(?<component>\w+)\/(?:(?<node>[a-zA-Z0-9_-]+)\/)?(?<object>[a-zA-Z0-9_-]+)\/config$/;

const configSchema = z.object({
  name: z.string().nullable(),
  unique_id: z.string(),
  device_class: z.literal('firmware'),
  availability_topic: z.string(),
  payload_available: z.string(),
  payload_not_available: z.string(),
  state_topic: z.string(),
  value_template: z.string(),
  command_topic: z.string().regex(/^[^+#]+$/),
  payload_install: z.string(),
  qos: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  retain: z.boolean(),
  device: z.object({ identifiers: z.array(z.string()).min(1), name: z.string() }),
  origin: z.object({ name: z.string(), sw_version: z.string() }),
});

const updateSchema = z.strictObject({
  installed_version: z.string().optional(),
  latest_version: z.string().optional(),
  title: z.string().optional(),
  release_summary: z.string().optional(),
  release_url: z.string().optional(),
  entity_picture: z.string().optional(),
  in_progress: z.boolean().optional(),
  update_percentage: z.number().min(0).max(100).nullable().optional(),
});
export type Update = z.infer<typeof updateSchema>;

/** An entity, as Home Assistant shows it. */
export interface Entity {
  config: z.infer<typeof configSchema>;
  available: boolean;
  update: Update;
  /** Each that was shown. */
  history: Update[];
}

export interface HomeAssistant {
  /** By unique id. */
  entities: ReadonlyMap<string, Entity>;
  /** What it would have written into its log: what it could not use. */
  dropped: readonly string[];
  /** The button. Throws as Home Assistant refuses. */
  install(id: string): Promise<void>;
  close(): Promise<void>;
}

export async function startHomeAssistant(url: string): Promise<HomeAssistant> {
  const [client, jinja] = [await connectBroker(url), startJinja()];
  const entities = new Map<string, Entity>();
  const byTopic = new Map<string, string>(); // discovery topic to unique id
  const dropped: string[] = [];

  async function discovered(topic: string, text: string): Promise<void> {
    const before = byTopic.get(topic);
    if (!TOPIC.test(topic)) return void dropped.push(`illegal discovery topic ${topic}`);
    if (text === '') {
      if (before !== undefined) entities.delete(before);
      byTopic.delete(topic);
      return;
    }
    const read = configSchema.safeParse(JSON.parse(text));
    if (!read.success) return void dropped.push(`${topic}: ${read.error.message}`);
    const config = read.data;
    const id = config.unique_id;
    if (before === undefined && entities.has(id)) return void dropped.push(`${topic}: ${id} is there already`);
    byTopic.set(topic, id);
    entities.set(id, { config, available: false, update: {}, history: [] });
    await again(client, [config.availability_topic, config.state_topic]);
  }

  async function said(topic: string, text: string): Promise<void> {
    for (const entity of entities.values()) {
      const { availability_topic, payload_available, payload_not_available, state_topic, value_template } =
        entity.config;
      if (topic === availability_topic && text === payload_available) entity.available = true;
      if (topic === availability_topic && text === payload_not_available) entity.available = false;
      if (topic !== state_topic) continue;
      const answer = await jinja.render(value_template, text);
      const read = answer === undefined ? undefined : updateSchema.safeParse(JSON.parse(answer));
      if (!read?.success) dropped.push(`${topic}: ${read?.error.message ?? 'the template fails'}`);
      else {
        Object.assign(entity.update, read.data);
        entity.history.push(read.data);
      }
    }
  }

  client.on('message', (topic, payload) => {
    const text = payload.toString();
    const work = topic.startsWith('homeassistant/') ? discovered(topic, text) : said(topic, text);
    work.catch((error: unknown) => dropped.push(`${topic}: ${error}`));
  });
  await client.subscribeAsync(['homeassistant/+/+/config', 'homeassistant/+/+/+/config']);

  return {
    entities,
    dropped,
    async install(id) {
      const entity = entities.get(id);
      if (!entity?.available) throw new Error('unavailable');
      const { config, update } = entity;
      if (update.latest_version === undefined || update.installed_version === update.latest_version) {
        throw new Error('No update available');
      }
      if (update.in_progress) throw new Error('already in progress');
      const { qos, retain } = config;
      await client.publishAsync(config.command_topic, config.payload_install, { qos, retain });
    },
    async close() {
      await endBroker(client);
      jinja.close();
    },
  };
}

/** Subscribes anew, so that what is retained comes. */
async function again(client: MqttClient, topics: string[]): Promise<void> {
  await client.unsubscribeAsync(topics);
  await client.subscribeAsync(topics);
}

/** `/usr/bin/python3` of Debian, which has Jinja from a package of its own. */
export const PYTHON = '/usr/bin/python3';

export function startJinja() {
  const child = spawn(PYTHON, [fileURLToPath(new URL('jinja.py', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting: ((line: string) => void)[] = [];
  createInterface(child.stdout).on('line', (line) => waiting.shift()?.(line));
  return {
    /** Undefined: the template fails. */
    async render(template: string, payload: string): Promise<string | undefined> {
      const line = new Promise<string>((resolve) => waiting.push(resolve));
      child.stdin.write(`${JSON.stringify({ template, payload })}\n`);
      return (JSON.parse(await line) as { rendered?: string }).rendered;
    },
    close: () => void child.stdin.end(),
  };
}
