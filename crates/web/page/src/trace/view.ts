// What the records so far say about each server. `crates/trace/src/view.rs` adds them up in the same way.

import { applyToRequests, type RequestView } from './clients'
import * as logs from './log'
import { applyToNetwork, SOUND_NETWORK, type NetworkView } from './network'
import { lastIndex, type AppendEntries, type NodeId, type Term, type TraceRecord } from './record'
import { noteContent } from './store'
import * as troubles from './trouble'
import type { ClusterView as ToldCluster } from '../types/ClusterView'
import type { Io } from '../types/Io'
import type { Membership } from '../types/Membership'
import type { ProgressView } from '../types/ProgressView'
import type { ServerView as Told } from '../types/ServerView'

/** A server as an observer knows it. */
export type ServerView = Readonly<Omit<Told, 'heartbeats_sent' | 'heartbeats_received' | 'last_message'>> & {
  /** The last request with entries that it received: what it appends next comes from there. */
  readonly last_request: AppendEntries | null
}

/** The cluster as an observer knows it. */
export type ClusterView = {
  readonly servers: { readonly [id: NodeId]: ServerView }
  /** The configuration with which the cluster began. */
  readonly founders: Membership
  readonly network: NetworkView
  /** The latest requests of clients, in the order in which they were asked. */
  readonly requests: readonly RequestView[]
}

const UNKNOWN: ServerView = {
  condition: 'starting',
  life: 0,
  pid: null,
  address: null,
  role: null,
  term: 0,
  voted_for: null,
  leader: null,
  timer: null,
  votes: [],
  log: logs.EMPTY_LOG,
  store: null,
  progress: {},
  membership: null,
  is_removed: false,
  trouble: null,
  slow_disk: null,
  lost_power: false,
  hands_over_to: null,
  profile: null,
  last_request: null,
}

const NO_PROGRESS: ProgressView = { match_index: 0, next_index: 0 }

/** A cluster of these servers, about which nothing is known yet. */
export function newCluster(ids: readonly NodeId[]): ClusterView {
  const founders = { voters: { simple: [...ids] }, learners: [], addresses: [], cluster: null, incarnations: [] }
  return { servers: Object.fromEntries(ids.map((id) => [id, UNKNOWN])), founders, network: SOUND_NETWORK, requests: [] }
}

/** The cluster as the server of this page describes it. */
export function clusterFrom({ servers, founders, network, requests }: ToldCluster): ClusterView {
  const known = Object.entries(servers).map(([id, server]) => [id, serverFrom(server)])
  return { servers: Object.fromEntries(known), founders, network, requests }
}

function serverFrom(told: Told): ServerView {
  const { heartbeats_sent: _sent, heartbeats_received: _received, last_message, ...known } = told
  return { ...known, last_request: entriesIn(last_message?.[1]) }
}

/** A request with entries, if that is what a server has received here. */
function entriesIn(io: Io | undefined): AppendEntries | null {
  if (io?.event !== 'received' || !('append_entries' in io.message)) return null
  return io.message.append_entries.entries.length > 0 ? io.message.append_entries : null
}

/** The cluster after this record, which may be about a server that is new here. */
export function apply(cluster: ClusterView, record: TraceRecord): ClusterView {
  const before = cluster.servers[record.node] ?? UNKNOWN
  const after = applyToServer(before, record)
  const network = applyToNetwork(cluster.network, record)
  const requests = applyToRequests(cluster.requests, record)
  const changed = after === before ? cluster.servers : { ...cluster.servers, [record.node]: after }
  const servers = noteWordOfLeader(changed, record)
  if (servers === cluster.servers && network === cluster.network && requests === cluster.requests) return cluster
  return { ...cluster, servers, network, requests }
}

/** What a leader says of another server. */
function noteWordOfLeader(servers: ClusterView['servers'], record: TraceRecord): ClusterView['servers'] {
  const [id, told] = troubles.ofAnother(record) ?? [0, null]
  const server = servers[id]
  if (!server || servers[record.node]?.role !== 'leader') return servers
  return { ...servers, [id]: { ...server, trouble: troubles.worse(server.trouble, told) } }
}

export function idsOf(cluster: ClusterView): NodeId[] {
  return Object.keys(cluster.servers).map(Number)
}

export function isRunning(server: ServerView | undefined): boolean {
  return server?.condition === 'running'
}

/** The running servers that believe that they lead. */
export function leadersOf(cluster: ClusterView): NodeId[] {
  return idsOf(cluster).filter((id) => isRunning(cluster.servers[id]) && cluster.servers[id]!.role === 'leader')
}

/** The current leader: of the servers that believe that they lead, the one with the newest term. */
export function leaderOf(cluster: ClusterView): NodeId | null {
  let newest: NodeId | null = null
  for (const id of leadersOf(cluster)) {
    if (newest === null || cluster.servers[id]!.term >= cluster.servers[newest]!.term) newest = id
  }
  return newest
}

/** The configuration that counts: the leader's or, without one, the latest in any log. */
export function membershipOf(cluster: ClusterView): Membership {
  const leader = leaderOf(cluster)
  if (leader !== null) return cluster.servers[leader]!.membership?.[1] ?? cluster.founders
  let [latest, membership] = [0, cluster.founders]
  for (const id of idsOf(cluster)) {
    const known = cluster.servers[id]!.membership
    if (known && known[0] >= latest) [latest, membership] = known
  }
  return membership
}

/** The sets of voters of which a majority must agree: a joint configuration has two. */
export function votersOf({ voters }: Membership): readonly (readonly NodeId[])[] {
  return 'simple' in voters ? [voters.simple] : [voters.joint.old, voters.joint.new]
}

/** Of each of these sets: how many run, how many there are, and how many must agree. */
export function quorumsOf(cluster: ClusterView): { running: number; all: number; majority: number }[] {
  return votersOf(membershipOf(cluster)).map((voters) => ({
    running: voters.filter((id) => isRunning(cluster.servers[id])).length,
    all: voters.length,
    majority: Math.floor(voters.length / 2) + 1,
  }))
}

/** How many votes an election needs, at least. */
export function majorityOf(cluster: ClusterView): number {
  return Math.max(...quorumsOf(cluster).map(({ majority }) => majority))
}

/** What a server is to the configuration that counts. */
export type Part = 'voter' | 'comes' | 'goes' | 'learner' | 'stranger'

export function partOf(cluster: ClusterView, id: NodeId): Part {
  const membership = membershipOf(cluster)
  const [before, after] = votersOf(membership)
  const [votes, willVote] = [before!.includes(id), (after ?? before)!.includes(id)]
  if (votes && willVote) return 'voter'
  if (votes) return 'goes'
  if (willVote) return 'comes'
  return membership.learners.includes(id) ? 'learner' : 'stranger'
}

export function highestTerm(cluster: ClusterView): Term {
  return Math.max(0, ...idsOf(cluster).map((id) => cluster.servers[id]!.term))
}

function applyToServer(known: ServerView, record: TraceRecord): ServerView {
  let server = known
  if (record.life > server.life) {
    server = { ...UNKNOWN, life: record.life, address: server.address }
  }
  // Late reports from before a server died change nothing.
  if (server.condition === 'dead') return server
  // A server that reports something is running. The servers of a scenario are not processes and have no other sign of it.
  const condition: ServerView['condition'] =
    server.condition === 'starting' && record.seq != null ? 'running' : server.condition
  if (record.term > server.term) {
    server = { ...server, condition, term: record.term, voted_for: null, leader: null, votes: [] }
  } else if (condition !== server.condition || record.term !== server.term) {
    server = { ...server, condition, term: record.term }
  }
  const content = record.content?.store
  if (content) server = { ...server, store: noteContent(server.store, content) }
  return applyEvent(noteTrouble(server, record), record)
}

/** What a server says of its own trouble. While it has a leader, some stranger may refuse it, and all is well. */
function noteTrouble(server: ServerView, record: TraceRecord): ServerView {
  const told = troubles.ofOneself(record)
  const before = server.trouble !== null && troubles.isOver(server.trouble, record) ? null : server.trouble
  const trouble = told === 'refused' && server.leader !== null ? before : troubles.worse(before, told)
  return trouble === server.trouble ? server : { ...server, trouble }
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
        hands_over_to: null,
        votes: [],
      }
    }
    case 'no_voter':
      return { ...server, timer: null }
    case 'membership':
      return { ...server, membership: [record.index, record.membership] }
    case 'removed':
      return { ...server, is_removed: true }
    case 'transfer_begun':
      return { ...server, hands_over_to: record.to }
    case 'transfer_failed':
      return { ...server, hands_over_to: null }
    case 'profile':
      return { ...server, profile: record.profile }
    case 'connection_lost':
    case 'connection_made':
    case 'timer':
      return { ...server, timer: { started_at: record.t, timeout_us: record.timeout_us } }
    case 'vote':
      return record.granted ? { ...server, voted_for: record.candidate } : server
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
      return { ...server, log: { ...server.log, commit_index: record.index } }
    case 'applied':
      return { ...server, log: { ...server.log, last_applied: record.index } }
    case 'saved':
      // By the time it is saved, the server may have voted in a later term.
      return { ...server, log: logs.noteSaved(server.log, record.log) }
    case 'restored':
      return {
        ...server,
        voted_for: record.voted_for,
        log: logs.restore(record.snapshot ?? { index: 0, term: 0 }, record.terms ?? [], record.log, commandsOf(record)),
      }
    case 'snapshot_taken':
      return { ...server, log: logs.forgetUpTo(server.log, record.begins_after.index) }
    case 'snapshot_installed':
      return { ...server, log: logs.install(server.log, record.last_included, record.removed !== undefined) }
    case 'matched':
      return record.follower === record.node ? server : noteMatched(server, record.follower, record.index)
    case 'backed_up':
      return noteProgress(server, record.follower, { next_index: record.next })
    case 'sent':
      // Whatever the leader sends next goes on where this ends.
      return 'append_entries' in record.message
        ? noteProgress(server, record.to, { next_index: lastIndex(record.message.append_entries) + 1 })
        : server
    case 'received':
      return 'append_entries' in record.message && record.message.append_entries.entries.length > 0
        ? { ...server, last_request: record.message.append_entries }
        : server
    case 'started':
      return { ...server, condition: 'running', pid: record.pid, address: record.address }
    case 'slow_disk':
      return { ...server, slow_disk: record.slow ?? null }
    case 'paused':
      return { ...server, condition: 'paused' }
    case 'resumed':
      return { ...server, condition: 'running' }
    case 'stopped':
      return loseProcess(server)
    case 'died':
      return { ...loseProcess(server), lost_power: record.power_cut != null }
    default:
      return server
  }
}

function appended(server: ServerView, record: TraceRecord & { event: 'appended' }): logs.LogView {
  return record.rule === 'consistency-check' && server.last_request
    ? logs.appendFrom(server.log, server.last_request, record.first, commandsOf(record))
    : logs.appendOwn(server.log, record.first, record.last, commandsOf(record))
}

/** What the entries hold that a record is about, as far as that was recorded. */
function commandsOf(record: TraceRecord): readonly string[] {
  return record.content?.entries ?? []
}

function noteMatched(server: ServerView, follower: NodeId, match_index: number): ServerView {
  const { next_index } = server.progress[follower] ?? NO_PROGRESS
  return noteProgress(server, follower, { match_index, next_index: Math.max(next_index, match_index + 1) })
}

function noteProgress(server: ServerView, follower: NodeId, news: Partial<ProgressView>): ServerView {
  const before = server.progress[follower] ?? NO_PROGRESS
  const after = { ...before, ...news }
  const isSame = after.match_index === before.match_index && after.next_index === before.next_index
  return isSame ? server : { ...server, progress: { ...server.progress, [follower]: after } }
}

function loseProcess(server: ServerView): ServerView {
  return {
    ...server,
    condition: 'dead',
    slow_disk: null,
    store: null,
    pid: null,
    role: null,
    leader: null,
    timer: null,
    votes: [],
    progress: {},
    log: logs.loseUnsaved(server.log),
  }
}
