// SHA-256 alone, for counting on a chip.

export { sha256Begin, sha256Finish, sha256Update } from '../../assembly/crypto/sha256';
export * from './area';
