// The learner saves a cluster with few commands.

import type { Puzzle } from '../types/Puzzle'
import type { PuzzleMarked } from '../types/PuzzleMarked'
import { Attempt, type Stage } from './attempt.svelte'
import type { Lab } from './lab.svelte'
import type { Practice } from './practice.svelte'
import type { Session } from './session.svelte'
import { taskOf } from './course.svelte'

export class SaveIt implements Stage {
  readonly name: string
  readonly title: string
  readonly attempt: Attempt
  session = $state.raw<Session | null>(null)
  /** The points, once the cluster is saved. */
  points = $state<number | null>(null)

  constructor(
    readonly practice: Practice,
    readonly puzzle: Puzzle,
    lab: Lab,
  ) {
    this.name = `save/${puzzle.card.id}`
    this.title = `Save the cluster: ${puzzle.card.id}`
    this.attempt = new Attempt(taskOf(puzzle.card)!, lab, this)
  }

  get heading(): string {
    return this.title
  }

  open(): Promise<void> {
    return this.attempt.startAgain()
  }

  stop(): void {}

  /** Is a limit exceeded, so that only another attempt can succeed? */
  get isLost(): boolean {
    return this.attempt.commands.length > 0 && this.attempt.judged!.checks.some(({ check, holds }) => !holds && /^(at most|only:) /.test(check))
  }

  judge(): Promise<PuzzleMarked> {
    return this.practice.engine.ask('saved', { puzzle: this.puzzle.card.id })
  }

  noteDone({ points, commands }: PuzzleMarked): void {
    this.points = points
    this.practice.progress.noteExercise(this.name, { points, out_of: this.practice.outOf, answer: commands.join('\n') })
  }
}
