// The same run in two clusters at once: with a rule, and without it. What is done is done in both.

import { asSentence } from '../trace/words'
import type { Entry } from '../trace/history'
import type { Action } from './contract'
import { EngineBroken, type Engine } from './engine'
import { Lab, LabRun } from './lab.svelte'

/** Where the records of the two clusters differ for the first time. */
export type Difference = {
  /** The number of the entry, and what it is on each side: nothing if the other side does something meanwhile. */
  readonly number: number
  readonly entries: readonly (Entry | undefined)[]
}

/** What only one of the two clusters could do. */
export type Refusal = { readonly command: string; readonly t: number; readonly side: Side; readonly why: string }

/** A command that was performed: when it began and ended, and the number of records of each side before it. */
type Done = { readonly command: string; readonly began: number; readonly ended: number; readonly before: readonly number[] }

export class Comparison {
  /** With the rule, and without it. */
  readonly sides: readonly [Side, Side]
  /** The side that was touched last: its story is told, and it leads through time. */
  chosen: Side
  difference = $state.raw<Difference | null>(null)
  refusals = $state.raw<readonly Refusal[]>([])
  /** The script up to the cluster, with all rules on, and what was done then. */
  private beginning = ''
  private done: Done[] = []
  /** How many records are the same on both sides. */
  private same = 0
  private turn: Promise<unknown> = Promise.resolve()
  private isPassing = false

  /** A comparison that takes the place of a run. */
  private constructor(
    private readonly run: LabRun,
    readonly rule: string,
  ) {
    const { engine } = run.lab
    this.sides = [new Side(this, `with ${rule}`, engine.another()), new Side(this, 'without it', engine.another())]
    this.chosen = $state.raw(this.sides[1])
  }

  /** Shows a run with this rule and without it, both from the beginning. */
  static async of(run: LabRun, rule: string): Promise<void> {
    run.session.player.pause()
    await new Comparison(run, rule).show(await run.scriptNow(), run.session.player.speed)
  }

  private async show(script: string, speed: number): Promise<void> {
    const lines = script.split('\n').filter((line) => !/^(rule .*|-*)$/.test(line))
    const cluster = lines.findIndex((line) => line.startsWith('cluster'))
    this.beginning = lines.slice(0, cluster + 1).join('\n').replace(/ without=\S+/, '')
    const [kept, left] = this.sides
    await Promise.all([kept.open(`${this.beginning}\n---\n`), left.open(`${this.beginning} without=${this.rule}\n---\n`)])
    left.session.timeWindow = kept.session.timeWindow
    this.compare()
    for (const command of lines.slice(cluster + 1)) await this.perform(command)
    const { player } = this.chosen.session
    player.speed = speed
    player.goLive(false)
    this.run.lab.onshow(kept.session)
  }

  /** Shows the run again that was there before. */
  end(): void {
    this.stop()
    this.run.lab.onshow(this.run.session)
  }

  private stop(): void {
    for (const { lab } of this.sides) lab.engine.stop('the comparison has ended')
  }

  /** An engine has failed: nothing more can be done. */
  fail(side: Side, accident: string): void {
    side.accident = `${accident} This was the cluster ${side.label}. The comparison can’t go on.`
    this.chosen = side
    for (const { session } of this.sides) session.disconnect()
  }

  /** Does this in both clusters; returns the text that it was for. */
  perform(command: string): Promise<string> {
    return this.inTurn(async () => {
      const [began, before] = [this.now, this.sides.map(({ session }) => session.history.end)]
      const outcomes = await Promise.allSettled(this.sides.map((side) => side.performAlone(command)))
      await this.align()
      const said = outcomes.find((outcome) => outcome.status === 'fulfilled')
      const refused = outcomes.flatMap((outcome, place) => (outcome.status === 'rejected' ? [{ side: this.sides[place]!, reason: outcome.reason as Error }] : []))
      const isBroken = refused.some(({ reason }) => reason instanceof EngineBroken)
      if (!said || isBroken) throw refused[0]!.reason
      if (!command.startsWith('run ')) this.done.push({ command, began, ended: this.now, before })
      this.refusals = [...this.refusals, ...refused.map(({ side, reason }) => ({ command, t: began, side, why: asSentence(reason.message) }))]
      return said.value
    })
  }

  /** Lets time pass in both. */
  pass(us: number): boolean {
    if (this.isPassing) return false
    this.isPassing = true
    const passed = this.inTurn(async () => {
      const [kept, left] = this.sides
      const until = left.now + us
      // It stops where a promise breaks, which is to be expected without the rule; in the midst of a microsecond.
      await left.run(us)
      const rest = left.now - kept.now + (left.now < until ? 1 : 0)
      if (rest > 0) await kept.run(rest)
      this.compare()
    })
    void passed.catch((failure) => this.chosen.session.complain(failure)).finally(() => (this.isPassing = false))
    return true
  }

  /** Lets the next thing happen, on whichever side it is due first. */
  step(): Promise<void> {
    return this.inTurn(async () => {
      const due = Math.min(...this.sides.map((side) => side.due ?? Infinity))
      await Promise.all(this.sides.filter((side) => side.due === due).map((side) => side.next()))
      await this.align()
    })
  }

  /** Goes another way, from this position of a side. */
  async continueFrom(side: Side, position: number): Promise<void> {
    const { history, player } = side.session
    const place = this.sides.indexOf(side)
    const lines = [this.beginning]
    let reached = 0
    const run = (until: number) => {
      if (until > reached) lines.push(`run ${until - reached}us`)
    }
    for (const { command, began, ended } of this.done.filter(({ before }) => before[place]! < position)) {
      run(began)
      lines.push(command)
      reached = ended
    }
    const t = history.before(position)?.record.t ?? 0
    const isCutInTwo = history.next(position, () => true)?.record.t === t
    run(isCutInTwo ? t - 1 : t)
    await new Comparison(this.run, this.rule).show(lines.join('\n'), player.speed)
    this.stop()
  }

  /** A promise is broken, which stops the time of both. */
  stopAt(side: Side): void {
    this.chosen.session.player.pause()
    this.chosen = side
  }

  /** Both show the same moment. */
  follow(): void {
    const { player } = this.chosen.session
    const { position, t } = player.moment
    for (const { session } of this.sides) {
      if (session !== this.chosen.session) session.player.follow(player, position <= this.same ? position : session.history.positionAt(t))
    }
  }

  /** Shows the first difference, with its reason. */
  showDifference(): void {
    const { difference, sides, chosen } = this
    if (!difference) return
    const place = difference.entries[sides.indexOf(chosen)] ? sides.indexOf(chosen) : difference.entries.findIndex(Boolean)
    this.chosen = sides[place]!
    this.chosen.session.ask(difference.entries[place]!)
  }

  private get now(): number {
    return Math.max(...this.sides.map(({ now }) => now))
  }

  /** Brings both to the same time. */
  private async align(): Promise<void> {
    const { now } = this
    await Promise.all(this.sides.map((side) => side.runTo(now)))
    this.compare()
  }

  private compare(): void {
    const histories = this.sides.map(({ session }) => session.history)
    while (this.difference === null) {
      const entries = histories.map((history) => history.next(this.same, () => true))
      const [one, other] = entries
      if (!one && !other) return
      // What only one side has done so far, the other may still do at the same moment.
      if ((!one && this.mayStill(this.sides[0], other!)) || (!other && this.mayStill(this.sides[1], one!))) return
      if (one && other && JSON.stringify(one.record) === JSON.stringify(other.record)) this.same += 1
      else {
        this.difference = { number: this.same, entries }
        for (const { session } of this.sides) session.differsAt = this.same
      }
    }
  }

  private mayStill({ due }: Side, { record }: Entry): boolean {
    return due !== null && due <= record.t
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work)
    this.turn = done.catch(() => {})
    return done
  }
}

/** One of the two clusters. */
export class Side extends LabRun {
  constructor(
    override readonly comparison: Comparison,
    override readonly label: string,
    engine: Engine,
  ) {
    super(new Lab(engine, () => {}))
  }

  /** How far it has come. */
  get now(): number {
    return this.present.newest()
  }

  /** Lets time pass up to this moment, whatever breaks meanwhile. */
  async runTo(t: number): Promise<void> {
    while (this.now < t) {
      const [before, { end }] = [this.now, this.session.history]
      await this.run(t - before)
      if (this.now === before && this.session.history.end === end) return
    }
  }

  override async act(action: Action): Promise<string> {
    const { refusals } = this.comparison
    const words = await super.act(action)
    const news = this.comparison.refusals.slice(refusals.length).map(({ side, why }) => `${side.label} it was refused: ${why}`)
    return [words, ...news].join(' · ')
  }

  override perform(command: string): Promise<string> {
    return this.comparison.perform(command)
  }

  performAlone(command: string): Promise<string> {
    return super.perform(command)
  }

  override continueFrom(position: number): Promise<void> {
    return this.trying(this.comparison.continueFrom(this, position))
  }

  override startAgain(): Promise<void> {
    return this.continueFrom(0)
  }

  override async step(): Promise<void> {
    this.session.player.pause()
    await this.comparison.step()
  }

  protected override pass(us: number): boolean {
    return this.comparison.pass(us)
  }

  protected override async recover(accident: string): Promise<void> {
    this.comparison.fail(this, accident)
  }

  protected override stopAt(violation: Entry): void {
    super.stopAt(violation)
    this.comparison.stopAt(this)
  }
}
