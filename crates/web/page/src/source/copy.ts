// A simulated copy of a cluster: a script that begins with what the servers' disks hold at a moment.

import { lastIndexOf, termAt, type LogView } from '../trace/log'
import type { NodeId, Term } from '../trace/record'
import { idsOf, membershipOf, votersOf, type ClusterView } from '../trace/view'
import { seconds } from '../trace/words'
import { profileWords } from './commands'
import type { Setup } from './contract'
import { anySeed, USUAL } from './new-cluster'

/** A script says the term of each entry. */
const MOST_ENTRIES = 1000

/** What is different in a copy. */
export const DIFFERENCE =
  'All servers have just been restarted with what their disks hold. The entries have their terms, but not their contents, so the stores are empty.'

/** The script of a copy of this cluster, as it was at a moment. Throws an error, with help, if there can't be one. */
export function copyOf(cluster: ClusterView, at: number, setup: Setup, seed = anySeed()): string {
  const voters = votersAsNumbered(cluster)
  const spares = Math.max(...idsOf(cluster)) - voters.length
  const kept = voters.filter((id) => cluster.servers[id]!.log.saved > 0)
  const terms = termsOf(cluster, kept)
  const lines = [
    `# A copy of ${setup.title} at ${seconds(at)}`,
    '#',
    `# ${DIFFERENCE}`,
    '',
    ...kept.map((id) => `log n${id} ${terms[id]!.join(' ')}`),
    ...committedIn(cluster, kept, terms),
    ...voters.filter((id) => cluster.servers[id]!.term > 0).map((id) => memoryOf(cluster, id)),
    copyCommand(voters.length, spares, setup, seed),
    ...faultsIn(cluster, voters.length + spares),
  ]
  return `${lines.join('\n')}\n---\n`
}

/** A simulated cluster begins with the voters from n1 on, without a gap. */
function votersAsNumbered(cluster: ClusterView): NodeId[] {
  const [voters, willVote] = votersOf(membershipOf(cluster)).map((ids) => [...ids].sort((one, other) => one - other))
  const help = 'choose another moment'
  if (willVote) throw Object.assign(new Error('the voters are being changed, and a copy can’t begin in the middle of that'), { help })
  if (voters!.some((id, place) => id !== place + 1)) {
    const names = voters!.map((id) => `n${id}`).join(', ')
    throw Object.assign(new Error(`the voters are ${names}, and those of a simulated cluster are n1, n2 and so on`), { help })
  }
  return voters!
}

/**
 * The terms of all entries on each disk. Those of which only a snapshot is left, or that are too old to be remembered here, are
 * committed, so they are the same on all disks; those that no log has any longer get the term of the last of them.
 */
function termsOf(cluster: ClusterView, ids: readonly NodeId[]): Record<NodeId, Term[]> {
  const logs = ids.map((id) => cluster.servers[id]!.log)
  const longest = Math.max(0, ...logs.map((log) => log.saved))
  if (longest > MOST_ENTRIES) {
    const help = `the copy of a log has at most ${MOST_ENTRIES} entries: start a new cluster, or choose an earlier moment`
    throw Object.assign(new Error(`the logs have up to ${longest} entries, too many for a copy`), { help })
  }
  const forgotten = logs.reduce<LogView | undefined>((least, log) => (least && least.begins_after.index <= log.begins_after.index ? least : log), undefined)
  const shared = (index: number) =>
    logs.map((log) => termAt(log, index)).find((term) => term !== undefined) ?? forgotten!.begins_after.term
  const all = ids.map((id, place) => {
    const log = logs[place]!
    const term = (index: number) => (index > log.begins_after.index ? termAt(log, index)! : shared(index))
    return [id, Array.from({ length: Math.min(log.saved, lastIndexOf(log)) }, (_, before) => term(before + 1))] as const
  })
  return Object.fromEntries(all)
}

function committedIn(cluster: ClusterView, ids: readonly NodeId[], terms: Record<NodeId, Term[]>): string[] {
  const known = ids.map((id) => ({ id, index: Math.min(cluster.servers[id]!.log.commit_index, terms[id]!.length) }))
  const furthest = known.reduce((most, one) => (one.index > most.index ? one : most), { id: 0, index: 0 })
  return furthest.index > 0 ? [`committed ${furthest.index} ${terms[furthest.id]![furthest.index - 1]}`] : []
}

function memoryOf(cluster: ClusterView, id: NodeId): string {
  const { term, voted_for } = cluster.servers[id]!
  return `memory n${id} term=${term}${voted_for === null ? '' : ` voted-for=n${voted_for}`}`
}

function copyCommand(servers: number, spares: number, { timing, latency_us }: Setup, seed: number): string {
  const words = [`cluster ${servers}`]
  if (timing) words.push(`election-timeout=${timing.election_timeout_min_us}us..${timing.election_timeout_max_us}us`, `heartbeat=${timing.heartbeat_us}us`)
  // Real messages take so little time here that nobody could click one.
  words.push(latency_us > 0 ? `latency=${latency_us}us` : `latency=${USUAL.quickest}ms..${USUAL.slowest}ms`)
  if (spares > 0) words.push(`spares=${spares}`)
  return [...words, `seed=${seed}`].join(' ')
}

/** What was switched or broken by hand. */
function faultsIn(cluster: ClusterView, servers: number): string[] {
  const lines: string[] = []
  for (const id of idsOf(cluster)) {
    const { profile, condition } = cluster.servers[id]!
    if (profile) lines.push(`profile n${id} ${profileWords(profile)}`)
    if (condition === 'dead') lines.push(`kill n${id}`)
    if (condition === 'paused') lines.push(`pause n${id}`)
  }
  for (const { from, to, cut } of cluster.network.faulty_links) {
    if (cut && from <= servers && to <= servers) lines.push(`cut n${from} n${to}`)
  }
  return lines
}
