import { describe, expect, test } from 'vitest'
import { commandsFor } from '../../src/source/commands'
import type { Action } from '../../src/source/contract'
import { apply, newCluster, type ClusterView } from '../../src/trace/view'
import { record } from './records'

/** Three servers, of which n2 leads and n3 may be something else. */
function cluster(...more: Parameters<typeof record>[0][]): ClusterView {
  const records = [
    ...[1, 2, 3].map((node) => ({ node, event: 'started' as const })),
    { node: 2, seq: 1, term: 1, event: 'role' as const, role: 'leader' as const, was: 'candidate' as const },
    ...more,
  ]
  return records.map((fields) => record(fields as never)).reduce(apply, newCluster([1, 2, 3]))
}

const commands = (action: Action, view = cluster(), off: string[] = []) => commandsFor(action, { cluster: view, off })

describe('what is done to a simulated cluster', () => {
  test.each<[Action, string[]]>([
    [{ action: 'kill_leader' }, ['kill n2']],
    [{ action: 'kill', node: 1 }, ['kill n1']],
    [{ action: 'restart', node: 1 }, ['restart n1']],
    [{ action: 'pause', node: 3 }, ['pause n3']],
    [{ action: 'resume', node: 3 }, ['resume n3']],
    [{ action: 'power_cut', node: 1, unsynced: 'lost' }, ['crash n1']],
    [{ action: 'power_cut', node: 1, unsynced: 'torn' }, ['crash n1 unsynced=torn']],
    [{ action: 'lose_disk', node: 1 }, ['lose-disk n1']],
    [{ action: 'fill_disk', node: 1 }, ['fill-disk n1']],
    [{ action: 'mend_disk', node: 1 }, ['mend-disk n1']],
    [{ action: 'set_clock', node: 1, multiple: 0.5 }, ['clock n1 0.5']],
    [{ action: 'force_timeout', node: 1 }, ['timeout n1']],
    [{ action: 'align_timers' }, ['timeout n1 n2 n3']],
    [{ action: 'transfer', to: 3 }, ['transfer n3']],
    [{ action: 'promote', node: 3 }, ['change promote=n3']],
    [{ action: 'remove_server', node: 3 }, ['change remove=n3']],
    [{ action: 'cut', links: { one_way: { from: 1, to: 2 } } }, ['cut n1 n2']],
    [{ action: 'cut', links: { both_ways: [1, 2] } }, ['cut n1 n2', 'cut n2 n1']],
    [{ action: 'cut', links: { of: 2 } }, ['partition n2']],
    [{ action: 'cut', links: { between: [1, 2] } }, ['partition n1 n2']],
    [{ action: 'mend', links: { both_ways: [1, 2] } }, ['mend n1 n2', 'mend n2 n1']],
    [{ action: 'mend', links: { of: 1 } }, ['mend n1 n2', 'mend n1 n3', 'mend n2 n1', 'mend n3 n1']],
    [{ action: 'heal' }, ['heal']],
    [{ action: 'delay', links: 'all', delay_us: 50_000 }, ['link latency=50ms']],
    [{ action: 'lose', links: 'all', percent: 20 }, ['link loss=0.2']],
    [{ action: 'lose', links: { one_way: { from: 1, to: 2 } }, percent: 20 }, ['link n1 n2 loss=0.2']],
    [{ action: 'delay', links: 'all', delay_us: 0 }, ['link']],
    [{ action: 'put', key: 'x', value: '7' }, ['put c1 x 7']],
    [{ action: 'get', key: 'x' }, ['get c1 x']],
    [{ action: 'delete', key: 'x' }, ['delete c1 x']],
    [{ action: 'swap', key: 'x', old: '7', value: '8' }, ['swap c1 x 7 8']],
    [{ action: 'message', what: 'hold', select: 'from=n1 to=n2 count=1' }, ['hold from=n1 to=n2 count=1']],
    [{ action: 'message', what: 'delay', select: 'from=n1 count=1' }, ['delay from=n1 count=1 by=100ms']],
    [{ action: 'rule', rule: 'one-vote-per-term', is_off: true }, ['rule one-vote-per-term off']],
  ])('%j is %j', (action, expected) => {
    expect(commands(action)).toEqual(expected)
  })

  test('a profile is for each server that runs', () => {
    const profile = { pre_vote: true, check_quorum: false, eager_election: false }
    const view = cluster({ node: 3, event: 'died' } as never)
    expect(commands({ action: 'set_profile', profile }, view)).toEqual(['profile n1 pre-vote', 'profile n2 pre-vote'])
    const all = { pre_vote: true, check_quorum: true, eager_election: true }
    expect(commands({ action: 'set_profile', profile: all }, view)[0]).toBe('profile n1 production')
  })

  test('a delay keeps what a link loses, and the other way round', () => {
    const links = [{ from: 1, to: 2 }]
    const view = cluster({ event: 'links_lossy', links, percent: 20 } as never)
    expect(commands({ action: 'delay', links: { one_way: links[0]! }, delay_us: 100_000 }, view)).toEqual(['link n1 n2 latency=100ms loss=0.2'])
    expect(commands({ action: 'delay', links: 'all', delay_us: 100_000 }, view).length).toBe(6)
  })

  test('only one rule is off at a time', () => {
    const other: Action = { action: 'rule', rule: 'majority-wins', is_off: true }
    expect(commands(other, cluster(), ['one-vote-per-term'])).toEqual(['rule one-vote-per-term on', 'rule majority-wins off'])
    expect(commands({ ...other, is_off: false }, cluster(), ['majority-wins'])).toEqual(['rule majority-wins on'])
  })

  test('says what can’t be done', () => {
    expect(() => commands({ action: 'kill_leader' }, newCluster([1, 2]))).toThrow('there is no leader at the moment')
    expect(() => commands({ action: 'add_server' })).toThrow('no server is left to add')
    expect(() => commands({ action: 'put', key: 'long', value: '7' })).toThrow('“long” is no key here')
    expect(() => commands({ action: 'put', key: 'x', value: 'a\nkill n1' })).toThrow('is no value here')
    expect(() => commands({ action: 'replace_server', node: 1 })).toThrow('a simulated cluster has no replace server')
  })
})
