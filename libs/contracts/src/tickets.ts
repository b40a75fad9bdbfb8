import Type, { type Static } from 'typebox';
import { Closed, Line, listQuery, Nullable, StringEnum, Tag, Text, Timestamp, Uuid } from './common.ts';

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

export const NameRef = Type.Object({ id: Uuid, name: Type.String() });

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
  contact_id: Nullable(Uuid),
  assigned_to: Nullable(Uuid),
  team_id: Nullable(Uuid),
  sla_policy_id: Nullable(Uuid),
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
/** Filters of `GET /tickets`. */
export const ListTicketsQuery = Closed({
  ...listQuery,
  status: Type.Optional(csv([...TICKET_STATUSES, 'open'])),
  priority: Type.Optional(csv(PRIORITIES)),
  customer_id: Type.Optional(Uuid),
  assigned_to: Type.Optional(
    Type.String({
      pattern: '^(me|none|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$',
      description: 'a user id, `me` or `none`',
    }),
  ),
  team_id: Type.Optional(Uuid),
  category: Type.Optional(Line(50)),
  tag: Type.Optional(Tag),
  source: Type.Optional(csv(TICKET_SOURCES)),
  sla: Type.Optional(
    StringEnum(['at_risk', 'breached'], { description: 'at_risk: an open deadline within four hours' }),
  ),
  watching: Type.Optional(Type.Boolean()),
  created_after: Type.Optional(Timestamp),
  created_before: Type.Optional(Timestamp),
  updated_after: Type.Optional(Timestamp),
});
export type ListTicketsQuery = Static<typeof ListTicketsQuery>;

/** Up to 200 tickets, one change; each is decided by itself and reported by itself. */
export const BulkUpdateRequest = Closed({
  ids: Type.Array(Uuid, { minItems: 1, maxItems: 200, uniqueItems: true }),
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

export const TimeEntry = Type.Object({
  id: Uuid,
  ticket_id: Uuid,
  user: NameRef,
  minutes: Type.Integer(),
  note: Nullable(Type.String()),
  billable: Type.Boolean(),
  started_at: Timestamp,
  created_at: Timestamp,
});
export const CreateTimeEntryRequest = Closed({
  minutes: Type.Integer({ minimum: 1, maximum: 1440 }),
  note: Type.Optional(Nullable(Text(2_000))),
  billable: Type.Optional(Type.Boolean({ default: true })),
  started_at: Type.Optional(Timestamp),
});

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
    description: 'created, changed, commented, assigned, attached, time_logged, sla_breached, imported',
  }),
  changes: Type.Array(Type.Object({ field: Type.String(), from: Type.Unknown(), to: Type.Unknown() })),
  reason: Nullable(Type.String()),
});

export const Watcher = Type.Object({ user_id: Uuid, name: Type.String() });

export const CreateWatcherRequest = Closed({
  user_id: Type.Optional(Type.String({ format: 'uuid', description: 'left out: the asker' })),
});

/** One deadline and how it came about. */
const SlaClock = Type.Object({
  state: StringEnum(SLA_STATES),
  target_minutes: Nullable(Type.Integer()),
  due_at: Nullable(Timestamp),
  done_at: Nullable(Timestamp),
  remaining_minutes: Nullable(Type.Integer({ description: 'business minutes; negative when late' })),
  used_percent: Nullable(Type.Number()),
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
  response: SlaClock,
  resolution: SlaClock,
});

export const Team = Type.Object({
  id: Uuid,
  name: Type.String(),
  member_ids: Type.Array(Uuid),
  external_id: Nullable(Type.String()),
  version: Type.Integer(),
});
export const CreateTeamRequest = Closed({
  name: Line(100),
  member_ids: Type.Optional(Type.Array(Uuid, { maxItems: 500, uniqueItems: true })),
});
export const UpdateTeamRequest = Closed(
  {
    name: Type.Optional(Line(100)),
    member_ids: Type.Optional(Type.Array(Uuid, { maxItems: 500, uniqueItems: true })),
  },
  { minProperties: 1 },
);

/** A staff user as the service desk sees one: skills and load. Made from user events. */
export const Technician = Type.Object({
  id: Uuid,
  name: Type.String(),
  active: Type.Boolean(),
  available: Type.Boolean(),
  skills: Type.Array(Type.String()),
  max_open: Type.Integer(),
  open_tickets: Type.Integer(),
  version: Type.Integer(),
});
export const UpdateTechnicianRequest = Closed(
  {
    available: Type.Optional(Type.Boolean()),
    skills: Type.Optional(Type.Array(Tag, { maxItems: 50, uniqueItems: true })),
    max_open: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
  },
  { minProperties: 1 },
);

const LocalTime = Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$' });
const Interval = Type.Object({ start: LocalTime, end: LocalTime }, { additionalProperties: false });
/** Weekly business hours: key 1 (Monday) to 7 (Sunday); a lunch break is the gap between two intervals. */
const Week = Closed(
  Object.fromEntries(
    ['1', '2', '3', '4', '5', '6', '7'].map((d) => [
      d,
      Type.Optional(Type.Array(Interval, { maxItems: 12 })),
    ]),
  ),
);
const Holiday = Closed({
  date: Type.String({ format: 'date' }),
  name: Line(100),
  hours: Type.Optional(
    Type.Array(Interval, { maxItems: 12, description: 'half day: the hours that do count' }),
  ),
});
const calendarFields = {
  name: Line(100),
  time_zone: Line(64),
  week: Week,
  holidays: Type.Optional(Type.Array(Holiday, { maxItems: 1000 })),
};
export const Calendar = Type.Object({
  id: Uuid,
  name: Type.String(),
  time_zone: Type.String(),
  week: Type.Record(Type.String(), Type.Array(Interval)),
  holidays: Type.Array(
    Type.Object({ date: Type.String(), name: Type.String(), hours: Type.Optional(Type.Array(Interval)) }),
  ),
  version: Type.Integer(),
});
export const CreateCalendarRequest = Closed(calendarFields);
export const UpdateCalendarRequest = Closed(
  {
    name: Type.Optional(Line(100)),
    time_zone: Type.Optional(Line(64)),
    week: Type.Optional(Week),
    holidays: calendarFields.holidays,
  },
  { minProperties: 1 },
);

const Target = Closed({
  response_minutes: Nullable(Type.Integer({ minimum: 1, maximum: 525_600 })),
  resolution_minutes: Nullable(Type.Integer({ minimum: 1, maximum: 525_600 })),
});
const Targets = Closed({ low: Target, medium: Target, high: Target, critical: Target });
export const SlaPolicy = Type.Object({
  id: Uuid,
  name: Type.String(),
  calendar_id: Nullable(Type.String({ format: 'uuid', description: 'null: round the clock' })),
  is_default: Type.Boolean(),
  targets: Type.Object(
    Object.fromEntries(
      PRIORITIES.map((p) => [
        p,
        Type.Object({
          response_minutes: Nullable(Type.Integer()),
          resolution_minutes: Nullable(Type.Integer()),
        }),
      ]),
    ),
  ),
  version: Type.Integer(),
});
export const CreateSlaPolicyRequest = Closed({
  name: Line(100),
  calendar_id: Type.Optional(Nullable(Uuid)),
  is_default: Type.Optional(Type.Boolean({ default: false })),
  targets: Targets,
});
export const UpdateSlaPolicyRequest = Closed(
  {
    name: Type.Optional(Line(100)),
    calendar_id: Type.Optional(Nullable(Uuid)),
    is_default: Type.Optional(Type.Boolean()),
    targets: Type.Optional(Targets),
  },
  { minProperties: 1 },
);

/** Category → team and needed skills; the first match by `position` wins. */
export const AssignmentRule = Type.Object({
  id: Uuid,
  name: Type.String(),
  position: Type.Integer(),
  category: Nullable(Type.String()),
  customer_id: Nullable(Uuid),
  priority: Nullable(StringEnum(PRIORITIES)),
  team_id: Nullable(Uuid),
  skills: Type.Array(Type.String()),
  active: Type.Boolean(),
  version: Type.Integer(),
});
const ruleFields = {
  position: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000 })),
  category: Type.Optional(Nullable(Line(50))),
  customer_id: Type.Optional(Nullable(Uuid)),
  priority: Type.Optional(Nullable(StringEnum(PRIORITIES))),
  team_id: Type.Optional(Nullable(Uuid)),
  skills: Type.Optional(Type.Array(Tag, { maxItems: 50, uniqueItems: true })),
  active: Type.Optional(Type.Boolean()),
};
export const CreateAssignmentRuleRequest = Closed({ name: Line(100), ...ruleFields });
export const UpdateAssignmentRuleRequest = Closed(
  { name: Type.Optional(Line(100)), ...ruleFields },
  { minProperties: 1 },
);

/** A stored filter of the ticket list; `query` is the URL's query string. */
export const SavedView = Type.Object({
  id: Uuid,
  name: Type.String(),
  query: Type.String(),
  shared: Type.Boolean(),
  owner_id: Uuid,
  version: Type.Integer(),
});
export const CreateSavedViewRequest = Closed({
  name: Line(100),
  query: Type.String({ maxLength: 2000, pattern: '^[^\\u0000-\\u001f]*$' }),
  shared: Type.Optional(Type.Boolean()),
});

export const UpdateSavedViewRequest = Closed(
  {
    name: Type.Optional(Line(100)),
    query: Type.Optional(Type.String({ maxLength: 2000, pattern: '^[^\\u0000-\\u001f]*$' })),
    shared: Type.Optional(Type.Boolean()),
  },
  { minProperties: 1 },
);

/** Figures of the dashboard, for the asker. */
export const TicketStats = Type.Object({
  open_by_status: Type.Record(Type.String(), Type.Integer()),
  open_by_priority: Type.Record(Type.String(), Type.Integer()),
  mine_open: Type.Integer(),
  unassigned: Type.Integer(),
  sla_at_risk: Type.Integer(),
  sla_breached_open: Type.Integer(),
  created_per_day: Type.Array(
    Type.Object({ day: Type.String(), created: Type.Integer(), resolved: Type.Integer() }),
  ),
  load: Type.Array(Type.Object({ technician: NameRef, open: Type.Integer() })),
});
