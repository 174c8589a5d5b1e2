import type { EntryView } from '../types/EntryView'
import type { LogView } from '../types/LogView'
import type { AppendEntries, Index, LogPosition, Term } from './record'

export type { LogView } from '../types/LogView'

/** How many entries of each log are kept: the last ones. */
const REMEMBERED = 200

const NOTHING: LogPosition = { index: 0, term: 0 }

export const EMPTY_LOG: LogView = { begins_after: NOTHING, entries: [], saved: 0, commit_index: 0, last_applied: 0 }

export function lastIndexOf(log: LogView): Index {
  return log.begins_after.index + log.entries.length
}

/** The term of the entry at this index, if that is known. */
export function termAt(log: LogView, index: Index): Term | undefined {
  return index === log.begins_after.index ? log.begins_after.term : entryAt(log, index)?.term
}

/** What the entry at this index holds, in words, if that is known. */
export function commandAt(log: LogView, index: Index): string | undefined {
  return entryAt(log, index)?.command ?? undefined
}

function entryAt(log: LogView, index: Index): EntryView | undefined {
  return log.entries[index - log.begins_after.index - 1]
}

/** A restarted server has found a snapshot on its disk, and a log after it. */
export function restore(
  snapshot: LogPosition,
  firstOfTerms: readonly LogPosition[],
  last: LogPosition,
  commands: readonly string[],
): LogView {
  let log = install(EMPTY_LOG, snapshot, true)
  firstOfTerms.forEach((first, place) => {
    const end = firstOfTerms[place + 1]?.index ?? last.index + 1
    log = append(log, first.index, repeated(first.term, end - first.index), [])
  })
  const unknown = log.entries.length - commands.length
  const entries = log.entries.map(({ term }, place) => ({ term, command: commands[place - unknown] ?? null }))
  return noteSaved({ ...log, entries }, last)
}

/** A leader has appended entries of its own term. */
export function appendOwn(log: LogView, first: Index, last: LogPosition, commands: readonly string[]): LogView {
  return append(log, first, repeated(last.term, last.index - first + 1), commands)
}

/** A follower has appended the entries of this request from `first` on. */
export function appendFrom(log: LogView, request: AppendEntries, first: Index, commands: readonly string[]): LogView {
  const known = Math.max(0, first - request.prev_log_index - 1)
  return append(log, first, request.entries.slice(known).map((entry) => entry.term), commands)
}

/** The entries up to this one are gone, if they were there. */
export function forgetUpTo(log: LogView, index: Index): LogView {
  const term = termAt(log, index)
  if (term === undefined) return log
  return { ...log, entries: log.entries.slice(index - log.begins_after.index), begins_after: { index, term } }
}

/** A snapshot replaces the entries up to this one, and all others too if they do not match it. */
export function install(log: LogView, lastIncluded: LogPosition, isWhole: boolean): LogView {
  const { index } = lastIncluded
  const left =
    isWhole || termAt(log, index) === undefined
      ? { ...log, entries: [], begins_after: lastIncluded }
      : forgetUpTo(log, index)
  return {
    ...left,
    saved: Math.min(Math.max(left.saved, index), lastIndexOf(left)),
    commit_index: Math.max(left.commit_index, index),
    last_applied: Math.max(left.last_applied, index),
  }
}

/** The entry at this index and all after it are gone. */
export function truncateFrom(log: LogView, first: Index): LogView {
  const kept = first - 1
  const begins_after = kept < log.begins_after.index ? { index: kept, term: 0 } : log.begins_after
  return {
    ...log,
    begins_after,
    entries: log.entries.slice(0, kept - begins_after.index),
    saved: Math.min(log.saved, kept),
  }
}

/** The log up to this entry is on disk. If the log was truncated meanwhile, this means nothing. */
export function noteSaved(log: LogView, last: LogPosition): LogView {
  return termAt(log, last.index) === last.term ? { ...log, saved: last.index } : log
}

/** The server has crashed: only what is on its disk is left. */
export function loseUnsaved(log: LogView): LogView {
  return truncateFrom(log, log.saved + 1)
}

function append(log: LogView, first: Index, terms: Term[], commands: readonly string[]): LogView {
  const continues = first === lastIndexOf(log) + 1
  // The entries between are unknown.
  const begins_after = continues ? log.begins_after : { index: first - 1, term: 0 }
  const added = terms.map((term, place) => ({ term, command: commands[place] ?? null }))
  const longer = { ...log, begins_after, entries: continues ? [...log.entries, ...added] : added }
  const surplus = longer.entries.length - REMEMBERED
  return surplus > 0 ? forgetUpTo(longer, begins_after.index + surplus) : longer
}

function repeated(term: Term, times: number): Term[] {
  return Array.from({ length: Math.max(0, times) }, () => term)
}
