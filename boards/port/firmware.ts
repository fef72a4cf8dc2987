// The firmware of a C board, made when it is asked for: it is not in the package, as it takes a compiler.

import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { agentName, loadBoard } from '../../host/boards.js';
import { CountersignError, systemCode } from '../../host/errors.js';
import { packageRoot } from '../../host/root.js';
import { wasmFile } from '../../host/wasm.js';

const BUILD = fileURLToPath(new URL('build/', packageRoot));

/** Compilers, and what to install for each. */
const PACKAGES = {
  'arm-none-eabi-gcc': 'gcc-arm-none-eabi libnewlib-arm-none-eabi',
  'riscv64-unknown-elf-gcc': 'gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf',
} as const;
export type Compiler = keyof typeof PACKAGES;

/**
 * Path of the ELF of a board's agent, built if it is not there or older than the module that it is made of. Throws ToolMissing.
 * Made beside and moved into its place: several boards may be started at once.
 */
export async function builtFirmware(name: string, compiler: Compiler, onText: (text: string) => void): Promise<string> {
  const module = agentName(await loadBoard(name));
  const built = join(BUILD, name, 'agent.elf');
  const changed = (file: string | URL) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (changed(built) > changed(wasmFile(module))) return built;
  onText(`building the firmware of ${name} from ${module}.wasm`);
  return building(name, compiler, 'firmware', async (folder) => {
    const { buildFirmware } = await import('./build.js');
    const made = await buildFirmware(name, { folder });
    mkdirSync(dirname(built), { recursive: true });
    renameSync(made, built);
    return built;
  });
}

/** The image of a board's demonstration application. Throws ToolMissing. */
export const builtApplication = (name: string, compiler: Compiler, version: string): Promise<Uint8Array> =>
  building(name, compiler, 'application', async (folder) => {
    const { buildApplication } = await import('./build.js');
    return buildApplication(name, version, folder);
  });

async function building<T>(
  name: string,
  compiler: Compiler,
  what: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(BUILD, `${name}-`));
  try {
    return await work(folder);
  } catch (cause) {
    const missing: Record<string, [tool: string, hint: string]> = {
      ENOENT: [compiler, `install it with: sudo apt-get install ${PACKAGES[compiler]}`],
      MODULE_NOT_FOUND: ['wabt', 'install it with: npm install wabt@1.0.39'],
    };
    const found = missing[systemCode(cause) ?? ''];
    if (!found) throw cause;
    const [tool, hint] = found;
    throw new CountersignError('ToolMissing', `${name}: its ${what} cannot be built without ${tool}`, {
      cause,
      hint,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
