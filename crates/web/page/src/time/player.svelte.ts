import type { Entry, History } from '../trace/history'
import type { ClusterView } from '../trace/view'
import { ServersTime } from './servers-time'

/** The speeds that the slider goes through, as multiples of real time. */
export const SPEEDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]

/** What is on show: the cluster after all records before `position`, at the time `t` in microseconds. */
export type Moment = { readonly position: number; readonly t: number; readonly cluster: ClusterView }

/** The live view lags this much, in microseconds, so that records that arrive together are shown one after another. */
const LIVE_DELAY = 60_000

/** The moment of the history that is on show: the present, or the past, which plays or stands still. */
export class Player {
  moment: Moment
  /** Is the present on show? */
  isLive = $state(false)
  isPlaying = $state(false)
  /** How fast the servers' clocks seem to run while the past plays. */
  speed = $state(1)
  /** The newest time of the trace, in microseconds. */
  newest = $state(0)
  private lastFrame = 0
  /** What to add to the reader's clock to get the trace's, both in microseconds; null before the first record. */
  private offset: number | null = null

  constructor(
    readonly history: History,
    readonly serversTime: ServersTime,
  ) {
    this.moment = $state.raw({ position: 0, t: 0, cluster: history.latest })
  }

  /** A record of what happened just now has arrived. */
  heard(t: number, now: number): void {
    // The record that took the least time to get here shows best how the clocks differ.
    const offset = t - now * 1000
    this.offset = this.offset === null ? offset : Math.max(offset, this.offset - 1)
  }

  /** The stream of records has started again. */
  forgetClock(): void {
    this.offset = null
  }

  /** How many microseconds of the trace pass in one second of the reader's time. */
  get perSecond(): number {
    return this.isLive ? 1e6 : (1e6 * this.speed) / this.serversTime.speedAt(this.moment.t)
  }

  /** Draws the next frame; `now` is the reader's clock in milliseconds. */
  frame(now: number): void {
    const passed = Math.min(now - this.lastFrame, 100)
    this.lastFrame = now
    const { history } = this
    this.newest = this.offset === null ? history.lastTime : Math.max(history.lastTime, now * 1000 + this.offset)
    if (this.isLive) {
      this.show(Math.max(this.moment.t, this.newest - LIVE_DELAY))
    } else if (this.isPlaying) {
      this.show(this.moment.t + (passed / 1000) * this.perSecond)
      if (this.moment.position === history.end && this.moment.t >= this.newest) this.arrive()
    }
  }

  /** Follows the present. */
  goLive(): void {
    this.isLive = true
    this.isPlaying = true
    this.jump(this.history.end, Math.max(this.history.lastTime, this.newest - LIVE_DELAY))
  }

  pause(): void {
    if (this.isLive) this.speed = this.serversTime.speedAt(this.moment.t)
    this.isLive = false
    this.isPlaying = false
  }

  play(): void {
    if (!this.isLive && this.moment.position >= this.history.end && this.offset === null) this.seek(this.history.firstTime)
    this.isPlaying = true
  }

  toggle(): void {
    if (this.isPlaying) this.pause()
    else this.play()
  }

  /** Shows this moment of the past, and plays on from there if it was playing. */
  seek(t: number): void {
    const wasPlaying = this.isPlaying && !this.isLive
    this.pause()
    this.isPlaying = wasPlaying
    const bounded = Math.min(Math.max(t, this.history.firstTime), this.newest)
    this.jump(this.history.positionAt(bounded), bounded)
  }

  /** Shows the moment after this entry, and stays there. */
  showEntry(entry: Entry): void {
    this.pause()
    this.jump(entry.number + 1, entry.record.t)
  }

  /** To the next entry that is wanted, or to the one before. */
  step(direction: 1 | -1, isWanted: (entry: Entry) => boolean): Entry | undefined {
    const { position } = this.moment
    // The entry before the position is the one on show.
    const entry =
      direction === 1
        ? this.history.next(position, isWanted)
        : this.history.previous(this.shown?.number ?? position, isWanted)
    if (entry) this.showEntry(entry)
    return entry
  }

  /** The last entry of what is on show. */
  get shown(): Entry | undefined {
    return this.history.before(this.moment.position)
  }

  private arrive(): void {
    if (this.offset === null) this.isPlaying = false
    else this.goLive()
  }

  /** Goes on to this time. */
  private show(t: number): void {
    const { history, moment } = this
    let { position } = moment
    for (;;) {
      const entry = history.next(position, () => true)
      if (!entry || entry.record.t > t) break
      position = entry.number + 1
    }
    const isFar = position - moment.position > 5000 || moment.position < history.start
    const cluster = isFar ? history.clusterAt(position) : history.advance(moment.cluster, moment.position, position)
    this.moment = { position, t, cluster }
  }

  private jump(position: number, t: number): void {
    this.moment = { position, t, cluster: this.history.clusterAt(position) }
  }
}
