/** What psactl writes into the description of each container that it makes. */
export interface Marker {
  readonly appliance: string;
  readonly site: string;
  readonly container: string;
  readonly id: number;
  readonly group: string;
  /** `<name>-<version>` that it was made from. */
  readonly template: string;
}

const LINE = /^psactl: appliance=(\S+) site=(\S+) container=(\S+) id=(\d+) group=(\S+) template=(\S+)$/m;

/** The marker as one line. It names the id, so that a clone of a container is not taken for the container. */
export function printMarker(marker: Marker): string {
  const { appliance, site, container, id, group, template } = marker;
  return `psactl: appliance=${appliance} site=${site} container=${container} id=${id} group=${group} template=${template}`;
}

/** The marker in a description; null when there is none. */
export function parseMarker(description: string): Marker | null {
  const match = LINE.exec(description.replaceAll('\r', ''));
  if (!match) return null;
  const [, appliance, site, container, id, group, template] = match as unknown as string[];
  return {
    appliance: appliance!,
    site: site!,
    container: container!,
    id: Number(id),
    group: group!,
    template: template!,
  };
}

/** A description with the marker in it; what people wrote beside it stays. */
export function withMarker(description: string, marker: Marker): string {
  const line = printMarker(marker);
  const text = description.replaceAll('\r', '').trimEnd();
  if (LINE.test(text)) return text.replace(LINE, line);
  return text === '' ? line : `${line}\n\n${text}`;
}
