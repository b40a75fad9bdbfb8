import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Recorder } from './recorder.ts';

describe('what a load met', () => {
  it('has the longest time without a success, by kind', () => {
    const recorder = new Recorder();
    for (const at of [100, 200, 4_700, 4_800]) recorder.success('read', at, 20);
    recorder.failure('read', 2_000, 15, '503');
    recorder.success('write', 300, 40);
    expect(recorder.report('read', 5_000)).toEqual({
      ...{ requests: 5, ok: 4, failed: 1, longestGapMs: 4_500 },
      gaps: [{ fromMs: 200, toMs: 4_700, ms: 4_500 }],
      latencyMs: { p50: 20, p95: 20, p99: 20, max: 20 },
      failures: { '503': 1 },
    });
    // Nothing since: out until the end.
    expect(recorder.report('write', 5_000)).toMatchObject({ longestGapMs: 4_700, failed: 0 });
    // Asking does not change it.
    expect(recorder.report('write', 5_000)).toMatchObject({ gaps: [{ fromMs: 300, toMs: 5_000 }] });
  });

  it('has an outage from the beginning when nothing ever worked, and none when nothing was asked', () => {
    const recorder = new Recorder();
    recorder.failure('write', 900, 10, 'ECONNREFUSED');
    expect(recorder.report('write', 2_000)).toMatchObject({ ok: 0, longestGapMs: 2_000 });
    expect(recorder.report('read', 2_000)).toMatchObject({ requests: 0, longestGapMs: 0, gaps: [] });
  });

  it('ends with the last question, not with the last answer', () => {
    const recorder = new Recorder();
    recorder.success('read', 1_000, 20);
    recorder.success('write', 1_000, 20);
    recorder.stop(1_500);
    recorder.failure('write', 10_000, 9_000, 'no answer in time');
    recorder.success('read', 9_000, 8_000);
    expect(recorder.report('read', 10_000)).toMatchObject({ longestGapMs: 1_000, gaps: [{ fromMs: 0 }] });
    expect(recorder.report('write', 10_000)).toMatchObject({ failed: 1, longestGapMs: 1_000 });
  });

  it('is a curve of 100 ms', () => {
    const recorder = new Recorder();
    recorder.success('read', 10, 5);
    recorder.success('read', 99, 9);
    recorder.failure('write', 100, 80, '504');
    recorder.success('write', 250, 31);
    expect(recorder.curve()).toEqual([
      [0, 2, 0, 9, 0, 0, 0],
      [100, 0, 0, 0, 0, 1, 80],
      [200, 0, 0, 0, 1, 0, 31],
    ]);
  });

  it('counts each request once', () => {
    const request = fc.record({
      kind: fc.constantFrom('read' as const, 'write' as const),
      ok: fc.boolean(),
      step: fc.integer({ min: 0, max: 3_000 }),
      latency: fc.integer({ min: 0, max: 5_000 }),
    });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 60 }), (requests) => {
        const recorder = new Recorder();
        let at = 0;
        for (const { kind, ok, step, latency } of requests) {
          at += step;
          if (ok) recorder.success(kind, at, latency);
          else recorder.failure(kind, at, latency, '500');
        }
        const [reads, writes] = [recorder.report('read', at), recorder.report('write', at)];
        expect(recorder.requests).toBe(requests.length);
        expect(reads.requests + writes.requests).toBe(requests.length);
        const sums = recorder
          .curve()
          .reduce((sum, point) => sum + point[1] + point[2] + point[4] + point[5], 0);
        expect(sums).toBe(requests.length);
        // Every gap that counts is among the gaps.
        for (const one of [reads, writes])
          if (one.longestGapMs >= 1_000)
            expect(Math.max(...one.gaps.map((gap) => gap.ms))).toBe(one.longestGapMs);
      }),
    );
  });
});
