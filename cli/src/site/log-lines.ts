/** A line of a container's journal. */
export interface LogLine {
  /** Microseconds since 1970, as journald has them. */
  readonly time: bigint;
  readonly container: string;
  readonly unit: string;
  readonly message: string;
}

/** Reads what `journalctl -o json` prints, in the pieces in which it comes. */
export class JournalReader {
  readonly #container: string;
  #rest = '';

  constructor(container: string) {
    this.#container = container;
  }

  /** @returns the lines that are whole now */
  take(text: string): readonly LogLine[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    return lines.flatMap((line) => lineOf(this.#container, line));
  }
}

function lineOf(container: string, text: string): LogLine[] {
  try {
    const entry = JSON.parse(text) as Record<string, unknown>;
    const raw = entry.MESSAGE;
    // What is no UTF-8 comes as numbers.
    const message = Array.isArray(raw) ? Buffer.from(raw).toString('latin1') : String(raw ?? '');
    const unit = String(entry._SYSTEMD_UNIT ?? entry.SYSLOG_IDENTIFIER ?? '');
    return [{ time: BigInt(String(entry.__REALTIME_TIMESTAMP)), container, unit, message }];
  } catch {
    return [];
  }
}

/** All lines in the order of their time. */
export const merged = (lines: readonly LogLine[]): readonly LogLine[] =>
  [...lines].sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));

export const isoTime = ({ time }: LogLine) => new Date(Number(time / 1000n)).toISOString();

/** As people read it. */
export const renderLine = (line: LogLine, width: number) =>
  `${isoTime(line)} ${line.container.padEnd(width)} ${line.message}\n`;
