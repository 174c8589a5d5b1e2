// A simulated cluster in this page: the engine performs commands, time passes while it is watched.

import type { Flying } from '../time/airborne'
import { Branches } from '../time/branches.svelte'
import { Here } from '../time/present'
import type { Entry } from '../trace/history'
import type { Index, Term } from '../trace/record'
import { asSentence } from '../trace/words'
import type { Flying as InFlight } from '../types/Flying'
import { commandsFor } from './commands'
import type { Comparison } from './comparison.svelte'
import type { Action, Library } from './contract'
import { EngineBroken, type Engine, type Told } from './engine'
import { replay } from './file'
import { Session } from './session.svelte'
import type { Source } from './source'

/** Slow enough to follow: an election takes a few seconds. */
const SPEED = 0.05

/** How much time the space–time view shows at first, in microseconds: an election, and what led to it. */
const SPAN = 300_000

/** An engine, the run that is on show, and those that were before. */
export class Lab {
  branches = new Branches()
  private run: LabRun | null = null

  constructor(
    readonly engine: Engine,
    readonly onshow: (session: Session) => void,
  ) {}

  /** The scenarios inside the engine. */
  readonly library: Library = {
    list: () => this.engine.ask('scenarios', {}),
    play: async (path) => replay(await this.engine.ask('film', { path })),
  }

  /** Shows another cluster, and forgets all that was done to the one before. */
  async open(script: string, at: number | null = null, isPlaying = at === null): Promise<Session> {
    const session = await this.play(script)
    this.branches = new Branches()
    this.onshow(session)
    session.player.goLive(isPlaying)
    if (at !== null && at < session.history.end) session.player.showPosition(at)
    return session
  }

  /** Shows the cluster of a script as it was after this number of records, to go on from there. */
  async openAt(script: string, position: number): Promise<void> {
    await this.open(await this.begun(script, position), null, false)
  }

  /** Does the same, and keeps the run that was on show. */
  async openBeside(script: string, position: number, name: string): Promise<void> {
    await this.leave(async () => {
      const text = await this.begun(script, position)
      return () => {
        this.branches.add(name)
        return text
      }
    })
  }

  /** The script of a run that is where this one is after that number of records. */
  private async begun(script: string, position: number): Promise<string> {
    await this.engine.ask('open', { script })
    await this.engine.ask('fork', { position })
    return (await this.engine.ask('script', {})).text
  }

  /** Goes another way from this position of the run on show. */
  async fork(position: number): Promise<void> {
    const { engine, branches } = this
    await this.leave(async () => {
      const { now_us } = await engine.ask('fork', { position })
      const { text } = await engine.ask('script', {})
      return () => {
        branches.begin(now_us)
        return text
      }
    })
  }

  /** Begins again with the same cluster, as it was at first. */
  async startAgain(): Promise<void> {
    await this.leave(async (script) => () => {
      this.branches.begin(0)
      return beginningOf(script)
    })
  }

  /** Shows a run of another cluster, and keeps the one on show. */
  async showBeside(script: string, name: string): Promise<Session> {
    await this.leave(async () => () => {
      this.branches.add(name)
      return script
    })
    return this.run!.session
  }

  /** Shows a run that was left. */
  async switchTo(id: number): Promise<void> {
    await this.leave(async () => () => this.branches.show(id))
  }

  /** Shows the run with this script in place of one that can't go on, and says why. */
  async recover(script: string, accident: string): Promise<void> {
    const session = await this.play(script)
    session.lab!.accident = `${accident} The cluster is again as it was when it was last known.`
    this.onshow(session)
    session.player.goLive(false)
  }

  /** Leaves the run on show, which is kept, for the one whose script `next` finds. */
  private async leave(next: (script: string) => Promise<() => string>): Promise<void> {
    const { run, engine } = this
    if (!run) return
    run.isOnShow = false
    const { text } = await engine.ask('script', {}).catch((failure) => {
      run.isOnShow = true
      throw failure
    })
    try {
      const script = await next(text)
      this.branches.keep(text)
      const session = await this.play(script())
      this.onshow(session)
      session.player.goLive(false)
    } catch (failure) {
      // The engine may be anywhere now.
      await this.recover(text, `${asSentence((failure as Error).message)}.`)
    }
  }

  private async play(script: string): Promise<Session> {
    const before = this.run
    if (before) before.isOnShow = false
    const run = new LabRun(this)
    try {
      const session = await run.open(script)
      session.player.speed = before?.session.player.speed ?? SPEED
      this.run = run
      return session
    } catch (failure) {
      // A script that is refused leaves the world as it was.
      if (before) before.isOnShow = true
      throw failure
    }
  }
}

/** The script up to its (last) `cluster`. */
export function beginningOf(script: string): string {
  const lines = script.split('\n')
  const last = lines.findLastIndex((line) => /^\(?cluster\b/.test(line))
  return [...lines.slice(0, last + 1), '---', ''].join('\n')
}

/** The entries of the logs with which a script’s cluster begins: which terms there are at each index. */
export function entriesIn(script: string): ReadonlyMap<Index, ReadonlySet<Term>> {
  const entries = new Map<Index, Set<Term>>()
  for (const [, terms] of script.matchAll(/^\(?log n\d+ ([\d ]+)/gm)) {
    terms!.trim().split(/ +/).forEach((term, place) => {
      entries.set(place + 1, (entries.get(place + 1) ?? new Set()).add(Number(term)))
    })
  }
  return entries
}

/** One run of a simulated cluster, as a session shows it. */
export class LabRun implements Source {
  readonly present = new Here((us) => this.pass(us))
  /** The messages in flight in the present, by the numbers of the entries of their sending. */
  flying = $state.raw<ReadonlyMap<number, Flying>>(new Map())
  /** How many times something has happened in it. */
  changes = $state(0)
  /** Why the run before could not go on, in a sentence. */
  accident = $state<string | null>(null)
  /** Is it the engine's world? Another run may have taken its place. */
  isOnShow = true
  session!: Session
  /** The comparison that it is a part of, and which of its clusters this is. */
  readonly comparison: Comparison | null = null
  readonly label: string | null = null
  /** The terms of the entries with which its logs began, by their indices. A script says no more of them. */
  begunWith: ReadonlyMap<Index, ReadonlySet<Term>> = new Map()
  /** When the next thing happens by itself; null if nothing will. */
  due: number | null = null
  /** The run, from which it can be played again if the engine fails, as it was after this number of changes. */
  private script = ''
  private scriptAt = -1
  private isPassing = false
  private isLooking = false

  constructor(readonly lab: Lab) {}

  /** Plays this script in the engine, and shows what comes of it. */
  async open(script: string): Promise<Session> {
    const told = await this.lab.engine.ask('open', { script })
    // What a scenario says to its reader is no part of a run of one’s own.
    const session = new Session({ ...told.setup, scenes: [] }, this)
    this.session = session
    session.timeWindow.span = SPAN
    session.lab = this
    session.connection = 'connected'
    session.hasHeadlines = true
    session.whyNot = (server, what, position) => this.lab.engine.ask('why_not', { server, what, position })
    this.take(told)
    await this.keepScript()
    this.begunWith = entriesIn(this.script)
    session.player.frame(performance.now())
    return session
  }

  /** The run so far, as a scenario. */
  async scriptNow(): Promise<string> {
    return (await this.lab.engine.ask('script', {})).text
  }

  /** Keeps the script of the run so far, unless it is kept already. */
  private async keepScript(): Promise<void> {
    const { changes } = this
    if (this.scriptAt === changes) return
    this.script = await this.scriptNow()
    this.scriptAt = changes
  }

  async act(action: Action): Promise<string> {
    const { session } = this
    const { history } = session
    const commands = commandsFor(action, { cluster: history.latest, off: session.rulesOff(history.end) })
    for (const command of commands) await this.perform(command)
    return `▸ ${commands.join(' · ')}`
  }

  /** Performs a command of a scenario; returns the text that it was for. */
  async perform(command: string): Promise<string> {
    const { engine, branches } = this.lab
    return this.guarded(async () => {
      await this.keepScript()
      const told = await engine.ask('do', { command })
      branches.note(command, this.present.newest())
      this.take(told)
      await this.keepScript()
      return told.said
    })
  }

  /** Goes another way from this position. */
  continueFrom(position: number): Promise<void> {
    return this.trying(this.lab.fork(position))
  }

  /** Begins again with the same cluster. */
  startAgain(): Promise<void> {
    return this.trying(this.lab.startAgain())
  }

  /** Begins with another cluster. */
  openAnother = (script: string) => this.trying(this.lab.open(script))

  /** Shows another branch. */
  switchTo = (branch: number) => this.trying(this.lab.switchTo(branch))

  /** Stands still, and lets the next thing happen. */
  async step(): Promise<void> {
    this.session.player.pause()
    await this.next()
  }

  /** Lets the next thing happen. */
  next(): Promise<void> {
    return this.guarded(async () => this.take(await this.lab.engine.ask('step', {})))
  }

  /** Lets time pass, until a promise breaks. */
  run(us: number): Promise<void> {
    return this.guarded(async () => this.take(await this.lab.engine.ask('run', { us })))
  }

  async story(): Promise<[]> {
    return []
  }

  async earlier(): Promise<null> {
    return null
  }

  protected pass(us: number): boolean {
    if (this.isPassing || !this.isOnShow) return false
    this.isPassing = true
    void this.run(us)
      .catch((failure) => {
        this.session.player.pause()
        this.session.complain(failure)
      })
      .finally(() => (this.isPassing = false))
    return true
  }

  /** If the engine fails meanwhile, it recovers. */
  private async guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (failure) {
      if (failure instanceof EngineBroken && this.isOnShow) await this.recover(`The engine has stopped: ${failure.message}.`)
      throw failure
    }
  }

  /** Plays the run again up to where it was known last. */
  protected recover(accident: string): Promise<void> {
    return this.lab.recover(this.script, accident)
  }

  protected async trying(work: Promise<unknown>): Promise<void> {
    await work.catch((failure) => this.session.complain(failure))
  }

  private take({ records, headlines, now_us, next_us }: Told): void {
    const { session } = this
    const { end } = session.history
    for (const record of records) session.add(record)
    for (const headline of headlines) session.hear(headline)
    this.present.reach(now_us)
    this.due = next_us
    this.changes += 1
    const violation = session.history.next(end, ({ record }) => record.event === 'violated')
    if (violation) this.stopAt(violation)
    void this.look()
  }

  /** A broken promise stops the world, and explains itself. */
  protected stopAt(violation: Entry): void {
    this.session.player.pause()
    this.session.asked = violation
  }

  /** Looks which messages are in flight. */
  private async look(): Promise<void> {
    if (this.isLooking) return
    this.isLooking = true
    try {
      const messages = await this.lab.engine.ask('messages', {})
      if (this.isOnShow) this.flying = this.placed(messages)
    } catch (failure) {
      if (!(failure instanceof EngineBroken)) this.session.complain(failure)
    } finally {
      this.isLooking = false
    }
  }

  private placed(messages: readonly InFlight[]): ReadonlyMap<number, Flying> {
    const flying = new Map<number, Flying>()
    for (const { id, from, to, words, select, due_us: dueAt } of messages) {
      const entry = this.session.history.find(id)
      if (!entry) continue
      const heldSince = dueAt === null ? (this.flying.get(entry.number)?.heldSince ?? this.present.newest()) : null
      const copies = (flying.get(entry.number)?.copies ?? 0) + 1
      flying.set(entry.number, { words: `n${from} → n${to}: ${words}`, select, dueAt, heldSince, copies })
    }
    return flying
  }
}
