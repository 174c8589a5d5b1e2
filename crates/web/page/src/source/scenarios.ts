// The scenarios that the server can play, by chapter, and how to search in them.

import type { Scenario } from './contract'

export type Chapter = { readonly heading: string; readonly scenarios: readonly Scenario[] }

/** The scenarios by chapter, both in the order in which they come. Without chapters, the folders take their place. */
export function byChapter(scenarios: readonly Scenario[]): Chapter[] {
  const chapters = new Map<string, Scenario[]>()
  for (const scenario of scenarios) {
    const heading = headingOf(scenario)
    chapters.set(heading, [...(chapters.get(heading) ?? []), scenario])
  }
  return [...chapters].map(([heading, scenarios]) => ({ heading, scenarios }))
}

function headingOf({ chapter, path }: Scenario): string {
  return chapter ? `${chapter.number}. ${chapter.name}` : path.split('/')[0]!
}

/**
 * The scenarios that have each of these words, or parts of words, in their chapter, title, path or rules or, if there is
 * none, in what they say.
 */
export function matching(scenarios: readonly Scenario[], words: string): Scenario[] {
  const wanted = words.toLowerCase().split(/\s+/)
  const having = (textOf: (scenario: Scenario) => string) =>
    scenarios.filter((scenario) => wanted.every((word) => textOf(scenario).toLowerCase().includes(word)))
  const named = having((scenario) => [headingOf(scenario), scenario.title, scenario.path, ...(scenario.rules ?? [])].join(' '))
  return named.length > 0 ? named : having(({ prose = '' }) => prose)
}
