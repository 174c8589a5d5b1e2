import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from '../../src/source/file'
import { firstStepOf } from '../../src/trace/first-steps'
import { History } from '../../src/trace/history'
import type { TraceRecord } from '../../src/trace/record'

/** The run that crates/trace/tests/first_steps.rs reads too. */
const RECORDS = parse(readFileSync(new URL('../../../../trace/tests/first-steps.jsonl', import.meta.url), 'utf8'))

function steps(records: readonly TraceRecord[]) {
  const history = new History([1, 2, 3])
  return records.flatMap((record) => {
    const step = firstStepOf(history.latest, record)
    history.add(record)
    return step ? [[record.t, step]] : []
  })
}

test('each first step is seen when it is done, at the moments at which the Rust code sees it', () => {
  expect(steps(RECORDS)).toEqual([
    [1479859, 'kill-the-leader'],
    [4005329, 'split-the-vote'],
    [4006434, 'split-the-vote'],
    [6541384, 'write-without-majority'],
  ])
})

test('what only looks like a first step is none', () => {
  const without = (event: string) => [...new Set(steps(RECORDS.filter((record) => record.event !== event)).map(([, step]) => step))]
  expect(without('role')).toEqual([])
  expect(without('vote')).toEqual(['kill-the-leader', 'write-without-majority'])
  expect(without('timer')).toEqual(['kill-the-leader', 'write-without-majority'])
  expect(without('links_cut')).toEqual(['kill-the-leader', 'split-the-vote'])
})

test('a page that is opened late knows what was done before', () => {
  const [story, page] = [new History([1, 2, 3]), new History([1, 2, 3])]
  for (const record of RECORDS) story.add(record)
  page.resume(story.latest, story.end)
  page.prependStory(story)
  expect([...page.firstSteps]).toEqual(['kill-the-leader', 'split-the-vote', 'write-without-majority'])
})
