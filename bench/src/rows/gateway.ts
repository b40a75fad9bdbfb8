import { Agent, request } from 'node:http';
import { median, ms, percentile } from '../measure.ts';
import { startPlatform } from '../platform.ts';
import type { Benchmark, Row, Say } from '../row.ts';

const ROUNDS = 5;
const REQUESTS = 400;
const WARM_UP = 300;

/** Asks once over a kept connection; milliseconds until the whole answer is there. */
function ask(agent: Agent, url: URL, token: string): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, headers: { authorization: `Bearer ${token}` } }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${url.pathname}: ${answer.statusCode}`));
      answer.resume();
      answer.once('end', () => resolve(performance.now() - began));
    });
    sent.once('error', reject);
    sent.end();
  });
}

async function run(say: Say): Promise<Row[]> {
  const platform = await startPlatform();
  const agent = new Agent({ keepAlive: true });
  try {
    const { token } = await platform.signIn();
    const path = '/api/v1/tickets?status=open&limit=20';
    const direct = new URL(path, platform.ticketsUrl);
    const through = new URL(path, platform.url);
    for (let i = 0; i < WARM_UP; i++) {
      await ask(agent, direct, token);
      await ask(agent, through, token);
    }
    const rounds: { direct: number; through: number; added: number }[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const [without, withGateway]: [number[], number[]] = [[], []];
      for (let i = 0; i < REQUESTS; i++) {
        without.push(await ask(agent, direct, token));
        withGateway.push(await ask(agent, through, token));
      }
      const [a, b] = [percentile(without, 0.95), percentile(withGateway, 0.95)];
      rounds.push({ direct: a, through: b, added: b - a });
      say(
        `round ${round}: direct p50 ${ms(median(without))} p95 ${ms(a)}, through p50 ${ms(median(withGateway))} p95 ${ms(b)}`,
      );
    }
    const added = median(rounds.map((round) => round.added));
    return [
      {
        what: "the gateway's own added latency, p95, ticket list",
        ours: ms(median(rounds.map((round) => round.through))),
        limit: `${ms(median(rounds.map((round) => round.direct)))} (the service's port)`,
        ratio: `${added < 0 ? '−' : '+'}${Math.abs(added).toFixed(2)} ms`,
        target: '≤ 3 ms',
        met: added <= 3,
      },
    ];
  } finally {
    agent.destroy();
    await platform.stop();
  }
}

export const gateway: Benchmark = {
  name: 'gateway',
  method:
    "The same list asked in turn of the tickets service's own app and of the gateway before it, in the same process, over kept connections, one request at a time; the difference of the two p95.",
  run,
};
