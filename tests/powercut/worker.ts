// A thread of the loop: takes jobs one by one, answers with results.

import { parentPort } from 'node:worker_threads';
import { type Job, work } from './work.js';

parentPort?.on('message', (job: Job) => parentPort?.postMessage(work(job)));
