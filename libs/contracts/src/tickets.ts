import Type, { type Static } from 'typebox';
import { Closed, Line, listQuery, Nullable, StringEnum, Tag, Text, Timestamp, Uuid } from './common.ts';
import { MOST_IDS } from './limits.ts';
import { TAG_PATTERN } from './tags.ts';

/** BDUF §2.1. */
export const TICKET_STATUSES = [
  'new',
  'assigned',
  'in_progress',
  'waiting_customer',
  'resolved',
  'closed',
] as const;
export const OPEN_STATUSES = ['new', 'assigned', 'in_progress', 'waiting_customer'] as const;
export const PRIORITIES = ['low', 'medium', 'high', 'critical'] as const;
export const TICKET_SOURCES = ['portal', 'technician', 'email', 'phone', 'api', 'import'] as const;
export type TicketStatus = (typeof TICKET_STATUSES)[number];
export type Priority = (typeof PRIORITIES)[number];
export const SLA_STATES = ['none', 'running', 'paused', 'met', 'breached'] as const;
/**
 * What people see of a clock. `ok` and `at_risk` run; `at_risk` from `risk_at` on (`AT_RISK_SHARE` of
 * `libs/domain/src/sla.ts`);
 * `breached` is past the due time, reached (`done_at`) or not; `none`: no such deadline.
 */
export const SLA_PHASES = ['none', 'ok', 'at_risk', 'breached', 'paused', 'met'] as const;
export const SLA_CLOCKS = ['response', 'resolution'] as const;

export const NameRef = Type.Object({ id: Uuid, name: Type.String() });

/** How one of the two clocks of a ticket stands at the time of the answer, in business time of its policy's calendar. */
export const SlaClock = Type.Object({
  phase: StringEnum(SLA_PHASES),
  share_used: Nullable(
    Type.Number({
      description:
        'business time used of the target, pauses not counted: 0 at the start, 1 at the due time, more when overdue; ' +
        'stands still while paused and after the goal; null without a deadline',
    }),
  ),
  risk_at: Nullable(
    Type.String({
      format: 'date-time',
      description: 'from when on the clock is at risk; null while nothing runs',
    }),
  ),
  due_at: Nullable(
    Type.String({
      format: 'date-time',
      description: 'null while paused: it is known when the clock goes on',
    }),
  ),
  done_at: Nullable(Type.String({ format: 'date-time', description: 'when the goal was reached' })),
});
export type SlaClock = Static<typeof SlaClock>;

/** Both clocks, and which of them a list shows. */
export const TicketSla = Type.Object({
  shown: Nullable(
    StringEnum(SLA_CLOCKS, {
      description:
        'the clock to show where there is room for one: the unreached deadline that is due first, overdue ones included; ' +
        'when none runs the paused one, else the last one reached; null without an SLA',
    }),
  ),
  due_at: Nullable(
    Type.String({
      format: 'date-time',
      description:
        'due time of the shown clock while it is unreached and not paused, else null. `sort=sla_due` orders by it: ' +
        'overdue first, null last in both directions',
    }),
  ),
  response: SlaClock,
  resolution: SlaClock,
});
export type TicketSla = Static<typeof TicketSla>;

export const Ticket = Type.Object({
  id: Uuid,
  ticket_number: Type.Integer(),
  title: Type.String(),
  description: Type.String(),
  status: StringEnum(TICKET_STATUSES),
  priority: StringEnum(PRIORITIES),
  category: Nullable(Type.String()),
  tags: Type.Array(Type.String()),
  source: StringEnum(TICKET_SOURCES),
  customer_id: Uuid,
  requester_id: Nullable(Type.String({ format: 'uuid', description: 'portal user who asked' })),
  created_by: Nullable(
    Type.String({
      format: 'uuid',
      description:
        'user who entered it, by name with include=creator; for whom: the requester, or the contact. null: imported',
    }),
  ),
  contact_id: Nullable(Uuid),
  assigned_to: Nullable(Uuid),
  team_id: Nullable(Uuid),
  sla_policy_id: Nullable(Uuid),
  sla: TicketSla,
  sla_response_due: Nullable(Timestamp),
  sla_resolution_due: Nullable(Timestamp),
  sla_response_state: StringEnum(SLA_STATES),
  sla_resolution_state: StringEnum(SLA_STATES),
  sla_breached: Type.Boolean(),
  sla_paused_since: Nullable(Timestamp),
  first_response_at: Nullable(Timestamp),
  resolved_at: Nullable(Timestamp),
  closed_at: Nullable(Timestamp),
  reopen_count: Type.Integer(),
  comment_count: Type.Integer(),
  minutes_spent: Type.Integer(),
  external_id: Nullable(Type.String()),
  version: Type.Integer(),
  created_at: Timestamp,
  updated_at: Timestamp,
  /** With `include`. */
  customer: Type.Optional(Nullable(NameRef)),
  assignee: Type.Optional(Nullable(NameRef)),
  requester: Type.Optional(Nullable(NameRef)),
  contact: Type.Optional(Nullable(NameRef)),
  creator: Type.Optional(Nullable(NameRef)),
  team: Type.Optional(Nullable(NameRef)),
  /** With `search`: the matching fragment, matches between U+E000 and U+E001. */
  highlight: Type.Optional(Type.Object({ title: Type.String(), body: Type.String() })),
  /** What the asker may change the status to from here. */
  allowed_transitions: Type.Optional(Type.Array(StringEnum(TICKET_STATUSES))),
});
export type Ticket = Static<typeof Ticket>;

export const CreateTicketRequest = Closed({
  title: Line(200, 3),
  description: Text(50_000, 1),
  customer_id: Type.Optional(
    Type.String({ format: 'uuid', description: 'portal users may leave it out: it is their own company' }),
  ),
  priority: Type.Optional(StringEnum(PRIORITIES, { default: 'medium' })),
  category: Type.Optional(Nullable(Line(50))),
  tags: Type.Optional(Type.Array(Tag, { maxItems: 30, uniqueItems: true })),
  contact_id: Type.Optional(Nullable(Uuid)),
  team_id: Type.Optional(Nullable(Uuid)),
  assigned_to: Type.Optional(Nullable(Uuid)),
  source: Type.Optional(StringEnum(['portal', 'technician', 'email', 'phone', 'api'])),
});
export type CreateTicketRequest = Static<typeof CreateTicketRequest>;

/** Portal users may change `status` (close, reopen) and nothing else. */
export const UpdateTicketRequest = Closed(
  {
    title: Type.Optional(Line(200, 3)),
    description: Type.Optional(Text(50_000, 1)),
    status: Type.Optional(StringEnum(TICKET_STATUSES)),
    priority: Type.Optional(StringEnum(PRIORITIES)),
    category: Type.Optional(Nullable(Line(50))),
    tags: Type.Optional(Type.Array(Tag, { maxItems: 30, uniqueItems: true })),
    contact_id: Type.Optional(Nullable(Uuid)),
    team_id: Type.Optional(Nullable(Uuid)),
    assigned_to: Type.Optional(Nullable(Uuid)),
  },
  { minProperties: 1 },
);
export type UpdateTicketRequest = Static<typeof UpdateTicketRequest>;

const csv = (values: readonly string[]) =>
  Type.String({
    maxLength: 300,
    pattern: `^(${values.join('|')})(,(${values.join('|')}))*$`,
    description: `one or several of: ${values.join(', ')}`,
  });
const UUID_FORM = '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';
/** Ids, and words that stand for some, separated by commas; 50 at most, which keeps an address short enough. */
const ids = (words: readonly string[], description: string) => {
  const one = `(${[...words, UUID_FORM].join('|')})`;
  return Type.String({ pattern: `^${one}(,${one}){0,49}$`, description });
};
const TAG_FORM = TAG_PATTERN.slice(1, -1);
/**
 * What `sla` of the list takes. The phases of a clock, and apart from `breached` (a deadline was missed, whatever came
 * after) `overdue`: one is missed and still to be met.
 */
export const SLA_FILTERS = ['ok', 'at_risk', 'overdue', 'breached', 'paused', 'none'] as const;
export type SlaFilter = (typeof SLA_FILTERS)[number];
/** Filters of `GET /tickets`. Several values of one: any of them. */
const ticketFilters = {
  status: Type.Optional(csv([...TICKET_STATUSES, 'open'])),
  priority: Type.Optional(csv(PRIORITIES)),
  customer_id: Type.Optional(ids([], 'one or several customers')),
  assigned_to: Type.Optional(ids(['me', 'none'], 'one or several user ids, `me` or `none`')),
  team_id: Type.Optional(
    ids(
      ['mine', 'none'],
      'one or several team ids, `none`, or `mine`: what one of my teams has, or somebody in one of them',
    ),
  ),
  category: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 500,
      pattern: '^[^\\u0000-\\u001f\\u007f]*$',
      description: 'one or several categories; a comma inside a name has a backslash before it',
    }),
  ),
  tag: Type.Optional(
    Type.String({
      maxLength: 500,
      pattern: `^${TAG_FORM}(,${TAG_FORM})*$`,
      description: 'one or several tags',
    }),
  ),
  source: Type.Optional(csv(TICKET_SOURCES)),
  sla: Type.Optional(
    Type.String({
      ...csv(SLA_FILTERS),
      description:
        'one or several of: ok (runs, in time), at_risk (a clock in phase at_risk), overdue (a deadline has passed and ' +
        'is still to be met), breached (a deadline was missed, whatever came after), paused, none (no deadline)',
    }),
  ),
  watching: Type.Optional(Type.Boolean()),
  created_after: Type.Optional(Timestamp),
  created_before: Type.Optional(Timestamp),
  updated_after: Type.Optional(Timestamp),
  updated_before: Type.Optional(Timestamp),
};
export const ListTicketsQuery = Closed({ ...listQuery, ...ticketFilters });
/** The list as a file: its filters, and how the file is written. */
export const ExportTicketsQuery = Closed({
  ...ticketFilters,
  search: listQuery.search,
  language: Type.Optional(StringEnum(['de', 'en'], { default: 'de', description: 'of headings and words' })),
  time_zone: Type.Optional(
    Type.String({ maxLength: 64, default: 'UTC', description: 'IANA name; times are written in it' }),
  ),
  delimiter: Type.Optional(StringEnum(['semicolon', 'comma'], { default: 'semicolon' })),
});
export type ListTicketsQuery = Static<typeof ListTicketsQuery>;

/** Asks how many tickets each of several lists has; a GET, which pages ask often. */
export const CountTicketsQuery = Closed({
  lists: Type.String({
    maxLength: 8_000,
    pattern: '^[^;]*(;[^;]*){0,59}$',
    description: 'query strings of `GET /tickets`, as saved views have them; `;` between them, 60 at most',
  }),
});
/** In the order asked; null where a query searches, or is none of the list. */
export const TicketCounts = Type.Object({
  data: Type.Array(
    Nullable(
      Type.Object({
        total: Type.Integer(),
        total_relation: StringEnum(['eq', 'gte'], { description: 'gte: counting stopped' }),
      }),
    ),
  ),
});

/** Whose tickets the figures of the dashboard are about. */
export const TICKET_SCOPES = ['mine', 'team', 'all'] as const;
export type TicketScope = (typeof TICKET_SCOPES)[number];
export const TicketStatsQuery = Closed({
  of: Type.Optional(
    StringEnum(TICKET_SCOPES, {
      default: 'all',
      description: 'mine: assigned to me; team: as `team_id=mine` of the list; all that the asker may see',
    }),
  ),
});

/** Up to 200 tickets, one change; each is decided by itself and reported by itself. */
export const BulkUpdateRequest = Closed({
  ids: Type.Array(Uuid, { minItems: 1, maxItems: 200, uniqueItems: true }),
  versions: Type.Optional(
    Type.Record(Type.String({ format: 'uuid' }), Type.Integer({ minimum: 1 }), {
      maxProperties: 200,
      description:
        'as If-Match for each: a ticket that is at another version is reported as VERSION_CONFLICT',
    }),
  ),
  changes: Closed(
    {
      status: Type.Optional(StringEnum(TICKET_STATUSES)),
      priority: Type.Optional(StringEnum(PRIORITIES)),
      assigned_to: Type.Optional(Nullable(Uuid)),
      team_id: Type.Optional(Nullable(Uuid)),
      add_tags: Type.Optional(Type.Array(Tag, { maxItems: 10 })),
    },
    { minProperties: 1 },
  ),
});
export const BulkUpdateResponse = Type.Object({
  updated: Type.Array(Uuid),
  failed: Type.Array(Type.Object({ id: Uuid, code: Type.String(), message: Type.String() })),
});

export const Comment = Type.Object({
  id: Uuid,
  ticket_id: Uuid,
  visibility: StringEnum(['public', 'internal']),
  body: Type.String(),
  author: Type.Object({
    id: Nullable(Uuid),
    name: Type.String(),
    kind: StringEnum(['staff', 'customer', 'system']),
  }),
  created_at: Timestamp,
  edited_at: Nullable(Timestamp),
});
export const CreateCommentRequest = Closed({
  body: Text(50_000, 1),
  visibility: Type.Optional(StringEnum(['public', 'internal'], { default: 'public' })),
  status: Type.Optional(StringEnum(TICKET_STATUSES, { description: 'change the status in the same step' })),
});

const WorkMinutes = Type.Integer({ minimum: 1, maximum: 1440, description: 'minutes worked, a day at most' });
const WorkStart = Type.String({
  format: 'date-time',
  description: 'not in the future, and not more than a day before the ticket was opened',
});
const Worker = Type.String({ format: 'uuid', description: 'a colleague; needs time:manage' });
export const TimeEntry = Type.Object({
  id: Uuid,
  ticket_id: Uuid,
  user: Type.Object(NameRef.properties, { description: 'who worked' }),
  entered_by: Type.Object(NameRef.properties, { description: 'who booked it' }),
  minutes: Type.Integer(),
  note: Nullable(Type.String()),
  billable: Type.Boolean(),
  started_at: Timestamp,
  version: Type.Integer(),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export const CreateTimeEntryRequest = Closed({
  minutes: WorkMinutes,
  note: Type.Optional(Nullable(Text(2_000))),
  billable: Type.Optional(Type.Boolean({ default: true })),
  started_at: Type.Optional(WorkStart),
  user_id: Type.Optional(Worker),
});
export const UpdateTimeEntryRequest = Closed(
  {
    minutes: Type.Optional(WorkMinutes),
    note: Type.Optional(Nullable(Text(2_000))),
    billable: Type.Optional(Type.Boolean()),
    started_at: Type.Optional(WorkStart),
    user_id: Type.Optional(Worker),
  },
  { minProperties: 1 },
);

export const Attachment = Type.Object({
  id: Uuid,
  ticket_id: Uuid,
  comment_id: Nullable(Uuid),
  file_name: Type.String(),
  content_type: Type.String({ description: 'as sniffed from the content, never as claimed' }),
  size: Type.Integer({ description: 'bytes' }),
  sha256: Type.String(),
  visibility: StringEnum(['public', 'internal']),
  uploaded_by: Type.Object({ id: Nullable(Uuid), name: Type.String() }),
  created_at: Timestamp,
});

export const HistoryEntry = Type.Object({
  id: Uuid,
  occurred_at: Timestamp,
  actor: Type.Object({ kind: Type.String(), id: Nullable(Type.String()), name: Nullable(Type.String()) }),
  kind: Type.String({
    description:
      'created, changed, commented, assigned, attached, time_logged, time_changed, time_deleted, sla_breached, imported',
  }),
  changes: Type.Array(Type.Object({ field: Type.String(), from: Type.Unknown(), to: Type.Unknown() })),
  reason: Nullable(Type.String()),
});

export const Watcher = Type.Object({ user_id: Uuid, name: Type.String() });

export const CreateWatcherRequest = Closed({
  user_id: Type.Optional(Type.String({ format: 'uuid', description: 'left out: the asker' })),
});

/** One deadline and how it came about. */
const ExplainedClock = Type.Object({
  ...SlaClock.properties,
  target_minutes: Nullable(Type.Integer()),
  remaining_minutes: Nullable(Type.Integer({ description: 'business minutes; negative when late' })),
  steps: Type.Array(
    Type.Object({
      from: Timestamp,
      to: Timestamp,
      kind: StringEnum(['counted', 'outside_hours', 'break', 'holiday', 'paused']),
      minutes: Type.Integer({ description: 'minutes counted in this step' }),
      total: Type.Integer({ description: 'counted up to the end of this step' }),
      note: Nullable(Type.String()),
    }),
  ),
});
export const SlaExplanation = Type.Object({
  policy: Nullable(NameRef),
  calendar: Nullable(Type.Object({ id: Nullable(Uuid), name: Type.String(), time_zone: Type.String() })),
  priority: StringEnum(PRIORITIES),
  reason: Type.String({ description: 'why this policy and target' }),
  response: ExplainedClock,
  resolution: ExplainedClock,
});

/** Figures of the dashboard, for the asker. */
export const TicketStats = Type.Object({
  open_by_status: Type.Record(Type.String(), Type.Integer()),
  open_by_priority: Type.Record(Type.String(), Type.Integer()),
  mine_open: Type.Integer(),
  unassigned: Type.Integer(),
  sla_at_risk: Type.Integer({ description: 'as the list has them with sla=at_risk' }),
  sla_overdue: Type.Integer({ description: 'as the list has them with sla=overdue' }),
  sla_breached_open: Type.Integer(),
  created_per_day: Type.Array(
    Type.Object({ day: Type.String(), created: Type.Integer(), resolved: Type.Integer() }),
  ),
  load: Type.Array(Type.Object({ technician: NameRef, open: Type.Integer() })),
});

/** Asks which tickets the asker's list would show: all of them, or of those named. Between services. */
export const VisibleTicketsRequest = Closed({
  ids: Type.Optional(Type.Array(Uuid, { maxItems: MOST_IDS })),
  deleted: Type.Optional(Type.Boolean({ description: 'those that are deleted too' })),
});
/** At most 5,000; `more`: there are more. */
export const VisibleTicketsResponse = Type.Object({ ids: Type.Array(Uuid), more: Type.Boolean() });
