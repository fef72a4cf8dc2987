// Host and port of a link's URL, as the system wants them: an IPv6 address stands in brackets there, and alone here.

export function hostOf(url: string): { host: string | undefined; port: number | undefined } {
  if (!URL.canParse(url)) return { host: undefined, port: undefined };
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, '') || undefined, port: port ? Number(port) : undefined };
}
