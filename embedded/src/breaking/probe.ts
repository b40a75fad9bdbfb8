import { get } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

/** Asks an address every 100 ms, in a thread of its own that nothing else holds up; tells milliseconds and status. */
const { url } = workerData as { url: string };
const EVERY_MS = 100;

setInterval(() => {
  const began = performance.now();
  const request = get(url, { agent: false }, (answer) => {
    answer.resume();
    answer.on('end', () => tell(answer.statusCode ?? 0));
  });
  const tell = (status: number) => parentPort!.postMessage({ ms: performance.now() - began, status });
  request.on('error', () => tell(0));
}, EVERY_MS);
