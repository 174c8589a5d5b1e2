/** So many messages are drawn where nothing holds the browser up. */
const ALL = 96
const FEWEST = 6
/** The browser falls behind if pictures are further apart than this, in milliseconds; it keeps up if they are closer than that. */
const SLOW = 45
const FAST = 36
/** How long a change is left to show what it does, in milliseconds. */
const WORSE_AFTER = 1000
const BETTER_AFTER = 4000

/** How many messages in the air the browser can draw and still keep up. */
export class Pace {
  most = $state(ALL)
  private usualGap = 16
  private last = 0
  private settledAt = 0

  /** A picture is drawn; `now` is the reader's clock in milliseconds. */
  frame(now: number): void {
    // A page that was out of sight has drawn nothing, and that says nothing.
    const gap = Math.min(now - this.last, 250)
    this.last = now
    this.usualGap += (gap - this.usualGap) / 20
    if (now < this.settledAt) return
    if (this.usualGap > SLOW && this.most > FEWEST) this.change(now, this.most / 2, WORSE_AFTER)
    else if (this.usualGap < FAST && this.most < ALL) this.change(now, this.most * 2, BETTER_AFTER)
  }

  private change(now: number, most: number, settling: number): void {
    this.most = most
    this.settledAt = now + settling
  }
}
