import { expect, test } from 'vitest'
import { partsOf } from '../../src/trace/glossary'

const found = (text: string) => partsOf(text).flatMap(({ definition }) => (definition ? [definition.words[0]] : []))

/** The same examples as in crates/trace/src/glossary.rs. */
test('words are found whole, in each form, and once', () => {
  const examples: [string, string[]][] = [
    ['After 154 ms without a heartbeat n3 got 2 of 3 votes and leads term 2.', ['heartbeat', 'vote', 'term']],
    ['Entries 2 and 3 are committed; the no-op entry 1 was, and Entry 4 is not', ['log', 'committed', 'no-op entry']],
    ['majorities of pre-votes: one-vote-per-term, determined, logs', ['majority', 'pre-vote', 'log']],
    ['§ the RequestVote — ¿Leader?', ['RequestVote', 'leader']],
    ['', []],
  ]
  for (const [text, expected] of examples) expect(found(text), text).toEqual(expected)
})

test('the parts of a text are the whole text', () => {
  const text = 'Votes, terms and logs: Terms again.'
  const parts = partsOf(text)
  expect(parts.map((part) => part.text + part.after).join('')).toBe(text)
  const words = parts.filter(({ definition }) => definition)
  expect(words.map((part) => [part.text, part.after])).toEqual([['Votes', ','], ['terms', ''], ['logs', ':']])
})
