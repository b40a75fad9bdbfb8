/**
 * Endings of files that Windows runs by their name, whatever is in them. `com` is not among them: exports are named after
 * a customer's domain; the service looks whether there is text in them.
 */
const RUN_BY_NAME =
  /\.(exe|dll|scr|pif|cpl|msi|msp|mst|hta|lnk|vb|vbs|vbe|wsf|wsh|jse|jar|bat|cmd|reg|url|scf|appx|msix|application|gadget)$/i;

/** True for names of programs and scripts, which are not taken as attachments. */
export function isProgramName(fileName: string): boolean {
  // A trailing dot or blank is dropped by Windows: "a.exe. " runs.
  return RUN_BY_NAME.test(fileName.replace(/[\s.]+$/, ''));
}

/** What a browser shows without running anything of it; the service says so by the content, never by the name. */
const PICTURES: ReadonlySet<string> = new Set([
  'image/png',
  'image/apng',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/bmp',
]);

/** How an attachment of this media type can be shown in place; null: it is only saved. SVG runs scripts, so it is. */
export function shownAs(contentType: string): 'picture' | 'pdf' | null {
  if (contentType === 'application/pdf') return 'pdf';
  return PICTURES.has(contentType) ? 'picture' : null;
}
