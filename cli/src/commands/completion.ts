import { define, type Entry } from '../command.ts';
import { usage } from '../errors.ts';

interface Script {
  shell: string;
  script: string;
}

export const completion = define<object, Script, null, Script>({
  summary: 'Prints the completion script for a shell',
  args: [{ name: 'shell', description: 'bash or zsh' }],
  examples: [
    { run: 'psactl completion bash', note: 'in ~/.bashrc: source <(psactl completion bash)' },
    { run: 'psactl completion zsh', note: 'in ~/.zshrc: source <(psactl completion zsh)' },
  ],

  async plan({ args, commands }) {
    const shell = args[0]!;
    if (shell !== 'bash' && shell !== 'zsh') {
      throw usage(`Unable to write a completion script for ${shell}.`, 'Give bash or zsh.');
    }
    const words = await tree(commands);
    return { data: { shell, script: shell === 'bash' ? bash(words) : zsh(words) }, carry: null };
  },

  render: ({ script }) => script,
});

const GLOBALS = ['--json', '--dry-run', '--yes', '--url', '--inventory', '--site', '--help'];

/** Words typed so far → words that may follow. */
async function tree(commands: readonly Entry[]): Promise<Map<string, string[]>> {
  const next = new Map<string, string[]>();
  for (const { path, load } of commands) {
    for (let depth = 0; depth < path.length; depth++) {
      const key = path.slice(0, depth).join(' ');
      const words = next.get(key) ?? [];
      if (!words.includes(path[depth]!)) words.push(path[depth]!);
      next.set(key, words);
    }
    const own = ((await load()).options ?? []).map(({ flags }) => flags.split(' ')[0]!);
    next.set(path.join(' '), [...own, ...GLOBALS]);
  }
  return next;
}

/** Behind a command's words come its arguments, which are not ours to know. */
const cases = (words: Map<string, string[]>, variable: string) =>
  [...words]
    .map(([typed, next]) => {
      const more = next[0]?.startsWith('-') ? ` | "${typed} "*` : '';
      return `    "${typed}"${more}) ${variable}="${next.join(' ')}" ;;`;
    })
    .join('\n');

const bash = (words: Map<string, string[]>) => `_psactl() {
  local word typed="" words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) ;; *) typed="\${typed:+$typed }$word" ;; esac
  done
  case $typed in
${cases(words, 'words')}
  esac
  if [ -n "$words" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}")
  fi
}
complete -o default -F _psactl psactl
`;

const zsh = (words: Map<string, string[]>) => `#compdef psactl
_psactl() {
  local typed="\${(j: :)\${words[2,CURRENT-1]:#-*}}" next=""
  case $typed in
${cases(words, 'next')}
  esac
  if [[ -n $next ]]; then compadd -- \${(z)next}; else _files; fi
}
compdef _psactl psactl
`;
