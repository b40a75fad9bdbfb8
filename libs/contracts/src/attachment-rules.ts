/** Largest attachment. Here and not beside its schema, so that a browser loads the rule without the schemas. */
export const MAX_ATTACHMENT_BYTES = 25 * 1024 * 1024;

/** Endings of files that Windows runs by their name, whatever is in them. */
const RUN_BY_NAME =
  /\.(exe|dll|com|scr|pif|cpl|msi|msp|mst|hta|lnk|vb|vbs|vbe|wsf|wsh|jse|jar|bat|cmd|reg|url|scf|appx|msix|application|gadget)$/i;

/** True for names of programs and scripts, which are not taken as attachments. */
export function isProgramName(fileName: string): boolean {
  // A trailing dot or blank is dropped by Windows: "a.exe. " runs.
  return RUN_BY_NAME.test(fileName.replace(/[\s.]+$/, ''));
}
