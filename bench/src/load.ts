import { type Child, startChild } from './child.ts';
import type { LoadOrder, LoadResult } from './load-process.ts';

/** Puts load on an address from a process of its own. */
export interface Load {
  fire(order: LoadOrder): Promise<LoadResult>;
  stop(): Promise<void>;
}

export async function startLoad(): Promise<Load> {
  const child: Child<'ready'> = await startChild('./load-process.ts');
  return {
    async fire(order) {
      const answer = await child.ask<LoadResult | { error: string }>(order);
      if ('error' in answer) throw new Error(`Load on ${order.url}: ${answer.error}`);
      return answer;
    },
    stop: () => child.stop(),
  };
}
