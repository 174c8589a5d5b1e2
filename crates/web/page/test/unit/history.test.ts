import { describe, expect, test } from 'vitest'
import { History } from '../../src/trace/history'
import { open, parse, spread } from '../../src/source/file'
import { STEP_US } from '../../src/source/session.svelte'
import { apply, newCluster } from '../../src/trace/view'
import { appendEntries, noOp, record } from './records'

/** A trace with a new term at every 50th record, and heartbeats between. */
function longTrace(length: number) {
  return Array.from({ length }, (_, place) => {
    const seq = place + 1
    const term = Math.floor(place / 50) + 1
    return place % 50 === 0
      ? record({ t: place * 10, seq, term, event: 'term', was: term - 1 })
      : record({ t: place * 10, seq, term, event: 'heartbeat' })
  })
}

describe('any moment', () => {
  test('is what the fold of all before it says', () => {
    const history = new History([1, 2])
    const records = longTrace(2000)
    records.forEach((one) => history.add(one))
    for (const position of [0, 1, 499, 500, 501, 1337, 2000]) {
      const folded = records.slice(0, position).reduce(apply, newCluster([1, 2]))
      expect(history.clusterAt(position)).toEqual(folded)
    }
  })

  test('is found by its time', () => {
    const history = new History([1])
    longTrace(100).forEach((one) => history.add(one))
    expect(history.positionAt(-1)).toBe(0)
    expect(history.positionAt(500)).toBe(51)
    expect(history.positionAt(1e9)).toBe(100)
  })

  test('goes on from what is told where records are missing', () => {
    const history = new History([1])
    history.add(record({ seq: 1, event: 'term', was: 0 }))
    const told = apply(newCluster([1]), record({ term: 9, event: 'term', was: 8 }))
    history.resume(told, 89)
    history.add(record({ t: 5, seq: 90, term: 9, event: 'heartbeat' }))
    expect(history.clusterAt(0).servers[1]!.term).toBe(0)
    expect(history.clusterAt(89).servers[1]!.term).toBe(9)
    expect(history.clusterAt(90).servers[1]!.term).toBe(9)
    expect(history.end).toBe(90)
  })
})

describe('a broken promise', () => {
  test('has what was done and what that contradicts', () => {
    const history = new History([1, 2])
    const [first, second] = [{ node: 1, life: 1, seq: 1 }, { node: 2, life: 1, seq: 1 }]
    const contradicted = history.add(record({ ...first, event: 'role', role: 'leader', was: 'candidate' }))
    const done = history.add(record({ ...second, event: 'role', role: 'leader', was: 'candidate' }))
    const fields = { event: 'violated', property: 'election safety', what_happened: 'two leaders' }
    const violated = history.add(record({ ...fields, cause: second, contradicts: first }))
    expect(history.chain(violated)).toEqual([done, violated])
    expect(history.contradicted(violated)).toBe(contradicted)
    expect(history.contradicted(done)).toBeUndefined()
    const ofOldTrace = history.add(record(fields))
    expect(history.contradicted(ofOldTrace)).toBeUndefined()
  })
})

describe('a reader who comes late', () => {
  const sending = { request_vote: { term: 31, last_log_index: 0, last_log_term: 0 } }
  const records = longTrace(3000)
  records[1499] = record({ t: 14_990, seq: 1500, term: 30, event: 'sent', to: 2, message: sending })
  records[1500] = record({ t: 15_000, node: 2, seq: 1, term: 30, event: 'received', from: 1, message: sending, cause: { node: 1, life: 1, seq: 1500 } })

  function part(from: number, to: number): History {
    const history = new History([1, 2])
    history.resume(records.slice(0, from).reduce(apply, newCluster([1, 2])), from)
    records.slice(from, to).forEach((one) => history.add(one))
    return history
  }

  test('has all that others have, once it has read what was before', () => {
    const whole = part(0, 3000)
    const late = part(2000, 3000)
    expect([late.start, late.end]).toEqual([2000, 3000])
    for (const older of [part(1500, 2000), part(0, 1500)]) late.prepend(older)
    expect(late.start).toBe(0)
    expect(late.records()).toEqual(whole.records())
    expect(late.eras).toEqual(whole.eras)
    expect(late.landmarks.map(({ number }) => number)).toEqual(whole.landmarks.map(({ number }) => number))
    expect(late.story(3000, 100, 0, false)).toEqual(whole.story(3000, 100, 0, false))
    for (const position of [0, 7, 1499, 1500, 1501, 2000, 2718]) {
      expect(late.clusterAt(position)).toEqual(whole.clusterAt(position))
    }
    // A message that was under way where two parts meet has arrived.
    expect(late.find({ node: 1, life: 1, seq: 1500 })!.arrivedAt).toBe(15_000)
    expect(late.add(record({ event: 'heartbeat' })).number).toBe(3000)
  })
})

describe('a reader who comes late and gets the story first', () => {
  const records = longTrace(3000)
  const stateAt = (position: number) => records.slice(0, position).reduce(apply, newCluster([1]))

  function historyFrom(from: number, to: number): History {
    const history = new History([1])
    history.resume(stateAt(from), from)
    records.slice(from, to).forEach((one) => history.add(one))
    return history
  }

  function lateWithStory(): History {
    const late = historyFrom(2000, 3000)
    const story = new History([1])
    for (const begin of [0, 1000]) {
      const numbers = records.flatMap(({ event }, number) => (event === 'term' && number >= begin && number < begin + 1000 ? [number] : []))
      story.resume(stateAt(begin), numbers[0]!)
      numbers.forEach((number) => story.add(records[number]!, number))
    }
    late.prependStory(story)
    return late
  }

  test('has the whole story, and knows since when it has the heartbeats', () => {
    const [late, whole] = [lateWithStory(), historyFrom(0, 3000)]
    const story = (history: History) => history.story(3000, 100, 0, false).map(({ number }) => number)
    expect(story(late)).toEqual(story(whole))
    expect(late.eras).toEqual(whole.eras)
    expect(late.size).toBe(1040)
    expect(late.wholeSince).toBe(20_000)
    for (const position of [0, 1, 51, 1001, 1951, 2000, 2718]) expect(late.clusterAt(position)).toEqual(stateAt(position))
    expect(late.add(record({ event: 'heartbeat' })).number).toBe(3000)
  })

  test('has all that others have, once it has read the heartbeats too', () => {
    const [late, whole] = [lateWithStory(), historyFrom(0, 3000)]
    late.prepend(historyFrom(1500, 2000))
    expect(late.wholeSince).toBe(15_000)
    expect(late.size).toBe(1530)
    late.prepend(historyFrom(0, 1500))
    expect(late.wholeSince).toBe(0)
    expect(late.records()).toEqual(whole.records())
    expect(late.eras).toEqual(whole.eras)
    for (const position of [0, 7, 1499, 1500, 1501, 2000]) expect(late.clusterAt(position)).toEqual(stateAt(position))
  })
})

describe('a bounded history', () => {
  const history = new History([1], 1000)
  longTrace(60_000).forEach((one) => history.add(one))

  test('never holds more than twice what is kept whole', () => {
    expect(history.size).toBeLessThanOrEqual(2000)
  })

  test('lets the oldest heartbeats go first', () => {
    expect(history.start).toBeLessThan(history.end - 2000)
    expect(history.wholeSince).toBeGreaterThan(history.firstTime)
    expect([...history.backwards(history.end)].slice(0, 400).some((entry) => entry.isRoutine)).toBe(true)
    expect(history.next(history.start, () => true)!.isRoutine).toBe(false)
  })

  test('still knows what was at each moment that is left', () => {
    const entry = history.next(history.start, (one) => !one.isRoutine)!
    expect(history.clusterAt(entry.number + 1).servers[1]!.term).toBe(entry.record.term)
  })

  test('forgets no more than it must of where the terms begin', () => {
    expect(history.eras[0]!.number).toBeLessThanOrEqual(history.start)
    expect(history.eras[1]!.number).toBeGreaterThan(history.start)
  })
})

describe('causes', () => {
  test('make a chain across servers, the first cause first', () => {
    const history = new History([1, 2])
    history.add(record({ seq: 1, event: 'timeout', role: 'follower' }))
    const message = { request_vote: { term: 1, last_log_index: 0, last_log_term: 0 } }
    history.add(record({ t: 5, seq: 2, cause: { node: 1, life: 1, seq: 1 }, event: 'sent', to: 2, message }))
    const sending = history.add(record({ t: 5, seq: 3, event: 'heartbeat' }))
    const last = history.add(
      record({ t: 9, node: 2, seq: 1, cause: { node: 1, life: 1, seq: 2 }, event: 'received', from: 1, message }),
    )
    expect(history.chain(last).map((entry) => entry.number)).toEqual([0, 1, 3])
    expect(history.find({ node: 1, life: 1, seq: 2 })!.arrivedAt).toBe(9)
    expect(sending.arrivedAt).toBeUndefined()
  })

  test('that go round in circles end', () => {
    const history = new History([1])
    const entry = history.add(record({ seq: 1, cause: { node: 1, life: 1, seq: 1 }, event: 'heartbeat' }))
    expect(history.chain(entry)).toEqual([entry])
  })
})

describe('the story', () => {
  test('leaves out heartbeats and what has been said before', () => {
    const history = new History([1, 2])
    const entries = appendEntries({ index: 0, term: 0 }, [noOp(1)])
    const routine = [
      record({ event: 'sent', to: 2, message: entries }),
      record({ event: 'sent', to: 2, message: entries }),
      record({ node: 2, event: 'received', from: 1, message: entries }),
      record({ node: 2, event: 'received', from: 1, message: entries }),
      record({ event: 'sent', to: 2, message: appendEntries({ index: 1, term: 1 }, []) }),
      record({ event: 'timer', rule: 'reset-timer-on-leader', timeout_us: 1 }),
      record({ event: 'timer', rule: 'randomised-timeout', timeout_us: 1 }),
    ].map((one) => history.add(one).isRoutine)
    expect(routine).toEqual([false, true, false, true, true, true, false])
    expect(history.story(history.end, 10, 0, false).map((entry) => entry.number)).toEqual([0, 2, 6])
  })

  test('does not tell again what a follower said before the snapshot', () => {
    const history = new History([1, 2])
    const matched = (index: number) => ({ append_entries_reply: { term: 1, round: 0, outcome: { matched: { match_index: index } } } })
    const leads = [
      record({ event: 'role', role: 'leader', was: 'candidate', seq: 1 }),
      record({ event: 'matched', follower: 2, index: 4 }),
    ].reduce(apply, newCluster([1, 2]))
    history.resume(leads, 9)
    const routine = [4, 5].map((index) => history.add(record({ node: 2, event: 'sent', to: 1, message: matched(index) })).isRoutine)
    expect(routine).toEqual([true, false])
  })

  test('tells of a founding what is new', () => {
    const history = new History([1, 2])
    const found = (incarnation: string | null, is_saved: boolean) => ({
      found: { founders: [[1, '00000000000000aa'], [2, incarnation]], is_saved, is_reply: false },
    })
    const routine = [found(null, false), found(null, false), found('00000000000000bb', false), found('00000000000000bb', true)]
      .flatMap((message) => [
        record({ event: 'sent', to: 2, message }),
        record({ node: 2, event: 'received', from: 1, message }),
      ])
      .map((one) => history.add(one).isRoutine)
    expect(routine).toEqual([false, true, true, true, false, true, false, true])
  })
})

describe('a file', () => {
  test('is read in the order of time, without the steps', async () => {
    const lines = [record({ t: 2, event: 'heartbeat' }), record({ t: 1, event: 'step' }), record({ t: 1, event: 'paused' })]
    const text = lines.map((line) => JSON.stringify(line)).join('\n') + '\n'
    const { history } = open('run.jsonl', text)
    expect(history.records().map((one) => one.event)).toEqual(['paused', 'heartbeat'])
  })

  test('that tells no time shows one step after another', () => {
    const message = appendEntries({ index: 0, term: 0 }, [])
    const read = spread([
      record({ event: 'timeout', role: 'follower' }),
      record({ seq: 2, cause: { node: 1, life: 1, seq: 1 }, event: 'sent', to: 2, message }),
      record({ node: 2, event: 'received', from: 1, message }),
    ])
    expect(read[1]!.t).toBe(read[0]!.t)
    expect(read[2]!.t).toBeGreaterThan(read[1]!.t)
  })

  test('that tells no time can hurry through steps in which nothing is told', () => {
    const message = appendEntries({ index: 0, term: 0 }, [])
    const heartbeat = record({ node: 2, event: 'received', from: 1, message })
    const vote = record({ node: 2, seq: 2, event: 'vote', candidate: 1, granted: true } as never)
    const times = (routine: number) => spread([heartbeat, heartbeat, vote, heartbeat], routine).map(({ t }) => t / STEP_US)
    expect(times(1)).toEqual([1, 2, 2, 3])
    expect(times(0.5)).toEqual([0.5, 1.5, 1.5, 2])
  })

  test('that is no trace says which line is wrong', () => {
    expect(() => parse('{"a":1}')).toThrow('line 1 is not a trace record')
    expect(() => parse('')).toThrow('the file has no records in it')
  })

  test('knows which rules were off at any moment', () => {
    const history = new History([1])
    const switched = (rule: string, is_on: boolean) => history.add(record({ event: 'rule_switched', rule, is_on } as never))
    switched('majority-wins', true)
    switched('one-vote-per-term', false)
    switched('one-vote-per-term', true)
    expect([0, 1, 2, 3].map((position) => history.rulesOff(position, ['majority-wins']))).toEqual([['majority-wins'], [], ['one-vote-per-term'], []])
  })
})
