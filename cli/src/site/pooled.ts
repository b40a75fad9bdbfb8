/** As `Promise.all` over a list, with so many at the same time. */
export async function pooled<T, R>(
  items: readonly T[],
  size: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at]!);
  };
  await Promise.all(Array.from({ length: Math.min(size, items.length) }, worker));
  return results;
}

/** Commands in containers at the same time: each is an ssh session and a process in a container, on every node. */
export const AT_ONCE = 6;
