// One thing that happened, as docs/trace.md describes it.

import type { AppendEntries } from '../types/AppendEntries'
import type { EventId } from '../types/EventId'
import type { Index } from '../types/Index'
import type { Record as Happening } from '../types/Record'

export type { AppendEntries } from '../types/AppendEntries'
export type { EventId } from '../types/EventId'
export type { Index } from '../types/Index'
export type { Link } from '../types/Link'
export type { LogPosition } from '../types/LogPosition'
export type { Message } from '../types/Message'
export type { NodeId } from '../types/NodeId'
export type { Payload } from '../types/Payload'
export type { Term } from '../types/Term'

/** A record as it comes in JSON: with its sentence, and its rule if one decided. */
export type TraceRecord = Happening & { why: string; rule?: string | null }

/** An event's name as people write it: `n2:117`, or `n2.3:117` after the server's third start. */
export function eventName({ node, life, seq }: EventId): string {
  return life === 1 ? `n${node}:${seq}` : `n${node}.${life}:${seq}`
}

/** The record's name, if the server itself reported it. */
export function nameOf({ node, life, seq }: TraceRecord): string | undefined {
  return seq == null ? undefined : eventName({ node, life, seq })
}

/** The rule that decided. Where a learner’s answer decided, the record names the rule whose place it took. */
export function ruleOf(record: TraceRecord): string | null {
  return 'by_other_answer' in record && record.by_other_answer ? null : (record.rule ?? null)
}

/** Where the entries of this request end. */
export function lastIndex(request: AppendEntries): Index {
  return request.prev_log_index + request.entries.length
}
