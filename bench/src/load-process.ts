import autocannon from 'autocannon';
import { percentile } from './measure.ts';

export interface LoadOrder {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly requests: readonly {
    method: string;
    path: string;
    headers?: Record<string, string>;
    body?: string;
  }[];
}

export interface LoadResult {
  readonly perSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly answered: number;
}

/** autocannon keeps the connections busy; the percentiles are of every single answer. */
async function fire({ seconds, requests, ...order }: LoadOrder): Promise<LoadResult | { error: string }> {
  const taken: number[] = [];
  const instance = autocannon({ ...order, duration: seconds, timeout: 30, requests: [...requests] });
  instance.on('response', (_client, _status, _bytes, milliseconds) => taken.push(milliseconds));
  const result = await instance;
  const bad = result.errors + result.timeouts + result.non2xx;
  if (bad > 0) return { error: `${bad} of ${result['2xx'] + bad} requests failed.` };
  return {
    perSecond: result['2xx'] / result.duration,
    p50: percentile(taken, 0.5),
    p95: percentile(taken, 0.95),
    p99: percentile(taken, 0.99),
    answered: result['2xx'],
  };
}

process.on('message', (order: LoadOrder) => {
  fire(order).then(
    (result) => process.send!(result),
    (error: Error) => process.send!({ error: error.message }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send!('ready');
