/**
 * A load by itself, to be started in any network namespace. The first line of its input is what to do (JSON, as
 * options.ts has it; a password stands on no command line), the end of its input ends it. The report goes to the
 * output, how it fares to the error output, as lines of JSON.
 */
import { createInterface } from 'node:readline';
import { Value } from 'typebox/value';
import { missingTickets, runLoad } from './load.ts';
import { CheckOptions, LoadOptions } from './options.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());

const lines = createInterface({ input: process.stdin });
const first = new Promise<string>((resolve) => {
  lines.once('line', resolve);
  lines.once('close', () => resolve(''));
});
lines.once('close', () => stop.abort());

const text = await first;
try {
  const input: unknown = Value.Default(
    (JSON.parse(text) as { job?: unknown }).job === 'check' ? CheckOptions : LoadOptions,
    JSON.parse(text),
  );
  const answer = Value.Check(CheckOptions, input)
    ? { missing: await missingTickets(input) }
    : await runLoad(Value.Parse(LoadOptions, input), {
        signal: stop.signal,
        tick: (tick) => process.stderr.write(`${JSON.stringify(tick)}\n`),
      });
  process.stdout.write(`${JSON.stringify(answer)}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
lines.close();
process.stdin.destroy();
