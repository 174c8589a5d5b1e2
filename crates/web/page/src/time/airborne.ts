// Which messages are on their way at one moment, and where.

import type { Entry, History } from '../trace/history'
import type { Message, NodeId, TraceRecord } from '../trace/record'

export type FlightKind =
  | 'found'
  | 'ask-vote'
  | 'grant'
  | 'refuse'
  | 'heartbeat'
  | 'entries'
  | 'agree'
  | 'mismatch'
  | 'snapshot'

export type Flight = {
  readonly key: number
  readonly from: NodeId
  readonly to: NodeId
  readonly kind: FlightKind
  readonly isReply: boolean
  /** It says nothing new. */
  readonly isRoutine: boolean
  readonly term: number
  /** How many entries it carries. */
  readonly entries: number
  /** How far it is on its way, from 0 to 1. */
  readonly progress: number
  /** It never arrives: how much of it has faded, from 0 to 1. */
  readonly lost: number
  /** It stays in flight until it is delivered by hand. */
  readonly isHeld: boolean
  /** How many copies of it are on their way. */
  readonly copies: number
}

/** What is known of a message that has not arrived yet in the present of a simulated cluster. Times are in microseconds. */
export type Flying = {
  readonly words: string
  /** How a command names it. */
  readonly select: string
  /** When it arrives, unless it is held. */
  readonly dueAt: number | null
  readonly heldSince: number | null
  readonly copies: number
}

/** Heartbeats that come too fast for the eye, drawn as one. */
export type Stream = { readonly from: NodeId; readonly to: NodeId; readonly term: number; readonly isHeard: boolean }

export type Airborne = {
  readonly flights: readonly Flight[]
  readonly streams: readonly Stream[]
  /** How many flights are left out because there are too many to draw. */
  readonly leftOut: number
}

/** The shortest flight that a person can follow, in seconds. */
const SHORTEST_FLIGHT = 0.5
/** Heartbeats on a link are drawn as one if they are closer together than this, in seconds. */
const GATHERED_BELOW = 0.25
/** A link shows at most one message of a kind in this many seconds. */
const ONE_EACH = 0.12
/** Where on its way a lost message stops. */
const LOST_AT = 0.92
/** Where on its way a message is held. */
const HELD_AT = 0.5
const MOST_LOOKED_AT = 4000
/** A message that arrives at the moment of its sending takes a microsecond in the picture. */
const INSTANT = 1

/**
 * The messages on their way at `t`. `perSecond` is how many microseconds of the trace pass in one second of the reader's
 * time. A message that is too fast for the eye is shown for as long as the eye needs. Where time stands still
 * (`perSecond` is 0), exactly the messages in flight are shown. At most `most` are returned: news before routine, and
 * later messages before earlier ones. Of those that are `flying` in the present, by the numbers of their entries, it is known
 * when they arrive.
 */
export function airborne(
  history: History,
  position: number,
  t: number,
  perSecond: number,
  most = Infinity,
  flying: ReadonlyMap<number, Flying> = new Map(),
): Airborne {
  const shortest = SHORTEST_FLIGHT * perSecond
  // Where time stands still and no message takes any, one that is lost has not got far.
  const expected = Math.max(shortest, history.usualFlight, 1)
  const flights: Flight[] = []
  const beats = new Map<string, { latest: Entry; gap: number; isHeard: boolean }>()
  const seen = new Set<string>()
  let looked = 0
  for (const entry of history.backwards(position)) {
    const { record } = entry
    if (record.t < t - 2 * expected || ++looked > MOST_LOOKED_AT) break
    if (record.event !== 'sent') continue
    const kind = kindOf(record.message)
    if (isBeat(entry)) noteBeat(beats, entry, t)
    if (flying.has(entry.number)) continue
    const flight = flightAt(entry, t, shortest, expected)
    if (!flight) continue
    const slot = `${record.node}>${record.to}:${kind}:${Math.floor(record.t / (ONE_EACH * perSecond))}`
    if (seen.has(slot)) continue
    seen.add(slot)
    flights.push(flight)
  }
  const streams: Stream[] = []
  const gathered = new Set<string>()
  for (const [link, { latest, gap, isHeard }] of beats) {
    if (gap >= GATHERED_BELOW * perSecond || latest.record.event !== 'sent') continue
    const { node: from, to, term } = latest.record
    gathered.add(link)
    streams.push({ from, to, term, isHeard })
  }
  const known = [...flying].flatMap(([number, known]) => knownFlight(history, number, known, position, t, shortest) ?? [])
  const single = [...known, ...flights].filter((flight) => flight.isHeld || !isGathered(flight, gathered))
  const told = [...single.filter((flight) => !flight.isRoutine), ...single.filter((flight) => flight.isRoutine)].slice(0, most)
  return { flights: told, streams, leftOut: single.length - told.length }
}

function isGathered(flight: Flight, gathered: ReadonlySet<string>): boolean {
  return (
    (flight.isRoutine && !flight.isReply && gathered.has(`${flight.from}>${flight.to}`)) ||
    (flight.isRoutine && flight.isReply && gathered.has(`${flight.to}>${flight.from}`))
  )
}

function noteBeat(beats: Map<string, { latest: Entry; gap: number; isHeard: boolean }>, entry: Entry, t: number): void {
  const { record } = entry
  if (record.event !== 'sent') return
  const link = `${record.node}>${record.to}`
  const known = beats.get(link)
  const isHeard = entry.arrivedAt !== undefined && entry.arrivedAt <= t
  if (!known) beats.set(link, { latest: entry, gap: Infinity, isHeard })
  else {
    if (known.gap === Infinity) known.gap = Math.max(known.latest.record.t - record.t, t - known.latest.record.t)
    known.isHeard ||= isHeard
  }
}

/** A message that has not arrived yet in the present. */
function knownFlight(history: History, number: number, flying: Flying, position: number, t: number, shortest: number): Flight | undefined {
  const entry = number < position ? history.before(number + 1) : undefined
  if (entry?.record.event !== 'sent') return undefined
  const { dueAt, heldSince, copies } = flying
  const isHeld = heldSince !== null && heldSince <= t
  const way = Math.max((dueAt ?? entry.record.t) - entry.record.t, shortest, INSTANT)
  // It may wait for a receiver that is halted.
  const progress = isHeld ? HELD_AT : Math.min((t - entry.record.t) / way, LOST_AT)
  return { ...described(entry.record, entry), progress: Math.max(0, progress), lost: 0, isHeld, copies }
}

function flightAt(
  entry: Entry,
  t: number,
  shortest: number,
  expected: number,
): Flight | undefined {
  const { record } = entry
  if (record.event !== 'sent') return undefined
  const passed = t - record.t
  let progress: number
  let lost = 0
  if (entry.arrivedAt !== undefined) {
    const way = Math.max(entry.arrivedAt - record.t, shortest)
    if (way === 0 || passed > way) return undefined
    progress = passed / way
  } else {
    progress = (passed / expected) * LOST_AT
    if (progress > LOST_AT) {
      lost = passed / expected - 1
      progress = LOST_AT
      if (lost > 1) return undefined
    }
  }
  return { ...described(record, entry), progress: Math.max(0, progress), lost, isHeld: false, copies: 1 }
}

/** What a message is, wherever it is. */
function described(record: Extract<TraceRecord, { event: 'sent' }>, { number, isRoutine }: Entry) {
  const { node: from, to, message, term } = record
  return { key: number, from, to, kind: kindOf(message), isReply: isReply(message), term, isRoutine, entries: entriesOf(message) }
}

export function entriesOf(message: Message): number {
  return 'append_entries' in message ? message.append_entries.entries.length : 0
}

/** A heartbeat, or entries that are sent again to a server that does not reply. */
function isBeat(entry: Entry): boolean {
  return entry.isRoutine && entry.record.event === 'sent' && 'append_entries' in entry.record.message
}

export function isReply(message: Message): boolean {
  if ('found' in message) return message.found.is_reply
  return (
    'refusal' in message ||
    'pre_vote_reply' in message ||
    'request_vote_reply' in message ||
    'append_entries_reply' in message ||
    'install_snapshot_reply' in message
  )
}

export function kindOf(message: Message): FlightKind {
  if ('found' in message) return 'found'
  if ('refusal' in message) return 'refuse'
  if ('pre_vote' in message || 'request_vote' in message || 'timeout_now' in message) return 'ask-vote'
  if ('pre_vote_reply' in message) return message.pre_vote_reply.would_vote ? 'grant' : 'refuse'
  if ('request_vote_reply' in message) return message.request_vote_reply.vote_granted ? 'grant' : 'refuse'
  if ('append_entries' in message) return message.append_entries.entries.length > 0 ? 'entries' : 'heartbeat'
  if ('append_entries_reply' in message) {
    const { outcome } = message.append_entries_reply
    if (outcome === 'refused') return 'refuse'
    return 'matched' in outcome ? 'agree' : 'mismatch'
  }
  if ('install_snapshot_reply' in message) return message.install_snapshot_reply.outcome === 'refused' ? 'refuse' : 'agree'
  return 'snapshot'
}
