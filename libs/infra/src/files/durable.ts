import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes new and changed names in a folder outlive a loss of power: a name is a fact of the folder, not of the file. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Writes a secret beside the file that it is to become, for its owner alone, onto the disk. @returns its path */
export async function writeDraft(file: string, text: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, text, { mode: 0o600, flag: 'wx', flush: true });
  return draft;
}

/**
 * What a secret file holds; made where there is none. Of two that make it at once one wins, for both.
 * @param read its content; null when there is no such file
 * @param make new content, and as what `read` would give it
 */
export async function ensureFile<T>(
  file: string,
  read: (file: string) => Promise<T | null>,
  make: () => Promise<{ readonly text: string; readonly content: T }>,
): Promise<{ readonly content: T; readonly isNew: boolean }> {
  const there = await read(file);
  if (there !== null) return { content: there, isNew: false };
  const { text, content } = await make();
  const draft = await writeDraft(file, text);
  try {
    // link() creates or fails, in one step; rename() would replace another's.
    await link(draft, file);
    await syncFolder(dirname(file));
    return { content, isNew: true };
  } catch (error) {
    const others = (error as NodeJS.ErrnoException).code === 'EEXIST' ? await read(file) : null;
    if (others === null) throw error;
    return { content: others, isNew: false };
  } finally {
    await rm(draft, { force: true });
  }
}
