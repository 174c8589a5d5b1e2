import { describe, expect, test } from 'vitest'
import { Session } from '../../src/source/session.svelte'
import type { Setup } from '../../src/source/contract'
import type { Source } from '../../src/source/source'
import { Elsewhere } from '../../src/time/present'
import { Headlines, MOST, VERSIONS, type Headline } from '../../src/trace/headlines'
import { record } from './records'

const SECOND = 1e6

function headline(fields: Partial<Headline>): Headline {
  const text = `episode ${fields.episode} after ${fields.after}`
  return { after: 1, episode: 1, first: 1, t: 0, text, is_election: false, is_won: false, is_violation: false, ...fields }
}

describe('headlines', () => {
  test('are told as they were at each moment', () => {
    const headlines = new Headlines()
    for (const [after, episode] of [[2, 1], [5, 1], [7, 2], [9, 1]] as const) headlines.add(headline({ after, episode }))
    const at = (position: number) => headlines.at(position).map(({ text }) => text)
    expect(at(1)).toEqual([])
    expect(at(4)).toEqual(['episode 1 after 2'])
    expect(at(8)).toEqual(['episode 1 after 5', 'episode 2 after 7'])
    expect(at(9)).toEqual(['episode 1 after 9', 'episode 2 after 7'])
    expect(headlines.at(9, 1).map(({ episode }) => episode)).toEqual([2])
    expect(headlines.latest(1)?.after).toBe(9)
  })

  test('that come again after a break are known', () => {
    const headlines = new Headlines()
    const said = [headline({ after: 2 }), headline({ after: 5 })]
    for (const one of [...said, ...said]) headlines.add(one)
    expect(headlines.at(4)).toEqual([said[0]])
  })

  test('are bounded: old ones lose their versions, then the minor ones go, then the oldest', () => {
    const headlines = new Headlines()
    headlines.add(headline({ episode: 0, after: 1, is_election: true }))
    for (let after = 2; after < 5 * MOST; after += 1) headlines.add(headline({ episode: after >> 1, after }))
    const all = headlines.at(Infinity)
    expect(all.length).toBeLessThanOrEqual(MOST)
    expect(all[0]).toMatchObject({ episode: 0, is_election: true })
    expect(all.at(-1)).toMatchObject({ after: 5 * MOST - 1 })
    for (let after = 5 * MOST; after < 10 * MOST; after += 1) headlines.add(headline({ episode: after, after, is_violation: true }))
    expect(headlines.at(Infinity).length).toBeLessThanOrEqual(MOST)
    expect(headlines.at(Infinity)[0]!.after).toBeGreaterThan(5 * MOST)
  })

  test('of an episode without end tell nothing before its time, and forget only versions', () => {
    const headlines = new Headlines()
    for (let after = 1; after < 100 * VERSIONS; after += 1) headlines.add(headline({ after }))
    expect(headlines.at(1)).toHaveLength(1)
    for (let position = 1; position < 100 * VERSIONS; position += 97) {
      expect(headlines.at(position)[0]!.after).toBeLessThanOrEqual(position)
    }
    expect(headlines.latest(1)!.after).toBe(100 * VERSIONS - 1)
  })
})

describe('an election that happened by itself', () => {
  const setup = { mode: 'live', servers: [1], speed: 1, history: null, scenes: [], title: '' } as unknown as Setup

  /** A session at the moment when a server was elected, 200 ms after it was started. */
  function elected(speed = 1): Session {
    const present = new Elsewhere()
    const session = new Session({ ...setup, speed }, { present } as unknown as Source)
    session.hasHeadlines = true
    session.connection = 'connected'
    session.slowMotion = { is_wanted: true, is_on: false }
    for (const [t, fields] of [
      [0.9, { seq: 1, event: 'heartbeat' }],
      [1, { event: 'started' }],
      [1.2, { seq: 2, event: 'term', was: 0 }],
      [1.2, { seq: 3, event: 'role', role: 'leader', was: 'candidate' }],
    ] as const) {
      session.add(record({ t: t * SECOND, ...fields }))
    }
    present.heard(1.2 * SECOND, 1200)
    session.player.frame(1200)
    session.player.goLive()
    session.hear(headline({ first: 2, after: 3, is_election: true }))
    session.hear(headline({ first: 2, after: 4, is_election: true, is_won: true }))
    return session
  }

  function pass(session: Session, from: number, to: number, isFree = true): void {
    for (let now = from; now <= to; now += 50) {
      session.player.frame(now)
      session.watchAgain(isFree)
    }
  }

  test('is shown again slowly, once, and the present follows', () => {
    const session = elected()
    const { player } = session
    pass(session, 1200, 1850)
    expect(player.isLive).toBe(true)
    pass(session, 1900, 2000)
    expect(player).toMatchObject({ isLive: false, isPlaying: true, speed: 0.05 })
    expect(player.moment.t).toBeLessThan(SECOND)
    // 20 ms before it, 200 ms of it and 60 ms after it take 280 ms · 20.
    pass(session, 2050, 7400)
    expect(player.isLive).toBe(false)
    expect(player.moment.t).toBeGreaterThan(1.2 * SECOND)
    pass(session, 7450, 8000)
    expect(player).toMatchObject({ isLive: true, rerunUntil: null })
    pass(session, 8050, 12_000)
    expect(player.isLive).toBe(true)
  })

  test('is not shown again to who looks at the past, types, or does without slow motion, or saw it slowly', () => {
    const isShown = (prepare: (session: Session) => void, speed = 1, isFree = true) => {
      const session = elected(speed)
      prepare(session)
      pass(session, 1200, 2500, isFree)
      return session.player.rerunUntil !== null
    }
    expect(isShown(() => {})).toBe(true)
    expect(isShown(({ player }) => player.pause())).toBe(false)
    expect(isShown(() => {}, 1, false)).toBe(false)
    expect(isShown((session) => (session.slowMotion = { is_wanted: false, is_on: false }))).toBe(false)
    expect(isShown((session) => (session.slowMotion = { is_wanted: true, is_on: true }))).toBe(false)
    expect(isShown((session) => (session.selected = 1))).toBe(false)
    expect(isShown(() => {}, 0.05)).toBe(false)
  })

  test('is left where its reader pauses or goes elsewhere', () => {
    const session = elected()
    pass(session, 1200, 2500)
    session.player.pause()
    pass(session, 2550, 9000)
    expect(session.player).toMatchObject({ isLive: false, isPlaying: false, rerunUntil: null })
  })
})
