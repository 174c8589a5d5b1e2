import type { TraceRecord } from '../../src/trace/record'

/** A record of server 1 after its first start, with what a test adds to it. */
export function record(fields: object): TraceRecord {
  return { t: 0, node: 1, life: 1, term: 1, why: 'it happened', ...fields } as TraceRecord
}

/** An entry that says nothing. */
export const noOp = (term: number) => ({ term, payload: 'no_op' })

/** AppendEntries after the entry at `prev`. */
export function appendEntries(prev: { index: number; term: number }, entries: object[], term = 1) {
  return {
    append_entries: {
      term,
      prev_log_index: prev.index,
      prev_log_term: prev.term,
      entries,
      leader_commit: 0,
      round: 0,
    },
  }
}
