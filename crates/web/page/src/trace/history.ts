// The history that is kept, and the cluster's state at any moment of it.

import { Feed } from './feed'
import { firstStepOf, type FirstStep } from './first-steps'
import { eventName, nameOf, type EventId, type NodeId, type TraceRecord } from './record'
import { lowerBound } from './search'
import { highestTerm, newCluster, type ClusterView, apply } from './view'

/** A record with its place in the history. */
export type Entry = {
  /** How many records came before it. It stays the same when older records are forgotten. */
  readonly number: number
  readonly record: TraceRecord
  /** Does this happen all the time while nothing changes? */
  readonly isRoutine: boolean
  /** For a sent message: when it arrived, in microseconds, if it did. */
  arrivedAt?: number
}

/** The state before the entry with this number. */
type Keyframe = { readonly number: number; readonly cluster: ClusterView }

/** A stretch of the history that belongs to a term. */
export type Era = { readonly number: number; readonly t: number; readonly term: number }

/** How many of the latest records are kept in full. As many older ones are kept without the routine. */
export const KEPT = 60_000
const KEYFRAME_EVERY = 500

/**
 * The records in order, at most `2 * kept`. The older half is kept without heartbeats, so that a long lesson can be
 * rewound to its beginning. When even that is too much, the oldest records are forgotten.
 */
export class History {
  readonly eras: Era[] = []
  /** The moments that a reader looks for: new leaders, deaths and violations. */
  readonly landmarks: Entry[] = []
  /** What a learner tries first, as far as it has been done. */
  readonly firstSteps = new Set<FirstStep>()
  /** Where rules were switched off or on. */
  private switches: Entry[] = []
  /** How long messages have taken lately, in microseconds. */
  usualFlight = 1000
  /** The entries of the story: all but the routine. */
  private told: Entry[] = []
  private entries: Entry[] = []
  private keyframes: Keyframe[] = []
  /** The cluster at positions before which records are missing, as the server described it. */
  private resumed = new Map<number, ClusterView>()
  private places = new Map<string, Entry>()
  private feed = new Feed()
  private count = 0
  /** Heartbeats are kept from this entry on. */
  private wholeFrom = 0
  private newest: ClusterView

  constructor(
    ids: readonly NodeId[],
    readonly kept = KEPT,
  ) {
    this.newest = newCluster(ids)
  }

  /** The number that the next record will get: the position after all. */
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

  /** The time since which every heartbeat is kept. */
  get wholeSince(): number {
    return this.wholeFrom === 0 ? this.firstTime : (this.entries[this.placeOf(this.wholeFrom)]?.record.t ?? 0)
  }

  get latest(): ClusterView {
    return this.newest
  }

  add(record: TraceRecord, number = this.count): Entry {
    this.count = number
    const entry: Entry = { number, record, isRoutine: this.feed.isRoutine(record) }
    if (this.entries.length % KEYFRAME_EVERY === 0) this.keyframes.push({ number: this.count, cluster: this.newest })
    this.entries.push(entry)
    if (!entry.isRoutine) this.told.push(entry)
    this.count += 1
    const step = firstStepOf(this.newest, record)
    if (step) this.firstSteps.add(step)
    this.newest = apply(this.newest, record)
    const name = nameOf(record)
    if (name) this.places.set(name, entry)
    this.note(entry)
    if (this.entries.length > 2 * this.kept) this.forget()
    return entry
  }

  /** Continues from this state after the record with this number, although records before it may be missing. */
  resume(cluster: ClusterView, after: number): void {
    this.newest = cluster
    this.count = after
    this.feed.resume(cluster)
    this.resumed.set(after, cluster)
    this.keyframes.push({ number: after, cluster })
  }

  /** Adds the story of what was before, without its routine, at the front. */
  prependStory(story: History): void {
    const { start } = this
    this.replace(0, start, story)
    this.wholeFrom = start
  }

  /** Puts all records of a stretch in the place of those that are known of it. It ends where all are known. */
  prepend(stretch: History): void {
    const { start, end } = stretch
    this.replace(start, end, stretch)
    this.wholeFrom = start === this.start ? 0 : start
  }

  /** Puts another history in the place of the entries from one number up to another. */
  private replace(from: number, to: number, other: History): void {
    const isOutside = ({ number }: { number: number }) => number < from || number >= to
    const merge = <T extends { number: number }>(own: readonly T[], others: readonly T[]): T[] => {
      const left = own.filter(isOutside)
      const place = lowerBound(left, ({ number }) => number >= from)
      return [...left.slice(0, place), ...others, ...left.slice(place)]
    }
    this.entries = merge(this.entries, other.entries)
    this.told = this.entries.filter((entry) => !entry.isRoutine)
    this.keyframes = merge(this.keyframes, other.keyframes)
    this.places = new Map([...this.places, ...other.places])
    for (const step of other.firstSteps) this.firstSteps.add(step)
    const resumed = [...this.resumed].filter(([number]) => isOutside({ number }))
    this.resumed = new Map([...resumed, ...other.resumed])
    this.landmarks.splice(0, Infinity, ...merge(this.landmarks, other.landmarks))
    this.eras.splice(0, Infinity, ...onlyNewTerms([...this.eras, ...other.eras]))
    for (const { record } of this.entries) this.noteArrival(record)
  }

  /** The cluster after all entries before this number. */
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

  /** The nearest wanted entry from this position on; `previous` finds the nearest one before it. */
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

  /** The last entries of the story that are told before this position, and the first ones after it. */
  story(position: number, before: number, after: number, withRoutine: boolean, isTold: (entry: Entry) => boolean = () => true): Entry[] {
    const entries = withRoutine ? this.entries : this.told
    const middle = lowerBound(entries, (entry) => entry.number >= position)
    const story: Entry[] = []
    for (let place = middle - 1; place >= 0 && story.length < before; place -= 1) {
      if (isTold(entries[place]!)) story.unshift(entries[place]!)
    }
    return [...story, ...entries.slice(middle, middle + after).filter(isTold)]
  }

  /** The entries of the story from one position up to another. */
  between(from: number, to: number, withRoutine: boolean): Entry[] {
    const entries = withRoutine ? this.entries : this.told
    const place = (position: number) => lowerBound(entries, (entry) => entry.number >= position)
    return entries.slice(place(from), place(to))
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
      // A cause comes before its effect, but perhaps not in a trace that was tampered with.
      if (!before || before.number >= chain[0]!.number) return chain
      chain.unshift(before)
    }
  }

  /** The earlier entry that a violation contradicts, if this is one and it contradicts a single event. */
  contradicted({ record }: Entry): Entry | undefined {
    return record.event === 'violated' && record.contradicts ? this.find(record.contradicts) : undefined
  }

  /** The promise that was violated last before this position. */
  violatedBefore(position: number): Entry | undefined {
    return this.landmarks.findLast(({ number, record }) => number < position && record.event === 'violated')
  }

  /** The rules that are off at this position, if these were at first. */
  rulesOff(position: number, atFirst: readonly string[]): string[] {
    const off = new Set(atFirst)
    for (const { number, record } of this.switches) {
      if (record.event !== 'rule_switched' || number >= position) continue
      if (record.is_on) off.delete(record.rule)
      else off.add(record.rule)
    }
    return [...off]
  }

  records(): TraceRecord[] {
    return this.entries.map((entry) => entry.record)
  }

  private note(entry: Entry): void {
    const { record } = entry
    const term = highestTerm(this.newest)
    if (term > (this.eras.at(-1)?.term ?? -1)) this.eras.push({ number: entry.number, t: record.t, term })
    if (isLandmark(record)) this.landmarks.push(entry)
    if (record.event === 'rule_switched') this.switches.push(entry)
    this.noteArrival(record)
  }

  private noteArrival(record: TraceRecord): void {
    const sending = record.event === 'received' && record.cause && this.find(record.cause)
    if (!sending || sending.arrivedAt !== undefined) return
    sending.arrivedAt = record.t
    this.usualFlight += (record.t - sending.record.t - this.usualFlight) / 16
  }

  private placeOf(number: number): number {
    return lowerBound(this.entries, (entry) => entry.number >= number)
  }

  /** Makes room: the older half of the full records loses its routine, and surplus oldest records go. */
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

/** The beginning of each term: what comes later in the same term is no new one. */
function onlyNewTerms(eras: Era[]): Era[] {
  let reached = -1
  return eras
    .sort((one, other) => one.number - other.number)
    .filter(({ term }) => {
      const isNew = term > reached
      reached = Math.max(reached, term)
      return isNew
    })
}

function isLandmark(record: TraceRecord): boolean {
  return (record.event === 'role' && record.role === 'leader') || record.event === 'died' || record.event === 'violated'
}
