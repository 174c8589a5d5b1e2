// The course: its chapters and quizzes, where the learner is, and what the learner has done.

import type { AddedTold } from '../types/AddedTold'
import type { CourseResults } from '../types/CourseResults'
import type { CourseAnswer } from '../types/CourseAnswer'
import type { CourseCard } from '../types/CourseCard'
import type { CourseChapter } from '../types/CourseChapter'
import type { CourseMark } from '../types/CourseMark'
import type { CourseQuestion } from '../types/CourseQuestion'
import type { CourseResponse } from '../types/CourseResponse'
import type { CourseTask } from '../types/CourseTask'
import type { CourseTold } from '../types/CourseTold'
import type { GradesTold } from '../types/GradesTold'
import type { Engine } from './engine'
import { Progress } from './progress.svelte'

/** A place in the course, as its links name it: `#learn=05-two-leaders/who-leads`. Without a chapter it is the list of them. */
export type Place = { readonly chapter: string | null; readonly card: string | null }

/** A card where it stands. */
export type Placed = {
  readonly chapter: CourseChapter
  readonly card: CourseCard
  /** CHAPTER/CARD. */
  readonly name: string
}

/** The place that a link names after `#learn=`. */
export function placeIn(words: string): Place {
  const [chapter = '', card = ''] = words.split('/')
  return { chapter: chapter || null, card: card || null }
}

/** The fragment that leads to a place. */
export function linkToCourse(chapter?: string, card?: string): string {
  return '#learn' + (chapter === undefined ? '' : `=${chapter}`) + (card === undefined ? '' : `/${card}`)
}

export function questionOf({ challenge }: CourseCard): CourseQuestion | null {
  return 'question' in challenge ? challenge.question : null
}

export function taskOf({ challenge }: CourseCard): CourseTask | null {
  return 'task' in challenge ? challenge.task : null
}

export function pointsOf({ cards }: CourseChapter): number {
  return cards.reduce((sum, card) => sum + (questionOf(card)?.points ?? 0), 0)
}

export class Course {
  grades = $state.raw<GradesTold>({ shares: {}, before: null, after: null })
  private told: CourseTold

  private constructor(
    readonly engine: Engine,
    readonly progress: Progress,
    told: CourseTold,
  ) {
    this.told = $state.raw(told)
  }

  /** The course in this engine, for the learner of this browser. */
  static async open(engine: Engine, progress = new Progress()): Promise<Course> {
    // What was kept may be from another version, or damaged.
    const grades = await engine.ask('grade', { results: progress.results }).catch(() => null)
    if (!grades) progress.doubt()
    const course = new Course(engine, progress, await engine.ask('course', { seed: progress.results.seed }))
    if (grades) course.grades = grades
    return course
  }

  get chapters(): readonly CourseChapter[] {
    return this.told.chapters
  }

  /** The quiz before the course, and the one after it. */
  get quizzes(): readonly [CourseChapter, CourseChapter] {
    return [this.told.before, this.told.after]
  }

  isQuiz(chapter: CourseChapter): boolean {
    return this.quizzes.includes(chapter)
  }

  /** The chapter, or the quiz, with this name. */
  chapterNamed(name: string): CourseChapter | null {
    return [...this.chapters, ...this.quizzes].find((chapter) => chapter.name === name) ?? null
  }

  /** What stands above its cards: `5. Two leaders at once`. */
  headingOf(chapter: CourseChapter): string {
    const place = this.chapters.indexOf(chapter)
    return place < 0 ? chapter.title : `${place + 1}. ${chapter.title}`
  }

  placed(chapter: CourseChapter, card: CourseCard): Placed {
    return { chapter, card, name: `${chapter.name}/${card.id}` }
  }

  /** The card with this name, CHAPTER/CARD. */
  cardNamed(name: string): Placed | null {
    const { chapter: folder, card: id } = placeIn(name)
    const chapter = folder === null ? null : this.chapterNamed(folder)
    const card = chapter?.cards.find((card) => card.id === id)
    return chapter && card ? this.placed(chapter, card) : null
  }

  /** The first card of a chapter that is not done; the first one of all if all are. */
  nextToDo(chapter: CourseChapter): CourseCard {
    return chapter.cards.find((card) => !this.isDone(this.placed(chapter, card))) ?? chapter.cards[0]!
  }

  isDone({ name }: Placed): boolean {
    return this.progress.of(name)?.is_done ?? false
  }

  doneIn(chapter: CourseChapter): number {
    return chapter.cards.filter((card) => this.isDone(this.placed(chapter, card))).length
  }

  /** Where the idea of a card came up before. */
  metBefore({ name }: Placed): Placed[] {
    const returns = (card: CourseCard) => questionOf(card)?.again === name
    return this.chapters.flatMap((chapter) => chapter.cards.filter(returns).map((card) => this.placed(chapter, card)))
  }

  /** The answers to a card's question in the order in which this learner sees them. */
  mixed({ name, card }: Placed): CourseAnswer[] {
    const answers = questionOf(card)?.answers ?? []
    return (this.told.mixed[name] ?? []).map((text) => answers.find((answer) => answer.text === text)!)
  }

  mark({ name }: Placed, response: CourseResponse): Promise<CourseMark> {
    return this.engine.ask('mark', { card: name, response })
  }

  /** Counts again what the results are worth. */
  async grade(): Promise<void> {
    this.grades = await this.engine.ask('grade', { results: this.progress.results })
  }

  /** Adds results from a file to those that are here. Returns how many were new. Throws an error, with help, if the file has none. */
  async addResults(text: string): Promise<number> {
    const { results, grades, added } = await this.read(text).catch(({ message }) => {
      throw Object.assign(new Error(`the file has no results of the course: ${message}`), { help: 'choose a file that “Export” has written here, or `raft learn --export`' })
    })
    this.progress.replace(results)
    this.grades = grades
    this.told = await this.engine.ask('course', { seed: results.seed })
    return added
  }

  private async read(text: string): Promise<AddedTold> {
    const more = JSON.parse(text) as CourseResults
    for (;;) {
      const { results } = this.progress
      const told = await this.engine.ask('add', { results, more })
      // What was noted meanwhile stays, too.
      if (this.progress.results === results) return told
    }
  }

  /** Forgets all that the learner has done. */
  async forget(): Promise<void> {
    this.progress.forget()
    this.told = await this.engine.ask('course', { seed: this.progress.results.seed })
    await this.grade()
  }
}
