// RFC 6298 with its own numbers, and what a size costs that was never measured.
import { expect, it } from 'vitest';
import { makeRoundTrip } from '../../host/smp/round-trip.js';

const MS_MAX = 3000;

it('nothing is known before the first answer', () => {
  expect(makeRoundTrip().limitMs(10, MS_MAX)).toBeUndefined();
});

it('the first answer: twice its time is added (section 2.2); further ones are smoothed (section 2.3)', () => {
  const line = makeRoundTrip();
  line.took(100, 200);
  expect(line.limitMs(100, MS_MAX)).toBe(200 + 4 * 100);
  line.took(100, 280); // variation 3/4 * 100 + 1/4 * 80, smoothed 7/8 * 200 + 1/8 * 280
  expect(line.limitMs(100, MS_MAX)).toBe(210 + 4 * 95);
});

it('a size that was not measured costs in proportion to its bytes, a smaller one no less than was measured', () => {
  const line = makeRoundTrip();
  line.took(16, 20);
  expect(line.limitMs(512, MS_MAX)).toBe(32 * 60);
  line.took(512, 700);
  expect(line.limitMs(520, MS_MAX)).toBe(2100);
  expect(line.limitMs(16, MS_MAX)).toBe(60);
  expect(line.limitMs(2, MS_MAX)).toBe(60);
});

it('has its bounds', () => {
  const line = makeRoundTrip();
  line.took(16, 0.1);
  expect(line.limitMs(16, MS_MAX)).toBe(30);
  line.took(512, 60_000);
  expect(line.limitMs(512, MS_MAX)).toBe(MS_MAX);
});
