export const CUSTOMER_TONE = { active: 'ok', prospect: 'info', inactive: 'neutral' } as const;
