// The present of a cluster, and how it is followed.

export interface Present {
  /** Does the cluster run in this page? Then its time passes as its reader wants, and stands still when the reader pauses. */
  readonly isHere: boolean
  /** How much later it is shown, in microseconds. */
  readonly delay: number
  /** The time in the cluster, in microseconds, when the reader's clock says `now`, in milliseconds. Null if no more will come. */
  newest(now: number): number | null
  /** Lets this number of microseconds pass in the cluster. */
  pass(us: number): void
  /** No more will come. */
  end(): void
}

/** Records that arrive together are shown one after another. */
const DELAY = 60_000

/** A cluster that runs elsewhere, or a file: then it is never heard of. */
export class Elsewhere implements Present {
  readonly isHere = false
  readonly delay = DELAY
  /** What to add to the reader's clock to get the trace's, both in microseconds; null before the first record. */
  private offset: number | null = null

  /** A record of what happened just now has arrived. */
  heard(t: number, now: number): void {
    // The record that took the least time to get here shows best how the clocks differ.
    const offset = t - now * 1000
    this.offset = this.offset === null ? offset : Math.max(offset, this.offset - 1)
  }

  newest(now: number): number | null {
    return this.offset === null ? null : now * 1000 + this.offset
  }

  pass(): void {}

  /** The stream of records has started again, or has ended. */
  end(): void {
    this.offset = null
  }
}

/** No more than this many microseconds pass at once: what a slow machine can't do in time, it leaves out. */
const SLICE = 250_000

/** A cluster that runs in this page. */
export class Here implements Present {
  readonly isHere = true
  readonly delay = 0
  private reached = 0
  private owed = 0

  constructor(
    /** Lets this many microseconds pass, unless that is still being done. Did it begin? */
    private readonly run: (us: number) => boolean,
  ) {}

  /** The cluster has come this far. */
  reach(t: number): void {
    this.reached = t
  }

  newest(): number {
    return this.reached
  }

  pass(us: number): void {
    this.owed = Math.min(this.owed + us, SLICE)
    const whole = Math.floor(this.owed)
    if (whole > 0 && this.run(whole)) this.owed -= whole
  }

  end(): void {}
}
