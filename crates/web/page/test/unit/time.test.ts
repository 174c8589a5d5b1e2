import { describe, expect, test } from 'vitest'
import { ringLayout, roomyScale } from '../../src/looks/geometry'
import { airborne } from '../../src/time/airborne'
import { Player } from '../../src/time/player.svelte'
import { Elsewhere, Here, type Present } from '../../src/time/present'
import { Pace } from '../../src/time/pace.svelte'
import { ServersTime } from '../../src/time/servers-time'
import { History } from '../../src/trace/history'
import { appendEntries, noOp, record } from './records'

const SECOND = 1e6
const id = (seq: number, node = 1) => ({ node, life: 1, seq })

test('a player that follows another one shows the same moment of another history', () => {
  const histories = [1, 2].map((terms) => {
    const history = new History([1])
    for (let term = 1; term <= terms; term += 1) history.add(record({ t: term * SECOND, seq: term, event: 'term', term }))
    return history
  })
  const [leader, follower] = histories.map((history) => new Player(history, new ServersTime(1))) as [Player, Player]
  const follow = () => follower.follow(leader, histories[1]!.positionAt(leader.moment.t))
  leader.frame(0)
  leader.seek(SECOND)
  leader.speed = 2
  follow()
  expect(follower.moment).toMatchObject({ position: 1, t: SECOND })
  expect(follower.moment.cluster.servers[1]!.term).toBe(1)
  expect(follower.speed).toBe(2)
  leader.moment = { ...leader.moment, t: 2 * SECOND }
  follow()
  expect(follower.moment.cluster.servers[1]!.term).toBe(2)
  // Back again.
  leader.seek(SECOND)
  follow()
  expect(follower.moment.cluster.servers[1]!.term).toBe(1)
})

describe('messages on their way', () => {
  const message = appendEntries({ index: 0, term: 0 }, [noOp(1)])

  function sendAndReceive(sentAt: number, receivedAt: number | null) {
    const history = new History([1, 2])
    history.add(record({ t: sentAt, seq: 1, event: 'sent', to: 2, message }))
    if (receivedAt !== null) {
      history.add(record({ t: receivedAt, node: 2, seq: 1, cause: id(1), event: 'received', from: 1, message }))
    }
    return history
  }

  test('are as far as their time has gone', () => {
    const history = sendAndReceive(0, 2 * SECOND)
    const [flight] = airborne(history, 1, 0.5 * SECOND, SECOND).flights
    expect(flight).toMatchObject({ from: 1, to: 2, kind: 'entries', entries: 1, isReply: false, lost: 0 })
    expect(flight!.progress).toBeCloseTo(0.25)
  })

  test('that are faster than the eye fly as long as the eye needs', () => {
    const history = sendAndReceive(0, 500)
    expect(airborne(history, 2, 0.25 * SECOND, SECOND).flights[0]!.progress).toBeCloseTo(0.5)
    expect(airborne(history, 2, 0.6 * SECOND, SECOND).flights).toEqual([])
    // A hundred times slower, the same eye needs a hundredth of the trace's time.
    expect(airborne(history, 2, 0.006 * SECOND, SECOND / 100).flights).toEqual([])
  })

  test('that take no time at all are nowhere, or still with their sender', () => {
    // Time stands still, and no message of this run took any.
    expect(airborne(sendAndReceive(0, 0), 2, 0, 0).flights).toEqual([])
    expect(airborne(sendAndReceive(0, null), 1, 0, 0).flights).toMatchObject([{ progress: 0, lost: 0 }])
  })

  test('that never arrive stop before the receiver and fade', () => {
    const history = sendAndReceive(0, null)
    const [flight] = airborne(history, 1, 0.75 * SECOND, SECOND).flights
    expect(flight!.progress).toBeLessThan(1)
    expect(flight!.lost).toBeCloseTo(0.5)
    expect(airborne(history, 1, 1.2 * SECOND, SECOND).flights).toEqual([])
  })

  test('are gathered if they are heartbeats and come faster than the eye, and only then', () => {
    const history = new History([1, 2])
    for (let beat = 0; beat < 40; beat += 1) {
      const heartbeat = appendEntries({ index: 1, term: 1 }, [])
      history.add(record({ t: beat * 15_000, seq: beat + 1, event: 'sent', to: 2, message: heartbeat }))
      history.add(record({ t: beat * 15_000 + 400, node: 2, seq: beat + 1, cause: id(beat + 1), event: 'received', from: 1, message: heartbeat }))
    }
    const fast = airborne(history, history.end, history.lastTime, SECOND)
    expect(fast.flights).toEqual([])
    expect(fast.streams).toEqual([{ from: 1, to: 2, term: 1, isHeard: true }])
    const slow = airborne(history, history.end, history.lastTime, SECOND / 50)
    expect(slow.streams).toEqual([])
    expect(slow.flights.map((flight) => flight.kind)).toEqual(['heartbeat'])
  })
})

describe('the servers’ own time', () => {
  test('goes slower where their clocks do', () => {
    const time = new ServersTime(1)
    time.change(10, 0.5)
    time.change(30, 2)
    expect([5, 10, 20, 30, 31].map((t) => time.at(t))).toEqual([5, 10, 15, 20, 22])
    expect(time.speedAt(12)).toBe(0.5)
  })
})

describe('the player', () => {
  function playerOf(times: number[], present: Present = new Elsewhere()) {
    const history = new History([1])
    times.forEach((t, place) => history.add(record({ t, seq: place + 1, term: place + 1, event: 'term', was: place })))
    const player = new Player(history, new ServersTime(1), [], present)
    player.frame(0)
    return player
  }

  test('shows what had happened by then', () => {
    const player = playerOf([0, 1 * SECOND, 2 * SECOND])
    player.seek(1.5 * SECOND)
    expect(player.moment.position).toBe(2)
    expect(player.moment.cluster.servers[1]!.term).toBe(2)
  })

  test('steps from event to event, and not beyond the ends', () => {
    const player = playerOf([0, 1 * SECOND, 1 * SECOND, 2 * SECOND])
    player.seek(0)
    const terms = [1, 1, -1, 1, 1, 1].map((direction) => {
      player.step(direction as 1 | -1, () => true)
      return player.moment.cluster.servers[1]!.term
    })
    expect(terms).toEqual([2, 3, 2, 3, 4, 4])
  })

  test('plays at the speed that is chosen, and stops at the end', () => {
    const player = playerOf([0, 1 * SECOND])
    player.seek(0)
    player.speed = 0.1
    player.play()
    for (let frame = 1; frame <= 20; frame += 1) player.frame(frame * 100)
    expect(player.moment.t).toBeCloseTo(0.2 * SECOND)
    player.speed = 10
    for (let frame = 21; frame <= 30; frame += 1) player.frame(frame * 100)
    expect(player.moment).toMatchObject({ position: 2, t: 1 * SECOND })
    expect(player.isPlaying).toBe(false)
  })

  test('stands still at the last moment when the stream of records ends', () => {
    const present = new Elsewhere()
    const player = playerOf([0, 1 * SECOND], present)
    present.heard(1 * SECOND, 0)
    player.goLive()
    player.frame(5000)
    player.end()
    player.frame(9000)
    expect(player).toMatchObject({ isLive: false, wasLive: true, isAtEnd: true, newest: 1 * SECOND, moment: { t: 1 * SECOND } })
  })

  test('stands still at the last moment too when the stream ends while a rerun is on show', () => {
    const present = new Elsewhere()
    const player = playerOf([0, 1 * SECOND], present)
    present.heard(1 * SECOND, 0)
    player.goLive()
    player.frame(5000)
    player.rerun({ from: 0, until: 2 * SECOND, speed: 0.05 })
    player.end()
    player.frame(9000)
    expect(player).toMatchObject({ isLive: false, isPlaying: false, rerunUntil: null, wasLive: true, isAtEnd: true, moment: { t: 1 * SECOND } })
  })

  test('of a cluster in this page waits for its reader, and passes at the chosen speed', () => {
    const asked: number[] = []
    const present: Here = new Here((us) => {
      asked.push(us)
      return true
    })
    const player = playerOf([0, 1 * SECOND], present)
    present.reach(1 * SECOND)
    player.speed = 0.05
    player.goLive(false)
    player.frame(100)
    expect(asked).toEqual([])
    player.play()
    player.frame(200)
    expect(asked).toEqual([0.005 * SECOND])
    player.pause()
    player.frame(300)
    expect(player).toMatchObject({ isLive: true, isPlaying: false })
    expect(asked.length).toBe(1)
    player.showPosition(1)
    expect(player).toMatchObject({ isLive: false, moment: { position: 1, t: 0 } })
    player.play()
    for (let now = 400; now <= 30_000; now += 100) player.frame(now)
    expect(player).toMatchObject({ isLive: true, isPlaying: true })
  })

  test('of a cluster in this page is asked for one slice of time at once, and for no more than a slow machine can do', () => {
    let isFree = false
    const asked: number[] = []
    const present = new Here((us) => isFree && asked.push(us) > 0)
    for (let frame = 0; frame < 100; frame += 1) present.pass(0.1 * SECOND)
    isFree = true
    present.pass(0)
    present.pass(0.4)
    present.pass(0.4)
    present.pass(0.4)
    expect(asked).toEqual([0.25 * SECOND, 1])
  })

  test('follows the present, and comes back to it', () => {
    const present = new Elsewhere()
    const player = playerOf([0, 1 * SECOND], present)
    present.heard(1 * SECOND, 0)
    player.goLive()
    player.pause()
    player.seek(0)
    expect(player.moment.position).toBe(1)
    player.history.add(record({ t: 3 * SECOND, seq: 3, term: 9, event: 'term', was: 2 }))
    player.frame(2000)
    expect(player.moment.position).toBe(1)
    player.goLive()
    player.frame(2100)
    expect(player.moment.cluster.servers[1]!.term).toBe(9)
  })
})

describe('the ring', () => {
  test.each([1, 2, 5, 9, 15])('keeps %i servers apart and inside', (count) => {
    const ids = Array.from({ length: count }, (_, place) => place + 1)
    for (const [width, height] of [[600, 340], [358, 380]] as const) {
      const { places, radius } = ringLayout(ids, width, height)
      const points = [...places.values()]
      points.forEach((one, place) => {
        expect(one.x - radius).toBeGreaterThan(0)
        expect(one.x + radius).toBeLessThan(width)
        expect(one.y - radius).toBeGreaterThan(0)
        expect(one.y + radius).toBeLessThan(height)
        points.slice(place + 1).forEach((other) => {
          expect(Math.hypot(one.x - other.x, one.y - other.y)).toBeGreaterThan(2 * radius + 4)
        })
      })
    }
  })
})

describe('the size of the servers', () => {
  const scale = (count: number, width: number, height: number) =>
    roomyScale(Array.from({ length: count }, (_, place) => place + 1), width, height)

  test('grows where there is much room for few of them', () => {
    expect(scale(3, 600, 340)).toBe(1)
    expect(scale(3, 358, 800)).toBe(1)
    expect(scale(3, 1240, 590)).toBeGreaterThan(1.2)
    expect(scale(3, 3000, 2000)).toBe(1.5)
    expect(scale(15, 1240, 590)).toBe(1)
  })
})

describe('a browser that falls behind', () => {
  test('is given fewer messages to draw, and more again when it keeps up', () => {
    const pace = new Pace()
    const all = pace.most
    let now = 0
    const draw = (gap: number, seconds: number) => {
      for (const end = now + seconds * 1000; now < end; now += gap) pace.frame(now)
    }
    draw(16, 5)
    expect(pace.most).toBe(all)
    draw(80, 20)
    expect(pace.most).toBeGreaterThan(0)
    expect(pace.most).toBeLessThan(all / 8)
    draw(16, 60)
    expect(pace.most).toBe(all)
  })

  test('draws the news before the routine, and says how many are left out', () => {
    const history = new History([1, 2, 3])
    const vote = { request_vote: { term: 1, last_log_index: 0, last_log_term: 0 } }
    history.add(record({ t: 0, seq: 1, event: 'sent', to: 2, message: vote }))
    history.add(record({ t: 10, seq: 2, event: 'sent', to: 2, message: appendEntries({ index: 0, term: 0 }, []) }))
    history.add(record({ t: 20, seq: 3, event: 'sent', to: 3, message: appendEntries({ index: 0, term: 0 }, []) }))
    const { flights, leftOut } = airborne(history, history.end, 100, 1e6, 1)
    expect(flights.map(({ kind }) => kind)).toEqual(['ask-vote'])
    expect(leftOut).toBe(2)
  })
})

test('a run can be seen to its end before its first picture is drawn', () => {
  const history = new History([1])
  history.add(record({ t: SECOND, seq: 1, event: 'term', term: 1 }))
  const player = new Player(history, new ServersTime(1))
  player.seek(SECOND)
  expect(player.moment).toMatchObject({ position: 1, t: SECOND })
})
