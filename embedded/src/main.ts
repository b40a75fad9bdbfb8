import { readFileSync } from 'node:fs';
import { ConfigError } from '@psa/service-kit/config';
import { explain } from './explain.ts';
import { runEmbedded } from './run.ts';
import { readSettings, type Settings } from './settings.ts';

/** Longest time between Ctrl-C and the end; what is not done by then is cut off (nothing acknowledged is lost). */
const STOP_WITHIN_MS = 4_700;

// A terminal or a pipe that has gone is no reason to stop working.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
const say = (text = '') => console.log(text);

function settingsOrExit(): Settings {
  try {
    return readSettings(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`Unable to start PSA-Platform.\n${error.message}`);
    process.exit(2);
  }
}

const settings = settingsOrExit();
const version: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version;

let stopPlatform: ((why: string) => Promise<void>) | null = null;
let stopping = false;

async function stop(why: string, code = 0): Promise<void> {
  // A second Ctrl-C changes nothing: the terminal and npm both pass the first one on.
  if (stopping) return;
  stopping = true;
  const began = performance.now();
  setTimeout(() => {
    console.error('Stopping took too long; the rest is cut off. The data are safe.');
    process.exit(1);
  }, STOP_WITHIN_MS).unref();
  if (why === 'SIGINT') say();
  say('Stopping …');
  await stopPlatform?.(why);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  if (stopPlatform && code === 0)
    say(`Stopped after ${seconds} s. The data stay in ${settings.PSA_DATA_DIR}.`);
  process.exit(code);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(signal));
// The launcher was killed; nobody is left to press Ctrl-C.
process.on('disconnect', () => void stop('launcher gone'));

try {
  const began = performance.now();
  say(`PSA-Platform ${version} is starting …`);
  const { greeting, log } = await runEmbedded({
    settings,
    version,
    say,
    onBuilt: (stop) => {
      stopPlatform = stop;
    },
    onLost: () => {
      console.error(
        `${settings.PSA_DATA_DIR} was moved away or removed while PSA-Platform ran; it ends, and leaves alone what stands there now.`,
      );
      void stop('data folder gone', 1);
    },
  });
  if (!stopping) {
    say(`PSA-Platform ready on ${settings.PUBLIC_URL}`);
    for (const line of greeting) say(line);
    process.send?.('ready');
    log.info({ seconds: Math.round((performance.now() - began) / 100) / 10 }, 'ready');
  }
} catch (error) {
  // Whoever stops it midway makes it fail; that needs no words.
  if (!stopping) {
    console.error(`Unable to start PSA-Platform.\n${explain(error, settings)}`);
    process.exit(1);
  }
}
