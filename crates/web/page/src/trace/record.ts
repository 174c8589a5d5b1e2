// One thing that happened, as docs/trace.md describes it.

export type NodeId = number
export type Term = number
export type Index = number
export type RoleKind = 'follower' | 'candidate' | 'leader'
export type LogPosition = { index: Index; term: Term }

/** The name of an event: which server, in which of its lives, and its how many-th event there. */
export type EventId = { node: NodeId; life: number; seq: number }

export type Payload = 'no_op' | { command: number[] }
export type LogEntry = { term: Term; payload: Payload }

export type RequestVote = { term: Term; last_log_index: Index; last_log_term: Term }
export type RequestVoteReply = { term: Term; vote_granted: boolean }
export type AppendEntries = {
  term: Term
  prev_log_index: Index
  prev_log_term: Term
  entries: LogEntry[]
  leader_commit: Index
  round: number
}
export type AppendOutcome =
  | 'refused'
  | { matched: { match_index: Index } }
  | { mismatch: { prev_log_index: Index; may_agree: LogPosition } }
export type AppendEntriesReply = { term: Term; outcome: AppendOutcome; round: number }
export type InstallSnapshot = {
  term: Term
  chunk: { last_included: LogPosition; offset: number; bytes: number[]; is_last: boolean }
}
export type SnapshotOutcome = 'refused' | 'installed' | { received: { bytes: number } }
export type InstallSnapshotReply = {
  term: Term
  last_included: LogPosition
  offset: number
  outcome: SnapshotOutcome
}

export type Message =
  | { request_vote: RequestVote }
  | { request_vote_reply: RequestVoteReply }
  | { append_entries: AppendEntries }
  | { append_entries_reply: AppendEntriesReply }
  | { install_snapshot: InstallSnapshot }
  | { install_snapshot_reply: InstallSnapshotReply }

/** A link as messages take it: the way back is another one. */
export type Link = { from: NodeId; to: NodeId }

/** The kinds of events that this page looks into. Of all others it tells the sentence. */
type Happening =
  | { event: 'role'; role: RoleKind; was?: RoleKind }
  | { event: 'term'; was: Term }
  | { event: 'timer'; timeout_us: number }
  | { event: 'timeout'; role: RoleKind }
  | { event: 'vote'; candidate: NodeId; granted: boolean }
  | { event: 'tally'; voter: NodeId; granted: boolean; votes: number; needed: number }
  | { event: 'leader'; leader: NodeId }
  | { event: 'heartbeat' }
  | { event: 'unanswered'; follower: NodeId }
  | { event: 'appended'; first: Index; last: LogPosition }
  | { event: 'truncated'; first: Index; last: LogPosition }
  | { event: 'matched'; follower: NodeId; index: Index }
  | { event: 'backed_up'; follower: NodeId; next: Index }
  | { event: 'committed'; index: Index }
  | { event: 'snapshot_taken'; last_included: LogPosition; begins_after: LogPosition }
  | { event: 'snapshot_installed'; last_included: LogPosition; removed?: Index }
  | { event: 'sent'; to: NodeId; message: Message }
  | { event: 'received'; from: NodeId; message: Message }
  | { event: 'saved'; current_term: Term; voted_for: NodeId | null; log: LogPosition }
  | {
      event: 'restored'
      current_term: Term
      voted_for: NodeId | null
      log: LogPosition
      snapshot?: LogPosition
      terms?: LogPosition[]
    }
  | { event: 'asked'; wish: 'write' | 'read'; requests: number[] }
  | { event: 'answered'; request: number; answer: string }
  | { event: 'applied'; index: Index }
  | { event: 'started'; pid: number; address: string }
  | { event: 'stopped' }
  | { event: 'died'; signal?: number; status?: number; last_words?: string }
  | { event: 'paused' }
  | { event: 'resumed' }
  | { event: 'speed'; millionths: number }
  | { event: 'links_cut' | 'links_mended'; links: Link[] }
  | { event: 'links_delayed'; links: Link[]; delay_us: number }
  | { event: 'links_lossy'; links: Link[]; percent: number }
  | { event: 'links_healed' }
  | { event: 'client_asks'; client: number; what: string; again: boolean }
  | { event: 'client_hears'; client: number; answer: string }
  | { event: 'missed'; events: number }
  | { event: 'violated'; property: string; what_happened: string }

export type TraceRecord = Happening & {
  /** Microseconds since the cluster's start. */
  t: number
  node: NodeId
  life: number
  seq?: number
  cause?: EventId
  /** The server's term after the whole step. */
  term: Term
  rule?: string
  /** The event in English. */
  why: string
}

/** An event's name as people write it: `n2:117`, or `n2.3:117` in the server's third life. */
export function eventName({ node, life, seq }: EventId): string {
  return life === 1 ? `n${node}:${seq}` : `n${node}.${life}:${seq}`
}

/** The record's name, if the server itself reported it. */
export function nameOf(record: TraceRecord): string | undefined {
  return record.seq === undefined ? undefined : eventName({ ...record, seq: record.seq })
}

/** Where the entries of this request end. */
export function lastIndex(request: AppendEntries): Index {
  return request.prev_log_index + request.entries.length
}
