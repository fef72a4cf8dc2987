// The types of set-version.mjs, for the tests.

export function withVersion(source: string, version: string): string;
