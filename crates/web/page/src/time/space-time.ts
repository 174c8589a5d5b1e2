// A stretch of the history in space and time: a lane for each server, lines for messages, marks for what happened.

import type { Entry, History } from '../trace/history'
import { faultsOf } from '../trace/network'
import type { NodeId, Term, TraceRecord } from '../trace/record'
import { apply, type ServerView } from '../trace/view'
import { entriesOf, isReply, kindOf, type Flying, type FlightKind } from './airborne'

/** A stretch of a lane in which nothing changes. */
export type Segment = { readonly server: NodeId; readonly from: number; readonly to: number; readonly term: Term; readonly state: LaneState }
export type LaneState = 'absent' | 'dead' | 'paused' | 'follower' | 'pre_candidate' | 'candidate' | 'leader'

/** The lane of all clients. */
export const CLIENTS = 'clients'
export type Lane = NodeId | typeof CLIENTS

/** Where marks are that are about links, and so about all lanes. */
export const NETWORK = 'network'

/** A message from one lane to another. */
export type Line = {
  readonly key: string
  /** What it tells: the sending, or the arrival if the sending is not known. */
  readonly entry: Entry
  readonly from: Lane
  readonly to: Lane
  /** When it was sent; null if that was before the records that are loaded. */
  readonly sent: number | null
  /** When it arrived, or up to when it is drawn. */
  readonly end: number
  /** How far it has come by then: 1 is its receiver. */
  readonly reach: number
  readonly fate: 'arrived' | 'in flight' | 'lost'
  readonly kind: FlightKind | 'client'
  readonly isReply: boolean
  readonly isRoutine: boolean
  readonly term: Term
  /** How many entries it carries. */
  readonly entries: number
}

/** What happened to a server or to links, the most important first. */
export const MARKS = ['violated', 'died', 'power', 'stopped', 'leads', 'started', 'paused', 'resumed', 'cut', 'mended', 'timeout', 'vote', 'committed'] as const
export type MarkKind = (typeof MARKS)[number]

export type Mark = { readonly entry: Entry; readonly server: NodeId | typeof NETWORK; readonly t: number; readonly kind: MarkKind; readonly words: string }

export type SpaceTime = {
  readonly segments: readonly Segment[]
  readonly lines: readonly Line[]
  readonly marks: readonly Mark[]
  /** How many lines are left out because they could not be told apart from their neighbours. */
  readonly leftOut: number
}

export type Wanted = {
  /** The stretch of time, in microseconds. */
  readonly from: number
  readonly to: number
  /** Records from this position on are not looked at, and up to this time all is known. */
  readonly until: number
  readonly known: number
  readonly withRoutine: boolean
  /** What is in flight in the present, by the numbers of the entries of the sendings, where that is known. */
  readonly flying?: ReadonlyMap<number, Flying> | undefined
  /** How many microseconds a pixel is wide. */
  readonly perPixel: number
}

/** A message that takes this many times as long as usual is taken for lost. */
const LOST_AFTER = 3
/** How far a lost message is drawn, and one that waits: it is held, or its receiver is paused. */
const LOST_AT = 0.8
const WAITS_AT = 0.5
/** Lines of one link, and marks of one lane, are at least this many pixels apart. */
const ROOM = { news: 2, routine: 6, mark: 17 }
/** Maximum number of lines: the latest ones. */
const MOST = { news: 400, routine: 3000 }

/** Lanes, lines and marks of a stretch of the history. */
export function spaceTime(history: History, wanted: Wanted): SpaceTime {
  const reach = Math.min(2 * LOST_AFTER * history.usualFlight, wanted.to - wanted.from)
  const begin = history.positionAt(wanted.from)
  const end = Math.min(history.positionAt(wanted.to), wanted.until)
  const told = history.between(begin, end, false)
  const first = history.positionAt(wanted.from - reach)
  const lines = linesOf(history, history.between(first, end, wanted.withRoutine), wanted)
  const all = [...linesFromBefore(history, first, wanted), ...lines.told]
  const news = all.filter((line) => !line.isRoutine)
  const routine = all.filter((line) => line.isRoutine)
  return {
    segments: segmentsOf(history, begin, told, wanted),
    lines: [...routine.slice(-MOST.routine), ...news.slice(-MOST.news)],
    marks: marksOf(told, ROOM.mark * wanted.perPixel),
    leftOut: lines.leftOut + Math.max(0, news.length - MOST.news),
  }
}

/** How far a point is from a straight line between two others. */
export function distance(x: number, y: number, [x1, y1, x2, y2]: readonly [number, number, number, number]): number {
  const [dx, dy] = [x2 - x1, y2 - y1]
  const along = Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy || 1)))
  return Math.hypot(x - x1 - along * dx, y - y1 - along * dy)
}

function laneState({ condition, life, role }: ServerView): LaneState {
  if (condition === 'dead' || condition === 'paused') return condition
  return life === 0 ? 'absent' : (role ?? 'follower')
}

function segmentsOf(history: History, begin: number, told: readonly Entry[], { from, to, known }: Wanted): Segment[] {
  const segments: Segment[] = []
  let cluster = history.clusterAt(begin)
  const open = new Map<NodeId, Segment>()
  const last = Math.min(to, known)
  const note = (server: NodeId, t: number) => {
    const view = cluster.servers[server]!
    const before = open.get(server)
    const state = laneState(view)
    if (before?.state === state && before.term === view.term) return
    if (before && t > before.from) segments.push({ ...before, to: t })
    open.set(server, { server, from: t, to: last, term: view.term, state })
  }
  for (const id of Object.keys(cluster.servers)) note(Number(id), from)
  for (const { record } of told) {
    if (record.event === 'sent' || record.event === 'received') continue
    cluster = apply(cluster, record)
    note(record.node, record.t)
  }
  return [...segments, ...open.values()].filter((segment) => segment.state !== 'absent' && segment.to > segment.from)
}

function linesOf(history: History, entries: readonly Entry[], wanted: Wanted): { told: Line[]; leftOut: number } {
  const start = entries[0]?.number ?? 0
  const told: Line[] = []
  const latest = new Map<string, number>()
  let leftOut = 0
  /** Begins this line where the one before on the same link does, so that they can't be told apart? */
  const isCrowded = (link: string, t: number, room: number) => {
    const before = latest.get(link)
    if (before !== undefined && t > before && t - before < room * wanted.perPixel) return true
    latest.set(link, t)
    return false
  }
  for (const [place, entry] of entries.entries()) {
    const { record } = entry
    if (record.event !== 'sent' && record.event !== 'received') {
      told.push(...clientLine(entry, record, entries[place - 1]))
    } else if (record.event === 'sent' && entry.isRoutine) {
      // Most lines are of this kind: it costs least to leave them out at once.
      if (!isCrowded(`${record.node}>${record.to} ${isReply(record.message)}`, record.t, ROOM.routine)) told.push(sentLine(history, entry, record, wanted))
    } else {
      const line = record.event === 'sent' ? sentLine(history, entry, record, wanted) : arrivalLine(history, entry, record, start, wanted)
      if (!line) continue
      // What does not arrive is never left out.
      const isLeftOut = line.fate === 'arrived' && isCrowded(`${line.from}>${line.to} ${line.kind}`, line.sent ?? line.end, ROOM.news)
      if (!isLeftOut) told.push(line)
      else if (!line.isRoutine) leftOut += 1
    }
  }
  return { told, leftOut }
}

/** What was sent before this position, and is still in flight. */
function linesFromBefore(history: History, position: number, wanted: Wanted): Line[] {
  const numbers = [...(wanted.flying?.keys() ?? [])].filter((number) => number < position)
  return numbers.flatMap((number) => {
    const entry = history.before(number + 1)
    return entry?.record.event === 'sent' ? sentLine(history, entry, entry.record, wanted) : []
  })
}

type Sent = Extract<TraceRecord, { event: 'sent' }>
type Received = Extract<TraceRecord, { event: 'received' }>

function lineOf(entry: Entry, { message, term }: Sent | Received) {
  return { key: String(entry.number), entry, kind: kindOf(message), isReply: isReply(message), isRoutine: entry.isRoutine, term, entries: entriesOf(message) }
}

function sentLine(history: History, entry: Entry, record: Sent, { known, flying }: Wanted): Line {
  const line = { ...lineOf(entry, record), from: record.node, to: record.to, sent: record.t }
  const { arrivedAt } = entry
  if (arrivedAt !== undefined && arrivedAt <= known) return { ...line, end: arrivedAt, reach: 1, fate: 'arrived' }
  const expected = expectedFlight(history, record)
  const passed = known - record.t
  const isDue = arrivedAt === undefined && passed > LOST_AFTER * expected
  const waits = flying?.has(entry.number) || history.latest.servers[record.to]?.condition === 'paused'
  if (isDue && waits) return { ...line, end: known, reach: WAITS_AT, fate: 'in flight' }
  if (isDue) return { ...line, end: record.t + expected, reach: LOST_AT, fate: 'lost' }
  const whole = arrivedAt === undefined ? LOST_AFTER * expected : arrivedAt - record.t
  return { ...line, end: known, reach: Math.min(0.95, passed / whole), fate: 'in flight' }
}

/** How long a message on this link takes at present. */
function expectedFlight(history: History, { node, to }: Sent): number {
  const { network } = history.latest
  const speed = (network.speed_millionths ?? 1e6) / 1e6
  return history.usualFlight + faultsOf(network, node, to).delay_us / speed
}

/** An arrival that no sending tells of: of another copy of a message, or of one that was sent long ago. */
function arrivalLine(history: History, entry: Entry, record: Received, start: number, { withRoutine }: Wanted): Line | undefined {
  const sending = record.cause ? history.find(record.cause) : undefined
  if (sending && sending.number >= start && sending.arrivedAt === record.t) return undefined
  const isRoutine = sending?.isRoutine ?? entry.isRoutine
  if (isRoutine && !withRoutine) return undefined
  const sender = sending?.record.event === 'sent' ? sending : undefined
  const told = sender ?? entry
  const term = sender?.record.term ?? record.term
  const [from, to, sent] = [record.from, record.node, sender?.record.t ?? null]
  return { ...lineOf(entry, record), entry: told, isRoutine, term, from, to, sent, end: record.t, reach: 1, fate: 'arrived' }
}

/** A client's request or the response to it. Where both the client and the server report it, the first report counts. */
function clientLine(entry: Entry, record: TraceRecord, before: Entry | undefined): Line[] {
  const { t, node, term } = record
  const isRequest = record.event === 'client_asks' || record.event === 'asked'
  if (!isRequest && record.event !== 'answered' && record.event !== 'client_hears') return []
  const isAgain = before?.record.t === t && before.record.node === node && REPORTED_AFTER[before.record.event] === record.event
  if (isAgain) return []
  const [from, to] = isRequest ? [CLIENTS, node] as const : [node, CLIENTS] as const
  const line = { key: String(entry.number), entry, from, to, sent: t, end: t, reach: 1, fate: 'arrived', kind: 'client' } as const
  return [{ ...line, isReply: !isRequest, isRoutine: false, term, entries: 0 }]
}

const REPORTED_AFTER: Readonly<Record<string, string>> = { client_asks: 'asked', answered: 'client_hears' }

/** The marks of all lanes. Where there is no room for two, the more important one stays. */
function marksOf(told: readonly Entry[], room: number): Mark[] {
  const marks = told.flatMap((entry) => markOf(entry) ?? [])
  const kept: Mark[] = []
  for (const kind of MARKS) {
    for (const mark of marks) {
      if (mark.kind !== kind) continue
      // Commits have a row of their own, in which the latest index counts.
      const isInTheWay = (other: Mark) =>
        other.server === mark.server && (other.kind === 'committed') === (kind === 'committed') && Math.abs(other.t - mark.t) < room
      const place = kept.findLastIndex(isInTheWay)
      if (place < 0) kept.push(mark)
      else if (kind === 'committed' && mark.t === kept[place]!.t) kept[place] = mark
    }
  }
  return kept.sort((one, other) => one.entry.number - other.entry.number)
}

function markOf(entry: Entry): Mark | undefined {
  const { record } = entry
  const mark = (kind: MarkKind, words = ''): Mark => ({ entry, server: record.node, t: record.t, kind, words })
  const onLinks = (kind: MarkKind, words: string): Mark => ({ ...mark(kind, words), server: NETWORK })
  switch (record.event) {
    case 'violated':
      return mark('violated', 'promise broken')
    case 'died':
      return record.power_cut == null ? mark('died', record.signal == null ? 'crashed' : 'killed') : mark('power', 'power cut')
    case 'stopped':
      return mark('stopped', 'stopped')
    case 'started':
      return mark('started', record.life > 1 ? 'restarted' : 'started')
    case 'paused':
      return mark('paused', 'paused')
    case 'resumed':
      return mark('resumed', 'resumed')
    case 'timeout':
      return mark('timeout', 'timeout')
    case 'role':
      if (record.role === 'leader') return mark('leads', `leads term ${record.term}`)
      return record.was == null && record.life > 1 ? mark('started', 'restarted') : undefined
    case 'vote':
      return record.granted ? mark('vote', `votes for n${record.candidate}`) : undefined
    case 'committed':
      return mark('committed', String(record.index))
    case 'links_cut':
      return onLinks('cut', 'cut')
    case 'links_delayed':
      return record.delay_us > 0 ? onLinks('cut', 'delay') : onLinks('mended', 'no delay')
    case 'links_lossy':
      return record.percent > 0 ? onLinks('cut', 'loss') : onLinks('mended', 'no loss')
    case 'links_mended':
      return onLinks('mended', 'restored')
    case 'links_healed':
      return onLinks('mended', 'healed')
    default:
      return undefined
  }
}
