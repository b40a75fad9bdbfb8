import type { NewTicket, Priority } from '@psa/app/api/types';
import { MAX_TEXT, MAX_TITLE } from '../limits.ts';

/** What is typed into the form. */
export interface TicketDraft {
  title: string;
  description: string;
  priority: Priority;
  /** '' when left open. */
  category: string;
}

export const EMPTY_DRAFT: TicketDraft = { title: '', description: '', priority: 'medium', category: '' };

export interface DraftProblems {
  title?: 'subject_short' | 'subject_long';
  description?: 'description_missing' | 'description_long';
}

/** One line without control characters, which pasted texts bring along and the server refuses. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
export const oneLine = (text: string) => text.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
/** Several lines without NUL, which no database takes. */
export const manyLines = (text: string) => text.replaceAll('\u0000', '').trim();

/** What must be mended before the ticket can be sent; null when nothing. Lengths count as the server counts. */
export function draftProblems(draft: TicketDraft): DraftProblems | null {
  const problems: DraftProblems = {};
  const title = [...oneLine(draft.title)].length;
  const description = [...manyLines(draft.description)].length;
  if (title < 3) problems.title = 'subject_short';
  else if (title > MAX_TITLE) problems.title = 'subject_long';
  if (description === 0) problems.description = 'description_missing';
  else if (description > MAX_TEXT) problems.description = 'description_long';
  return problems.title || problems.description ? problems : null;
}

export function toRequest(draft: TicketDraft): NewTicket {
  return {
    title: oneLine(draft.title),
    description: manyLines(draft.description),
    priority: draft.priority,
    ...(draft.category ? { category: draft.category } : {}),
  };
}
