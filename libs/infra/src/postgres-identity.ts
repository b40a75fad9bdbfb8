import { execFile } from 'node:child_process';
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** How to run a program as somebody other than root, which PostgreSQL refuses to be. */
export interface Identity {
  /** Program and arguments that come before it. */
  readonly prefix: readonly string[];
  /** Whose the data must be; absent: of whoever runs this. */
  readonly user?: User;
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Whom PostgreSQL runs as: whoever runs this, and for root somebody else.
 * @param dataDir may not be there yet; the folder that it is in is
 * @param programs the folder of PostgreSQL's programs
 * @throws Error naming what keeps everybody out, and what to do
 */
export async function chooseIdentity(dataDir: string, programs: string): Promise<Identity> {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const paths = [programs, await realpath(dirname(dataDir))];
  const owner = await stat(dataDir).catch(() => null);
  // Data made under another user earlier stay with it.
  if (owner && owner.uid !== 0) return asUser(`number ${owner.uid}`, owner, paths);
  const passwd = await readFile('/etc/passwd', 'utf8');
  try {
    // A user namespace in which root has another number: to the kernel the files still belong to root.
    const { uid, gid } = otherThanRoot(passwd) ?? { uid: 1, gid: 1 };
    const prefix = ['unshare', '--user', `--map-user=${uid}`, `--map-group=${gid}`];
    await run(prefix[0]!, [...prefix.slice(1), 'true']);
    return { prefix };
  } catch {
    // None can be made in a chroot, and in many containers.
    for (const name of ['postgres', 'nobody']) {
      const found = usersOf(passwd).find((user) => user.name === name);
      if (found) return asUser(`"${name}"`, found, paths);
    }
    throw new Error(
      'Unable to run PostgreSQL as root: neither a user namespace nor a user "postgres" or "nobody" is at hand. Start as an ordinary user.',
    );
  }
}

/**
 * Another user. Where a folder on the way lets only its owner in, as /root does, it gets root's right to pass (and no other):
 * no more than it would have in a user namespace, where the files are its own.
 */
async function asUser(shown: string, { uid, gid }: User, paths: readonly string[]): Promise<Identity> {
  const plain = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  const closed = await firstClosed({ uid, gid }, paths);
  if (closed === null) return { prefix: plain, user: { uid, gid } };
  const passing = [...plain, '--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
  try {
    // Not `test -x`: access(2) goes by who one is, and leaves the right out (capabilities(7)).
    await run(passing[0]!, [...passing.slice(1), 'stat', `${closed.path}/.`]);
    return { prefix: passing, user: { uid, gid } };
  } catch {
    throw new Error(
      `Unable to run PostgreSQL as root, and as user ${shown} it cannot get to ${closed.path}: ${closed.by} lets only its owner in. Put the platform elsewhere (/opt, /srv), open that folder (chmod o+x ${closed.by}), or start as an ordinary user.`,
    );
  }
}

async function firstClosed(
  user: User,
  paths: readonly string[],
): Promise<{ readonly path: string; readonly by: string } | null> {
  for (const path of paths) {
    const by = await closedTo(user, path);
    if (by !== null) return { path, by };
  }
  return null;
}

/** The outermost folder on the way to `path`, or that itself, which this user may not enter; null when it gets there. */
export async function closedTo(user: User, path: string): Promise<string | null> {
  const names = path.split('/');
  for (let i = 2; i <= names.length; i++) {
    const folder = names.slice(0, i).join('/');
    const { uid, gid, mode } = await stat(folder);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return folder;
  }
  return null;
}

const usersOf = (passwd: string) =>
  passwd.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    return uid === undefined || gid === undefined ? [] : [{ name, uid: Number(uid), gid: Number(gid) }];
  });

/**
 * Somebody of `/etc/passwd` who is not root; null when there is nobody else. PostgreSQL looks up the name of the user
 * that it runs as, and a machine on which only root ever logged in has no user 1000.
 */
export function otherThanRoot(passwd: string): User | null {
  return usersOf(passwd).find(({ uid }) => uid > 0) ?? null;
}
