import type { Formats } from '@psa/ui/i18n/format';
import type { Translate } from '@psa/ui/i18n/i18n';
import type { uiMessages } from '@psa/ui/i18n/ui-messages';
import { ApiError } from './error.ts';

type UiTranslate = Translate<(typeof uiMessages)['de']>;

/** The limits of the gateway, as its refusal names them. */
const LIMITS = ['anonymous', 'api', 'reading'] as const;

/** What went wrong, in the reader's language, from any thrown value; waits are told as they are at `now` (ms). */
export function describeError(
  error: unknown,
  t: UiTranslate,
  formats: Formats,
  now: number = Date.now(),
): string {
  if (!(error instanceof ApiError)) return t('error.unknown');
  const wait = formatWait(error.retryAt === null ? 60 : Math.ceil((error.retryAt - now) / 1000), formats);
  const limit = LIMITS.find((name) => error.details[0]?.field === name);
  switch (error.code) {
    case 'NETWORK_ERROR':
      return t('error.network');
    case 'TIMEOUT':
    case 'EXTERNAL_SERVICE_TIMEOUT':
      return t('error.timeout');
    case 'STORAGE_FULL':
      return t('error.storage_full');
    case 'TRANSITION_FORBIDDEN':
      return t('error.transition');
    case 'QUOTA_EXCEEDED':
      return error.details.some((detail) => detail.field === 'quota.tenant')
        ? t('error.quota_tenant')
        : t('error.quota_customer');
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
      return limit
        ? t('error.rate_limited_by', { wait, limit: t(`limit.name.${limit}`) })
        : t('error.rate_limited', { wait });
    case 502:
    case 503:
    case 504:
      return error.retryAt === null ? t('error.unavailable') : t('error.unavailable_until', { wait });
    default:
      return t('error.unknown');
  }
}

/** Seconds to wait as people say it: "40 Sek.", "15 Min.". */
export function formatWait(seconds: number, formats: Formats): string {
  if (seconds >= 60) return formats.duration(Math.ceil(seconds / 60) * 60_000);
  return formats.number(Math.max(1, seconds), { style: 'unit', unit: 'second', unitDisplay: 'short' });
}
