import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Io } from './command.ts';
import { usage } from './errors.ts';

/** Asks on the terminal. With `hidden`, what is typed is not shown. */
export async function askOnTerminal(question: string, io: Io, hidden = false): Promise<string> {
  if (!io.stdin.isTTY) {
    throw usage(
      `Unable to ask for ${question}: this is not a terminal.`,
      'Give it in an option or the environment.',
    );
  }
  let silent = false;
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!silent) io.stderr.write(String(chunk));
      done();
    },
  });
  const reader = createInterface({ input: io.stdin, output, terminal: true });
  try {
    const answer = reader.question(`${question}: `, { signal: io.signal });
    silent = hidden;
    return (await answer).trim();
  } finally {
    reader.close();
    if (hidden) io.stderr.write('\n');
  }
}

export async function confirmOnTerminal(question: string, io: Io): Promise<boolean> {
  return /^(y|yes|j|ja)$/i.test(await askOnTerminal(`${question} [y/N]`, io));
}

/** All of stdin as one secret: without the newline that `echo` adds. */
export async function secretFromStdin(io: Io, what: string): Promise<string> {
  let text = '';
  for await (const chunk of io.stdin) {
    text += String(chunk);
    if (text.length > 10_000) throw usage(`Unable to read ${what} from standard input: that is too long.`);
  }
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw usage(`Unable to read ${what} from standard input: it is empty.`);
  return secret;
}
