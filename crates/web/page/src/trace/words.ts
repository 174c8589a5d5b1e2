// The cluster and its servers in words.

import type { NodeId, TraceRecord } from './record'
import type { Trouble } from './trouble'
import {
  leaderOf,
  leadersOf,
  membershipOf,
  quorumsOf,
  votersOf,
  type ClusterView,
  type Part,
  type ServerView,
} from './view'

/** The cluster in one sentence, and whether it can make progress. */
export function clusterWords(cluster: ClusterView): { text: string; tone: 'good' | 'waiting' | 'bad' } {
  if (Object.values(cluster.servers).every(({ life }) => life === 0)) return { text: 'No server has started yet', tone: 'waiting' }
  const quorums = quorumsOf(cluster)
  const running = quorums.map((it) => `${it.running} of ${it.all}`).join(' and ')
  const majority = quorums.map((it) => it.majority).join(' and ')
  const leader = leaderOf(cluster)
  const lacking = quorums.some((it) => it.running < it.majority)
  if (leader !== null) {
    const leads = `n${leader} leads term ${cluster.servers[leader]!.term}${changeWords(cluster)}`
    const others = otherLeaders(cluster, leader)
    return lacking
      ? { text: `${leads}, but without a majority: ${running} running, ${majority} needed${others}`, tone: 'bad' }
      : { text: leads + others, tone: 'good' }
  }
  if (lacking) return { text: `No majority: ${running} running, an election needs ${majority}`, tone: 'bad' }
  return { text: `No leader: ${running} running, an election needs ${majority}`, tone: 'waiting' }
}

/** The servers that lead an older term and have not heard of the new leader; or, where a rule is off, the same term. */
function otherLeaders(cluster: ClusterView, leader: NodeId): string {
  const words = leadersOf(cluster)
    .filter((id) => id !== leader)
    .map((id) => {
      const { term } = cluster.servers[id]!
      const isSame = term === cluster.servers[leader]!.term
      return isSame ? `; n${id} leads term ${term} too` : `; n${id} still thinks that it leads term ${term}`
    })
  return words.join('')
}

/** While the members change: the majorities that every decision needs. */
function changeWords(cluster: ClusterView): string {
  const sets = votersOf(membershipOf(cluster))
  if (sets.length === 1) return ''
  return `, needs a majority of ${sets.map((ids) => ids.map((id) => `n${id}`).join(' ')).join(' and one of ')}`
}

/** What is wrong with a server's data, in a word or two and in a sentence. */
export const TROUBLES: Readonly<Record<Trouble, { brief: string; sentence: string }>> = {
  far_behind: { brief: 'far behind', sentence: 'Its log is so far behind that the leader sends it a snapshot.' },
  refused: { brief: 'refused', sentence: 'The other servers ignore it: its data folder is not that of a member.' },
  older_copy: {
    brief: 'older copy',
    sentence: 'Its data folder is an older copy, or a second server runs on a copy of it: it no longer takes part.',
  },
  lost_data: { brief: 'lost data', sentence: 'It has lost entries that it had acknowledged: it no longer takes part.' },
}

/** What is wrong with a server's data while it runs. */
export function troubleOf(server: ServerView) {
  return server.trouble === null || server.condition === 'dead' ? null : TROUBLES[server.trouble]
}

/** A server's role or what keeps it from having one. */
export function roleWords(server: ServerView, part: Part = 'voter'): string {
  if (server.condition === 'dead') return server.lost_power ? 'no power' : 'dead'
  if (server.condition === 'paused') return 'paused'
  if (server.is_removed) return 'removed'
  if (server.role === 'follower' && part === 'learner') return 'learner'
  if (server.role === 'follower' && part === 'stranger') return 'nonmember'
  if (server.role === 'leader' && server.hands_over_to !== null) return `hands over to n${server.hands_over_to}`
  const role = server.role === 'pre_candidate' ? 'pre-candidate' : (server.role ?? 'starting')
  return part === 'comes' ? `${role}, joining` : part === 'goes' ? `${role}, leaving` : role
}

/** Whom a server has voted for; for a candidate, how many votes it has and how many it needs. */
export function voteWords(server: ServerView, needed: number): string {
  if (server.role === 'candidate') return `${server.votes.length} of ${needed} votes needed`
  return server.voted_for === null ? 'no vote yet' : `voted for n${server.voted_for}`
}

/** Why the chain of causes ends at once with this record. */
export function beginningWords(record: TraceRecord): string {
  if (record.cause != null) return 'The event that led to this is not in this recording.'
  switch (record.event) {
    case 'heartbeat':
      return 'It was time: the heartbeat interval was over.'
    case 'asked':
    case 'client_asks':
      return 'A client asked for it.'
    case 'role':
    case 'restored':
      return 'The server was started.'
    case 'violated':
      return 'No single event broke the promise.'
    default:
      return 'It began here: something outside this server led to it.'
  }
}

/** Begins a sentence with a capital letter. Names of servers and clients stay as they are. */
export function asSentence(why: string): string {
  return /^[nc]\d/.test(why) ? why : why.charAt(0).toUpperCase() + why.slice(1)
}

/** What was wrong, and what to do about it. */
export function failureWords(failure: unknown): string {
  const { message, help } = failure as Error & { help?: string }
  return [message, help].filter((words) => words !== undefined).map(asSentence).join('. ')
}

/** Microseconds as `12.345 s`. */
export function seconds(t: number): string {
  return `${(t / 1e6).toFixed(3)} s`
}

/** Microseconds as `15 ms`. */
export function milliseconds(us: number): string {
  return us < 10_000 && us % 1000 !== 0 ? `${(us / 1000).toFixed(1)} ms` : `${Math.round(us / 1000)} ms`
}

/** A speed as `1/20`, or from real time on as `×1`, `×2`. */
export function speedWords(speed: number): string {
  return speed < 1 ? `1/${Math.round(1 / speed)}` : `×${speed}`
}

/** A number of commands, in words. */
export function commandCount(number: number): string {
  return number === 1 ? '1 command' : `${number} commands`
}
