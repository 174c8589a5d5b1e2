// What a learner does in a cluster, for a task of the course or to save a cluster, and what comes of it.

import { failureWords } from '../trace/words'
import type { CourseTask } from '../types/CourseTask'
import type { Judged } from '../types/Judged'
import { Judging } from './judging'
import type { Lab } from './lab.svelte'
import type { Session } from './session.svelte'
import { clusterIn, film, linesOf, scenarioOf, startsCluster } from './watched'

/** The card, or the exercise, to which a task belongs. */
export type Stage<Told extends Judged = Judged> = {
  /** The cluster on show. */
  session: Session | null
  /** The title of the runs that it shows. */
  readonly heading: string
  /** What was done in the engine's world, and which checks hold. */
  judge(): Promise<Told>
  /** All checks hold. */
  noteDone(judged: Told): void
}

export class Attempt {
  /** The checks of the task, and what was done for it. */
  judged = $state.raw<Judged | null>(null)
  /** Does the picture show the solution? */
  showsSolution = $state(false)
  /** What is wrong, in a sentence. */
  problem = $state<string | null>(null)
  private readonly judging = new Judging((isOver) => this.look(isOver))

  constructor(
    readonly task: CourseTask,
    readonly lab: Lab,
    readonly stage: Stage,
  ) {}

  get isDone(): boolean {
    return this.judged !== null && !this.showsSolution && this.judged.checks.every(({ holds }) => holds)
  }

  /** The commands so far. */
  get commands(): readonly string[] {
    return this.judged?.commands ?? []
  }

  /** The names of the commands with which the task can be done. */
  get enough(): readonly string[] {
    return [...new Set(this.task.solution.map((line) => line.split(' ')[0]!))].sort()
  }

  async startAgain(): Promise<void> {
    this.showsSolution = false
    const { world, solution } = this.task
    // Where the learner starts the cluster, one stands there until then.
    await this.lab.open(this.titled(linesOf(startsCluster(world) ? world : [clusterIn(solution)])), null, false)
    this.judging.beginAgain()
    if (this.judged) this.judged = { commands: [], checks: this.judged.checks.map((check) => ({ ...check, holds: false })) }
    await this.judge()
  }

  /** Shows how the task can be done. */
  async showSolution(): Promise<void> {
    const { world, solution } = this.task
    const { script, begin } = scenarioOf(world, solution)
    this.showsSolution = true
    const shown = await film(this.lab.engine, { script: this.titled(script), begin })
    if (typeof shown !== 'string') this.stage.session = shown
  }

  /** Does what a learner types. A cluster is started with the lines that prepare it. */
  async perform(command: string, prepared: readonly string[]): Promise<string> {
    if (/^cluster\b/.test(command)) {
      if (startsCluster(this.task.world)) throw Object.assign(new Error('this task has its own cluster'), { help: 'begin it again with “Start again”' })
      await this.lab.open(this.titled(linesOf([...prepared, command])), null, false)
      return ''
    }
    return this.stage.session!.lab!.perform(command)
  }

  /** Looks which checks hold now. */
  async judge(): Promise<void> {
    if (!this.showsSolution) await this.judging.again()
  }

  private async look(isOver: () => boolean): Promise<void> {
    try {
      const judged = await this.stage.judge()
      if (isOver() || this.showsSolution || this.isDone) return
      this.judged = judged
      this.problem = null
      if (this.isDone) this.stage.noteDone(judged)
    } catch (failure) {
      this.problem = failureWords(failure)
    }
  }

  private titled(script: string): string {
    return `# ${this.stage.heading}\n\n${script}`
  }
}
