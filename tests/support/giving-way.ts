// A file that computes gives way to files that wait, and so does what it starts: their lines and brokers do not wait for it.

import { getPriority, setPriority } from 'node:os';

const NICE = 5; // of a processor, a quarter is left beside somebody who needs all of it
const LEAST = 19;

setPriority(Math.min(LEAST, getPriority() + NICE));
