import type { Term } from '../trace/record'

/** Terms take turns with so many colours; term 0, in which nothing was decided, has its own. */
const COLOURS = 6

export function termColour(term: Term): string {
  return `var(--term-${term === 0 ? 0 : ((term - 1) % COLOURS) + 1})`
}
