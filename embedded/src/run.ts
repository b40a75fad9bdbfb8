import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { createLogger, type Logger } from '@psa/service-kit/log';
import { DEMO_LOGINS } from './demo/people.ts';
import { holdHalfMade, seedDemo } from './demo/seed.ts';
import { openLogFile } from './log-file.ts';
import { buildPlatform, type Platform } from './platform.ts';
import type { Settings } from './settings.ts';
import { setupToken } from './setup-link.ts';
import { loadState, type State, saveState } from './state.ts';

/** The platform, listening. */
export interface RunningEmbedded {
  readonly platform: Platform;
  readonly log: Logger;
  /** Lines to show a person once it is ready. */
  readonly greeting: readonly string[];
  stop(why: string): Promise<void>;
}

/** @throws the error of listening when the port cannot be had; asked before the long part of the start */
async function checkPort({ HOST, PORT }: Settings): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(PORT, HOST, () => probe.close(() => resolve()));
  });
}

/** Starts everything on the data of the settings, with demo data or a link for the first admin. */
export async function runEmbedded(options: {
  settings: Settings;
  version: string;
  say: (line: string) => void;
  /** Given as soon as there is something to stop, before the start is done. */
  onBuilt?: (stop: RunningEmbedded['stop']) => void;
  /** Told when the data folder was moved away or removed while it runs: nothing is left to work on. */
  onLost?: () => void;
}): Promise<RunningEmbedded> {
  const { settings, version, say } = options;
  await checkPort(settings);
  await mkdir(settings.PSA_DATA_DIR, { recursive: true });
  const state = await loadState(settings.PSA_DATA_DIR, {
    mode: settings.PSA_DEMO === '0' ? 'empty' : 'demo',
  });
  const logFile = settings.PSA_LOG === 'file' ? openLogFile(settings.PSA_DATA_DIR) : null;
  const log = createLogger({ service: 'embedded', level: settings.LOG_LEVEL, destination: logFile?.stream });
  let platform: Platform;
  try {
    platform = await buildPlatform({ settings, state, version, logFile });
  } catch (error) {
    logFile?.close();
    throw error;
  }
  let stopped: Promise<void> | null = null;
  const stop = (why: string) => {
    stopped ??= (async () => {
      log.info({ why }, 'stopping');
      await platform.stop();
      log.info('stopped');
      logFile?.close();
    })();
    return stopped;
  };
  platform.postgres.onLost(() => {
    log.error('the data folder was moved away or removed');
    options.onLost?.();
  });
  options.onBuilt?.(stop);
  try {
    if (wantsDemo(settings, state)) holdHalfMade(platform, state);
    await platform.start();
    const greeting = await welcome(platform, settings, state, say);
    await platform.gateway.listen({ host: settings.HOST, port: settings.PORT });
    return { platform, log, greeting, stop };
  } catch (error) {
    if (stopped === null) log.error({ err: error }, 'could not start');
    await stop('could not start');
    throw error;
  }
}

/** Demo people among somebody's real data only when asked for in so many words. */
const wantsDemo = (settings: Settings, state: State) =>
  settings.PSA_DEMO === '1' || (settings.PSA_DEMO === undefined && state.mode === 'demo');

/** Puts in the demo data that are asked for and missing, and says how to get in. */
async function welcome(
  platform: Platform,
  settings: Settings,
  state: State,
  say: (line: string) => void,
): Promise<string[]> {
  const url = settings.PUBLIC_URL;
  const links = [
    '',
    `  Technicians   ${url}/`,
    `  Customers     ${url}/portal/`,
    `  API           ${url}/api/docs`,
    '',
  ];
  const mail =
    settings.SMTP_URL === '' ? [`  Mail: none is sent; ${settings.PSA_DATA_DIR}/logs/psa.log has it`] : [];
  const end = ['', `  Data: ${settings.PSA_DATA_DIR}   Stop: Ctrl-C`, ...mail, ''];
  if (wantsDemo(settings, state)) {
    const save = (next: State) => saveState(settings.PSA_DATA_DIR, next);
    const password = await seedDemo({ platform, state, wanted: settings.PSA_DEMO_PASSWORD, save, say });
    const logins = DEMO_LOGINS.map(({ email, what }) => `    ${email.padEnd(28)}${what}`);
    return [...links, `  Demo logins, password ${password}`, ...logins, ...end];
  }
  const token = await setupToken(platform);
  if (token === null) return [...links, ...end.slice(1)];
  return [
    ...links,
    '  There is nobody here yet. This link makes the first administrator; it works once:',
    `    ${url}/setup?token=${encodeURIComponent(token)}`,
    ...end,
  ];
}
