/** The documents of the HTTP API, as docs/http.md describes them. Instants are RFC 3339 text in UTC. */

export type Instant = string;

export interface List<T> {
  items: T[];
  next: string | null;
}

export type Outcome = "succeeded" | "failed" | "cancelled" | "skipped";
export type RunState = "queued" | "running" | "retrying" | Outcome;

/** How one run of a job ended, in brief. */
export interface End {
  id: string;
  outcome: Outcome;
  cause: string | null;
  ended_at: Instant;
  duration_ms: number;
}

/** A job as lists show it. */
export interface JobBrief {
  name: string;
  state: "active" | "paused";
  schedule_words: string;
  /** The next occurrence, before jitter. */
  next: Instant | null;
  live_runs: number;
  last_run: End | null;
  /** Newest first. */
  recent: Outcome[];
  skipped: number;
  missed: number;
  /** The newest occurrence of those. */
  last_skip: Instant | null;
}

export interface ScheduleSpec {
  every?: string;
  cron?: string;
  at?: Instant;
  time_zone?: string;
  start?: Instant;
  not_before?: Instant;
  not_after?: Instant;
  jitter?: string;
  dst_gap?: string;
  dst_repeat?: string;
}

export interface Retry {
  max_attempts: number;
  initial: string;
  max: string;
  on: string[];
}

/** Members that this portal does not know are kept as they are. */
export interface Policy {
  overlap: string;
  max_concurrency: number;
  late_after: string;
  catch_up: "latest" | "none" | { all: { max: number; window: string } };
  start_within?: string;
  timeout: string;
  retry: Retry;
  pause_after: number;
  [other: string]: unknown;
}

export type Access = "read" | "write" | "read-write";

export interface EmailGrant {
  to: string[];
  per_run?: number;
  per_day?: number;
}

export interface Grants {
  tables?: Record<string, Access>;
  email?: EmailGrant;
  /** As objects for hosts that may have addresses which are not public. */
  http?: (string | { host: string; private?: boolean })[];
  secrets?: string[];
  [other: string]: unknown;
}

export type Limits = Record<string, number | string>;

export interface Specification {
  component: string;
  schedule: ScheduleSpec;
  policy: Policy;
  limits: Limits;
  grants: Grants;
  env: Record<string, string>;
  notify?: Notify;
  /** Who has this secret may start runs by signed requests. */
  hook?: { secret: string };
  [other: string]: unknown;
}

export interface Notify {
  on: string[];
  email?: string[];
  webhook?: string;
  secret?: string;
  /** The webhook may lead to an address that is not public. */
  private?: boolean;
  [other: string]: unknown;
}

export interface Job {
  name: string;
  version: number;
  revision: number;
  created_at: Instant;
  revised_at: Instant;
  state: "active" | "paused";
  paused: { since: Instant; reason: string } | null;
  specification: Specification;
  schedule_words: string;
  next: Instant[];
  live_runs: number;
  last_success: Instant | null;
  last_skip: Instant | null;
  last_run: End | null;
  recent: End[];
  counters: Record<"succeeded" | "failed" | "cancelled" | "skipped" | "missed", number>;
  /** Notifications that nobody took, and why the newest was not taken. */
  undelivered?: { count: number; reason: string };
  warnings: string[];
}

export interface Revision {
  number: number;
  committed_at: Instant;
  specification: Specification;
}

export interface Skip {
  reason: string;
  from: Instant;
  to: Instant;
  count: number;
}

export interface Usage {
  fuel: number;
  memory_bytes: number;
  wall_micros: number;
  host_call_micros: number;
  host_calls: number;
  rows_read: number;
  rows_written: number;
  emails: number;
  log_bytes: number;
  http_calls: number;
  http_sent: number;
  http_received: number;
}

/** A request to another host. */
export interface Exchange {
  method: string;
  scheme: string;
  host: string;
  port: number;
  address?: string;
  status?: number;
  /** What went wrong: denied, invalid, unavailable or quota. */
  error?: string;
  duration: string;
  sent: number;
  received: number;
}

export interface Attempt {
  number: number;
  revision: number;
  started_at: Instant;
  ended_at: Instant;
  outcome: Outcome;
  cause: string | null;
  message: string | null;
  backtrace: string | null;
  last_error: string | null;
  usage: Usage;
  exchanges: Exchange[];
}

export interface Run {
  id: string;
  job: string;
  trigger: string;
  state: RunState;
  outcome: Outcome | null;
  /** The ended run that this one does again. */
  retry_of: string | null;
  cause: string | null;
  message: string | null;
  scheduled_for: Instant;
  /** While it is queued: when it is given up. */
  start_by?: Instant | null;
  created_at: Instant;
  started_at: Instant | null;
  ended_at: Instant | null;
  next_attempt_at: Instant | null;
  attempt: number;
  revision: number | null;
  duration_ms: number | null;
  usage: Usage | null;
  result: string | null;
  input: unknown;
  progress: string | null;
  backtrace: string | null;
  last_error: string | null;
  exchanges: Exchange[];
  attempts: Attempt[];
}

export type Level = "trace" | "debug" | "info" | "warn" | "error";

export interface LogLine {
  place: string;
  at: Instant;
  attempt: number;
  level: Level;
  source: string;
  message: string;
}

export interface Component {
  digest: string;
  size: number;
  /** `component`, `module` or `command`. */
  kind: string;
  /** What its producers section names: none where it has none. */
  language: string | null;
  tools: string[];
  /** What the host did to make a component of a core module. */
  adapted: string[];
  imports: string[];
  exports: string[];
  warnings: string[];
  uploaded_at: Instant;
}

export interface Preview {
  occurrences: Instant[];
  words: string;
}

export interface Upcoming {
  at: Instant;
  job: string;
  scheduled_for: Instant;
}

export interface Table {
  name: string;
  created_at: Instant;
  indexes: TableIndex[];
}

export interface TableIndex {
  fields: string[];
  unique: boolean;
  /** None of what is to be declared. */
  state?: "building" | "ready" | "failed";
  /** Rows that have their entries, while it is being built. */
  rows?: number;
  /** Why it failed. */
  reason?: string;
}

export interface Row {
  id: string;
  version: number;
  created_at: Instant;
  updated_at: Instant;
  [member: string]: unknown;
}

export interface RowPage extends List<Row> {
  count?: number;
}

export type EmailState = "queued" | "sending" | "sent" | "failed";

/** An address, and what the mail server said of it. */
export interface Recipient {
  address: string;
  state: "waiting" | "accepted" | "deferred" | "refused";
  reply: string | null;
  at: Instant | null;
}

export interface Email {
  id: string;
  message_id: string;
  job: string;
  /** None where it tells of something that is no run. */
  run: string | null;
  state: EmailState;
  queued_at: Instant;
  /** Those that a mail server answered. */
  attempts: number;
  /** None where it is not tried again, or where the host delivers nothing. */
  next_attempt_at: Instant | null;
  ended_at: Instant | null;
  /** Why it is not delivered, where that is not one recipient's own. */
  reason: string | null;
  recipients: Recipient[];
  to: string[];
  cc: string[];
  bcc: string[];
  reply_to: string | null;
  subject: string;
  text: string | null;
  html: string | null;
  attachments: { file_name: string; content_type: string; size: number }[];
}

/** A secret: no request gives its value. */
export interface Secret {
  name: string;
  version: number;
  created_at: Instant;
  updated_at: Instant;
}

export interface Session {
  token: string;
  expires_at: Instant | null;
}

export interface Host {
  version: string;
  /** What executes components: a name and a version. */
  engine: string;
  started_at: Instant;
  now: Instant;
  store_bytes: number;
  attempts: { executing: number; max: number; started: number };
  runs_waiting: number;
  lateness: { newest_ms: number; worst_ms: number };
  /** Whether mail leaves the outbox, and why none does at the moment. */
  email: { delivers: boolean; problem: { reason: string; since: Instant; next_at: Instant } | null };
}

/** Each includes those before it. */
export const RIGHTS = ["read", "run", "deploy", "admin"] as const;
export type Right = (typeof RIGHTS)[number];

export interface Token {
  name: string;
  right: Right;
  grants: Grants;
  created_at: Instant;
  expires_at: Instant | null;
  is_valid: boolean;
}

export interface MadeToken extends Token {
  token: string;
}

export interface NewToken {
  name: string;
  right: Right;
  grants?: Grants;
  /** A span, such as 90d. */
  expires_in?: string;
}

export interface AuditEntry {
  number: number;
  at: Instant;
  token: string;
  session: boolean;
  method: string;
  path: string;
  status: number;
}
