import type { Sum } from '../sealed.ts';
import { copyName, parseCopyName } from './copy-name.ts';
import type { Rclone } from './rclone.ts';

/**
 * Stands beside a copy on a remote, in clear, and is written last: what is there, what it must read like, and whose. It
 * tells who reads the remote which parts of which site were saved when, and how long they are; nothing of what they hold.
 */
export interface Receipt {
  /** Version of this form. */
  readonly receipt: 1;
  /** Of the backup: `database-20261130T020000Z-3f9a2c` */
  readonly id: string;
  readonly attempt: string;
  /** When the backup was begun; ISO 8601. */
  readonly at: string;
  /** As the manifest of the backup has it. */
  readonly after?: readonly string[];
  readonly site: string;
  readonly tier: string | null;
  /** Of the encrypted content, and of the encrypted manifest. */
  readonly content: Sum;
  readonly manifest: Sum;
  /** Who can open it: `age1…` */
  readonly recipients: readonly string[];
  /** When it had been read back from the remote to its last byte. */
  readonly verified_at: string;
}

/** `good`: both parts are there and as long as the receipt says. `damaged`: they are not. `partial`: it has no receipt. */
export type CopyState = 'good' | 'damaged' | 'partial';

/** A copy on a remote. */
export interface RemoteCopy {
  readonly id: string;
  readonly attempt: string;
  readonly state: CopyState;
  /** Bytes that it takes there. */
  readonly bytes: number;
  /** When its newest part was written; ISO 8601. */
  readonly changed_at: string;
  readonly receipt: Receipt | null;
}

const isReceipt = (one: Partial<Receipt>): one is Receipt =>
  one.receipt === 1 &&
  typeof one.id === 'string' &&
  typeof one.attempt === 'string' &&
  typeof one.at === 'string' &&
  typeof one.site === 'string' &&
  typeof one.content?.sha256 === 'string' &&
  typeof one.manifest?.sha256 === 'string' &&
  Array.isArray(one.recipients);

/** The text of a receipt: one line, so that many are read in one go. */
export const receiptText = (receipt: Receipt): string => `${JSON.stringify(receipt)}\n`;

/**
 * The copies on a remote, the newest first, from their names, lengths and receipts; their content is not read.
 * A receipt that does not fit its name says nothing.
 */
export async function readRemote(remote: Rclone): Promise<readonly RemoteCopy[]> {
  const objects = await remote.list();
  const receipts = new Map<string, Receipt>();
  if (objects.some(({ name }) => parseCopyName(name)?.part === 'receipt')) {
    for (const line of (await remote.contents('.receipt.json')).split('\n')) {
      const read = parse(line);
      if (read) receipts.set(copyName(read.id, read.attempt, 'receipt'), read);
    }
  }
  const named = objects.flatMap((one) => {
    const name = parseCopyName(one.name);
    return name ? [{ ...one, ...name }] : [];
  });
  const copies = [...Map.groupBy(named, ({ id, attempt }) => `${id}.${attempt}`).values()].map((parts) => {
    const { id, attempt } = parts[0]!;
    const has = (part: string, bytes?: number) =>
      parts.some((one) => one.part === part && (bytes === undefined || one.bytes === bytes));
    const receipt = receipts.get(copyName(id, attempt, 'receipt')) ?? null;
    const isWhole =
      receipt !== null && has('content', receipt.content.bytes) && has('manifest', receipt.manifest.bytes);
    return {
      ...{ id, attempt, receipt },
      state: (isWhole ? 'good' : has('receipt') ? 'damaged' : 'partial') as CopyState,
      bytes: parts.reduce((sum, one) => sum + one.bytes, 0),
      changed_at: parts
        .map(({ changed_at }) => changed_at)
        .toSorted()
        .at(-1)!,
    };
  });
  const key = ({ id }: RemoteCopy) => id.replace(/^.*-(\d{8}T\d{6}Z-[0-9a-f]{6})$/, '$1 $&');
  return copies.toSorted((a, b) => (key(a) < key(b) ? 1 : key(a) > key(b) ? -1 : 0));
}

function parse(line: string): Receipt | null {
  try {
    const read = JSON.parse(line) as Partial<Receipt>;
    return isReceipt(read) ? read : null;
  } catch {
    return null;
  }
}
