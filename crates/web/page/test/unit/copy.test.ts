import { describe, expect, test } from 'vitest'
import type { Setup } from '../../src/source/contract'
import { copyOf } from '../../src/source/copy'
import { EMPTY_LOG } from '../../src/trace/log'
import type { LogPosition, NodeId, Term } from '../../src/trace/record'
import { newCluster, type ClusterView, type ServerView } from '../../src/trace/view'

const TIMING = { heartbeat_us: 15_000, election_timeout_min_us: 150_000, election_timeout_max_us: 300_000 }
const SETUP = { title: '3 servers', timing: TIMING, latency_us: 0 } as Setup

function cluster(servers: Record<NodeId, Partial<ServerView>>, more: Partial<ClusterView> = {}): ClusterView {
  const ids = Object.keys(servers).map(Number)
  const before = newCluster(ids)
  const known = ids.map((id) => [id, { ...before.servers[id]!, condition: 'running', ...servers[id] }])
  return { ...before, ...more, servers: Object.fromEntries(known) as ClusterView['servers'] }
}

function log(terms: Term[], { saved = terms.length, commit = 0, after = { index: 0, term: 0 } as LogPosition } = {}) {
  const entries = terms.map((term) => ({ term, command: null }))
  return { ...EMPTY_LOG, begins_after: after, entries, saved: after.index + saved, commit_index: commit }
}

const commandsOf = (copied: ClusterView) =>
  copyOf(copied, 1_234_567, SETUP, 7).split('\n').filter((line) => line && !line.startsWith('#') && line !== '---')

const CLUSTER = 'cluster 3 election-timeout=150000us..300000us heartbeat=15000us latency=10ms..20ms seed=7'

describe('a simulated copy of a cluster', () => {
  test('begins with what the disks hold, and says so first', () => {
    const copied = cluster({
      1: { term: 2, voted_for: 1, log: log([1, 2, 2], { saved: 2, commit: 2 }) },
      2: { term: 2, voted_for: 1, log: log([1, 2], { commit: 1 }) },
      3: { term: 1, log: log([]) },
    })
    expect(copyOf(copied, 1_234_567, SETUP, 7)).toMatch(/^# A copy of 3 servers at 1\.235 s\n#\n# All servers have just been restarted with what their disks hold\./)
    expect(commandsOf(copied)).toEqual([
      'log n1 1 2',
      'log n2 1 2',
      'committed 2 2',
      'memory n1 term=2 voted-for=n1',
      'memory n2 term=2 voted-for=n1',
      'memory n3 term=1',
      CLUSTER,
    ])
  })

  test('keeps faults and further servers', () => {
    const cut = { from: 1, to: 2, cut: true, loss_percent: 0, delay_us: 0 }
    const slow = { ...cut, to: 3, cut: false, delay_us: 1000 }
    const founders = newCluster([1, 2, 3]).founders
    const copied = cluster({ 1: {}, 2: { condition: 'dead' }, 3: { condition: 'paused' }, 4: {} }, { founders, network: { speed_millionths: null, faulty_links: [cut, slow] } })
    expect(commandsOf(copied)).toEqual([CLUSTER.replace(' seed', ' spares=1 seed'), 'kill n2', 'pause n3', 'cut n1 n2'])
  })

  test('takes what one log has forgotten from another one, and else the term after which the log goes on', () => {
    const copied = cluster({
      1: { log: log([2, 3], { after: { index: 3, term: 2 }, commit: 4 }) },
      2: { log: log([3], { after: { index: 4, term: 2 }, commit: 4 }) },
      3: { log: log([], { after: { index: 2, term: 1 } }) },
    })
    expect(commandsOf(copied).slice(0, 4)).toEqual(['log n1 1 1 2 2 3', 'log n2 1 1 2 2 3', 'log n3 1 1', 'committed 4 2'])
  })

  test('is refused where a simulated cluster can’t begin like that', () => {
    expect(() => commandsOf(cluster({ 1: { log: log(Array.from({ length: 1001 }, () => 1)) } }))).toThrow('the logs have up to 1001 entries, too many for a copy')
    expect(() => commandsOf(cluster({ 2: {}, 3: {} }))).toThrow('the voters are n2, n3, and those of a simulated cluster are n1, n2 and so on')
    const joint = { ...newCluster([1]).founders, voters: { joint: { old: [1], new: [1, 2] } } }
    expect(() => commandsOf(cluster({ 1: {}, 2: {} }, { founders: joint }))).toThrow('the voters are being changed')
  })
})
