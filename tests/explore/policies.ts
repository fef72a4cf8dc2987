// The policies that are explored, each with its topics: all of unapproved x ask before download x when denied x channels
// x trial boots x threshold that differ in what the device may do, and the topics on some of them.

import { RULES, type Rules } from './explorer.js';

export interface Row {
  name: string;
  rules: Rules;
}

const row = (name: string, more: Partial<Rules> = {}): Row => ({ name, rules: { ...RULES, ...more } });
const two = { threshold: 2, operators: 2, topics: ['two operators'] as const };

/** What the fast subset explores, too. */
export const BASIC: Row = row('prompt');

// What else comes and goes is explored without them.
const LOST =
  /L link|pause|offer [AB] link 1|junk link 1|Exec (Update link 1|DownloadAndUpdate link 0)|button|typed|document 1|clear|short time|11 s|reset$|app confirms, knock/;

const TOPICS: readonly Row[] = [
  row('prompt, approvals inside packages', { topics: ['embedded'] }),
  row('reject, approvals inside packages', { unapproved: 0, topics: ['embedded'] }),
  row('reject, clock and expiry', { unapproved: 0, operators: 2, topics: ['clock'] }),
  row('prompt, changes of anchors and policy', { topics: ['change'] }),
  row('bring back what is denied', { denied: 1, topics: ['recall'] }),
  row('bring back what is denied, no trial', { denied: 1, trialBoots: 0, topics: ['recall'] }),
  row('prompt, what the device fetches', { topics: ['pull'] }),
  row('ask before download, what the device fetches', { askBeforeDownload: 1, topics: ['pull'] }),
  row('prompt, blocks that are lost', { topics: ['lost'], only: LOST }),
  row('ask before download, blocks that are lost', { askBeforeDownload: 1, topics: ['lost'], only: LOST }),
  row('prompt, an application that calls the agent', { topics: ['resident'] }),
  row('reject, an application that calls the agent', { unapproved: 0, topics: ['resident'] }),
  row('bring back, an application that calls the agent', { denied: 1, topics: ['resident', 'recall'] }),
  row('prompt, power cuts', { cuts: /./ }),
  row('ask before download, power cuts', { askBeforeDownload: 1, cuts: /offer|yes|Exec|time/ }),
];

function matrix(): Row[] {
  const rows: Row[] = [];
  for (const unapproved of [1, 0] as const) {
    for (const askBeforeDownload of [0, 1] as const) {
      for (const denied of [0, 1] as const) {
        for (const channels of unapproved ? [1, 2, 3, 7] : [3]) {
          for (const trialBoots of [1, 0]) {
            for (const threshold of [1, 2]) {
              const name = [
                unapproved ? 'prompt' : 'reject',
                ...(askBeforeDownload ? ['ask before download'] : []),
                ...(denied ? ['bring back'] : []),
                `channels ${channels}, trial boots ${trialBoots}, threshold ${threshold}`,
              ].join(', ');
              const more = { unapproved, askBeforeDownload, denied, channels, trialBoots };
              rows.push(row(name, threshold === 2 ? { ...more, ...two } : more));
            }
          }
        }
      }
    }
  }
  return rows;
}

export const POLICIES: readonly Row[] = [BASIC, ...TOPICS, ...matrix()];
