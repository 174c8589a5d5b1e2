import { describe, expect, test } from 'vitest'
import { byChapter, matching } from '../../src/source/scenarios'

const ELECTION = { path: 'elections/first-election', title: 'The first election (§5.2)' }
const SPLIT = { path: 'elections/split-vote', title: 'Two candidates at once', rules: ['one-vote-per-term'] }
const FIGURE_8 = {
  path: 'replication/figure-8',
  title: 'A majority has it',
  rules: ['commit-current-term-only'],
  chapter: { number: 9, name: 'Committed?' },
  prose: 'The longest log is not first.',
}
const ALL = [ELECTION, SPLIT, FIGURE_8]

describe('scenarios', () => {
  test('stand in their chapters, in the order in which they come', () => {
    const committed = { number: 9, name: 'Committed?' }
    const terms = { number: 2, name: 'Terms' }
    const listed = [{ ...FIGURE_8, chapter: committed }, { ...ELECTION, chapter: terms }, { ...SPLIT, chapter: committed }]
    const shown = byChapter(listed).map(({ heading, scenarios }) => [heading, ...scenarios.map(({ path }) => path)])
    expect(shown).toEqual([
      ['9. Committed?', 'replication/figure-8', 'elections/split-vote'],
      ['2. Terms', 'elections/first-election'],
    ])
  })

  test('without chapters stand in their folders', () => {
    const { chapter: _, ...unplaced } = FIGURE_8
    expect(byChapter([ELECTION, SPLIT, unplaced]).map(({ heading }) => heading)).toEqual(['elections', 'replication'])
  })

  test.each([
    ['', ALL],
    ['first', [ELECTION]],
    [' ONE-vote ', [SPLIT]],
    ['elections candidates', [SPLIT]],
    ['replication/ candidates', []],
    ['longest', [FIGURE_8]],
    ['Committed? majority', [FIGURE_8]],
  ])('are found by chapter, title, path and rules, and then by what they say: "%s"', (words, found) => {
    expect(matching(ALL, words)).toEqual(found)
  })
})
