import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { signingKeyFile } from '@psa/appliance/signing/key-file';
import { ANOTHER_DAEMON } from './control.ts';
import { takeLab } from './daemon/single.ts';
import { removeLab, runLab } from './labd.ts';
import { type LabSettings, readSettings, settle } from './settings.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { dir: { type: 'string' }, settings: { type: 'string' }, schema: { type: 'string' } },
});
const dir = resolve(values.dir ?? (process.env.PSA_LAB_DIR || '/var/lib/psa-lab'));
/** The schema of the API, which is not part of this repository. */
const SCHEMA = resolve(import.meta.dirname, '../../../shared/pve/apidoc.json');
const say = (line: string) => console.log(line);

try {
  if (positionals[0] === 'remove') await remove();
  else await run();
} catch (error) {
  console.error((error as Error).message);
  if (process.env.PSA_LAB_TRACE) console.error(error);
  process.exit(1);
}

async function run(): Promise<void> {
  const settings = settle(dir, JSON.parse(values.settings ?? '{}') as Partial<LabSettings>);
  if (!takeLab(dir)) {
    console.error(`A daemon for the lab in ${dir} runs already, or is just starting.`);
    process.exit(ANOTHER_DAEMON);
  }
  const pidFile = join(dir, 'run', 'labd.pid');
  const schema = values.schema ?? (process.env.PSA_PVE_SCHEMA || SCHEMA);
  const onStop = () => {
    rmSync(pidFile, { force: true });
    process.exit(0);
  };
  const lab = await runLab(dir, settings, {
    ...{ schema: existsSync(schema) ? schema : null, signingKey: signingKeyFile(process.env), say, onStop },
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => void lab.close().then(() => process.exit(0)));
  say(`lab "${settings.name}" is up: times of Proxmox VE × ${settings.timeFactor}`);
}

async function remove(): Promise<void> {
  const settings = readSettings(dir);
  if (!settings && !isBare(dir))
    throw new Error(`Unable to remove ${dir}: it is no lab's folder (there is no lab.json in it).`);
  if (settings && existsSync(join(dir, 'appliance.yaml'))) await removeLab(dir, settings, say);
  rmSync(dir, { recursive: true, force: true });
  say(`removed ${dir}`);
}

/** Whether a folder holds no more than what a lab makes before its settings are written. */
function isBare(folder: string): boolean {
  return !existsSync(folder) || readdirSync(folder).every((name) => name === 'log' || name === 'run');
}
