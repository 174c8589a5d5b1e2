import type { Entry, History } from '../trace/history'
import type { Stop } from '../trace/script'
import type { ClusterView } from '../trace/view'
import { Elsewhere, type Present } from './present'
import { ServersTime } from './servers-time'

/** The speeds that the slider goes through, as multiples of real time. */
export const SPEEDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]

/** What is on show: the cluster after all records before `position`, at the time `t` in microseconds. */
export type Moment = {
  readonly position: number
  readonly t: number
  readonly cluster: ClusterView
  /** How many stops have been reached. */
  readonly stops: number
}

/** A part of the past that is shown again: from one time to another, both in microseconds, and how fast. */
export type Rerun = { readonly from: number; readonly until: number; readonly speed: number }

/** The moment of the history that is on show: the present, or the past, which plays or stands still. */
export class Player {
  moment: Moment
  /** Is the present on show? */
  isLive = $state(false)
  isPlaying = $state(false)
  /** Where a rerun ends, and the present follows; null if this is none. */
  rerunUntil = $state<number | null>(null)
  /** How fast the servers' clocks seem to run while the past plays. */
  speed = $state(1)
  /** The newest time of the trace, in microseconds. */
  newest = $state(0)
  /** Was the present on show when the stream of records ended? */
  wasLive = false
  private lastFrame = 0

  constructor(
    readonly history: History,
    readonly serversTime: ServersTime,
    /** Where it waits until there has been time to read. */
    readonly stops: readonly Stop[] = [],
    readonly present: Present = new Elsewhere(),
  ) {
    this.moment = $state.raw({ position: 0, t: 0, cluster: history.latest, stops: 0 })
  }

  /** The stream of records has ended. The last moment stays, if the present was on show, or was to follow a rerun. */
  end(): void {
    this.present.end()
    if (!this.isLive && this.rerunUntil === null) return
    this.leave()
    this.seek(this.history.lastTime)
    this.wasLive = true
  }

  /** How many microseconds of the trace pass in one second of the reader's time. */
  get perSecond(): number {
    const isPaced = !this.isLive || this.present.isHere
    return isPaced ? (1e6 * this.speed) / this.serversTime.speedAt(this.moment.t) : 1e6
  }

  /** Draws the next frame; `now` is the reader's clock in milliseconds. */
  frame(now: number): void {
    const passed = Math.min(now - this.lastFrame, 100)
    this.lastFrame = now
    const { history, present } = this
    const due = (passed / 1000) * this.perSecond
    this.newest = Math.max(history.lastTime, present.newest(now) ?? 0)
    if (this.isLive) {
      if (this.isPlaying) present.pass(due)
      this.show(Math.max(this.moment.t, this.newest - present.delay))
    } else if (this.isPlaying) {
      this.show(Math.min(this.moment.t + due, this.newest))
      if (this.rerunUntil !== null && this.moment.t >= this.rerunUntil) this.goLive()
      else if (this.isPlaying && this.moment.position === history.end && this.moment.t >= this.newest) this.arrive()
    }
  }

  /** Follows the present, or stands still there. */
  goLive(isPlaying = true): void {
    this.rerunUntil = null
    this.isLive = true
    this.isPlaying = isPlaying
    this.wasLive = false
    this.jump(this.history.end, Math.max(this.history.lastTime, this.newest - this.present.delay))
  }

  /** Stands still. A present that does not wait becomes the past. */
  pause(): void {
    if (this.isLive && this.present.isHere) this.isPlaying = false
    else this.leave()
  }

  /** Stands still in the past. */
  private leave(): void {
    this.wasLive = false
    this.rerunUntil = null
    if (this.isLive && !this.present.isHere) this.speed = this.serversTime.speedAt(this.moment.t)
    this.isLive = false
    this.isPlaying = false
  }

  /** Plays on: to the next paragraph, if nothing happens before it; from the end, to the beginning. */
  play(): void {
    const { position, stops } = this.moment
    if (this.isLive) {
      this.isPlaying = true
      return
    }
    const wasAtEnd = this.isAtEnd
    if (this.isReading && this.nextStop?.position === position) return this.goToStop(stops)
    if (wasAtEnd) this.rewind()
    this.isPlaying = !(wasAtEnd && this.isReading)
  }

  /** Has it shown all that there is and will be? */
  get isAtEnd(): boolean {
    return !this.isLive && this.isOver && this.moment.position >= this.history.end && !this.nextStop
  }

  /** Is all that will ever come known? */
  private get isOver(): boolean {
    return this.present.newest(this.lastFrame) === null
  }

  toggle(): void {
    if (this.isPlaying) this.pause()
    else this.play()
  }

  /** The stop that was reached last: what there is to read. */
  get stop(): Stop | undefined {
    return this.stops[this.moment.stops - 1]
  }

  /** Does it wait until the paragraph on show is read? */
  get isReading(): boolean {
    return !this.isPlaying && this.stop?.position === this.moment.position
  }

  /** To the beginning, before anything happens. */
  rewind(): void {
    this.leave()
    const { start, firstTime } = this.history
    if (this.stops[0]?.position === start) this.goToStop(0)
    else this.jump(start, firstTime)
  }

  /** Shows this moment of the past, and plays on from there if it was playing. */
  seek(t: number): void {
    const wasPlaying = this.isPlaying && !this.isLive
    this.leave()
    this.isPlaying = wasPlaying
    // Before the first frame, the newest time is that of the history.
    const bounded = Math.min(Math.max(t, this.history.firstTime), Math.max(this.newest, this.history.lastTime))
    const position = this.history.positionAt(bounded)
    // The end shows what closes the script too.
    this.jump(position, bounded, position === this.history.end ? this.stops.length : undefined)
  }

  /** Shows a part of the past again, and then the present. */
  rerun({ from, until, speed }: Rerun): void {
    this.seek(from)
    this.speed = speed
    this.isPlaying = true
    this.rerunUntil = until
  }

  /** Shows the moment after this many records, and stays there. */
  showPosition(position: number): void {
    this.leave()
    this.jump(position, this.history.before(position)?.record.t ?? this.history.firstTime)
  }

  /** Shows the moment after this entry, and stays there. */
  showEntry(entry: Entry): void {
    this.leave()
    this.jump(entry.number + 1, entry.record.t)
  }

  /** To the next entry that is wanted, or to the one before; or to a stop, if one comes first. Is there any? */
  step(direction: 1 | -1, isWanted: (entry: Entry) => boolean): boolean {
    return direction === 1 ? this.stepForward(isWanted) : this.stepBack(isWanted)
  }

  private stepForward(isWanted: (entry: Entry) => boolean): boolean {
    const { position, stops } = this.moment
    const entry = this.history.next(position, isWanted)
    const isStopFirst = this.nextStop !== undefined && this.nextStop.position <= (entry?.number ?? Infinity)
    if (isStopFirst) this.goToStop(stops)
    else if (entry) this.showEntry(entry)
    return isStopFirst || entry !== undefined
  }

  private stepBack(isWanted: (entry: Entry) => boolean): boolean {
    const { position, stops } = this.moment
    const isAtStop = this.stop?.position === position
    // Where it is not at a stop, the entry before the position is the one on show.
    const entry = this.history.previous(isAtStop ? position : (this.shown?.number ?? position), isWanted)
    const before = stops - (isAtStop ? 2 : 1)
    const isStopFirst = before >= 0 && this.stops[before]!.position > (entry?.number ?? -1)
    if (isStopFirst) this.goToStop(before)
    else if (entry) this.showEntry(entry)
    return isStopFirst || entry !== undefined
  }

  /** The last entry of what is on show. */
  get shown(): Entry | undefined {
    return this.history.before(this.moment.position)
  }

  private get nextStop(): Stop | undefined {
    return this.stops[this.moment.stops]
  }

  /** Waits at a stop, at the time at which the story goes on. */
  private goToStop(order: number): void {
    this.leave()
    const { position } = this.stops[order]!
    const next = this.history.next(position, () => true)
    this.jump(position, next?.record.t ?? this.history.lastTime, order + 1)
  }

  private arrive(): void {
    if (this.nextStop) this.goToStop(this.moment.stops)
    else if (this.isOver) this.isPlaying = false
    else this.goLive()
  }

  /** Goes on to this time. */
  private show(t: number): void {
    const { history, moment } = this
    let { position } = moment
    for (;;) {
      const entry = history.next(position, () => true)
      if (!entry || entry.record.t > t) break
      if (this.nextStop && this.nextStop.position <= entry.number) return this.goToStop(moment.stops)
      position = entry.number + 1
    }
    this.moment = { ...moment, position, t, cluster: this.clusterAt(position) }
  }

  /** Shows what another player shows, of another history: its moment is the one at this position. */
  follow(other: Player, position: number): void {
    this.isLive = other.isLive
    this.isPlaying = other.isPlaying
    this.speed = other.speed
    this.newest = other.newest
    const { t } = other.moment
    if (t !== this.moment.t || position !== this.moment.position) this.moment = { ...this.moment, position, t, cluster: this.clusterAt(position) }
  }

  private clusterAt(position: number): ClusterView {
    const { history, moment } = this
    const isNear = position >= moment.position && position - moment.position <= 5000 && moment.position >= history.start
    return isNear ? history.advance(moment.cluster, moment.position, position) : history.clusterAt(position)
  }

  private jump(position: number, t: number, stops = this.stopsBefore(position)): void {
    this.moment = { position, t, cluster: this.history.clusterAt(position), stops }
  }

  private stopsBefore(position: number): number {
    return this.stops.filter((stop) => stop.position < position).length
  }
}
