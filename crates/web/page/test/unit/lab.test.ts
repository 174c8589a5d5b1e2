import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { scriptUpTo } from '../../src/source/continue'
import { EngineBroken, type Engine } from '../../src/source/engine'
import { beginningOf, entriesIn, Lab } from '../../src/source/lab.svelte'
import type { Session } from '../../src/source/session.svelte'
import { newScript, problemWith, USUAL, wantedBy } from '../../src/source/new-cluster'
import { Branches } from '../../src/time/branches.svelte'
import { linkToLab, LONGEST_LAB, readLink } from '../../src/time/links'
import { pack, unpack } from '../../src/time/packed'
import { airborne } from '../../src/time/airborne'
import { History } from '../../src/trace/history'
import { appendEntries, record } from './records'

const SCRIPT = 'cluster 3 seed=7\nrun 1234567us\nkill n1 # ü\n---\n'

describe('a link to a simulated run', () => {
  test('holds its script, in letters that no address changes', async () => {
    const packed = await pack(SCRIPT)
    expect(packed).toMatch(/^[\w-]+$/)
    expect(await unpack(packed)).toBe(SCRIPT)
  })

  test('is read as `raft replay` reads it, packed here or there', async () => {
    const links = JSON.parse(readFileSync(new URL('../../../../../tests/raft/lab/links.json', import.meta.url), 'utf8'))
    for (const { name, script, packed } of links) {
      expect(await unpack(packed), name).toBe(script)
      expect(await unpack(await pack(script)), name).toBe(script)
    }
  })

  test('names the moment by the number of records', async () => {
    const link = readLink((await linkToLab(SCRIPT, 117))!)
    expect({ ...link, lab: await unpack(link.lab!) }).toMatchObject({ lab: SCRIPT, at: '117', scenario: null })
  })

  test('is none for a script that is too long', async () => {
    const lines = Array.from({ length: 20_000 }, (_, place) => `run ${(place * 7919) % 1_000_003}us\n`)
    expect((await pack(lines.join(''))).length).toBeGreaterThan(LONGEST_LAB)
    expect(await linkToLab(lines.join(''), 1)).toBeNull()
  })

  test('says so if it is damaged, or unpacks to more than any script', async () => {
    const packed = await pack(SCRIPT)
    await expect(unpack(packed.slice(0, -6))).rejects.toThrow('the link is damaged')
    await expect(unpack('%%%')).rejects.toThrow('the link is damaged')
    await expect(unpack(await pack('x'.repeat(2 << 20)))).rejects.toThrow('the link is damaged')
  })

  test('begins a new cluster if it is empty', () => {
    expect(readLink('#lab')).toMatchObject({ lab: '', at: null })
    expect(wantedBy(readLink('#lab=&servers=7').servers).servers).toBe(7)
    for (const odd of [null, '0', '16', '2.5', 'x']) expect(wantedBy(odd).servers).toBe(USUAL.servers)
  })
})

describe('branches', () => {
  test('are named by what was done first in them, and when', () => {
    const branches = new Branches()
    branches.note('kill n1', 1_000_000)
    branches.keep('first')
    branches.begin(500_000)
    expect(branches.all.map(({ name }) => name)).toEqual(['the first run', 'from 0.500 s on'])
    branches.note('kill n2', 600_000)
    branches.note('restart n2', 700_000)
    expect(branches.all.at(-1)).toEqual({ id: 1, name: 'kill n2 at 0.600 s', script: '' })
  })

  test('are kept as scripts, and shown again', () => {
    const branches = new Branches()
    branches.keep('first')
    branches.begin(0)
    branches.keep('second')
    expect(branches.show(0)).toBe('first')
    branches.note('kill n3', 900_000)
    branches.keep('first, longer')
    expect(branches.all.map(({ name }) => name)).toEqual(['the first run', 'from 0.000 s on'])
    expect(branches.show(1)).toBe('second')
    expect(branches.show(0)).toBe('first, longer')
  })
})

describe('a script', () => {
  test('begins with its last cluster', () => {
    expect(beginningOf('log n1 1\ncluster 3 seed=1\n---\n\nkill n1\n---\n')).toBe('log n1 1\ncluster 3 seed=1\n---\n')
  })

  test('of a scenario goes on from the moment on show', () => {
    const scene = (before: number, command: string | null, is_silent = false) => ({ before, prose: ['Words.'], command, is_silent, said: '' })
    const scenes = [scene(1, 'cluster 3', true), scene(10, 'timeout n1'), scene(30, 'cluster 2'), scene(36, 'run 1s'), scene(90, 'kill n1'), scene(91, null)]
    expect(scriptUpTo(scenes, 12)).toEqual({ script: '(cluster 3)\ntimeout n1\n---\n', at: 12 })
    expect(scriptUpTo(scenes, 50)).toEqual({ script: '(cluster 3)\ntimeout n1\ncluster 2\nrun 1s\n---\n', at: 21 })
    expect(scriptUpTo(scenes, 0)).toEqual({ script: '(cluster 3)\n---\n', at: 0 })
  })

  test('of a new cluster has all that was chosen', () => {
    expect(newScript({ ...USUAL, spares: 1, seed: 3 })).toBe(
      'cluster 5 election-timeout=150ms..300ms heartbeat=50ms latency=10ms..20ms profile=paper spares=1 seed=3\n---\n',
    )
    expect(problemWith({ ...USUAL, seed: 3 })).toBeNull()
    for (const wrong of [{ seed: NaN }, { shortest: 400 }, { slowest: 5 }, { heartbeat: 150 }, { quickest: -1 }]) {
      expect(problemWith({ ...USUAL, seed: 3, ...wrong })).toMatch(/\.$/)
    }
  })
})

test('the entries with which logs begin are known by their places and terms only', () => {
  const entries = entriesIn('log n1 1 2\n(log n2 1 1 3)\ncluster 3\nexpect log n3 9\n---\n')
  expect(Object.fromEntries([...entries].map(([index, terms]) => [index, [...terms]]))).toEqual({ 1: [1], 2: [2, 1], 3: [3] })
})

describe('an engine that fails', () => {
  /** An engine that knows scripts, and traps at the first `crash`. */
  function fragile() {
    let script = ''
    const asked: string[] = []
    const setup = { servers: [1, 2, 3], scenes: [], speed: 1, history: null, without: null, latency_us: 0 }
    const told = { records: [], headlines: [], now_us: 0, next_us: null, said: '', violation: null }
    const ask = async (what: string, fields: { script?: string; command?: string }) => {
      asked.push(what)
      if (fields.script === 'bad') throw new Error('line 1 is not a command')
      if (what === 'open') script = fields.script!
      if (what === 'script') return { text: script }
      if (what === 'messages') return []
      if (fields.command?.startsWith('crash')) throw new EngineBroken('n1 has contradicted itself')
      if (what === 'do') script = `${fields.command}, ${script}`
      return { ...told, setup }
    }
    return { engine: { ask } as unknown as Engine, asked }
  }

  test('is started again, with all that was done before, and says what happened', async () => {
    const { engine, asked } = fragile()
    const shown: Session[] = []
    const lab = new Lab(engine, (session) => shown.push(session))
    await lab.open('cluster 3')
    const first = shown[0]!
    await first.act({ action: 'kill', node: 2 })
    expect(first.notice).toMatchObject({ text: '▸ kill n2', isBad: false })
    await first.act({ action: 'power_cut', node: 1, unsynced: 'lost' })
    expect(first.notice).toMatchObject({ text: 'n1 has contradicted itself', isBad: true })
    expect(asked.filter((what) => what === 'open').length).toBe(2)
    const second = shown[1]!
    expect(second.lab!.accident).toContain('The engine has stopped: n1 has contradicted itself.')
    expect(await second.lab!.scriptNow()).toBe('kill n2, cluster 3')
    expect(second.player).toMatchObject({ isLive: true, isPlaying: false })
  })

  test('refuses a script, and the run on show goes on', async () => {
    const { engine, asked } = fragile()
    const lab = new Lab(engine, () => {})
    const session = await lab.open('cluster 3')
    await expect(lab.open('bad')).rejects.toThrow('line 1 is not a command')
    const now = performance.now()
    session.player.frame(now)
    session.player.frame(now + 100)
    expect(asked.at(-1)).toBe('run')
  })
})

describe('a message that has not arrived in the present', () => {
  const message = appendEntries({ index: 0, term: 0 }, [])
  const known = { words: '', select: '', copies: 1 }

  function flightsAt(t: number, flying: { dueAt: number | null; heldSince: number | null; copies?: number }) {
    const history = new History([1, 2])
    history.add(record({ t: 100, seq: 1, event: 'sent', to: 2, message }))
    return airborne(history, 1, t, 0, Infinity, new Map([[0, { ...known, ...flying }]])).flights
  }

  test('is as far as the engine says', () => {
    expect(flightsAt(400, { dueAt: 1100, heldSince: null })).toMatchObject([{ progress: 0.3, lost: 0, isHeld: false }])
    // It waits for a receiver that is halted.
    expect(flightsAt(9000, { dueAt: 1100, heldSince: null })).toMatchObject([{ lost: 0 }])
  })

  test('is at its sender if it arrives at the moment of its sending', () => {
    expect(flightsAt(100, { dueAt: 100, heldSince: null })).toMatchObject([{ progress: 0 }])
  })

  test('stays in sight while it is held, however long', () => {
    expect(flightsAt(9_000_000, { dueAt: null, heldSince: 300, copies: 2 })).toMatchObject([{ progress: 0.5, isHeld: true, copies: 2 }])
    expect(flightsAt(200, { dueAt: null, heldSince: 300 })).toMatchObject([{ isHeld: false }])
  })
})
