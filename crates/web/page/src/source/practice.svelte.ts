// The exercises: conditions of Raft to fill in, clusters in which a rule is off, promises to break, clusters to save.

import type { Blank } from '../types/Blank'
import type { Challenge } from '../types/Challenge'
import type { PracticeTold } from '../types/PracticeTold'
import type { Puzzle } from '../types/Puzzle'
import { BreakIt } from './break-it.svelte'
import type { Engine } from './engine'
import { FillIn } from './fill-in.svelte'
import type { Lab } from './lab.svelte'
import { Mystery } from './mystery.svelte'
import type { Progress } from './progress.svelte'
import { SaveIt } from './save-it.svelte'

/** The number of mysteries. */
export const MYSTERIES = 10

export type Exercise = FillIn | Mystery | BreakIt | SaveIt

/** The fragment that leads to an exercise, by its name: `up-to-date`, `mystery`, `break/one-vote-per-term`, `save/two-halves`. Without one, to their list. */
export function linkToPractice(exercise?: string): string {
  return '#learn=practice' + (exercise === undefined ? '' : `/${exercise}`)
}

/** The exercise that a link names after `#learn=`: empty for their list, null if it leads to the course. */
export function exerciseIn(words: string): string | null {
  const [first, ...rest] = words.split('/')
  return first === 'practice' ? rest.join('/') : null
}

export class Practice {
  private constructor(
    readonly engine: Engine,
    readonly progress: Progress,
    private readonly told: PracticeTold,
  ) {}

  static async open(engine: Engine, progress: Progress): Promise<Practice> {
    return new Practice(engine, progress, await engine.ask('practice', {}))
  }

  get blanks(): readonly Blank[] {
    return this.told.blanks
  }

  get challenges(): readonly Challenge[] {
    return this.told.challenges
  }

  get puzzles(): readonly Puzzle[] {
    return this.told.puzzles
  }

  /** The points for each condition, each promise and each cluster. */
  get outOf(): number {
    return this.told.out_of
  }

  /** The exercise with this name; null if there is none. Its runs are shown in this lab. */
  exerciseNamed(name: string, lab: Lab): Exercise | null {
    if (name === 'mystery') return new Mystery(this, lab)
    const blank = this.blanks.find(({ id }) => id === name)
    if (blank) return new FillIn(this, blank, lab)
    const challenge = this.challenges.find(({ rule }) => name === `break/${rule}`)
    if (challenge) return new BreakIt(this, challenge, lab)
    const puzzle = this.puzzles.find(({ card }) => name === `save/${card.id}`)
    return puzzle ? new SaveIt(this, puzzle, lab) : null
  }

  /** The points for an exercise so far; null if it was not tried. */
  pointsFor(name: string): number | null {
    return this.progress.exercise(name)?.points ?? null
  }

  /** How many mysteries were answered, and how many of them rightly. */
  get mysteries(): { readonly answered: number; readonly right: number } {
    const points = this.numbers.flatMap((number) => this.pointsFor(`mystery/${number}`) ?? [])
    return { answered: points.length, right: points.filter((points) => points > 0).length }
  }

  /** The first mystery without an answer; null if there is none. */
  get nextMystery(): number | null {
    return this.numbers.find((number) => this.pointsFor(`mystery/${number}`) === null) ?? null
  }

  private get numbers(): number[] {
    return Array.from({ length: MYSTERIES }, (_, place) => place + 1)
  }
}

/** How far the learner is, for the front door of the course. It needs no engine. */
export function reachedIn({ results }: Progress): { readonly tried: number; readonly points: number } {
  const all = Object.values(results.practice ?? {})
  return { tried: all.length, points: all.reduce((sum, { points }) => sum + points, 0) }
}
