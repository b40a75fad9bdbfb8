// Made by `npm run golden` from services/*/openapi.json; not written by hand.

export interface ApiKey { id: string; name: string; prefix: string; role: string; user_id: string; user_name: string; created_at: string; last_used_at: string | null; expires_at: string | null; }

export interface ApiKeysMeta { page?: number; limit: number; total?: number; total_relation?: 'eq' | 'gte'; total_pages?: number; next_cursor?: string | null; }

export interface AssignmentRule { id: string; name: string; position: number; category: string | null; customer_id: string | null; priority: 'low' | 'medium' | 'high' | 'critical' | null; team_id: string | null; skills: string[]; active: boolean; version: number; }

export interface AttachmentQuota { used_bytes: number; limit_bytes: number; customer_limit_bytes: number; customer: { customer_id: string; used_bytes: number; limit_bytes: number; } | null; version: number; }

export interface BackupReports { site: string; at: string; series: BackupReportsSeries[]; drills: BackupReportsDrills[]; findings: BackupReportsFindings[]; }

export interface BackupReportsDrills { what: string; at: string; ok: boolean | null; why: string | null; }

export interface BackupReportsFindings { kind: 'missing' | 'partial_run' | 'damaged' | 'too_small' | 'unproven' | 'restore_failed' | 'offsite_behind' | 'drill_failed' | 'drill_overdue' | 'wal_gap' | 'wal_lag' | 'standby_silent' | 'standby_behind' | 'clock'; severity: 'critical' | 'warning'; series: string; figure: number | null; text: string; }

export interface BackupReportsSeries { series: string; newest_good: { id: string; at: string; bytes: number; } | null; newest_proven: { id: string; at: string; bytes: number; } | null; last_proof_at: string | null; newest_outside_at: string | null; }

export interface Calendar { id: string; name: string; time_zone: string; week: Record<string, ({ start: string; end: string; })[]>; holidays: ({ date: string; name: string; hours?: ({ start: string; end: string; })[]; })[]; version: number; }

export interface Contacts { id?: string; customer_id?: string; site_id?: string | null; name?: string; email?: string | null; phone?: string | null; position?: string | null; is_primary?: boolean; user_id?: string | null; notes?: string | null; source?: string | null; external_id?: string | null; version?: number; created_at?: string; updated_at?: string; customer?: ContactsCustomer; site?: ContactsSite | null; }

export interface ContactsCustomer { id: string; customer_number: number; name: string; status: 'active' | 'prospect' | 'inactive'; email: string | null; phone: string | null; website: string | null; notes: string | null; tags: string[]; preferred_technician_id: string | null; sla_policy_id: string | null; source: string | null; external_id: string | null; version: number; created_at: string; updated_at: string; }

export interface ContactsSite { id: string; customer_id: string; name: string; street: string | null; postal_code: string | null; city: string | null; country: string | null; time_zone: string | null; version: number; created_at: string; updated_at: string; }

export interface Customers { id?: string; customer_number?: number; name?: string; status?: 'active' | 'prospect' | 'inactive'; email?: string | null; phone?: string | null; website?: string | null; notes?: string | null; tags?: string[]; preferred_technician_id?: string | null; sla_policy_id?: string | null; source?: string | null; external_id?: string | null; version?: number; created_at?: string; updated_at?: string; sites?: ContactsSite[]; contacts?: CustomersContacts[]; }

export interface CustomersContacts { id: string; customer_id: string; site_id: string | null; name: string; email: string | null; phone: string | null; position: string | null; is_primary: boolean; user_id: string | null; notes: string | null; source: string | null; external_id: string | null; version: number; created_at: string; updated_at: string; }

export interface EventHistory { id: string; type: string; version: number; tenant_id: string; customer_id: string | null; aggregate: { type: string; id: string; }; occurred_at: string; correlation_id: string; causation_id: string | null; actor: { kind: 'staff' | 'customer' | 'system'; id: string | null; name: string | null; }; public: boolean; data: Record<string, unknown>; recorded_at: string; }

export interface Login { user: Me; access_token?: string; refresh_token?: string; token_type?: 'Bearer'; expires_in: number; }

export interface Me { id: string; tenant_id: string; tenant_name: string; email: string; name: string; role: string; audience: 'staff' | 'customer'; customer_id: string | null; locale: 'de' | 'en'; permissions: string[]; }

export interface Role { id: string; name: string; title: { de: string; en: string; }; audience: 'staff' | 'customer'; permissions: string[]; system: boolean; version: number; }

export interface SavedView { id: string; name: string; query: string; shared: boolean; owner_id: string; version: number; }

export interface Sites { id?: string; customer_id?: string; name?: string; street?: string | null; postal_code?: string | null; city?: string | null; country?: string | null; time_zone?: string | null; version?: number; created_at?: string; updated_at?: string; customer?: ContactsCustomer; }

export interface SlaPoliciesTargets { low: { response_minutes: number | null; resolution_minutes: number | null; }; medium: { response_minutes: number | null; resolution_minutes: number | null; }; high: { response_minutes: number | null; resolution_minutes: number | null; }; critical: { response_minutes: number | null; resolution_minutes: number | null; }; }

export interface SlaPolicy { id: string; name: string; calendar_id: string | null; is_default: boolean; pause_on: ('new' | 'assigned' | 'in_progress' | 'waiting_customer')[]; targets: SlaPoliciesTargets; version: number; }

export interface Synonyms { groups: (string[])[]; shipped: boolean; version: number; updated_at: string | null; }

export interface Team { id: string; name: string; member_ids: string[]; external_id: string | null; version: number; }

export interface Technician { id: string; name: string; active: boolean; available: boolean; skills: string[]; max_open: number; open_tickets: number; version: number; }

export interface Ticket { id: string; ticket_number: number; title: string; description: string; status: 'new' | 'assigned' | 'in_progress' | 'waiting_customer' | 'resolved' | 'closed'; priority: 'low' | 'medium' | 'high' | 'critical'; category: string | null; tags: string[]; source: 'portal' | 'technician' | 'email' | 'phone' | 'api' | 'import'; customer_id: string; requester_id: string | null; created_by: string | null; contact_id: string | null; assigned_to: string | null; team_id: string | null; sla_policy_id: string | null; sla: TicketsSla; sla_response_due: string | null; sla_resolution_due: string | null; sla_response_state: 'none' | 'running' | 'paused' | 'met' | 'breached'; sla_resolution_state: 'none' | 'running' | 'paused' | 'met' | 'breached'; sla_breached: boolean; sla_paused_since: string | null; first_response_at: string | null; resolved_at: string | null; closed_at: string | null; reopen_count: number; comment_count: number; minutes_spent: number; external_id: string | null; version: number; created_at: string; updated_at: string; customer?: { id: string; name: string; } | null; assignee?: { id: string; name: string; } | null; requester?: { id: string; name: string; } | null; contact?: { id: string; name: string; } | null; creator?: { id: string; name: string; } | null; team?: { id: string; name: string; } | null; highlight?: { title: string; body: string; }; allowed_transitions?: ('new' | 'assigned' | 'in_progress' | 'waiting_customer' | 'resolved' | 'closed')[]; }

export interface TicketSlaResponse { phase: 'none' | 'ok' | 'at_risk' | 'breached' | 'paused' | 'met'; share_used: number | null; risk_at: string | null; due_at: string | null; done_at: string | null; target_minutes: number | null; remaining_minutes: number | null; steps: TicketSlaResponseSteps[]; }

export interface TicketSlaResponseSteps { from: string; to: string; kind: 'counted' | 'outside_hours' | 'break' | 'holiday' | 'paused'; minutes: number; total: number; note: string | null; }

export interface TicketTimeEntry { id: string; ticket_id: string; user: { id: string; name: string; }; entered_by: { id: string; name: string; }; minutes: number; note: string | null; billable: boolean; started_at: string; version: number; created_at: string; updated_at: string; }

export interface TicketsSla { shown: 'response' | 'resolution' | null; due_at: string | null; response: TicketsSlaResponse; resolution: TicketsSlaResponse; }

export interface TicketsSlaResponse { phase: 'none' | 'ok' | 'at_risk' | 'breached' | 'paused' | 'met'; share_used: number | null; risk_at: string | null; due_at: string | null; done_at: string | null; }

export interface UpdateCalendarBodyWeek { '1'?: ({ start: string; end: string; })[]; '2'?: ({ start: string; end: string; })[]; '3'?: ({ start: string; end: string; })[]; '4'?: ({ start: string; end: string; })[]; '5'?: ({ start: string; end: string; })[]; '6'?: ({ start: string; end: string; })[]; '7'?: ({ start: string; end: string; })[]; }

export interface UpdateSlaPolicyBodyTargets { low: { response_minutes: number | null; resolution_minutes: number | null; }; medium: { response_minutes: number | null; resolution_minutes: number | null; }; high: { response_minutes: number | null; resolution_minutes: number | null; }; critical: { response_minutes: number | null; resolution_minutes: number | null; }; }

export interface User { id: string; email: string; name: string; role: string; audience: 'staff' | 'customer'; customer_id: string | null; locale: 'de' | 'en'; status: 'active' | 'invited' | 'disabled' | 'imported'; tier: 'standard' | 'professional' | 'enterprise'; last_login_at: string | null; locked_until: string | null; version: number; created_at: string; updated_at: string; }

/** What each operation takes and answers, by its method and path below /api/v1. */
export interface Api {
  'DELETE /api-keys/{id}': { path: { id: string; }; data: undefined; };
  'DELETE /assignment-rules/{id}': { path: { id: string; }; data: undefined; };
  'DELETE /calendars/{id}': { path: { id: string; }; data: undefined; };
  'DELETE /categories/{id}': { path: { id: string; }; data: undefined; };
  'DELETE /contacts/{id}': { path: { id: string; }; data: undefined; };
  'DELETE /customers/{id}': { path: { id: string; }; data: undefined; };
  'DELETE /roles/{id}': { path: { id: string; }; data: undefined; };
  'DELETE /saved-views/{id}': { path: { id: string; }; data: undefined; };
  'DELETE /sites/{id}': { path: { id: string; }; data: undefined; };
  'DELETE /sla-policies/{id}': { path: { id: string; }; data: undefined; };
  'DELETE /teams/{id}': { path: { id: string; }; data: undefined; };
  'DELETE /tickets/{id}': { path: { id: string; }; data: undefined; };
  'DELETE /tickets/{id}/attachments/{attachment_id}': { path: { id: string; attachment_id: string; }; data: undefined; };
  'DELETE /tickets/{id}/time-entries/{entry_id}': { path: { id: string; entry_id: string; }; data: undefined; };
  'DELETE /tickets/{id}/watchers': { path: { id: string; }; data: undefined; };
  'DELETE /tickets/{id}/watchers/{user_id}': { path: { id: string; user_id: string; }; data: undefined; };
  'DELETE /users/{id}': { path: { id: string; }; data: undefined; };
  'GET /api-keys': { query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; user_id?: string | 'all'; }; data: ({ id?: string; name?: string; prefix?: string; role?: string; user_id?: string; user_name?: string; created_at?: string; last_used_at?: string | null; expires_at?: string | null; })[]; meta: ApiKeysMeta; };
  'GET /api-keys/{id}': { path: { id: string; }; data: ApiKey; };
  'GET /assignment-rules': { query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; }; data: ({ id?: string; name?: string; position?: number; category?: string | null; customer_id?: string | null; priority?: 'low' | 'medium' | 'high' | 'critical' | null; team_id?: string | null; skills?: string[]; active?: boolean; version?: number; })[]; meta: ApiKeysMeta; };
  'GET /assignment-rules/{id}': { path: { id: string; }; data: AssignmentRule; };
  'GET /attachment-quota': { query: { customer_id?: string; }; data: AttachmentQuota; };
  'GET /audit': { query: { limit?: number; cursor?: string; action?: string; actor_id?: string; object_type?: string; object_id?: string; after?: string; before?: string; }; data: ({ id: string; seq: number; occurred_at: string; action: string; actor: { kind: string; id: string | null; name: string | null; }; object: { type: string; id: string; }; request_id: string | null; detail: Record<string, unknown>; hash: string; })[]; meta: ApiKeysMeta; };
  'GET /audit/verify': { data: { entries: number; intact: boolean; first_broken_seq: number | null; reason: string | null; head_hash: string | null; }; };
  'GET /auth/jwks': { data: { keys: ({ kty: string; kid: string; alg: string; use: string; n: string; e: string; })[]; }; };
  'GET /auth/me': { data: Me; };
  'GET /auth/setup': { data: { needed: boolean; }; };
  'GET /backups': { data: BackupReports[]; };
  'GET /calendars': { query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; }; data: ({ id?: string; name?: string; time_zone?: string; week?: Record<string, ({ start: string; end: string; })[]>; holidays?: ({ date: string; name: string; hours?: ({ start: string; end: string; })[]; })[]; version?: number; })[]; meta: ApiKeysMeta; };
  'GET /calendars/{id}': { path: { id: string; }; data: Calendar; };
  'GET /categories': { query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; }; data: ({ id?: string; name?: string; version?: number; })[]; meta: ApiKeysMeta; };
  'GET /categories/{id}': { path: { id: string; }; data: { id: string; name: string; version: number; }; };
  'GET /contacts': { query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; customer_id?: string; site_id?: string; is_primary?: boolean; }; data: Contacts[]; meta: ApiKeysMeta; };
  'GET /contacts/{id}': { path: { id: string; }; query: { fields?: string; include?: string; }; data: Contacts; };
  'GET /customer-tags': { data: ({ tag: string; count: number; })[]; };
  'GET /customers': { query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; status?: 'active' | 'prospect' | 'inactive'; tag?: string; external_id?: string; preferred_technician_id?: string; }; data: Customers[]; meta: ApiKeysMeta; };
  'GET /customers/export.csv': { query: { status?: 'active' | 'prospect' | 'inactive'; tag?: string; search?: string; delimiter?: 'semicolon' | 'comma'; }; data: undefined; };
  'GET /customers/import-columns': { data: { columns: ('customer_number' | 'external_id' | 'name' | 'status' | 'email' | 'phone' | 'website' | 'tags' | 'notes' | 'street' | 'house_number' | 'postal_code' | 'city' | 'country')[]; choices: ({ heading: string; column: 'customer_number' | 'external_id' | 'name' | 'status' | 'email' | 'phone' | 'website' | 'tags' | 'notes' | 'street' | 'house_number' | 'postal_code' | 'city' | 'country' | 'ignore'; })[]; }; };
  'GET /customers/{id}': { path: { id: string; }; query: { fields?: string; include?: string; }; data: Customers; };
  'GET /events/dead-letters': { query: { consumer?: string; limit?: number; }; data: ({ consumer: string; event: { id: string; type: string; version: number; tenant_id: string; customer_id: string | null; aggregate: { type: string; id: string; }; occurred_at: string; correlation_id: string; causation_id: string | null; actor: { kind: 'staff' | 'customer' | 'system'; id: string | null; name: string | null; }; public: boolean; data: Record<string, unknown>; }; error: string; attempts: number; parked_at: string; })[]; };
  'GET /events/history': { query: { limit?: number; cursor?: string; type?: string; aggregate_type?: string; aggregate_id?: string; correlation_id?: string; after?: string; before?: string; }; data: EventHistory[]; meta: { limit: number; next_cursor: string | null; }; };
  'GET /events/stats': { query: { hours?: number; }; data: { total: number; since: string; by_type: ({ type: string; count: number; last_at: string; })[]; per_hour: ({ hour: string; count: number; })[]; }; };
  'GET /events/types': { data: ({ type: string; description: string; service: string; schema: unknown; })[]; };
  'GET /events/{id}': { path: { id: string; }; data: EventHistory; };
  'GET /roles': { query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; audience?: 'staff' | 'customer'; }; data: ({ id?: string; name?: string; title?: { de: string; en: string; }; audience?: 'staff' | 'customer'; permissions?: string[]; system?: boolean; version?: number; })[]; meta: ApiKeysMeta; };
  'GET /roles/permissions': { data: string[]; };
  'GET /roles/{id}': { path: { id: string; }; data: Role; };
  'GET /saved-views': { query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; }; data: ({ id?: string; name?: string; query?: string; shared?: boolean; owner_id?: string; version?: number; })[]; meta: ApiKeysMeta; };
  'GET /saved-views/{id}': { path: { id: string; }; data: SavedView; };
  'GET /search': { query: { q: string; types?: string; status?: string; customer_id?: string; updated_after?: string; updated_before?: string; sort?: 'relevance' | 'newest' | 'due'; limit?: number; offset?: number; }; data: ({ type: 'ticket' | 'customer' | 'contact'; id: string; score: number; title: string; highlights: { title: string; body: string; }; summary: Record<string, unknown>; updated_at: string; })[]; meta: { total: number; total_relation: 'eq' | 'gte'; limit: number; offset: number; corrected: Record<string, string[]>; took_ms: number; }; };
  'GET /search/synonyms': { data: Synonyms; };
  'GET /sites': { query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; customer_id?: string; country?: string; }; data: Sites[]; meta: ApiKeysMeta; };
  'GET /sites/{id}': { path: { id: string; }; query: { fields?: string; include?: string; }; data: Sites; };
  'GET /sla-policies': { query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; }; data: ({ id?: string; name?: string; calendar_id?: string | null; is_default?: boolean; pause_on?: ('new' | 'assigned' | 'in_progress' | 'waiting_customer')[]; targets?: SlaPoliciesTargets; version?: number; })[]; meta: ApiKeysMeta; };
  'GET /sla-policies/{id}': { path: { id: string; }; data: SlaPolicy; };
  'GET /teams': { query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; }; data: ({ id?: string; name?: string; member_ids?: string[]; external_id?: string | null; version?: number; })[]; meta: ApiKeysMeta; };
  'GET /teams/{id}': { path: { id: string; }; data: Team; };
  'GET /technicians': { query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; }; data: ({ id?: string; name?: string; active?: boolean; available?: boolean; skills?: string[]; max_open?: number; open_tickets?: number; version?: number; })[]; meta: ApiKeysMeta; };
  'GET /technicians/{id}': { path: { id: string; }; data: Technician; };
  'GET /tickets': { query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; status?: string; priority?: string; customer_id?: string; assigned_to?: string; team_id?: string; category?: string; tag?: string; source?: string; sla?: string; watching?: boolean; created_after?: string; created_before?: string; updated_after?: string; updated_before?: string; }; data: ({ id?: string; ticket_number?: number; title?: string; description?: string; status?: 'new' | 'assigned' | 'in_progress' | 'waiting_customer' | 'resolved' | 'closed'; priority?: 'low' | 'medium' | 'high' | 'critical'; category?: string | null; tags?: string[]; source?: 'portal' | 'technician' | 'email' | 'phone' | 'api' | 'import'; customer_id?: string; requester_id?: string | null; created_by?: string | null; contact_id?: string | null; assigned_to?: string | null; team_id?: string | null; sla_policy_id?: string | null; sla?: TicketsSla; sla_response_due?: string | null; sla_resolution_due?: string | null; sla_response_state?: 'none' | 'running' | 'paused' | 'met' | 'breached'; sla_resolution_state?: 'none' | 'running' | 'paused' | 'met' | 'breached'; sla_breached?: boolean; sla_paused_since?: string | null; first_response_at?: string | null; resolved_at?: string | null; closed_at?: string | null; reopen_count?: number; comment_count?: number; minutes_spent?: number; external_id?: string | null; version?: number; created_at?: string; updated_at?: string; customer?: { id: string; name: string; } | null; assignee?: { id: string; name: string; } | null; requester?: { id: string; name: string; } | null; contact?: { id: string; name: string; } | null; creator?: { id: string; name: string; } | null; team?: { id: string; name: string; } | null; highlight?: { title: string; body: string; }; allowed_transitions?: ('new' | 'assigned' | 'in_progress' | 'waiting_customer' | 'resolved' | 'closed')[]; })[]; meta: ApiKeysMeta; };
  'GET /tickets/categories': { data: string[]; };
  'GET /tickets/stats': { query: { of?: 'mine' | 'team' | 'all'; }; data: { open_by_status: Record<string, number>; open_by_priority: Record<string, number>; mine_open: number; unassigned: number; sla_at_risk: number; sla_overdue: number; sla_breached_open: number; created_per_day: ({ day: string; created: number; resolved: number; })[]; load: ({ technician: { id: string; name: string; }; open: number; })[]; }; };
  'GET /tickets/tags': { data: string[]; };
  'GET /tickets/{id}': { path: { id: string; }; query: { include?: string; }; data: Ticket; };
  'GET /tickets/{id}/attachments': { path: { id: string; }; query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; }; data: ({ id?: string; ticket_id?: string; comment_id?: string | null; file_name?: string; content_type?: string; size?: number; sha256?: string; visibility?: 'public' | 'internal'; uploaded_by?: { id: string | null; name: string; }; created_at?: string; })[]; meta: ApiKeysMeta; };
  'GET /tickets/{id}/attachments/{attachment_id}/content': { path: { id: string; attachment_id: string; }; data: undefined; };
  'GET /tickets/{id}/comments': { path: { id: string; }; query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; }; data: ({ id?: string; ticket_id?: string; visibility?: 'public' | 'internal'; body?: string; author?: { id: string | null; name: string; kind: 'staff' | 'customer' | 'system'; }; created_at?: string; edited_at?: string | null; })[]; meta: ApiKeysMeta; };
  'GET /tickets/{id}/history': { path: { id: string; }; query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; }; data: ({ id?: string; occurred_at?: string; actor?: { kind: string; id: string | null; name: string | null; }; kind?: string; changes?: ({ field: string; from: unknown; to: unknown; })[]; reason?: string | null; })[]; meta: ApiKeysMeta; };
  'GET /tickets/{id}/sla': { path: { id: string; }; data: { policy: { id: string; name: string; } | null; calendar: { id: string | null; name: string; time_zone: string; } | null; priority: 'low' | 'medium' | 'high' | 'critical'; reason: string; response: TicketSlaResponse; resolution: TicketSlaResponse; }; };
  'GET /tickets/{id}/time-entries': { path: { id: string; }; query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; }; data: ({ id?: string; ticket_id?: string; user?: { id: string; name: string; }; entered_by?: { id: string; name: string; }; minutes?: number; note?: string | null; billable?: boolean; started_at?: string; version?: number; created_at?: string; updated_at?: string; })[]; meta: ApiKeysMeta; };
  'GET /tickets/{id}/watchers': { path: { id: string; }; data: ({ user_id: string; name: string; })[]; };
  'GET /users': { query: { page?: number; limit?: number; cursor?: string; sort?: string; order?: string; fields?: string; include?: string; search?: string; count?: 'capped' | 'exact' | 'none'; role?: string; status?: 'active' | 'invited' | 'disabled' | 'imported'; audience?: 'staff' | 'customer'; customer_id?: string; }; data: ({ id?: string; email?: string; name?: string; role?: string; audience?: 'staff' | 'customer'; customer_id?: string | null; locale?: 'de' | 'en'; status?: 'active' | 'invited' | 'disabled' | 'imported'; tier?: 'standard' | 'professional' | 'enterprise'; last_login_at?: string | null; locked_until?: string | null; version?: number; created_at?: string; updated_at?: string; })[]; meta: ApiKeysMeta; };
  'GET /users/{id}': { path: { id: string; }; data: User; };
  'PATCH /api-keys/{id}': { path: { id: string; }; body: { name: string; }; data: ApiKey; };
  'PATCH /assignment-rules/{id}': { path: { id: string; }; body: { name?: string; position?: number; category?: string | null; customer_id?: string | null; priority?: 'low' | 'medium' | 'high' | 'critical' | null; team_id?: string | null; skills?: string[]; active?: boolean; }; data: AssignmentRule; };
  'PATCH /attachment-quota': { body: { limit_bytes?: number | null; customer_limit_bytes?: number | null; }; data: AttachmentQuota; };
  'PATCH /calendars/{id}': { path: { id: string; }; body: { name?: string; time_zone?: string; week?: UpdateCalendarBodyWeek; holidays?: ({ date: string; name: string; hours?: ({ start: string; end: string; })[]; })[]; }; data: Calendar; };
  'PATCH /categories/{id}': { path: { id: string; }; body: { name?: string; }; data: { id: string; name: string; version: number; }; };
  'PATCH /contacts/{id}': { path: { id: string; }; body: { name?: string; site_id?: string | null; email?: string | null; phone?: string | null; position?: string | null; is_primary?: boolean; notes?: string | null; }; data: CustomersContacts; };
  'PATCH /customers/import-columns': { body: { choices: ({ heading: string; column: 'customer_number' | 'external_id' | 'name' | 'status' | 'email' | 'phone' | 'website' | 'tags' | 'notes' | 'street' | 'house_number' | 'postal_code' | 'city' | 'country' | 'ignore' | 'ask'; })[]; }; data: { columns: ('customer_number' | 'external_id' | 'name' | 'status' | 'email' | 'phone' | 'website' | 'tags' | 'notes' | 'street' | 'house_number' | 'postal_code' | 'city' | 'country')[]; choices: ({ heading: string; column: 'customer_number' | 'external_id' | 'name' | 'status' | 'email' | 'phone' | 'website' | 'tags' | 'notes' | 'street' | 'house_number' | 'postal_code' | 'city' | 'country' | 'ignore'; })[]; }; };
  'PATCH /customers/{id}': { path: { id: string; }; body: { name?: string; status?: 'active' | 'prospect' | 'inactive'; email?: string | null; phone?: string | null; website?: string | null; notes?: string | null; tags?: string[]; preferred_technician_id?: string | null; sla_policy_id?: string | null; }; data: ContactsCustomer; };
  'PATCH /roles/{id}': { path: { id: string; }; body: { title?: { de: string; en: string; }; permissions?: string[]; }; data: Role; };
  'PATCH /saved-views/{id}': { path: { id: string; }; body: { name?: string; query?: string; shared?: boolean; }; data: SavedView; };
  'PATCH /sites/{id}': { path: { id: string; }; body: { name?: string; street?: string | null; postal_code?: string | null; city?: string | null; country?: string | null; time_zone?: string | null; }; data: ContactsSite; };
  'PATCH /sla-policies/{id}': { path: { id: string; }; body: { name?: string; calendar_id?: string | null; is_default?: boolean; pause_on?: ('new' | 'assigned' | 'in_progress' | 'waiting_customer')[]; targets?: UpdateSlaPolicyBodyTargets; }; data: SlaPolicy; };
  'PATCH /teams/{id}': { path: { id: string; }; body: { name?: string; member_ids?: string[]; }; data: Team; };
  'PATCH /technicians/{id}': { path: { id: string; }; body: { available?: boolean; skills?: string[]; max_open?: number; }; data: Technician; };
  'PATCH /tickets/{id}': { path: { id: string; }; body: { title?: string; description?: string; status?: 'new' | 'assigned' | 'in_progress' | 'waiting_customer' | 'resolved' | 'closed'; priority?: 'low' | 'medium' | 'high' | 'critical'; category?: string | null; tags?: string[]; contact_id?: string | null; team_id?: string | null; assigned_to?: string | null; }; data: Ticket; };
  'PATCH /tickets/{id}/time-entries/{entry_id}': { path: { id: string; entry_id: string; }; body: { minutes?: number; note?: string | null; billable?: boolean; started_at?: string; user_id?: string; }; data: TicketTimeEntry; };
  'PATCH /users/{id}': { path: { id: string; }; body: { email?: string; invite?: boolean; name?: string; role?: string; locale?: 'de' | 'en'; status?: 'active' | 'disabled'; tier?: 'standard' | 'professional' | 'enterprise'; }; data: User; };
  'POST /api-keys': { body: { name: string; current_password: string; role?: string; expires_in_days?: number; }; data: { id: string; name: string; prefix: string; role: string; user_id: string; user_name: string; created_at: string; last_used_at: string | null; expires_at: string | null; key: string; }; };
  'POST /assignment-rules': { body: { name: string; position?: number; category?: string | null; customer_id?: string | null; priority?: 'low' | 'medium' | 'high' | 'critical' | null; team_id?: string | null; skills?: string[]; active?: boolean; }; data: AssignmentRule; };
  'POST /auth/change-password': { body: { current_password: string; new_password: string; keep_api_keys?: boolean; }; data: undefined; };
  'POST /auth/forgot-password': { body: { email: string; }; data: undefined; };
  'POST /auth/keys/rotate': { data: { kid: string; active_from: string; }; };
  'POST /auth/login': { body: { email: string; password: string; session?: 'token' | 'cookie'; }; data: Login; };
  'POST /auth/logout': { body: { refresh_token?: string; } | null; data: undefined; };
  'POST /auth/refresh': { body: { refresh_token?: string; } | null; data: Login; };
  'POST /auth/reset-password': { body: { token: string; new_password: string; }; data: undefined; };
  'POST /auth/setup': { body: { token: string; tenant_name: string; name: string; email: string; password: string; }; data: { tenant_id: string; admin_id: string; }; };
  'POST /backups': { body: BackupReports; data: BackupReports; };
  'POST /calendars': { body: { name: string; time_zone: string; week: UpdateCalendarBodyWeek; holidays?: ({ date: string; name: string; hours?: ({ start: string; end: string; })[]; })[]; }; data: Calendar; };
  'POST /categories': { body: { name: string; }; data: { id: string; name: string; version: number; }; };
  'POST /contacts': { body: { customer_id?: string; name: string; site_id?: string | null; email?: string | null; phone?: string | null; position?: string | null; is_primary?: boolean; notes?: string | null; }; data: CustomersContacts; };
  'POST /contacts/import': { body: { source: string; contacts: ({ external_id: string; name: string; customer_id: string; })[]; }; data: { contacts: ({ external_id: string; id: string; created: boolean; })[]; }; };
  'POST /customers': { body: { name: string; status?: 'active' | 'prospect' | 'inactive'; email?: string | null; phone?: string | null; website?: string | null; notes?: string | null; tags?: string[]; preferred_technician_id?: string | null; sla_policy_id?: string | null; }; data: ContactsCustomer; };
  'POST /customers/import': { body: { source: string; customers: ({ external_id: string; name: string; })[]; }; data: { customers: ({ external_id: string; id: string; created: boolean; })[]; }; };
  'POST /customers/import-csv': { query: { dry_run?: boolean; confirm?: string; }; data: { dry_run: boolean; rows: number; taken: number; created: number; updated: number; unchanged: number; unconfirmed: number; refused: number; encoding: string; encoding_from: 'charset' | 'mark' | 'guessed'; delimiter: string; columns: ({ heading: string; column: 'customer_number' | 'external_id' | 'name' | 'status' | 'email' | 'phone' | 'website' | 'tags' | 'notes' | 'street' | 'house_number' | 'postal_code' | 'city' | 'country' | null; by: 'heading' | 'choice' | 'undecided' | 'empty'; sample: string | null; })[]; changes: ({ line: number; customer_id: string; customer_number: number; name: string; matched_by: 'customer_number' | 'external_id' | 'name'; to_confirm: boolean; fields: ({ field: string; old: string | null; new: string | null; })[]; })[]; changes_total: number; problems: ({ field: string | null; code: string; message: string; values?: Record<string, string | number>; line: number; })[]; }; };
  'POST /events/dead-letters/replay': { body: { consumer: string; limit?: number; }; data: { consumer: string; replayed: number; }; };
  'POST /events/test': { body: { message: string; }; data: { event_id: string; correlation_id: string; }; };
  'POST /roles': { body: { name: string; title: { de: string; en: string; }; audience: 'staff' | 'customer'; permissions: string[]; }; data: Role; };
  'POST /saved-views': { body: { name: string; query: string; shared?: boolean; }; data: SavedView; };
  'POST /search/reindex': { data: { started: boolean; }; };
  'POST /sites': { body: { customer_id: string; name: string; street?: string | null; postal_code?: string | null; city?: string | null; country?: string | null; time_zone?: string | null; }; data: ContactsSite; };
  'POST /sla-policies': { body: { name: string; calendar_id?: string | null; is_default?: boolean; pause_on?: ('new' | 'assigned' | 'in_progress' | 'waiting_customer')[]; targets: UpdateSlaPolicyBodyTargets; }; data: SlaPolicy; };
  'POST /teams': { body: { name: string; member_ids?: string[]; }; data: Team; };
  'POST /teams/import': { body: { source: string; teams: ({ external_id: string; name: string; })[]; }; data: { teams: ({ external_id: string; id: string; created: boolean; })[]; }; };
  'POST /tickets': { body: { title: string; description: string; customer_id?: string; priority?: 'low' | 'medium' | 'high' | 'critical'; category?: string | null; tags?: string[]; contact_id?: string | null; team_id?: string | null; assigned_to?: string | null; source?: 'portal' | 'technician' | 'email' | 'phone' | 'api'; }; data: Ticket; };
  'POST /tickets/bulk': { body: { ids: string[]; versions?: Record<string, number>; changes: { status?: 'new' | 'assigned' | 'in_progress' | 'waiting_customer' | 'resolved' | 'closed'; priority?: 'low' | 'medium' | 'high' | 'critical'; assigned_to?: string | null; team_id?: string | null; add_tags?: string[]; }; }; data: { updated: string[]; failed: ({ id: string; code: string; message: string; })[]; }; };
  'POST /tickets/counts': { body: { queries: string[]; }; data: ({ total: number; total_relation: 'eq' | 'gte'; } | null)[]; };
  'POST /tickets/import': { body: { source: string; tickets: ({ external_id: string; title: string; description: string; status: 'new' | 'assigned' | 'in_progress' | 'waiting_customer' | 'resolved' | 'closed'; priority: 'low' | 'medium' | 'high' | 'critical'; category: string | null; customer_id: string; contact_id: string | null; assigned_to: string | null; team_external_id: string | null; tags: string[]; created_at: string; updated_at: string; first_response_at: string | null; resolved_at: string | null; closed_at: string | null; reopen_count: number; sla_breached: boolean; history: ({ occurred_at: string; actor_name: string | null; kind: 'created' | 'changed'; changes: ({ field: string; from: string | null; to: string | null; })[]; row_id: string; })[]; })[]; }; data: { tickets: ({ external_id: string; id: string | null; outcome: 'created' | 'updated' | 'unchanged' | 'refused'; history_added: number; history_known: number; reason: string | null; })[]; }; };
  'POST /tickets/{id}/attachments': { path: { id: string; }; data: { id: string; ticket_id: string; comment_id: string | null; file_name: string; content_type: string; size: number; sha256: string; visibility: 'public' | 'internal'; uploaded_by: { id: string | null; name: string; }; created_at: string; }; };
  'POST /tickets/{id}/comments': { path: { id: string; }; body: { body: string; visibility?: 'public' | 'internal'; status?: 'new' | 'assigned' | 'in_progress' | 'waiting_customer' | 'resolved' | 'closed'; }; data: { id: string; ticket_id: string; visibility: 'public' | 'internal'; body: string; author: { id: string | null; name: string; kind: 'staff' | 'customer' | 'system'; }; created_at: string; edited_at: string | null; }; };
  'POST /tickets/{id}/time-entries': { path: { id: string; }; body: { minutes: number; note?: string | null; billable?: boolean; started_at?: string; user_id?: string; }; data: TicketTimeEntry; };
  'POST /tickets/{id}/watchers': { path: { id: string; }; body: { user_id?: string; }; data: { user_id: string; name: string; }; };
  'POST /users': { body: { email: string; name: string; role: string; customer_id?: string | null; locale?: 'de' | 'en'; password?: string; invite?: boolean; }; data: User; };
  'POST /users/import': { body: { source: string; users: ({ external_id: string; name: string; role: string; })[]; }; data: { users: ({ external_id: string; id: string; created: boolean; })[]; }; };
  'PUT /search/synonyms': { body: { groups: (string[])[] | null; }; data: Synonyms; };
}
