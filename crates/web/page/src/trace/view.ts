// What the records so far say about each server. `crates/trace/src/view.rs` adds them up in the same way.

import * as logs from './log'
import { applyToNetwork, SOUND_NETWORK, type NetworkView } from './network'
import { lastIndex, type AppendEntries, type NodeId, type RoleKind, type Term, type TraceRecord } from './record'

/** Is a server's process there? */
export type Condition = 'starting' | 'running' | 'paused' | 'dead'

/** An election timer that runs. */
export type ElectionTimer = {
  /** When it was started: microseconds since the cluster's start. */
  readonly startedAt: number
  /** How long it runs, in microseconds of the server's own clock. */
  readonly timeoutUs: number
}

/** What a leader knows of a follower's log (Figure 2). */
export type ProgressView = { readonly matchIndex: number; readonly nextIndex: number }

/** A server as an observer knows it. */
export type ServerView = {
  readonly condition: Condition
  readonly life: number
  readonly pid: number | null
  readonly address: string | null
  /** Its role; none before it was heard of and after its death. */
  readonly role: RoleKind | null
  readonly term: Term
  /** Who has its vote in this term. */
  readonly votedFor: NodeId | null
  /** Who leads the term, in its eyes. */
  readonly leader: NodeId | null
  /** Its election timer; a leader has none. */
  readonly timer: ElectionTimer | null
  /** Whose votes it has, while it is a candidate. */
  readonly votes: readonly NodeId[]
  /** Its log; of a dead server, what is on its disk. */
  readonly log: logs.LogView
  /** What it knows, as a leader, of the others' logs. */
  readonly progress: { readonly [follower: NodeId]: ProgressView }
  /** The last request with entries that came to it: what it appends next is from there. */
  readonly lastRequest: AppendEntries | null
}

/** The cluster as an observer knows it. */
export type ClusterView = {
  readonly servers: { readonly [id: NodeId]: ServerView }
  readonly network: NetworkView
}

const UNKNOWN: ServerView = {
  condition: 'starting',
  life: 0,
  pid: null,
  address: null,
  role: null,
  term: 0,
  votedFor: null,
  leader: null,
  timer: null,
  votes: [],
  log: logs.EMPTY_LOG,
  progress: {},
  lastRequest: null,
}

const NO_PROGRESS: ProgressView = { matchIndex: 0, nextIndex: 0 }

/** A cluster of these servers, of which nothing is known yet. */
export function newCluster(ids: readonly NodeId[]): ClusterView {
  return { servers: Object.fromEntries(ids.map((id) => [id, UNKNOWN])), network: SOUND_NETWORK }
}

/** The cluster after this. A server that is not part of it is passed over. */
export function apply(cluster: ClusterView, record: TraceRecord): ClusterView {
  const before = cluster.servers[record.node]
  if (!before) return cluster
  const after = applyToServer(before, record)
  const network = applyToNetwork(cluster.network, record)
  if (after === before && network === cluster.network) return cluster
  return { servers: { ...cluster.servers, [record.node]: after }, network }
}

export function idsOf(cluster: ClusterView): NodeId[] {
  return Object.keys(cluster.servers).map(Number)
}

export function isRunning(server: ServerView | undefined): boolean {
  return server?.condition === 'running'
}

/** The current leader: of the running servers that lead, the one with the newest term. */
export function leaderOf(cluster: ClusterView): NodeId | null {
  let newest: NodeId | null = null
  for (const id of idsOf(cluster)) {
    const server = cluster.servers[id]!
    const leads = isRunning(server) && server.role === 'leader'
    if (leads && (newest === null || server.term >= cluster.servers[newest]!.term)) newest = id
  }
  return newest
}

export function runningOf(cluster: ClusterView): number {
  return idsOf(cluster).filter((id) => isRunning(cluster.servers[id])).length
}

/** How many votes an election needs. */
export function majorityOf(cluster: ClusterView): number {
  return Math.floor(idsOf(cluster).length / 2) + 1
}

export function highestTerm(cluster: ClusterView): Term {
  return Math.max(0, ...idsOf(cluster).map((id) => cluster.servers[id]!.term))
}

function applyToServer(known: ServerView, record: TraceRecord): ServerView {
  let server = known
  if (record.life > server.life) {
    server = { ...UNKNOWN, life: record.life, address: server.address }
  }
  // Reports of a dead server's last moments change nothing any more.
  if (server.condition === 'dead') return server
  // Whoever reports runs. A script's servers, which are no processes, say it no other way.
  const condition =
    server.condition === 'starting' && record.seq !== undefined ? 'running' : server.condition
  if (record.term > server.term) {
    server = { ...server, condition, term: record.term, votedFor: null, leader: null, votes: [] }
  } else if (condition !== server.condition || record.term !== server.term) {
    server = { ...server, condition, term: record.term }
  }
  return applyEvent(server, record)
}

function applyEvent(server: ServerView, record: TraceRecord): ServerView {
  switch (record.event) {
    case 'role': {
      const leads = record.role === 'leader'
      return {
        ...server,
        role: record.role,
        leader: leads ? record.node : null,
        progress: {},
        timer: leads ? null : server.timer,
        votes: [],
      }
    }
    case 'timer':
      return { ...server, timer: { startedAt: record.t, timeoutUs: record.timeout_us } }
    case 'vote':
      return record.granted ? { ...server, votedFor: record.candidate } : server
    case 'tally':
      return record.granted && !server.votes.includes(record.voter)
        ? { ...server, votes: [...server.votes, record.voter] }
        : server
    case 'leader':
      return { ...server, leader: record.leader }
    case 'appended':
      return { ...server, log: appended(server, record) }
    case 'truncated':
      return { ...server, log: logs.truncateFrom(server.log, record.first) }
    case 'committed':
      return { ...server, log: { ...server.log, commitIndex: record.index } }
    case 'applied':
      return { ...server, log: { ...server.log, lastApplied: record.index } }
    case 'saved':
      // By the time it is saved, the server may have voted in a later term.
      return { ...server, log: logs.noteSaved(server.log, record.log) }
    case 'restored':
      return {
        ...server,
        votedFor: record.voted_for,
        log: logs.restore(record.snapshot ?? { index: 0, term: 0 }, record.terms ?? [], record.log),
      }
    case 'snapshot_taken':
      return { ...server, log: logs.forgetUpTo(server.log, record.begins_after.index) }
    case 'snapshot_installed':
      return { ...server, log: logs.install(server.log, record.last_included, record.removed !== undefined) }
    case 'matched':
      return record.follower === record.node ? server : noteMatched(server, record.follower, record.index)
    case 'backed_up':
      return noteProgress(server, record.follower, { nextIndex: record.next })
    case 'sent':
      // Whatever the leader sends next goes on where this ends.
      return 'append_entries' in record.message
        ? noteProgress(server, record.to, { nextIndex: lastIndex(record.message.append_entries) + 1 })
        : server
    case 'received':
      return 'append_entries' in record.message && record.message.append_entries.entries.length > 0
        ? { ...server, lastRequest: record.message.append_entries }
        : server
    case 'started':
      return { ...server, condition: 'running', pid: record.pid, address: record.address }
    case 'paused':
      return { ...server, condition: 'paused' }
    case 'resumed':
      return { ...server, condition: 'running' }
    case 'stopped':
    case 'died':
      return loseProcess(server)
    default:
      return server
  }
}

function appended(server: ServerView, record: TraceRecord & { event: 'appended' }): logs.LogView {
  return record.rule === 'consistency-check' && server.lastRequest
    ? logs.appendFrom(server.log, server.lastRequest, record.first)
    : logs.appendOwn(server.log, record.first, record.last)
}

function noteMatched(server: ServerView, follower: NodeId, matchIndex: number): ServerView {
  const { nextIndex } = server.progress[follower] ?? NO_PROGRESS
  return noteProgress(server, follower, { matchIndex, nextIndex: Math.max(nextIndex, matchIndex + 1) })
}

function noteProgress(server: ServerView, follower: NodeId, news: Partial<ProgressView>): ServerView {
  const before = server.progress[follower] ?? NO_PROGRESS
  const after = { ...before, ...news }
  const isSame = after.matchIndex === before.matchIndex && after.nextIndex === before.nextIndex
  return isSame ? server : { ...server, progress: { ...server.progress, [follower]: after } }
}

function loseProcess(server: ServerView): ServerView {
  return {
    ...server,
    condition: 'dead',
    pid: null,
    role: null,
    leader: null,
    timer: null,
    votes: [],
    progress: {},
    log: logs.loseUnsaved(server.log),
  }
}
