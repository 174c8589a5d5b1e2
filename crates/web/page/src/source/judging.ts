// Judges a run again and again while it changes, but leaves the engine time for other things.

/** The shortest time between two looks, in milliseconds, and how much longer than a look it is. */
const PACE = 150
const REST = 3

export class Judging {
  private isLooking = false
  private isStale = false
  private run = 0

  /** `look` asks after each wait whether the run that it looks at is over. */
  constructor(private readonly look: (isOver: () => boolean) => Promise<void>) {}

  /** Another run has begun. */
  beginAgain(): void {
    this.run += 1
  }

  /** Something has changed. While a look lasts, and a little longer, there is no other one. */
  async again(): Promise<void> {
    this.isStale = true
    if (this.isLooking) return
    this.isLooking = true
    while (this.isStale) {
      this.isStale = false
      const began = performance.now()
      const { run } = this
      await this.look(() => run !== this.run)
      if (run !== this.run) {
        this.isStale = true
        continue
      }
      await new Promise((resolve) => setTimeout(resolve, PACE + REST * (performance.now() - began)))
    }
    this.isLooking = false
  }
}
