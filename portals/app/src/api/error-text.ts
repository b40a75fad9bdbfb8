import type { Formats } from '@psa/ui/i18n/format';
import type { Translate } from '@psa/ui/i18n/i18n';
import type { uiMessages } from '@psa/ui/i18n/ui-messages';
import { ApiError } from './error.ts';
import { type LimitName, limitOf } from './limit.ts';

type UiTranslate = Translate<(typeof uiMessages)['de']>;

/** What went wrong, in the reader's language, from any thrown value; waits are told as they are at `now` (ms). */
export function describeError(
  error: unknown,
  t: UiTranslate,
  formats: Formats,
  now: number = Date.now(),
): string {
  if (!(error instanceof ApiError)) return t('error.unknown');
  const wait = formatWait(error.retryAt === null ? 60 : Math.ceil((error.retryAt - now) / 1000), formats);
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
    case 'RESOURCE_ALREADY_EXISTS':
      // Which field it is, is said there.
      return t(error.details.length > 0 ? 'error.validation' : 'error.exists');
    case 'RESOURCE_CONFLICT': {
      const users = usersOf(error);
      if (users.length > 0) return t('error.in_use', { by: users.join(', ') });
      return error.reasonText?.() ?? t('error.state');
    }
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
      return `${limitText(limitOf(error), t)} ${t('limit.ends', { wait })}`;
    case 502:
    case 503:
    case 504:
      return error.retryAt === null ? t('error.unavailable') : t('error.unavailable_until', { wait });
    default:
      return t('error.unknown');
  }
}

/** The names of what still needs a setting that was to be deleted: tickets as `#12`, policies, customers, rules, people. */
function usersOf(error: ApiError): string[] {
  return error.details.flatMap(({ code, values }) =>
    code === 'in_use' && values?.by !== undefined ? [String(values.by)] : [],
  );
}

/** That a limit was met, and which. */
export function limitText(limit: LimitName | null, t: UiTranslate): string {
  return limit ? t('limit.met_by', { limit: t(`limit.name.${limit}`) }) : t('limit.met');
}

/** Seconds to wait as people say it: "40 Sek.", "15 Min.". */
export function formatWait(seconds: number, formats: Formats): string {
  if (seconds >= 60) return formats.duration(Math.ceil(seconds / 60) * 60_000);
  return formats.number(Math.max(1, seconds), { style: 'unit', unit: 'second', unitDisplay: 'short' });
}
