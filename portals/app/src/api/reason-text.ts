import { REASONS, type Reason } from '@psa/contracts/reasons';
import { reasonMessages } from '../i18n/reason-messages.ts';

const isReason = (text: string): text is Reason => (REASONS as readonly string[]).includes(text);

/** Says a reason in the language of the moment; null for one of a newer release. */
export const reasonTeller = (reason: string): (() => string) | null =>
  isReason(reason) ? () => reasonMessages.t(reason) : null;
