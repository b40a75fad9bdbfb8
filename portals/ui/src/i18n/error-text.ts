import { ApiError } from '../api-error.ts';
import type { Formats } from './format.ts';
import type { Translate } from './i18n.ts';
import type { uiMessages } from './ui-messages.ts';

type UiTranslate = Translate<(typeof uiMessages)['de']>;

/** What went wrong, in the reader's language, from any thrown value. */
export function describeError(error: unknown, t: UiTranslate, formats: Formats): string {
  if (!(error instanceof ApiError)) return t('error.unknown');
  switch (error.code) {
    case 'NETWORK_ERROR':
      return t('error.network');
    case 'TIMEOUT':
    case 'EXTERNAL_SERVICE_TIMEOUT':
      return t('error.timeout');
    case 'TRANSITION_FORBIDDEN':
      return t('error.transition');
    case 'VALIDATION_ERROR':
    case 'INVALID_INPUT':
      return t('error.validation');
  }
  switch (error.status) {
    case 401:
      return t('error.signed_out');
    case 403:
      return t('error.forbidden');
    case 404:
      return t('error.not_found');
    case 409:
    case 412:
      return t('error.conflict');
    case 413:
      return t('error.too_large');
    case 415:
      return t('error.unsupported_type');
    case 429:
      return t('error.rate_limited', { wait: formatWait(error.retryAfter ?? 60, formats) });
    case 502:
    case 503:
    case 504:
      return t('error.unavailable');
    default:
      return t('error.unknown');
  }
}

/** Seconds to wait as people say it: "40 Sek.", "15 Min.". */
export function formatWait(seconds: number, formats: Formats): string {
  if (seconds >= 60) return formats.duration(Math.ceil(seconds / 60) * 60_000);
  return formats.number(Math.max(1, seconds), { style: 'unit', unit: 'second', unitDisplay: 'short' });
}
