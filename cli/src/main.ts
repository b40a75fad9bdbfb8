import { enableCompileCache } from 'node:module';
import { EXIT, interrupted } from './errors.ts';

// Compiled code (and stripped types) are kept between runs: a start costs half as much.
enableCompileCache();

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // Asked twice: no more waiting for requests under way.
    if (abort.signal.aborted) process.exit(EXIT.interrupted);
    abort.abort(interrupted());
  });
}
// `psactl user list | head -1`: the reader has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const { run } = await import('./runner.ts');
const code = await run(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  signal: abort.signal,
});
// Output to a pipe may still be on its way, and idle connections would keep the process for seconds.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
