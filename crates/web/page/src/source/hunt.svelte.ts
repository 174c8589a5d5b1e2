// The search for a run that breaks a promise without a rule, in an engine of its own.

import type { Engine } from './engine'

/** How many steps of servers are tried before progress is shown. */
const SLICE = 2_000

export class Hunt {
  /** How many random runs were examined. */
  examined = $state(0)
  /** The promise that was broken, once one was. */
  promise = $state<string | null>(null)
  /** The number of lines that the story has by now, and how much of the work on it is done, from 0 to 1. */
  lines = $state(0)
  share = $state(0)
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
      if (!this.isStopped) throw failure
      return this.story && (await this.playable(this.story))
    } finally {
      this.stop()
    }
  }

  /** An unfinished story without what was tried in vain, up to the broken promise. */
  private async playable(story: string): Promise<string> {
    const lines = story.split('\n').filter((line) => !/^-*$/.test(line))
    const cluster = lines.findIndex((line) => line.startsWith('cluster'))
    await this.engine.ask('open', { script: `${lines.slice(0, cluster + 1).join('\n')}\n---\n` })
    for (const command of lines.slice(cluster + 1)) {
      // What is refused changes nothing.
      const told = await this.engine.ask('do', { command }).catch(() => null)
      if (told?.violation) break
    }
    const { text } = await this.engine.ask('script', {})
    return `${lines[0]}\n\n${text}`
  }

  stop(): void {
    this.isStopped = true
    this.engine.stop('the search was stopped')
  }

  private async find(): Promise<boolean> {
    while (!this.isStopped) {
      const { next, is_over: isOver, found } = await this.engine.ask('hunt', { without: this.rule, from: this.examined, steps: 1 })
      this.examined = next
      this.promise = found?.promise ?? null
      if (isOver) return found !== null
    }
    return false
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
