import { expect, test } from 'vitest'
import { ruleOf } from '../../src/trace/record'
import { record } from './records'

test('a rule whose place a learner’s answer took has not decided', () => {
  const committed = { event: 'committed', index: 1, rule: 'commit-by-majority' }
  expect(ruleOf(record(committed))).toBe('commit-by-majority')
  expect(ruleOf(record({ ...committed, by_other_answer: true }))).toBeNull()
  expect(ruleOf(record({ event: 'no_voter' }))).toBeNull()
})
