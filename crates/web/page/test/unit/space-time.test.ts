import { describe, expect, test } from 'vitest'
import { CLIENTS, NETWORK, distance, spaceTime, type Wanted } from '../../src/time/space-time'
import { TimeWindow } from '../../src/time/time-window.svelte'
import { History } from '../../src/trace/history'
import { appendEntries, noOp, record } from './records'

const ALL: Wanted = { from: 0, to: 10_000, until: Infinity, known: 10_000, withRoutine: true, perPixel: 1 }
const ASK = { request_vote: { term: 1, last_log: { index: 0, term: 0 }, is_transfer: false } }
const HEARTBEAT = appendEntries({ index: 0, term: 0 }, [])

function historyOf(...records: object[]): History {
  const history = new History([1, 2, 3])
  for (const fields of records) history.add(record(fields))
  return history
}

const sent = (t: number, seq: number, to = 2, message: object = ASK) => ({ t, seq, event: 'sent', to, message })
const received = (t: number, seq: number, node = 2, message: object = ASK) => ({ t, node, event: 'received', from: 1, message, cause: { node: 1, life: 1, seq } })
const told = (history: History, wanted: Partial<Wanted> = {}) =>
  spaceTime(history, { ...ALL, ...wanted }).lines.map(({ from, to, sent, end, fate }) => ({ from, to, sent, end, fate }))

describe('messages as lines', () => {
  test('one goes from its sending to its arrival', () => {
    const history = historyOf(sent(1000, 1), received(1800, 1))
    expect(told(history)).toEqual([{ from: 1, to: 2, sent: 1000, end: 1800, fate: 'arrived' }])
  })

  test('one that is in flight ends at what is known, short of its receiver', () => {
    const history = historyOf(sent(1000, 1))
    const [line] = spaceTime(history, { ...ALL, known: 1500 }).lines
    expect(line).toMatchObject({ sent: 1000, end: 1500, fate: 'in flight' })
    expect(line!.reach).toBeGreaterThan(0)
    expect(line!.reach).toBeLessThan(1)
  })

  test('one that arrives later than what is known is in flight until then', () => {
    const history = historyOf(sent(1000, 1), received(9000, 1))
    const [line] = spaceTime(history, { ...ALL, known: 5000 }).lines
    expect(line).toMatchObject({ end: 5000, fate: 'in flight', reach: 0.5 })
  })

  test('one that takes much longer than others is lost, and if it comes after all, late', () => {
    const lost = [sent(1000, 1), received(2000, 1), sent(2000, 2, 3)]
    expect(told(historyOf(...lost)).at(-1)).toMatchObject({ to: 3, sent: 2000, fate: 'lost' })
    expect(told(historyOf(...lost, received(9500, 2, 3))).at(-1)).toEqual({ from: 1, to: 3, sent: 2000, end: 9500, fate: 'arrived' })
  })

  test('one on a slow link is not lost before its delay is over', () => {
    const slow = { t: 0, event: 'links_delayed', links: [{ from: 1, to: 2 }], delay_us: 8000 }
    expect(told(historyOf(slow, sent(1000, 1)))).toMatchObject([{ fate: 'in flight' }])
    expect(told(historyOf(sent(1000, 1)))).toMatchObject([{ fate: 'lost' }])
  })

  test('one that waits is not lost: it is held, or its receiver is paused', () => {
    const history = historyOf(sent(1000, 1), received(1500, 1), sent(2000, 2, 3), { t: 2500, node: 3, event: 'paused' }, sent(3000, 3, 2), sent(3100, 4, 2))
    const paused = spaceTime(history, ALL).lines.filter(({ to }) => to === 3)
    expect(paused).toMatchObject([{ sent: 2000, end: 10_000, reach: 0.5, fate: 'in flight' }])
    const held = { words: '', select: '', dueAt: null, heldSince: 3000, copies: 1 }
    const fates = spaceTime(history, { ...ALL, flying: new Map([[4, held]]) }).lines.map(({ sent, fate }) => [sent, fate])
    expect(fates).toEqual([[1000, 'arrived'], [2000, 'in flight'], [3000, 'in flight'], [3100, 'lost']])
  })

  test('one that is held is drawn however long ago it was sent', () => {
    const held = { words: '', select: '', dueAt: null, heldSince: 1000, copies: 1 }
    const history = historyOf(sent(1000, 1), { t: 900_000, seq: 2, event: 'role', role: 'follower' })
    const wanted = { ...ALL, from: 800_000, to: 1e6, known: 1e6 }
    expect(spaceTime(history, wanted).lines).toEqual([])
    expect(spaceTime(history, { ...wanted, flying: new Map([[0, held]]) }).lines).toMatchObject([{ sent: 1000, end: 1e6, fate: 'in flight' }])
  })

  test('each copy of one that arrives twice has its own line', () => {
    const history = historyOf(sent(1000, 1), received(1800, 1), received(4000, 1))
    expect(told(history)).toEqual([
      { from: 1, to: 2, sent: 1000, end: 1800, fate: 'arrived' },
      { from: 1, to: 2, sent: 1000, end: 4000, fate: 'arrived' },
    ])
  })

  test('one whose sending is not loaded is known by its arrival', () => {
    const { lines } = spaceTime(historyOf(received(1800, 1)), ALL)
    expect(lines).toMatchObject([{ from: 1, to: 2, sent: null, end: 1800, fate: 'arrived' }])
    expect(lines[0]!.entry.record.event).toBe('received')
  })

  test('one that was sent long before the window and arrives in it is there', () => {
    const history = historyOf(sent(1000, 1), ...quick(2000, 40), received(90_000, 1))
    expect(told(history, { from: 89_000, to: 91_000, known: 91_000 })).toContainEqual({ from: 1, to: 2, sent: 1000, end: 90_000, fate: 'arrived' })
  })

  /** Messages that take no time, so that usual ones are fast. */
  const quick = (t: number, count: number) =>
    Array.from({ length: count }, (_, order) => [sent(t + order, 10 + order, 3), received(t + order, 10 + order, 3)]).flat()

  test('nothing from a position on is told', () => {
    const history = historyOf(sent(1000, 1), received(1800, 1), sent(2000, 2))
    expect(told(history, { until: 2, known: 2000 })).toHaveLength(1)
  })

  test('routine can be left out, and so can its arrival', () => {
    const beats = [sent(1000, 1, 2, HEARTBEAT), received(1800, 1, 2, HEARTBEAT), received(2000, 99, 2, HEARTBEAT)]
    expect(told(historyOf(...beats))).toHaveLength(2)
    expect(told(historyOf(...beats), { withRoutine: false })).toEqual([])
  })

  test('what can not be told apart is left out and counted, but nothing that is lost', () => {
    const entries = (index: number) => appendEntries({ index, term: 1 }, [noOp(1)])
    const many = Array.from({ length: 100 }, (_, order) => [sent(1000 + order, order + 1, 2, entries(order)), received(1500 + order, order + 1, 2, entries(order))]).flat()
    const crowded = spaceTime(historyOf(...many), { ...ALL, perPixel: 10 })
    expect(crowded.lines.length + crowded.leftOut).toBe(100)
    expect(crowded.lines.length).toBeLessThan(10)
    expect(spaceTime(historyOf(...many), { ...ALL, perPixel: 0.1 }).leftOut).toBe(0)
    const lost = many.filter(({ event }) => event === 'sent')
    expect(spaceTime(historyOf(...lost), { ...ALL, perPixel: 10 }).lines).toHaveLength(100)
  })

  test('a client asks and gets a response, each told once', () => {
    const asks = { event: 'client_asks', client: 1, what: 'put x = 1', again: false }
    const history = historyOf(
      { t: 10, ...asks },
      { t: 10, seq: 1, event: 'asked', wish: 'write', requests: [1] },
      { t: 900, seq: 2, event: 'answered', request: 1, answer: 'done', index: 1 },
      { t: 900, event: 'client_hears', client: 1, answer: 'written', outcome: 'done' },
    )
    expect(told(history)).toMatchObject([
      { from: CLIENTS, to: 1, sent: 10 },
      { from: 1, to: CLIENTS, sent: 900 },
    ])
  })
})

describe('servers as lanes', () => {
  const election = [
    { t: 0, seq: 1, event: 'role', role: 'follower', term: 0 },
    { t: 500, seq: 2, event: 'timeout', role: 'follower', term: 0 },
    { t: 500, seq: 3, event: 'term', was: 0 },
    { t: 500, seq: 4, event: 'role', role: 'candidate', was: 'follower' },
    { t: 800, seq: 5, event: 'role', role: 'leader', was: 'candidate' },
    { t: 900, seq: 6, event: 'committed', index: 1 },
    { t: 2000, event: 'died', signal: 9 },
    { t: 4000, life: 2, event: 'started', pid: 7, address: '127.0.0.1:1' },
  ]

  test('a stretch for each role and term; a dead server has none of either', () => {
    const { segments } = spaceTime(historyOf(...election), { ...ALL, known: 5000 })
    expect(segments.filter(({ server }) => server === 1).map(({ from, to, term, state }) => [from, to, term, state])).toEqual([
      [0, 500, 0, 'follower'],
      [500, 800, 1, 'candidate'],
      [800, 2000, 1, 'leader'],
      [2000, 4000, 1, 'dead'],
      [4000, 5000, 1, 'follower'],
    ])
    expect(segments.some(({ server }) => server === 2)).toBe(false)
  })

  test('a window in the middle begins with what was so before', () => {
    const { segments } = spaceTime(historyOf(...election), { ...ALL, from: 1000, to: 1500 })
    expect(segments.map(({ from, to, state }) => [from, to, state])).toEqual([[1000, 1500, 'leader']])
  })

  test('what happened is marked, the more important of two in one place', () => {
    const kinds = (perPixel: number) => spaceTime(historyOf(...election), { ...ALL, perPixel }).marks.map(({ kind }) => kind)
    expect(kinds(1)).toEqual(['timeout', 'leads', 'committed', 'died', 'started'])
    // Commits stand in a row of their own.
    expect(kinds(50)).toEqual(['leads', 'committed', 'died', 'started'])
    expect(kinds(100)).toEqual(['committed', 'died', 'started'])
  })

  test('a power cut, a pause and a vote say what they are', () => {
    const { marks, segments } = spaceTime(
      historyOf(
        { t: 0, seq: 1, event: 'role', role: 'follower' },
        { t: 1000, seq: 2, event: 'vote', candidate: 3, granted: true },
        { t: 2000, event: 'paused' },
        { t: 3000, event: 'resumed' },
        { t: 4000, event: 'died', power_cut: 'lost' },
      ),
      ALL,
    )
    expect(marks.map(({ words }) => words)).toEqual(['votes for n3', 'paused', 'resumed', 'power cut'])
    expect(segments.map(({ state }) => state)).toEqual(['follower', 'paused', 'follower', 'dead'])
  })

  test('what happens to links is marked across all lanes', () => {
    const links = [{ from: 1, to: 2 }]
    const { marks } = spaceTime(
      historyOf(
        { t: 1000, event: 'links_cut', links },
        { t: 2000, event: 'links_mended', links },
        { t: 3000, event: 'links_delayed', links, delay_us: 500 },
        { t: 4000, event: 'links_lossy', links, percent: 0 },
        { t: 5000, event: 'links_healed' },
      ),
      ALL,
    )
    expect(marks.map(({ kind, words }) => `${kind}: ${words}`)).toEqual(['cut: cut', 'mended: restored', 'cut: delay', 'mended: no loss', 'mended: healed'])
    expect(new Set(marks.map(({ server }) => server))).toEqual(new Set([NETWORK]))
  })
})

test('a point is near a line only beside it', () => {
  expect(distance(5, 3, [0, 0, 10, 0])).toBe(3)
  expect(distance(14, 3, [0, 0, 10, 0])).toBe(5)
  expect(distance(3, 4, [0, 0, 0, 0])).toBe(5)
})

describe('the window in time', () => {
  test('moves with the present, which keeps its place when it is zoomed', () => {
    const view = new TimeWindow()
    view.follow(100e6, true, 0, 100e6)
    const place = (100e6 - view.from) / view.span
    view.zoom(1 / 2, 100e6)
    expect((100e6 - view.from) / view.span).toBeCloseTo(place)
    expect(view.to).toBeGreaterThan(100e6)
  })

  test('keeps its middle when it is zoomed and the moment on show is not in sight', () => {
    const view = new TimeWindow()
    view.zoom(2, 500e6)
    expect((view.from + view.to) / 2).toBeCloseTo(1e6)
  })

  test('stays while a moment of the past moves in it, and goes to one outside', () => {
    const view = new TimeWindow()
    view.follow(50e6, false, 0, 100e6)
    const { from } = view
    view.follow(view.from + 1, false, 0, 100e6)
    expect(view.from).toBe(from)
    view.follow(20e6, false, 0, 100e6)
    expect(view.from).toBeLessThan(20e6)
    expect(view.to).toBeGreaterThan(20e6)
    view.follow(100e6, false, 0, 100e6)
    expect(view.to - 100e6).toBeLessThan(view.span / 10)
  })

  test('keeps some of what happened in sight', () => {
    const view = new TimeWindow()
    view.pan(-1e12, 0, 100e6)
    expect(view.to).toBeGreaterThan(0)
    view.pan(1e12, 0, 100e6)
    expect(view.from).toBeLessThan(100e6)
  })
})
