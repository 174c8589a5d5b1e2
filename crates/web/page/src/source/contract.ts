// What the page and the server that serves it have agreed on.

import type { NodeId, TraceRecord } from '../trace/record'

/** A rule of Raft, as `raft rules --json` has it. */
export type Rule = {
  id: string
  statement: string
  without_it: string
  paper: string | null
  thesis: string | null
  guards: string
}

/** A command of a scenario, and the number of the record before which it stands, from 1. */
export type Caption = { before: number; text: string }

/** What the page is told before the first record. */
export type Setup = {
  mode: 'live' | 'replay'
  title: string
  servers: NodeId[]
  timing: { heartbeat_us: number; election_timeout_min_us: number; election_timeout_max_us: number } | null
  seed: number | null
  /** How fast the servers' clocks run at the start, as a multiple of real time. */
  speed: number
  latency_us: number
  history: number
  captions: Caption[]
  version: string
  rules: Rule[]
}

/** What an exported page has in it. */
export type Embedded = { setup: Setup; snapshot: unknown; records: TraceRecord[] }

/** Which links something is done to. */
export type Links =
  | 'all'
  | { one_way: { from: NodeId; to: NodeId } }
  | { both_ways: [NodeId, NodeId] }
  | { of: NodeId }
  | { between: NodeId[] }

export type Action =
  | { action: 'kill_leader' | 'align_timers' | 'heal' }
  | { action: 'kill' | 'restart' | 'pause' | 'resume' | 'force_timeout'; node: NodeId }
  | { action: 'set_speed'; multiple: number }
  | { action: 'cut' | 'mend'; links: Links }
  | { action: 'delay'; links: Links; delay_us: number }
  | { action: 'lose'; links: Links; percent: number }
  | { action: 'put'; key: string; value: string }
  | { action: 'get' | 'delete'; key: string }
