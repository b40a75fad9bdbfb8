import Type from 'typebox';
import { Closed, Line, Nullable, StringEnum, Tag, Uuid } from './common.ts';
import { OPEN_STATUSES, PRIORITIES } from './tickets.ts';

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
/** Statuses in which both clocks stand still. Resolved and closed tickets have no running clock under any policy. */
const PauseOn = Type.Array(StringEnum(OPEN_STATUSES), { maxItems: 4, uniqueItems: true });
const Targets = Closed({ low: Target, medium: Target, high: Target, critical: Target });
export const SlaPolicy = Type.Object({
  id: Uuid,
  name: Type.String(),
  calendar_id: Nullable(Type.String({ format: 'uuid', description: 'null: round the clock' })),
  is_default: Type.Boolean(),
  pause_on: PauseOn,
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
  pause_on: Type.Optional(PauseOn),
  targets: Targets,
});
export const UpdateSlaPolicyRequest = Closed(
  {
    name: Type.Optional(Line(100)),
    calendar_id: Type.Optional(Nullable(Uuid)),
    is_default: Type.Optional(Type.Boolean()),
    pause_on: Type.Optional(PauseOn),
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
  customer_name: Nullable(Type.String({ description: 'of customer_id; null as well once it is deleted' })),
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

/** What a customer chooses from when it opens a ticket. Free text on tickets is staff's. */
export const Category = Type.Object({ id: Uuid, name: Type.String(), version: Type.Integer() });
export const CreateCategoryRequest = Closed({ name: Line(50) });
export const UpdateCategoryRequest = Closed({ name: Type.Optional(Line(50)) }, { minProperties: 1 });

const Bytes = Type.Integer({ minimum: 0 });
/** 1 PiB: more is a slip of the keyboard. */
const Limit = Type.Integer({ minimum: 0, maximum: 2 ** 50, description: 'bytes' });
/** How much room attachments take and may take, in bytes. */
export const AttachmentQuota = Type.Object({
  used_bytes: Bytes,
  limit_bytes: Bytes,
  customer_limit_bytes: Type.Integer({ minimum: 0, description: 'of each customer' }),
  customer: Nullable(
    Type.Object(
      { customer_id: Uuid, used_bytes: Bytes, limit_bytes: Bytes },
      { description: 'the one asked for' },
    ),
  ),
  version: Type.Integer(),
});
export const AttachmentQuotaQuery = Closed({ customer_id: Type.Optional(Uuid) });
/** null: the platform's figure again. */
export const UpdateAttachmentQuotaRequest = Closed(
  { limit_bytes: Type.Optional(Nullable(Limit)), customer_limit_bytes: Type.Optional(Nullable(Limit)) },
  { minProperties: 1 },
);
