// SHA-512 alone, for counting on a chip.

export { sha512Begin, sha512Finish, sha512Update } from '../../assembly/crypto/sha512';
export * from './area';
