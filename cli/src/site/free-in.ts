import type { Cluster } from './cluster.ts';

/** Bytes that are free where a folder of a container is. */
export async function freeIn(cluster: Cluster, member: number, folder: string): Promise<number> {
  const text = await cluster.must(member, ['df', '-Pk', folder]);
  return Number(text.trim().split('\n').at(-1)!.split(/\s+/)[3]) * 1024;
}
