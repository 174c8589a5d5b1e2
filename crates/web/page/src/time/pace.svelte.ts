/** How many messages are drawn when the browser keeps up, and at least. */
const ALL = 96
const FEWEST = 6
/** The browser falls behind if frames are further apart than SLOW, in milliseconds; it keeps up if they are closer than FAST. */
const SLOW = 45
const FAST = 36
/** How long to wait for the effect of a change, in milliseconds. */
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
    // A hidden page draws nothing: that is no sign of a slow browser.
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
