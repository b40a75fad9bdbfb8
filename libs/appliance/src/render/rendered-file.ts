/** A file that follows from the inventory; its path is relative to the folder of its renderer. */
export interface RenderedFile {
  readonly path: string;
  readonly text: string;
}

/** The first line of every rendered file. */
export const RENDERED = 'Rendered from appliance.yaml by psactl; what is changed here is lost.';
