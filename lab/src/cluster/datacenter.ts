import type { ClusterFiles } from './cluster-files.ts';

/** Options of the whole cluster, as they were given. */
export type DatacenterOptions = Readonly<Record<string, string>>;

const FILE = 'datacenter.json';

export const readDatacenter = (files: ClusterFiles): DatacenterOptions =>
  files.readJson<DatacenterOptions>(FILE, {});

export function updateDatacenter(
  files: ClusterFiles,
  change: (options: Record<string, string>) => void,
): void {
  const options = { ...readDatacenter(files) };
  change(options);
  files.writeJson(FILE, options);
}

/** The parts of an option such as `lower=7000,upper=7100`. */
export function partsOf(text: string | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    (text ?? '')
      .split(',')
      .filter((part) => part !== '')
      .map((part) => {
        const at = part.indexOf('=');
        return [part.slice(0, at), part.slice(at + 1)];
      }),
  );
}
