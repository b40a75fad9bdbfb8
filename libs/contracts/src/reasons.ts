/**
 * Why the state of things does not allow something (409 RESOURCE_CONFLICT). The portals have a sentence for each in
 * German and English (`portals/app/src/i18n/reason-messages.ts`), so a reason without one does not compile there.
 */
export const REASONS = [
  'in_use',
  'is_default',
  'too_many_tickets',
  'last_administrator',
  'administrators_keep_all',
  'only_invited',
  'not_invited_yet',
  'no_password_yet',
  'password_changed_meanwhile',
  'most_api_keys',
  'platform_role',
  'role_in_use',
  'set_up_already',
  'import_under_way',
] as const;
export type Reason = (typeof REASONS)[number];
