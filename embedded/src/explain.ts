import { NewerDatabase } from '@psa/infra/database/migrate';
import type { Settings } from './settings.ts';

/** An error whose message is written for the person at the terminal. */
export class StartError extends Error {}

/** What went wrong at the start, and what to do about it. */
export function explain(thrown: unknown, settings: Pick<Settings, 'HOST' | 'PORT' | 'PSA_DATA_DIR'>): string {
  const error = thrown as NodeJS.ErrnoException;
  const port = settings.PORT;
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} is in use by another program. Stop that program, or choose another port: PORT=${port + 1} npm start`;
    case 'EACCES':
      if (error.syscall === 'listen')
        return `Port ${port} is for the system only (below 1024). Choose another one: PORT=3000 npm start`;
      return unusable(error, settings, 'may not be used by this user');
    case 'EPERM':
    case 'EROFS':
      return unusable(error, settings, 'cannot be written to');
    case 'EEXIST':
    case 'ENOTDIR':
      return unusable(error, settings, 'is no folder');
    case 'EADDRNOTAVAIL':
      return `HOST=${settings.HOST} is no address of this machine. Leave HOST out to listen on 127.0.0.1.`;
    case 'ENOSPC':
      return `The disk of ${settings.PSA_DATA_DIR} is full. Free some space and start again; nothing is lost.`;
  }
  const owner = /process (\d+) is using it/.exec(error.message ?? '')?.[1];
  if (owner) {
    return `PSA-Platform is running on these data already (${settings.PSA_DATA_DIR}, process ${owner}). Use that one, stop it with "kill ${owner}", or choose another folder: PSA_DATA_DIR=.psa2 PORT=${port + 1} npm start`;
  }
  const version = /made by PostgreSQL (\S+), and this is PostgreSQL (\S+)\./.exec(error.message ?? '');
  if (version) {
    return `The data in ${settings.PSA_DATA_DIR} belong to another release: their database is PostgreSQL ${version[1]}, this release has ${version[2]}. Nothing was changed. Start the release that made them, or choose another folder: PSA_DATA_DIR=.psa2 npm start`;
  }
  if (thrown instanceof NewerDatabase) {
    return `${error.message} Nothing was changed. Or choose another folder: PSA_DATA_DIR=.psa2 npm start`;
  }
  if (thrown instanceof StartError) return error.message;
  return `${error.stack ?? error}\nThe log is in ${settings.PSA_DATA_DIR}/logs/psa.log.`;
}

const unusable = (error: NodeJS.ErrnoException, settings: Pick<Settings, 'PSA_DATA_DIR'>, why: string) =>
  `${error.path ?? settings.PSA_DATA_DIR} ${why}. Choose another folder: PSA_DATA_DIR=~/psa npm start`;
