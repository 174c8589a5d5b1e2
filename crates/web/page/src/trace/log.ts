import type { AppendEntries, Index, LogPosition, Term } from './record'

/** So many entries of each log are remembered: the last ones. */
const REMEMBERED = 200

/** A server's log as an observer knows it: the terms of its last entries, and how far it counts. */
export type LogView = {
  /** All up to this entry is gone, since a snapshot covers it (§7), or forgotten here. */
  readonly beginsAfter: LogPosition
  /** The terms of the entries behind `beginsAfter`, in order. */
  readonly terms: readonly Term[]
  /** As far as this it is on disk. */
  readonly saved: Index
  readonly commitIndex: Index
  readonly lastApplied: Index
}

const NOTHING: LogPosition = { index: 0, term: 0 }

export const EMPTY_LOG: LogView = { beginsAfter: NOTHING, terms: [], saved: 0, commitIndex: 0, lastApplied: 0 }

export function lastIndexOf(log: LogView): Index {
  return log.beginsAfter.index + log.terms.length
}

/** The term of the entry at this index, if that is known. */
export function termAt(log: LogView, index: Index): Term | undefined {
  return index === log.beginsAfter.index ? log.beginsAfter.term : log.terms[index - log.beginsAfter.index - 1]
}

/** A restarted server has found a snapshot on its disk, and a log behind it. */
export function restore(snapshot: LogPosition, firstOfTerms: readonly LogPosition[], last: LogPosition): LogView {
  let log = install(EMPTY_LOG, snapshot, true)
  firstOfTerms.forEach((first, place) => {
    const end = firstOfTerms[place + 1]?.index ?? last.index + 1
    log = append(log, first.index, repeated(first.term, end - first.index))
  })
  return noteSaved(log, last)
}

/** A leader has added to its log what carries its own term. */
export function appendOwn(log: LogView, first: Index, last: LogPosition): LogView {
  return append(log, first, repeated(last.term, last.index - first + 1))
}

/** A follower has taken over some of the entries of this request, from `first` on. */
export function appendFrom(log: LogView, request: AppendEntries, first: Index): LogView {
  const known = Math.max(0, first - request.prev_log_index - 1)
  return append(log, first, request.entries.slice(known).map((entry) => entry.term))
}

/** The entries up to this one are gone, if they were there. */
export function forgetUpTo(log: LogView, index: Index): LogView {
  const term = termAt(log, index)
  if (term === undefined) return log
  return { ...log, terms: log.terms.slice(index - log.beginsAfter.index), beginsAfter: { index, term } }
}

/** A snapshot takes the place of all up to this entry, and of all others too if they did not fit. */
export function install(log: LogView, lastIncluded: LogPosition, isWhole: boolean): LogView {
  const { index } = lastIncluded
  const left =
    isWhole || termAt(log, index) === undefined
      ? { ...log, terms: [], beginsAfter: lastIncluded }
      : forgetUpTo(log, index)
  return {
    ...left,
    saved: Math.min(Math.max(left.saved, index), lastIndexOf(left)),
    commitIndex: Math.max(left.commitIndex, index),
    lastApplied: Math.max(left.lastApplied, index),
  }
}

/** The entry at this index and all behind it are gone. */
export function truncateFrom(log: LogView, first: Index): LogView {
  const kept = first - 1
  const beginsAfter = kept < log.beginsAfter.index ? { index: kept, term: 0 } : log.beginsAfter
  return {
    ...log,
    beginsAfter,
    terms: log.terms.slice(0, kept - beginsAfter.index),
    saved: Math.min(log.saved, kept),
  }
}

/** The log up to this entry is on disk. It may have been cut since: then this says nothing. */
export function noteSaved(log: LogView, last: LogPosition): LogView {
  return termAt(log, last.index) === last.term ? { ...log, saved: last.index } : log
}

/** The server has crashed: what it has is what its disk has. */
export function loseUnsaved(log: LogView): LogView {
  return truncateFrom(log, log.saved + 1)
}

function append(log: LogView, first: Index, terms: Term[]): LogView {
  const continues = first === lastIndexOf(log) + 1
  // What lies between was not told.
  const beginsAfter = continues ? log.beginsAfter : { index: first - 1, term: 0 }
  const longer = { ...log, beginsAfter, terms: continues ? [...log.terms, ...terms] : terms }
  const surplus = longer.terms.length - REMEMBERED
  return surplus > 0 ? forgetUpTo(longer, beginsAfter.index + surplus) : longer
}

function repeated(term: Term, times: number): Term[] {
  return Array.from({ length: Math.max(0, times) }, () => term)
}
