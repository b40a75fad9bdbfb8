/** The columns of a ServiceNow incident event log, in the order of the export. */
export const COLUMNS = [
  'number',
  'incident_state',
  'active',
  'reassignment_count',
  'reopen_count',
  'sys_mod_count',
  'made_sla',
  'caller_id',
  'opened_by',
  'opened_at',
  'sys_created_by',
  'sys_created_at',
  'sys_updated_by',
  'sys_updated_at',
  'contact_type',
  'location',
  'category',
  'subcategory',
  'u_symptom',
  'cmdb_ci',
  'impact',
  'urgency',
  'priority',
  'assignment_group',
  'assigned_to',
  'knowledge',
  'u_priority_confirmation',
  'notify',
  'problem_id',
  'rfc',
  'vendor',
  'caused_by',
  'closed_code',
  'resolved_by',
  'resolved_at',
  'closed_at',
] as const;
export type Fields = Partial<Record<(typeof COLUMNS)[number], string>>;

const USUAL: Required<Fields> = {
  ...(Object.fromEntries(COLUMNS.map((column) => [column, '?'])) as Required<Fields>),
  number: 'INC0000001',
  incident_state: 'New',
  active: 'TRUE',
  reassignment_count: '0',
  reopen_count: '0',
  sys_mod_count: '0',
  made_sla: 'TRUE',
  caller_id: 'Caller 7',
  opened_at: '29-02-2016 01:16',
  sys_updated_by: 'Updated by 21',
  sys_updated_at: '29-02-2016 01:23',
  contact_type: 'Phone',
  location: 'Location 143',
  category: 'Category 55',
  subcategory: 'Subcategory 170',
  u_symptom: 'Symptom 72',
  impact: '2 - Medium',
  urgency: '2 - Medium',
  priority: '3 - Moderate',
  assignment_group: 'Group 56',
};

/** The values of a row that differs from an ordinary one in these fields. */
export const values = (fields: Fields = {}): string[] =>
  COLUMNS.map((column) => ({ ...USUAL, ...fields })[column]);

/** A log file with these rows. */
export const logFile = (rows: readonly Fields[], newline = '\n'): string =>
  [COLUMNS, ...rows.map(values)].map((row) => row.join(',') + newline).join('');

const pad = (n: number, width = 2) => String(n).padStart(width, '0');

/**
 * A log of so many incidents, the same for the same number: four to eleven rows each, every state, one in ten
 * still open, unknown people, doubled spaces, a change of place now and then.
 */
export function generatedLog(incidents: number): Fields[] {
  let seed = 1;
  const chance = (n: number) => {
    // A linear congruential generator (Numerical Recipes): any spread will do, as long as it repeats.
    seed = (seed * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return Math.floor((seed / 4_294_967_296) * n);
  };
  const states = [
    'Active',
    'Awaiting User Info',
    'Awaiting Problem',
    'Awaiting Vendor',
    'Resolved',
    'Active',
  ];
  const rows: Fields[] = [];
  for (let i = 0; i < incidents; i++) {
    const length = 4 + chance(8);
    const day = 1 + chance(28);
    const opened = `${pad(day)}-03-2016 07:${pad(chance(60))}`;
    const [place, caller] = [chance(20), chance(60)];
    const open = i % 10 === 7;
    for (let at = 0; at < length; at++) {
      const last = at === length - 1;
      rows.push({
        number: `INC${pad(i + 1, 7)}`,
        incident_state:
          at === 0 || (open && length === 4)
            ? 'New'
            : last && !open
              ? 'Closed'
              : at === length - 2 && !open
                ? 'Resolved'
                : states[chance(6)]!,
        sys_mod_count: String(at),
        made_sla: last && chance(4) === 0 ? 'FALSE' : 'TRUE',
        caller_id: caller === 0 ? '?' : `Caller ${caller}`,
        opened_by: `Opened by  ${chance(9)}`,
        opened_at: opened,
        sys_updated_by: `Updated by ${chance(30)}`,
        sys_updated_at: `${pad(day)}-03-2016 ${pad(8 + at)}:${pad(chance(60))}`,
        location: place === 0 ? '?' : `Location ${at > 3 && place === 1 ? 2 : place}`,
        category: `Category ${chance(9)}`,
        priority: ['1 - Critical', '2 - High', '3 - Moderate', '4 - Low'][chance(4)]!,
        assignment_group: chance(6) === 0 ? '?' : `Group ${chance(12)}`,
        assigned_to: chance(3) === 0 ? '?' : `Resolver ${chance(25)}`,
        resolved_by: `Resolved by ${chance(25)}`,
        closed_code: `code ${chance(9)}`,
      });
    }
  }
  return rows;
}
