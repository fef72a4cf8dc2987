// Files as they are for somebody who is not root, whom no permission stops.

const NOBODY = 65_534;

export async function withoutRights<T>(action: () => Promise<T>): Promise<T> {
  const root = process.getuid?.() === 0;
  if (root) process.seteuid?.(NOBODY);
  try {
    return await action();
  } finally {
    if (root) process.seteuid?.(0);
  }
}
