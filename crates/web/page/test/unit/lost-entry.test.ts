// The run that crates/simulator/tests/simulator/lost_entry.rs has recorded, and what the Rust view made of it.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { History } from '../../src/trace/history'
import { commandAt } from '../../src/trace/log'
import type { TraceRecord } from '../../src/trace/record'
import { knownOf, shownOf } from '../../src/trace/store'
import { apply, clusterFrom, newCluster, type ClusterView } from '../../src/trace/view'
import { record } from './records'

const folder = new URL('../../../../simulator/tests/lost-entry/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8')
const records: TraceRecord[] = read('records.jsonl').trimEnd().split('\n').map((line) => JSON.parse(line))
const views: { after: number; view: Parameters<typeof clusterFrom>[0] }[] = JSON.parse(read('views.json'))

/** The cluster but for what only one of the two views remembers. */
function comparable(cluster: ClusterView) {
  const servers = Object.entries(cluster.servers).map(([id, server]) => [id, { ...server, last_request: null }])
  return { ...cluster, servers: Object.fromEntries(servers) }
}

function request(cluster: ClusterView, what: string) {
  return cluster.requests.find((one) => one.what === what)
}

const death = records.findIndex(({ event }) => event === 'died')
const after = (count: number) => records.slice(0, count).reduce(apply, newCluster([1, 2, 3]))
const stores = (cluster: ClusterView) => Object.values(cluster.servers).map(({ store }) => store && knownOf(store))

describe('a recorded run', () => {
  test.each(views.map(({ after, view }) => [after, view] as const))('is to the page what it is to the terminal, after %i records', (count, view) => {
    expect(comparable(after(count))).toEqual(comparable(clusterFrom(view)))
  })

  test('tells of an entry that was lost: it stands in one log, and reaches no store', () => {
    const logsWithIt = new Set<number>()
    let cluster = newCluster([1, 2, 3])
    for (const record of records) {
      cluster = apply(cluster, record)
      for (const [id, server] of Object.entries(cluster.servers)) {
        if (commandAt(server.log, 3) === 'x = 9') logsWithIt.add(Number(id))
        expect(server.store?.held['x']).not.toBe('9')
      }
    }
    expect([...logsWithIt]).toEqual([1])
    expect(stores(cluster)).toEqual([[['x', '2']], [['x', '2']], [['x', '2']]])
  })

  test('tells that its client does not know, which is not the same as "not done"', () => {
    expect(request(after(death), 'x = 9')).toMatchObject({ client: 1, node: 1, outcome: null })
    const unknown = { kind: 'unknown', words: 'n1 died before it replied' }
    expect(request(after(death + 1), 'x = 9')!.outcome).toEqual(unknown)
    expect(request(after(records.length), 'x = 9')!.outcome).toEqual(unknown)
    expect(request(after(records.length), 'x = 2')!.outcome).toEqual({ kind: 'done', words: 'written, version 4' })
  })

  test('shows the past store when it is rewound', () => {
    const history = new History([1, 2, 3])
    for (const one of records) history.add(one)
    expect(stores(history.latest)).toEqual([[['x', '2']], [['x', '2']], [['x', '2']]])
    const past = history.clusterAt(death)
    expect(stores(past)).toEqual([[['x', '1']], [['x', '1']], [['x', '1']]])
    expect(stores(history.clusterAt(death + 1))[0]).toBeNull()
    expect(request(past, 'x = 2')).toBeUndefined()
  })
})

describe('a store', () => {
  const holds = (is_whole: boolean, keys: number, held: [string, string | null][]) =>
    record({ event: 'applied', index: 1, content: { store: { is_whole, keys, held } } })
  const storeAfter = (...records: TraceRecord[]) => records.reduce(apply, newCluster([1])).servers[1]!.store

  test('is unknown where nothing was recorded of it', () => {
    expect(storeAfter(record({ event: 'applied', index: 1 }))).toBeNull()
  })

  test('changes key by key, and a snapshot replaces it', () => {
    const changed = [holds(false, 2, [['x', '1'], ['__proto__', '2']]), holds(false, 1, [['x', null]])]
    expect(knownOf(storeAfter(...changed)!)).toEqual([['__proto__', '2']])
    expect(knownOf(storeAfter(...changed, holds(true, 1, [['z', '9']]))!)).toEqual([['z', '9']])
  })

  test('is shown in the order of its keys, as far as there is room', () => {
    const store = storeAfter(holds(false, 4, [['b', '2'], ['10', '1'], ['a', 'long'.repeat(9)], ['c', '3']]))!
    expect(shownOf(store, 80)).toEqual({ shown: ['10 = 1', `a = ${'long'.repeat(9)}`, 'b = 2', 'c = 3'], others: 0 })
    expect(shownOf(store, 18)).toEqual({ shown: ['10 = 1', 'b = 2'], others: 2 })
    expect(shownOf({ ...store, keys: 9 }, 8)).toEqual({ shown: ['10 = 1'], others: 8 })
  })
})
