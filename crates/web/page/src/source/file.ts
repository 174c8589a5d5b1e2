// A complete trace: from a file, or embedded in the page.

import type { TraceRecord } from '../trace/record'
import { beginsStep, Feed } from '../trace/feed'
import type { Embedded, Setup } from './contract'
import { SPEEDS } from '../time/player.svelte'
import { Session, STEP_US } from './session.svelte'

/** A scenario is shown this slowly, unless it would last longer than this, in microseconds of its reader’s time. */
const SLOW = { speed: 0.05, lasts: 120e6 }

/** What this page was made for: a replay, or a lab that begins with a link; null if a server with a cluster serves it. */
export function embedded(): Embedded | { lab: string } | null {
  const text = document.getElementById('raft-embedded')?.textContent?.trim()
  return text ? (JSON.parse(text) as Embedded | { lab: string }) : null
}

/**
 * Shows a trace from its beginning. If it has an order, but no times, a step in which nothing is told takes this part of the time
 * of another one.
 */
export function replay({ setup, records, headlines }: Embedded, routine = 1): Session {
  const session = new Session(setup, null, records.length)
  session.isTimeless = isTimeless(records, routine)
  const shown = session.isTimeless ? spread(records, routine) : records
  for (const record of shown) session.add(record)
  session.hasHeadlines = headlines !== undefined
  for (const headline of headlines ?? []) session.headlines.add({ ...headline, t: shown[headline.first - 1]?.t ?? headline.t })
  session.player.rewind()
  // A short run is in sight as a whole.
  const whole = session.history.lastTime - session.history.firstTime
  if (setup.scenes.length > 0 && !session.isTimeless) session.player.speed = slowEnough(whole)
  session.timeWindow.span = session.isTimeless ? 12 * STEP_US : Math.min(2e6, Math.max(50_000, whole * 1.1))
  return session
}

/** The speed at which a reader can follow a scenario of this many microseconds. */
function slowEnough(whole: number): number {
  return SPEEDS.find((speed) => speed >= Math.max(SLOW.speed, whole / SLOW.lasts) || speed === 1)!
}

/** Does a trace have an order, but no times? In most scenarios everything happens at the same moment. */
function isTimeless(records: readonly TraceRecord[], routine: number): boolean {
  const lengths = lengthsOf(records, routine)
  const steps = records.filter(beginsStep)
  const atOnce = (place: number) => steps[place]!.t === steps[place - 1]?.t
  const sum = (some: readonly number[]) => some.reduce((one, other) => one + other, 0)
  return sum(lengths.filter((_, place) => atOnce(place))) > sum(lengths) / 2
}

/** The same records, with one step after another. */
export function spread(records: readonly TraceRecord[], routine = 1): TraceRecord[] {
  const lengths = lengthsOf(records, routine)
  let [step, time] = [0, 0]
  return records.map((record) => {
    if (beginsStep(record)) time += lengths[step++]!
    return { ...record, t: time * STEP_US }
  })
}

/** How long each step is, as a part of the usual time. */
function lengthsOf(records: readonly TraceRecord[], routine: number): number[] {
  const feed = new Feed()
  const lengths: number[] = []
  for (const record of records) {
    if (beginsStep(record)) lengths.push(routine)
    if (!feed.isRoutine(record) && lengths.length > 0) lengths[lengths.length - 1] = 1
  }
  return lengths
}

/** Is the text a scenario, rather than a trace? */
export function isScript(text: string): boolean {
  return /^\(?cluster\b/m.test(text)
}

/** Shows a trace from a file. Throws an error with help if it is not one. */
export function open(name: string, text: string): Session {
  const records = parse(text).sort((one, other) => one.t - other.t)
  return replay({ setup: setupOf(name, records), records })
}

/** Reads a trace as docs/trace.md describes it, one record per line. Throws an error with help if it is not one. */
export function parse(text: string): TraceRecord[] {
  const records: TraceRecord[] = []
  text.split('\n').forEach((line, place) => {
    if (!line.trim()) return
    const record = parseLine(line)
    if (!record) {
      throw Object.assign(new Error(`line ${place + 1} is not a trace record`), {
        help: 'open a file written by `raft up --record FILE` or `raft up --json`, or downloaded from this page',
      })
    }
    if ((record.event as string) !== 'step') records.push(record)
  })
  if (records.length === 0) {
    throw Object.assign(new Error('the file has no records in it'), { help: 'record one with `raft up --record FILE`' })
  }
  return records
}

function parseLine(line: string): TraceRecord | null {
  try {
    const record = JSON.parse(line)
    const isRecord = typeof record.t === 'number' && typeof record.node === 'number' && typeof record.event === 'string'
    return isRecord ? record : null
  } catch {
    return null
  }
}

function setupOf(title: string, records: readonly TraceRecord[]): Setup {
  const ids = new Set<number>()
  for (const record of records) {
    ids.add(record.node)
    if (record.event === 'sent') ids.add(record.to)
  }
  return {
    mode: 'replay',
    title,
    scenario: null,
    servers: [...ids].sort((one, other) => one - other),
    timing: null,
    seed: null,
    speed: 1,
    latency_us: 0,
    history: records.length,
    scenes: [],
    without: null,
    version: '',
  }
}

/** Offers the records as a file to save. */
export function download(records: readonly TraceRecord[]): void {
  const lines = records.map((record) => JSON.stringify(record) + '\n')
  save('raft-trace.jsonl', 'application/jsonl', lines.join(''))
}

/** Offers a file to save. */
export function save(name: string, type: string, content: string): void {
  const address = URL.createObjectURL(new Blob([content], { type }))
  Object.assign(document.createElement('a'), { href: address, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
