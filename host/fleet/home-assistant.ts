// What Home Assistant reads of a device on a broker (its MQTT discovery): one retained document under
// <prefix>/update/countersign_<fleet>/<device>/config, which makes an update entity of what the device itself says. "Install"
// there publishes an order for that device. It is as good as anybody's order: it asks, and approves nothing.
//
// No process of ours has to run. All that is not known beforehand Home Assistant reads from the device's own topics, by a template.
// Text of a package stands in it as a literal of which only letters, digits and a few signs are not escaped, so that nothing
// in there is ever a part of the template. What a device says is data when the template runs; of it only numbers,
// and words without any sign in them, are shown as text, because Home Assistant takes that for Markdown.

import { STATE } from '../device/identity.js';
import { topicNameSchema } from '../formats/topic-name.js';
import { orderPaper } from '../links/papers.js';
import { OFFLINE, ONLINE, RAW, topicsOf } from '../links/topics.js';
import { reasons } from '../reasons.js';
import { packageVersion } from '../root.js';

/** Where Home Assistant looks, unless it was told otherwise. */
export const DISCOVERY_PREFIX = 'homeassistant';
/** Of a document: with a long description, of which each character is escaped. */
export const ENTITY_BYTES_MAX = 16 * 1024;

const SUMMARY_CHARACTERS_MAX = 200; // Home Assistant shows 255, and we say one thing more
/** By which an order is known to be one of these; the digest makes it the same order whenever it is offered again. */
const CORRELATOR = 'home-assistant-';
const CORRELATOR_DIGITS = 12;
const SHORT_DIGITS = 8; // of a digest, as people compare them

/** A package that devices are offered. */
export interface EntityOffer {
  /** Digest of its manifest, in hex. */
  digest: string;
  version: string;
  name?: string | undefined;
  description?: string | undefined;
}

/** `device`: a name, or "+" for all. */
export const entityTopic = (prefix: string, fleet: string, device: string): string =>
  `${prefix}/update/countersign_${topicPart(fleet)}/${device === '+' ? '+' : topicPart(device)}/config`;

/** Home Assistant takes letters, digits, "_" and "-" there: any other character of a name is "_" and its code. No two names are one. */
const topicPart = (name: string): string =>
  name.replace(/[^A-Za-z0-9-]/g, (sign) => `_${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** The device of such a topic; undefined: it is none. */
export function deviceOfEntity(topic: string): string | undefined {
  const part = topic.split('/').at(-2) ?? '';
  const name = part.replace(/_([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  return topicPart(name) === part ? topicNameSchema.safeParse(name).data : undefined;
}

/** The order that "Install" publishes. */
const installOrder = (digest: string): string =>
  orderPaper({ digest, encoding: RAW, correlator: `${CORRELATOR}${digest.slice(0, CORRELATOR_DIGITS)}` });

/** Was this order left by "Install"? */
export const isInstallOrder = ({ correlator }: { correlator: string }): boolean => correlator.startsWith(CORRELATOR);

/** The document for one device. */
export function entityDocument(fleet: string, device: string, offer: EntityOffer): string {
  const topics = topicsOf(fleet, device);
  const id = `countersign/${fleet}/${device}`;
  return JSON.stringify({
    ...{ name: 'Firmware', unique_id: id, device_class: 'firmware' },
    ...{ availability_topic: topics.online, payload_available: ONLINE, payload_not_available: OFFLINE },
    ...{ state_topic: topics.state, value_template: valueTemplate(offer) },
    ...{ command_topic: topics.order, payload_install: installOrder(offer.digest), qos: 1, retain: true },
    device: { identifiers: [id], name: device },
    origin: { name: 'Countersign', sw_version: packageVersion },
  });
}

/**
 * Makes of a device's state what Home Assistant's schema of an update wants: it drops the whole message if a member is null, or not
 * one of these. Versions are told apart by the digest of what runs, as the same version may have been built twice.
 */
function valueTemplate({ digest, version, name, description }: EntityOffer): string {
  const [latest, own] = [literal(version), literal(digest)];
  const summary = literal([...(description ?? '')].slice(0, SUMMARY_CHARACTERS_MAX).join(''));
  const { AwaitingUser, Ok } = reasons;
  return [
    `{% set runs = value_json.digest | default('') == ${own} %}`,
    `{% set version = value_json.firmwareVersion | default('none', true) | string %}`,
    `{% set reason = value_json.reason | default({}) %}`,
    `{% set code = reason.code | default(0) | int(0) %}`,
    `{% set state = value_json.state | default(0) %}`,
    `{% set asks = state == ${STATE.ready} and code == ${AwaitingUser.code} %}`,
    `{% set busy = asks or state in [${STATE.downloading}, ${STATE.updating}] %}`,
    `{% set word = reason.name | default('') | string | select('in', '${LETTERS}') | join %}`,
    `{% set said = '' if code == ${Ok.code} else ' Last answer of the device: ' ~ word ~ ' (' ~ code ~ ').' %}`,
    '{{ {',
    `'installed_version': ${latest} if runs else version,`,
    `'latest_version': ${latest} ~ (' (${digest.slice(0, SHORT_DIGITS)})' if version == ${latest} and not runs else ''),`,
    `'title': ${literal(name ?? 'Firmware')},`,
    `'release_summary': (${summary} ~ said) | trim,`,
    `'in_progress': busy,`,
    `'update_percentage': (value_json.progress | default(none)) if state == ${STATE.downloading} else none`,
    '} | to_json }}',
  ].join('');
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Text as Jinja reads it back: no quote, brace, percent sign or backslash of the text is left in it. */
function literal(text: string): string {
  const escaped = text.replace(/[^A-Za-z0-9 .,+-]/gu, (sign) => {
    const code = sign.codePointAt(0)!.toString(16);
    return code.length > 4 ? `\\U${code.padStart(8, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
  return `'${escaped}'`;
}
