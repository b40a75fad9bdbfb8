/** What is done: reading, or opening a ticket. */
export type Kind = 'read' | 'write';

/** A time without a success, from the load's start. */
export interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
  readonly ms: number;
}

/** How one kind of request fared. */
export interface KindReport {
  readonly requests: number;
  readonly ok: number;
  readonly failed: number;
  /** The longest time without a success: the outage that its clients saw. */
  readonly longestGapMs: number;
  /** Times without a success of a second and more. */
  readonly gaps: readonly Gap[];
  readonly latencyMs: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  };
  /** Status or error → how often. */
  readonly failures: Readonly<Record<string, number>>;
}

/** 100 ms of a load: start, then successes, failures and the longest answer in ms, of reads and of writes. */
export type CurvePoint = readonly [
  ms: number,
  readOk: number,
  readFailed: number,
  readMaxMs: number,
  writeOk: number,
  writeFailed: number,
  writeMaxMs: number,
];

const BUCKET_MS = 100;
const GAP_MS = 1_000;

interface Tally {
  ok: number;
  failed: number;
  longestGap: number;
  lastSuccess: number;
  readonly gaps: Gap[];
  readonly latencies: number[];
  readonly failures: Map<string, number>;
}

const tally = (): Tally => ({
  ...{ ok: 0, failed: 0, longestGap: 0, lastSuccess: 0 },
  ...{ gaps: [], latencies: [], failures: new Map() },
});

/** Counts what became of requests, by kind and by 100 ms of time. Times are given, in ms from the start. */
export class Recorder {
  readonly #kinds: Readonly<Record<Kind, Tally>> = { read: tally(), write: tally() };
  #stoppedAt = Number.POSITIVE_INFINITY;
  readonly #buckets = new Map<number, [number, number, number, number, number, number]>();

  /** An answer as it should be. */
  success(kind: Kind, atMs: number, latencyMs: number): void {
    const one = this.#kinds[kind];
    one.ok++;
    one.latencies.push(latencyMs);
    this.#gap(one, atMs);
    one.lastSuccess = atMs;
    this.#add(kind, atMs, 0, latencyMs);
  }

  /** @param why a status or an error; few different ones */
  failure(kind: Kind, atMs: number, latencyMs: number, why: string): void {
    const one = this.#kinds[kind];
    one.failed++;
    one.failures.set(why, (one.failures.get(why) ?? 0) + 1);
    this.#add(kind, atMs, 1, latencyMs);
  }

  /** Nobody asks any more: that nothing succeeds while the last answers are waited for is no outage. */
  stop(atMs: number): void {
    this.#stoppedAt = Math.min(this.#stoppedAt, atMs);
  }

  get requests(): number {
    return Object.values(this.#kinds).reduce((sum, one) => sum + one.ok + one.failed, 0);
  }

  /** Successes and failures so far. */
  counts(kind: Kind): { readonly ok: number; readonly failed: number } {
    return { ok: this.#kinds[kind].ok, failed: this.#kinds[kind].failed };
  }

  /** @param endMs when the load ended: a kind without a success until then had an outage until then */
  report(kind: Kind, endMs: number): KindReport {
    const one = this.#kinds[kind];
    const { ok, failed, failures } = one;
    const end = { ...one, gaps: [...one.gaps] };
    if (ok + failed > 0) this.#gap(end, endMs);
    const sorted = Float64Array.from(one.latencies).sort();
    const at = (share: number) =>
      Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
    return {
      ...{ requests: ok + failed, ok, failed, longestGapMs: Math.round(end.longestGap), gaps: end.gaps },
      latencyMs: { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) },
      failures: Object.fromEntries([...failures].sort(([, a], [, b]) => b - a)),
    };
  }

  /** Only the times in which anything ended. */
  curve(): readonly CurvePoint[] {
    return [...this.#buckets].sort(([a], [b]) => a - b).map(([at, counts]) => [at * BUCKET_MS, ...counts]);
  }

  #gap(one: { lastSuccess: number; longestGap: number; gaps: Gap[] }, atMs: number): void {
    const end = Math.min(atMs, this.#stoppedAt);
    const ms = end - one.lastSuccess;
    one.longestGap = Math.max(one.longestGap, ms);
    if (ms >= GAP_MS)
      one.gaps.push({ fromMs: Math.round(one.lastSuccess), toMs: Math.round(end), ms: Math.round(ms) });
  }

  #add(kind: Kind, atMs: number, failed: 0 | 1, latencyMs: number): void {
    const at = Math.floor(atMs / BUCKET_MS);
    const bucket = this.#buckets.get(at) ?? [0, 0, 0, 0, 0, 0];
    const first = kind === 'read' ? 0 : 3;
    bucket[first + failed]!++;
    bucket[first + 2] = Math.max(bucket[first + 2]!, Math.round(latencyMs));
    this.#buckets.set(at, bucket);
  }
}
