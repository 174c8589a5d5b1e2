import type { Term } from '../trace/record'

/** Number of colours that the terms share in turn. Term 0, in which nothing is decided, has its own. */
const COLOURS = 6

export function termColour(term: Term): string {
  return `var(--term-${term === 0 ? 0 : ((term - 1) % COLOURS) + 1})`
}
