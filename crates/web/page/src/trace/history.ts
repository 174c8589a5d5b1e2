// All that is remembered of what happened, and what the cluster was at any moment of it.

import { payloadWords } from './command'
import { Feed } from './feed'
import { eventName, nameOf, type EventId, type NodeId, type TraceRecord } from './record'
import { highestTerm, newCluster, type ClusterView, apply } from './view'

/** A record with its place in the history. */
export type Entry = {
  /** How many records came before it. Numbers stay when older records are forgotten. */
  readonly number: number
  readonly record: TraceRecord
  /** Does this happen all the time while nothing changes? */
  readonly isRoutine: boolean
  /** When the message that this tells the sending of arrived, in microseconds, if it has. */
  arrivedAt?: number
}

/** The state before the entry with this number. */
type Keyframe = { readonly number: number; readonly cluster: ClusterView }

/** A stretch of the history that belongs to a term. */
export type Era = { readonly number: number; readonly t: number; readonly term: number }

/** So many records are kept whole, and then as many again without the routine. */
export const KEPT = 60_000
const KEYFRAME_EVERY = 500
const COMMANDS_KEPT = 5_000

/**
 * The records in order, at most `2 * kept`. The older half has no heartbeats any more, so that a long lesson can be
 * rewound to its beginning; when even that is too much, the oldest are forgotten.
 */
export class History {
  readonly eras: Era[] = []
  /** The moments that a reader looks for: leaders, deaths, and what people did. */
  readonly landmarks: Entry[] = []
  /** How long messages have taken lately, in microseconds. */
  usualFlight = 1000
  /** What a story tells: all but the routine. */
  private told: Entry[] = []
  private entries: Entry[] = []
  private keyframes: Keyframe[] = []
  /** What the cluster was at a position by somebody's word, where the records before it are missing. */
  private resumed = new Map<number, ClusterView>()
  private places = new Map<string, Entry>()
  private commands = new Map<string, string>()
  private feed = new Feed()
  private count = 0
  /** From here on the heartbeats are kept. */
  private wholeFrom = 0
  private newest: ClusterView

  constructor(
    ids: readonly NodeId[],
    readonly kept = KEPT,
  ) {
    this.newest = newCluster(ids)
  }

  /** The number that the next record will get: the position behind all. */
  get end(): number {
    return this.count
  }

  /** The position before all that is remembered. */
  get start(): number {
    return this.entries[0]?.number ?? this.count
  }

  get size(): number {
    return this.entries.length
  }

  get firstTime(): number {
    return this.entries[0]?.record.t ?? 0
  }

  get lastTime(): number {
    return this.entries.at(-1)?.record.t ?? 0
  }

  /** From when on every heartbeat is remembered. */
  get wholeSince(): number {
    return this.wholeFrom === 0 ? this.firstTime : (this.entries[this.placeOf(this.wholeFrom)]?.record.t ?? 0)
  }

  get latest(): ClusterView {
    return this.newest
  }

  add(record: TraceRecord): Entry {
    const entry: Entry = { number: this.count, record, isRoutine: this.feed.isRoutine(record) }
    if (this.count % KEYFRAME_EVERY === 0) this.keyframes.push({ number: this.count, cluster: this.newest })
    this.entries.push(entry)
    if (!entry.isRoutine) this.told.push(entry)
    this.count += 1
    this.newest = apply(this.newest, record)
    const name = nameOf(record)
    if (name) this.places.set(name, entry)
    this.note(entry)
    if (this.entries.length > 2 * this.kept) this.forget()
    return entry
  }

  /** Goes on from this state after so many records, of which some are not told. */
  resume(cluster: ClusterView, after: number): void {
    this.newest = cluster
    this.count = after
    this.resumed.set(after, cluster)
    this.keyframes.push({ number: after, cluster })
  }

  /** Puts before all what another history, which ends where this one begins, remembers. */
  prepend(older: History): void {
    this.entries = [...older.entries, ...this.entries]
    this.told = [...older.told, ...this.told]
    this.keyframes = [...older.keyframes, ...this.keyframes]
    this.places = new Map([...older.places, ...this.places])
    this.commands = new Map([...older.commands, ...this.commands])
    this.resumed = new Map([...older.resumed, ...this.resumed])
    const reached = older.eras.at(-1)?.term ?? -1
    this.eras.unshift(...older.eras.splice(0), ...this.eras.splice(0).filter((era) => era.term > reached))
    this.landmarks.unshift(...older.landmarks)
    for (const { record } of this.entries) this.noteArrival(record)
  }

  /** The cluster before the entry with this number, and after all before it. */
  clusterAt(position: number): ClusterView {
    if (position >= this.count) return this.newest
    const keyframe = this.keyframes.findLast((frame) => frame.number <= position)
    if (!keyframe) return this.keyframes[0]?.cluster ?? this.newest
    return this.advance(keyframe.cluster, keyframe.number, position)
  }

  /** The cluster at `to`, from what it was at `from`. */
  advance(cluster: ClusterView, from: number, to: number): ClusterView {
    let later = cluster
    for (let place = this.placeOf(from); place < this.entries.length; place += 1) {
      const entry = this.entries[place]!
      if (entry.number >= to) break
      later = apply(this.resumed.get(entry.number) ?? later, entry.record)
    }
    return later
  }

  /** The position after all that had happened by then, in microseconds. */
  positionAt(t: number): number {
    const place = lowerBound(this.entries, (entry) => entry.record.t > t)
    return this.entries[place]?.number ?? this.count
  }

  /** The last entry before this position. */
  before(position: number): Entry | undefined {
    return this.entries[this.placeOf(position) - 1]
  }

  /** The nearest entry that `is` wanted, behind this position or before it. */
  next(position: number, is: (entry: Entry) => boolean): Entry | undefined {
    for (let place = this.placeOf(position); place < this.entries.length; place += 1) {
      const entry = this.entries[place]!
      if (is(entry)) return entry
    }
    return undefined
  }

  previous(position: number, is: (entry: Entry) => boolean): Entry | undefined {
    for (let place = this.placeOf(position) - 1; place >= 0; place -= 1) {
      const entry = this.entries[place]!
      if (is(entry)) return entry
    }
    return undefined
  }

  /** The entries before this position, the latest first. */
  *backwards(position: number): Generator<Entry> {
    for (let place = this.placeOf(position) - 1; place >= 0; place -= 1) yield this.entries[place]!
  }

  /** The last entries of the story before this position, and the first ones behind it. */
  story(position: number, before: number, behind: number, withRoutine: boolean): Entry[] {
    const entries = withRoutine ? this.entries : this.told
    const place = lowerBound(entries, (entry) => entry.number >= position)
    return entries.slice(Math.max(0, place - before), place + behind)
  }

  find(id: EventId): Entry | undefined {
    return this.places.get(eventName(id))
  }

  /** What led to this entry, the first cause first and the entry itself last. */
  chain(entry: Entry): Entry[] {
    const chain = [entry]
    for (;;) {
      const { cause } = chain[0]!.record
      const before = cause && this.find(cause)
      // A cause stands before its effect. In a trace that somebody has tampered with it may not.
      if (!before || before.number >= chain[0]!.number) return chain
      chain.unshift(before)
    }
  }

  /** What the entry at this place of a log says, if a message has told it. */
  command(index: number, term: number): string | undefined {
    return this.commands.get(`${index}:${term}`)
  }

  records(): TraceRecord[] {
    return this.entries.map((entry) => entry.record)
  }

  private note(entry: Entry): void {
    const { record } = entry
    const term = highestTerm(this.newest)
    if (term > (this.eras.at(-1)?.term ?? -1)) this.eras.push({ number: entry.number, t: record.t, term })
    if (isLandmark(record)) this.landmarks.push(entry)
    this.noteArrival(record)
    if (record.event === 'sent' && 'append_entries' in record.message) this.noteCommands(record.message.append_entries)
  }

  private noteArrival(record: TraceRecord): void {
    const sending = record.event === 'received' && record.cause && this.find(record.cause)
    if (!sending || sending.arrivedAt !== undefined) return
    sending.arrivedAt = record.t
    this.usualFlight += (record.t - sending.record.t - this.usualFlight) / 16
  }

  private noteCommands(request: { prev_log_index: number; entries: { term: number; payload: unknown }[] }): void {
    request.entries.forEach((entry, place) => {
      const name = `${request.prev_log_index + 1 + place}:${entry.term}`
      if (!this.commands.has(name)) this.commands.set(name, payloadWords(entry.payload as never))
    })
    for (const name of this.commands.keys()) {
      if (this.commands.size <= COMMANDS_KEPT) break
      this.commands.delete(name)
    }
  }

  private placeOf(number: number): number {
    return lowerBound(this.entries, (entry) => entry.number >= number)
  }

  /** Makes room: half of what is whole loses its routine, and of the oldest as many go as is too much. */
  private forget(): void {
    this.wholeFrom = this.entries[this.entries.length - Math.floor(this.kept / 2)]!.number
    const isKept = (entry: Entry) => !entry.isRoutine || entry.number >= this.wholeFrom
    this.drop((entry) => !isKept(entry))
    const surplus = this.entries.length - Math.floor(this.kept * 1.5)
    if (surplus > 0) {
      const first = this.entries[surplus]!
      const cluster = this.clusterAt(first.number)
      this.drop((entry) => entry.number < first.number)
      this.keyframes.unshift({ number: first.number, cluster })
    }
    this.thinKeyframes()
  }

  private drop(isDropped: (entry: Entry) => boolean): void {
    for (const entry of this.entries) {
      const name = isDropped(entry) ? nameOf(entry.record) : undefined
      if (name) this.places.delete(name)
    }
    this.entries = this.entries.filter((entry) => !isDropped(entry))
    this.told = this.entries.filter((entry) => !entry.isRoutine)
  }

  /** Keeps a keyframe for about as many entries as at first, and none before the first entry. */
  private thinKeyframes(): void {
    const { start } = this
    let last = -Infinity
    this.keyframes = this.keyframes.filter(({ number }) => {
      const place = this.placeOf(number)
      const isNeeded = number >= start && (last === -Infinity || place - last >= KEYFRAME_EVERY / 2)
      if (isNeeded) last = place
      return isNeeded
    })
    while (this.eras.length > 1 && this.eras[1]!.number <= start) this.eras.shift()
    while (this.landmarks.length > 0 && this.landmarks[0]!.number < start) this.landmarks.shift()
  }
}

function isLandmark(record: TraceRecord): boolean {
  return (record.event === 'role' && record.role === 'leader') || record.event === 'died' || record.event === 'violated'
}

/** The first place for which this holds, where it holds for all behind that too. */
function lowerBound<T>(items: readonly T[], holds: (item: T) => boolean): number {
  let [low, high] = [0, items.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(items[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}
