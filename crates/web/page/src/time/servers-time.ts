/** The servers' own time, which their timers use. It runs slower or faster than the observer's. */
export class ServersTime {
  private stretches: { t: number; own: number; speed: number }[]

  constructor(speed: number) {
    this.stretches = [{ t: 0, own: 0, speed }]
  }

  /** From this moment on, in microseconds, the servers' clocks run at this multiple of real time. */
  change(t: number, speed: number): void {
    this.stretches.push({ t, own: this.at(t), speed })
  }

  /** Forgets all changes of speed and starts again with this one. */
  begin(speed: number): void {
    this.stretches = [{ t: 0, own: 0, speed }]
  }

  /** The servers' own time at this moment; both in microseconds. */
  at(t: number): number {
    const { t: since, own, speed } = this.stretch(t)
    return own + (t - since) * speed
  }

  speedAt(t: number): number {
    return this.stretch(t).speed
  }

  private stretch(t: number) {
    return this.stretches.findLast((stretch) => stretch.t <= t) ?? this.stretches[0]!
  }
}
