// P-256 alone, for counting on a chip.

export { p256Verify } from '../../assembly/crypto/p256';
export * from './area';
