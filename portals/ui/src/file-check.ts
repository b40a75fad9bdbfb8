/** What a set of attachments must keep to. */
export interface FileLimits {
  /** Bytes per file. */
  maxBytes: number;
  maxFiles: number;
  /** Media types, `type/*` or endings as `.csv`; empty takes all. The server looks at the content again. */
  accept?: readonly string[];
  /** Names that are not taken whatever the type, e.g. those of programs. */
  refuses?: (name: string) => boolean;
}

export type FileRefusal =
  | { reason: 'empty'; name: string }
  | { reason: 'too_large'; name: string }
  | { reason: 'wrong_type'; name: string }
  | { reason: 'too_many' };

type FileFacts = Pick<File, 'name' | 'size' | 'type' | 'lastModified'>;

/** Adds `incoming` to `present` as far as the limits allow; the same file again is dropped silently. */
export function addFiles<F extends FileFacts>(
  present: readonly F[],
  incoming: readonly F[],
  limits: FileLimits,
): { files: F[]; refused: FileRefusal[] } {
  const files = [...present];
  const refused: FileRefusal[] = [];
  // Endings too: with Excel installed, Windows calls a CSV file application/vnd.ms-excel.
  const fits = ({ name, type }: F) =>
    !limits.accept?.length ||
    limits.accept.some(
      (a) =>
        a === type ||
        (a.endsWith('/*') && type.startsWith(a.slice(0, -1))) ||
        (a.startsWith('.') && name.toLowerCase().endsWith(a)),
    );
  for (const file of incoming) {
    const known = files.some(
      (f) => f.name === file.name && f.size === file.size && f.lastModified === file.lastModified,
    );
    if (known) continue;
    if (file.size === 0) refused.push({ reason: 'empty', name: file.name });
    else if (file.size > limits.maxBytes) refused.push({ reason: 'too_large', name: file.name });
    else if (!fits(file) || limits.refuses?.(file.name))
      refused.push({ reason: 'wrong_type', name: file.name });
    else if (files.length >= limits.maxFiles) {
      refused.push({ reason: 'too_many' });
      break;
    } else files.push(file);
  }
  return { files, refused };
}
