// The mystery cluster: a rule is off in it. The learner sees a run in which a promise breaks, and names the rule.

import type { TraceRecord } from '../trace/record'
import type { MysteryTold } from '../types/MysteryTold'
import { failureWords } from '../trace/words'
import type { Embedded } from './contract'
import { replay } from './file'
import { Hunt } from './hunt.svelte'
import type { Lab } from './lab.svelte'
import type { Practice } from './practice.svelte'
import type { Session } from './session.svelte'
import { playFrom } from './watched'

export class Mystery {
  readonly name = 'mystery'
  readonly title = 'The mystery cluster'
  /** The run of the mystery, once one was found. */
  session = $state.raw<Session | null>(null)
  /** The number of the mystery, from 1 on; null if all have an answer. */
  number = $state<number | null>(null)
  mystery = $state.raw<MysteryTold | null>(null)
  /** The search for a run, while it lasts. */
  hunt = $state.raw<Hunt | null>(null)
  chosen = $state<string | null>(null)
  /** Does the learner know the rule? */
  isTold = $state(false)
  /** The last moment before the promise broke that is about the rule, in the words of the server. */
  reason = $state<{ readonly node: number; readonly words: string } | null>(null)
  problem = $state<string | null>(null)
  private film: Embedded | null = null

  constructor(
    readonly practice: Practice,
    readonly lab: Lab,
  ) {}

  /** Draws the first mystery that has no answer yet. */
  async open(): Promise<void> {
    this.stop()
    this.session = this.chosen = this.reason = this.problem = this.mystery = null
    this.isTold = false
    this.number = this.practice.nextMystery
    if (this.number !== null) await this.draw(this.number)
  }

  private async draw(number: number): Promise<void> {
    const { engine, progress } = this.practice
    const mysteries = await engine.ask('mysteries', { seed: progress.results.seed, number })
    const mystery = mysteries.at(-1)!
    const hunt = new Hunt(engine.another(), mystery.rule)
    this.mystery = mystery
    this.hunt = hunt
    try {
      const story = await hunt.run()
      if (this.hunt !== hunt) return
      if (story === null) this.problem = 'No run was found in which a promise breaks. Begin again.'
      else await this.show(await engine.ask('film', { script: untitled(story) }))
    } catch (failure) {
      if (this.hunt === hunt) this.problem = failureWords(failure)
    }
    if (this.hunt === hunt) this.hunt = null
  }

  private async show(film: Embedded): Promise<void> {
    this.film = film
    this.session = replay(masked(film, `Mystery ${this.number}`))
    playFrom(this.session, 0)
  }

  /** Ends the search. */
  stop(): void {
    const { hunt } = this
    this.hunt = null
    hunt?.stop()
  }

  /** The learner commits to a rule. The run is shown again, at the last moment that is about the rule. */
  commit(): void {
    const { film, mystery, chosen, number, practice } = this
    if (!film || !mystery || chosen === null || this.isTold) return
    practice.progress.noteExercise(`mystery/${number}`, { points: Number(chosen === mystery.rule), out_of: 1, answer: chosen }, 'first')
    this.isTold = true
    const session = replay({ ...film, setup: { ...film.setup, title: `Mystery ${number}` } })
    const { history, player } = session
    const violation = history.next(0, ({ record }) => record.event === 'violated')
    const decision = history.previous(violation?.number ?? history.end, ({ record }) => 'rule' in record && record.rule === mystery.rule)
    this.session = session
    player.showPosition(violation?.number ?? history.end)
    if (!decision) return
    this.reason = { node: decision.record.node, words: decision.record.why }
    session.ask(decision)
  }
}

/** The script without its title, which names the rule. */
function untitled(script: string): string {
  return script.replace(/^# .*\n/, '')
}

/** A run without all that would name the rule that is off, or those that decided. */
export function masked(film: Embedded, title: string): Embedded {
  const { setup, records } = film
  const scenes = setup.scenes.map((scene) => ({ ...scene, prose: [], command: scene.command && scene.command.replace(/ without=\S+/, '') }))
  return {
    ...film,
    setup: { ...setup, title, without: null, scenes },
    records: records.map((record) => ({ ...record, rule: null }) as TraceRecord),
  }
}
