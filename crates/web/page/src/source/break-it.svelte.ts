// A rule is off, and the learner breaks a promise with few commands.

import type { Challenge } from '../types/Challenge'
import type { ChallengeMarked } from '../types/ChallengeMarked'
import { failureWords } from '../trace/words'
import type { Lab } from './lab.svelte'
import { Judging } from './judging'
import type { Practice } from './practice.svelte'
import type { Session } from './session.svelte'

export class BreakIt {
  readonly name: string
  readonly title: string
  session = $state.raw<Session | null>(null)
  /** What the commands so far are worth. */
  marked = $state.raw<ChallengeMarked | null>(null)
  problem = $state<string | null>(null)
  private readonly judging = new Judging((isOver) => this.look(isOver))

  constructor(
    readonly practice: Practice,
    readonly challenge: Challenge,
    private readonly lab: Lab,
  ) {
    this.name = `break/${challenge.rule}`
    this.title = `Break a promise without ${challenge.rule}`
  }

  open(): Promise<void> {
    return this.startAgain()
  }

  /** Is a promise broken? */
  get isBroken(): boolean {
    return this.marked?.broken != null
  }

  /** Begins with a new cluster. */
  async startAgain(): Promise<void> {
    await this.lab.open(`# ${this.title}\n\n${this.challenge.script}`, null, false)
    this.judging.beginAgain()
    this.marked = this.problem = null
  }

  /** Does what the learner types. */
  perform(command: string): Promise<string> {
    return this.session!.lab!.perform(command)
  }

  /** Looks what the commands are worth now. */
  judge(): Promise<void> {
    return this.judging.again()
  }

  stop(): void {}

  private async look(isOver: () => boolean): Promise<void> {
    const { practice, challenge, name, session } = this
    if (session?.setup.without !== challenge.rule) {
      this.marked = null
      this.problem = 'This is another cluster: “Start again” returns to that of the exercise'
      return
    }
    try {
      const wasBroken = this.isBroken
      const marked = await practice.engine.ask('broken', { rule: challenge.rule })
      if (isOver()) return
      this.marked = marked
      this.problem = null
      if (!this.isBroken || wasBroken) return
      const { text } = await practice.engine.ask('script', {})
      if (!isOver()) practice.progress.noteExercise(name, { points: marked.points, out_of: practice.outOf, answer: text })
    } catch (failure) {
      this.problem = failureWords(failure)
    }
  }
}
