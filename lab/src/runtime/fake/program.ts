/** What a program reads, a line at a time or all of it. */
export interface Input {
  /** The next line without its end; null: there is none. */
  line(): string | null;
  rest(): Buffer;
}

/** A container as its programs see it. Paths are absolute in it; nothing leads out of it. */
export interface Container {
  readonly node: string;
  readonly id: number;
  readonly hostname: string;
  /** Its first address, without the length of its network. */
  readonly address: string | null;
  /** Folder on the machine that holds its files. */
  readonly rootfs: string;
  read(path: string): Buffer;
  write(path: string, content: Buffer, mode?: number): void;
  append(path: string, content: Buffer): void;
  exists(path: string): boolean;
  remove(path: string): void;
  /** Path on the machine. @throws when it would lead out of the container */
  resolve(path: string): string;
  glob(pattern: string): string[];
  /** States of its units: `active`, `inactive`, `failed`. */
  readonly units: Readonly<Record<string, string>>;
  setUnit(name: string, state: string): void;
  /** Whether a unit comes up with the container. */
  setEnabled(name: string, enabled: boolean): void;
  isEnabled(name: string): boolean;
  /** All running containers of the lab, this one among them. */
  others(): readonly Container[];
}

/** A call of a program. */
export interface Call {
  readonly argv: readonly string[];
  readonly box: Container;
  readonly input: Input;
  readonly out: (chunk: Buffer) => void;
  readonly err: (message: string) => void;
  readonly signal: AbortSignal;
}

/** A program of a fake container. @returns its exit code */
export type Program = (call: Call) => number | Promise<number>;

/** Bytes as a program reads them. */
export function inputOf(content: Buffer): Input {
  let at = 0;
  return {
    line() {
      if (at >= content.length) return null;
      const end = content.indexOf(10, at);
      const line = content.toString('utf8', at, end < 0 ? content.length : end);
      at = end < 0 ? content.length : end + 1;
      return line;
    },
    rest() {
      const rest = content.subarray(at);
      at = content.length;
      return rest;
    },
  };
}
