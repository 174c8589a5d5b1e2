// What a learner tries first, as it is seen in the records. `crates/trace/src/first_steps.rs` sees the same.

import { isWholeBetween } from './network'
import type { TraceRecord } from './record'
import { idsOf, leadersOf, majorityOf, type ClusterView } from './view'

export const FIRST_STEPS = ['kill-the-leader', 'split-the-vote', 'write-without-majority'] as const

export type FirstStep = (typeof FIRST_STEPS)[number]

/** What has been done with this record, if anything. The view is of the cluster before it. */
export function firstStepOf(before: ClusterView, record: TraceRecord): FirstStep | null {
  switch (record.event) {
    case 'died':
      return leadersOf(before).includes(record.node) ? 'kill-the-leader' : null
    case 'role': {
      const votedForItself = (id: number) => before.servers[id]!.term === record.term && before.servers[id]!.voted_for === id
      const isMade = before.servers[record.node]?.timer?.timeout_us === 0
      const isSplit = isMade && record.role === 'candidate' && idsOf(before).some((id) => id !== record.node && votedForItself(id))
      return isSplit ? 'split-the-vote' : null
    }
    case 'asked':
      return record.wish === 'write' && leadersOf(before).includes(record.node) && reachedBy(before, record.node) < majorityOf(before)
        ? 'write-without-majority'
        : null
    default:
      return null
  }
}

/** How many servers no cut link keeps from this one, itself included. */
function reachedBy(cluster: ClusterView, id: number): number {
  return idsOf(cluster).filter((other) => other === id || isWholeBetween(cluster.network, id, other)).length
}
