// How a setting is named in the environment. By itself, since --help says so of options and reads no configuration.

/** vendor-key: COUNTERSIGN_VENDOR_KEY */
export function environmentName(name: string): string {
  return `COUNTERSIGN_${name.toUpperCase().replaceAll('-', '_')}`;
}
