/** Keys and indexes from the top of the inventory to a field. */
export type FieldPath = readonly (string | number)[];

/** Something wrong in an inventory, before its place in the file is known. */
export interface Problem {
  readonly path: FieldPath;
  /** What is wrong. */
  readonly message: string;
  /** What to do about it. */
  readonly fix: string;
}

/** Something wrong in an inventory file, with its place. */
export interface InventoryError {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The field, as in `containers[2].memory_mb`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  readonly fix: string;
}

/** `containers[2].memory_mb`. */
export function formatPath(path: FieldPath): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

/** One line for people: place, field, what is wrong, what to do. */
export function formatInventoryError(error: InventoryError): string {
  const place = `${error.file}:${error.line}:${error.column}`;
  return `${place}: ${error.path === '' ? '' : `${error.path}: `}${error.message} ${error.fix}`;
}
