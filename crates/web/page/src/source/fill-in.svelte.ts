// A condition of Raft that the learner fills in: an expression, its points, and the run that shows what is wrong.

import { beginsStep } from '../trace/feed'
import type { AnswerGraded } from '../types/AnswerGraded'
import type { Blank } from '../types/Blank'
import type { BlankFault } from '../types/BlankFault'
import type { BlankOutcome } from '../types/BlankOutcome'
import type { Engine } from './engine'
import type { Lab } from './lab.svelte'
import type { Practice } from './practice.svelte'
import type { Session } from './session.svelte'
import { failureWords } from '../trace/words'

/** How many random runs are played: as many as by `raft practice`. They take some seconds. */
export const RUNS = 1000

/** For how many steps of servers random runs are played before progress is shown. */
const SLICE = 20_000

type Mistake = Extract<AnswerGraded, { is: 'mistake' }>
type Graded = Extract<AnswerGraded, { is: 'graded' }>

export class FillIn {
  readonly name: string
  readonly title: string
  /** The run of a lost point, if one is watched. */
  session = $state.raw<Session | null>(null)
  expression = $state('')
  mistake = $state.raw<Mistake | null>(null)
  /** What is known of the expression that was graded last. */
  graded = $state.raw<Graded | null>(null)
  isGrading = $state(false)
  /** The check whose run is watched, and whether a promise breaks in it, rather than that something does not come about. */
  watched = $state.raw<{ readonly name: string; readonly isBroken: boolean } | null>(null)
  /** What is wrong, in a sentence. */
  problem = $state<string | null>(null)
  private grader: Engine | null = null

  constructor(
    readonly practice: Practice,
    readonly blank: Blank,
    private readonly lab: Lab,
  ) {
    this.name = blank.id
    this.title = blank.title
    this.expression = practice.progress.exercise(this.name)?.answer ?? ''
  }

  async open(): Promise<void> {}

  /** What is checked, and what is known of each. */
  get checks(): { readonly name: string; readonly title: string; readonly outOf: number; readonly outcome: BlankOutcome | null }[] {
    const { checks } = this.blank
    const left = this.practice.outOf - checks.reduce((sum, { points }) => sum + points, 0)
    const all = [...checks, { name: 'random-runs', title: `In ${RUNS} random runs no promise breaks.`, points: left }]
    const outcomeOf = (name: string) => this.graded?.outcomes.find((outcome) => outcome.name === name) ?? null
    return all.map(({ name, title, points }) => ({ name, title, outOf: points, outcome: outcomeOf(name) }))
  }

  /** Grades the expression, slice by slice. */
  async grade(): Promise<void> {
    this.stop()
    this.mistake = this.graded = this.problem = this.watched = null
    const { blank, practice, name } = this
    const expression = this.expression.trim()
    const grader = practice.engine.another()
    this.grader = grader
    this.isGrading = true
    try {
      while (this.grader === grader) {
        const told = await grader.ask('answer', { blank: blank.id, expression, runs: RUNS, steps: SLICE })
        if (told.is === 'mistake') this.mistake = told
        else this.graded = told
        if (told.is === 'graded' && !told.is_over) continue
        if (told.is === 'graded') practice.progress.noteExercise(name, { points: told.points, out_of: practice.outOf, answer: expression })
        this.stop()
      }
    } catch (failure) {
      // What was stopped has nothing more to say.
      if (this.grader === grader) this.problem = failureWords(failure)
    }
    if (this.grader === grader) this.stop()
  }

  /** Stops grading. What is known stays. */
  stop(): void {
    const { grader } = this
    this.grader = null
    this.isGrading = false
    grader?.stop('the grading was stopped')
  }

  /** Shows the run in which this check has failed: just before a promise breaks or, if none does, its end. */
  async watch({ name, title }: BlankOutcome, { script }: BlankFault): Promise<void> {
    const session = await this.lab.open(`# ${title}\n\n${script}`, null, false)
    const { history, player } = session
    session.asked = null
    const violation = history.next(0, ({ record }) => record.event === 'violated')
    this.watched = { name, isBroken: violation !== undefined }
    if (!violation) return
    const step = history.previous(violation.number, (entry) => entry.record.node === violation.record.node && beginsStep(entry.record))
    player.showPosition(step?.number ?? violation.number)
  }

  /** Back to the expression alone. */
  close(): void {
    this.session = this.watched = null
  }
}
