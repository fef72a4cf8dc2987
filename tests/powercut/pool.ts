// Jobs on as many threads as there are processors.

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Job, Result } from './work.js';

/** The results in the order of the jobs; `finished` hears of each as it comes. */
export async function runAll(jobs: readonly Job[], finished: (job: Job, result: Result) => void): Promise<Result[]> {
  const results: Result[] = new Array(jobs.length);
  let next = 0;
  const thread = async () => {
    const worker = new Worker(new URL('./worker.js', import.meta.url));
    try {
      while (next < jobs.length) {
        const index = next++;
        results[index] = await new Promise<Result>((resolve, reject) => {
          worker.once('error', reject);
          worker.once('message', (result: Result) => {
            worker.removeAllListeners('error');
            resolve(result);
          });
          worker.postMessage(jobs[index]);
        });
        finished(jobs[index]!, results[index]!);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), jobs.length) }, thread));
  return results;
}
