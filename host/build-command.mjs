// Bundles the command, as tsc has built it, into what users run: dist/bin/countersign.js, and parts that it loads when a command
// needs them. From its 220 modules `check` would take six times as long to start as Node alone.
//
// The table of commands is made here, from the commands themselves, so that each is a part of its own. Packages with binaries
// stay outside. Names are kept, and lines are as they were written: a stack says where it was.

import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { writeLicenses } from './build-licenses.mjs';

const root = new URL('../', import.meta.url);
const at = (path) => fileURLToPath(new URL(path, root));
const built = (path) => import(new URL(path, root).href);

const MAIN = at('dist/host/cli/main.js');
const COMMANDS = 'dist/host/cli/commands';
/** What is started most often, by pipelines: what it needs is not in one part with what it does not. */
const CHECK = at(`${COMMANDS}/check.js`);
/** What so many commands need is one part: to open a file takes longer than to read what is not needed. */
const SHARED_BY = 4;

/** The files of the commands, and the source of a table.js that loads each when it is named. */
async function lazyTable() {
  const { table, settings } = await built(`${COMMANDS}/table.js`);
  const files = readdirSync(at(COMMANDS)).filter((name) => name.endsWith('.js') && !/^(index|table)\./.test(name));
  const places = new Map();
  for (const file of files) {
    for (const [key, one] of Object.entries(await built(`${COMMANDS}/${file}`))) places.set(one.run, { file, key });
  }
  const rows = await Promise.all(
    table.map(async ({ name, aliases, summary, group, load }) => {
      const { file, key } = places.get((await load()).run);
      const loading = `({ ...(await import('./${file}')).${key}, group: ${JSON.stringify(group)} })`;
      return `{ ...${JSON.stringify({ name, aliases, summary, group })}, load: async () => ${loading} }`;
    }),
  );
  const code = `export const table = [\n${rows.join(',\n')}\n];\nexport const settings = new Set(${JSON.stringify([...settings])});
export const loadAll = () => Promise.all(table.map(({ load }) => load()));`;
  return { files: files.map((file) => at(`${COMMANDS}/${file}`)), code };
}

const table = await lazyTable();
const { listRunners } = await built('dist/host/boards.js');
const runners = listRunners().map(({ name, module }) => `boards/${name}/${module}`);

/** What is loaded with this module. */
function withImports(id, context, found = new Set()) {
  if (!found.has(id)) {
    found.add(id);
    for (const next of context.getModuleInfo(id)?.importedIds ?? []) withImports(next, context, found);
  }
  return found;
}

const EAGER = /^var __require = .*createRequire\(import\.meta\.url\).*$/m;
const LAZY = `var made;
var __require = (name) => (made ??= process.getBuiltinModule("node:module").createRequire(import.meta.url))(name);`;

let start;
let shared;
let judging;
const groups = [
  {
    debugName: 'start',
    priority: 1,
    name(id, context) {
      start ??= withImports(MAIN, context);
      return start.has(id) && id !== MAIN ? 'start' : null;
    },
  },
  {
    debugName: 'shared',
    name(id, context) {
      shared ??= table.files.map((file) => withImports(file, context));
      judging ??= withImports(CHECK, context);
      if (judging.has(id) && id !== CHECK) return 'judging';
      return shared.filter((modules) => modules.has(id)).length >= SHARED_BY ? 'shared' : null;
    },
  },
];

const bundle = await rolldown({
  cwd: fileURLToPath(root),
  input: { countersign: MAIN, ...Object.fromEntries(runners.map((path) => [path, at(`dist/${path}.js`)])) },
  platform: 'node',
  external: ['serialport', 'koffi', '@lydell/node-pty'],
  // For Node, yaml comes in the older form of modules, out of which nothing can be left.
  resolve: { alias: { yaml: at('node_modules/yaml/browser/index.js') } },
  // The loader of AssemblyScript asks whether it was given one, and Node loads all of fetch() to answer. It never is.
  transform: { target: 'node20', define: { Response: 'undefined' } },
  plugins: [
    { name: 'table', load: (id) => (id === at(`${COMMANDS}/table.js`) ? table.code : null) },
    // commander can start commands that are programs of their own. Ours are none, and what starts programs takes time to load.
    // So does what makes a require(): its own are of Node, and others make theirs when they need one.
    {
      name: 'no require',
      transform: (code, id) =>
        /\/commander\/lib\//.test(id)
          ? code
              .replace("require('node:child_process')", '{}')
              .replaceAll(/\brequire\('(node:[a-z]+)'\)/g, "globalThis.process.getBuiltinModule('$1')")
          : null,
      renderChunk: (code) =>
        EAGER.test(code) ? code.replace(EAGER, LAZY).replace(/^import .* from "node:module";$/m, '') : null,
    },
  ],
});
rmSync(at('dist/bin'), { recursive: true, force: true });
const { output } = await bundle.write({
  dir: at('dist/bin'),
  format: 'esm',
  entryFileNames: '[name].js',
  // As deep as in dist/: host/local/boards.ts finds ../../boards/ from where it stands.
  chunkFileNames: 'host/parts/[name]-[hash].js',
  comments: false, // the licenses stand in LICENSES.txt, whole
  codeSplitting: { groups },
  minifyInternalExports: false,
});
await bundle.close();
writeLicenses(
  output.flatMap(({ moduleIds = [] }) => moduleIds),
  'dist/bin',
);
