// What is wrong with a server's data, as `crates/trace/src/view/trouble.rs` has it.

import type { NodeId, TraceRecord } from './record'
import type { Problem } from '../types/Problem'
import type { Trouble } from '../types/Trouble'

export type { Trouble } from '../types/Trouble'

/** The worst comes last. */
const BY_WEIGHT: readonly (Trouble | null)[] = [null, 'far_behind', 'refused', 'older_copy', 'lost_data']

export function worse(one: Trouble | null, other: Trouble | null): Trouble | null {
  return BY_WEIGHT.indexOf(other) > BY_WEIGHT.indexOf(one) ? other : one
}

/** What a server says of itself. */
export function ofOneself(record: TraceRecord): Trouble | null {
  switch (record.event) {
    case 'refused_by':
      return ofProblem(record.problem)
    case 'retired':
      return record.retirement === 'older_copy' ? 'older_copy' : 'lost_data'
    default:
      return null
  }
}

/** What a leader says of another server. */
export function ofAnother(record: TraceRecord): readonly [NodeId, Trouble | null] | null {
  switch (record.event) {
    case 'rejected':
      return [record.from, ofProblem(record.problem)]
    case 'lost_entries':
      return [record.follower, 'lost_data']
    case 'snapshot_needed':
      return [record.follower, 'far_behind']
    default:
      return null
  }
}

function ofProblem(problem: Problem): Trouble | null {
  if (typeof problem === 'object') return 'lost_data'
  switch (problem) {
    case 'other_cluster':
    case 'other_data':
    case 'other_founders':
      return 'refused'
    case 'earlier_start':
      return 'older_copy'
    default:
      return null
  }
}

/** Does this show that its server's trouble is over? A folder whose data is lost stays without it until the next start. */
export function isOver(trouble: Trouble, record: TraceRecord): boolean {
  switch (record.event) {
    case 'appended':
    case 'snapshot_installed':
    case 'snapshot_not_needed':
      return trouble === 'far_behind'
    case 'leader':
      return trouble === 'refused'
    case 'role':
      return trouble === 'refused' && record.role === 'leader'
    case 'membership': {
      const { voters, learners } = record.membership
      const named = 'simple' in voters ? voters.simple : [...voters.joint.old, ...voters.joint.new]
      return trouble === 'refused' && [...named, ...learners].includes(record.node)
    }
    default:
      return false
  }
}
