// completion: what a shell offers on Tab, as a script for it, made from the list of commands: commands, options, and the values
// of those that have a list. Where there is no list the shell offers file names. The script never starts this program, which
// would take longer than one waits for a Tab.

import { z } from 'zod';
import { type AnyCommand, command, flagOf } from '../command.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const completion = command({
  name: 'completion',
  summary: 'print a script that completes commands and options in your shell',
  details: [
    'Completes commands, options, their values and file names. bash: put `source <(countersign completion bash)` into',
    '~/.bashrc. zsh: put `source <(countersign completion zsh)` into ~/.zshrc. fish: save the output as',
    '~/.config/fish/completions/countersign.fish. The shell must find the command by its name: in a clone, `npm link`',
    'puts it on the PATH.',
  ].join('\n'),
  arguments: { shell: { text: SHELLS.join(', '), schema: z.enum(SHELLS) } },
  options: {},
  examples: ['countersign completion bash', 'countersign completion fish'],
  async run({ arguments: { shell } }) {
    const { loadAll } = await import('./table.js'); // not at the top: the list holds this command, too
    const script = SCRIPTS[shell]((await loadAll()).map(offerOf));
    return { data: { shell, script }, lines: script.split('\n'), product: true };
  },
});

/** What a schema lists: through optional, default, array. */
function choicesOf(schema: unknown): readonly string[] {
  if (schema instanceof z.ZodEnum) return schema.options.map(String);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return choicesOf(schema.unwrap());
  return schema instanceof z.ZodArray ? choicesOf(schema.element) : [];
}

function offerOf({ name, aliases = [], summary, options, arguments: places, writes }: AnyCommand) {
  const own = Object.entries(options).map(([key, { short, text, value, schema }]) => ({
    ...{ long: flagOf(key), short, text, choices: choicesOf(schema) },
    takesValue: value !== undefined && !value.startsWith('['),
  }));
  const common = ['--json', '--no-input', '--verbose', '--quiet', '--help', ...(writes ? ['--dry-run'] : [])];
  const switches = common.map((long) => ({ long, short: undefined, text: '', takesValue: false, choices: [] }));
  const choices = Object.values(places).flatMap(({ schema, choices: listed }) => listed ?? choicesOf(schema));
  return { names: [name, ...aliases], summary, flags: [...own, ...switches], choices };
}
type Offer = ReturnType<typeof offerOf>;

const HELP_TOPICS = ['exit-codes'];
const dashed = ({ long, short }: Offer['flags'][number]): string[] => [long, ...(short ? [`-${short}`] : [])];

function bash(offers: readonly Offer[]): string {
  const names = offers.flatMap((offer) => offer.names);
  const values = offers.flatMap((offer) =>
    offer.flags
      .filter(({ takesValue }) => takesValue)
      .map((flag) => {
        const at = offer.names.flatMap((name) => dashed(flag).map((word) => `'${name} ${word}'`)).join(' | ');
        return `    ${at}) words='${flag.choices.join(' ')}' ;;`;
      }),
  );
  const rest = offers.map(({ names: called, flags, choices }) => {
    const listed = flags.map(({ long }) => long).join(' ');
    return `        ${called.join(' | ')}) flags='${listed}' words='${choices.join(' ')}' ;;`;
  });
  return `_countersign() {
  local cur=$2 prev=$3 command='' words='' flags='' i
  if [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; elif [[ $cur == = ]]; then cur=''; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ \${COMP_WORDS[i]} != -* ]]; then command=\${COMP_WORDS[i]}; break; fi
  done
  case "$command $prev" in
${values.join('\n')}
    *)
      case $command in
        '') flags='--help --version' words='${names.join(' ')} help' ;;
        help) words='${[...names, ...HELP_TOPICS].join(' ')}' ;;
${rest.join('\n')}
      esac
      if [[ $cur == -* ]]; then words=$flags; fi ;;
  esac
  COMPREPLY=()
  if [[ -n $words ]]; then COMPREPLY=($(compgen -W "$words" -- "$cur")); fi
}
complete -o bashdefault -o default -F _countersign countersign`;
}

/** zsh takes bash's, by a part of its own that is made for it. */
const zsh = (offers: readonly Offer[]): string => `#compdef countersign
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
autoload -Uz bashcompinit && bashcompinit
${bash(offers)}`;

function fish(offers: readonly Offer[]): string {
  const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`;
  const begun = 'complete -c countersign';
  const lines = offers.flatMap(({ names, summary, flags, choices }) => {
    const within = `${begun} -n '__fish_seen_subcommand_from ${names.join(' ')}'`;
    return [
      `${begun} -f -n __fish_use_subcommand -a '${names.join(' ')}' -d ${quoted(summary)}`,
      ...(choices.length > 0 ? [`${within} -a '${choices.join(' ')}'`] : []),
      ...flags.map(({ long, short, text, takesValue, choices: listed }) =>
        [
          `${within} -l ${long.slice(2)}`,
          ...(short ? [`-s ${short}`] : []),
          ...(listed.length > 0 ? [`-x -a '${listed.join(' ')}'`] : takesValue ? ['-r'] : []),
          ...(text ? [`-d ${quoted(text)}`] : []),
        ].join(' '),
      ),
    ];
  });
  const topics = [...offers.flatMap(({ names }) => names), ...HELP_TOPICS].join(' ');
  return [
    ...lines,
    `${begun} -f -n __fish_use_subcommand -a help -d 'help on a command'`,
    `${begun} -f -n '__fish_seen_subcommand_from help' -a '${topics}'`,
  ].join('\n');
}

const SCRIPTS = { bash, zsh, fish };
