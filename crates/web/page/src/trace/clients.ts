// What the records say about clients' requests. `crates/trace/src/view/clients.rs` adds them up in the same way.

import type { Io } from '../types/Io'
import type { OutcomeKind } from '../types/OutcomeKind'
import type { OutcomeView } from '../types/OutcomeView'
import type { RequestView } from '../types/RequestView'
import type { Wish } from '../types/Wish'
import type { NodeId, TraceRecord } from './record'

export type { OutcomeView } from '../types/OutcomeView'
export type { RequestView } from '../types/RequestView'

/** The kinds of outcomes, in words. */
export const OUTCOMES: Readonly<Record<OutcomeKind, string>> = { done: '✓ done', not_done: '✗ not done', unknown: '? unknown' }

type Requests = readonly RequestView[]

/** Maximum number of requests that are remembered: the latest ones. */
const REMEMBERED = 20

const WISHES: Readonly<Record<Wish, string>> = {
  write: 'write',
  read: 'read',
  change: 'change the members',
  transfer: 'change the leader',
}

/** The latest requests, in the order in which they were asked, after this record. */
export function applyToRequests(requests: Requests, record: TraceRecord): Requests {
  const { node } = record
  switch (record.event) {
    case 'client_asks': {
      const asked = { client: record.client, node, number: null, what: record.command ?? record.what, outcome: null }
      return noteClient(requests, asked, record.again)
    }
    case 'asked':
      return record.requests.reduce((before, number, place) => {
        const command = record.wish === 'write' ? record.content?.entries?.[place] : undefined
        return noteArrival(before, node, number, command ?? WISHES[record.wish])
      }, requests)
    case 'answered':
      return withLast(
        requests,
        (it) => it.node === node && it.number === record.request,
        (it) => ({ ...it, outcome: outcomeOf(record) }),
      )
    case 'client_hears': {
      const { client, answer, outcome } = record
      if (outcome == null) return requests
      return withLast(
        requests,
        (it) => it.client === client,
        (it) => ({ ...it, outcome: { kind: outcome, words: withoutKind(answer) } }),
      )
    }
    case 'died':
      return noteEnd(requests, node, 'died')
    case 'stopped':
      return noteEnd(requests, node, 'stopped')
    default:
      return requests
  }
}

/** Changes the last request for which this holds. */
function withLast(requests: Requests, is: (it: RequestView) => boolean, change: (it: RequestView) => RequestView): Requests {
  const place = requests.findLastIndex(is)
  return place < 0 ? requests : requests.with(place, change(requests[place]!))
}

/** A server is gone, and whoever waits for its reply can't know what became of the request. */
function noteEnd(requests: Requests, node: NodeId, how: string): Requests {
  if (!requests.some((it) => it.node === node)) return requests
  const unknown: OutcomeView = { kind: 'unknown', words: `n${node} ${how} before it replied` }
  // In its next life, the server counts requests anew.
  return requests.map((it) => (it.node === node ? { ...it, number: null, outcome: it.outcome ?? unknown } : it))
}

/** A client asks for something. It waits for one thing at a time. */
function noteClient(requests: Requests, asked: RequestView, again: boolean): Requests {
  const isBefore = (it: RequestView) => it.client === asked.client
  if (again && requests.some(isBefore)) return withLast(requests, isBefore, ({ what }) => ({ ...asked, what }))
  const stopped: OutcomeView = { kind: 'unknown', words: 'the client stopped waiting' }
  return added(withLast(requests, isBefore, (it) => ({ ...it, outcome: it.outcome ?? stopped })), asked)
}

/** A request has reached a server: that of a client which has recorded it, or another one. */
function noteArrival(requests: Requests, node: NodeId, number: number, what: string): Requests {
  const isRead = (it: RequestView) => it.what.startsWith('get ') && what === WISHES.read
  const place = requests.findIndex(
    (it) =>
      it.client !== null && it.number === null && it.outcome === null && it.node === node && (it.what === what || isRead(it)),
  )
  if (place < 0) return added(requests, { client: null, node, number, what, outcome: null })
  return requests.with(place, { ...requests[place]!, number })
}

/** Adds the request; the oldest one with an outcome gives way, or the oldest one. */
function added(requests: Requests, asked: RequestView): Requests {
  if (requests.length < REMEMBERED) return [...requests, asked]
  const place = Math.max(0, requests.findIndex((it) => it.outcome !== null))
  return [...requests.toSpliced(place, 1), asked]
}

/** A response to a client without the words that its kind says already. */
function withoutKind(answer: string): string {
  const prefix = ['not done: ', 'not done', 'uncertain: '].find((one) => answer.startsWith(one))
  return answer.slice(prefix?.length ?? 0)
}

function outcomeOf(answered: Extract<Io, { event: 'answered' }>): OutcomeView {
  const outcome = (kind: OutcomeKind, words: string) => ({ kind, words })
  switch (answered.answer) {
    case 'done':
      return outcome('done', `entry ${answered.index}`)
    case 'may_read':
      return outcome('done', `read the state after entry ${answered.applied}`)
    case 'changed':
      return outcome('done', `begun with entry ${answered.index}`)
    case 'hands_over':
      return outcome('done', 'begun')
    case 'replaced':
      return outcome('not_done', 'a newer leader replaced the entry')
    case 'uncertain':
      return outcome('unknown', "the server can't learn the outcome")
    case 'refused':
      return outcome('not_done', answered.reason)
    case 'not_leader':
      return outcome('not_done', answered.leader === null ? 'the server knows no leader' : `ask n${answered.leader}, the leader`)
  }
}
