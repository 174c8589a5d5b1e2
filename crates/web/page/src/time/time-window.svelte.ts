/** How much more or less is shown by one step of zooming. */
export const ZOOM = 1.5
/** Where the moment on show stands in the window while time passes, and where after it was left, as parts of the span. */
const PLAYING_AT = 0.94
const LEFT_AT = 0.6
/** The window begins a little before the first record. */
const BEFORE = 0.02
const SHORTEST = 200
const LONGEST = 600e6

/** The stretch of time that the space–time view shows; times are in microseconds. */
export class TimeWindow {
  from = $state(0)
  span = $state(2e6)

  get to(): number {
    return this.from + this.span
  }

  /** Keeps the moment in sight: it moves through the window, or while time passes, the window moves with it. */
  follow(t: number, isPlaying: boolean, first: number, last: number): void {
    if (!isPlaying && t >= this.from && t <= this.to) return
    const from = isPlaying ? t - PLAYING_AT * this.span : Math.min(t - LEFT_AT * this.span, last - PLAYING_AT * this.span)
    this.from = Math.max(from, first - BEFORE * this.span)
  }

  /** Shows this many times as much time. What happened at `t` stays in its place, or the middle if that is not in sight. */
  zoom(factor: number, t: number): void {
    const span = Math.min(LONGEST, Math.max(SHORTEST, this.span * factor))
    const still = t >= this.from && t <= this.to ? t : this.from + this.span / 2
    this.from = still - ((still - this.from) * span) / this.span
    this.span = span
  }

  /** Moves the window, but keeps some of what happened in sight. */
  pan(us: number, first: number, last: number): void {
    const [least, most] = [first - this.span * 0.9, last - this.span * 0.1]
    this.from = Math.min(Math.max(this.from + us, least), most)
  }
}
