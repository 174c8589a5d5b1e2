import { describe, expect, test } from 'vitest'
import { lastIndexOf, termAt } from '../../src/trace/log'
import { faultsOf, isCutOff } from '../../src/trace/network'
import type { TraceRecord } from '../../src/trace/record'
import { apply, leaderOf, newCluster, partOf, quorumsOf, type ClusterView } from '../../src/trace/view'
import { clusterWords, roleWords } from '../../src/trace/words'

const runningIn = (cluster: ClusterView) => quorumsOf(cluster)[0]!.running
import { appendEntries, noOp, record } from './records'

function after(...records: TraceRecord[]): ClusterView {
  return records.reduce(apply, newCluster([1, 2, 3]))
}

const started = (node: number, life = 1) => record({ node, life, event: 'started', pid: 7, address: '127.0.0.1:1' })
const elected = (node: number, term: number) => record({ node, term, event: 'role', role: 'leader', was: 'candidate' })

describe('servers', () => {
  test('who reports runs', () => {
    expect(after(record({ seq: 1, event: 'role', role: 'follower' })).servers[1]!.condition).toBe('running')
  })

  test('a newer term forgets the vote and the leader of the old one', () => {
    const server = after(
      record({ event: 'vote', candidate: 2, granted: true }),
      record({ event: 'leader', leader: 2 }),
      record({ term: 2, event: 'term', was: 1 }),
    ).servers[1]!
    expect(server).toMatchObject({ term: 2, voted_for: null, leader: null })
  })

  test('a refused vote is no vote', () => {
    expect(after(record({ event: 'vote', candidate: 2, granted: false })).servers[1]!.voted_for).toBeNull()
  })

  test('a leader has no election timer', () => {
    const server = after(record({ event: 'timer', timeout_us: 200 }), elected(1, 1)).servers[1]!
    expect(server.timer).toBeNull()
  })

  test('a voter counts once', () => {
    const yes = record({ event: 'tally', voter: 2, granted: true, votes: 1, needed: 2 })
    expect(after(yes, yes).servers[1]!.votes).toEqual([2])
  })

  test('the dead change nothing, and a new life begins anew but for the address', () => {
    const dead = after(started(1), elected(1, 4), record({ term: 4, event: 'died', signal: 9 }), elected(1, 5))
    expect(dead.servers[1]).toMatchObject({ condition: 'dead', role: null, term: 4, pid: null })
    const again = apply(dead, record({ life: 2, term: 4, seq: 1, event: 'role', role: 'follower' }))
    expect(again.servers[1]).toMatchObject({ condition: 'running', role: 'follower', address: '127.0.0.1:1' })
  })

  test('a power cut is not a kill', () => {
    const killed = after(started(1), record({ event: 'died', signal: 9 }))
    expect(roleWords(killed.servers[1]!)).toBe('dead')
    const cut = after(started(1), record({ event: 'died', power_cut: 'lost' }))
    expect(roleWords(cut.servers[1]!)).toBe('no power')
    expect(roleWords(apply(cut, record({ life: 2, seq: 1, event: 'role', role: 'follower' })).servers[1]!)).toBe('follower')
  })

  test('a server that comes later is shown, and has no vote yet', () => {
    const cluster = apply(newCluster([1]), started(9))
    expect(cluster.servers[9]!.condition).toBe('running')
    expect(partOf(cluster, 9)).toBe('stranger')
    expect(quorumsOf(cluster)).toEqual([{ running: 0, all: 1, majority: 1 }])
  })

  test('the state before stays what it was', () => {
    const before = after(started(1))
    apply(before, elected(1, 1))
    expect(before.servers[1]!.role).toBeNull()
  })
})

describe('the cluster', () => {
  test('of two leaders the one with the newest term leads', () => {
    expect(leaderOf(after(started(1), started(2), elected(1, 3), elected(2, 2)))).toBe(1)
  })

  test('says that there is no majority', () => {
    const cluster = after(started(1), started(2), started(3), record({ node: 2, event: 'died' }), record({ node: 3, event: 'died' }))
    expect(runningIn(cluster)).toBe(1)
    expect(clusterWords(cluster).text).toBe('No majority: 1 of 3 running, an election needs 2')
  })

  test('says that nothing runs before it begins', () => {
    expect(clusterWords(newCluster([1, 2, 3])).text).toBe('No server has started yet')
  })

  test('says that a leader is left alone', () => {
    const cluster = after(started(1), elected(1, 2), record({ node: 2, event: 'died' }))
    expect(clusterWords(cluster).text).toBe('n1 leads term 2, but without a majority: 1 of 3 running, 2 needed')
  })
})

describe('several leaders', () => {
  const running = [1, 2, 3].map((node) => started(node))

  test('are all named: one that was deposed may not know it', () => {
    const cluster = after(...running, elected(1, 1), elected(3, 2))
    expect(clusterWords(cluster)).toEqual({ text: 'n3 leads term 2; n1 still thinks that it leads term 1', tone: 'good' })
  })

  test('of the same term are a violation', () => {
    expect(clusterWords(after(...running, elected(1, 2), elected(3, 2))).text).toBe('n3 leads term 2; n1 leads term 2 too')
  })

  test('count only while they run', () => {
    expect(clusterWords(after(...running, elected(1, 1), record({ event: 'died' }), elected(3, 2))).text).toBe('n3 leads term 2')
  })
})

describe('a server whose data is in trouble', () => {
  const third = (cluster: ClusterView) => cluster.servers[3]!.trouble
  const refused = record({ node: 3, event: 'refused_by', by: 1, problem: 'other_data' })
  const rejected = (from: number, problem: unknown) => record({ event: 'rejected', from, problem })
  const needed = record({ event: 'snapshot_needed', follower: 3, next: 1, last_included: { index: 7, term: 1 } })
  const named = (ids: number[]) => ({ voters: { simple: ids }, learners: [], addresses: [], cluster: null, incarnations: [] })

  test('says so itself, or its leader does', () => {
    expect(third(after(refused))).toBe('refused')
    expect(third(after(rejected(3, 'other_data')))).toBeNull()
    expect(third(after(elected(1, 1), rejected(3, 'other_data')))).toBe('refused')
    expect(third(after(elected(1, 1), rejected(3, 'second_leader')))).toBeNull()
    expect(third(after(elected(1, 1), record({ event: 'lost_entries', follower: 3, had: 9, has: 8 })))).toBe('lost_data')
    expect(third(after(record({ node: 3, event: 'retired', retirement: 'older_copy' })))).toBe('older_copy')
    expect(third(after(record({ node: 3, event: 'retired', retirement: { lost_entries: 9 } })))).toBe('lost_data')
    expect(third(after(elected(1, 1), rejected(3, { lost_entries: { had: 9 } }), rejected(3, 'other_data')))).toBe('lost_data')
    expect(after(elected(1, 1), rejected(9, 'other_data')).servers[9]).toBeUndefined()
  })

  test('is none that follows a leader, whoever refuses it', () => {
    const follows = record({ node: 3, event: 'leader', leader: 1 })
    expect(third(after(follows, refused))).toBeNull()
    expect(third(after(refused, follows))).toBeNull()
  })

  test('is out of it with a configuration that names it, with what it lacked, or with a new start', () => {
    expect(third(after(refused, record({ node: 3, event: 'membership', index: 5, membership: named([1, 2]) })))).toBe('refused')
    expect(third(after(refused, record({ node: 3, event: 'membership', index: 5, membership: named([1, 2, 3]) })))).toBeNull()
    expect(third(after(elected(1, 1), needed))).toBe('far_behind')
    const installed = record({ node: 3, event: 'snapshot_installed', last_included: { index: 7, term: 1 } })
    expect(third(after(elected(1, 1), needed, installed))).toBeNull()
    expect(third(after(refused, started(3, 2)))).toBeNull()
  })
})

describe('logs', () => {
  test('a follower takes over the terms of the request, from where its own log ends', () => {
    const request = appendEntries({ index: 1, term: 1 }, [noOp(1), noOp(2)], 2)
    const { log } = after(
      record({ event: 'appended', rule: 'no-op-on-election', first: 1, last: { index: 2, term: 1 } }),
      record({ event: 'received', from: 2, message: request }),
      record({ event: 'appended', rule: 'consistency-check', first: 3, last: { index: 3, term: 2 } }),
    ).servers[1]!
    expect(lastIndexOf(log)).toBe(3)
    expect([1, 2, 3].map((index) => termAt(log, index))).toEqual([1, 1, 2])
  })

  test('what was not saved goes with the process', () => {
    const { log } = after(
      record({ event: 'appended', first: 1, last: { index: 3, term: 1 } }),
      record({ event: 'saved', current_term: 1, voted_for: null, log: { index: 2, term: 1 } }),
      record({ event: 'died' }),
    ).servers[1]!
    expect(lastIndexOf(log)).toBe(2)
  })

  test('a save that the log has left behind says nothing', () => {
    const { log } = after(
      record({ event: 'appended', first: 1, last: { index: 2, term: 1 } }),
      record({ event: 'truncated', first: 2, last: { index: 2, term: 1 } }),
      record({ event: 'saved', current_term: 1, voted_for: null, log: { index: 2, term: 1 } }),
    ).servers[1]!
    expect(log.saved).toBe(0)
  })

  test('a restarted server has the terms that it found', () => {
    const restored = {
      event: 'restored',
      current_term: 3,
      voted_for: 2,
      log: { index: 6, term: 3 },
      snapshot: { index: 2, term: 1 },
      terms: [
        { index: 3, term: 1 },
        { index: 5, term: 3 },
      ],
    }
    const server = after(record({ life: 2, term: 3, ...restored })).servers[1]!
    expect(server.voted_for).toBe(2)
    expect([2, 3, 4, 5, 6].map((index) => termAt(server.log, index))).toEqual([1, 1, 1, 3, 3])
    expect(server.log).toMatchObject({ saved: 6, commit_index: 2, last_applied: 2 })
  })

  test('a snapshot that does not fit takes the place of all', () => {
    const { log } = after(
      record({ event: 'appended', first: 1, last: { index: 5, term: 1 } }),
      record({ event: 'snapshot_installed', last_included: { index: 4, term: 2 }, removed: 5 }),
    ).servers[1]!
    expect(lastIndexOf(log)).toBe(4)
    expect(log.begins_after).toEqual({ index: 4, term: 2 })
  })

  test('only the last 200 entries are remembered', () => {
    const { log } = after(record({ event: 'appended', first: 1, last: { index: 450, term: 1 } })).servers[1]!
    expect(log.entries.length).toBe(200)
    expect(lastIndexOf(log)).toBe(450)
  })

  test('a leader knows nextIndex by what it sent, and matchIndex by the answers', () => {
    const leader = after(
      elected(1, 1),
      record({ event: 'sent', to: 2, message: appendEntries({ index: 0, term: 0 }, [noOp(1)]) }),
      record({ event: 'matched', follower: 2, index: 1 }),
      record({ event: 'backed_up', follower: 3, next: 1 }),
    ).servers[1]!
    expect(leader.progress).toEqual({
      2: { match_index: 1, next_index: 2 },
      3: { match_index: 0, next_index: 1 },
    })
  })
})

describe('the network', () => {
  const links = [
    { from: 1, to: 2 },
    { from: 2, to: 1 },
    { from: 1, to: 3 },
    { from: 3, to: 1 },
  ]

  test('a server without links is cut off, until one is mended', () => {
    const cut = after(record({ event: 'links_cut', links }))
    expect(isCutOff(cut.network, 1, [1, 2, 3])).toBe(true)
    expect(isCutOff(cut.network, 2, [1, 2, 3])).toBe(false)
    const mended = apply(cut, record({ event: 'links_mended', links: [{ from: 3, to: 1 }] }))
    expect(isCutOff(mended.network, 1, [1, 2, 3])).toBe(false)
  })

  test('faults add up on a link, and healing takes all', () => {
    const slow = after(
      record({ event: 'links_delayed', links, delay_us: 5000 }),
      record({ event: 'links_lossy', links: links.slice(0, 1), percent: 20 }),
    )
    expect(faultsOf(slow.network, 1, 2)).toMatchObject({ delay_us: 5000, loss_percent: 20, cut: false })
    expect(apply(slow, record({ event: 'links_healed' })).network.faulty_links).toEqual([])
  })
})
