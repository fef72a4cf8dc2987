// Ed25519 alone, for counting on a chip.

export { ed25519Begin, ed25519Finish, ed25519Update } from '../../assembly/crypto/ed25519';
export * from './area';
