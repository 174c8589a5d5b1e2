// Which records are part of the story, decided as in `crates/trace/src/feed.rs`.

import { leaderOf, type ClusterView } from './view'
import { lastIndex, type AppendEntries, type Message, type NodeId, type TraceRecord } from './record'

/** Separates routine from news. Routine: heartbeats that change nothing, and messages that repeat earlier ones. */
export class Feed {
  /** Up to which entry each server last said that its log matches the leader's, and in which term. */
  private agreed = new Map<NodeId, { term: number; index: number }>()
  /** How many founders' folders each server last said that it knows, and whether it has saved them. */
  private founding = new Map<string, string>()
  /** The entries that each server last sent to each other server. */
  private sent = new Map<string, string>()
  /** The entries that each server last received from each other server. */
  private received = new Map<string, string>()

  /** Goes on from this state: what the leader knows of the others' logs was said before. */
  resume(cluster: ClusterView): void {
    const leader = leaderOf(cluster)
    if (leader === null) return
    const { term, progress } = cluster.servers[leader]!
    for (const [id, { match_index: index }] of Object.entries(progress)) this.agreed.set(Number(id), { term, index })
  }

  /** Does this happen all the time while nothing changes? */
  isRoutine(record: TraceRecord): boolean {
    switch (record.event) {
      case 'heartbeat':
      case 'unanswered':
        return true
      case 'timer':
        return record.rule === 'reset-timer-on-leader'
      case 'sent':
        return !this.isNews(record.node, record.to, record.message)
      case 'received':
        return this.isRoutineArrival(record.from, record.node, record.message)
      default:
        // A `step` only sums up the records before it.
        return (record.event as string) === 'step'
    }
  }

  private isNews(from: NodeId, to: NodeId, message: Message): boolean {
    const link = `${from}>${to}`
    if ('append_entries' in message) {
      const request = message.append_entries
      if (request.entries.length === 0) return false
      return replaces(this.sent, link, entriesOf(request))
    }
    if ('found' in message) {
      const { founders, is_saved } = message.found
      const said = `${founders.filter(([, incarnation]) => incarnation !== null).length}:${is_saved}`
      return replaces(this.founding, link, said)
    }
    if ('append_entries_reply' in message) {
      const { term, outcome } = message.append_entries_reply
      if (outcome === 'refused' || !('matched' in outcome)) return true
      const index = outcome.matched.match_index
      const before = this.agreed.get(from) ?? { term: 0, index: 0 }
      const isNews = term > before.term || (term === before.term && index > before.index)
      if (isNews) this.agreed.set(from, { term, index })
      return isNews
    }
    return true
  }

  private isRoutineArrival(from: NodeId, to: NodeId, message: Message): boolean {
    if ('append_entries' in message) {
      const request = message.append_entries
      return request.entries.length === 0 || !replaces(this.received, `${from}>${to}`, entriesOf(request))
    }
    if ('append_entries_reply' in message) {
      const { outcome } = message.append_entries_reply
      return outcome !== 'refused' && 'matched' in outcome
    }
    return 'found' in message
  }
}

/** Stores the latest words on a link, and returns whether they are new. */
function replaces(said: Map<string, string>, link: string, words: string): boolean {
  const isNews = said.get(link) !== words
  said.set(link, words)
  return isNews
}

function entriesOf(request: AppendEntries): string {
  return `${request.term}:${request.prev_log_index}:${lastIndex(request)}`
}

/** Is it about the whole cluster, whichever server's name it carries? */
export function isOfAll(record: TraceRecord): boolean {
  return record.event === 'speed' || record.event === 'rule_switched' || record.event.startsWith('links_')
}

/** Does something new happen to the server here, rather than follow from what just happened to it? */
export function beginsStep(record: TraceRecord): boolean {
  switch (record.event) {
    case 'timeout':
    case 'received':
    case 'asked':
      return true
    case 'role':
      return record.was == null
    case 'heartbeat':
      // A new leader sends the first ones as part of its election.
      return record.cause == null
    case 'backed_up':
      // Of its own accord a leader steps back because of a reply.
      return record.rule == null
    default:
      return record.seq == null && record.event !== 'violated'
  }
}
