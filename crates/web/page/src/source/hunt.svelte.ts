// The search for a run that breaks a promise without a rule, in an engine of its own.

import { EngineBroken, type Engine } from './engine'

/** How many steps of servers are tried before progress is shown. If a server panics, what came of the last slice is lost. */
const SLICE = 2_000

/** A server found a contradiction in itself: meanwhile, and in these words. */
export type Panic = { readonly meanwhile: string; readonly words: string }

export class Hunt {
  /** How many random runs were examined. */
  examined = $state(0)
  panics = $state.raw<readonly Panic[]>([])
  /** The promise that was broken, once one was. */
  promise = $state<string | null>(null)
  /** The number of lines that the story has by now, and how much of the work on it is done, from 0 to 1. */
  lines = $state(0)
  share = $state(0)
  /** Did a server panic while the story was made shorter? */
  isCutShort = $state(false)
  /** The shortest story so far. */
  private story: string | null = null
  private isStopped = false

  constructor(
    private readonly engine: Engine,
    private readonly rule: string,
  ) {}

  /** Searches; returns the story as a script, or null if there is none to show. Throws an error if a search would be in vain. */
  async run(): Promise<string | null> {
    try {
      return (await this.find()) ? await this.shorten() : null
    } catch (failure) {
      if (!(failure instanceof EngineBroken)) throw failure
      this.isCutShort = !this.isStopped
      if (this.isCutShort) this.note('While the story was made shorter', failure)
      return this.story && (await this.playable(this.story))
    } finally {
      this.stop()
    }
  }

  /** An unfinished story without what was tried in vain, up to the broken promise; null if servers panic in it. */
  private async playable(story: string): Promise<string | null> {
    const lines = story.split('\n').filter((line) => !/^-*$/.test(line))
    const cluster = lines.findIndex((line) => line.startsWith('cluster'))
    try {
      await this.engine.ask('open', { script: `${lines.slice(0, cluster + 1).join('\n')}\n---\n` })
      for (const command of lines.slice(cluster + 1)) {
        const told = await this.engine.ask('do', { command }).catch(unlessBroken)
        if (told?.violation) break
      }
      const { text } = await this.engine.ask('script', {})
      return `${lines[0]}\n\n${text}`
    } catch {
      return null
    }
  }

  stop(): void {
    this.isStopped = true
    this.engine.stop('the search was stopped')
  }

  private async find(): Promise<boolean> {
    while (!this.isStopped) {
      try {
        // One run at a time, so that it is known in which one a server panics.
        const { next, is_over: isOver, found } = await this.engine.ask('hunt', { without: this.rule, from: this.examined, steps: 1 })
        this.examined = next
        this.promise = found?.promise ?? null
        if (isOver) return found !== null
      } catch (failure) {
        if (this.isStopped || !(failure instanceof EngineBroken)) throw failure
        this.examined += 1
        this.note(`In run ${this.examined}`, failure)
      }
    }
    return false
  }

  private note(meanwhile: string, { message }: EngineBroken): void {
    this.panics = [...this.panics, { meanwhile, words: message }]
  }

  private async shorten(): Promise<string> {
    for (let steps = 0; ; steps = SLICE) {
      const told = await this.engine.ask('shrink', { steps })
      this.story = told.scenario
      this.lines = told.lines
      this.share = Math.min(1, told.steps / told.most_steps)
      if (told.is_done) return told.scenario
    }
  }
}

/** What is refused changes nothing. */
function unlessBroken(failure: unknown): null {
  if (failure instanceof EngineBroken) throw failure
  return null
}
