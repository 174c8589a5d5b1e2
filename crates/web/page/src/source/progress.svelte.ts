// What a learner has done in the course. It stays in this browser, in the form in which it is exported.

import type { CourseCardResult } from '../types/CourseCardResult'
import type { CourseExerciseResult } from '../types/CourseExerciseResult'
import type { CourseResults } from '../types/CourseResults'

const KEY = 'raft-course-results'
const FORM = 'raft-course-results-1'

type Keeper = Pick<Storage, 'getItem' | 'setItem'>

export class Progress {
  results = $state.raw<CourseResults>(none())
  /** Why they are not kept: in a sentence, or null. */
  problem = $state<string | null>(null)
  /** Does the browser keep what is here? */
  private isKept = true

  constructor(private readonly keeper: Keeper | null = storage()) {
    if (keeper === null) this.problem = 'This browser keeps nothing for this page: your progress is lost when you close it.'
    const kept = keeper?.getItem(KEY) ?? null
    this.results = read(kept) ?? this.results
    // The answers are to be mixed in the same way the next time.
    if (kept === null) this.replace(this.results)
    globalThis.addEventListener?.('storage', ({ key }) => key === KEY && this.catchUp())
  }

  /** Reads what the page has noted in another tab. */
  private catchUp(): void {
    if (this.isKept) this.results = read(this.keeper?.getItem(KEY) ?? null) ?? this.results
  }

  of(card: string): CourseCardResult | undefined {
    return this.results.cards[card]
  }

  /** Notes something about a card, CHAPTER/CARD. */
  note(card: string, change: (before: CourseCardResult) => Partial<CourseCardResult>): void {
    this.catchUp()
    const before = this.of(card) ?? { first: null, tries: 0, seconds: 0, is_done: false, commands: [] }
    this.replace({ ...this.results, cards: { ...this.results.cards, [card]: { ...before, ...change(before) } } })
  }

  exercise(name: string): CourseExerciseResult | undefined {
    return this.results.practice?.[name]
  }

  /** Notes what an answer to an exercise has reached. The one with the most points counts, or the first one. */
  noteExercise(name: string, reached: Omit<CourseExerciseResult, 'tries'>, counts: 'best' | 'first' = 'best'): void {
    this.catchUp()
    const before = this.exercise(name)
    const isKept = before && (counts === 'first' || before.points >= reached.points)
    const result = { ...(isKept ? before : reached), tries: (before?.tries ?? 0) + 1 }
    this.replace({ ...this.results, practice: { ...this.results.practice, [name]: result } })
  }

  replace(results: CourseResults): void {
    this.results = results
    try {
      this.keeper?.setItem(KEY, JSON.stringify(results))
      this.isKept = true
    } catch {
      this.isKept = false
      this.problem = 'This browser has no room for your progress: export it before you close the page.'
    }
  }

  forget(): void {
    this.replace(none())
  }

  /** What was kept can’t be read. It stays where it is until there is something new to keep. */
  doubt(): void {
    this.results = none()
    this.isKept = false
    this.problem = 'The progress that this browser has kept can’t be read: you begin again.'
  }
}

/** The results of a learner who is about to begin. */
function none(): CourseResults {
  return { form: FORM, learner: '', seed: crypto.getRandomValues(new Uint32Array(1))[0]!, cards: {} }
}

function read(text: string | null): CourseResults | null {
  try {
    const results = JSON.parse(text ?? 'null') as CourseResults | null
    return results?.form === FORM && typeof results.cards === 'object' ? results : null
  } catch {
    return null
  }
}

/** Null in a frame of another page, or where the reader allows no storage. */
function storage(): Keeper | null {
  try {
    return localStorage
  } catch {
    return null
  }
}
