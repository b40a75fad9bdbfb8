let last = '/tickets?status=open';

/** Remembers the ticket list as it was last seen, with its filter. */
export function rememberListPath(path: string): void {
  last = path;
}

/** The ticket list as it was last seen; at first the open tickets. */
export function lastListPath(): string {
  return last;
}
