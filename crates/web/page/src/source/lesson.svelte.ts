// A card of the course on show: what the learner has answered or done, and the picture that belongs to it.

import type { CourseAnswer } from '../types/CourseAnswer'
import type { CourseMark } from '../types/CourseMark'
import type { CourseQuestion } from '../types/CourseQuestion'
import type { CourseResponse } from '../types/CourseResponse'
import type { Judged } from '../types/Judged'
import { Attempt, type Stage } from './attempt.svelte'
import { scriptUpTo } from './continue'
import { questionOf, taskOf, type Course, type Placed } from './course.svelte'
import type { Lab } from './lab.svelte'
import type { Marks, Session } from './session.svelte'
import { clusterIn, film, isCluster, isExpectation, linesOf, scenarioOf, startsCluster, type Watched } from './watched'

export class Lesson implements Stage {
  readonly answers: readonly CourseAnswer[]
  readonly question
  /** What is done for the task, if the card has one. */
  readonly attempt: Attempt | null
  /** The title of the runs that it shows. */
  readonly heading: string
  readonly isQuiz: boolean
  /** The cluster that belongs to the card; null until it can be shown. */
  session = $state.raw<Session | null>(null)
  /** The texts of the answers that are chosen, in an order in the learner's order. */
  chosen = $state.raw<readonly string[]>([])
  /** How good the response was, once the learner has committed to it. */
  mark = $state.raw<CourseMark | null>(null)
  /** The answer that is played. */
  shown = $state.raw<CourseAnswer | null>(null)
  /** What the simulator has said about an answer with which no cluster can start. */
  refusal = $state('')
  /** Is the world played on, before the learner is told more? */
  isShowing = $state(false)
  private readonly begun = performance.now()

  constructor(
    readonly course: Course,
    readonly placed: Placed,
    private readonly lab: Lab,
  ) {
    this.question = questionOf(placed.card)
    const task = taskOf(placed.card)
    this.attempt = task && new Attempt(task, lab, this)
    this.heading = placed.chapter.title
    this.answers = course.mixed(placed)
    this.isQuiz = course.isQuiz(placed.chapter)
    if (this.question?.kind === 'order') this.chosen = this.answers.map(({ text }) => text)
  }

  /** Shows the card's world, and, of a quiz that is over, how good the response was. */
  async open(): Promise<void> {
    if (this.attempt) return this.attempt.startAgain()
    const { question } = this
    await this.film(pictureOf(question!))
    const first = this.course.progress.of(this.placed.name)?.first
    if (!this.isQuiz || !first) return this.offerMarks()
    if ('chosen' in first) this.chosen = first.chosen
    if (this.isQuizOver) this.mark = await this.course.mark(this.placed, first)
  }

  /** Was the question answered in the quiz, so that the response counts? */
  get isAnswered(): boolean {
    return this.isQuiz && this.course.isDone(this.placed)
  }

  /** Are all questions of the quiz answered? */
  get isQuizOver(): boolean {
    const { chapter } = this.placed
    return this.course.doneIn(chapter) === chapter.cards.length
  }

  /** Does the learner see why? */
  get isTold(): boolean {
    return this.attempt ? this.attempt.isDone : this.mark !== null && !this.isShowing
  }

  isChosen(text: string): boolean {
    return this.chosen.includes(text)
  }

  /** Chooses an answer, or no longer. Of one answer, in place of another. */
  choose(text: string): void {
    if (this.mark || this.isAnswered) return
    if (this.question!.kind === 'one') this.chosen = [text]
    else this.chosen = this.isChosen(text) ? this.chosen.filter((other) => other !== text) : [...this.chosen, text]
    this.offerMarks()
  }

  /** Moves an answer of an order by one place. */
  move(text: string, by: 1 | -1): void {
    const place = this.chosen.indexOf(text)
    const other = this.chosen[place + by]
    if (other === undefined) return
    this.chosen = this.chosen.map((one) => (one === text ? other : one === other ? text : one))
  }

  /** What is chosen can be marked in the picture, too. */
  private offerMarks(): void {
    const { session, question } = this
    const isInPicture = question?.kind === 'servers' || question?.kind === 'entries'
    if (session) session.marks = isInPicture && !this.mark && !this.isAnswered ? this.marks : null
  }

  private get marks(): Marks {
    return {
      offered: new Set(this.answers.map(({ text }) => text)),
      marked: new Set(this.chosen),
      toggle: (text) => this.choose(text),
    }
  }

  /** The learner commits to what is chosen. */
  async commit(): Promise<void> {
    const response = { chosen: [...this.chosen] }
    const mark = await this.course.mark(this.placed, response)
    await this.keep(response)
    if (this.isQuiz) return this.offerMarks()
    const mistake = mark.mistakes[0]?.answer
    const answer = this.answers.find(({ text }) => text === mistake?.text) ?? this.question!.answers.find(({ is_right }) => is_right)!
    await this.show(answer)
    this.mark = mark
    this.isShowing = true
    if (this.refusal) this.endShowing()
  }

  /** The learner has written an answer. */
  async commitWords(words: string): Promise<void> {
    await this.keep({ written: { words, met: [] } })
  }

  /** The first response counts. */
  private async keep(response: CourseResponse): Promise<void> {
    this.course.progress.note(this.placed.name, ({ first, tries, seconds, is_done }) => ({
      first: first ?? response,
      tries: tries + 1,
      seconds: first ? seconds : this.secondsSoFar,
      is_done: is_done || this.isQuiz,
    }))
    await this.course.grade()
  }

  private get secondsSoFar(): number {
    return Math.round((performance.now() - this.begun) / 1000)
  }

  /** Plays the world on until the answer shows itself right or wrong. */
  async show(answer: CourseAnswer): Promise<void> {
    this.shown = answer
    const { question } = this
    await this.film(scenarioOf(question!.world, answer.commands, isGivenAway(question!)))
  }

  /** To the end of what is played. */
  skip(): void {
    const { player, history } = this.session!
    player.showPosition(history.end)
  }

  /** All is played: the learner may be told. */
  endShowing(): void {
    if (!this.isShowing) return
    this.isShowing = false
    this.course.progress.note(this.placed.name, () => ({ is_done: true }))
  }

  /** Asks the question again. */
  async askAgain(): Promise<void> {
    this.mark = this.shown = null
    this.chosen = this.question!.kind === 'order' ? this.answers.map(({ text }) => text) : []
    await this.film(pictureOf(this.question!))
    this.offerMarks()
  }

  /** Shows a run; or says what the simulator says where none comes about. */
  private async film({ script, begin }: Watched): Promise<void> {
    const shown = await film(this.course.engine, { script: this.titled(script), begin })
    this.refusal = typeof shown === 'string' ? shown : ''
    if (typeof shown !== 'string') this.session = shown
  }

  /** Lets the learner act in the run that is played, from the moment on show. */
  async goOn(): Promise<void> {
    const { setup, player } = this.session!
    const { script, at } = scriptUpTo(setup.scenes, player.moment.position)
    // What was expected there need not be so here.
    const lines = script.split('\n').filter((line) => !isExpectation(line))
    await this.lab.openAt(this.titled(lines.join('\n')), at)
  }

  private titled(script: string): string {
    return `# ${this.heading}\n\n${script}`
  }

  judge(): Promise<Judged> {
    return this.course.engine.ask('judge', { card: this.placed.name })
  }

  noteDone({ commands }: Judged): void {
    this.course.progress.note(this.placed.name, (before) =>
      before.is_done ? {} : { is_done: true, tries: commands.length, seconds: this.secondsSoFar, commands },
    )
  }
}

/**
 * The moment that a question is about. Where its answers start the cluster, it is a new one with the logs of the world. Where
 * the answer could be seen there, it is the beginning.
 */
export function pictureOf(question: CourseQuestion): Watched {
  const { world, answers } = question
  const cluster = startsCluster(world) ? [] : [clusterIn(answers.flatMap(({ commands }) => commands))]
  const lines = isGivenAway(question) ? world.slice(0, world.findIndex(isCluster) + 1) : world
  return { script: linesOf([...lines, ...cluster]), begin: Infinity }
}

/** Has the world of a question already shown what is so? Then there is an answer that has only to be looked at. */
export function isGivenAway({ world, answers }: CourseQuestion): boolean {
  return startsCluster(world) && answers.some(({ commands }) => commands.length > 0 && commands.every(isExpectation))
}
