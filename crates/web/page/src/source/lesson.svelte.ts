// A card of the course on show: what the learner has answered or done, and the picture that belongs to it.

import { reducedMotion } from '../looks/motion.svelte'
import { beginsStep } from '../trace/feed'
import type { CourseAnswer } from '../types/CourseAnswer'
import type { CourseMark } from '../types/CourseMark'
import type { CourseQuestion } from '../types/CourseQuestion'
import type { CourseResponse } from '../types/CourseResponse'
import type { Judged } from '../types/Judged'
import { scriptUpTo } from './continue'
import { questionOf, taskOf, type Course, type Placed } from './course.svelte'
import { replay } from './file'
import type { Lab } from './lab.svelte'
import { Judging } from './judging'
import { nearestSpeed } from '../time/speed'
import type { Marks, Session } from './session.svelte'

/** About how long it takes to play an answer, in seconds: between these, half a second for each step. */
const SHORTEST = 3
const LONGEST = 14

/** What a step in which nothing is told takes of the time of another one. */
const ROUTINE = 0.01

export class Lesson {
  readonly answers: readonly CourseAnswer[]
  readonly question
  readonly task
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
  /** The checks of the task, and what was done for it. */
  judged = $state.raw<Judged | null>(null)
  /** Does the picture show the solution of the task? */
  showsSolution = $state(false)
  /** What is wrong, in a sentence. */
  problem = $state<string | null>(null)
  private readonly begun = performance.now()
  private readonly judging = new Judging(() => this.look())

  constructor(
    readonly course: Course,
    readonly placed: Placed,
    private readonly lab: Lab,
  ) {
    this.question = questionOf(placed.card)
    this.task = taskOf(placed.card)
    this.answers = course.mixed(placed)
    this.isQuiz = course.isQuiz(placed.chapter)
    if (this.question?.kind === 'order') this.chosen = this.answers.map(({ text }) => text)
  }

  /** Shows the card's world, and, of a quiz that is over, how good the response was. */
  async open(): Promise<void> {
    if (this.task) return this.startAgain()
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
    return this.task ? this.isTaskDone : this.mark !== null && !this.isShowing
  }

  get isTaskDone(): boolean {
    return this.judged !== null && !this.showsSolution && this.judged.checks.every(({ holds }) => holds)
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
  private async film({ script, begin }: Scenario): Promise<void> {
    const film = await this.course.engine.ask('film', { script: this.titled(script) })
    const { scenes } = film.setup
    this.refusal = film.records.length > 0 ? '' : scenes.map(({ said }) => said).join('')
    if (this.refusal) return
    const session = replay(film, ROUTINE)
    session.showsScript = true
    this.session = session
    const from = scenes[begin] ? scenes[begin].before - 1 : session.history.end
    if (begin < scenes.length) playFrom(session, from)
    else session.player.showPosition(session.history.end)
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
    return `# ${this.placed.chapter.title}\n\n${script}`
  }

  /** Begins the task. */
  async startAgain(): Promise<void> {
    if (this.judged) this.judged = { commands: [], checks: this.judged.checks.map((check) => ({ ...check, holds: false })) }
    this.showsSolution = false
    const { world, solution } = this.task!
    // Where the learner starts the cluster, one stands there until then.
    await this.lab.open(this.titled(linesOf(startsCluster(world) ? world : [clusterIn(solution)])), null, false)
    await this.judge()
  }

  /** Shows how the task can be done. */
  async showSolution(): Promise<void> {
    const { world, solution } = this.task!
    this.showsSolution = true
    await this.film(scenarioOf(world, solution))
  }

  /** Does what a learner types. A cluster is started with the lines that prepare it. */
  async perform(command: string, prepared: readonly string[]): Promise<string> {
    if (/^cluster\b/.test(command)) {
      if (startsCluster(this.task!.world)) throw Object.assign(new Error('this task has its own cluster'), { help: 'begin it again with “Start again”' })
      await this.lab.open(this.titled(linesOf([...prepared, command])), null, false)
      return ''
    }
    return this.session!.lab!.perform(command)
  }

  /** Looks which checks hold now. */
  async judge(): Promise<void> {
    if (!this.showsSolution) await this.judging.again()
  }

  private async look(): Promise<void> {
    try {
      const judged = await this.course.engine.ask('judge', { card: this.placed.name })
      if (this.showsSolution || this.isTaskDone) return
      this.judged = judged
      this.problem = null
      if (this.isTaskDone) this.noteDone(judged.commands)
    } catch (failure) {
      const { message, help } = failure as Error & { help?: string }
      this.problem = [message, help].filter(Boolean).join(': ')
    }
  }

  private noteDone(commands: string[]): void {
    this.course.progress.note(this.placed.name, (before) =>
      before.is_done ? {} : { is_done: true, tries: commands.length, seconds: this.secondsSoFar, commands },
    )
  }
}

/** A script, and how many of its scenes come before what is to be watched. */
type Scenario = { readonly script: string; readonly begin: number }

/** Plays these commands in a world, to be watched after it, or with it. Those that start a cluster of their own leave another one alone. */
export function scenarioOf(world: readonly string[], commands: readonly string[], withWorld = false): Scenario {
  const before = startsCluster(commands) && startsCluster(world) ? [] : world
  const lines = [...before, ...commands]
  const start = lines.findLastIndex(isCluster) + 1
  return { script: linesOf(lines), begin: withWorld ? start : Math.max(before.length, start) }
}

/**
 * The moment that a question is about. Where its answers start the cluster, it is a new one with the logs of the world. Where
 * the answer could be seen there, it is the beginning.
 */
export function pictureOf(question: CourseQuestion): Scenario {
  const { world, answers } = question
  const cluster = startsCluster(world) ? [] : [clusterIn(answers.flatMap(({ commands }) => commands))]
  const lines = isGivenAway(question) ? world.slice(0, world.findIndex(isCluster) + 1) : world
  return { script: linesOf([...lines, ...cluster]), begin: Infinity }
}

/** Has the world of a question already shown what is so? Then there is an answer that has only to be looked at. */
export function isGivenAway({ world, answers }: CourseQuestion): boolean {
  return startsCluster(world) && answers.some(({ commands }) => commands.length > 0 && commands.every(isExpectation))
}

function isExpectation(line: string): boolean {
  return /^!?\(?expect\b/.test(line)
}

function isCluster(line: string): boolean {
  return /^\(?cluster\b/.test(line)
}

function startsCluster(lines: readonly string[]): boolean {
  return lines.some(isCluster)
}

/** The usual cluster with as many servers as the first one in these lines. */
function clusterIn(lines: readonly string[]): string {
  const sizes = lines.map((line) => /^!?\(?(cluster \d+)/.exec(line)?.[1])
  return sizes.find(Boolean) ?? 'cluster 3'
}

function linesOf(commands: readonly string[]): string {
  return [...commands, '---', ''].join('\n')
}

/** Plays a run from a position on, slowly enough to follow. Where nothing should move, its end is shown. */
export function playFrom(session: Session, position: number): void {
  const { player, history } = session
  const steps = history.between(position, history.end, false).filter(({ record }) => beginsStep(record)).length
  player.showPosition(position)
  const left = history.lastTime - player.moment.t
  if (reducedMotion.current || left <= 0) return player.showPosition(history.end)
  const wanted = session.isTimeless ? left / 1e6 : Math.max(SHORTEST, steps / 2)
  const speed = left / 1e6 / Math.min(LONGEST, wanted)
  // Endless elections are faster than any speed on offer.
  player.speed = Math.max(nearestSpeed(speed), Math.round(speed / 2))
  player.play()
}
