import type { LabStatus } from '@psa/lab/control';
import type { Io } from '../../command.ts';
import { CliError } from '../../errors.ts';
import { table } from '../../text.ts';

export interface LabOptions {
  readonly dir?: string;
}

/** Every command of the lab takes it. */
export const LAB_DIR = {
  flags: '--dir <folder>',
  description: "the lab's folder (else PSA_LAB_DIR, else /var/lib/psa-lab)",
} as const;

/** Where the lab stands. */
export async function labDir(options: LabOptions, io: Io): Promise<string> {
  const { resolve } = await import('node:path');
  const { labFolder } = await import('../../site/site.ts');
  return resolve(io.cwd, options.dir ?? labFolder(io.env));
}

/** The client of the lab's daemon; what goes wrong with it is said in psactl's way. */
export async function withLab<T>(
  what: string,
  work: (lab: typeof import('@psa/lab/control')) => Promise<T>,
): Promise<T> {
  const lab = await import('@psa/lab/control');
  try {
    return await work(lab);
  } catch (error) {
    if (!(error instanceof lab.LabError)) throw error;
    throw new CliError(`Unable to ${what}.`, {
      outcome: error.isDown ? 'not_found' : 'failed',
      code: error.isDown ? 'LAB_DOWN' : 'LAB_FAILED',
      why: error.message,
      ...(error.fix === null ? {} : { fix: error.fix }),
      cause: error,
    });
  }
}

/** The lab on one screen. */
export function renderLab(status: LabStatus): string {
  const nodes = status.nodes.map((node) => [
    `  ${node.name}`,
    node.power === 'off' ? 'OFF' : node.partitioned ? 'CUT OFF' : node.quorate ? 'on' : 'NO QUORUM',
    `${node.running} of ${node.containers} run`,
    node.api,
    `ssh ${node.ssh}`,
    Object.entries(node.filled)
      .map(([storage, share]) => `${storage} filled to ${Math.round(share * 100)} %`)
      .join(', '),
  ]);
  const kind = status.runtime === 'lxc' ? 'real containers' : 'no real containers: they are made up';
  return [
    `Lab ${status.name} in ${status.folder} (${kind}, process ${status.pid})\n`,
    `Time: what Proxmox VE does slowly on purpose takes ${status.timeFactor} of its time here\n`,
    table(nodes),
    `Inventory: ${status.inventory}\n`,
    status.portal === null ? '' : `Portal: ${status.portal}\n`,
    ...conformanceLines(status.conformance),
  ].join('');
}

/** Whether what the lab was asked fits the schema of Proxmox VE, and what does not. */
function conformanceLines(report: LabStatus['conformance']): string[] {
  if (report === null) return ['API: requests were not held against the schema, which is not here\n'];
  const { requests, fitting, misfits } = report;
  const wrong = misfits.reduce((sum, { times }) => sum + times, 0);
  return [
    `API: ${requests} requests of ${Object.keys(fitting).length} kinds, ${requests - wrong} of them as the schema of Proxmox VE wants them\n`,
    ...misfits.map(
      ({ request, errors, times }) =>
        `  ${times} × ${request}: ${
          Object.entries(errors)
            .map(([field, message]) => `${field}: ${message}`)
            .join('; ') || 'there is no such route'
        }\n`,
    ),
  ];
}
