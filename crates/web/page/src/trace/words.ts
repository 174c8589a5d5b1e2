// The cluster and its servers in words.

import type { Trouble } from './trouble'
import {
  leaderOf,
  membershipOf,
  quorumsOf,
  votersOf,
  type ClusterView,
  type Part,
  type ServerView,
} from './view'

/** The cluster in one sentence, and whether it can make progress. */
export function clusterWords(cluster: ClusterView): { text: string; tone: 'good' | 'waiting' | 'bad' } {
  const quorums = quorumsOf(cluster)
  const running = quorums.map((it) => `${it.running} of ${it.all}`).join(' and ')
  const majority = quorums.map((it) => it.majority).join(' and ')
  const leader = leaderOf(cluster)
  const lacking = quorums.some((it) => it.running < it.majority)
  if (leader !== null) {
    const leads = `n${leader} leads term ${cluster.servers[leader]!.term}${changeWords(cluster)}`
    return lacking
      ? { text: `${leads}, but has no quorum: ${running} running, a majority is ${majority}`, tone: 'bad' }
      : { text: leads, tone: 'good' }
  }
  if (lacking) return { text: `No quorum: ${running} running, an election needs ${majority}`, tone: 'bad' }
  return { text: `No leader: ${running} running, an election needs ${majority}`, tone: 'waiting' }
}

/** While the members change: which majorities everything needs. */
function changeWords(cluster: ClusterView): string {
  const sets = votersOf(membershipOf(cluster))
  if (sets.length === 1) return ''
  return `, needs majorities of ${sets.map((ids) => ids.map((id) => `n${id}`).join(' ')).join(' and of ')}`
}

/** What is wrong with a server's data, in a word or two and in a sentence. */
export const TROUBLES: Readonly<Record<Trouble, { brief: string; sentence: string }>> = {
  far_behind: { brief: 'far behind', sentence: 'It lacks so much of the log that the leader sends it a snapshot.' },
  refused: { brief: 'refused', sentence: 'The others do not hear it: its data is not that of a member.' },
  older_copy: {
    brief: 'older copy',
    sentence: 'Its data folder is an older copy of itself, or runs twice: it takes no part any longer.',
  },
  lost_data: { brief: 'lost data', sentence: 'It has lost entries that it had acknowledged: it takes no part any longer.' },
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
  if (server.role === 'follower' && part === 'stranger') return 'no member'
  if (server.role === 'leader' && server.hands_over_to !== null) return `hands over to n${server.hands_over_to}`
  const role = server.role === 'pre_candidate' ? 'pre-candidate' : (server.role ?? 'starting')
  return part === 'comes' ? `${role}, comes` : part === 'goes' ? `${role}, goes` : role
}

/** Who has a server's vote; or how many it has itself, as a candidate that needs so many. */
export function voteWords(server: ServerView, needed: number): string {
  if (server.role === 'candidate') return `${server.votes.length} of ${needed} votes`
  return server.voted_for === null ? 'no vote' : `vote: n${server.voted_for}`
}

/** The English of an event, which begins small, as a sentence. Names stay as they are. */
export function asSentence(why: string): string {
  return /^n\d/.test(why) ? why : why.charAt(0).toUpperCase() + why.slice(1)
}

/** Microseconds as `12.345 s`. */
export function seconds(t: number): string {
  return `${(t / 1e6).toFixed(3)} s`
}

/** Microseconds as `15 ms`. */
export function milliseconds(us: number): string {
  return us < 10_000 && us % 1000 !== 0 ? `${(us / 1000).toFixed(1)} ms` : `${Math.round(us / 1000)} ms`
}

/** A speed as `1/20`, or `×2` if it is faster than real time. */
export function speedWords(speed: number): string {
  if (speed === 1) return '1/1'
  return speed < 1 ? `1/${Math.round(1 / speed)}` : `×${speed}`
}
