import type { LabControl, LabStatus } from '@psa/lab/control';
import { type Command, define, type Option } from '../../command.ts';
import { usage } from '../../errors.ts';
import { LAB_DIR, type LabOptions, labDir, renderLab, withLab } from './lab.ts';

interface Fault<Options> {
  readonly summary: string;
  readonly description?: string;
  readonly args?: Command<Options, object, null, LabStatus>['args'];
  readonly options?: readonly Option[];
  readonly examples: readonly { readonly run: string; readonly note: string }[];
  /** What cannot be done when it fails. */
  what(args: readonly string[]): string;
  act(lab: LabControl, args: readonly string[], options: Options): Promise<LabStatus>;
}

const NODE = [{ name: 'node', description: 'pve1, pve2 or pve3' }] as const;

/** A command that does one thing to the lab and shows how it is afterwards. */
const fault = <Options extends LabOptions>(spec: Fault<Options>) =>
  define<Options, { lab: string; action: string }, { dir: string; args: readonly string[] }, LabStatus>({
    summary: spec.summary,
    ...(spec.description === undefined ? {} : { description: spec.description }),
    args: spec.args ?? NODE,
    options: [LAB_DIR, ...(spec.options ?? [])],
    examples: spec.examples,
    async plan({ options, args, io }) {
      const dir = await labDir(options, io);
      const status = await withLab(spec.what(args), ({ labControl }) => labControl(dir).status());
      const known = status.nodes.map((one) => one.name);
      if (args[0] !== undefined && !known.includes(args[0])) {
        throw usage(
          `Unable to ${spec.what(args)}: the lab has no such node.`,
          `Its nodes are: ${known.join(', ')}.`,
        );
      }
      return { data: { lab: status.name, action: spec.what(args) }, carry: { dir, args } };
    },
    renderPlan: ({ lab, action }) => `Would ${action} of the lab ${lab}.\n`,
    apply: ({ carry: { dir, args } }, { options }) =>
      withLab(spec.what(args), ({ labControl }) => spec.act(labControl(dir), args, options)),
    render: renderLab,
  });

export const labKillNode = fault({
  summary: 'Takes the power from a node',
  description: 'Everything on it is gone at once. The HA manager notices as a real one does.',
  examples: [{ run: 'psactl lab kill-node pve2', note: 'no shutdown, no goodbye' }],
  what: ([node]) => `take the power from ${node}`,
  act: (lab, [node]) => lab.killNode(node!),
});

export const labStartNode = fault({
  summary: 'Switches a node on again',
  examples: [{ run: 'psactl lab start-node pve2', note: 'its containers start by themselves' }],
  what: ([node]) => `switch on ${node}`,
  act: (lab, [node]) => lab.startNode(node!),
});

export const labPartition = fault({
  summary: 'Cuts a node off from the others and from the router',
  description:
    'Its containers go on, alone, until the HA manager fences it: about two minutes, times the factor of time of the lab. ' +
    'A fenced node is off, and boots by itself.',
  examples: [{ run: 'psactl lab partition pve3', note: 'the minority stops, then it is fenced' }],
  what: ([node]) => `cut off ${node}`,
  act: (lab, [node]) => lab.partition(node!),
});

export const labHeal = fault({
  summary: 'Puts the cables back in',
  description: 'A node that was fenced meanwhile is still booting: see "psactl lab status".',
  args: [{ name: 'node', description: 'one node; all when absent', required: false }],
  examples: [{ run: 'psactl lab heal', note: 'every node sees every other one again' }],
  what: ([node]) => `heal ${node ?? 'the network'}`,
  act: (lab, [node]) => lab.heal(node),
});

interface FillOptions extends LabOptions {
  readonly storage: string;
  readonly share: number;
}

export const labFillDisk = fault<FillOptions>({
  summary: "Fills a node's storage",
  options: [
    { flags: '--storage <name>', description: 'which one', default: 'local' },
    {
      flags: '--share <percent>',
      description: 'how full it shall be, from 0 (empties it again) to 100',
      default: 98,
      parse: (text) => {
        const value = Number(text);
        if (!(value >= 0 && value <= 100)) throw new Error('Give percent, from 0 to 100.');
        return value;
      },
    },
  ],
  examples: [
    { run: 'psactl lab fill-disk pve1 --storage local --share 95', note: 'nearly full' },
    { run: 'psactl lab fill-disk pve1 --storage local --share 0', note: 'takes the filling away' },
  ],
  what: ([node]) => `fill a storage of ${node}`,
  act: (lab, [node], { storage, share }) => lab.fillDisk(node!, storage, share / 100),
});
