import type { Entry } from './command.ts';

/** A command as the registry has it: its words, one sentence, and where its code is, which is read when it is called. */
export const entry = (
  path: string,
  summary: string,
  load: Entry['load'],
  on: Entry['on'] = 'platform',
): Entry => ({
  ...{ path: path.split(' '), summary, on, load },
});
