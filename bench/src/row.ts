/** One line of the table. */
export interface Row {
  readonly what: string;
  readonly ours: string;
  /** What the machine could do, measured in the same run; empty where the target is absolute. */
  readonly limit: string;
  readonly ratio: string;
  readonly target: string;
  readonly met: boolean;
  /** Where the target is missed: by how much, and what bounds it. */
  readonly note?: string;
}

export type Say = (line: string) => void;

/** One benchmark of the table; it starts what it needs, and stops it again. */
export interface Benchmark {
  readonly name: string;
  /** How it is measured, for the page. */
  readonly method: string;
  run(say: Say): Promise<readonly Row[]>;
}
