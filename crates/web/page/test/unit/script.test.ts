import { describe, expect, test } from 'vitest'
import { Player } from '../../src/time/player.svelte'
import { ServersTime } from '../../src/time/servers-time'
import { History } from '../../src/trace/history'
import { RULES } from '../../src/trace/rules'
import { Script } from '../../src/trace/script'
import type { Scene } from '../../src/types/Scene'
import { record } from './records'

const SECOND = 1e6
const scene = (before: number, more: Partial<Scene>): Scene => ({ before, prose: [], command: 'run', is_silent: false, said: '', ...more })

/** Two records, what leads to them, and what closes the script. */
const SCENES = [
  scene(1, { prose: ['Two servers.', 'Who leads?'], command: 'cluster 2', is_silent: true }),
  scene(2, { command: 'logs', said: 'n1 1\n' }),
  scene(2, { prose: ['n1 does.'], command: 'timeout n1' }),
  scene(3, { prose: ['That is all.'], command: null }),
]

function playerOf(scenes: Scene[]) {
  const history = new History([1])
  for (const t of [SECOND, 2 * SECOND]) history.add(record({ t, event: 'term', was: 0 }))
  const player = new Player(history, new ServersTime(1), new Script(scenes, history.end).stops)
  let now = 0
  const watch = (seconds: number) => {
    for (const end = now + seconds * 1000; now < end; now += 50) player.frame(now)
  }
  watch(0.1)
  player.rewind()
  return { player, watch, read: () => player.stop?.paragraphs.at(-1) }
}

describe('a script', () => {
  const script = new Script(SCENES, 2)

  test('has a stop for each paragraph, with those before it', () => {
    expect(script.stops.map(({ position, paragraphs }) => [position, ...paragraphs])).toEqual([
      [0, 'Two servers.'],
      [0, 'Two servers.', 'Who leads?'],
      [1, 'n1 does.'],
      [2, 'That is all.'],
    ])
  })

  test('tells a table after what its command caused, and knows what comes before it', () => {
    const [table] = script.asides.filter(({ isCommand }) => !isCommand)
    expect(table).toMatchObject({ position: 1, stops: 2, text: 'n1 1\n' })
    expect(new Script([scene(1, { said: 'last' })], 7).asides.at(-1)!.position).toBe(7)
  })

  test('knows what silent commands caused', () => {
    expect([0, 1].map((number) => script.isSilent(number))).toEqual([true, false])
  })

  test('wants the routine told from `verbose` on, but for what silent commands caused', () => {
    const verbose = new Script([scene(1, {}), scene(2, { command: 'verbose' }), scene(2, {}), scene(3, { is_silent: true })], 3)
    expect(verbose.hasRoutine).toBe(true)
    expect([0, 1, 2].map((number) => verbose.tellsRoutine(number))).toEqual([false, true, false])
  })

  test('of a recorded run is empty', () => {
    expect(new Script([], 2)).toMatchObject({ stops: [], asides: [], hasCommands: false, hasRoutine: false })
  })
})

describe('a player with a script', () => {
  test('waits at each paragraph, and closes with the last one', () => {
    const { player, watch, read } = playerOf(SCENES)
    expect([player.isReading, player.moment.position, read()]).toEqual([true, 0, 'Two servers.'])
    for (const [paragraph, position] of [['Who leads?', 0], ['n1 does.', 1], ['That is all.', 2]] as const) {
      player.play()
      watch(9)
      expect([player.isReading, player.moment.position, read()]).toEqual([true, position, paragraph])
    }
    expect(player.isAtEnd).toBe(true)
    player.play()
    expect([player.isPlaying, read()]).toEqual([false, 'Two servers.'])
  })

  test('steps from paragraph to paragraph and event to event, forward and back', () => {
    const { player, read } = playerOf(SCENES)
    const place = () => `${player.moment.position} ${read()}`
    const step = (direction: 1 | -1) => (player.step(direction, () => true) ? place() : null)
    const forward = ['0 Who leads?', '1 Who leads?', '1 n1 does.', '2 n1 does.', '2 That is all.']
    expect([1, 2, 3, 4, 5, 6].map(() => step(1))).toEqual([...forward, null])
    expect([1, 2, 3, 4, 5, 6].map(() => step(-1))).toEqual([...forward.reverse().slice(1), '0 Two servers.', null])
  })

  test('that goes to the end has read everything', () => {
    const { player, read } = playerOf(SCENES)
    player.seek(9 * SECOND)
    expect(read()).toBe('That is all.')
    player.seek(1.5 * SECOND)
    expect(read()).toBe('Who leads?')
  })

  test('plays through where there is nothing to read', () => {
    const { player, watch } = playerOf([])
    player.play()
    watch(3)
    expect([player.isReading, player.moment.position]).toEqual([false, 2])
  })
})

describe('what the page explains', () => {
  test('has the rules', () => {
    expect(RULES.get('one-vote-per-term')!.without_it).not.toBe('')
  })
})
